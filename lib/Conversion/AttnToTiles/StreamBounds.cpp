//===- StreamBounds.cpp - the keys that a block of rows needs -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An accumulator takes nothing in where one of the predicates on its way does not hold. Comparisons that are
// linear in the key bound the loop over keys; whether any others can hold in a block of keys is asked by
// interval arithmetic, block by block. Both err on the side of visiting: where nothing is known, a block is
// visited and its predicates decide element by element.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using OpBuilderAt = StreamEmitter::Builder;
using Role = StreamTiles::Role;

/// Numbers from outside are cut to this, which decides no comparison with coordinates and keeps sums of a few
/// inside 64 bits.
constexpr int64_t kLargest = int64_t(1) << 56;

namespace {
struct Interval {
  Value low, high; ///< inclusive; both null: nothing is known
  explicit operator bool() const { return low != nullptr; }
};

/// Whether a predicate holds somewhere (null: perhaps) and everywhere (null: perhaps not) in a block.
struct Verdict {
  Value may, must;
};

/// The least and the greatest key for which a predicate may hold; null: unbounded.
struct KeyRange {
  Value low, high;
};

class Bounds {
public:
  Bounds(OpBuilderAt &b, BodyEmitter &emitter, Presences &presences, const StreamTiles &plan, Interval rows,
         Interval keys)
      : b(b), emitter(emitter), presences(presences), plan(plan), rows(rows), keys(keys) {}

