//===- Shares.h - loops dealt out to blocks and threads -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOGPU_SHARES_H
#define WEIR_TILESTOGPU_SHARES_H
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace weir {

/// The first of the iterations that a block or thread takes, and how many it goes on by; backwards, they are counted from the last.
struct Share {
  mlir::Value first, step;
  bool backwards = false;
};

/// Replaces the iterations of a loop nest by one loop over their numbers that takes those of `share`, and
/// moves `body` into it; returns it.
mlir::scf::ForOp deal(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange lower, mlir::ValueRange upper,
                      mlir::ValueRange step, mlir::Block *body, mlir::ValueRange counters, Share share);
/// The same for a parallel loop, which is erased.
void deal(mlir::ImplicitLocOpBuilder &b, mlir::scf::ForallOp forall, Share share);

/// The threads of the blocks that a function is launched with. A block may have all registers of a multiprocessor:
/// assemblers left to themselves rather move values to memory and back.
void setBlockSize(mlir::gpu::GPUFuncOp function, unsigned threads);

} // namespace weir
#endif
