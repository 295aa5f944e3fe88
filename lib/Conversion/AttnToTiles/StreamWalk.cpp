//===- StreamWalk.cpp - keys of which some blocks are left out ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where predicates read data the keys of a block of rows are walked: steps in which nothing can hold are
// passed over, those that follow are taken together up to a whole tile, so that a tile begins and ends where
// the mask does.
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
    StreamData::Grain grain = data->grainOf(value);
    auto scope = emitter.scope();
    bindCoordinates(b, value.getParentBlock(), {});
    return summarise(b, emitter, plan, presences, value,
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
  Value first = advance(b, at, end, step, [&](ValueRange state) {
    return SmallVector<Value>{invert(judgeStep(b, state[0], end)[0])};
  })[0];
  SmallVector<Value> state{first};
  state.append(allNeeded.size(), yes);
  Value limit =
      arith::MinUIOp::create(b, end, arith::AddIOp::create(b, first, constantIndex(b, sizes.getN())));
  state = advance(b, state, limit, step, [&](ValueRange state) {
    SmallVector<Value> judged = judgeStep(b, state[0], end);
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

void StreamEmitter::walkKeys(Builder &b, Value begin, Value end) {
  auto positive = emitter.insideLoopOver(plan.keys);
  SmallVector<Type> types(2, b.getIndexType());
  types.append(allNeeded.size(), b.getI1Type());
  auto loop = scf::WhileOp::create(b, types, begin);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, b.getIndexType(), b.getLoc());
  SmallVector<Value> tile = nextTile(b, before->getArgument(0), end);
  scf::ConditionOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tile[0], end), tile);
  Block *after = b.createBlock(&loop.getAfter(), {}, types, SmallVector<Location>(types.size(), b.getLoc()));
  auto scope = emitter.scope();
  keyBegin = after->getArgument(0);
  keyCount = arith::SubIOp::create(b, after->getArgument(1), keyBegin);
  keys = {{keyBegin, keyCount}};
  musts.assign(after->args_begin() + 2, after->args_end());
  emitBlockOfKeys(b);
  musts.clear();
  scf::YieldOp::create(b, after->getArgument(1));
}
