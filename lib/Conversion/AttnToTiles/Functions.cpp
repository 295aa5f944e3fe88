//===- Functions.cpp - the language's scalar functions as arith and math --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each works on a scalar or on a vector alike. Nothing here may trap or be undefined: integer division guards its divisor,
// shifts their amount, conversions their range.
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

namespace {
/// Arithmetic on the operands of one function.
struct Ops {
  ImplicitLocOpBuilder &b;
  Type type; ///< of the operands

  Value real(double v) { return constantLike(b, type, v); }
  Value integer(int64_t v) { return constantInt(b, type, v); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y, arith::FastMathFlags::contract); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y, arith::FastMathFlags::contract); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y, arith::FastMathFlags::contract); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, x); }
  Value exp(Value x) { return math::ExpOp::create(b, x); }
  Value cmp(arith::CmpFPredicate p, Value x, Value y) { return arith::CmpFOp::create(b, p, x, y); }
  // Integers are folded: loops that take constants made of constants from outside could not fold them later, nor see that they are alike.
  template <typename Op> Value fold(Value x, Value y) { return b.createOrFold<Op>(x, y); }
  Value select(Value c, Value x, Value y) { return b.createOrFold<arith::SelectOp>(c, x, y); }
  Value cmp(arith::CmpIPredicate p, Value x, Value y) { return b.createOrFold<arith::CmpIOp>(p, x, y); }
  /// 1 / (1 + exp(-x)): right at both ends, exp(-x) may be infinite.
  Value sigmoid(Value x) { return div(real(1), add(real(1), exp(neg(x)))); }
};
} // namespace

/// Rounds to minus infinity; a divisor of 0 gives some value (the result is absent there), of -1 wraps.
static std::pair<Value, Value> floorDivide(Ops &o, Value a, Value d) {
  Value zero = o.integer(0), one = o.integer(1), minusOne = o.integer(-1);
  APInt constant;
  Value safe = d, negated;
  if (!matchPattern(d, m_ConstantInt(&constant)) || constant.getSExtValue() <= 0) {
    negated = o.cmp(arith::CmpIPredicate::eq, d, minusOne);
    Value bad = o.fold<arith::OrIOp>(o.cmp(arith::CmpIPredicate::eq, d, zero), negated);
    safe = o.select(bad, one, d);
  }
  Value quotient = o.fold<arith::DivSIOp>(a, safe);
  Value rest = o.fold<arith::SubIOp>(a, o.fold<arith::MulIOp>(quotient, safe));
  // The rest has the sign of the dividend; where that is not the divisor's, the floor is one less.
  Value nonzero = o.cmp(arith::CmpIPredicate::ne, rest, zero);
  Value differs = o.cmp(arith::CmpIPredicate::slt, o.fold<arith::XOrIOp>(rest, safe), zero);
  Value lower = o.fold<arith::AndIOp>(nonzero, differs);
  Value floor = o.select(lower, o.fold<arith::SubIOp>(quotient, one), quotient);
  // mod is never negative, whatever the divisor's sign.
  Value size = o.select(o.cmp(arith::CmpIPredicate::slt, safe, zero), o.fold<arith::SubIOp>(zero, safe), safe);
  Value mod = o.select(o.cmp(arith::CmpIPredicate::slt, rest, zero), o.fold<arith::AddIOp>(rest, size), rest);
  if (negated)
    floor = o.select(negated, o.fold<arith::SubIOp>(zero, a), floor);
  return {floor, mod};
}

/// Repeated multiplication by squaring; `isReal` allows negative exponents.
static Value integerPower(Ops &o, Value x, int64_t k, bool isReal) {
  ImplicitLocOpBuilder &b = o.b;
  auto times = [&](Value p, Value q) -> Value {
    return isReal ? o.mul(p, q) : arith::MulIOp::create(b, p, q).getResult();
  };
  uint64_t n = k < 0 ? -uint64_t(k) : uint64_t(k);
  Value result, square = x;
  for (; n; n >>= 1) {
    if (n & 1)
      result = result ? times(result, square) : square;
    if (n > 1)
      square = times(square, square);
  }
  if (!result)
    result = isReal ? o.real(1) : o.integer(1);
  return k < 0 && isReal ? o.div(o.real(1), result) : result;
}

