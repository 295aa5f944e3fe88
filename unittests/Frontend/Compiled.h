//===- Compiled.h - a cascade from text, for tests ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_UNITTESTS_FRONTEND_COMPILED_H
#define WEIR_UNITTESTS_FRONTEND_COMPILED_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "weir/Frontend/Frontend.h"
#include "llvm/Support/raw_ostream.h"

namespace weir::test {

/// What the frontend makes of a text: the first function of the module, or none and what it says of the text.
struct Compiled {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  std::string messages;

  explicit Compiled(llvm::StringRef text, const FrontendOptions &options = {}) {
    llvm::raw_string_ostream os(messages);
    module = compileToCascade(text, "test.attn", options, context, os);
    if (module)
      function = *module->getOps<mlir::func::FuncOp>().begin();
  }
};

} // namespace weir::test
#endif
