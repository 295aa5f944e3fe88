//===- StreamLoops.cpp - blocks of rows and parts of keys, over threads ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of rows at all settings of the outer coordinates are counted through and dealt out to threads. Where
// they are few, the keys of each are cut into parts, whose states go to slots and are merged in a second
// loop. How many parts there are follows from the extents alone, so results do not depend on the number of
// threads; so does nothing of a processor's workspace, which has a fixed number of slots. A GPU, whose launches
// cannot be repeated, has room for all states of parts (StreamParts.cpp).
#include "KernelEmitter.h"
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

SlotPlan KernelEmitter::planSplit(const StreamTiles &plan, mapping::TilesAttr sizes) {
  StreamSplit split = StreamSplit::of(plan, sizes, extents, concurrent);
  if (allocated || split.parts == 1)
    return {split.parts, 0, 0};
  if (!sizes.getSplit())
    return {split.parts, 0, split.parts ? *split.blocks * *split.parts : concurrent};
  int64_t round = std::max<int64_t>(1, concurrent / *split.parts);
  return {split.parts, round, round * *split.parts};
}

/// planSplit() for what is known when the kernel runs.
Value KernelEmitter::countParts(Builder &b, const StreamTiles &plan, mapping::TilesAttr sizes, Value units) {
  if (std::optional<int64_t> parts = planSplit(plan, sizes).parts)
    return constantIndex(b, *parts);
  Value one = constantIndex(b, 1);
  Value fit = arith::DivUIOp::create(b, constantIndex(b, concurrent), arith::MaxUIOp::create(b, units, one));
  Value keys;
  for (auto &[name, extent] : plan.keys) {
    Value own = extentOf(extent);
    if (int64_t step = plan.stepOf(name); step > 1)
      own = arith::CeilDivUIOp::create(b, own, constantIndex(b, step));
    keys = keys ? arith::MulIOp::create(b, keys, own).getResult() : own;
  }
  Value most = arith::DivUIOp::create(b, keys, constantIndex(b, kBlocksOfPart * sizes.getN()));
  return arith::MaxUIOp::create(b, one, arith::MinUIOp::create(b, fit, most));
}

/// Slots for each component of the state.
void KernelEmitter::planSlots(const StreamTiles &plan, int64_t rows) {
  forEachPiece(plan, [&](AccumulateOp op, Piece piece, const StreamTiles::Product *inner) {
    Buffer buffer;
    buffer.role = Buffer::Slots;
    buffer.product = op;
    buffer.piece = unsigned(piece);
    buffer.element = plan.real;
    buffer.rows = rows;
    if (inner && ShapedType::isDynamic(inner->inner))
      buffer.extents = {inner->innerExtent};
    else if (inner)
      buffer.rows *= inner->inner;
    buffers.push_back(buffer);
  });
}

/// Where in the workspace a chunk's tiles of open extent are.
llvm::DenseMap<const StreamTiles::Product *, Value>
KernelEmitter::placeTiles(Builder &b, StreamOp op, const StreamTiles &plan, Value chunk) {
  llvm::DenseMap<const StreamTiles::Product *, Value> places;
  auto own = llvm::find_if(buffers, [&](Buffer &buffer) {
    return buffer.role == Buffer::Tiles && op->isProperAncestor(buffer.product);
  });
  if (own == buffers.end())
    return places;
  openScratch(b, own->group, chunk);
  for (auto &[product, tensors] : plan.products)
    if (Value at = tiles.lookup(product))
      places[&tensors] = at;
  return places;
}

/// Items 0 to `count`, split into chunks that threads take; tiles of a chunk serve all of its items.
void KernelEmitter::emitItems(Builder &b, StreamOp op, const StreamTiles &plan, mapping::TilesAttr sizes, Value count,
                              function_ref<void(Value, StreamEmitter &)> body) {
  Value pieces = countPieces(b, count);
  OpBuilder::InsertionGuard guard(b);
  auto scope = emitter.scope();
  llvm::DenseMap<const StreamTiles::Product *, Value> places;
  scf::ForOp loop =
      emitChunks(b, count, pieces, [&](Value chunk) { places = placeTiles(b, op, plan, chunk); });
  StreamEmitter stream(emitter, extents, presences, plan, sizes, loop, workspace, std::move(places), slots);
  stream.usePacked(packedKeys);
  StreamData data(plan);
  if (!allocated) // a GPU has a row for each thread
    stream.askRows(lanes);
  if (listsOf(op))
    stream.useLists(tileLists.lookup(op), data.outerOfAll());
  else if (!allocated)
    stream.useData(data, summaries);
  body(loop.getInductionVar(), stream);
}

