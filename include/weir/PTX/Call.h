//===- Call.h - calls kernels of weirc on the interpreter -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PTX_CALL_H
#define WEIR_PTX_CALL_H
#include "weir/PTX/Description.h"
#include "weir/PTX/Machine.h"
#include "weir/Support/HostTensor.h"

namespace weir::ptx {

/// An input of a call: a tensor, or the bytes of a param.
struct CallInput {
  const HostTensor *tensor = nullptr;
  std::vector<uint8_t> param;
};

struct CallResult {
  struct Output {
    std::string name;
    HostTensor tensor;
    uint64_t uninitialised = 0; ///< bytes that nothing was written to
  };
  std::vector<Output> outputs;
  std::vector<Statistics> launches; ///< in the description's order, the plan left out
};

/// Plans and launches a kernel on a machine of its own. Inputs are in the description's order. `blocks`: of
/// each launch, 0: as planned. Errors as of Machine::run; a broken promise is a KernelFault.
llvm::Expected<CallResult> call(const Module &module, const Description &description,
                                llvm::ArrayRef<CallInput> inputs, const Checks &checks, unsigned blocks = 0);

} // namespace weir::ptx
#endif
