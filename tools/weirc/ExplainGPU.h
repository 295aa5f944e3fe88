//===- ExplainGPU.h - what a kernel for a GPU is made of ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_EXPLAINGPU_H
#define WEIRC_EXPLAINGPU_H
#include "Job.h"
#include "weir/PTX/Profile.h"
#include "llvm/Support/JSON.h"

namespace weirc {

/// One function of a kernel, as the PTX has it and, where there is one, NVIDIA's assembler makes it.
struct GPUFunction {
  std::string name;
  unsigned threads = 0;              ///< of a block
  bool hasDynamicShared = false;     ///< beside what is known before the launch
  std::optional<unsigned> registers; ///< of a thread
  std::optional<uint64_t> sharedBytes, spilledBytes;
  std::optional<unsigned> blocks;  ///< on a multiprocessor at a time
  std::optional<double> occupancy; ///< of the warps that it holds
  weir::ptx::Profile profile;      ///< of the text
};

/// The functions that are launched, in order.
llvm::Expected<std::vector<GPUFunction>> describeGPUFunctions(Job &job);
void print(llvm::ArrayRef<GPUFunction> functions, llvm::raw_ostream &os);
llvm::json::Array toJson(llvm::ArrayRef<GPUFunction> functions);

} // namespace weirc
#endif
