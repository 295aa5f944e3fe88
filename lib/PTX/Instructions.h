//===- Instructions.h - decoders that families share ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_INSTRUCTIONS_H
#define WEIR_LIB_PTX_INSTRUCTIONS_H
#include "Decoding.h"
#include "llvm/ADT/FloatingPointMode.h"

namespace weir::ptx {

/// add, sub, mul, mad, div, min, max, neg, abs of floats: names that integers have too.
bool decodeFloatArithmetic(Decoding &decoding);

/// .rn, .rz, .rm, .rp; with `toWhole`, .rni and its like.
std::optional<llvm::RoundingMode> takeRounding(Mnemonic &mnemonic, bool toWhole = false);

/// .global, .shared and so on; generic if there is none.
Space takeSpace(Mnemonic &mnemonic);
/// .volatile, .relaxed.gpu and so on: whether an access is strong, that is, takes part in no race with others
/// that are.
bool takeStrength(Mnemonic &mnemonic);
/// Cache operators and hints, which do not change what an access means.
void takeHints(Mnemonic &mnemonic);

} // namespace weir::ptx
#endif
