//===- AttentionFolds.cpp - simplifications that keep absence --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rule of two-valued logic may fail on scalars that can be absent: `not not p` is false where p is absent,
// so it is p only where p never is. Each rule here holds for every operand, present or not, or asks
// isAlwaysPresent first. Rounding is never folded: `x as f32` of an f32 rounds, since what stands for x is a
// real number.
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace weir::attn;

//===----------------------------------------------------------------------===//
// What is known of a value
//===----------------------------------------------------------------------===//

static bool isLiteralText(Value value, StringRef text) {
  auto literal = value.getDefiningOp<LiteralOp>();
  return literal && literal.getText() == text;
}

/// A literal integer that is not 0: the divisor of a quotient that is never absent.
static bool isNonzeroLiteral(Value value) {
  auto literal = value.getDefiningOp<LiteralOp>();
  return literal && literal.getType().isInteger(64) &&
         literal.getText().find_first_of("123456789abcdefABCDEF") != StringRef::npos;
}

static bool areAlwaysPresent(ValueRange values, unsigned depth);

/// Whether no operand or coordinate can make `value` absent. False where that is not plain within a few
/// steps.
static bool isAlwaysPresent(Value value, unsigned depth = 8) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return true; // coordinates, params
  if (isa<LiteralOp, IsabsentOp, NotOp, arith::ConstantOp, arith::IndexCastOp>(
          op)) // the last: extents as numbers
    return true;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return llvm::is_contained({Reduction::Count, Reduction::Any, Reduction::All}, reduce.getReduction());
  if (depth == 0)
    return false;
  if (auto map = dyn_cast<MapOp>(op)) {
    bool divides = map.getFn() == Fn::Floordiv || map.getFn() == Fn::Mod;
    return (!divides || isNonzeroLiteral(map.getOperands()[1])) &&
           areAlwaysPresent(map.getOperands(), depth - 1);
  }
  if (auto otherwise = dyn_cast<ElseOp>(op))
    return isAlwaysPresent(otherwise.getValue(), depth - 1) ||
           isAlwaysPresent(otherwise.getOtherwise(), depth - 1);
  if (auto select = dyn_cast<SelectOp>(op))
    return areAlwaysPresent({select.getThenValue(), select.getElseValue()}, depth - 1);
  if (isa<CastOp, AndOp, OrOp>(op))
    return areAlwaysPresent(op->getOperands(), depth - 1);
  return false; // reads, where, other reductions, and what a host computes
}

static bool areAlwaysPresent(ValueRange values, unsigned depth) {
  return llvm::all_of(values, [&](Value value) { return isAlwaysPresent(value, depth); });
}

/// p of `not not p`, otherwise null.
static Value doubleNegated(Value value) {
  auto outer = value.getDefiningOp<NotOp>();
  auto inner = outer ? outer.getValue().getDefiningOp<NotOp>() : NotOp();
  return inner ? inner.getValue() : Value();
}

//===----------------------------------------------------------------------===//
// Folds
//===----------------------------------------------------------------------===//

OpFoldResult WhereOp::fold(FoldAdaptor) {
  if (isLiteralText(getPredicate(), "true"))
    return getValue();
  if (auto inner = getValue().getDefiningOp<WhereOp>(); inner && inner.getPredicate() == getPredicate())
    return inner.getResult();
  // A predicate counts only where it is present and true, which `not not p` is exactly where p is.
  if (Value predicate = doubleNegated(getPredicate())) {
    getPredicateMutable().assign(predicate);
    return getResult();
  }
  return {};
}

OpFoldResult ElseOp::fold(FoldAdaptor) {
  if (getValue() == getOtherwise() || isAlwaysPresent(getValue()))
    return getValue();
  return {};
}

OpFoldResult SelectOp::fold(FoldAdaptor) {
  if (getThenValue() == getElseValue() || isLiteralText(getCondition(), "true"))
    return getThenValue();
  if (isLiteralText(getCondition(), "false"))
    return getElseValue();
  // `not c` is true exactly where c is not present and true.
  if (auto negated = getCondition().getDefiningOp<NotOp>()) {
    Value yes = getElseValue(), no = getThenValue();
    getConditionMutable().assign(negated.getValue());
    getThenValueMutable().assign(yes);
    getElseValueMutable().assign(no);
    return getResult();
  }
  return {};
}

OpFoldResult AndOp::fold(FoldAdaptor) {
  if (getLhs() == getRhs() || isLiteralText(getRhs(), "true") || isLiteralText(getLhs(), "false"))
    return getLhs();
  if (isLiteralText(getLhs(), "true") || isLiteralText(getRhs(), "false"))
    return getRhs();
  return {};
}

OpFoldResult OrOp::fold(FoldAdaptor) {
  if (getLhs() == getRhs() || isLiteralText(getRhs(), "false") || isLiteralText(getLhs(), "true"))
    return getLhs();
  if (isLiteralText(getLhs(), "false") || isLiteralText(getRhs(), "true"))
    return getRhs();
  return {};
}

OpFoldResult NotOp::fold(FoldAdaptor) {
  Value twice = doubleNegated(getResult());
  return twice && isAlwaysPresent(twice) ? twice : OpFoldResult();
}

/// Neutral literals of integers, and changes of kind that change nothing.
OpFoldResult MapOp::fold(FoldAdaptor) {
  Value first = getOperands().empty() ? Value() : getOperands()[0];
  if ((getFn() == Fn::Real || getFn() == Fn::Integer) && first.getType() == getType())
    return first;
  if (!getType().isInteger(64) || getOperands().size() != 2)
    return {};
  Value second = getOperands()[1];
  bool sum = getFn() == Fn::Add, difference = getFn() == Fn::Sub, product = getFn() == Fn::Mul;
  if (((sum || difference) && isLiteralText(second, "0")) ||
      ((product || getFn() == Fn::Floordiv) && isLiteralText(second, "1")))
    return first;
  if ((sum && isLiteralText(first, "0")) || (product && isLiteralText(first, "1")))
    return second;
  return {};
}

//===----------------------------------------------------------------------===//
// Patterns, for what needs a new literal
//===----------------------------------------------------------------------===//

static void replaceByBool(PatternRewriter &rewriter, Operation *op, bool value) {
  rewriter.replaceOpWithNewOp<LiteralOp>(op, rewriter.getI1Type(),
                                         rewriter.getStringAttr(value ? "true" : "false"));
}

LogicalResult IsabsentOp::canonicalize(IsabsentOp op, PatternRewriter &rewriter) {
  if (!isAlwaysPresent(op.getValue()))
    return failure();
  replaceByBool(rewriter, op, false);
  return success();
}

LogicalResult NotOp::canonicalize(NotOp op, PatternRewriter &rewriter) {
  bool isTrue = isLiteralText(op.getValue(), "true");
  if (!isTrue && !isLiteralText(op.getValue(), "false"))
    return failure();
  replaceByBool(rewriter, op, !isTrue);
  return success();
}
