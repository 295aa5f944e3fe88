//===- Description.h - how kernels of weirc are launched ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PTX_DESCRIPTION_H
#define WEIR_PTX_DESCRIPTION_H
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace weir::ptx {

/// The line `// weir: {...}` of a PTX text that weirc made; docs/gpu.md says what its fields mean.
struct Description {
  struct Argument {
    std::string kind, name,
        type; ///< "input", "param", "output", "workspace"; element types as in the language
    std::vector<std::string> ranks;
    std::vector<std::optional<int64_t>> shape; ///< extents that the kernel was compiled for
  };
  struct Function {
    std::string kernel;
    unsigned block = 0;  ///< threads
    uint64_t shared = 0; ///< bytes of dynamic shared memory beside what the plan says
  };
  std::string kernel, plan;
  std::vector<std::string> promises; ///< on extents
  std::vector<Argument> arguments;
  std::vector<Function> launches; ///< one after another
};

/// Nothing if the text has no such line; an error if it has one that is not understood.
llvm::Expected<std::optional<Description>> readDescription(llvm::StringRef ptx);

} // namespace weir::ptx
#endif
