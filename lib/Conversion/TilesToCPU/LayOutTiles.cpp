//===- LayOutTiles.cpp - which dimension of a tile is innermost -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lanes of a vector are the rows (queries) of a streamed kernel: then no operation ever goes across
// lanes, and keys and values are read where they lie, one scalar broadcast a time. So a tile that has the row
// dimension stores it innermost. Rows that fill no vector stay outside: then lanes are keys and features.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/MapVector.h"

namespace weir {
#define GEN_PASS_DEF_LAYOUTTILES
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

/// The tile behind an operand, through views that keep its dimensions: an allocation, or a piece of the workspace.
Operation *tileOf(Value operand) {
  while (auto view = operand.getDefiningOp<memref::SubViewOp>()) {
    if (view.getDroppedDims().any())
      return nullptr;
    operand = view.getSource();
  }
  Operation *tile = operand.getDefiningOp();
  return isa_and_nonnull<memref::AllocaOp, memref::ViewOp>(tile) && tile->hasAttr("weir.tile") ? tile : nullptr;
}

/// The place of iteration dimension `dim` among a map's results, or none.
std::optional<unsigned> placeOf(AffineMap map, unsigned dim) {
  return map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
}

AffineMap permuted(AffineMap map, ArrayRef<int64_t> order) {
  SmallVector<AffineExpr> results;
  for (int64_t place : order)
    results.push_back(map.getResult(place));
  return AffineMap::get(map.getNumDims(), 0, results, map.getContext());
}

template <typename T> SmallVector<T> permuted(ArrayRef<T> list, ArrayRef<int64_t> order) {
  SmallVector<T> result;
  for (int64_t place : order)
    result.push_back(list[place]);
  return result;
}

struct LayOutTiles : weir::impl::LayOutTilesBase<LayOutTiles> {
  using LayOutTilesBase::LayOutTilesBase;

  void runOnOperation() override {
    lanes.clear();
    SmallVector<linalg::LinalgOp> ops;
    getOperation()->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops)
      if (isa<linalg::ContractOp>(op))
        seed(op);
    while (llvm::any_of(ops, [&](linalg::LinalgOp op) { return propagate(op); }))
      ;
    bool hasStrips = llvm::any_of(ops, [](Operation *op) { return op->hasAttr(weir::kMatrixUnitAttr); });
    for (auto [tile, lane] : lanes) {
      if (hasStrips)
        tile->setAttr(weir::kRowsAttr, UnitAttr::get(&getContext()));
      auto type = cast<MemRefType>(tile->getResult(0).getType());
      SmallVector<int64_t> order;
      for (int64_t k = 0; k < type.getRank(); ++k)
        if (k != lane)
          order.push_back(k);
      order.push_back(lane);
      if (lane == type.getRank() - 1)
        continue;
      if (failed(store(tile, order)))
        return signalPassFailure();
    }
  }

private:
  /// A contraction's rows: a parallel dimension of fixed length in a tile that the other operand does not
  /// have.
  void seed(linalg::LinalgOp op) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (unsigned side : {0u, 1u}) {
      Value operand = op->getOperand(side);
      Operation *tile = tileOf(operand), *result = tileOf(op->getOperand(2));
      if (!tile || !result)
        continue;
      for (unsigned dim = 0; dim < maps[0].getNumDims(); ++dim) {
        auto mine = placeOf(maps[side], dim), out = placeOf(maps[2], dim);
        auto type = cast<MemRefType>(operand.getType());
        int64_t width = vectorBytes * 8 / type.getElementTypeBitWidth();
        bool fixed = mine && !type.isDynamicDim(*mine) && type.getDimSize(*mine) % width == 0;
        if (!fixed || !out || placeOf(maps[1 - side], dim))
          continue;
        lanes.insert({tile, *mine});
        lanes.insert({result, *out});
        return;
      }
    }
  }

  /// Hands an operand's choice on to the others of an operation; whether something was new.
  bool propagate(linalg::LinalgOp op) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    bool changed = false;
    for (auto [from, map] : llvm::zip_equal(op->getOperands().take_front(maps.size()), maps)) {
      auto known = tileOf(from) ? lanes.find(tileOf(from)) : lanes.end();
      if (known == lanes.end())
        continue;
      auto dim = dyn_cast<AffineDimExpr>(map.getResult(known->second));
      if (!dim)
        continue;
      for (auto [to, other] : llvm::zip_equal(op->getOperands().take_front(maps.size()), maps)) {
        Operation *tile = tileOf(to);
        auto place = placeOf(other, dim.getPosition());
        if (tile && place && lanes.insert({tile, *place}).second)
          changed = true;
      }
    }
    return changed;
  }

  /// Stores the tile with its dimensions in `order`.
  LogicalResult store(Operation *tile, ArrayRef<int64_t> order) {
    OpBuilder b(tile);
    auto type = cast<MemRefType>(tile->getResult(0).getType());
    assert(type.getNumDynamicDims() <= 1 && "sizes would have to change places too");
    Operation *stored = b.clone(*tile);
    stored->getResult(0).setType(MemRefType::get(permuted(type.getShape(), order), type.getElementType()));
    if (failed(replace(tile->getResult(0), stored->getResult(0), order)))
      return failure();
    tile->erase();
    return success();
  }

  LogicalResult replace(Value from, Value to, ArrayRef<int64_t> order) {
    for (OpOperand &use : llvm::make_early_inc_range(from.getUses())) {
      Operation *user = use.getOwner();
      if (auto view = dyn_cast<memref::SubViewOp>(user)) {
        OpBuilder b(view);
        auto turned = memref::SubViewOp::create(b, view.getLoc(), to,
                                                permuted<OpFoldResult>(view.getMixedOffsets(), order),
                                                permuted<OpFoldResult>(view.getMixedSizes(), order),
                                                permuted<OpFoldResult>(view.getMixedStrides(), order));
        if (failed(replace(view, turned, order)))
          return failure();
        view.erase();
      } else if (auto load = dyn_cast<memref::LoadOp>(user)) {
        SmallVector<Value> indices(load.getIndices());
        load.getIndicesMutable().assign(permuted<Value>(indices, order));
        load.getMemrefMutable().assign(to);
      } else if (auto dim = dyn_cast<memref::DimOp>(user)) {
        auto place = llvm::find(order, dim.getConstantIndex().value_or(0)) - order.begin();
        OpBuilder b(dim);
        dim.getIndexMutable().assign(arith::ConstantIndexOp::create(b, dim.getLoc(), place));
        dim.getSourceMutable().assign(to);
      } else if (auto op = dyn_cast<linalg::LinalgOp>(user)) {
        SmallVector<AffineMap> maps = op.getIndexingMapsArray();
        AffineMap &map = maps[use.getOperandNumber()];
        use.set(to);
        if (isa<linalg::FillOp>(user))
          continue;
        map = permuted(map, order);
        user->setAttr("indexing_maps", OpBuilder(user).getAffineMapArrayAttr(maps));
      } else {
        return user->emitOpError("uses a tile, which only views and tile operations may");
      }
    }
    return success();
  }

  llvm::MapVector<Operation *, unsigned> lanes;
};

} // namespace
