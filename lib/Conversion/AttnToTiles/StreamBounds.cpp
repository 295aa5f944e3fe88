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

/// Numbers of BlockJudge as code.
class tiles::Code {
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
    Value first = toInt(b, span.begin), count = toInt(b, span.count), one = constantInt(b, b.getI64Type(), 1);
    Value last = span.step == 1
                     ? arith::SubIOp::create(b, arith::AddIOp::create(b, first, count), one).getResult()
                     : toInt(b, span.at(b, arith::SubIOp::create(b, span.count, constantIndex(b, 1))));
    judge.bind(coordinate.first, {first, last});
  }
}

/// Data is cut to this, so that products of it with factors stay inside 64 bits.
constexpr int64_t kLargestData = int64_t(1) << 40;

/// Summaries as the judge takes them.
static Judge::Interval intervalOf(ImplicitLocOpBuilder &b, Value v, const Summary &known) {
  auto read = v.getDefiningOp<ReadOp>();
  auto stored = read ? dyn_cast<IntegerType>(cast<RankedTensorType>(read.getSource().getType()).getElementType()) : IntegerType();
  bool isNarrow = stored && stored.getWidth() <= 32;
  if (isNarrow && !known.there)
    return {known.low, known.high};
  auto cut = [&](Value x) -> Value {
    Value most = constantInt(b, x.getType(), kLargestData), least = constantInt(b, x.getType(), -kLargestData);
    return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, x, most), least);
  };
  Judge::Interval interval{cut(known.low), cut(known.high), known.there, {}};
  if (isNarrow)
    return interval;
  using P = arith::CmpIPredicate;
  Value same = arith::AndIOp::create(b, arith::CmpIOp::create(b, P::eq, interval.low, known.low),
                                     arith::CmpIOp::create(b, P::eq, interval.high, known.high));
  interval.exact = arith::OrIOp::create(b, same, arith::CmpIOp::create(b, P::sgt, known.low, known.high));
  return interval;
}

/// Judges the rows at hand with the keys of `spans`, if there are any; `asksData`: with what is known of tensors there.
void StreamEmitter::withJudge(Builder &b, ArrayRef<Span> spans, bool asksData,
                              function_ref<void(Judge &)> ask) {
  auto enter = [&](Block *block) { bindCoordinates(b, block, {}); };
  Code code(b, emitter, presences, enter);
  Judge judge(code, plan);
  setPlace(b, judge, plan.rows, rows);
  if (!spans.empty())
    setPlace(b, judge, plan.keys, spans);
  if (asksData)
    askData(b, judge);
  ask(judge);
}

void StreamEmitter::askData(Builder &b, Judge &judge) {
  if (!data)
    return;
  judge.dataInterval = [this, &b](Value v) -> std::optional<Judge::Interval> {
    std::optional<Summary> known = v.getType().isInteger(64) ? summaryOf(b, v) : std::nullopt;
    return known ? std::optional(intervalOf(b, v, *known)) : std::nullopt;
  };
  judge.dataVerdict = [this, &b](Value v) -> std::optional<Judge::Verdict> {
    std::optional<Summary> known = v.getType().isInteger(1) ? summaryOf(b, v) : std::nullopt;
    return known ? std::optional(Judge::Verdict{known->high, known->low}) : std::nullopt;
  };
}

SmallVector<Span> StreamEmitter::keyRanges(Builder &b) {
  SmallVector<Span> spans;
  for (auto &[name, extent] : plan.keys)
    spans.push_back({constantIndex(b, 0), emitter.extentValues.lookup(extents.of(extent))});
  askedBlock = nullptr;
  allNeeded = plan.needed();
  // Where a range of one coordinate is asked for the others go anywhere.
  withJudge(b, spans.size() > 1 ? ArrayRef(spans) : ArrayRef<Span>(), /*asksData=*/true, [&](Judge &judge) {
    mustAsk = !judge.areRanges(allNeeded);
    for (auto [k, span] : llvm::enumerate(spans)) {
      judge.setRanged(k);
      auto [first, count] = judge.keysOfAny(allNeeded, toInt(b, span.count));
      span = {toIndex(b, first), toIndex(b, count), plan.stepOf(plan.keys[k].first)};
    }
  });
  return spans;
}