/// How many rows share a quotient: B/A of floor(m * A/B), which is a whole number, or one.
Value KernelEmitter::countShare(Builder &b, const StreamTiles &plan) {
  if (std::optional<int64_t> share = plan.getShare())
    return constantIndex(b, *share);
  auto scope = emitter.scope();
  Value one = constantInt(b, b.getI64Type(), 1);
  auto [row, factor, divisor] = *plan.quotientOf(plan.shared);
  auto positive = [&](Value v) -> Value { return arith::MaxSIOp::create(b, emitter.emit(b, v).value, one); };
  Value above = positive(divisor);
  if (factor) {
    Value below = positive(factor), whole = arith::DivUIOp::create(b, above, below);
    Value rest = arith::RemUIOp::create(b, above, below);
    Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, constantInt(b, b.getI64Type(), 0));
    above = arith::SelectOp::create(b, isWhole, whole, one);
  }
  return toIndex(b, above);
}

/// How many blocks there are along a coordinate: StreamTiles::countBlocks for what is known when the kernel runs.
static Value countBlocks(ImplicitLocOpBuilder &b, Value length, Value height, Value share, int64_t step) {
  if (step > 1) {
    Value apart = constantIndex(b, step), turn = arith::MulIOp::create(b, height, apart);
    Value whole = arith::MulIOp::create(b, arith::DivUIOp::create(b, length, turn), apart);
    Value rest = arith::MinUIOp::create(b, arith::RemUIOp::create(b, length, turn), apart);
    return arith::AddIOp::create(b, whole, rest);
  }
  if (!share)
    return arith::CeilDivUIOp::create(b, length, height);
  Value whole = arith::MulIOp::create(b, arith::DivUIOp::create(b, length, share),
                                      arith::CeilDivUIOp::create(b, share, height));
  Value rest = arith::CeilDivUIOp::create(b, arith::RemUIOp::create(b, length, share), height);
  return arith::AddIOp::create(b, whole, rest);
}

/// Block number `k` along a coordinate. Of rows apart the first `step` blocks have the first of each residue class.
static Span spanAt(ImplicitLocOpBuilder &b, Value k, Value length, Value height, Value share, int64_t step) {
  if (step > 1) {
    Value apart = constantIndex(b, step), turn = arith::MulIOp::create(b, height, apart);
    Value begin = arith::MulIOp::create(b, arith::DivUIOp::create(b, k, apart), turn);
    begin = arith::AddIOp::create(b, begin, arith::RemUIOp::create(b, k, apart));
    Value left = arith::CeilDivUIOp::create(b, arith::SubIOp::create(b, length, begin), apart);
    return {begin, arith::MinUIOp::create(b, left, height), step};
  }
  if (!share) {
    Value begin = arith::MulIOp::create(b, k, height);
    return {begin, arith::MinUIOp::create(b, arith::SubIOp::create(b, length, begin), height)};
  }
  Value blocks = arith::CeilDivUIOp::create(b, share, height);
  Value inside = arith::MulIOp::create(b, arith::RemUIOp::create(b, k, blocks), height);
  Value base = arith::MulIOp::create(b, arith::DivUIOp::create(b, k, blocks), share);
  Value begin = arith::AddIOp::create(b, base, inside);
  Value left = arith::MinUIOp::create(b, arith::SubIOp::create(b, share, inside), arith::SubIOp::create(b, length, begin));
  return {begin, arith::MinUIOp::create(b, left, height)};
}

RowGrid KernelEmitter::countRows(Builder &b, const StreamTiles &plan, int64_t m,
                                 const StreamTiles::Coordinates &outer) {
  RowGrid grid;
  grid.heights = plan.shapeOf(m);
  for (auto [row, height] : llvm::zip_equal(plan.rows, grid.heights)) {
    grid.lengths.push_back(extentOf(row.second));
    bool isShared = plan.shared && m > 1 && plan.quotientOf(plan.shared)->row == row.first;
    grid.shares.push_back(isShared ? countShare(b, plan) : Value());
    grid.steps.push_back(plan.stepOf(row.first));
    Value blocks = countBlocks(b, grid.lengths.back(), constantIndex(b, height), grid.shares.back(), grid.steps.back());
    grid.blocks = grid.blocks ? arith::MulIOp::create(b, grid.blocks, blocks).getResult() : blocks;
  }
  for (auto &[name, extent] : outer) {
    grid.outer.push_back({name, extentOf(extent)});
    grid.blocks = arith::MulIOp::create(b, grid.blocks, grid.outer.back().second);
  }
  return grid;
}

