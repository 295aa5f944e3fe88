//===- StreamBounds.cpp - the keys that a block of rows needs -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules are those of BlockJudge.h; here they become code that decides when the kernel runs.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "weir/Analysis/BlockJudge.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

namespace {
/// Numbers of BlockJudge as code.
class Code {
public:
  using Number = Value;
  Code(ImplicitLocOpBuilder &b, BodyEmitter &emitter, Presences &presences, function_ref<void(Block *)> enter)
      : enter(enter), b(b), emitter(emitter), presences(presences) {}

  Value number(int64_t v) { return constantInt(b, b.getI64Type(), v); }
  Value truth(bool v) { return constantInt(b, b.getI1Type(), v); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value min(Value x, Value y) { return arith::MinSIOp::create(b, x, y); }
  Value max(Value x, Value y) { return arith::MaxSIOp::create(b, x, y); }
  Value times(Value x, int64_t k) { return arith::MulIOp::create(b, x, number(k)); }
  Value floordiv(Value x, int64_t k) { return arith::FloorDivSIOp::create(b, x, number(k)); }
  Value ceildiv(Value x, int64_t k) { return arith::CeilDivSIOp::create(b, x, number(k)); }
  Value atMost(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::sle, x, y); }
  Value less(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y); }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value invert(Value x) { return arith::XOrIOp::create(b, x, truth(true)); }
  Value select(Value c, Value x, Value y) { return arith::SelectOp::create(b, c, x, y); }
  Value fixed(Value v);
  function_ref<void(Block *)> enter;

private:
  ImplicitLocOpBuilder &b;
  BodyEmitter &emitter;
  Presences &presences;
};
} // namespace

using Judge = BlockJudge<Code>;

Value Code::fixed(Value v) {
  Presence present = presences.of(v);
  if (!present || emitter.arePositive(b, *present))
    return nullptr;
  return max(min(emitter.emit(b, v).value, number(Judge::kLargest)), number(-Judge::kLargest));
}

static void setPlace(ImplicitLocOpBuilder &b, Judge &judge, const StreamTiles::Coordinates &coordinates,
                 ArrayRef<Span> spans) {
  for (auto [coordinate, span] : llvm::zip_equal(coordinates, spans)) {
    Value first = toInt(b, span.begin), past = arith::AddIOp::create(b, first, toInt(b, span.count));
    judge.bind(coordinate.first, {first, arith::SubIOp::create(b, past, constantInt(b, b.getI64Type(), 1))});
  }
}

SmallVector<Span> StreamEmitter::keyRanges(Builder &b) {
  auto enter = [&](Block *block) { bindCoordinates(b, block, {}); };
  Code code(b, emitter, presences, enter);
  Judge judge(code, plan);
  setPlace(b, judge, plan.rows, rows);
  SmallVector<Span> spans;
  for (auto &[name, extent] : plan.keys)
    spans.push_back({constantIndex(b, 0), emitter.extentValues.lookup(extents.of(extent))});
  if (plan.keys.size() > 1) // where a range of one is asked for the others go anywhere
    setPlace(b, judge, plan.keys, spans);
  allNeeded = plan.needed();
  mustAsk = llvm::any_of(allNeeded, [&](ArrayRef<Value> needed) {
    return !llvm::all_of(needed, [&](Value predicate) {
      enter(predicate.getParentBlock());
      return judge.isRangeOfSome(predicate);
    });
  });
  for (auto [k, span] : llvm::enumerate(spans)) {
    judge.setRanged(k);
    auto [low, high] = judge.rangeOfAny(allNeeded, toInt(b, span.count));
    span.begin = toIndex(b, low);
    span.count = arith::SubIOp::create(b, toIndex(b, high), span.begin);
  }
  return spans;
}

Value StreamEmitter::mayMatter(Builder &b) {
  if (!mustAsk)
    return nullptr;
  auto enter = [&](Block *block) { bindCoordinates(b, block, {}); };
  Code code(b, emitter, presences, enter);
  Judge judge(code, plan);
  setPlace(b, judge, plan.rows, rows);
  setPlace(b, judge, plan.keys, keys);
  return judge.mayAny(allNeeded);
}

Value StreamEmitter::isWhole(Builder &b) {
  everywhere.clear();
  bool asks = llvm::any_of(conditions, [](auto &entry) { return entry.second != nullptr; });
  if (!asks && llvm::all_of(allNeeded, [](ArrayRef<Value> needed) { return needed.empty(); }))
    return nullptr;
  Value all;
  for (AccumulateOp op : plan.state) {
    Value one = isThereEverywhere(b, op);
    everywhere[op] = one;
    if (!one)
      return nullptr;
    all = all ? arith::AndIOp::create(b, all, one).getResult() : one;
  }
  return all;
}

void StreamEmitter::inVersions(Builder &b, function_ref<void()> inside) {
  if (!whole)
    return inside();
  auto choice = scf::IfOp::create(b, whole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  {
    auto scope = emitter.scope();
    for (ArrayRef<Value> needed : allNeeded)
      for (Value predicate : needed)
        emitter.bind(predicate, {constantInt(b, b.getI1Type(), 1), nullptr, nullptr});
    this->inside = true;
    inside();
    this->inside = false;
  }
  b.setInsertionPointToStart(choice.elseBlock());
  auto scope = emitter.scope();
  inside();
}

Value StreamEmitter::isThereEverywhere(Builder &b, AccumulateOp op) {
  if (auto known = everywhere.find(op); known != everywhere.end())
    return known->second;
  std::optional<SmallVector<Operation *>> sums = plan.productsBehind(op);
  if (!sums)
    return nullptr;
  auto enter = [&](Block *block) { bindCoordinates(b, block, {}); };
  Code code(b, emitter, presences, enter);
  Judge judge(code, plan);
  setPlace(b, judge, plan.rows, rows);
  setPlace(b, judge, plan.keys, keys);
  Value must = judge.judgeAll(plan.neededBy(op)).must;
  for (Operation *sum : *sums)
    if (Value condition = conditions.lookup(sum); condition && must)
      must = arith::AndIOp::create(b, must, condition);
  return must;
}
