//===- AssemblePTX.h - PTX to machine code, by NVIDIA's assembler ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_ASSEMBLEPTX_H
#define WEIR_TARGET_ASSEMBLEPTX_H
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// Where ptxas is: it is looked for in the folder bin of CUDA_HOME, on PATH, then in `folders`.
std::optional<std::string> findPTXAssembler(llvm::ArrayRef<std::string> folders = {});

/// What ptxas says of a kernel's function.
struct AssembledFunction {
  std::string name;
  unsigned registers = 0;                    ///< of a thread
  uint64_t sharedBytes = 0, spilledBytes = 0; ///< static; stored to memory for want of registers
};

/// The cubin of a PTX text for one architecture ("sm_80"). An error says where ptxas was looked for, or what
/// it says.
llvm::Expected<std::string> assemblePTX(llvm::StringRef ptx, llvm::StringRef architecture,
                                        llvm::ArrayRef<std::string> folders = {},
                                        std::vector<AssembledFunction> *functions = nullptr);

} // namespace weir
#endif
