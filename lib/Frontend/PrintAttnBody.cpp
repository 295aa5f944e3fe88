//===- PrintAttnBody.cpp - bodies as expressions --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "AttnPrinter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "weir/Support/ElementType.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace weir;
using attn::Fn;
using llvm::StringRef;

/// A text this long that is used again becomes a let.
static constexpr size_t kLetLength = 60;
/// And so does one this long in any case.
static constexpr size_t kLongest = 1500;

static bool isRealValue(Value value) { return isa<FloatType>(value.getType()); }

/// An integer that an operator with a real operand converts by itself.
static bool isConverted(Value value) {
  auto map = value.getDefiningOp<attn::MapOp>();
  return map && map.getFn() == Fn::Real && map.getOperands()[0].getType().isInteger(64);
}

std::string AttnPrinter::expression(Value value, int least) {
  Text t = textOf(value);
  return t.precedence >= least ? t.text : "(" + t.text + ")";
}

AttnPrinter::Text AttnPrinter::textOf(Value value) {
  if (auto it = text.find(value); it != text.end())
    return it->second;
  Operation *op = value.getDefiningOp();
  if (!op) // a coordinate of a body that is not printed
    return {"0", Primary};
  Text result = define(op);
  bool atTop = op->getParentOp() == function.getOperation();
  bool again = result.text.size() > kLetLength && !value.hasOneUse();
  if ((again || result.text.size() > kLongest) && !atTop) {
    std::string name = freshLet();
    pending += "  let " + name + " = " + result.text + "\n";
    result = {name, Primary};
  }
  return text[value] = result;
}

AttnPrinter::Text AttnPrinter::define(Operation *op) {
  if (auto literalOp = dyn_cast<attn::LiteralOp>(op))
    return literal(literalOp);
  if (auto mapOp = dyn_cast<attn::MapOp>(op))
    return map(mapOp);
  if (auto reduceOp = dyn_cast<attn::ReduceOp>(op))
    return reduce(reduceOp);
  if (auto where = dyn_cast<attn::WhereOp>(op))
    return inner(where);
  if (auto cast = dyn_cast<arith::IndexCastOp>(op))
    return {number(cast.getIn()), Primary};
  if (auto read = dyn_cast<attn::ReadOp>(op)) {
    std::string indices;
    for (Value index : read.getIndices())
      indices += (indices.empty() ? "" : ",") + expression(index, Choice);
    return {tensorName(read.getSource()) + "[" + indices + "]", Primary};
  }
  if (auto cast = dyn_cast<attn::CastOp>(op))
    return {expression(cast.getValue(), As) + " as " + getName(*fromMLIR(cast.getTo())).str(), As};
  if (auto other = dyn_cast<attn::ElseOp>(op))
    return {expression(other.getValue(), Else) + " else " + expression(other.getOtherwise(), Product), Else};
  if (auto choice = dyn_cast<attn::SelectOp>(op)) {
    std::string c = expression(choice.getCondition(), Or), a = expression(choice.getThenValue(), Else),
                b = expression(choice.getElseValue(), Choice);
    return {c + " ? " + a + " : " + b, Choice};
  }
  if (auto absent = dyn_cast<attn::IsabsentOp>(op))
    return {"isabsent(" + expression(absent.getValue(), Choice) + ")", Primary};
  if (auto both = dyn_cast<attn::AndOp>(op))
    return binary("and", both.getLhs(), both.getRhs(), And);
  if (auto either = dyn_cast<attn::OrOp>(op))
    return binary("or", either.getLhs(), either.getRhs(), Or);
  if (auto negation = dyn_cast<attn::NotOp>(op))
    return {"not " + expression(negation.getValue(), Not), Not};
  return {"0", Primary};
}

AttnPrinter::Text AttnPrinter::binary(StringRef op, Value a, Value b, int precedence) {
  // Operators group to the left; comparisons do not group.
  std::string x = expression(a, precedence == Comparison ? Sum : precedence),
              y = expression(b, precedence + 1);
  return {x + " " + op.str() + " " + y, precedence};
}

