//===- TileMap.cpp - element-wise and reducing tile operations ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One parallel dimension is the lanes; the loop over its blocks stands outside all others, so that what an
// operation reduces into stays in registers. What does not depend on the lanes stays scalar until a vector
// needs it.
#include "Tiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace {

/// Vectors side by side, for bodies with and without elementary functions.
constexpr int64_t kLongJam = 1, kShortJam = 4;

class TileMap {
public:
  TileMap(linalg::LinalgOp op, const weir::VectorUnit &unit) : op(op), unit(unit), b(op.getLoc(), op) {}

  bool emit() {
    maps = op.getIndexingMapsArray();
    if (!chooseLanes())
      return false;
    SmallVector<Value> ends(maps[0].getNumDims());
    for (unsigned dim = 0; dim < ends.size(); ++dim)
      ends[dim] = endOf(dim);
    at.assign(ends.size(), Value());
    chooseJam();
    emitLoops(ends, -1);
    return true;
  }

private:
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  MemRefType typeOf(unsigned operand) { return dyn_cast<MemRefType>(op->getOperand(operand).getType()); }

  static bool isDense(MemRefType type) {
    SmallVector<int64_t> strides;
    int64_t offset;
    return succeeded(type.getStridesAndOffset(strides, offset)) && (strides.empty() || strides.back() == 1);
  }

  /// The lanes: a parallel dimension that is innermost in every result, and of a fixed length that whole
  /// vectors cover.
  bool chooseLanes() {
    unsigned inputs = op.getNumDpsInputs();
    if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return false;
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      if (!typeOf(i) && !op->getOperand(i).getType().isIntOrFloat())
        return false;
    if (maps.back().getNumResults() == 0)
      return false;
    unsigned bits = 32;
    for (unsigned i = inputs; i < op->getNumOperands(); ++i)
      bits = std::max(bits, typeOf(i).getElementTypeBitWidth());
    width = unit.bytes * 8 / bits;
    lane = cast<AffineDimExpr>(maps.back().getResults().back()).getPosition();
    if (op.getIteratorTypesArray()[lane] != utils::IteratorType::parallel)
      return false;
    for (unsigned i = inputs; i < op->getNumOperands(); ++i) {
      if (maps[i].getNumResults() == 0)
        return false;
      auto last = dyn_cast<AffineDimExpr>(maps[i].getResults().back());
      if (!last || last.getPosition() != lane || !isDense(typeOf(i)) ||
          typeOf(i).isDynamicDim(typeOf(i).getRank() - 1) || typeOf(i).getShape().back() % width)
        return false;
    }
    return isVectorisable();
  }

  /// Where a loop over another dimension runs inside, several vectors go through it side by side: their
  /// chains of reductions overlap, and a row of a tile is read in one go. Bodies with elementary functions
  /// need the registers for themselves.
  void chooseJam() {
    if (maps[0].getNumDims() < 2)
      return;
    bool isLong = llvm::any_of(op.getBlock()->without_terminator(), [](Operation &inner) {
      return isa_and_nonnull<math::MathDialect>(inner.getDialect());
    });
    int64_t vectors = typeOf(op->getNumOperands() - 1).getShape().back() / width;
    for (int64_t candidate = isLong ? kLongJam : kShortJam; candidate > 1; --candidate)
      if (vectors % candidate == 0) {
        jam = candidate;
        return;
      }
  }

  /// The body holds nothing but scalar arithmetic, reads of memory, and coordinates.
  bool isVectorisable() {
    return llvm::all_of(op.getBlock()->without_terminator(), [](Operation &inner) {
      return isa<linalg::IndexOp, memref::LoadOp>(inner) ||
             (inner.getNumRegions() == 0 && inner.getNumResults() == 1 &&
              (OpTrait::hasElementwiseMappableTraits(&inner) || inner.hasTrait<OpTrait::ConstantLike>()));
    });
  }

  Value endOf(unsigned dim) {
    for (auto [i, map] : llvm::enumerate(maps))
      if (auto place = map.getResultPosition(getAffineDimExpr(dim, map.getContext()))) {
        if (!typeOf(i).isDynamicDim(*place))
          return constant(typeOf(i).getDimSize(*place));
        return memref::DimOp::create(b, op->getOperand(i), *place);
      }
    llvm_unreachable("every dimension of a tile operation is one of an operand");
  }

