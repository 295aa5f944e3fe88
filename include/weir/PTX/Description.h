//===- Description.h - how kernels of weirc are launched ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PTX_DESCRIPTION_H
#define WEIR_PTX_DESCRIPTION_H
#include "weir/PTX/Machine.h"

namespace weir::ptx {

/// The line `// weir: {...}` of a PTX text that weirc made; docs/gpu.md says what its fields mean.
struct Description {
  struct Argument {
    std::string kind, name,
        type; ///< "input", "param", "output", "workspace"; element types as in the language
    std::vector<std::string> ranks;
    std::vector<std::optional<int64_t>> shape; ///< extents that the kernel was compiled for
  };
  struct Tile {
    uint64_t bytes = 0;
    std::vector<std::pair<unsigned, unsigned>> extents; ///< an argument and its dimension
  };
  std::string kernel;
  unsigned block = 0;
  std::vector<Argument> arguments;
  std::vector<Tile> shared;
};

/// Nothing if the text has no such line; an error if it has one that is not understood.
llvm::Expected<std::optional<Description>> readDescription(llvm::StringRef ptx);

/// What an argument is at a launch: a contiguous tensor at an address, or the bytes of a param.
struct LaunchArgument {
  uint64_t address = 0;
  llvm::SmallVector<int64_t> extents;
  std::vector<uint8_t> param;
};

/// The launch with one block for every 16 rows of every head that the first output has, or with `blocks` if
/// it is not 0.
Launch makeLaunch(const Description &description, llvm::ArrayRef<LaunchArgument> arguments, unsigned blocks);

} // namespace weir::ptx
#endif
