//===- FragmentFunctions.h - functions by the GPU's own instructions ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOGPU_FRAGMENTFUNCTIONS_H
#define WEIR_TILESTOGPU_FRAGMENTFUNCTIONS_H
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace weir {

/// What `op`, an operation of one f32 result, is of `operands`, by instructions that are faster than what it becomes elsewhere and, unless
/// `isExact`, less exact (docs/gpu.md); null: the operation is none of those.
mlir::Value emitByInstruction(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op, mlir::ValueRange operands, bool isExact);

} // namespace weir
#endif
