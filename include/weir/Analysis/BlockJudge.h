//===- BlockJudge.h - which keys a block of rows needs --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An accumulator of a stream takes nothing in where one of the predicates on its way does not hold.
// Comparisons that are linear in the key, or in a quotient of it, bound the loop over keys; whether any
// others can hold in a block of keys, or hold in all of it, is asked by interval arithmetic, block by block.
// All answers err on the side of visiting a block and of asking its predicates element by element.
//
// The rules stand here once. What computes with them is a parameter: the code of a kernel (AttnToTiles),
// which decides when it runs, or trees over the numbers of blocks (Tiles.h), which are counted. So what is
// counted is what kernels do.
//
// An Algebra has, for Numbers that convert to bool (none: nothing is known) and its own truth values, which
// are Numbers too:
//   number(k) truth(bool) add sub min max (x, y)  times(x, k)  floordiv(x, k) ceildiv(x, k), k > 0
//   atMost(x, y) less(x, y) both(x, y) either(x, y)  invert(x)  select(truth, x, y)
//   fixed(value)   an integer that is the same in all of the block, cut to +-kLargest; none: nothing is known
//   of it enter(block)   said before values of a body are asked for
#ifndef WEIR_ANALYSIS_BLOCKJUDGE_H
#define WEIR_ANALYSIS_BLOCKJUDGE_H
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace weir {

template <typename Algebra> class BlockJudge {
public:
  using Number = typename Algebra::Number;
  using Value = mlir::Value;
  using Role = StreamTiles::Role;

  /// Numbers from outside are cut to this, which decides no comparison with coordinates and keeps sums of a
  /// few inside 64 bits.
  static constexpr int64_t kLargest = int64_t(1) << 56;
  /// Factors below this keep products of them with coordinates inside 64 bits.
  static constexpr int64_t kLargestFactor = 1 << 20;

  struct Interval {
    Number low{}, high{}; ///< inclusive; both none: nothing is known
    Number there{};       ///< whether there is a number everywhere; none: there is. Where there is none the interval says nothing
    Number exact{};       ///< whether no number was cut; none: none was
    explicit operator bool() const { return bool(low); }
  };
  /// Whether a predicate holds somewhere (none: perhaps) and everywhere (none: perhaps not) in a block.
  struct Verdict {
    Number may{}, must{};
  };
  /// The least and the greatest key for which a predicate may hold; none: unbounded.
  struct KeyRange {
    Number low{}, high{};
  };

  /// A block, of which bind() says where it lies.
  BlockJudge(Algebra &algebra, const StreamTiles &plan) : a(algebra), plan(plan) { setRanged(0); }
  /// A block of rows and keys of one coordinate each; no keys: rangeOf and isRange may be asked only.
  BlockJudge(Algebra &algebra, const StreamTiles &plan, Interval rows, Interval keys = {})
      : BlockJudge(algebra, plan) {
    assert(plan.rows.size() == 1 && plan.keys.size() == 1 && "a tuple has several intervals");
    bind(plan.rows[0].first, rows);
    bind(plan.keys[0].first, keys);
  }
  /// Says where a coordinate of rows or keys lies.
  void bind(llvm::StringRef coordinate, Interval interval) { coordinates[coordinate] = interval; }
  /// Ranges are those of the key's coordinate number k; at first of the outermost.
  void setRanged(unsigned k) { ranged = plan.keys[k].first; }

  Interval intervalOf(Value v);
  Verdict judge(Value predicate);
  /// The verdict on a conjunction.
  Verdict judgeAll(llvm::ArrayRef<Value> predicates);
  KeyRange rangeOf(Value predicate, bool negated);
  /// Whether rangeOf says all that the predicate does.
  bool isRange(Value predicate);
  /// Whether a predicate is a conjunction of such, of this or that coordinate of the key.
  bool isRangeOfSome(Value predicate);
  /// Whether keysOfAny says all that the predicates do, so that mayAny need not be asked.
  bool areRanges(llvm::ArrayRef<llvm::SmallVector<Value>> needed);
  /// Of `limit` keys, the first for which one of several conjunctions may hold, and how many there are from it to the last, each
  /// stepOf() the one before.
  std::pair<Number, Number> keysOfAny(llvm::ArrayRef<llvm::SmallVector<Value>> needed, Number limit);
  /// Whether one of several conjunctions may hold in the block; none: perhaps.
  Number mayAny(llvm::ArrayRef<llvm::SmallVector<Value>> needed);

  /// What is known of integers, and of predicates, that read tensors; not set: nothing is.
  std::function<std::optional<Interval>(Value)> dataInterval;
  std::function<std::optional<Verdict>(Value)> dataVerdict;

private:
  /// factor * value, a term of a sum.
  using Term = std::pair<Value, int64_t>;

  /// `x and y` where none stands for true.
  Number also(Number x, Number y) { return x && y ? a.both(x, y) : x ? x : y; }
  /// The interval of a function of x and y.
  Interval made(Interval result, Interval x, Interval y = {}) {
    return {result.low, result.high, also(x.there, y.there), also(x.exact, y.exact)};
  }
  Interval plus(Interval x, Interval y) { return made({a.add(x.low, y.low), a.add(x.high, y.high)}, x, y); }
  Interval constant(int64_t v) {
    Number n = a.number(std::clamp(v, -kLargest, kLargest));
    return {n, n};
  }
  Interval times(Interval x, int64_t factor);
  Interval mapInterval(attn::MapOp map);
  KeyRange intersect(KeyRange x, KeyRange y);
  KeyRange hull(KeyRange x, KeyRange y);
  /// The verdict on a predicate that reads tensors, and not at the key.
  std::optional<Verdict> keyless(Value predicate);
  KeyRange solve(attn::MapOp compare, bool negated);
  /// Whether an integer is made of data that may be absent.
  bool mayBeAbsent(Value v);
  /// The sum of terms and offset is at most 0.
  KeyRange solveAtMost(llvm::ArrayRef<Term> terms, Interval offset);
  /// The first and the one past the last key of keysOfAny() where all are taken.
  std::pair<Number, Number> rangeOfAny(llvm::ArrayRef<llvm::SmallVector<Value>> needed, Number limit);
  Number modulo(Number x, int64_t by) { return a.sub(x, a.times(a.floordiv(x, by), by)); }
  /// v = key * n + rest, as terms; a quotient that depends on the key is one of them.
  bool split(Value v, int64_t factor, int64_t &key, llvm::SmallVectorImpl<Term> &rest);

  Algebra &a;
  const StreamTiles &plan;
  llvm::StringMap<Interval> coordinates;
  llvm::StringRef ranged;
};

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

template <typename A> auto BlockJudge<A>::times(Interval x, int64_t factor) -> Interval {
  if (!x || factor == 1)
    return x;
  Interval y = made({a.times(x.low, factor), a.times(x.high, factor)}, x);
  if (factor < 0)
    std::swap(y.low, y.high);
  return y;
}

template <typename A> auto BlockJudge<A>::mapInterval(attn::MapOp map) -> Interval {
  using attn::Fn;
  auto operand = [&](unsigned k) { return intervalOf(map.getOperands_()[k]); };
  auto divisor = [&] { return getLiteral(map.getOperands_()[1]).value_or(0); };
  switch (map.getFn()) {
  case Fn::Neg:
    return times(operand(0), -1);
  case Fn::Abs: {
    Interval x = operand(0);
    if (!x)
      return {};
    Number zero = a.number(0), most = a.max(a.sub(zero, x.low), x.high);
    return made({a.max(zero, a.max(x.low, a.sub(zero, x.high))), most}, x);
  }
  case Fn::Add:
  case Fn::Sub:
  case Fn::Min:
  case Fn::Max: {
    Interval x = operand(0), y = operand(1);
    if (!x || !y)
      return {};
    if (map.getFn() == Fn::Add)
      return plus(x, y);
    if (map.getFn() == Fn::Sub)
      return made({a.sub(x.low, y.high), a.sub(x.high, y.low)}, x, y);
    if (map.getFn() == Fn::Min)
      return made({a.min(x.low, y.low), a.min(x.high, y.high)}, x, y);
    return made({a.max(x.low, y.low), a.max(x.high, y.high)}, x, y);
  }
  case Fn::Mul:
    for (unsigned k : {0u, 1u})
      if (auto factor = getLiteral(map.getOperands_()[k]); factor && std::abs(*factor) < kLargestFactor)
        return times(operand(1 - k), *factor);
    return {};
  case Fn::Floordiv: {
    int64_t by = divisor();
    Interval x = by > 0 ? operand(0) : Interval();
    return x ? made({a.floordiv(x.low, by), a.floordiv(x.high, by)}, x) : Interval();
  }
  case Fn::Mod: { // its own where the quotient is one number, else any remainder
    int64_t by = divisor();
    Interval x = by > 0 ? operand(0) : Interval();
    if (!x)
      return {};
    Number low = a.floordiv(x.low, by), base = a.times(low, by);
    Number one = a.atMost(a.floordiv(x.high, by), low);
    return made({a.select(one, a.sub(x.low, base), a.number(0)),
                 a.select(one, a.sub(x.high, base), a.number(by - 1))},
                x);
  }
  default:
    return {};
  }
}

template <typename A> auto BlockJudge<A>::intervalOf(Value v) -> Interval {
  if (!v.getType().isInteger(64))
    return {};
  if (auto literal = getLiteral(v))
    return constant(*literal);
  if (dataInterval)
    if (std::optional<Interval> known = dataInterval(v))
      return *known;
  if (plan.isUniform(v)) {
    Number value = a.fixed(v);
    return {value, value};
  }
  if (auto argument = llvm::dyn_cast<mlir::BlockArgument>(v))
    return plan.roleOf(argument) == Role::Inner ? Interval()
                                                : coordinates.lookup(getCoordinateName(argument));
  auto map = v.getDefiningOp<attn::MapOp>();
  return map ? mapInterval(map) : Interval();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

template <typename A> auto BlockJudge<A>::judge(Value predicate) -> Verdict {
  using attn::Fn;
  mlir::Operation *op = predicate.getDefiningOp();
  auto invert = [&](Number x) { return x ? a.invert(x) : Number(); };
  if (plan.isResidue(predicate))
    return {a.truth(true), a.truth(true)};
  if (dataVerdict)
    if (std::optional<Verdict> known = dataVerdict(predicate))
      return *known;
  if (llvm::isa_and_nonnull<attn::AndOp, attn::OrOp>(op)) {
    bool isAnd = llvm::isa<attn::AndOp>(op);
    auto join = [&](Number x, Number y) { return isAnd ? a.both(x, y) : a.either(x, y); };
    Verdict x = judge(op->getOperand(0)), y = judge(op->getOperand(1)), z;
    if (x.may && y.may)
      z.may = join(x.may, y.may);
    else if (isAnd)
      z.may = x.may ? x.may : y.may;
    if (x.must && y.must)
      z.must = join(x.must, y.must);
    else if (!isAnd)
      z.must = x.must ? x.must : y.must;
    return z;
  }
  if (llvm::isa_and_nonnull<attn::NotOp>(op)) {
    Verdict x = judge(op->getOperand(0));
    return {invert(x.must), invert(x.may)};
  }
  auto map = llvm::dyn_cast_or_null<attn::MapOp>(op);
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
  Verdict found;
  if (fn == Fn::Le)
    found = {a.atMost(x.low, y.high), a.atMost(x.high, y.low)};
  else if (fn == Fn::Lt)
    found = {a.less(x.low, y.high), a.less(x.high, y.low)};
  else
    found = {a.both(a.atMost(x.low, y.high), a.atMost(y.low, x.high)),
             a.both(a.atMost(x.high, y.low), a.atMost(y.high, x.low))};
  if (fn == Fn::Ne)
    found = {invert(found.must), invert(found.may)};
  if (Number exact = also(x.exact, y.exact))
    found = {a.either(found.may, a.invert(exact)), a.both(found.must, exact)};
  // A comparison of what is absent does not hold.
  found.must = also(found.must, also(x.there, y.there));
  return found;
}

template <typename A> auto BlockJudge<A>::judgeAll(llvm::ArrayRef<Value> predicates) -> Verdict {
  Verdict all{{}, a.truth(true)};
  for (Value predicate : predicates) {
    a.enter(predicate.getParentBlock());
    Verdict one = judge(predicate);
    all.may = also(all.may, one.may);
    all.must = all.must && one.must ? a.both(all.must, one.must) : Number();
  }
  return all;
}

template <typename A> auto BlockJudge<A>::mayAny(llvm::ArrayRef<llvm::SmallVector<Value>> needed) -> Number {
  Number any{};
  for (llvm::ArrayRef<Value> conjunction : needed) {
    Number all = judgeAll(conjunction).may;
    if (!all)
      return {};
    any = any ? a.either(any, all) : all;
  }
  return any;
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

template <typename A> auto BlockJudge<A>::intersect(KeyRange x, KeyRange y) -> KeyRange {
  return {x.low && y.low ? a.max(x.low, y.low)
          : x.low        ? x.low
                         : y.low,
          x.high && y.high ? a.min(x.high, y.high)
          : x.high         ? x.high
                           : y.high};
}

template <typename A> auto BlockJudge<A>::hull(KeyRange x, KeyRange y) -> KeyRange {
  return {x.low && y.low ? a.min(x.low, y.low) : Number(),
          x.high && y.high ? a.max(x.high, y.high) : Number()};
}

template <typename A>
bool BlockJudge<A>::split(Value v, int64_t factor, int64_t &key, llvm::SmallVectorImpl<Term> &rest) {
  using attn::Fn;
  if (!plan.dependsOn(v, ranged)) {
    rest.push_back({v, factor});
    return true;
  }
  if (llvm::isa<mlir::BlockArgument>(v)) {
    key += factor;
    return true;
  }
  auto map = v.getDefiningOp<attn::MapOp>();
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
      if (auto c = getLiteral(map.getOperands_()[k]);
          c && std::abs(*c) < kLargestFactor && std::abs(factor) < kLargestFactor)
        return operand(1 - k, factor * *c);
    return false;
  case Fn::Floordiv:
    rest.push_back({v, factor});
    return true;
  default:
    return false;
  }
}

template <typename A>
auto BlockJudge<A>::solveAtMost(llvm::ArrayRef<Term> terms, Interval offset) -> KeyRange {
  int64_t key = 0;
  llvm::SmallVector<Term> parts;
  for (auto [v, factor] : terms)
    if (!split(v, factor, key, parts))
      return {};
  std::optional<Term> quotient;
  for (Term part : parts) {
    if (plan.dependsOn(part.first, ranged)) {
      if (quotient || key)
        return {};
      quotient = part;
      continue;
    }
    Interval term = times(intervalOf(part.first), part.second);
    if (!term)
      return {};
    offset = plus(offset, term);
  }
  int64_t factor = quotient ? quotient->second : key;
  if (!factor)
    return {};
  // factor * x + offset <= 0, of x the key or the quotient.
  Number bound =
      factor > 0 ? a.floordiv(a.sub(a.number(0), offset.low), factor) : a.ceildiv(offset.low, -factor);
  if (offset.exact)
    bound = a.select(offset.exact, bound, a.number(factor > 0 ? kLargest : -kLargest));
  if (!quotient)
    return factor > 0 ? KeyRange{{}, bound} : KeyRange{bound, {}};
  auto map = quotient->first.getDefiningOp<attn::MapOp>();
  int64_t by = getLiteral(map.getOperands_()[1]).value_or(0);
  if (by <= 0 || by >= kLargestFactor)
    return {};
  Value dividend = map.getOperands_()[0];
  bound = a.max(a.min(bound, a.number(kLargest / by)), a.number(-kLargest / by));
  if (factor < 0) { // dividend >= by * bound
    Number least = a.times(bound, by);
    return solveAtMost({{dividend, -1}}, {least, least});
  }
  Number most = a.add(a.times(bound, by), a.number(by - 1)), minus = a.sub(a.number(0), most);
  return solveAtMost({{dividend, 1}}, {minus, minus});
}

template <typename A> bool BlockJudge<A>::mayBeAbsent(Value v) {
  if (std::optional<Interval> known = dataInterval(v))
    return bool(known->there);
  auto map = v.getDefiningOp<attn::MapOp>();
  return map && llvm::any_of(map.getOperands_(), [&](Value operand) { return mayBeAbsent(operand); });
}

template <typename A> auto BlockJudge<A>::solve(attn::MapOp op, bool negated) -> KeyRange {
  using attn::Fn;
  if (op.getOperands_().size() != 2 || !op.getOperands_()[0].getType().isInteger(64))
    return {};
  Value x = op.getOperands_()[0], y = op.getOperands_()[1];
  // What is absent makes a comparison fail, and so its negation hold.
  if (negated && dataInterval && (mayBeAbsent(x) || mayBeAbsent(y)))
    return {};
  auto atMost = [&](Value p, Value q, bool strict) {
    return solveAtMost({{p, 1}, {q, -1}}, constant(strict));
  };
  switch (op.getFn()) {
  case Fn::Le:
    return negated ? atMost(y, x, true) : atMost(x, y, false);
  case Fn::Lt:
    return negated ? atMost(y, x, false) : atMost(x, y, true);
  case Fn::Ge:
    return negated ? atMost(x, y, true) : atMost(y, x, false);
  case Fn::Gt:
    return negated ? atMost(x, y, false) : atMost(y, x, true);
  case Fn::Eq:
  case Fn::Ne:
    if ((op.getFn() == Fn::Eq) == negated)
      return {};
    return intersect(atMost(x, y, false), atMost(y, x, false));
  default:
    return {};
  }
}

template <typename A> auto BlockJudge<A>::keyless(Value predicate) -> std::optional<Verdict> {
  return dataVerdict && !plan.dependsOn(predicate, Role::Key) ? dataVerdict(predicate) : std::nullopt;
}

template <typename A> auto BlockJudge<A>::rangeOf(Value predicate, bool negated) -> KeyRange {
  mlir::Operation *op = predicate.getDefiningOp();
  if (std::optional<Verdict> known = keyless(predicate)) // all keys, or none
    return {{}, a.select(negated ? a.invert(known->must) : known->may, a.number(kLargest), a.number(-1))};
  if (llvm::isa_and_nonnull<attn::AndOp, attn::OrOp>(op)) {
    KeyRange x = rangeOf(op->getOperand(0), negated), y = rangeOf(op->getOperand(1), negated);
    return llvm::isa<attn::AndOp>(op) != negated ? intersect(x, y) : hull(x, y);
  }
  if (llvm::isa_and_nonnull<attn::NotOp>(op))
    return rangeOf(op->getOperand(0), !negated);
  auto map = llvm::dyn_cast_or_null<attn::MapOp>(op);
  return map ? solve(map, negated) : KeyRange();
}

template <typename A> bool BlockJudge<A>::isRange(Value predicate) {
  mlir::Operation *op = predicate.getDefiningOp();
  if (plan.isResidue(predicate) || keyless(predicate))
    return true;
  if (llvm::isa_and_nonnull<attn::AndOp>(op))
    return isRange(op->getOperand(0)) && isRange(op->getOperand(1));
  auto map = llvm::dyn_cast_or_null<attn::MapOp>(op);
  if (!map || map.getFn() == attn::Fn::Ne)
    return false;
  KeyRange range = solve(map, /*negated=*/false);
  return range.low || range.high;
}

template <typename A> bool BlockJudge<A>::isRangeOfSome(Value predicate) {
  if (auto both = predicate.getDefiningOp<attn::AndOp>())
    return isRangeOfSome(both->getOperand(0)) && isRangeOfSome(both->getOperand(1));
  for (unsigned k = 0; k < plan.keys.size(); ++k) {
    setRanged(k);
    if (isRange(predicate))
      return true;
  }
  return false;
}

template <typename A> bool BlockJudge<A>::areRanges(llvm::ArrayRef<llvm::SmallVector<Value>> needed) {
  return llvm::all_of(needed, [&](llvm::ArrayRef<Value> conjunction) {
    return llvm::all_of(conjunction, [&](Value predicate) {
      a.enter(predicate.getParentBlock());
      return isRangeOfSome(predicate);
    });
  });
}

template <typename A>
auto BlockJudge<A>::rangeOfAny(llvm::ArrayRef<llvm::SmallVector<Value>> needed, Number limit)
    -> std::pair<Number, Number> {
  std::optional<KeyRange> range;
  for (llvm::ArrayRef<Value> conjunction : needed) {
    KeyRange own;
    for (Value predicate : conjunction) {
      a.enter(predicate.getParentBlock());
      own = intersect(own, rangeOf(predicate, /*negated=*/false));
    }
    range = range ? hull(*range, own) : own;
  }
  Number zero = a.number(0), low = zero, high = limit;
  if (range && range->low)
    low = a.min(a.max(range->low, zero), limit);
  if (range && range->high)
    high = a.min(a.max(a.add(range->high, a.number(1)), low), limit);
  return {low, high};
}

template <typename A>
auto BlockJudge<A>::keysOfAny(llvm::ArrayRef<llvm::SmallVector<Value>> needed, Number limit)
    -> std::pair<Number, Number> {
  auto [low, high] = rangeOfAny(needed, limit);
  auto own = llvm::find_if(plan.residues, [&](auto &residue) { return plan.keys[residue.key].first == ranged; });
  if (own == plan.residues.end())
    return {low, a.sub(high, low)};
  Value predicate = own->predicates[0];
  a.enter(predicate.getParentBlock());
  Number key = a.number(own->constant);
  for (auto &[name, term] : own->terms) {
    auto [value, factor] = term;
    Number number = own->rows.contains(name) ? coordinates.lookup(name).low : a.fixed(value);
    if (number) // where trees know none, of an open extent, nothing is counted
      key = a.add(key, a.times(modulo(number, own->modulus), factor));
  }
  Number first = a.add(low, modulo(a.sub(key, low), own->modulus));
  return {first, a.ceildiv(a.sub(high, first), own->modulus)};
}

} // namespace weir
#endif
