//===- Passes.h - the passes of lib/Conversion/TilesToGPU -------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOGPU_PASSES_H
#define WEIR_TILESTOGPU_PASSES_H
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/MathExtras.h"

namespace weir {
inline constexpr int64_t kTileAlignment = 16; ///< bytes; every tile in shared memory begins at a multiple of them

/// The bytes of a tile, divided by its open extents.
inline int64_t fixedBytesOf(mlir::MemRefType tile) {
  int64_t bytes = llvm::divideCeil(tile.getElementTypeBitWidth(), 8);
  for (int64_t extent : tile.getShape())
    bytes *= mlir::ShapedType::isDynamic(extent) ? 1 : extent;
  return bytes;
}

/// The bytes that a tile takes behind others: those of its shape, `sizes` for open extents, up to a multiple of kTileAlignment.
mlir::Value emitTileBytes(mlir::ImplicitLocOpBuilder &b, mlir::MemRefType tile, mlir::ValueRange sizes);

/// Whether a parallel loop of a kernel works on tiles, so that blocks take its iterations; else threads do.
bool isTiled(mlir::scf::ForallOp forall);

/// i64, on a gpu.func: bytes of dynamic shared memory that its launch needs beside its tiles of open shape.
inline constexpr llvm::StringLiteral kSharedAttr = "weir.shared";

/// Behind a kernel's name: the function that says how its launches are.
inline constexpr llvm::StringLiteral kPlanSuffix = "$plan";

#define GEN_PASS_DECL
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir
#endif
