//===- StreamWalk.cpp - keys of which some blocks are left out ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where predicates read data the tiles of a block of rows are listed before: steps in which nothing can hold
// are passed over, those that follow are taken together up to a whole tile, so that a tile begins and ends
// where the mask does. A GPU's threads judge all steps of all blocks of rows at a time before.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;

/// What the data takes on in the rows at hand.
void StreamEmitter::summariseRows(Builder &b) {
  ofRows.clear();
  askedBlock = nullptr;
  if (!data)
    return;
  for (Value value : data->ofRows) {
    auto scope = emitter.scope();
    bindCoordinates(b, value.getParentBlock(), {});
    SmallVector<Scan> spans;
    if (int64_t grain = data->grainOf(value).row)
      spans.push_back({Role::Row, rows[0].begin, rows[0].count, grain});
    ofRows[value] = summarise(b, emitter, plan, presences, value, spans);
  }
}

/// What an integer or a predicate takes on in the rows and the step of keys at hand, if that is known.
std::optional<Summary> StreamEmitter::summaryOf(Builder &b, Value value) {
  if (auto known = ofRows.find(value); known != ofRows.end())
    return known->second;
  if (!askedBlock)
    return std::nullopt;
  if (data->ofRuns.contains(value)) {
    auto [known, isNew] = ofStep.try_emplace(value);
    if (!isNew)
      return known->second;
    StreamData::Grain grain = data->grainOf(value);
    auto scope = emitter.scope();
    bindCoordinates(b, value.getParentBlock(), {});
    return known->second = summarise(b, emitter, plan, presences, value,
                     {{Role::Row, rows[0].begin, rows[0].count, grain.row},
                      {Role::Key, keys[0].begin, keys[0].count, grain.key}});
  }
  auto found = summaries->find(value);
  if (found == summaries->end())
    return std::nullopt;
  SmallVector<Value> at;
  for (auto &[name, extent] : data->outerOf(value))
    at.push_back(toIndex(b, outer->lookup(name)));
  at.push_back(askedBlock);
  auto load = [&](Value memory) -> Value {
    if (!memory)
      return nullptr;
    Value v = memref::LoadOp::create(b, memory, at);
    if (!v.getType().isInteger(8))
      return v;
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, v, constantInt(b, v.getType(), 0));
  };
  const SummaryMemory &memory = found->second;
  return Summary{load(memory.low), load(memory.high), load(memory.there)};
}

/// A loop in whose condition `ask` says, of its state, whether it goes on, and what the rest of the state is
/// then; the first of the state is a place, which moves on by `step`.
static SmallVector<Value> advance(ImplicitLocOpBuilder &b, ArrayRef<Value> state, Value limit, Value step,
                                  function_ref<SmallVector<Value>(ValueRange)> ask) {
  SmallVector<Type> types(ValueRange(state).getTypes()), answers(types);
  SmallVector<Location> places(types.size(), b.getLoc());
  answers[0] = b.getI1Type();
  auto loop = scf::WhileOp::create(b, types, state);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, places);
  Value at = before->getArgument(0);
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at, limit);
  auto branch = scf::IfOp::create(b, answers, inside, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, ask(before->getArguments()));
    b.setInsertionPointToStart(branch.elseBlock());
    SmallVector<Value> stop(before->args_begin(), before->args_end());
    stop[0] = constantInt(b, b.getI1Type(), 0);
    scf::YieldOp::create(b, stop);
  }
  SmallVector<Value> next{at};
  llvm::append_range(next, branch.getResults().drop_front());
  scf::ConditionOp::create(b, branch.getResult(0), next);
  Block *after = b.createBlock(&loop.getAfter(), {}, types, places);
  SmallVector<Value> passed(after->args_begin(), after->args_end());
  passed[0] = arith::AddIOp::create(b, passed[0], step);
  scf::YieldOp::create(b, passed);
  return SmallVector<Value>(loop.getResults());
}

