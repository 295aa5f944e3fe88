//===- Signature.h - what a cascade takes and gives -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_DIALECTS_ATTENTION_SIGNATURE_H
#define WEIR_DIALECTS_ATTENTION_SIGNATURE_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>
#include <string>
#include <vector>

namespace weir::attn {

/// The interface of a cascade, read off its function's attributes. Arguments of the function are all inputs, then all params.
struct Signature {
  struct Tensor {
    std::string name;
    mlir::Type elementType;                ///< as stored
    std::vector<std::string> ranks;        ///< a rank's name, or the text of an expression
    std::vector<int64_t> shape;            ///< ShapedType::kDynamic where it is open
    std::optional<std::string> defaultText;///< a literal: what all its elements are where it is not given; absent: the caller must give it
  };
  struct Param {
    std::string name;
    mlir::Type declaredType;               ///< the element type of the language that it was declared with
    std::optional<std::string> defaultText;///< a literal: "50.0", "true"; absent: the caller must give it
  };
  std::string name;
  std::vector<Tensor> inputs, outputs;
  std::vector<Param> params;
};

Signature getSignature(mlir::func::FuncOp cascade);

} // namespace weir::attn
#endif