RowBlock KernelEmitter::blockAt(Builder &b, const StreamTiles &plan, const RowGrid &grid, Value number) {
  RowBlock block;
  Value rest = number;
  auto digit = [&](Value base) {
    Value own = arith::RemUIOp::create(b, rest, base);
    rest = arith::DivUIOp::create(b, rest, base);
    return own;
  };
  for (auto [length, height, share, step] :
       llvm::reverse(llvm::zip_equal(grid.lengths, grid.heights, grid.shares, grid.steps))) {
    Value size = constantIndex(b, height);
    block.rows.push_back(spanAt(b, digit(countBlocks(b, length, size, share, step)), length, size, share, step));
  }
  std::reverse(block.rows.begin(), block.rows.end());
  for (auto [name, length] : llvm::reverse(grid.outer))
    block.outer[name] = toInt(b, digit(length));
  if (plan.isAlone)
    block.outer[plan.rows[0].first] = toInt(b, block.rows[0].begin);
  return block;
}

void KernelEmitter::emitStream(Builder &b, StreamOp op) {
  std::optional<StreamTiles> plan = StreamTiles::of(op, extents, dependence, presences);
  auto sizes = op->getAttrOfType<mapping::TilesAttr>("mapping");
  assert(plan && sizes && "a stream that the pass has not checked");
  auto positiveRows = emitter.insideLoopOver(plan->rows), positiveOuter = emitter.insideLoopOver(plan->outer);
  RowGrid grid = countRows(b, *plan, sizes.getM(), plan->outer);
  if (const Buffer *lists = listsOf(op); lists && !lists->isPlanned)
    emitLists(b, op);
  emitPackings(b, op);
  SlotPlan split = planSplit(*plan, sizes);
  auto foldWhole = [&](Value count) {
    emitItems(b, op, *plan, sizes, count, [&](Value unit, StreamEmitter &stream) {
      stream.fold(b, blockAt(b, *plan, grid, unit), Value(), Value(), [&] { stream.finish(b); });
    });
  };
  if (split.parts == 1)
    return foldWhole(grid.blocks);
  Value parts = countParts(b, *plan, sizes, grid.blocks);
  Value isOne =
      split.parts ? Value() : arith::CmpIOp::create(b, arith::CmpIPredicate::eq, parts, constantIndex(b, 1));
  Value zero = constantIndex(b, 0);
  if (allocated) { // a launch of no blocks is left out
    if (isOne) {
      foldWhole(arith::SelectOp::create(b, isOne, grid.blocks, zero));
      grid.blocks = arith::SelectOp::create(b, isOne, zero, grid.blocks);
    }
    return emitParts(b, op, *plan, sizes, grid, parts);
  }
  auto foldAndMerge = [&](Value first, Value count) {
    Value items = arith::MulIOp::create(b, count, parts);
    emitItems(b, op, *plan, sizes, items, [&](Value item, StreamEmitter &stream) {
      Value unit = arith::AddIOp::create(b, first, arith::DivUIOp::create(b, item, parts));
      stream.fold(b, blockAt(b, *plan, grid, unit), arith::RemUIOp::create(b, item, parts), parts,
                  [&] {
                    if (!isOne)
                      return stream.keep(b, item);
                    auto branch = scf::IfOp::create(b, isOne, /*withElseRegion=*/true);
                    OpBuilder::InsertionGuard guard(b);
                    b.setInsertionPointToStart(branch.thenBlock());
                    stream.finish(b);
                    b.setInsertionPointToStart(branch.elseBlock());
                    stream.keep(b, item);
                  });
    });
    if (isOne) // nothing is left to merge
      count = arith::SelectOp::create(b, isOne, zero, count);
    emitItems(b, op, *plan, sizes, count, [&](Value i, StreamEmitter &stream) {
      RowBlock block = blockAt(b, *plan, grid, arith::AddIOp::create(b, first, i));
      stream.merge(b, block, arith::MulIOp::create(b, i, parts), parts);
    });
  };
  if (!split.round)
    return foldAndMerge(zero, grid.blocks);
  // More units than slots: in rounds.
  Value step = constantIndex(b, split.round);
  auto rounds = scf::ForOp::create(b, zero, grid.blocks, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rounds.getBody());
  Value first = rounds.getInductionVar();
  foldAndMerge(first, arith::MinUIOp::create(b, arith::SubIOp::create(b, grid.blocks, first), step));
}
