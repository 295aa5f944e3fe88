//===- TileSquares.cpp - memory that lies across the lanes ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where another dimension than the lanes lies side by side in memory, one element a lane would be read at a
// time. Squares of as many elements as a vector has lanes either way are read along that dimension instead,
// and turned.
#include "TileMap.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

/// How many operations on numbers a body may have that is repeated for columns of a square.
constexpr int64_t kTurnedOps = 16;

/// Whether an index can be computed for one lane at a time: from coordinates and memory, not from the other
/// dimension.
bool TileMap::isOfLanes(Value v, bool &asksLane) {
  Operation *inner = v.getDefiningOp();
  if (!op->getRegion(0).isAncestor(v.getParentRegion()))
    return true;
  if (auto index = dyn_cast_or_null<linalg::IndexOp>(inner)) {
    asksLane = true;
    return index.getDim() == lane;
  }
  return inner && inner->getNumRegions() == 0 &&
         llvm::all_of(inner->getOperands(), [&](Value operand) { return isOfLanes(operand, asksLane); });
}

/// Looks for what has the lanes, but along which another dimension lies side by side: such memory is read in
/// squares, along that dimension, which are turned. Only in short bodies, of which a square takes several.
void TileMap::chooseTurn() {
  if (maps[0].getNumDims() != 2 || isOpen || !llvm::isPowerOf2_64(width) ||
      llvm::is_contained(op.getIteratorTypesArray(), utils::IteratorType::reduction))
    return;
  auto mayTurn = [&](Value memory) {
    auto type = cast<MemRefType>(memory.getType());
    return isDense(type) && type.getElementType().isIntOrFloat() && isOnlyRead(memory) &&
           width * type.getElementTypeBitWidth() == unit.bytes * 8;
  };
  unsigned other = 1 - lane;
  for (int64_t i = 0; i < op.getNumDpsInputs(); ++i)
    if (typeOf(i) && maps[i].getNumResults() == 2 && maps[i].getDimPosition(1) == other &&
        mayTurn(op->getOperand(i)))
      turned.insert(op.getBlock()->getArgument(i));
  int64_t size = 0;
  for (Operation &inner : op.getBlock()->without_terminator()) {
    size += isa<FloatType>(inner.getResult(0).getType()) && !inner.hasTrait<OpTrait::ConstantLike>();
    bool asksLane = false;
    if (auto load = dyn_cast<memref::LoadOp>(inner);
        load && isLineOf(load, other) && mayTurn(load.getMemRef()))
      if (llvm::all_of(load.getIndices().drop_back(), [&](Value v) { return isOfLanes(v, asksLane); }) &&
          asksLane)
        turned.insert(load);
  }
  if (size > kTurnedOps)
    turned.clear();
}

/// Whether memory holds the last square, of which there may be a part only, as a whole.
bool TileMap::isInWholeSquares(Value what) {
  auto arg = dyn_cast<BlockArgument>(what);
  auto view =
      arg ? op->getOperand(arg.getArgNumber()).getDefiningOp<memref::SubViewOp>() : memref::SubViewOp();
  if (!view || view.getDroppedDims().any())
    return false;
  int64_t length = view.getSourceType().getShape().back();
  return isConstantIntValue(view.getMixedOffsets().back(), 0) &&
         isConstantIntValue(view.getMixedStrides().back(), 1) && !ShapedType::isDynamic(length) &&
         length % width == 0;
}

/// A line of what is turned, along the other dimension: of the lane at that place.
Value TileMap::lineAt(Value what, Value place) {
  Operation *inner = what.getDefiningOp();
  unsigned operand = inner ? 0 : cast<BlockArgument>(what).getArgNumber();
  Value memory = inner ? cast<memref::LoadOp>(inner).getMemRef() : op->getOperand(operand);
  SmallVector<Value> indices;
  if (!inner) {
    Value first = std::exchange(at[lane], place);
    indices = indicesOf(maps[operand]);
    at[lane] = first;
  } else {
    IRMapping values;
    std::function<Value(Value)> emit = [&](Value v) -> Value {
      Operation *own = v.getDefiningOp();
      if (!op->getRegion(0).isAncestor(v.getParentRegion()) || values.contains(v))
        return values.lookupOrDefault(v);
      if (isa<linalg::IndexOp>(own))
        return place;
      for (Value operand : own->getOperands())
        values.map(operand, emit(operand));
      return b.clone(*own, values)->getResult(0);
    };
    for (Value index : cast<memref::LoadOp>(inner).getIndices().drop_back())
      indices.push_back(emit(index));
    indices.push_back(at[1 - lane]);
  }
  auto type = VectorType::get({width}, cast<MemRefType>(memory.getType()).getElementType());
  return vector::LoadOp::create(b, type, memory, indices);
}

/// Bodies for as many settings of the other dimension as a vector has lanes. Of what is turned, lines go to a
/// scratch tile with their parts turned among each other, and are turned inside their parts on the way from
/// there: loops are short to compile, and settings come in order.
void TileMap::emitSquare() {
  Value &other = at[1 - lane], first = other;
  int64_t part = lanesOfPart(unit.bytes * 8 / width), parts = width / part;
  llvm::SmallDenseMap<Value, Value> scratch;
  auto loopOver = [&](int64_t count, llvm::function_ref<void(Value)> inside) {
    auto loop = scf::ForOp::create(b, constant(0), constant(count), constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    inside(loop.getInductionVar());
  };
  for (Value what : turned)
    scratch[what] = memref::AllocaOp::create(b, MemRefType::get({parts, part, width}, what.getType()));
  loopOver(part, [&](Value own) {
    Value begin = arith::AddIOp::create(b, at[lane], own);
    for (Value what : turned) {
      SmallVector<Value> lines;
      for (int64_t k = 0; k < parts; ++k)
        lines.push_back(lineAt(what, arith::AddIOp::create(b, begin, constant(k * part))));
      for (auto [k, line] : llvm::enumerate(turnParts(b, lines)))
        vector::StoreOp::create(b, line, scratch[what], ValueRange{constant(k), own, constant(0)});
    }
  });
  loopOver(parts, [&](Value own) {
    llvm::SmallDenseMap<Value, SmallVector<Value>> all;
    for (Value what : turned) {
      auto type = VectorType::get({width}, what.getType());
      for (int64_t k = 0; k < part; ++k)
        all[what].push_back(
            vector::LoadOp::create(b, type, scratch[what], ValueRange{own, constant(k), constant(0)}));
      all[what] = turnInParts(b, all[what]);
    }
    Value begin = arith::AddIOp::create(b, first, arith::MulIOp::create(b, own, constant(part)));
    for (int64_t k = 0; k < part; ++k) {
      other = arith::AddIOp::create(b, begin, constant(k));
      for (Value what : turned)
        column[what] = all[what][k];
      OpBuilder::InsertionGuard guard(b);
      if (endOfColumns) {
        Value isInside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, other, endOfColumns);
        b.setInsertionPointToStart(scf::IfOp::create(b, isInside, /*withElseRegion=*/false).thenBlock());
      }
      emitBodies();
    }
  });
  other = first;
  column.clear();
}