/// The first and the past of the next tile from `at` on, and for each of allNeeded whether all of it holds in
/// the tile. A tile ends where a mask does, and where, after steps inside all masks, one is not.
SmallVector<Value> StreamEmitter::nextTile(Builder &b, Value at, Value end) {
  Value step = constantIndex(b, data->stepOf(sizes.getN())), yes = constantInt(b, b.getI1Type(), 1);
  auto invert = [&](Value v) -> Value { return arith::XOrIOp::create(b, v, yes); };
  auto all = [&](ValueRange bits) {
    Value result = yes;
    for (Value bit : bits)
      result = arith::AndIOp::create(b, result, bit);
    return result;
  };
  auto answersAt = [&](Value at) { return verdicts ? readVerdict(b, at) : judgeStep(b, at, end); };
  Value first = advance(b, at, end, step, [&](ValueRange state) {
    return SmallVector<Value>{invert(answersAt(state[0])[0])};
  })[0];
  SmallVector<Value> state{first};
  state.append(allNeeded.size(), yes);
  Value limit =
      arith::MinUIOp::create(b, end, arith::AddIOp::create(b, first, constantIndex(b, sizes.getN())));
  state = advance(b, state, limit, step, [&](ValueRange state) {
    SmallVector<Value> judged = answersAt(state[0]);
    Value later = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, state[0], first);
    Value leaves =
        arith::AndIOp::create(b, all(state.drop_front()), invert(all(ArrayRef(judged).drop_front())));
    judged[0] = arith::AndIOp::create(b, judged[0], invert(arith::AndIOp::create(b, later, leaves)));
    for (unsigned k = 1; k < judged.size(); ++k) { // a step that is left out does not count
      Value own = arith::OrIOp::create(b, judged[k], invert(judged[0]));
      judged[k] = arith::AndIOp::create(b, state[k], own);
    }
    return judged;
  });
  SmallVector<Value> tile{first, arith::MinUIOp::create(b, state[0], limit)};
  llvm::append_range(tile, ArrayRef(state).drop_front());
  return tile;
}

/// Where the list of the rows at hand is.
SmallVector<Value> StreamEmitter::placeOfList(Builder &b) {
  SmallVector<Value> at;
  for (auto &[name, extent] : listed)
    at.push_back(toIndex(b, outer->lookup(name)));
  at.push_back(arith::DivUIOp::create(b, rows[0].begin, constantIndex(b, sizes.getM())));
  at.push_back(Value());
  return at;
}

/// The keys that the rows at hand need, with what is the same for all of them before.
Span StreamEmitter::askKeys(Builder &b) {
  for (ArrayRef<Value> needed : plan.needed())
    for (Value predicate : needed) {
      bindCoordinates(b, predicate.getParentBlock(), {});
      emitter.hoist(b, predicate);
    }
  summariseRows(b);
  emitter.branchless = true;
  return keyRanges(b)[0];
}

/// A byte for each block of rows and step of keys: whether something is to be done there, then the bits of ListedTile.
void StreamEmitter::writeVerdict(Builder &b, const RowBlock &block, Value number) {
  auto scope = emitter.scope();
  rows = block.rows;
  outer = &block.outer;
  SmallVector<Value> place = placeOfList(b);
  place.back() = number;
  Span range = askKeys(b);
  auto positive = emitter.insideLoopOver(plan.keys);
  Value step = constantIndex(b, data->stepOf(sizes.getN())), at = arith::MulIOp::create(b, number, step);
  Value end = arith::AddIOp::create(b, range.begin, range.count), past = arith::AddIOp::create(b, at, step);
  Value isInside = arith::AndIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at, end),
                                         arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, past, range.begin));
  Type byte = b.getI8Type();
  auto branch = scf::IfOp::create(b, byte, isInside, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value all = constantInt(b, byte, 0);
    // Of all keys of the step: who lists tiles does not know where those end that matter.
    SmallVector<Value> answers = judgeStep(b, at, emitter.extentValues.lookup(extents.of(plan.keys[0].second)));
    for (auto [bit, answer] : llvm::enumerate(ArrayRef(answers).take_front(1 + ListedTile::kMustBits))) {
      Value wide = arith::ExtUIOp::create(b, byte, answer);
      all = arith::OrIOp::create(b, all, arith::ShLIOp::create(b, wide, constantInt(b, byte, bit)));
    }
    scf::YieldOp::create(b, all);
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, constantInt(b, byte, 0));
  }
  memref::StoreOp::create(b, branch.getResult(0), verdicts, place);
  emitter.branchless = false;
}

/// The answers of judgeStep from it.
SmallVector<Value> StreamEmitter::readVerdict(Builder &b, Value at) {
  SmallVector<Value> place = placeOfList(b);
  place.back() = arith::DivUIOp::create(b, at, constantIndex(b, data->stepOf(sizes.getN())));
  Value all = memref::LoadOp::create(b, verdicts, place);
  SmallVector<Value> answers;
  for (size_t bit = 0; bit < 1 + allNeeded.size(); ++bit) {
    Value own = constantInt(b, all.getType(), bit > ListedTile::kMustBits ? 0 : int64_t(1) << bit);
    Value isSet = arith::AndIOp::create(b, all, own);
    answers.push_back(arith::CmpIOp::create(b, arith::CmpIPredicate::ne, isSet, constantInt(b, all.getType(), 0)));
  }
  return answers;
}

