//===- TestCascade.h - runs cascades given as attn IR ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_UNITTESTS_REFERENCE_TESTCASCADE_H
#define WEIR_UNITTESTS_REFERENCE_TESTCASCADE_H
#include "dialects/Attention/AttentionDialect.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "weir/Reference/Interpreter.h"
#include "gtest/gtest.h"

namespace weir::test {

/// A cascade parsed from text; the first function of the module.
struct TestCascade {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;

  explicit TestCascade(llvm::StringRef text) {
    context.loadDialect<attn::AttnDialect, mapping::MappingDialect, mlir::arith::ArithDialect,
                        mlir::func::FuncDialect, mlir::tensor::TensorDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (module)
      function = *module->getOps<mlir::func::FuncOp>().begin();
  }
};

inline HostTensor tensor(ElementType type, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values) {
  HostTensor result(type, shape);
  for (auto [i, value] : llvm::enumerate(values))
    result.set(i, value);
  return result;
}

inline std::vector<double> values(const PartialTensor &tensor) {
  return std::vector<double>(tensor.value.begin(), tensor.value.end());
}

/// The message of a failed run; empty if it succeeded.
inline std::string messageOf(llvm::Expected<InterpreterResult> result) {
  return result ? "" : llvm::toString(result.takeError());
}

} // namespace weir::test
#endif
