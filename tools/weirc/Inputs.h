//===- Inputs.h - tensors and params from the command line ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_INPUTS_H
#define WEIRC_INPUTS_H
#include "Options.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/KnownInputs.h"
#include "weir/Target/Kernel.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace weirc {

/// What a cascade takes and gives, as a kernel's signature.
weir::KernelSignature signatureOf(mlir::func::FuncOp cascade);

/// "K: bf16[B,G,N,D]".
std::string describe(const weir::KernelSignature::Tensor &tensor);

/// The tensors of --in by their place in the signature; those not given are missing. Refuses names that the
/// cascade does not have, files that do not hold the declared type, and shapes that disagree with the
/// declaration, with -D or with each other.
struct GivenInputs {
  std::map<size_t, weir::HostTensor> tensors;
  llvm::StringMap<int64_t> extents; ///< ranks that the tensors and -D fix
  /// What predicates can read of them.
  weir::KnownInputs known(const weir::KernelSignature &signature) const;
};
llvm::Expected<GivenInputs> loadInputs(const weir::KernelSignature &signature, const Options &options);

/// All inputs, in the signature's order; those not given are their defaults, an error names those that have
/// none.
llvm::Expected<std::vector<weir::HostTensor>> requireAll(const weir::KernelSignature &signature,
                                                         GivenInputs &&given);

/// The params of --set by their place in the signature, rounded to their types; refuses unknown names and
/// values of another kind.
llvm::Expected<std::map<size_t, long double>> readParams(const weir::KernelSignature &signature,
                                                         const Options &options);
/// All params: --set, else the default, else an error that names those without one.
llvm::Expected<std::vector<long double>> requireParams(const weir::KernelSignature &signature,
                                                       const Options &options);

/// Names that a file may fix before it is compiled, read off the files of --in: the number of ranks that
/// `...` stands for.
llvm::Expected<std::vector<std::pair<std::string, int64_t>>> ellipsisFromInputs(const Options &options);

} // namespace weirc
#endif
