//===- GPUTime.h - what a kernel takes of a GPU at least ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model of walls: each unit of a GPU has its work and its rate, all of them work side by side, and the kernel
// takes at least as long as the one that takes longest. What no model of rates sees, latencies and whether there
// are blocks enough, comes on top. docs/gpu.md has the rates and their sources.
#ifndef WEIR_ANALYSIS_GPUTIME_H
#define WEIR_ANALYSIS_GPUTIME_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/Cost.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace weir {

/// A GPU's nominal figures. Rates are of one multiprocessor in one cycle, unless they say otherwise.
struct GPURates {
  llvm::StringRef name;
  unsigned multiprocessors;
  double clock;          ///< cycles a second
  double tensorFlops;    ///< of mma.sync on dense 16-bit elements; half as many in tf32
  double exponentials;   ///< ex2.approx
  double roundings;      ///< cvt.rna.tf32.f32
  double operations;     ///< f32: an addition, a multiply-add, a comparison
  double sharedBytes;    ///< of shared memory
  double memoryRate;     ///< bytes a second that the GPU reads from its memory
  unsigned registers, warps, blocks; ///< that a multiprocessor holds
  uint64_t shared, reserved;         ///< bytes of shared memory that it has, and takes for each block itself

  /// How many blocks of a function fit on a multiprocessor at a time.
  unsigned blocksOf(unsigned threads, unsigned registersOfThread, uint64_t sharedOfBlock) const;
};

/// Of the GPU for which an architecture ("sm_80") is first; nothing where there are no figures.
std::optional<GPURates> ratesOfGPU(llvm::StringRef architecture);

struct GPUTime {
  double tensor = 0, exponentials = 0, roundings = 0, arithmetic = 0, shared = 0, memory = 0; ///< seconds
  double mmas = 0; ///< mma.sync, of warps
  bool atMost = false; ///< data decides how much of the work there is

  double seconds() const;
  /// "tensor cores", "exponentials", "roundings", "arithmetic", "shared memory", "memory": what takes longest.
  llvm::StringRef limit() const;
};

/// As predictTime (PredictedTime.h), of a program that was mapped for a GPU.
std::optional<GPUTime> predictOnGPU(mlir::func::FuncOp mapped, const Costs &costs, double visited, const GPURates &rates);

} // namespace weir
#endif
