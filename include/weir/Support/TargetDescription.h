//===- TargetDescription.h - what a kernel may assume of its machine ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_SUPPORT_TARGETDESCRIPTION_H
#define WEIR_SUPPORT_TARGETDESCRIPTION_H
#include "llvm/Support/Error.h"
#include <cstdint>
#include <string>

namespace weir {

/// A processor as the lowering sees it. Tile shapes and lane counts come from here, never from constants in a
/// conversion.
struct TargetDescription {
  std::string cpu = "x86-64-v3"; ///< LLVM's name of the processor or level
  std::string features;          ///< LLVM's feature string, "+avx512bf16,..."; may be empty
  unsigned vectorBytes = 32;     ///< width of a vector register: 32 (ymm) or 64 (zmm)
  unsigned vectorRegisters = 16; ///< architectural vector registers
  bool hasBF16 = false;          ///< converts f32 to bf16 in hardware (AVX512-BF16)
  bool hasMatrixUnit = false;    ///< multiplies tiles of bf16 and sums them in f32 (AMX)
  bool isGPU = false;            ///< an NVIDIA GPU: `cpu` is its architecture, sm_80
  int64_t sharedBytes = 0;       ///< GPU: memory that the threads of a block may share
  int64_t launchBytes = 0;       ///< GPU: the same where the launch asks for it
  int64_t l1Bytes = 32 << 10, l2Bytes = 1 << 20;
  // Nominal figures of a server's core, for predictions; ratios of predictions hardly depend on them.
  unsigned fmaBytes =
      64;               ///< of vectors that the FMA units take each cycle: two of 32, one of 64, or two of 64
  double clock = 3.5e9; ///< cycles a second
  double memoryRate = 20e9;      ///< bytes a second that one core reads from memory
  double memoryRateOfAll = 26e9; ///< and all cores of a small virtual machine together
  double l3Rate = 65e9;          ///< that one core reads from the last cache
  int64_t l3Bytes = 32 << 20;    ///< a share of the last cache, whose size in virtual machines nobody knows
};

/// The target that `cpu[:NAME]` names: `native` (or nothing) asks the processor, others are LLVM names; or
/// `cuda:sm_80`. An unknown name is an error that lists the known levels.
llvm::Expected<TargetDescription> describeTarget(llvm::StringRef name);

} // namespace weir
#endif
