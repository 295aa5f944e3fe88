//===- AttentionVerifyBodies.cpp - constraints on the ops of bodies --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See AttentionVerify.cpp.
#include "Constraints.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace weir::attn;

//===----------------------------------------------------------------------===//
// literal, read, cast
//===----------------------------------------------------------------------===//

static bool consumeDigits(StringRef &text) {
  size_t n = text.size();
  text = text.drop_while(llvm::isDigit);
  return text.size() != n;
}

/// 12 12. 12.5 .5, with an exponent or without.
static bool isDecimal(StringRef text) {
  bool whole = consumeDigits(text), fraction = text.consume_front(".") && consumeDigits(text);
  if (!whole && !fraction)
    return false;
  if (!text.consume_front_insensitive("e"))
    return text.empty();
  if (!text.consume_front("-"))
    text.consume_front("+");
  return consumeDigits(text) && text.empty();
}

bool weir::attn::isLiteral(StringRef text, Type type) {
  if (type.isInteger(1))
    return text == "true" || text == "false";
  text.consume_front("-");
  StringRef hex = text;
  if (hex.consume_front_insensitive("0x"))
    return !hex.empty() && llvm::all_of(hex, llvm::isHexDigit);
  if (type.isInteger(64))
    return consumeDigits(text) && text.empty();
  return text == "inf" || text == "nan" || isDecimal(text);
}

LogicalResult LiteralOp::verify() {
  if (isLiteral(getText(), getType())) // literal_c1
    return success();
  return emitOpError("has the text \"") << getText() << "\", which is no literal of type " << getType();
}

LogicalResult ReadOp::verify() {
  RankedTensorType source = getSource().getType();
  if (!isElementType(source.getElementType())) // read_c1
    return emitOpError("reads from ") << source << ", whose element type is none of the language's";
  if (size_t(source.getRank()) != getIndices().size()) // read_c2
    return emitOpError("has ") << getIndices().size() << " indices for " << source;
  Type expected = getScalarType(source.getElementType());
  if (getType() != expected) // read_c3
    return emitOpError("gives ") << getType() << ", but an entry of " << source << " reads as " << expected;
  return success();
}

LogicalResult CastOp::verify() {
  if (!isElementType(getTo())) // cast_c1
    return emitOpError("rounds to ") << getTo() << ", which is no element type of the language";
  Type expected = getScalarType(getTo());
  if (getType() != expected) // cast_c2
    return emitOpError("gives ") << getType() << ", but a value of type " << getTo() << " is held as "
                                 << expected;
  if (getTo().isInteger(1) && !getValue().getType().isInteger(1)) // cast_c3
    return emitOpError("makes a bool of ") << getValue().getType() << ", write a comparison";
  return success();
}

//===----------------------------------------------------------------------===//
// map
//===----------------------------------------------------------------------===//

namespace {
/// What a function takes and gives.
enum class Shape {
  Arithmetic,  ///< reals or integers, all of one type, gives that type
  RealOnly,    ///< reals of one type, gives that type
  IntegerOnly, ///< i64, gives i64
  Power,       ///< a real or an integer and a literal i64, gives the first's type
  Equality,    ///< two scalars of one type, gives i1
  Order,       ///< two reals or integers of one type, gives i1
  ToReal,      ///< an integer, a bool or a real that is not wider, gives a real
  ToInteger    ///< an integer or a bool, gives i64
};
struct Rule {
  unsigned operands;
  Shape shape;
};
} // namespace

static Rule ruleOf(Fn fn) {
  switch (fn) {
  case Fn::Neg:
  case Fn::Abs:
  case Fn::Sign:
  case Fn::Floor:
  case Fn::Ceil:
  case Fn::Round:
  case Fn::Relu:
    return {1, Shape::Arithmetic};
  case Fn::Add:
  case Fn::Sub:
  case Fn::Mul:
  case Fn::Min:
  case Fn::Max:
    return {2, Shape::Arithmetic};
  case Fn::Div:
  case Fn::Pow:
  case Fn::Atan2:
    return {2, Shape::RealOnly};
  case Fn::Powi:
    return {2, Shape::Power};
  case Fn::Floordiv:
  case Fn::Mod:
  case Fn::Bitand:
  case Fn::Bitor:
  case Fn::Bitxor:
  case Fn::Shl:
  case Fn::Shr:
    return {2, Shape::IntegerOnly};
  case Fn::Eq:
  case Fn::Ne:
    return {2, Shape::Equality};
  case Fn::Lt:
  case Fn::Le:
  case Fn::Gt:
  case Fn::Ge:
    return {2, Shape::Order};
  case Fn::Real:
    return {1, Shape::ToReal};
  case Fn::Integer:
    return {1, Shape::ToInteger};
  default:
    return {1, Shape::RealOnly};
  }
}