static Value emitReal(Ops &o, Fn fn, ArrayRef<Value> x) {
  ImplicitLocOpBuilder &b = o.b;
  switch (fn) {
  case Fn::Neg: return o.neg(x[0]);
  case Fn::Abs: return math::AbsFOp::create(b, x[0]);
  case Fn::Sign: {
    Value zero = o.real(0);
    Value below = o.select(o.cmp(arith::CmpFPredicate::OLT, x[0], zero), o.real(-1), o.select(
        o.cmp(arith::CmpFPredicate::OEQ, x[0], zero), zero, x[0])); // what is left is NaN
    return o.select(o.cmp(arith::CmpFPredicate::OGT, x[0], zero), o.real(1), below);
  }
  case Fn::Add: return o.add(x[0], x[1]);
  case Fn::Sub: return o.sub(x[0], x[1]);
  case Fn::Mul: return o.mul(x[0], x[1]);
  case Fn::Div: return o.div(x[0], x[1]);
  case Fn::Pow: {
    // C's pow is a number for a negative base with an integer power, and for 1^NaN and NaN^0; the language's is not.
    Value power = math::PowFOp::create(b, x[0], x[1]);
    power = o.select(o.cmp(arith::CmpFPredicate::OLT, x[0], o.real(0)), o.real(NAN), power);
    return o.select(o.cmp(arith::CmpFPredicate::UNO, x[0], x[1]), o.add(x[0], x[1]), power);
  }
  case Fn::Min: return arith::MinimumFOp::create(b, x[0], x[1]);
  case Fn::Max: return arith::MaximumFOp::create(b, x[0], x[1]);
  case Fn::Floor: return math::FloorOp::create(b, x[0]);
  case Fn::Ceil: return math::CeilOp::create(b, x[0]);
  case Fn::Round: return math::RoundEvenOp::create(b, x[0]);
  case Fn::Exp: return o.exp(x[0]);
  case Fn::Exp2: return math::Exp2Op::create(b, x[0]);
  case Fn::Log: return math::LogOp::create(b, x[0]);
  case Fn::Log2: return math::Log2Op::create(b, x[0]);
  case Fn::Sqrt: return math::SqrtOp::create(b, x[0]);
  case Fn::Rsqrt: return o.div(o.real(1), math::SqrtOp::create(b, x[0]));
  case Fn::Tanh: return math::TanhOp::create(b, x[0]);
  case Fn::Sigmoid: return o.sigmoid(x[0]);
  case Fn::Erf: return math::ErfOp::create(b, x[0]);
  case Fn::Sin: return math::SinOp::create(b, x[0]);
  case Fn::Cos: return math::CosOp::create(b, x[0]);
  case Fn::Atan2: return math::Atan2Op::create(b, x[0], x[1]);
  case Fn::Relu: return arith::MaximumFOp::create(b, x[0], o.real(0));
  case Fn::Softplus: { // max(x, 0) + log1p(exp(-|x|)): no overflow, no lost digits
    Value tail = math::Log1pOp::create(b, o.exp(o.neg(math::AbsFOp::create(b, x[0]))));
    return o.add(arith::MaximumFOp::create(b, x[0], o.real(0)), tail);
  }
  case Fn::Gelu: {
    Value erf = math::ErfOp::create(b, o.mul(x[0], o.real(M_SQRT1_2)));
    return o.mul(o.mul(x[0], o.real(0.5)), o.add(o.real(1), erf));
  }
  case Fn::Silu: return o.mul(x[0], o.sigmoid(x[0]));
  default: llvm_unreachable("not a function of reals");
  }
}

static Value emitInteger(Ops &o, Fn fn, ArrayRef<Value> x) {
  Value zero = o.integer(0);
  auto shift = [&](auto make) -> Value {
    Value inRange = o.cmp(arith::CmpIPredicate::ult, x[1], o.integer(64));
    return o.select(inRange, make(o.select(inRange, x[1], zero)), zero);
  };
  switch (fn) {
  case Fn::Neg: return o.fold<arith::SubIOp>(zero, x[0]);
  case Fn::Abs:
    return o.select(o.cmp(arith::CmpIPredicate::slt, x[0], zero), o.fold<arith::SubIOp>(zero, x[0]), x[0]);
  case Fn::Sign:
    return o.select(o.cmp(arith::CmpIPredicate::sgt, x[0], zero), o.integer(1),
                    o.select(o.cmp(arith::CmpIPredicate::slt, x[0], zero), o.integer(-1), zero));
  case Fn::Add: return o.fold<arith::AddIOp>(x[0], x[1]);
  case Fn::Sub: return o.fold<arith::SubIOp>(x[0], x[1]);
  case Fn::Mul: return o.fold<arith::MulIOp>(x[0], x[1]);
  case Fn::Floordiv: return floorDivide(o, x[0], x[1]).first;
  case Fn::Mod: return floorDivide(o, x[0], x[1]).second;
  case Fn::Min: return o.fold<arith::MinSIOp>(x[0], x[1]);
  case Fn::Max: case Fn::Relu: return o.fold<arith::MaxSIOp>(x[0], x.size() > 1 ? x[1] : zero);
  case Fn::Bitand: return o.fold<arith::AndIOp>(x[0], x[1]);
  case Fn::Bitor: return o.fold<arith::OrIOp>(x[0], x[1]);
  case Fn::Bitxor: return o.fold<arith::XOrIOp>(x[0], x[1]);
  case Fn::Shl: return shift([&](Value n) -> Value { return o.fold<arith::ShLIOp>(x[0], n); });
  case Fn::Shr: return shift([&](Value n) -> Value { return o.fold<arith::ShRUIOp>(x[0], n); });
  default: llvm_unreachable("not a function of integers");
  }
}

