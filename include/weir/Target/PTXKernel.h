//===- PTXKernel.h - a kernel as PTX, executed without a GPU --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_PTXKERNEL_H
#define WEIR_TARGET_PTXKERNEL_H
#include "weir/PTX/Call.h"
#include "weir/Target/Kernel.h"

namespace weir {

/// Copies share the code.
class PTXKernel {
public:
  /// `text`: what emitPTX (weir/Pipelines/Compile.h) gives for one kernel.
  static llvm::Expected<PTXKernel> create(KernelSignature signature, llvm::StringRef text);
  const KernelSignature &signature() const { return described; }
  /// Outputs in the signature's order. `schedule`: 0: blocks and warps in order; else the seed of a random
  /// one. Faults that the interpreter finds, and outputs that nothing was written to, are errors.
  llvm::Expected<std::vector<HostTensor>> run(llvm::ArrayRef<HostTensor> inputs,
                                              llvm::ArrayRef<long double> params, uint64_t schedule) const;

private:
  KernelSignature described;
  std::shared_ptr<const ptx::Module> module;
  ptx::Description description;
};

} // namespace weir
#endif
