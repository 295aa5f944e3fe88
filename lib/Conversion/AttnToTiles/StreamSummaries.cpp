//===- StreamSummaries.cpp - what data takes on in blocks -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Before a stream whose predicates read tensors at its keys, each part of them that does is summarised for
// every block of keys, in parallel: one pass over what it reads. Then the tiles of each block of rows are
// listed, with a few loads for each step of keys, once for all settings of outer coordinates that no predicate
// depends on: heads, most often. What inputs alone decide is a processor's plan, which many calls may share.
#include "StreamSummaries.h"
#include "KernelEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;

/// Takes `value`, at the coordinates that are bound, into a summary.
static SmallVector<Value> take(ImplicitLocOpBuilder &b, BodyEmitter &emitter, Value value, ValueRange so) {
  auto scope = emitter.scope();
  Lane lane = emitter.emit(b, value);
  Value v = emitter.materialize(b, lane);
  if (value.getType().isInteger(1)) {
    Value holds = conjunction(b, emitter, v, lane.present);
    if (isa<VectorType>(so[0].getType()))
      holds = emitter.broadcast(b, holds);
    return {arith::AndIOp::create(b, so[0], holds), arith::OrIOp::create(b, so[1], holds)};
  }
  Value low = arith::MinSIOp::create(b, so[0], v), high = arith::MaxSIOp::create(b, so[1], v);
  if (!lane.present)
    return llvm::to_vector(
        llvm::concat<Value>(SmallVector<Value>{low, high}, SmallVector<Value>(so.drop_front(2))));
  low = arith::SelectOp::create(b, lane.present, low, so[0]);
  high = arith::SelectOp::create(b, lane.present, high, so[1]);
  return {low, high, arith::AndIOp::create(b, so[2], lane.present)};
}

bool tiles::mayBeAbsent(Presences &presences, Value value) {
  Presence present = presences.of(value);
  return !present || !present->empty();
}

