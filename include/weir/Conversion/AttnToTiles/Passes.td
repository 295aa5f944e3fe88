//===- Passes.td - the passes of lib/Conversion/AttnToTiles ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_ATTNTOTILES_PASSES_TD
#define WEIR_ATTNTOTILES_PASSES_TD
include "mlir/Pass/PassBase.td"

#endif
