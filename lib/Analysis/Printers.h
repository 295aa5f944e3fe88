//===- Printers.h - what the printers of analyses share -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_ANALYSIS_PRINTERS_H
#define WEIR_LIB_ANALYSIS_PRINTERS_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"

namespace weir {

/// Calls `print` with each cascade of the module that has a body.
void printCascades(mlir::ModuleOp module, llvm::function_ref<void(mlir::func::FuncOp)> print);

/// The same at the sizes that a printer's option `extents` gives, by rank; an error at the module where it is
/// malformed.
mlir::LogicalResult
printCascadesAt(llvm::ArrayRef<std::string> extents, mlir::ModuleOp module,
                llvm::function_ref<void(mlir::func::FuncOp, const llvm::StringMap<int64_t> &)> print);

} // namespace weir
#endif