/// Asks ahead of time for what lies so many elements behind what is loaded: the next block of keys of the same row, which is read when all rows
/// of this one have been, each from a place of its own.
static void fetchAfter(vector::LoadOp load, Value elements) {
  ImplicitLocOpBuilder b(load.getLoc(), load);
  SmallVector<Value> at(load.getIndices());
  at.back() = arith::AddIOp::create(b, at.back(), elements);
  memref::PrefetchOp::create(b, load.getBase(), at, /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

/// A predicate's state with that of `lanes` coordinates at a time from `from` on, as far as these fit before `to`;
/// also where they end.
static std::pair<SmallVector<Value>, Value> takeLanes(ImplicitLocOpBuilder &b, BodyEmitter &emitter, Value value,
                                                      unsigned lanes, Value from, Value to,
                                                      function_ref<void(Lane)> bind, ValueRange so) {
  Value step = constantIndex(b, lanes), rest = arith::SubIOp::create(b, to, from);
  Value end = arith::SubIOp::create(b, to, arith::RemUIOp::create(b, rest, step));
  auto type = VectorType::get(lanes, b.getI1Type());
  SmallVector<Value> start{constantInt(b, type, 1), constantInt(b, type, 0)};
  auto loop = scf::ForOp::create(b, from, end, step, start);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto scope = emitter.scope();
    unsigned before = emitter.getLanes();
    emitter.setLanes(lanes);
    bind(emitter.coordinate(toInt(b, loop.getInductionVar()), /*isVector=*/true));
    scf::YieldOp::create(b, take(b, emitter, value, loop.getRegionIterArgs()));
    emitter.setLanes(before);
    for (auto load : llvm::to_vector(loop.getBody()->getOps<vector::LoadOp>()))
      fetchAfter(load, rest);
  }
  Value all = vector::ReductionOp::create(b, vector::CombiningKind::AND, loop.getResult(0));
  Value any = vector::ReductionOp::create(b, vector::CombiningKind::OR, loop.getResult(1));
  return {{arith::AndIOp::create(b, so[0], all), arith::OrIOp::create(b, so[1], any)}, end};
}

Summary tiles::summarise(ImplicitLocOpBuilder &b, BodyEmitter &emitter, const StreamTiles &plan,
                         Presences &presences, Value value, ArrayRef<Scan> spans) {
  bool isBool = value.getType().isInteger(1);
  auto start = [&](int64_t v) { return constantInt(b, value.getType(), v); };
  SmallVector<Value> state{isBool ? start(1) : start(INT64_MAX), isBool ? start(0) : start(INT64_MIN)};
  if (!isBool && mayBeAbsent(presences, value))
    state.push_back(constantInt(b, b.getI1Type(), 1));
  std::function<SmallVector<Value>(ArrayRef<Scan>, ValueRange)> visit = [&](ArrayRef<Scan> left,
                                                                            ValueRange so) {
    if (left.empty())
      return take(b, emitter, value, so);
    const Scan &span = left.front();
    Value one = constantIndex(b, 1), grain = constantIndex(b, span.grain);
    Value last = arith::SubIOp::create(b, arith::AddIOp::create(b, span.begin, span.count), one);
    Value from = arith::DivUIOp::create(b, span.begin, grain);
    Value to = arith::AddIOp::create(b, arith::DivUIOp::create(b, last, grain), one);
    SmallVector<Value> now(so);
    auto bind = [&](Lane at) {
      for (BlockArgument arg : value.getParentBlock()->getArguments())
        if (plan.roleOf(arg) == span.role)
          emitter.bind(arg, at);
    };
    if (isBool && left.size() == 1 && span.grain == 1 && emitter.maxLanes > 1)
      std::tie(now, from) = takeLanes(b, emitter, value, emitter.maxLanes, from, to, bind, now);
    auto loop = scf::ForOp::create(b, from, to, one, now);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto scope = emitter.scope();
    Value at = loop.getInductionVar();
    if (span.grain > 1) // the first run may have begun before
      at = arith::MaxUIOp::create(b, arith::MulIOp::create(b, at, grain), span.begin);
    bind({toInt(b, at), nullptr, nullptr});
    scf::YieldOp::create(b, visit(left.drop_front(), loop.getRegionIterArgs()));
    return SmallVector<Value>(loop.getResults());
  };
  state = visit(spans, state);
  return {state[0], state[1], state.size() > 2 ? state[2] : Value()};
}

/// Memory for the lists of a stream's tiles, and for the summaries of the data that decides them.
void KernelEmitter::planLists(StreamOp stream, const StreamTiles &plan, mapping::TilesAttr sizes) {
  StreamData data(plan);
  // Bounds that rows read a thread of a processor asks for as it comes to them; all threads of a block would.
  auto isBound = [](Value v) { return v.getType().isInteger(64); };
  bool asks = data.asksKeys() || (allocated && llvm::any_of(data.ofRows, isBound));
  if (!asks || sizes.getN() > kLongestTile)
    return;
  bool isPlanned = !allocated && data.readsInputsOnly();
  Buffer lists;
  lists.role = Buffer::Lists;
  lists.product = stream;
  lists.isPlanned = isPlanned;
  lists.element = IntegerType::get(cascade.getContext(), 64);
  for (auto &[name, extent] : data.outerOfAll())
    lists.extents.push_back(extent);
  lists.extents.append({plan.rows[0].second, plan.keys[0].second});
  lists.perBefore = sizes.getM();
  lists.per = data.stepOf(sizes.getN());
  if (allocated) {
    Buffer &verdicts = buffers.emplace_back(lists);
    verdicts.role = Buffer::Verdicts;
    verdicts.element = IntegerType::get(cascade.getContext(), 8);
  }
  lists.more = 1;
  buffers.push_back(lists);
  for (Value value : data.ofKeys) {
    bool isBool = value.getType().isInteger(1);
    auto add = [&](unsigned piece, unsigned bits) {
      Buffer buffer;
      buffer.role = Buffer::Summary;
      buffer.isPlanned = isPlanned;
      buffer.tensor = value;
      buffer.piece = piece;
      buffer.element = IntegerType::get(cascade.getContext(), bits);
      for (auto &[name, extent] : data.outerOf(value))
        buffer.extents.push_back(extent);
      buffer.extents.push_back(plan.keys[0].second);
      buffer.per = data.stepOf(sizes.getN());
      buffers.push_back(buffer);
    };
    add(0, isBool ? 8 : 64);
    add(1, isBool ? 8 : 64);
    if (!isBool && mayBeAbsent(presences, value))
      add(2, 8);
  }
}

/// Fills them.
void KernelEmitter::emitSummaries(Builder &b, const StreamTiles &plan, const StreamData &data, int64_t step) {
  for (Value value : data.ofKeys) {
    Value keys = extentOf(plan.keys[0].second), size = constantIndex(b, step);
    Value blocks = arith::CeilDivUIOp::create(b, keys, size), count = blocks;
    auto outer = data.outerOf(value);
    for (auto &[name, extent] : outer)
      count = arith::MulIOp::create(b, count, extentOf(extent));
    OpBuilder::InsertionGuard guard(b);
    auto scope = emitter.scope();
    scf::ForOp loop = emitChunks(b, count, countPieces(b, count), [](Value) {});
    auto positive = emitter.insideLoopOver(plan.keys);
    Value item = loop.getInductionVar(), rest = arith::DivUIOp::create(b, item, blocks);
    SmallVector<Value> at{arith::RemUIOp::create(b, item, blocks)};
    Value begin = arith::MulIOp::create(b, at[0], size);
    for (auto &[name, extent] : llvm::reverse(outer)) {
      at.insert(at.begin(), arith::RemUIOp::create(b, rest, extentOf(extent)));
      rest = arith::DivUIOp::create(b, rest, extentOf(extent));
      for (BlockArgument arg : value.getParentBlock()->getArguments())
        if (getCoordinateName(arg) == name)
          emitter.bind(arg, {toInt(b, at[0]), nullptr, nullptr});
    }
    Scan keysOfBlock{Role::Key, begin, arith::MinUIOp::create(b, arith::SubIOp::create(b, keys, begin), size),
                     data.grainOf(value).key};
    Summary found = summarise(b, emitter, plan, presences, value, keysOfBlock);
    const SummaryMemory &memory = summaries.find(value)->second;
    auto store = [&](Value v, Value to) {
      if (!v)
        return;
      if (v.getType().isInteger(1))
        v = arith::ExtUIOp::create(b, b.getI8Type(), v);
      memref::StoreOp::create(b, v, to, at);
    };
    store(found.low, memory.low);
    store(found.high, memory.high);
    store(found.there, memory.there);
  }
}

const Buffer *KernelEmitter::listsOf(StreamOp stream) const {
  auto found = llvm::find_if(buffers, [&](const Buffer &buffer) {
    return buffer.role == Buffer::Lists && buffer.product == stream;
  });
  return found == buffers.end() ? nullptr : &*found;
}

/// Fills the lists of a stream's tiles, in parallel over blocks of rows. Of a GPU, whose threads are many and slow,
/// each first judges one step of keys for one block of rows.
void KernelEmitter::emitLists(Builder &b, StreamOp op) {
  std::optional<StreamTiles> plan = StreamTiles::of(op, extents, dependence, presences);
  auto sizes = op->getAttrOfType<mapping::TilesAttr>("mapping");
  StreamData data(*plan);
  StreamTiles::Coordinates outer = data.outerOfAll();
  auto positiveRows = emitter.insideLoopOver(plan->rows), positiveOuter = emitter.insideLoopOver(outer);
  int64_t step = data.stepOf(sizes.getN());
  emitSummaries(b, *plan, data, step);
  RowGrid grid = countRows(b, *plan, sizes.getM(), outer);
  auto deal = [&](Value count, function_ref<void(Value, StreamEmitter &)> body) {
    OpBuilder::InsertionGuard guard(b);
    auto scope = emitter.scope();
    scf::ForOp loop = emitChunks(b, count, countPieces(b, count), [](Value) {});
    StreamEmitter stream(emitter, extents, presences, *plan, sizes, loop, workspace,
                         llvm::DenseMap<const StreamTiles::Product *, Value>(), slots);
    stream.useData(data, summaries);
    stream.useLists(tileLists.lookup(op), outer);
    stream.useVerdicts(verdicts.lookup(op));
    body(loop.getInductionVar(), stream);
  };
  auto rowsAt = [&](Value number) {
    RowBlock block = blockAt(b, *plan, grid, number);
    for (auto &[name, extent] : plan->outer) // no predicate depends on those that are not counted
      block.outer.try_emplace(name, constantInt(b, b.getI64Type(), 0));
    return block;
  };
  if (verdicts.lookup(op)) {
    Value steps = arith::CeilDivUIOp::create(b, extentOf(plan->keys[0].second), constantIndex(b, step));
    deal(arith::MulIOp::create(b, grid.blocks, steps), [&](Value item, StreamEmitter &stream) {
      stream.writeVerdict(b, rowsAt(arith::DivUIOp::create(b, item, steps)), arith::RemUIOp::create(b, item, steps));
    });
  }
  deal(grid.blocks, [&](Value item, StreamEmitter &stream) { stream.listTiles(b, rowsAt(item)); });
}
