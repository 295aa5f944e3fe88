//===- Banks.h - turns of the banks of shared memory ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 32 banks give a word of 4 bytes each in a turn, to all who want that word (CUDA C++ Programming Guide,
// "Shared Memory").
#ifndef WEIR_LIB_PTX_BANKS_H
#define WEIR_LIB_PTX_BANKS_H
#include <cstdint>

namespace weir::ptx {

constexpr unsigned warpSize = 32;

struct Turns {
  unsigned needed = 0; ///< with these addresses
  unsigned least = 0;  ///< with the best ones: one for each part of the warp that is served at once
};

/// Of lanes that access `bytes` bytes each, at `offset` from their addresses. Of 8 or 16 bytes a lane, half
/// or a quarter of the warp takes its turn at once.
Turns turnsOf(const uint64_t *addresses, uint32_t lanes, int64_t offset, unsigned bytes);
/// Of ldmatrix: eight lines of 16 bytes at once for each matrix.
Turns turnsOfMatrices(const uint64_t *addresses, int64_t offset, unsigned matrices);

} // namespace weir::ptx
#endif
