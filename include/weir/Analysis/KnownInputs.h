//===- KnownInputs.h - what some inputs of a cascade hold -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Analyses count what a mask keeps. A mask that reads tensors can be counted too where these are given:
// integers and bools, which are all that predicates read of them.
#ifndef WEIR_ANALYSIS_KNOWNINPUTS_H
#define WEIR_ANALYSIS_KNOWNINPUTS_H
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringMap.h"

namespace weir {

/// The entries of an integer or bool tensor, row-major, and of each the place in its row behind the entries
/// that follow it and are equal to it.
class KnownInput {
public:
  explicit KnownInput(const HostTensor &tensor);
  /// Whether predicates can read such a tensor.
  static bool isOfInterest(const HostTensor &tensor) { return !isReal(tensor.type); }

  llvm::SmallVector<int64_t> shape;
  std::vector<int64_t> values, runEnds;
};

using KnownInputs = llvm::StringMap<KnownInput>; ///< by the tensor's name

} // namespace weir
#endif
