//===- Describe.h - signatures, and how their args struct is laid out -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TARGET_DESCRIBE_H
#define WEIR_LIB_TARGET_DESCRIBE_H
#include "weir/Runtime/weir_kernel.h"
#include "weir/Target/Artifact.h"

namespace weir {

/// What the kernel's names in C begin with: its own, or with a mark where C has that name for itself
/// (`inline_`).
std::string symbolPrefix(const KernelSignature &signature);

/// NAME_args as C lays it out: WEIR_ARGS_HEADER, the inputs, the outputs, the params.
struct ArgsLayout {
  std::vector<std::string> tensorFields, paramFields; ///< names that are neither C's nor the header's
  std::vector<int32_t> tensorOffsets, paramOffsets;
  int32_t size = 0;
};
ArgsLayout layoutArgs(const KernelSignature &signature);

/// Of each output, the index of the input whose memory it may share, or -1. An error where a name is unknown
/// or the two tensors differ.
llvm::Expected<std::vector<int32_t>> resolveInplace(const KernelSignature &signature,
                                                    const CompileOptions &options);

/// A weir_kernel in memory, without versions.
class Descriptor {
public:
  Descriptor(const KernelSignature &signature, std::vector<int32_t> inplace);
  Descriptor(const Descriptor &) = delete;
  weir_kernel kernel = {};

private:
  std::vector<weir_tensor_info> tensors;
  std::vector<weir_param_info> params;
  std::vector<std::vector<const char *>> ranks;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<const char *> checks;
};

/// The WEIR_CPU_* bits that code for this target may use.
uint64_t requiredFeatures(const TargetDescription &target);

} // namespace weir
#endif
