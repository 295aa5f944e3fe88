//===- Passes.h - the passes of lib/Transforms -------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TRANSFORMS_PASSES_H
#define WEIR_TRANSFORMS_PASSES_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace weir {
#define GEN_PASS_DECL
#include "weir/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
#endif
