//===- StripRows.cpp - a few rows after the other -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/SetVector.h"

namespace weir {
#define GEN_PASS_DEF_STRIPROWS
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

/// Whether memory is a tile of rows, or a view of one that keeps them.
bool hasRows(Value memory) {
  while (auto view = memory.getDefiningOp<memref::SubViewOp>()) {
    if (!isConstantIntValue(view.getMixedOffsets().back(), 0) || view.getDroppedDims().any() ||
        view.getType().isDynamicDim(view.getType().getRank() - 1))
      return false;
    memory = view.getSource();
  }
  Operation *tile = memory.getDefiningOp();
  return tile && tile->hasAttr(weir::kRowsAttr);
}

Value rootOf(Value memory) {
  while (auto view = memory.getDefiningOp<memref::SubViewOp>())
    memory = view.getSource();
  return memory;
}

bool isOfRows(Value v) {
  Operation *tile = isa<MemRefType>(v.getType()) ? rootOf(v).getDefiningOp() : nullptr;
  return tile && tile->hasAttr(weir::kRowsAttr);
}

bool touchesRows(Operation &op) {
  return op.walk([](Operation *inner) {
             bool touches = !isMemoryEffectFree(inner) && llvm::any_of(inner->getOperands(), isOfRows);
             return touches ? WalkResult::interrupt() : WalkResult::advance();
           })
      .wasInterrupted();
}

/// How many rows there are of those that tiles have in a block; null: nothing says so.
Value countRows(Block *block) {
  for (Operation *op = block->getParentOp(); op && !isa<FunctionOpInterface>(op); op = op->getParentOp())
    for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode())
      if (auto rows = dyn_cast<weir::mapping::RowsOp>(before))
        return rows.getCount();
  return nullptr;
}

struct StripRows : weir::impl::StripRowsBase<StripRows> {
  using StripRowsBase::StripRowsBase;

