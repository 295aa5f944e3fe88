//===- StreamLoops.cpp - blocks of rows and parts of keys, over threads ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of rows at all settings of the outer coordinates are counted through and dealt out to threads. Where
// they are few, the keys of each are cut into parts, whose states go to slots and are merged in a second
// loop. How many parts there are follows from the extents alone, so results do not depend on the number of
// threads; so does nothing of the workspace, which has a fixed number of slots.
#include "KernelEmitter.h"
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

/// Slots that a stream has: so many parts of blocks there are, or more blocks and no parts.
constexpr int64_t kSlots = kMaxChunks;
/// A part of fewer blocks of keys would hardly pay for its merge.
constexpr int64_t kBlocksOfPart = 4;

StreamSplit KernelEmitter::planSplit(const StreamTiles &plan, mapping::TilesAttr sizes) {
  if (int64_t parts = sizes.getSplit()) {
    int64_t round = std::max<int64_t>(1, kSlots / parts);
    return {parts, round, parts == 1 ? 0 : round * parts};
  }
  if (allocated)
    return {1, 0, 0};
  // Units that are not known are at least one, or there is nothing to do.
  int64_t units = 1;
  bool isKnown = true;
  auto take = [&](Value extent, int64_t by) {
    auto constant = Extents::constant(extents.of(extent));
    isKnown &= constant.has_value();
    if (units < kSlots && constant)
      units *= llvm::divideCeil(*constant, by);
  };
  if (std::optional<int64_t> rows = plan.countRows(), share = plan.getShare(); plan.shared && rows && share) {
    int64_t m = sizes.getM();
    units = *rows / *share * llvm::divideCeil(*share, m) + llvm::divideCeil(*rows % *share, m);
  } else if (plan.shared) {
    isKnown = false;
  } else {
    for (auto [row, by] : llvm::zip_equal(plan.rows, plan.shapeOf(sizes.getM())))
      take(row.second, by);
  }
  for (auto &[name, extent] : plan.outer)
    take(extent, 1);
  std::optional<int64_t> keys = plan.countKeys();
  int64_t most = keys ? *keys / (kBlocksOfPart * sizes.getN()) : kSlots;
  int64_t parts = units ? std::min(most, kSlots / units) : 1;
  if (parts <= 1)
    return {1, 0, 0};
  if (isKnown && keys)
    return {parts, 0, units * parts};
  return {std::nullopt, 0, kSlots};
}

/// planSplit() for what is known when the kernel runs.
Value KernelEmitter::countParts(Builder &b, const StreamTiles &plan, mapping::TilesAttr sizes, Value units) {
  Value one = constantIndex(b, 1);
  Value fit = arith::DivUIOp::create(b, constantIndex(b, kSlots), arith::MaxUIOp::create(b, units, one));
  Value keys = extentOf(plan.keys[0].second);
  for (auto &[name, extent] : ArrayRef(plan.keys).drop_front())
    keys = arith::MulIOp::create(b, keys, extentOf(extent));
  Value most = arith::DivUIOp::create(b, keys, constantIndex(b, kBlocksOfPart * sizes.getN()));
  return arith::MaxUIOp::create(b, one, arith::MinUIOp::create(b, fit, most));
}