void StreamEmitter::listTiles(Builder &b, const RowBlock &block) {
  auto scope = emitter.scope();
  rows = block.rows;
  outer = &block.outer;
  allNeeded = plan.needed();
  SmallVector<Value> at = placeOfList(b);
  Span range = verdicts ? Span{constantIndex(b, 0), emitter.extentValues.lookup(extents.of(plan.keys[0].second))} : askKeys(b);
  Value zero = constantIndex(b, 0), one = constantIndex(b, 1), step = constantIndex(b, data->stepOf(sizes.getN()));
  Value end = arith::AddIOp::create(b, range.begin, range.count); // in steps that summaries know
  Value begin = arith::SubIOp::create(b, range.begin, arith::RemUIOp::create(b, range.begin, step));
  auto positive = emitter.insideLoopOver(plan.keys);
  // The next key and how many tiles there are; then the tile besides.
  SmallVector<Type> state(2, b.getIndexType()), types(state);
  types.append({b.getIndexType(), b.getI64Type()});
  auto placesOf = [&](ArrayRef<Type> types) { return SmallVector<Location>(types.size(), b.getLoc()); };
  auto loop = scf::WhileOp::create(b, types, ValueRange{begin, zero});
  {
    OpBuilder::InsertionGuard guard(b);
    Block *before = b.createBlock(&loop.getBefore(), {}, state, placesOf(state));
    SmallVector<Value> tile = nextTile(b, before->getArgument(0), end);
    Value first = tile[0], past = tile[1];
    auto shifted = [&](Value v, unsigned by) -> Value {
      return arith::ShLIOp::create(b, v, constantInt(b, b.getI64Type(), by));
    };
    unsigned bit = ListedTile::kFirstBits;
    Value count = toInt(b, arith::SubIOp::create(b, past, first));
    Value entry = arith::OrIOp::create(b, toInt(b, first), shifted(count, bit));
    bit += ListedTile::kCountBits;
    for (Value must : ArrayRef(tile).drop_front(2).take_front(ListedTile::kMustBits))
      entry = arith::OrIOp::create(b, entry, shifted(arith::ExtUIOp::create(b, b.getI64Type(), must), bit++));
    Value isOne = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, first, end);
    scf::ConditionOp::create(b, isOne, ValueRange{past, before->getArgument(1), first, entry});
    Block *after = b.createBlock(&loop.getAfter(), {}, types, placesOf(types));
    at.back() = arith::AddIOp::create(b, after->getArgument(1), one);
    memref::StoreOp::create(b, after->getArgument(3), lists, at);
    scf::YieldOp::create(b, ValueRange{after->getArgument(0), at.back()});
  }
  at.back() = zero;
  memref::StoreOp::create(b, toInt(b, loop.getResult(1)), lists, at);
  emitter.branchless = false;
}

/// The tiles of the list, or of a part of it.
void StreamEmitter::takeListed(Builder &b, Value part, Value parts) {
  Value zero = constantIndex(b, 0), one = constantIndex(b, 1);
  SmallVector<Value> at = placeOfList(b);
  at.back() = zero;
  Value begin = zero, end = toIndex(b, memref::LoadOp::create(b, lists, at)), count = end;
  if (part) {
    auto beginOf = [&](Value p) -> Value {
      return arith::DivUIOp::create(b, arith::MulIOp::create(b, p, count), parts);
    };
    begin = beginOf(part);
    end = beginOf(arith::AddIOp::create(b, part, one));
  }
  auto loop = scf::ForOp::create(b, begin, end, one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto scope = emitter.scope();
  auto positive = emitter.insideLoopOver(plan.keys);
  at.back() = arith::AddIOp::create(b, loop.getInductionVar(), one);
  Value entry = memref::LoadOp::create(b, lists, at);
  auto bits = [&](unsigned from, unsigned count) -> Value {
    Value above = arith::ShRUIOp::create(b, entry, constantInt(b, b.getI64Type(), from));
    return arith::AndIOp::create(b, above, constantInt(b, b.getI64Type(), (int64_t(1) << count) - 1));
  };
  unsigned bit = ListedTile::kFirstBits;
  keyBegin = toIndex(b, bits(0, bit));
  keyCount = toIndex(b, bits(bit, ListedTile::kCountBits));
  bit += ListedTile::kCountBits;
  keys = {{keyBegin, keyCount}};
  allNeeded = plan.needed();
  for (size_t k = 0; k < allNeeded.size(); ++k)
    musts.push_back(k < ListedTile::kMustBits ? arith::TruncIOp::create(b, b.getI1Type(), bits(bit + k, 1)).getResult()
                                              : constantInt(b, b.getI1Type(), 0));
  emitBlockOfKeys(b);
  musts.clear();
}