  void runOnOperation() override {
    llvm::SetVector<Block *> blocks;
    getOperation()->walk([&](linalg::ContractOp op) {
      if (!op->hasAttr(weir::kMatrixUnitAttr))
        return;
      Block *block = op->getBlock();
      while (isa<scf::IfOp>(block->getParentOp()))
        block = block->getParentOp()->getBlock();
      if (isa<LoopLikeOpInterface>(block->getParentOp()))
        blocks.insert(block);
    });
    for (Block *block : blocks)
      strip(*block);
    getOperation()->walk([](weir::mapping::RowsOp op) { op->erase(); });
  }

private:
  /// The dimension of rows of a tile operation; none: it has no rows. Failure: its rows cannot be taken apart.
  FailureOr<std::optional<unsigned>> laneOf(linalg::LinalgOp op) {
    std::optional<unsigned> lane;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isOfRows(operand.get())) {
        if (isa<linalg::FillOp>(op.getOperation()) || !op.isDpsInit(&operand))
          continue;
        if (llvm::any_of(op->getOperands(), isOfRows))
          return failure();
        continue;
      }
      auto type = cast<MemRefType>(operand.get().getType());
      int64_t length = type.getShape().back();
      auto dim = dyn_cast<AffineDimExpr>(op.getMatchingIndexingMap(&operand).getResults().back());
      if (!hasRows(operand.get()) || !dim || (lane && *lane != dim.getPosition()) || (rows && rows != length))
        return failure();
      lane = dim.getPosition();
      rows = length;
    }
    return lane;
  }

  /// Whether an operation can be done for some rows at a time.
  bool canStrip(Operation &outer) {
    return !outer
                .walk<WalkOrder::PreOrder>([&](Operation *op) {
                  if (auto tile = dyn_cast<linalg::LinalgOp>(op))
                    return failed(laneOf(tile)) ? WalkResult::interrupt() : WalkResult::skip();
                  bool isKnown = isMemoryEffectFree(op) || isa<scf::IfOp, scf::ForOp, memref::LoadOp, memref::StoreOp>(op);
                  if (!isKnown || (isa<memref::LoadOp, memref::StoreOp>(op) && llvm::any_of(op->getOperands(), isOfRows)))
                    return WalkResult::interrupt();
                  return WalkResult::advance();
                })
                .wasInterrupted();
  }

  void strip(Block &block) {
    rows = 0;
    auto touching = llvm::make_filter_range(block.without_terminator(), touchesRows);
    if (touching.empty())
      return;
    Operation *first = &*touching.begin(), *last = first;
    for (Operation &op : touching)
      last = &op;
    auto range = llvm::make_range(first->getIterator(), std::next(last->getIterator()));
    for (Operation &op : range) {
      bool isUsedLater = llvm::any_of(op.getUsers(), [&](Operation *user) {
        Operation *own = block.findAncestorOpInBlock(*user);
        return !own || !own->isBeforeInBlock(last->getNextNode());
      });
      if (isUsedLater || !canStrip(op))
        return;
    }
    int64_t width = vectorBytes / sizeof(float);
    if (!rows || rows % width || rows == width)
      return;
    OpBuilder b(first);
    Location loc = first->getLoc();
    auto index = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
    Value count = countRows(&block);
    auto loop = scf::ForOp::create(b, loc, index(0), count ? count : index(rows), index(width));
    Block *body = loop.getBody();
    body->getOperations().splice(body->begin(), block.getOperations(), first->getIterator(), std::next(last->getIterator()));
    SmallVector<linalg::LinalgOp> tiles;
    body->walk([&](linalg::LinalgOp op) { tiles.push_back(op); });
    llvm::SetVector<Value> roots;
    for (linalg::LinalgOp op : tiles)
      for (Value operand : op->getOperands())
        if (isOfRows(operand))
          roots.insert(rootOf(operand));
    narrow.clear();
    for (Value root : roots)
      if (isScratch(root, loop, tiles))
        makeNarrow(root, width);
    for (linalg::LinalgOp op : tiles)
      takeStrip(op, loop.getInductionVar(), width);
    moveLoopInvariantCode(cast<LoopLikeOpInterface>(loop.getOperation()));
  }

  /// Whether a tile holds nothing from one strip to the next: only tile operations in the loop use it, and the first of them writes it.
  static bool isScratch(Value root, scf::ForOp loop, ArrayRef<linalg::LinalgOp> tiles) {
    if (!root.getDefiningOp<memref::AllocaOp>())
      return false;
    SmallVector<Value> views{root};
    while (!views.empty())
      for (Operation *user : views.pop_back_val().getUsers()) {
        if (auto view = dyn_cast<memref::SubViewOp>(user))
          views.push_back(view);
        else if (!isa<linalg::LinalgOp>(user) || !loop->isProperAncestor(user))
          return false;
      }
    auto isOfRoot = [&](Value v) { return isa<MemRefType>(v.getType()) && rootOf(v) == root; };
    linalg::LinalgOp first = *llvm::find_if(tiles, [&](linalg::LinalgOp op) { return llvm::any_of(op->getOperands(), isOfRoot); });
    if (first->getBlock() != loop.getBody() || llvm::any_of(first.getDpsInputs(), isOfRoot))
      return false;
    return llvm::all_of(first.getDpsInitsMutable(), [&](OpOperand &init) {
      return !isOfRoot(init.get()) || (!isa<linalg::ContractOp>(first.getOperation()) && first.getMatchingBlockArgument(&init).use_empty());
    });
  }

  /// A tile for the rows of one strip, with all views of the whole one, takes its place: it stays in the first cache.
  void makeNarrow(Value root, int64_t width) {
    OpBuilder b(root.getDefiningOp());
    SmallVector<int64_t> shape(cast<MemRefType>(root.getType()).getShape());
    shape.back() = width;
    Operation *tile = b.clone(*root.getDefiningOp());
    tile->getResult(0).setType(MemRefType::get(shape, cast<MemRefType>(root.getType()).getElementType()));
    narrow[root] = tile->getResult(0);
    SmallVector<Value> views{root};
    while (!views.empty()) {
      Value whole = views.pop_back_val();
      for (Operation *user : llvm::to_vector(whole.getUsers())) {
        auto view = dyn_cast<memref::SubViewOp>(user);
        if (!view)
          continue;
        SmallVector<OpFoldResult> sizes = view.getMixedSizes();
        b.setInsertionPointAfter(view);
        sizes.back() = b.getIndexAttr(width);
        narrow[view] = memref::SubViewOp::create(b, view.getLoc(), narrow[whole], view.getMixedOffsets(), sizes, view.getMixedStrides());
        views.push_back(view);
      }
    }
  }

  void takeStrip(linalg::LinalgOp op, Value row, int64_t width) {
    std::optional<unsigned> lane = *laneOf(op);
    if (!lane)
      return;
    op->setAttr(weir::kStripAttr, UnitAttr::get(op.getContext()));
    OpBuilder b(op);
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isOfRows(operand.get()))
        continue;
      Value memory = operand.get();
      if (Value own = narrow.lookup(memory)) {
        operand.set(own);
        continue;
      }
      auto type = cast<MemRefType>(memory.getType());
      SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), strides(type.getRank(), b.getIndexAttr(1)), sizes;
      auto view = memory.getDefiningOp<memref::SubViewOp>();
      for (int64_t k = 0; k < type.getRank(); ++k)
        sizes.push_back(view ? view.getMixedSizes()[k] : memref::getMixedSize(b, op.getLoc(), memory, k));
      offsets.back() = row;
      sizes.back() = b.getIndexAttr(width);
      operand.set(memref::SubViewOp::create(b, op.getLoc(), memory, offsets, sizes, strides));
    }
    SmallVector<linalg::IndexOp> indices;
    op->walk([&](linalg::IndexOp index) { indices.push_back(index); });
    for (linalg::IndexOp index : indices)
      if (index.getDim() == *lane) {
        b.setInsertionPointAfter(index);
        Value moved = arith::AddIOp::create(b, op.getLoc(), index, row);
        index.getResult().replaceAllUsesExcept(moved, moved.getDefiningOp());
      }
  }

  int64_t rows = 0; ///< of the tiles at hand
  llvm::DenseMap<Value, Value> narrow; ///< of tiles and views of them, what a strip needs
};

} // namespace