static bool isReal(Type type) { return isa<FloatType>(type); }
static bool isBool(Type type) { return type.isInteger(1); }

/// Whether the operands' types are what `shape` takes; if so, `result` becomes the type it gives, null where
/// any real will do.
static bool accepts(Shape shape, TypeRange operands, Type &result) {
  Type first = operands.front();
  bool same = llvm::all_equal(operands);
  result = first;
  switch (shape) {
  case Shape::Arithmetic:
    return same && !isBool(first);
  case Shape::RealOnly:
    return same && isReal(first);
  case Shape::IntegerOnly:
    return same && first.isInteger(64);
  case Shape::Power:
    return !isBool(first) && operands[1].isInteger(64);
  case Shape::Equality:
    result = IntegerType::get(first.getContext(), 1);
    return same;
  case Shape::Order:
    result = IntegerType::get(first.getContext(), 1);
    return same && !isBool(first);
  case Shape::ToReal:
    result = first.isF64() ? first : Type();
    return true;
  case Shape::ToInteger:
    result = IntegerType::get(first.getContext(), 64);
    return !isReal(first);
  }
  llvm_unreachable("a shape");
}

LogicalResult MapOp::verify() {
  Rule rule = ruleOf(getFn());
  if (getOperands().size() != rule.operands) // map_c1
    return emitOpError("applies ") << stringifyFn(getFn()) << " to " << getOperands().size()
                                   << " operands, expected " << rule.operands;
  Type expected;
  if (!accepts(rule.shape, getOperands().getTypes(), expected)) // map_c2
    return emitOpError("applies ") << stringifyFn(getFn()) << " to (" << getOperands().getTypes()
                                   << "); operands have one type, convert with `real` or `integer`";
  if (expected ? getType() != expected : !isReal(getType())) { // map_c3
    InFlightDiagnostic error = emitOpError("gives ")
                               << getType() << ", but " << stringifyFn(getFn()) << " gives ";
    return expected ? error << expected : error << "a real";
  }
  if (rule.shape == Shape::Power && !getOperands()[1].getDefiningOp<LiteralOp>()) // map_c4
    return emitOpError("has an exponent that is no literal, write pow");
  return success();
}

//===----------------------------------------------------------------------===//
// reduce
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::verify() {
  if (getCoords().empty()) // reduce_c1
    return emitOpError("has no coordinate");
  if (failed(verifyExtentCount(*this, getCoords(), getExtents())) || // reduce_c2
      failed(verifyDistinct(*this, {getCoords()})))                  // reduce_c3
    return failure();
  bool isArg = givesCoordinate(getReduction());
  if (isArg && getCoords().size() != 1) // reduce_c4
    return emitOpError("gives the coordinate of an extremum over ")
           << getCoords().size() << " coordinates, expected one";
  return success();
}

/// The result's type for bodies of type `body`; null where the reduction is not of such.
static Type reducedType(Reduction reduction, Type body) {
  Type integer = IntegerType::get(body.getContext(), 64);
  switch (reduction) {
  case Reduction::Sum:
  case Reduction::Prod:
  case Reduction::Max:
  case Reduction::Min:
    return isBool(body) ? Type() : body;
  case Reduction::Mean:
    return isReal(body) ? body : Type();
  case Reduction::Any:
  case Reduction::All:
    return isBool(body) ? body : Type();
  case Reduction::Count:
    return integer;
  case Reduction::Argmax:
  case Reduction::Argmin:
    return isBool(body) ? Type() : integer;
  }
  llvm_unreachable("a reduction");
}

LogicalResult ReduceOp::verifyRegions() {
  FailureOr<Type> body = verifyYieldsOne(*this, getBody());                              // reduce_c6
  if (failed(body) || failed(verifyBodyArguments(*this, getBody(), getCoords().size()))) // reduce_c5
    return failure();
  Type expected = reducedType(getReduction(), *body);
  if (!expected) // reduce_c7
    return emitOpError("is '") << stringifyReduction(getReduction()) << "' of " << *body
                               << ", which it is not defined for";
  if (getType() != expected) // reduce_c8
    return emitOpError("gives ") << getType() << ", but '" << stringifyReduction(getReduction()) << "' of "
                                 << *body << " gives " << expected;
  return success();
}
