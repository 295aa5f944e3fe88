//===- Signature.cpp - what a cascade takes and gives ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/Signature.h"
#include "dialects/Attention/AttentionDialect.h"

using namespace mlir;
using namespace weir::attn;

static Signature::Tensor describe(RankedTensorType type, DictionaryAttr attrs) {
  Signature::Tensor tensor;
  tensor.elementType = type.getElementType();
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  if (!attrs)
    return tensor;
  if (auto name = attrs.getAs<StringAttr>(kName))
    tensor.name = name.str();
  if (auto ranks = attrs.getAs<ArrayAttr>(kRanks))
    for (auto rank : ranks.getAsRange<StringAttr>())
      tensor.ranks.push_back(rank.str());
  if (auto text = attrs.getAs<StringAttr>(kDefault))
    tensor.defaultText = text.str();
  return tensor;
}

Signature weir::attn::getSignature(func::FuncOp cascade) {
  Signature signature;
  signature.name = cascade.getName().str();
  for (auto [i, type] : llvm::enumerate(cascade.getArgumentTypes())) {
    DictionaryAttr attrs = cascade.getArgAttrDict(i);
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      signature.inputs.push_back(describe(tensor, attrs));
      continue;
    }
    Signature::Param param;
    param.declaredType = type;
    if (attrs) {
      if (auto name = attrs.getAs<StringAttr>(kName))
        param.name = name.str();
      if (auto declared = attrs.getAs<TypeAttr>(kType))
        param.declaredType = declared.getValue();
      if (auto text = attrs.getAs<StringAttr>(kDefault))
        param.defaultText = text.str();
    }
    signature.params.push_back(param);
  }
  for (auto [i, type] : llvm::enumerate(cascade.getResultTypes()))
    signature.outputs.push_back(describe(cast<RankedTensorType>(type), cascade.getResultAttrDict(i)));
  return signature;
}
