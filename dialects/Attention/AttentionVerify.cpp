//===- AttentionVerify.cpp - constraints on equations and cascades ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each constraint `op_cN` is stated in README.md, enforced here or, for the ops of bodies, in
// AttentionVerifyBodies.cpp, and the name of its negative test in test/dialects/Attention/invalid.mlir.
// scripts/check_dialects.py matches the three.
#include "Constraints.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace weir::attn;
namespace mapping = weir::mapping;

//===----------------------------------------------------------------------===//
// What several ops share
//===----------------------------------------------------------------------===//

LogicalResult weir::attn::verifyDistinct(Operation *op, ArrayRef<ArrayAttr> lists) {
  llvm::StringSet<> seen;
  for (ArrayAttr list : lists)
    for (auto name : list.getAsRange<StringAttr>()) {
      if (name.getValue().empty())
        return op->emitOpError("has a coordinate without a name");
      if (!seen.insert(name.getValue()).second)
        return op->emitOpError("has the coordinate '") << name.getValue() << "' twice";
    }
  return success();
}

LogicalResult weir::attn::verifyBodyArguments(Operation *op, Region &body, size_t coordinates) {
  Block &block = body.front();
  bool integers = llvm::all_of(block.getArgumentTypes(), [](Type type) { return type.isInteger(64); });
  if (block.getNumArguments() == coordinates && integers)
    return success();
  return op->emitOpError("has a body of ") << block.getNumArguments() << " arguments, expected "
                                           << coordinates << " of type i64, one a coordinate";
}

FailureOr<Type> weir::attn::verifyYieldsOne(Operation *op, Region &body) {
  auto yield = body.front().empty() ? YieldOp() : dyn_cast<YieldOp>(body.front().back());
  if (!yield)
    return op->emitOpError("has a body that does not end in attn.yield"), failure();
  if (yield.getValues().size() != 1 || !isScalar(yield.getValues()[0].getType()))
    return op->emitOpError("has a body that yields ")
               << yield.getValues().getTypes() << ", expected one scalar (f32, f64, i64 or i1)",
           failure();
  return yield.getValues()[0].getType();
}

LogicalResult weir::attn::verifyExtentCount(Operation *op, ArrayAttr coords, OperandRange extents) {
  if (coords.size() == extents.size())
    return success();
  return op->emitOpError("has ") << coords.size() << " coordinates and " << extents.size()
                                 << " extents, expected one extent a coordinate";
}

LogicalResult weir::attn::verifyRank(Operation *op, RankedTensorType type, ArrayAttr coords) {
  if (size_t(type.getRank()) == coords.size())
    return success();
  return op->emitOpError("has ") << coords.size() << " coordinates, but its result " << type << " has "
                                 << type.getRank() << " dimensions";
}

LogicalResult weir::attn::verifyStaticExtents(Operation *op, RankedTensorType type, OperandRange extents) {
  for (auto [i, extent] : llvm::enumerate(extents)) {
    APInt value;
    if (type.isDynamicDim(i) || !matchPattern(extent, m_ConstantInt(&value)) || value == type.getDimSize(i))
      continue;
    return op->emitOpError("has extent ")
           << value.getSExtValue() << " in dimension " << i << ", but its result is " << type;
  }
  return success();
}

static LogicalResult verifyElementType(Operation *op, Type element) {
  if (isElementType(element))
    return success();
  return op->emitOpError("has element type ")
         << element << ", expected f64 f32 f16 bf16 f8E4M3FN f8E5M2 i64 i32 i16 i8 i4 ui32 ui8 or i1";
}

