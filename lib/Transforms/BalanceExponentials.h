//===- BalanceExponentials.h - products that stay in range ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TRANSFORMS_BALANCEEXPONENTIALS_H
#define WEIR_LIB_TRANSFORMS_BALANCEEXPONENTIALS_H
#include "weir/Analysis/Tree.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace weir {

/// exp(e)*x/y becomes exp(e/2)*x/y*exp(e/2) where `e` reads a reference: the exponential of a reference may
/// be out of range where its product with the sum that belongs to it is not. Exponents that are a difference
/// from a maximum of theirs stay.
const Tree *balanceExponentials(const Tree *tree, TreeArena &arena,
                                llvm::function_ref<bool(llvm::StringRef)> isReference);

} // namespace weir
#endif