/// Whether some bound of the keys moves with the row.
bool StreamEmitter::doBoundsMove(Builder &b) {
  bool move = false;
  withJudge(b, {}, /*asksData=*/false, [&](Judge &judge) {
    std::function<void(Value)> visit = [&](Value predicate) {
      if (auto both = predicate.getDefiningOp<AndOp>())
        return (void)llvm::for_each(both->getOperands(), visit);
      move |= plan.dependsOn(predicate, Role::Row) && plan.dependsOn(predicate, Role::Key) && judge.isRange(predicate);
    };
    for (ArrayRef<Value> needed : plan.needed())
      llvm::for_each(needed, visit);
  });
  return move;
}

Value StreamEmitter::mayMatter(Builder &b) {
  if (!mustAsk)
    return nullptr;
  Value may;
  withJudge(b, keys, /*asksData=*/false, [&](Judge &judge) { may = judge.mayAny(allNeeded); });
  return may;
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
  std::optional<StreamTiles::Needs> needs = plan.needsBeside(op);
  Value must;
  if (needs)
    must = musts.empty() ? judgeMust(b, op) : musts[llvm::find(allNeeded, plan.neededBy(op)) - allNeeded.begin()];
  return must ? conjunction(b, emitter, must, isThereBesidePredicates(b, *needs)) : isThereInRuns(b, op);
}

Value StreamEmitter::isThereBesidePredicates(Builder &b, const StreamTiles::Needs &needs) {
  Value there = emitter.arePositive(b, needs.positive);
  for (Operation *product : needs.products)
    there = conjunction(b, emitter, there, conditions.lookup(product));
  return there;
}

/// Whether what an accumulator needs holds in all of the block at hand; null: perhaps not.
Value StreamEmitter::judgeMust(Builder &b, AccumulateOp op) {
  Value must;
  withJudge(b, keys, /*asksData=*/true, [&](Judge &judge) { must = judge.judgeAll(plan.neededBy(op)).must; });
  return must;
}

/// What predicates compute, from data as well, may be the same in all of a run.
Value StreamEmitter::judgeRun(Builder &b, AccumulateOp op) {
  SmallVector<Span> spans;
  for (auto [at, span] : llvm::zip_equal(run->at, keyRange))
    spans.push_back({at, constantIndex(b, 1), span.step});
  spans.back().count = run->count;
  auto known = [&](Value v) -> std::optional<Summary> {
    bool varies = plan.dependsOn(v, Role::Row) || plan.dependsOn(v, plan.keys.back().first);
    if (varies || isa<BlockArgument>(v))
      return std::nullopt;
    Lane lane = emitter.emit(b, v);
    return Summary{lane.value, lane.value, lane.present};
  };
  Value must;
  withJudge(b, spans, /*asksData=*/false, [&](Judge &judge) {
    judge.dataInterval = [&](Value v) -> std::optional<Judge::Interval> {
      std::optional<Summary> one = known(v);
      return one ? std::optional(intervalOf(b, v, *one)) : std::nullopt;
    };
    judge.dataVerdict = [&](Value v) -> std::optional<Judge::Verdict> {
      std::optional<Summary> one = known(v);
      if (!one)
        return std::nullopt;
      Value holds = conjunction(b, emitter, one->low, one->there);
      return Judge::Verdict{holds, holds};
    };
    must = judge.judgeAll(plan.neededBy(op)).must;
  });
  return must;
}

/// Whether something is to be done in the step of keys from `at` on, then for each of allNeeded whether all of it holds there.
SmallVector<Value> StreamEmitter::judgeStep(Builder &b, Value at, Value end) {
  auto scope = emitter.scope();
  int64_t length = data->stepOf(sizes.getN());
  Value step = constantIndex(b, length);
  keys = {{at, arith::MinUIOp::create(b, arith::SubIOp::create(b, end, at), step)}};
  askedBlock = arith::DivUIOp::create(b, at, step);
  ofStep.clear();
  SmallVector<Value> answers{constantInt(b, b.getI1Type(), 0)};
  withJudge(b, keys, /*asksData=*/true, [&](Judge &judge) {
    for (ArrayRef<Value> needed : allNeeded) {
      Judge::Verdict verdict = judge.judgeAll(needed);
      Value may = verdict.may ? verdict.may : constantInt(b, b.getI1Type(), 1);
      answers[0] = arith::OrIOp::create(b, answers[0], may);
      answers.push_back(verdict.must ? verdict.must : constantInt(b, b.getI1Type(), 0));
    }
  });
  askedBlock = nullptr;
  return answers;
}
