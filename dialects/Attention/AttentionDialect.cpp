//===- AttentionDialect.cpp - cascades of extended Einsums ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/AttentionDialect.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace weir::attn;

#include "dialects/Attention/AttentionDialect.cpp.inc"
#include "dialects/Attention/AttentionEnums.cpp.inc"

//===----------------------------------------------------------------------===//
// `[m, n]`: a list of coordinates
//===----------------------------------------------------------------------===//

static ParseResult parseCoords(OpAsmParser &parser, ArrayAttr &coords) {
  SmallVector<Attribute> names;
  auto one = [&]() -> ParseResult {
    std::string name;
    if (parser.parseKeywordOrString(&name))
      return failure();
    names.push_back(parser.getBuilder().getStringAttr(name));
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, one))
    return failure();
  coords = parser.getBuilder().getArrayAttr(names);
  return success();
}

static void printCoords(OpAsmPrinter &printer, Operation *, ArrayAttr coords) {
  printer << '[';
  llvm::interleaveComma(coords.getAsRange<StringAttr>(), printer,
                        [&](StringAttr name) { printer.printKeywordOrString(name.getValue()); });
  printer << ']';
}

#define GET_OP_CLASSES
#include "dialects/Attention/AttentionOps.cpp.inc"

namespace {
/// A call of a function that holds attn ops may be inlined, and so may what it calls: nothing here depends on the function around it.
struct AttnInliner : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void AttnDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Attention/AttentionOps.cpp.inc"
      >();
  addInterfaces<AttnInliner>();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type weir::attn::getScalarType(Type t) {
  if (t.isF64() || t.isInteger(1))
    return t;
  if (isa<FloatType>(t))
    return Float32Type::get(t.getContext());
  return IntegerType::get(t.getContext(), 64);
}

bool weir::attn::isElementType(Type t) {
  if (isa<Float64Type, Float32Type, Float16Type, BFloat16Type, Float8E4M3FNType, Float8E5M2Type>(t))
    return true;
  auto i = dyn_cast<IntegerType>(t);
  if (!i)
    return false;
  if (i.isUnsigned())
    return i.getWidth() == 8 || i.getWidth() == 32;
  return i.isSignless() && llvm::is_contained({1u, 4u, 8u, 16u, 32u, 64u}, i.getWidth());
}

bool weir::attn::isCascade(Operation *op) { return isa<func::FuncOp>(op) && op->hasAttr(kCascade); }

Reduction weir::attn::getReduction(Accumulation accumulation) {
  switch (accumulation) {
  case Accumulation::Sum:
    return Reduction::Sum;
  case Accumulation::Prod:
    return Reduction::Prod;
  case Accumulation::Max:
  case Accumulation::Ref:
    return Reduction::Max;
  case Accumulation::Min:
    return Reduction::Min;
  case Accumulation::Any:
    return Reduction::Any;
  case Accumulation::All:
    return Reduction::All;
  case Accumulation::Argmax:
    return Reduction::Argmax;
  case Accumulation::Argmin:
    return Reduction::Argmin;
  }
  llvm_unreachable("every accumulation has a reduction");
}

StringRef weir::attn::getComparisonSign(Fn fn) {
  switch (fn) {
  case Fn::Eq:
    return "==";
  case Fn::Ne:
    return "!=";
  case Fn::Lt:
    return "<";
  case Fn::Le:
    return "<=";
  case Fn::Gt:
    return ">";
  case Fn::Ge:
    return ">=";
  default:
    return "";
  }
}

//===----------------------------------------------------------------------===//
// Names in the printed form, yields, shapes
//===----------------------------------------------------------------------===//

static void nameCoordinates(Region &region, ArrayRef<ArrayAttr> lists, OpAsmSetValueNameFn set) {
  SmallVector<StringRef> names;
  for (ArrayAttr list : lists)
    for (auto name : list.getAsRange<StringAttr>())
      names.push_back(name.getValue());
  for (auto [name, arg] : llvm::zip(names, region.getArguments()))
    set(arg, name);
}

void EinsumOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn set) {
  nameCoordinates(region, {getCoords()}, set);
}
void EinsumOp::getAsmResultNames(OpAsmSetValueNameFn set) { set(getResult(), getName()); }

void ArgtopkOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn set) {
  SmallVector<Attribute> kept(getCoords().getValue());
  if (!kept.empty())
    kept.pop_back();
  nameCoordinates(region, {ArrayAttr::get(getContext(), kept), getOver()}, set);
}
void ArgtopkOp::getAsmResultNames(OpAsmSetValueNameFn set) { set(getResult(), getName()); }

void GivenOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn set) {
  nameCoordinates(region, {getCoords()}, set);
}
void ReduceOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn set) {
  nameCoordinates(region, {getCoords()}, set);
}
void RankOp::getAsmResultNames(OpAsmSetValueNameFn set) { set(getExtent(), getName()); }
void RecurrenceOp::getAsmResultNames(OpAsmSetValueNameFn set) {
  for (auto [result, inner] : llvm::zip(getResults(), getYield().getValues()))
    if (Operation *def = inner.getDefiningOp())
      if (auto name = def->getAttrOfType<StringAttr>("name"))
        set(result, name.getValue());
}

void StreamOp::getAsmResultNames(OpAsmSetValueNameFn set) {
  for (auto [result, inner] : llvm::zip(getResults(), getYield().getValues()))
    if (Operation *def = inner.getDefiningOp())
      if (auto name = def->getAttrOfType<StringAttr>("name"))
        set(result, name.getValue());
}
void AccumulateOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn set) {
  nameCoordinates(region, {getCoords(), getOver()}, set);
}
void AccumulateOp::getAsmResultNames(OpAsmSetValueNameFn set) { set(getResult(), getName()); }

static YieldOp yieldOf(Region &region) { return cast<YieldOp>(region.front().getTerminator()); }
YieldOp EinsumOp::getYield() { return yieldOf(getBody()); }
YieldOp ArgtopkOp::getYield() { return yieldOf(getBody()); }
YieldOp RecurrenceOp::getYield() { return yieldOf(getBody()); }
YieldOp StreamOp::getYield() { return yieldOf(getBody()); }
YieldOp AccumulateOp::getYield() { return yieldOf(getBody()); }
YieldOp GivenOp::getYield() { return yieldOf(getBody()); }
YieldOp ReduceOp::getYield() { return yieldOf(getBody()); }

RegionKind RecurrenceOp::getRegionKind(unsigned) { return RegionKind::Graph; }

/// A static dimension is an attribute, an open one the extent's value.
static LogicalResult reify(OpBuilder &b, RankedTensorType type, ValueRange extents, ReifiedRankedShapedTypeDims &dims) {
  SmallVector<OpFoldResult> shape(extents.begin(), extents.end());
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size))
      shape[i] = b.getIndexAttr(size);
  dims.push_back(shape);
  return success();
}
LogicalResult EinsumOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &dims) {
  return reify(b, getResult().getType(), getExtents(), dims);
}
LogicalResult ArgtopkOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &dims) {
  return reify(b, getResult().getType(), getExtents(), dims);
}
LogicalResult AccumulateOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &dims) {
  return reify(b, getResult().getType(), getExtents(), dims);
}
LogicalResult MaterializeOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &dims) {
  SmallVector<OpFoldResult> shape = tensor::getMixedSizes(b, getLoc(), getSource());
  for (auto [i, size] : llvm::enumerate(getResult().getType().getShape()))
    if (!ShapedType::isDynamic(size))
      shape[i] = b.getIndexAttr(size);
    else if (!isa<Value>(shape[i]))
      shape[i] = arith::ConstantIndexOp::create(b, getLoc(), getSource().getType().getDimSize(i)).getResult();
  dims.push_back(shape);
  return success();
}