  Interval intervalOf(Value v);
  Verdict judge(Value predicate);
  KeyRange rangeOf(Value predicate, bool negated);
  /// Whether rangeOf says all that the predicate does.
  bool isRange(Value predicate);
  KeyRange intersect(KeyRange x, KeyRange y);
  KeyRange hull(KeyRange x, KeyRange y);

private:
  Value number(int64_t v) { return constantInt(b, b.getI64Type(), std::clamp(v, -kLargest, kLargest)); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value min(Value x, Value y) { return arith::MinSIOp::create(b, x, y); }
  Value max(Value x, Value y) { return arith::MaxSIOp::create(b, x, y); }
  Value compare(arith::CmpIPredicate p, Value x, Value y) { return arith::CmpIOp::create(b, p, x, y); }
  Interval times(Interval x, int64_t factor);
  Interval mapInterval(MapOp map);
  KeyRange solve(MapOp compare, bool negated);
  /// c*n + rest <= 0.
  KeyRange solveAtMost(int64_t c, Interval rest);
  /// v = key * n + rest, as terms.
  bool split(Value v, int64_t factor, int64_t &key, SmallVectorImpl<std::pair<Value, int64_t>> &rest);

  OpBuilderAt &b;
  BodyEmitter &emitter;
  Presences &presences;
  const StreamTiles &plan;
  Interval rows, keys;
};
} // namespace

static std::optional<int64_t> constantOf(Value v) {
  auto literal = v.getDefiningOp<LiteralOp>();
  int64_t value;
  if (!literal || !v.getType().isInteger(64) || literal.getText().getAsInteger(10, value))
    return std::nullopt;
  return value;
}

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

Interval Bounds::times(Interval x, int64_t factor) {
  if (!x || factor == 1)
    return x;
  Value k = number(factor);
  Interval y{arith::MulIOp::create(b, x.low, k), arith::MulIOp::create(b, x.high, k)};
  return factor < 0 ? Interval{y.high, y.low} : y;
}

Interval Bounds::mapInterval(MapOp map) {
  auto operand = [&](unsigned k) { return intervalOf(map.getOperands_()[k]); };
  auto divisor = [&] { return constantOf(map.getOperands_()[1]).value_or(0); };
  switch (map.getFn()) {
  case Fn::Neg:
    return times(operand(0), -1);
  case Fn::Add:
  case Fn::Sub:
  case Fn::Min:
  case Fn::Max: {
    Interval x = operand(0), y = operand(1);
    if (!x || !y)
      return {};
    if (map.getFn() == Fn::Add)
      return {add(x.low, y.low), add(x.high, y.high)};
    if (map.getFn() == Fn::Sub)
      return {sub(x.low, y.high), sub(x.high, y.low)};
    if (map.getFn() == Fn::Min)
      return {min(x.low, y.low), min(x.high, y.high)};
    return {max(x.low, y.low), max(x.high, y.high)};
  }
  case Fn::Mul:
    for (unsigned k : {0u, 1u})
      if (auto factor = constantOf(map.getOperands_()[k]); factor && std::abs(*factor) < (1 << 20))
        return times(operand(1 - k), *factor);
    return {};
  case Fn::Floordiv: {
    int64_t by = divisor();
    Interval x = by > 0 ? operand(0) : Interval();
    if (!x)
      return {};
    return {arith::FloorDivSIOp::create(b, x.low, number(by)),
            arith::FloorDivSIOp::create(b, x.high, number(by))};
  }
  case Fn::Mod:
    return divisor() > 0 && operand(0) ? Interval{number(0), number(divisor() - 1)} : Interval();
  default:
    return {};
  }
}

Interval Bounds::intervalOf(Value v) {
  if (!v.getType().isInteger(64))
    return {};
  if (auto constant = constantOf(v))
    return {number(*constant), number(*constant)};
  bool fixed =
      !plan.dependsOn(v, Role::Row) && !plan.dependsOn(v, Role::Key) && !plan.dependsOn(v, Role::Inner);
  if (fixed) {
    Presence present = presences.of(v);
    if (!present || emitter.arePositive(b, *present))
      return {};
    Value value = emitter.emit(b, v).value;
    value = max(min(value, number(kLargest)), number(-kLargest));
    return {value, value};
  }
  if (auto argument = dyn_cast<BlockArgument>(v)) {
    Role role = plan.roleOf(argument);
    return role == Role::Row ? rows : role == Role::Key ? keys : Interval();
  }
  auto map = v.getDefiningOp<MapOp>();
  return map ? mapInterval(map) : Interval();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

Verdict Bounds::judge(Value predicate) {
  Operation *op = predicate.getDefiningOp();
  auto both = [&](Value x, Value y, bool isAnd) -> Value {
    return isAnd ? arith::AndIOp::create(b, x, y).getResult() : arith::OrIOp::create(b, x, y).getResult();
  };
  auto invert = [&](Value x) -> Value {
    return x ? arith::XOrIOp::create(b, x, constantInt(b, b.getI1Type(), 1)).getResult() : Value();
  };
  if (isa_and_nonnull<AndOp, OrOp>(op)) {
    bool isAnd = isa<AndOp>(op);
    Verdict x = judge(op->getOperand(0)), y = judge(op->getOperand(1));
    Verdict z;
    if (x.may && y.may)
      z.may = both(x.may, y.may, isAnd);
    else if (isAnd)
      z.may = x.may ? x.may : y.may;
    if (x.must && y.must)
      z.must = both(x.must, y.must, isAnd);
    else if (!isAnd)
      z.must = x.must ? x.must : y.must;
    return z;
  }
  if (isa_and_nonnull<NotOp>(op)) {
    Verdict x = judge(op->getOperand(0));
    return {invert(x.must), invert(x.may)};
  }
  auto map = dyn_cast_or_null<MapOp>(op);
  if (!map || map.getOperands_().size() != 2)
    return {};
  Fn fn = map.getFn();
  if (!llvm::is_contained({Fn::Le, Fn::Lt, Fn::Ge, Fn::Gt, Fn::Eq, Fn::Ne}, fn))
    return {};
  Interval x = intervalOf(map.getOperands_()[0]), y = x ? intervalOf(map.getOperands_()[1]) : Interval();
  if (!y)
    return {};
  if (fn == Fn::Ge || fn == Fn::Gt) {
    std::swap(x, y);
    fn = fn == Fn::Ge ? Fn::Le : Fn::Lt;
  }
  using P = arith::CmpIPredicate;
  if (fn == Fn::Le || fn == Fn::Lt) {
    P p = fn == Fn::Le ? P::sle : P::slt;
    return {compare(p, x.low, y.high), compare(p, x.high, y.low)};
  }
  Verdict equal{both(compare(P::sle, x.low, y.high), compare(P::sle, y.low, x.high), true),
                both(compare(P::sle, x.high, y.low), compare(P::sle, y.high, x.low), true)};
  return fn == Fn::Eq ? equal : Verdict{invert(equal.must), invert(equal.may)};
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

KeyRange Bounds::intersect(KeyRange x, KeyRange y) {
  return {x.low && y.low ? max(x.low, y.low)
          : x.low        ? x.low
                         : y.low,
          x.high && y.high ? min(x.high, y.high)
          : x.high         ? x.high
                           : y.high};
}

KeyRange Bounds::hull(KeyRange x, KeyRange y) {
  return {x.low && y.low ? min(x.low, y.low) : Value(), x.high && y.high ? max(x.high, y.high) : Value()};
}

bool Bounds::split(Value v, int64_t factor, int64_t &key, SmallVectorImpl<std::pair<Value, int64_t>> &rest) {
  if (!plan.dependsOn(v, Role::Key)) {
    rest.push_back({v, factor});
    return true;
  }
  if (isa<BlockArgument>(v)) {
    key += factor;
    return true;
  }
  auto map = v.getDefiningOp<MapOp>();
  if (!map)
    return false;
  auto operand = [&](unsigned k, int64_t f) { return split(map.getOperands_()[k], f, key, rest); };
  switch (map.getFn()) {
  case Fn::Neg:
    return operand(0, -factor);
  case Fn::Add:
    return operand(0, factor) && operand(1, factor);
  case Fn::Sub:
    return operand(0, factor) && operand(1, -factor);
  case Fn::Mul:
    for (unsigned k : {0u, 1u})
      if (auto c = constantOf(map.getOperands_()[k]);
          c && std::abs(*c) < (1 << 20) && std::abs(factor) < (1 << 20))
        return operand(1 - k, factor * *c);
    return false;
  default:
    return false;
  }
}

KeyRange Bounds::solveAtMost(int64_t c, Interval rest) {
  Value by = number(std::abs(c));
  if (c > 0)
    return {{}, arith::FloorDivSIOp::create(b, sub(number(0), rest.low), by)};
  return {arith::CeilDivSIOp::create(b, rest.low, by), {}};
}

KeyRange Bounds::solve(MapOp op, bool negated) {
  int64_t key = 0;
  SmallVector<std::pair<Value, int64_t>> terms;
  if (op.getOperands_().size() != 2 || !op.getOperands_()[0].getType().isInteger(64) ||
      !split(op.getOperands_()[0], 1, key, terms) || !split(op.getOperands_()[1], -1, key, terms) || key == 0)
    return {};
  Interval rest{number(0), number(0)};
  for (auto [v, factor] : terms) {
    Interval term = times(intervalOf(v), factor);
    if (!term)
      return {};
    rest = {add(rest.low, term.low), add(rest.high, term.high)};
  }
  auto shifted = [&](Interval x) { return Interval{add(x.low, number(1)), add(x.high, number(1))}; };
  auto atMost = [&](bool strict) { return solveAtMost(key, strict ? shifted(rest) : rest); };
  auto atLeast = [&](bool strict) {
    Interval minus = times(rest, -1);
    return solveAtMost(-key, strict ? shifted(minus) : minus);
  };
  switch (op.getFn()) {
  case Fn::Le:
    return negated ? atLeast(true) : atMost(false);
  case Fn::Lt:
    return negated ? atLeast(false) : atMost(true);
  case Fn::Ge:
    return negated ? atMost(true) : atLeast(false);
  case Fn::Gt:
    return negated ? atMost(false) : atLeast(true);
  case Fn::Eq:
    return negated ? KeyRange() : intersect(atMost(false), atLeast(false));
  case Fn::Ne:
    return negated ? intersect(atMost(false), atLeast(false)) : KeyRange();
  default:
    return {};
  }
}

KeyRange Bounds::rangeOf(Value predicate, bool negated) {
  Operation *op = predicate.getDefiningOp();
  if (isa_and_nonnull<AndOp, OrOp>(op)) {
    KeyRange x = rangeOf(op->getOperand(0), negated), y = rangeOf(op->getOperand(1), negated);
    return isa<AndOp>(op) != negated ? intersect(x, y) : hull(x, y);
  }
  if (isa_and_nonnull<NotOp>(op))
    return rangeOf(op->getOperand(0), !negated);
  auto map = dyn_cast_or_null<MapOp>(op);
  return map ? solve(map, negated) : KeyRange();
}

bool Bounds::isRange(Value predicate) {
  Operation *op = predicate.getDefiningOp();
  if (isa_and_nonnull<AndOp>(op))
    return isRange(op->getOperand(0)) && isRange(op->getOperand(1));
  auto map = dyn_cast_or_null<MapOp>(op);
  if (!map || map.getFn() == Fn::Ne)
    return false;
  KeyRange range = solve(map, /*negated=*/false);
  return range.low || range.high;
}

//===----------------------------------------------------------------------===//
// The stream
//===----------------------------------------------------------------------===//

/// The predicates without which a value is absent.
static void collectNeeded(const StreamTiles &plan, Value v, SetVector<Value> &needed) {
  Operation *op = v.getDefiningOp();
  if (auto where = dyn_cast_or_null<WhereOp>(op)) {
    needed.insert(where.getPredicate());
    collectNeeded(plan, where.getValue(), needed);
  } else if (auto read = dyn_cast_or_null<ReadOp>(op)) {
    Value tensor = plan.ownTensor(read);
    auto einsum = tensor ? tensor.getDefiningOp<EinsumOp>() : EinsumOp();
    if (einsum && llvm::is_contained(plan.body, einsum))
      collectNeeded(plan, einsum.getYield().getValues()[0], needed);
  } else if (isa_and_nonnull<MapOp, CastOp>(op)) {
    for (Value operand : op->getOperands())
      collectNeeded(plan, operand, needed);
  }
}

/// What an accumulator needs.
static SmallVector<Value> collectNeeded(const StreamTiles &plan, AccumulateOp op) {
  SetVector<Value> needed;
  for (Value v : op.getYield().getValues())
    collectNeeded(plan, v, needed);
  return needed.takeVector();
}

/// What each accumulator needs; accumulators that need the same are listed once.
static SmallVector<SmallVector<Value>> collectNeeded(const StreamTiles &plan) {
  SmallVector<SmallVector<Value>> all;
  for (AccumulateOp op : plan.state)
    if (auto needed = collectNeeded(plan, op); !llvm::is_contained(all, needed))
      all.push_back(needed);
  return all;
}

/// Whether a value is there wherever the predicates that it needs hold and the products that it needs, which
/// are collected, have their factors.
static bool isThereButForPredicates(const StreamTiles &plan, Presences &presences, Value v,
                                    SetVector<Operation *> &sums) {
  Operation *op = v.getDefiningOp();
  auto recurse = [&](Value operand) { return isThereButForPredicates(plan, presences, operand, sums); };
  if (presences.of(v))
    return true;
  if (isa_and_nonnull<ReduceOp>(op)) {
    sums.insert(op);
    auto product = plan.products.find(op);
    return product != plan.products.end() && !product->second.partialLeft && !product->second.partialRight &&
           plan.shiftedIndices(product->second).empty();
  }
  if (auto where = dyn_cast_or_null<WhereOp>(op))
    return recurse(where.getValue());
  if (auto read = dyn_cast_or_null<ReadOp>(op)) {
    Value tensor = plan.ownTensor(read);
    auto einsum = tensor ? tensor.getDefiningOp<EinsumOp>() : EinsumOp();
    return einsum && llvm::is_contained(plan.body, einsum) && recurse(einsum.getYield().getValues()[0]);
  }
  return isa_and_nonnull<MapOp, CastOp>(op) && llvm::all_of(op->getOperands(), recurse);
}

static Interval intervalFrom(OpBuilderAt &b, Value begin, Value count) {
  Value first = toInt(b, begin), past = arith::AddIOp::create(b, first, toInt(b, count));
  return {first, arith::SubIOp::create(b, past, constantInt(b, b.getI64Type(), 1))};
}

std::pair<Value, Value> StreamEmitter::keyRange(Builder &b, Value end) {
  Bounds bounds(b, emitter, presences, plan, intervalFrom(b, rowBegin, rowCount), {});
  std::optional<KeyRange> range;
  mustAsk = false;
  allNeeded = collectNeeded(plan);
  for (ArrayRef<Value> needed : allNeeded) {
    KeyRange own;
    for (Value predicate : needed) {
      bindCoordinates(b, predicate.getParentBlock(), {});
      own = bounds.intersect(own, bounds.rangeOf(predicate, /*negated=*/false));
      mustAsk |= !bounds.isRange(predicate);
    }
    range = range ? bounds.hull(*range, own) : own;
  }
  Value zero = constantInt(b, b.getI64Type(), 0), one = constantInt(b, b.getI64Type(), 1);
  Value limit = toInt(b, end), low = zero, high = limit;
  if (range->low)
    low = arith::MinSIOp::create(b, arith::MaxSIOp::create(b, range->low, zero), limit);
  if (range->high)
    high = arith::MinSIOp::create(
        b, arith::MaxSIOp::create(b, arith::AddIOp::create(b, range->high, one), low), limit);
  return {toIndex(b, low), toIndex(b, high)};
}

/// The verdict on what an accumulator needs in the block of rows and keys at hand.
static Verdict judgeAll(OpBuilderAt &b, BodyEmitter &emitter, Bounds &bounds, ArrayRef<Value> needed,
                        llvm::function_ref<void(Block *)> bind) {
  Verdict all{{}, constantInt(b, b.getI1Type(), 1)};
  for (Value predicate : needed) {
    bind(predicate.getParentBlock());
    Verdict one = bounds.judge(predicate);
    all.may = conjunction(b, emitter, all.may, one.may);
    all.must = all.must && one.must ? arith::AndIOp::create(b, all.must, one.must).getResult() : Value();
  }
  return all;
}

Value StreamEmitter::mayMatter(Builder &b) {
  if (!mustAsk)
    return nullptr;
  Bounds bounds(b, emitter, presences, plan, intervalFrom(b, rowBegin, rowCount),
                intervalFrom(b, keyBegin, keyCount));
  Value any;
  for (ArrayRef<Value> needed : allNeeded) {
    Value all =
        judgeAll(b, emitter, bounds, needed, [&](Block *block) { bindCoordinates(b, block, {}); }).may;
    if (!all)
      return nullptr;
    any = any ? arith::OrIOp::create(b, any, all).getResult() : all;
  }
  return any;
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
  SetVector<Operation *> sums;
  if (plan.products.find(op)->second.partialRight)
    return nullptr;
  if (plan.products.find(op)->second.right.empty()) {
    for (Value v : op.getYield().getValues())
      if (!isThereButForPredicates(plan, presences, v, sums))
        return nullptr;
  } else { // right factors are there where the block's condition holds
    for (Value v : partsOf(op))
      if (!isThereButForPredicates(plan, presences, v, sums))
        return nullptr;
    sums.insert(op);
  }
  Bounds bounds(b, emitter, presences, plan, intervalFrom(b, rowBegin, rowCount),
                intervalFrom(b, keyBegin, keyCount));
  Value must = judgeAll(b, emitter, bounds, collectNeeded(plan, op), [&](Block *block) {
                 bindCoordinates(b, block, {});
               }).must;
  for (Operation *sum : sums)
    if (Value condition = conditions.lookup(sum); condition && must)
      must = arith::AndIOp::create(b, must, condition);
  return must;
}
