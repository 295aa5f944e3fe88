//===- PTXRunner.h - a program as PTX, executed without a GPU -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_PTXRUNNER_H
#define WEIRC_PTXRUNNER_H
#include "weir/PTX/Call.h"
#include "weir/Target/Kernel.h"

namespace weirc {

class PTXRunner {
public:
  /// `text`: what emitPTX gives.
  static llvm::Expected<PTXRunner> create(weir::KernelSignature signature, llvm::StringRef text);
  const weir::KernelSignature &signature() const { return described; }
  /// Outputs in the signature's order. `schedule`: 0: blocks and warps in order; else the seed of a random
  /// one. Faults that the interpreter finds, and outputs that nothing was written to, are errors.
  llvm::Expected<std::vector<weir::HostTensor>>
  run(llvm::ArrayRef<weir::HostTensor> inputs, llvm::ArrayRef<long double> params, uint64_t schedule) const;

private:
  weir::KernelSignature described;
  std::shared_ptr<const weir::ptx::Module> module;
  weir::ptx::Description description;
};

} // namespace weirc
#endif