LogicalResult weir::attn::verifyMapping(Operation *op, std::optional<Attribute> attribute) {
  if (!attribute || isa<mapping::MappingDialect>(attribute->getDialect()))
    return success();
  return op->emitOpError("has mapping ") << *attribute << ", expected an attribute of the mapping dialect";
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

LogicalResult EinsumOp::verify() {
  RankedTensorType type = getResult().getType();
  if (failed(verifyExtentCount(*this, getCoords(), getExtents())) || // einsum_c1
      failed(verifyRank(*this, type, getCoords())) ||                // einsum_c2
      failed(verifyDistinct(*this, {getCoords()})) ||                // einsum_c3
      failed(verifyStaticExtents(*this, type, getExtents())) ||      // einsum_c4
      failed(verifyElementType(*this, type.getElementType())) ||     // einsum_c5
      failed(verifyMapping(*this, getMapping())))                    // einsum_c8
    return failure();
  return success();
}

LogicalResult EinsumOp::verifyRegions() {
  FailureOr<Type> yielded = verifyYieldsOne(*this, getBody());                              // einsum_c7
  if (failed(yielded) || failed(verifyBodyArguments(*this, getBody(), getCoords().size()))) // einsum_c6
    return failure();
  // einsum_c9
  if (getResult().getType().getElementType().isInteger(1) && !yielded->isInteger(1))
    return emitOpError("has a bool result, but its body yields ") << *yielded;
  return success();
}

LogicalResult ArgtopkOp::verify() {
  RankedTensorType type = getResult().getType();
  if (getCoords().empty()) // argtopk_c1
    return emitOpError("has no coordinate, expected the list's as the last");
  if (getOver().size() != 1) // argtopk_c2
    return emitOpError("goes over ") << getOver().size() << " coordinates, expected one";
  if (failed(verifyExtentCount(*this, getCoords(), getExtents())) || // argtopk_c3
      failed(verifyRank(*this, type, getCoords())) ||                // argtopk_c4
      failed(verifyDistinct(*this, {getCoords(), getOver()})) ||     // argtopk_c5
      failed(verifyStaticExtents(*this, type, getExtents())) ||      // argtopk_c6
      failed(verifyMapping(*this, getMapping())))                    // argtopk_c10
    return failure();
  Type element = type.getElementType();
  if (!isElementType(element) || !isa<IntegerType>(element) || element.isInteger(1)) // argtopk_c7
    return emitOpError("has element type ") << element << ", but coordinates are integers";
  return success();
}

LogicalResult ArgtopkOp::verifyRegions() {
  if (failed(verifyYieldsOne(*this, getBody()))) // argtopk_c9
    return failure();
  return verifyBodyArguments(*this, getBody(),
                             getCoords().size()); // argtopk_c8: all but the last, and `over`
}

/// Whether the equation, or every equation of a recurrence inside, carries coordinate `along`.
static bool carries(Operation &equation, StringAttr along) {
  if (auto inner = dyn_cast<RecurrenceOp>(equation))
    return llvm::all_of(inner.getBody().front().without_terminator(),
                        [&](Operation &op) { return carries(op, along); });
  ArrayAttr coords =
      isa<EinsumOp>(equation) ? cast<EinsumOp>(equation).getCoords() : cast<ArgtopkOp>(equation).getCoords();
  return llvm::is_contained(coords, along);
}

LogicalResult RecurrenceOp::verify() { return verifyMapping(*this, getMapping()); } // recurrence_c5

LogicalResult RecurrenceOp::verifyRegions() {
  Block &block = getBody().front();
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield || block.getNumArguments() != 0) // recurrence_c1
    return emitOpError("has a body that is no list of equations and an attn.yield");
  for (Operation &op : block.without_terminator()) {
    if (!isa<EinsumOp, ArgtopkOp, RecurrenceOp>(op)) // recurrence_c1
      return emitOpError("holds ") << op.getName()
                                   << ", expected equations (attn.einsum, attn.argtopk, attn.recurrence)";
    if (!carries(op, getAlongAttr())) // recurrence_c2
      return op.emitOpError("stands in a recurrence along '")
             << getAlong() << "' and does not have that coordinate";
  }
  if (yield.getValues().getTypes() != getResultTypes()) // recurrence_c3
    return emitOpError("has results ")
           << getResultTypes() << ", but its body yields " << yield.getValues().getTypes();
  for (Value value : yield.getValues()) // recurrence_c4
    if (value.getParentBlock() != &block)
      return emitOpError("yields a tensor that is not made in its body");
  return success();
}

LogicalResult MaterializeOp::verify() {
  RankedTensorType from = getSource().getType(), to = getResult().getType();
  if (failed(verifyCompatibleShape(from, to))) // materialize_c1
    return emitOpError("makes ") << to << " of " << from << ", expected the same shape";
  if (failed(verifyElementType(*this, to.getElementType()))) // materialize_c2
    return failure();
  if (to.getElementType().isInteger(1) && !from.getElementType().isInteger(1)) // materialize_c3
    return emitOpError("makes a tensor of bools of ") << from;
  return verifyMapping(*this, getMapping()); // materialize_c4
}

LogicalResult GivenOp::verify() {
  if (failed(verifyExtentCount(*this, getCoords(), getExtents())) || // given_c1
      failed(verifyDistinct(*this, {getCoords()})))                  // given_c2
    return failure();
  return success();
}

