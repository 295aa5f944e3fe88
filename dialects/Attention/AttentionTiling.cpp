//===- AttentionTiling.cpp - an equation on a part of its coordinates ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TilingInterface of attn.einsum, so that a host's tiling and fusion passes take it along. Every coordinate
// of the left side is parallel; reductions stay inside the body. A tile is the same equation with smaller
// extents whose body adds the tile's offset to each coordinate: what it reads it reads at the places it did
// before, so no operand is sliced.
//
//   Y[m] = X[m] * m, m < M   -->   T[m] = X[m + o] * (m + o), m < size
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace weir::attn;

SmallVector<utils::IteratorType> EinsumOp::getLoopIteratorTypes() {
  return SmallVector<utils::IteratorType>(getCoords().size(), utils::IteratorType::parallel);
}

SmallVector<Range> EinsumOp::getIterationDomain(OpBuilder &b) {
  SmallVector<Range> ranges;
  for (Value extent : getExtents())
    ranges.push_back({b.getIndexAttr(0), getAsOpFoldResult(extent), b.getIndexAttr(1)});
  return ranges;
}

/// Makes every coordinate of `tile`'s body the sum of itself and its offset.
static void shiftCoordinates(OpBuilder &b, EinsumOp tile, ArrayRef<OpFoldResult> offsets) {
  Location loc = tile.getLoc();
  for (auto [coordinate, offset] : llvm::zip(tile.getCoordinates(), offsets)) {
    if (isZeroInteger(offset))
      continue;
    b.setInsertionPoint(tile);
    Value index = getValueOrCreateConstantIndexOp(b, loc, offset);
    Value shift = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
    b.setInsertionPointToStart(&tile.getBody().front());
    Value sum = MapOp::create(b, loc, b.getI64Type(), Fn::Add, ValueRange{coordinate, shift});
    coordinate.replaceAllUsesExcept(sum, sum.getDefiningOp());
  }
}

FailureOr<TilingResult> EinsumOp::getTiledImplementation(OpBuilder &b, ArrayRef<OpFoldResult> offsets,
                                                         ArrayRef<OpFoldResult> sizes) {
  // A part of a recurrence's equation would read results that stand for the whole.
  if (isa<RecurrenceOp>((*this)->getParentOp()))
    return failure();
  SmallVector<Value> dynamicSizes;
  SmallVector<int64_t> shape;
  dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
  Type type = RankedTensorType::get(shape, getResult().getType().getElementType());
  SmallVector<Value> extents;
  for (OpFoldResult size : sizes)
    extents.push_back(getValueOrCreateConstantIndexOp(b, getLoc(), size));

  auto tile =
      EinsumOp::create(b, getLoc(), type, getNameAttr(), getCoordsAttr(), extents, /*mapping=*/Attribute());
  IRMapping mapping;
  getBody().cloneInto(&tile.getBody(), mapping);
  OpBuilder::InsertionGuard guard(b);
  shiftCoordinates(b, tile, offsets);
  return TilingResult{{tile}, {tile.getResult()}, {}};
}

LogicalResult EinsumOp::getResultTilePosition(OpBuilder &, unsigned, ArrayRef<OpFoldResult> offsets,
                                              ArrayRef<OpFoldResult> sizes,
                                              SmallVector<OpFoldResult> &resultOffsets,
                                              SmallVector<OpFoldResult> &resultSizes) {
  resultOffsets.assign(offsets.begin(), offsets.end());
  resultSizes.assign(sizes.begin(), sizes.end());
  return success();
}

FailureOr<TilingResult> EinsumOp::generateResultTileValue(OpBuilder &b, unsigned,
                                                          ArrayRef<OpFoldResult> offsets,
                                                          ArrayRef<OpFoldResult> sizes) {
  return getTiledImplementation(b, offsets, sizes);
}