/// Slots for each component of the state.
void KernelEmitter::planSlots(const StreamTiles &plan, int64_t slots, int64_t rows) {
  for (AccumulateOp op : plan.state) {
    const StreamTiles::Product &product = plan.products.find(op)->second;
    StreamTiles::Pieces pieces = plan.piecesOf(op);
    auto add = [&](Piece piece, bool features) {
      Buffer buffer;
      buffer.role = Buffer::Slots;
      buffer.product = op;
      buffer.piece = unsigned(piece);
      buffer.element = plan.real;
      buffer.rows = slots * rows;
      if (features && ShapedType::isDynamic(product.inner))
        buffer.extents = {product.innerExtent};
      else if (features)
        buffer.rows *= product.inner;
      buffers.push_back(buffer);
    };
    if (pieces.value)
      add(Piece::Value, pieces.features);
    if (pieces.reference)
      add(Piece::Reference, false);
    if (pieces.bit)
      add(Piece::Bit, false);
  }
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
void KernelEmitter::emitItems(Builder &b, StreamOp op, const StreamTiles &plan, Value count,
                              function_ref<void(Value, StreamEmitter &)> body) {
  Value pieces = arith::MinUIOp::create(b, count, constantIndex(b, chunks));
  OpBuilder::InsertionGuard guard(b);
  auto scope = emitter.scope();
  llvm::DenseMap<const StreamTiles::Product *, Value> places;
  scf::ForOp loop =
      emitChunks(b, count, pieces, [&](Value chunk) { places = placeTiles(b, op, plan, chunk); });
  StreamEmitter stream(emitter, extents, presences, plan, op->getAttrOfType<mapping::TilesAttr>("mapping"),
                       loop, workspace, std::move(places), slots);
  std::optional<StreamData> data;
  if (!allocated) { // whose kernels have no memory for summaries
    data.emplace(plan);
    stream.useData(*data, summaries);
  }
  body(loop.getInductionVar(), stream);
}

/// How many rows share a quotient: B/A of floor(m * A/B), which is a whole number, or one.
Value KernelEmitter::countShare(Builder &b, const StreamTiles &plan) {
  if (std::optional<int64_t> share = plan.getShare())
    return constantIndex(b, *share);
  auto scope = emitter.scope();
  Value one = constantInt(b, b.getI64Type(), 1);
  auto [factor, divisor] = *plan.quotientOf(plan.shared);
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

/// How many blocks there are along a coordinate.
static Value countBlocks(ImplicitLocOpBuilder &b, Value length, Value height, Value share) {
  if (!share)
    return arith::CeilDivUIOp::create(b, length, height);
  Value whole = arith::MulIOp::create(b, arith::DivUIOp::create(b, length, share),
                                      arith::CeilDivUIOp::create(b, share, height));
  Value rest = arith::CeilDivUIOp::create(b, arith::RemUIOp::create(b, length, share), height);
  return arith::AddIOp::create(b, whole, rest);
}

/// Block number `k` along a coordinate.
static Span spanAt(ImplicitLocOpBuilder &b, Value k, Value length, Value height, Value share) {
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

/// A block of rows by its number: of coordinates of the lengths `rows`, `shape` each.
static RowBlock blockAt(ImplicitLocOpBuilder &b, Value unit, ArrayRef<Value> rows, ArrayRef<int64_t> shape, Value share,
                        ArrayRef<std::pair<StringRef, Value>> outer) {
  RowBlock block;
  Value rest = unit;
  auto digit = [&](Value base) {
    Value own = arith::RemUIOp::create(b, rest, base);
    rest = arith::DivUIOp::create(b, rest, base);
    return own;
  };
  for (auto [length, height] : llvm::reverse(llvm::zip_equal(rows, shape))) {
    Value size = constantIndex(b, height);
    block.rows.push_back(spanAt(b, digit(countBlocks(b, length, size, share)), length, size, share));
  }
  std::reverse(block.rows.begin(), block.rows.end());
  for (auto [name, length] : llvm::reverse(outer))
    block.outer[name] = toInt(b, digit(length));
  return block;
}

void KernelEmitter::emitStream(Builder &b, StreamOp op) {
  std::optional<StreamTiles> plan = StreamTiles::of(op, extents, dependence, presences);
  auto sizes = op->getAttrOfType<mapping::TilesAttr>("mapping");
  assert(plan && sizes && "a stream that the pass has not checked");
  auto positiveRows = emitter.insideLoopOver(plan->rows), positiveOuter = emitter.insideLoopOver(plan->outer);
  Value units, share = plan->shared ? countShare(b, *plan) : Value();
  SmallVector<Value> rows;
  SmallVector<int64_t> shape = plan->shapeOf(sizes.getM());
  for (auto [row, height] : llvm::zip_equal(plan->rows, shape)) {
    rows.push_back(extentOf(row.second));
    Value blocks = countBlocks(b, rows.back(), constantIndex(b, height), share);
    units = units ? arith::MulIOp::create(b, units, blocks).getResult() : blocks;
  }
  SmallVector<std::pair<StringRef, Value>> outer;
  for (auto &[name, extent] : plan->outer) {
    outer.push_back({name, extentOf(extent)});
    units = arith::MulIOp::create(b, units, outer.back().second);
  }
  if (!allocated) {
    StreamData data(*plan);
    emitSummaries(b, *plan, data, data.stepOf(sizes.getN()));
  }
  auto blockOf = [&](Value unit) {
    RowBlock block = blockAt(b, unit, rows, shape, share, outer);
    if (plan->isAlone)
      block.outer[plan->rows[0].first] = toInt(b, block.rows[0].begin);
    return block;
  };
  StreamSplit split = planSplit(*plan, sizes);
  if (split.parts == 1) {
    emitItems(b, op, *plan, units, [&](Value unit, StreamEmitter &stream) {
      stream.fold(b, blockOf(unit), Value(), Value(), [&] { stream.finish(b); });
    });
    return;
  }
  Value parts = split.parts ? constantIndex(b, *split.parts) : countParts(b, *plan, sizes, units);
  Value isOne =
      split.parts ? Value() : arith::CmpIOp::create(b, arith::CmpIPredicate::eq, parts, constantIndex(b, 1));
  auto foldAndMerge = [&](Value first, Value count) {
    emitItems(b, op, *plan, arith::MulIOp::create(b, count, parts), [&](Value item, StreamEmitter &stream) {
      Value unit = arith::AddIOp::create(b, first, arith::DivUIOp::create(b, item, parts));
      stream.fold(b, blockOf(unit), arith::RemUIOp::create(b, item, parts), parts, [&] {
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
      count = arith::SelectOp::create(b, isOne, constantIndex(b, 0), count);
    emitItems(b, op, *plan, count, [&](Value i, StreamEmitter &stream) {
      RowBlock block = blockOf(arith::AddIOp::create(b, first, i));
      stream.merge(b, block, arith::MulIOp::create(b, i, parts), parts);
    });
  };
  Value zero = constantIndex(b, 0);
  if (!split.round)
    return foldAndMerge(zero, units);
  // More units than slots: in rounds.
  Value step = constantIndex(b, split.round);
  auto rounds = scf::ForOp::create(b, zero, units, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rounds.getBody());
  Value first = rounds.getInductionVar();
  foldAndMerge(first, arith::MinUIOp::create(b, arith::SubIOp::create(b, units, first), step));
}
