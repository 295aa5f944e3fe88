//===- StreamFrontier.h - what a stream gives to the rest of a cascade ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TRANSFORMS_STREAMFRONTIER_H
#define WEIR_LIB_TRANSFORMS_STREAMFRONTIER_H
#include "weir/Analysis/Streaming.h"
#include "llvm/ADT/StringSet.h"

namespace weir {

/// The tensors at which a stream over the derived rank may end: they are known after its first traversal, their finishes
/// are scalars of a row, and no tensor further on is like that. What lies behind them stays as it is written.
/// With `plain` their finishes reduce over no other rank either.
/// With `later` false only those are listed that no later traversal of the rank is known to read.
std::vector<CascadeModel::Output> findFrontier(const CascadeModel &model, const Streaming &streaming, bool later,
                                               bool plain);

/// Integers and bools without the streamed rank that are made of it, as a selection of blocks is: a stream may take them as inputs,
/// made by the rest of the cascade before. None that says where a tensor with the rank is read: a threshold read there and the
/// scores that a stream compares with it would be rounded differently.
llvm::StringSet<> findKept(const CascadeModel &model, const Streaming &streaming);

/// The tensors that those named are computed from, themselves among them.
llvm::StringSet<> getUpstream(const CascadeModel &model, llvm::ArrayRef<std::string> tensors);

} // namespace weir
#endif