AttnPrinter::Text AttnPrinter::literal(attn::LiteralOp op) {
  StringRef value = op.getText();
  bool negative = value.consume_front("-");
  std::string digits = value.str();
  Type type = op.getType();
  if (value == "nan")
    return {"0.0 / 0.0", Product};
  if (isa<FloatType>(type) && value != "inf" && !value.contains('.') && !value.contains_insensitive("e"))
    digits += ".0";
  if (type.isInteger(64) && negative && value == "9223372036854775808")
    return {"0x8000000000000000", Primary};
  return negative ? Text{"-" + digits, Sign} : Text{digits, Primary};
}

AttnPrinter::Text AttnPrinter::map(attn::MapOp op) {
  auto operands = op.getOperands();
  // Where one operand is a real by itself, integers beside it become reals by themselves.
  bool anyReal = llvm::any_of(operands, [](Value v) { return isRealValue(v) && !isConverted(v); });
  auto bare = [&](Value v) {
    return anyReal && isConverted(v) ? v.getDefiningOp<attn::MapOp>().getOperands()[0] : v;
  };
  auto operation = [&](StringRef text, int precedence) {
    return binary(text, bare(operands[0]), bare(operands[1]), precedence);
  };
  switch (op.getFn()) {
  case Fn::Neg:
    return {"-" + expression(operands[0], Power), Sign};
  case Fn::Add:
    return operation("+", Sum);
  case Fn::Sub:
    return operation("-", Sum);
  case Fn::Mul:
    return operation("*", Product);
  case Fn::Div:
    return operation("/", Product);
  case Fn::Eq:
  case Fn::Ne:
  case Fn::Lt:
  case Fn::Le:
  case Fn::Gt:
  case Fn::Ge:
    return operation(attn::getComparisonSign(op.getFn()), Comparison);
  case Fn::Powi:
    return {expression(operands[0], Primary) + "^" + textOf(operands[1]).text, Power};
  case Fn::Pow:
    return {expression(operands[0], Primary) + "^(" + expression(operands[1], Choice) + ")", Power};
  case Fn::Integer:
    return {expression(operands[0], Or) + " ? 1 : 0", Choice};
  case Fn::Real: {
    if (op.getType().isF64())
      return {expression(operands[0], As) + " as f64", As};
    return {"1.0 * " + expression(operands[0], As), Product};
  }
  default:
    break;
  }
  std::string arguments;
  for (Value operand : operands) {
    bool single = operands.size() == 1 && isConverted(operand) && !op.getType().isF64();
    Value argument = single ? operand.getDefiningOp<attn::MapOp>().getOperands()[0] : bare(operand);
    arguments += (arguments.empty() ? "" : ", ") + expression(argument, Choice);
  }
  return {attn::stringifyFn(op.getFn()).str() + "(" + arguments + ")", Primary};
}

AttnPrinter::Text AttnPrinter::reduce(attn::ReduceOp op) {
  size_t outer = scope.size();
  Block &body = op.getBody().front();
  bindCoordinates(op.getCoords(), op.getExtents(), body.getArguments());
  std::string list;
  for (size_t i = outer; i < scope.size(); ++i)
    list += (i > outer ? ", " : "") + scope[i];
  Value value = op.getYield().getValues()[0];
  if (auto where = value.getDefiningOp<attn::WhereOp>()) {
    list += " | " + expression(where.getPredicate(), Choice);
    value = where.getValue();
  }
  std::string x = expression(value, Primary);
  if (x.front() != '(' && !llvm::isAlnum(x.front()))
    x = "(" + x + ")";
  scope.resize(outer);
  return {"(" + attn::stringifyReduction(op.getReduction()).str() + "(" + list + ") " + x + ")", Primary};
}

/// A value under a predicate is a tensor over all coordinates that are bound here.
AttnPrinter::Text AttnPrinter::inner(attn::WhereOp op) {
  std::string x = expression(op.getValue(), Choice), p = expression(op.getPredicate(), Choice);
  std::string name = freshTensor("W_1"), list;
  for (const std::string &c : scope)
    list += (list.empty() ? "" : ",") + c;
  pending += "  " + name + "[" + list + "] = " + x + " where " + p + "\n";
  return {name + "[" + list + "]", Primary};
}
