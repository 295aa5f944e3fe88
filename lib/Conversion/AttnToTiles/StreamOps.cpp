//===- StreamOps.cpp - tile operations ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "weir/Support/KernelContract.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

/// Setting number `number`.
Value Span::at(ImplicitLocOpBuilder &b, Value number) const {
  if (step != 1)
    number = arith::MulIOp::create(b, number, constantIndex(b, step));
  return arith::AddIOp::create(b, begin, number);
}

OpFoldResult StreamEmitter::innerOf(Builder &b, const StreamTiles::Product &product) {
  if (!ShapedType::isDynamic(product.inner))
    return b.getIndexAttr(product.inner);
  return emitter.extentValues.lookup(extents.of(product.innerExtent));
}

/// The tile of a product in the workspace: one of rows, behind it one of keys, behind that a line.
Value StreamEmitter::placeTile(Builder &b, ArrayRef<Role> axes, const StreamTiles::Product &product) {
  Value inner = getValueOrCreateConstantIndexOp(b, b.getLoc(), innerOf(b, product)), at = places.lookup(&product);
  auto has = [&](Role role) { return llvm::is_contained(axes, role); };
  int64_t before = has(Role::Row)                         ? 0
                   : has(Role::Key) || has(Role::Shift) ? sizes.getM()
                                                         : sizes.getM() + StreamTiles::shiftsOf(sizes);
  if (before) {
    Value bytes = constantIndex(b, before * plan.real.getIntOrFloatBitWidth() / 8);
    at = arith::AddIOp::create(b, at, arith::MulIOp::create(b, inner, bytes));
  }
  SmallVector<int64_t> shape;
  for (Role axis : axes)
    shape.push_back(axis == Role::Row     ? sizes.getM()
                    : axis == Role::Key   ? sizes.getN()
                    : axis == Role::Shift ? StreamTiles::shiftsOf(sizes)
                                          : ShapedType::kDynamic);
  auto tile = memref::ViewOp::create(b, MemRefType::get(shape, plan.real), workspace, at, inner);
  tile->setAttr("weir.tile", b.getUnitAttr());
  return tile;
}

StreamEmitter::View StreamEmitter::makeTile(ArrayRef<Role> axes, const StreamTiles::Product *product, Type element) {
  Builder b(anchor->getLoc(), anchor);
  if (!element && product && places.count(product) && llvm::is_contained(axes, Role::Inner))
    return {placeTile(b, axes, *product), SmallVector<Role>(axes)};
  SmallVector<OpFoldResult> shape;
  for (Role axis : axes)
    shape.push_back(axis == Role::Row   ? OpFoldResult(b.getIndexAttr(sizes.getM()))
                    : axis == Role::Key ? OpFoldResult(b.getIndexAttr(sizes.getN()))
                    : axis == Role::Shift ? OpFoldResult(b.getIndexAttr(StreamTiles::shiftsOf(sizes)))
                                        : innerOf(b, *product));
  auto tile = memref::AllocaOp::create(b, shape, element ? element : plan.real);
  tile->setAttr("weir.tile", b.getUnitAttr());
  return {tile, SmallVector<Role>(axes)};
}

/// The part of a tile that the block of keys at hand fills, or the run.
StreamEmitter::View StreamEmitter::inBlock(Builder &b, const View &tile) {
  if (!llvm::is_contained(tile.axes, Role::Key))
    return tile;
  auto type = cast<MemRefType>(tile.memory.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), strides(type.getRank(), b.getIndexAttr(1)), counts;
  for (auto [k, axis] : llvm::enumerate(tile.axes)) {
    if (axis == Role::Key && run)
      offsets[k] = run->column;
    counts.push_back(axis == Role::Key ? OpFoldResult(run ? run->count : keyCount)
                                       : memref::getMixedSize(b, b.getLoc(), tile.memory, k));
  }
  return {memref::SubViewOp::create(b, tile.memory, offsets, counts, strides), tile.axes};
}

static AffineMap mapOf(ArrayRef<StreamTiles::Role> axes, ArrayRef<StreamTiles::Role> space, MLIRContext *context) {
  SmallVector<AffineExpr> results;
  for (auto axis : axes)
    results.push_back(getAffineDimExpr(llvm::find(space, axis) - space.begin(), context));
  return AffineMap::get(space.size(), 0, results, context);
}

/// An operation on all settings of `space`; a dimension that some result lacks is reduced.
void StreamEmitter::generic(Builder &b, Space space, ArrayRef<View> ins, ArrayRef<View> outs, Body body) {
  SmallVector<Value> inputs, results;
  SmallVector<AffineMap> maps;
  SmallVector<utils::IteratorType> iterators(space.size(), utils::IteratorType::parallel);
  for (const View &view : ins) {
    inputs.push_back(view.memory);
    maps.push_back(mapOf(view.axes, space, b.getContext()));
  }
  for (const View &view : outs) {
    results.push_back(view.memory);
    maps.push_back(mapOf(view.axes, space, b.getContext()));
    for (auto [k, axis] : llvm::enumerate(space))
      if (!llvm::is_contained(view.axes, axis))
        iterators[k] = utils::IteratorType::reduction;
  }
  linalg::GenericOp::create(b, inputs, results, maps, iterators, [&](OpBuilder &nested, Location loc, ValueRange args) {
    Builder in(loc, nested);
    auto scope = emitter.scope();
    linalg::YieldOp::create(in, body(in, args));
  });
}

