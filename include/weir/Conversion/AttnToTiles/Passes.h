//===- Passes.h - the passes of lib/Conversion/AttnToTiles -------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_ATTNTOTILES_PASSES_H
#define WEIR_ATTNTOTILES_PASSES_H
#include "mlir/Pass/Pass.h"

namespace weir {
#define GEN_PASS_DECL
#include "weir/Conversion/AttnToTiles/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "weir/Conversion/AttnToTiles/Passes.h.inc"
} // namespace weir
#endif
