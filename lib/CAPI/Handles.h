//===- Handles.h - what the pointers of the C interface lead to -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_CAPI_HANDLES_H
#define WEIR_LIB_CAPI_HANDLES_H
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "weir-c/Weir.h"
#include "weir/Target/Kernel.h"
#include "llvm/ADT/StringRef.h"

struct weirContext {
  explicit weirContext(const mlir::DialectRegistry &registry)
      : context(registry, mlir::MLIRContext::Threading::DISABLED) {}
  mlir::MLIRContext context;
};

struct weirModule {
  mlir::OwningOpRef<mlir::ModuleOp> op;
};

struct weirKernel {
  weir::Kernel kernel;
};

namespace weir::capi {
/// Copies `text` into bytes that the caller frees.
void setBytes(weirBytes *out, llvm::StringRef text);
} // namespace weir::capi
#endif