LogicalResult GivenOp::verifyRegions() {
  FailureOr<Type> yielded = verifyYieldsOne(*this, getBody());
  if (failed(yielded) || failed(verifyBodyArguments(*this, getBody(), getCoords().size()))) // given_c3
    return failure();
  if (!yielded->isInteger(1)) // given_c4
    return emitOpError("promises a value of type ") << *yielded << ", expected i1";
  return success();
}

LogicalResult RankOp::verify() {
  if (getName().empty()) // rank_c1
    return emitOpError("has no name");
  if (isa<AttnDialect>((*this)->getParentOp()->getDialect())) // rank_c2
    return emitOpError("stands in the body of ")
           << (*this)->getParentOp()->getName() << ", expected a function's";
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes of a cascade's function
//===----------------------------------------------------------------------===//

LogicalResult AttnDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != kCascade) // cascade_c1
    return op->emitError("attribute '")
           << attribute.getName().getValue() << "' is none of the attn dialect's on an op";
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function || !isa<UnitAttr>(attribute.getValue())) // cascade_c2
    return op->emitError("'attn.cascade' is a unit attribute of func.func");
  if (function.isExternal()) // cascade_c9
    return op->emitError("a cascade has a body, and this is a declaration");
  for (Type type : function.getArgumentTypes()) { // cascade_c3
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (tensor ? !isElementType(tensor.getElementType()) : !isScalar(type))
      return op->emitError("a cascade takes tensors of the language's element types and scalars (f32, f64, "
                           "i64, i1), not ")
             << type;
  }
  for (Type type : function.getResultTypes()) // cascade_c4
    if (auto tensor = dyn_cast<RankedTensorType>(type); !tensor || !isElementType(tensor.getElementType()))
      return op->emitError("a cascade gives tensors of the language's element types, not ") << type;
  return success();
}

/// One attribute of an argument or a result of type `type`.
static LogicalResult verifySignatureAttribute(Operation *op, Type type, NamedAttribute attribute,
                                              bool isResult) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == kName) { // cascade_c5
    if (auto string = dyn_cast<StringAttr>(value); string && !string.getValue().empty())
      return success();
    return op->emitError("'attn.name' is a name, not ") << value;
  }
  if (name == kRanks) { // cascade_c6
    auto ranks = dyn_cast<ArrayAttr>(value);
    if (!ranks || !llvm::all_of(ranks, llvm::IsaPred<StringAttr>))
      return op->emitError("'attn.ranks' is a list of strings, not ") << value;
    auto shaped = dyn_cast<ShapedType>(type);
    if (shaped && shaped.hasRank() && size_t(shaped.getRank()) != ranks.size())
      return op->emitError("'attn.ranks' has ") << ranks.size() << " entries for " << type;
    return success();
  }
  if (name == kType && !isResult) { // cascade_c7
    auto element = dyn_cast<TypeAttr>(value);
    if (!element || !isElementType(element.getValue()))
      return op->emitError("'attn.type' is an element type of the language, not ") << value;
    Type scalar = getScalarType(element.getValue());
    // An f32 or narrower param is an f64 in a kernel of doubles.
    if (isScalar(type) && scalar != type && !(isa<FloatType>(scalar) && isa<FloatType>(type)))
      return op->emitError("a param of type ")
             << element.getValue() << " is passed as " << scalar << ", not " << type;
    return success();
  }
  if (name == kDefault && !isResult) { // cascade_c8
    auto text = dyn_cast<StringAttr>(value);
    Type scalar = isa<RankedTensorType>(type) ? getScalarType(getElementTypeOrSelf(type)) : type;
    if (!text || (isScalar(scalar) && !isLiteral(text.getValue(), scalar)))
      return op->emitError("'attn.default' is a literal, not ") << value;
    return success();
  }
  // cascade_c1
  return op->emitError("attribute '")
         << name << "' is none of the attn dialect's on " << (isResult ? "a result" : "an argument");
}

LogicalResult AttnDialect::verifyRegionArgAttribute(Operation *op, unsigned region, unsigned index,
                                                    NamedAttribute attribute) {
  return verifySignatureAttribute(op, op->getRegion(region).getArgument(index).getType(), attribute, false);
}

LogicalResult AttnDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned index,
                                                       NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  Type type = function ? function.getResultTypes()[index] : Type();
  return verifySignatureAttribute(op, type, attribute, true);
}