static Value emitComparison(Ops &o, Fn fn, ArrayRef<Value> x) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  bool real = isa<FloatType>(getElementTypeOrSelf(o.type));
  auto pick = [&](F f, I i) { return real ? o.cmp(f, x[0], x[1]) : o.cmp(i, x[0], x[1]); };
  switch (fn) {
  case Fn::Eq: return pick(F::OEQ, I::eq);
  case Fn::Ne: return pick(F::UNE, I::ne);
  case Fn::Lt: return pick(F::OLT, I::slt);
  case Fn::Le: return pick(F::OLE, I::sle);
  case Fn::Gt: return pick(F::OGT, I::sgt);
  default: return pick(F::OGE, I::sge);
  }
}

Value BodyEmitter::emitFunction(ImplicitLocOpBuilder &b, MapOp map, ArrayRef<Value> x) {
  Fn fn = map.getFn();
  Ops o{b, x[0].getType()};
  Type element = getElementTypeOrSelf(o.type), to = map.getType();
  Type result = isa<VectorType>(o.type) ? VectorType::get(cast<VectorType>(o.type).getShape(), to) : to;
  if (fn >= Fn::Eq && fn <= Fn::Ge)
    return emitComparison(o, fn, x);
  if (fn == Fn::Integer)
    return element.isInteger(1) ? arith::ExtUIOp::create(b, result, x[0]).getResult() : x[0];
  if (fn == Fn::Real) {
    if (element == to)
      return x[0];
    if (element.isF32())
      return arith::ExtFOp::create(b, result, x[0]);
    if (element.isInteger(1))
      return arith::UIToFPOp::create(b, result, x[0]);
    return arith::SIToFPOp::create(b, result, x[0]);
  }
  if (fn == Fn::Powi)
    return integerPower(o, x[0], getLiteral(map.getOperands_()[1]).value_or(0), isa<FloatType>(element));
  if (isa<FloatType>(element))
    return emitReal(o, fn, x);
  return emitInteger(o, fn, x);
}

/// A real as an i64: toward zero, saturating at the ends of [low, high], NaN gives 0.
static Value truncateToInteger(Ops &o, Value x, int64_t low, int64_t high) {
  ImplicitLocOpBuilder &b = o.b;
  Type i64 = isa<VectorType>(o.type) ? Type(VectorType::get(cast<VectorType>(o.type).getShape(), b.getI64Type()))
                                     : Type(b.getI64Type());
  // Ends that the real type can hold: the one above may be rounded up, so values at it are replaced, not converted.
  Value above = o.cmp(arith::CmpFPredicate::OGE, x, o.real(std::ldexp(1.0, 63)));
  Value below = o.cmp(arith::CmpFPredicate::OLT, x, o.real(-std::ldexp(1.0, 63)));
  Value nan = o.cmp(arith::CmpFPredicate::UNO, x, x);
  Value odd = arith::OrIOp::create(b, nan, arith::OrIOp::create(b, above, below));
  Value n = arith::FPToSIOp::create(b, i64, o.select(odd, o.real(0), x));
  n = o.select(above, constantInt(b, i64, INT64_MAX), o.select(below, constantInt(b, i64, INT64_MIN), n));
  n = arith::MaxSIOp::create(b, n, constantInt(b, i64, low));
  n = arith::MinSIOp::create(b, n, constantInt(b, i64, high));
  return o.select(nan, constantInt(b, i64, 0), n);
}

Value BodyEmitter::emitCast(ImplicitLocOpBuilder &b, Value value, Type to) {
  Ops o{b, value.getType()};
  Type have = getElementTypeOrSelf(value.getType());
  auto like = [&](Type element) -> Type {
    auto vector = dyn_cast<VectorType>(value.getType());
    return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
  };
  if (auto integer = dyn_cast<IntegerType>(to)) {
    if (integer.getWidth() == 1) {
      if (have.isInteger(1))
        return value;
      return isa<FloatType>(have) ? o.cmp(arith::CmpFPredicate::UNE, value, o.real(0))
                                  : o.cmp(arith::CmpIPredicate::ne, value, o.integer(0));
    }
    unsigned w = integer.getWidth();
    int64_t low = integer.isUnsigned() ? 0 : w == 64 ? INT64_MIN : -(int64_t(1) << (w - 1));
    int64_t high = integer.isUnsigned() ? (int64_t(1) << w) - 1 : w == 64 ? INT64_MAX : (int64_t(1) << (w - 1)) - 1;
    if (isa<FloatType>(have))
      return truncateToInteger(o, value, low, high);
    if (have.isInteger(1))
      return arith::ExtUIOp::create(b, like(b.getI64Type()), value);
    if (w == 64)
      return value;
    value = arith::MaxSIOp::create(b, value, o.integer(low));
    return arith::MinSIOp::create(b, value, o.integer(high));
  }
  // To a real type: rounded as it would be in memory, and widened again.
  Value stored = toStorage(b, value, to);
  return fromStorage(b, stored, to);
}