  void emitLoops(ArrayRef<Value> ends, int dim) {
    if (dim == int(ends.size()))
      return emitBodies();
    unsigned own = dim < 0 ? lane : unsigned(dim);
    if (dim >= 0 && own == lane)
      return emitLoops(ends, dim + 1);
    auto loop = scf::ForOp::create(b, constant(0), ends[own], constant(own == lane ? width * jam : 1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    at[own] = loop.getInductionVar();
    emitLoops(ends, dim + 1);
  }

  bool varies(Value value) { return isa<VectorType>(value.getType()); }
  Value spread(Value value) {
    return varies(value)
               ? value
               : vector::BroadcastOp::create(b, VectorType::get({width}, value.getType()), value).getResult();
  }

  SmallVector<Value> indicesOf(AffineMap map) {
    SmallVector<Value> list;
    for (AffineExpr result : map.getResults())
      list.push_back(at[cast<AffineDimExpr>(result).getPosition()]);
    return list;
  }

  /// The elements of an operand: one scalar, or one a lane.
  Value read(unsigned operand) {
    Value memory = op->getOperand(operand);
    MemRefType type = typeOf(operand);
    if (!type)
      return memory;
    AffineMap map = maps[operand];
    SmallVector<Value> indices = indicesOf(map);
    auto place = map.getResultPosition(getAffineDimExpr(lane, map.getContext()));
    if (!place)
      return memref::LoadOp::create(b, memory, indices);
    auto vector = VectorType::get({width}, type.getElementType());
    if (*place + 1 == map.getNumResults() && isDense(type))
      return vector::LoadOp::create(b, vector, memory, indices);
    Value first = indices[*place];
    return gather(vector, [&](int64_t k) {
      indices[*place] = arith::AddIOp::create(b, first, constant(k));
      return memref::LoadOp::create(b, memory, indices).getResult();
    });
  }

  Value gather(VectorType type, llvm::function_ref<Value(int64_t)> one) {
    SmallVector<Value> elements;
    for (int64_t k = 0; k < width; ++k)
      elements.push_back(one(k));
    return vector::FromElementsOp::create(b, type, elements);
  }

  void emitBodies() {
    Value first = at[lane];
    for (int64_t k = 0; k < jam; ++k) {
      at[lane] = k ? arith::AddIOp::create(b, first, constant(k * width)).getResult() : first;
      emitBody();
    }
    at[lane] = first;
  }

  void emitBody() {
    IRMapping values;
    Block *block = op.getBlock();
    for (auto [i, arg] : llvm::enumerate(block->getArguments()))
      if (!arg.use_empty())
        values.map(arg, read(i));
    for (Operation &inner : block->without_terminator())
      values.map(inner.getResult(0), emitOp(inner, values));
    unsigned inputs = op.getNumDpsInputs();
    for (auto [k, value] : llvm::enumerate(block->getTerminator()->getOperands())) {
      unsigned operand = inputs + k;
      vector::StoreOp::create(b, spread(values.lookupOrDefault(value)), op->getOperand(operand),
                              indicesOf(maps[operand]));
    }
  }

  Value emitOp(Operation &inner, IRMapping &values) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      Value first = at[index.getDim()];
      if (index.getDim() != lane)
        return first;
      auto type = VectorType::get({width}, b.getIndexType());
      return arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, first),
                                   vector::StepOp::create(b, type));
    }
    SmallVector<Value> operands;
    for (Value operand : inner.getOperands())
      operands.push_back(values.lookupOrDefault(operand));
    if (llvm::none_of(operands, [&](Value v) { return varies(v); }))
      return b.clone(inner, values)->getResult(0);
    auto type = VectorType::get({width}, inner.getResult(0).getType());
    if (auto load = dyn_cast<memref::LoadOp>(inner))
      return gather(type, [&](int64_t k) {
        SmallVector<Value> indices;
        for (Value v : ArrayRef<Value>(operands).drop_front())
          indices.push_back(varies(v) ? vector::ExtractOp::create(b, v, k).getResult() : v);
        return memref::LoadOp::create(b, load.getMemRef(), indices).getResult();
      });
    for (Value &operand : operands)
      operand = spread(operand);
    OperationState state(inner.getLoc(), inner.getName(), operands, type, inner.getAttrs());
    return b.create(state)->getResult(0);
  }

  linalg::LinalgOp op;
  const weir::VectorUnit &unit;
  ImplicitLocOpBuilder b;
  SmallVector<AffineMap> maps;
  SmallVector<Value> at; ///< the value of each iteration dimension; the first lane's for the lanes
  unsigned lane = 0;
  int64_t width = 1, jam = 1; ///< lanes of a vector, vectors side by side
};

} // namespace

bool weir::emitTileMap(linalg::LinalgOp op, const VectorUnit &unit) { return TileMap(op, unit).emit(); }
