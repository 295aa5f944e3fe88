//===- GPURegisters.h - registers of a GPU's thread -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_SUPPORT_GPUREGISTERS_H
#define WEIR_SUPPORT_GPUREGISTERS_H
#include <cstdint>

namespace weir {

inline constexpr int64_t kRegistersOfThread = 255; ///< at most

/// Of a thread on tensor cores, beside scores, sums and left factors: addresses, statistics of rows, right factors, as ptxas says of softmax.
inline constexpr int64_t kOtherRegisters = 90;

} // namespace weir
#endif
