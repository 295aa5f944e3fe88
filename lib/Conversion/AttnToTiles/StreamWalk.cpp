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

void StreamEmitter::walkKeys(Builder &b, Value begin, Value end) {
  Type index = b.getIndexType(), bit = b.getI1Type();
  Value step = constantIndex(b, data->stepOf(sizes.getN())), most = constantIndex(b, sizes.getN());
  Value no = constantInt(b, bit, 0), yes = constantInt(b, bit, 1);
  auto positive = emitter.insideLoopOver(plan.keys);
  SmallVector<Type> bits(allNeeded.size(), bit);
  auto open = [&](Region &region, ArrayRef<Type> types) {
    return b.createBlock(&region, {}, types, SmallVector<Location>(types.size(), b.getLoc()));
  };
  /// From `state`, a place and bits, goes on a step at a time while `asks` is so of the place; the step is
  /// judged.
  auto advance = [&](SmallVector<Value> state, Value limit, bool whileNeeded) {
    SmallVector<Type> types(ValueRange(state).getTypes());
    auto loop = scf::WhileOp::create(b, types, state);
    OpBuilder::InsertionGuard guard(b);
    Block *before = open(loop.getBefore(), types);
    Value at = before->getArgument(0),
          inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at, limit);
    SmallVector<Type> answers(types);
    answers[0] = bit;
    auto branch = scf::IfOp::create(b, answers, inside, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      SmallVector<Value> judged = judgeStep(b, at, end);
      if (!whileNeeded)
        judged[0] = arith::XOrIOp::create(b, judged[0], yes);
      for (unsigned k = 1; k < types.size(); ++k) // what is passed over does not matter
        judged[k] = arith::AndIOp::create(
            b, before->getArgument(k),
            arith::OrIOp::create(b, judged[k], arith::XOrIOp::create(b, judged[0], yes)));
      judged.resize(types.size());
      scf::YieldOp::create(b, judged);
      b.setInsertionPointToStart(branch.elseBlock());
      SmallVector<Value> none(before->args_begin(), before->args_end());
      none[0] = no;
      scf::YieldOp::create(b, none);
    }
    SmallVector<Value> next{at};
    llvm::append_range(next, branch.getResults().drop_front());
    scf::ConditionOp::create(b, branch.getResult(0), next);
    Block *after = open(loop.getAfter(), types);
    SmallVector<Value> passed(after->args_begin(), after->args_end());
    passed[0] = arith::AddIOp::create(b, passed[0], step);
    scf::YieldOp::create(b, passed);
    return SmallVector<Value>(loop.getResults());
  };
  SmallVector<Type> types{index, index};
  llvm::append_range(types, bits);
  auto loop = scf::WhileOp::create(b, types, begin);
  OpBuilder::InsertionGuard guard(b);
  Block *before = open(loop.getBefore(), index);
  Value first = advance({before->getArgument(0)}, end, /*whileNeeded=*/false)[0];
  SmallVector<Value> state{first};
  state.append(allNeeded.size(), yes);
  Value limit = arith::MinUIOp::create(b, end, arith::AddIOp::create(b, first, most));
  state = advance(state, limit, /*whileNeeded=*/true);
  SmallVector<Value> tile{first, arith::MinUIOp::create(b, state[0], limit)};
  llvm::append_range(tile, ArrayRef(state).drop_front());
  scf::ConditionOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, first, end), tile);
  Block *after = open(loop.getAfter(), types);
  auto scope = emitter.scope();
  keyBegin = after->getArgument(0);
  keyCount = arith::SubIOp::create(b, after->getArgument(1), keyBegin);
  keys = {{keyBegin, keyCount}};
  musts.assign(after->args_begin() + 2, after->args_end());
  emitBlockOfKeys(b);
  musts.clear();
  scf::YieldOp::create(b, after->getArgument(1));
}