void StreamEmitter::fill(Builder &b, const View &tile, double value) {
  Type element = cast<MemRefType>(tile.memory.getType()).getElementType();
  linalg::FillOp::create(b, ValueRange{constantLike(b, element, value)}, ValueRange{tile.memory});
}

void StreamEmitter::copy(Builder &b, const View &from, const View &to) {
  generic(b, from.axes, from, to, [](Builder &, ValueRange args) { return SmallVector<Value>{args[0]}; });
}

/// out += left * right; the dimension that `out` lacks is summed. It says where both factors are rounded, as `product` does, and whether a matrix unit takes it.
Operation *StreamEmitter::contract(Builder &b, Operation *product, const View &left, const View &right, const View &out) {
  bool isShifted = llvm::is_contained(right.axes, Role::Shift);
  SmallVector<Role> space{Role::Row, isShifted ? Role::Shift : Role::Key, Role::Inner};
  auto maps = b.getAffineMapArrayAttr({mapOf(left.axes, space, b.getContext()), mapOf(right.axes, space, b.getContext()),
                                       mapOf(out.axes, space, b.getContext())});
  auto contraction = linalg::ContractOp::create(b, ValueRange{left.memory, right.memory}, ValueRange{out.memory}, maps);
  if (mapping::isRoundedToTF32(product))
    contraction->setAttr(mapping::kRoundedAttr, product->getAttr(mapping::kRoundedAttr));
  if (auto pieces = product->getAttr(mapping::kMatrixUnitAttr))
    contraction->setAttr(kMatrixUnitAttr, pieces);
  return contraction;
}

/// A coordinate in a tile operation's region, an i64.
Value StreamEmitter::index(Builder &b, Space space, Role role) {
  Value at = linalg::IndexOp::create(b, llvm::find(space, role) - space.begin());
  if (role == Role::Key)
    at = Span{keyBegin, keyCount, plan.stepOf(plan.keys[0].first)}.at(b, at);
  if (role == Role::Row) {
    // Rows past the end repeat the last one; they are computed and not stored.
    Value last = arith::SubIOp::create(b, rows[0].count, constantIndex(b, 1));
    at = rows[0].at(b, arith::MinUIOp::create(b, at, last));
  }
  return toInt(b, at);
}

/// One of several coordinates of the row at a place of a tile. Rows past the end of one repeat its last; they are computed and not stored.
Value StreamEmitter::rowAt(Builder &b, Value place, StringRef coordinate) {
  SmallVector<int64_t> shape = plan.shapeOf(sizes.getM());
  for (unsigned k = plan.rows.size(); k-- > 0;) {
    Value height = constantIndex(b, shape[k]), own = arith::RemUIOp::create(b, place, height);
    place = arith::DivUIOp::create(b, place, height);
    if (plan.rows[k].first != coordinate)
      continue;
    Value last = arith::SubIOp::create(b, rows[k].count, constantIndex(b, 1));
    return toInt(b, rows[k].at(b, arith::MinUIOp::create(b, own, last)));
  }
  llvm_unreachable("a coordinate of the row");
}

/// The place in tiles of the row or key of a tile operation's region.
Value StreamEmitter::placeOf(Builder &b, Space space, Role role) {
  Value at = linalg::IndexOp::create(b, llvm::find(space, role) - space.begin());
  Value first = role == Role::Row ? rowOffset : role == Role::Key && run ? run->column : Value();
  return first ? arith::AddIOp::create(b, first, at).getResult() : at;
}

/// One of the coordinates of a row, a key or a feature.
Value StreamEmitter::coordinateAt(Builder &b, Space space, BlockArgument coordinate) {
  Role role = plan.roleOf(coordinate);
  bool isTuple = (role == Role::Row && plan.rows.size() != 1) || (role == Role::Key && plan.keys.size() != 1);
  if (!isTuple)
    return index(b, space, role);
  Value at = placeOf(b, space, role);
  if (role == Role::Row && plan.keys.size() == 1)
    return rowAt(b, at, getCoordinateName(coordinate));
  return memref::LoadOp::create(b, tables.lookup(getCoordinateName(coordinate)), at);
}

void StreamEmitter::bindCoordinates(Builder &b, Block *block, Space space) {
  if (plan.shared)
    block->walk([&](MapOp map) {
      if (auto lane = sharedLanes.find(map); lane != sharedLanes.end())
        emitter.bind(map, lane->second);
    });
  for (BlockArgument arg : block->getArguments()) {
    Role role = plan.roleOf(arg);
    if (role == Role::Outer)
      emitter.bind(arg, {outer->lookup(getCoordinateName(arg)), nullptr, nullptr});
    else if (role == Role::Key && run && getCoordinateName(arg) != plan.keys.back().first)
      emitter.bind(arg, {toInt(b, coordinateOfRun(getCoordinateName(arg))), nullptr, nullptr});
    else if (llvm::is_contained(space, role))
      emitter.bind(arg, {coordinateAt(b, space, arg), nullptr, nullptr});
  }
}

void StreamEmitter::guarded(Builder &b, Value condition, function_ref<void()> inside, function_ref<void()> otherwise) {
  if (!condition)
    return inside();
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  auto emitIn = [&](Block *block, function_ref<void()> emit) {
    b.setInsertionPointToStart(block);
    auto scope = emitter.scope();
    emit();
  };
  emitIn(branch.thenBlock(), inside);
  if (otherwise)
    emitIn(branch.elseBlock(), otherwise);
}
