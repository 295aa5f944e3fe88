//===- TreeScope.cpp - what names and extents of trees stand for ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/TreeScope.h"
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

TreeScope TreeScope::of(const CascadeModel &model) {
  TreeScope scope;
  func::FuncOp function = model.function;
  for (auto [i, name] : llvm::enumerate(model.inputs))
    scope.tensors[name] = function.getArgument(i);
  unsigned first = model.inputs.size();
  for (unsigned i = first; i < function.getNumArguments(); ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, kName))
      scope.params[name.getValue()] = function.getArgument(i);
  for (const CascadeModel::Equation &equation : model.equations) {
    Value value = equation.op->getResult(0);
    for (size_t loops = equation.loops.size(); value && loops-- > 0;) {
      auto recurrence = cast<RecurrenceOp>(equation.loops[loops].op);
      Value outer;
      for (auto [inner, result] : llvm::zip(recurrence.getYield().getValues(), recurrence.getResults()))
        if (inner == value)
          outer = result;
      value = outer;
    }
    if (value)
      scope.tensors[equation.name] = value;
  }
  for (const std::string &name : model.streamed)
    scope.tensors[name] = model.getTensor(name)->value;
  for (const auto &entry : scope.tensors)
    scope.wide |= cast<RankedTensorType>(entry.getValue().getType()).getElementType().isF64();
  for (const auto &entry : scope.params)
    scope.wide |= entry.getValue().getType().isF64();
  return scope;
}

void TreeScope::bindExtent(const Tree *tree, Value extent, ImplicitLocOpBuilder &b) {
  if (!tree || extents.count(tree))
    return;
  extents[tree] = extent;
  if (tree->is(TreeKind::Extent))
    scalars[tree] = arith::IndexCastOp::create(b, b.getI64Type(), extent);
}

void TreeScope::bindExtents(const CascadeModel &model, ImplicitLocOpBuilder &b) {
  // Numbers first: a declared rank that happens to be as long says so of itself only when it is computed.
  for (const auto &entry : model.rankExtents)
    if (entry.getValue()->getInteger() && !extents.count(entry.getValue()))
      bindExtent(entry.getValue(), arith::ConstantIndexOp::create(b, *entry.getValue()->getInteger()), b);
  for (const CascadeModel::Equation &equation : model.equations) {
    const CascadeModel::Tensor *tensor = model.getTensor(equation.name);
    ValueRange extents;
    if (auto einsum = dyn_cast<EinsumOp>(equation.op))
      extents = einsum.getExtents();
    else
      extents = cast<ArgtopkOp>(equation.op).getExtents();
    for (auto [tree, value] : llvm::zip(tensor->extents, extents))
      if (Operation *definition = value.getDefiningOp();
          !definition || definition->getParentOp() == model.function)
        bindExtent(tree, value, b);
  }
  for (const std::string &name : model.inputs) {
    Value input = tensors.lookup(name);
    for (auto [i, tree] : llvm::enumerate(model.getTensor(name)->extents)) {
      if (extents.count(tree))
        continue;
      Value index = arith::ConstantIndexOp::create(b, i);
      bindExtent(tree, tensor::DimOp::create(b, input, index), b);
    }
  }
}

Value TreeScope::extentOf(const CascadeModel &model, StringRef coordinate) const {
  const Tree *extent = model.getExtent(coordinate);
  return extent ? extents.lookup(extent) : Value();
}

Type TreeScope::typeOf(ScalarKind kind, MLIRContext *context) const {
  switch (kind) {
  case ScalarKind::Integer:
    return IntegerType::get(context, 64);
  case ScalarKind::Bool:
    return IntegerType::get(context, 1);
  case ScalarKind::Real:
    return wide ? Type(Float64Type::get(context)) : Type(Float32Type::get(context));
  }
  llvm_unreachable("a scalar of no kind");
}
