//===- SemaGraph.h - which tensor reads which -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_FRONTEND_SEMAGRAPH_H
#define WEIR_LIB_FRONTEND_SEMAGRAPH_H
#include "Sema.h"

namespace weir::sema {

/// The tensors that the equations of `tensor` read, each once, in the order of the text.
llvm::SetVector<Tensor *> readsOf(const Tensor &tensor);

/// Groups of tensors that read each other, each group after those that it reads; inputs are groups too.
/// `edges[i]` lists what tensor i reads.
std::vector<std::vector<unsigned>>
stronglyConnected(const std::vector<llvm::SmallVector<unsigned, 4>> &edges);
std::vector<std::vector<Tensor *>> stronglyConnected(Program &program);

} // namespace weir::sema
#endif
