//===- Embedded.h - files that the compiler carries -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_RUNTIME_EMBEDDED_H
#define WEIR_RUNTIME_EMBEDDED_H
#include <string_view>

namespace weir {

/// The runtime as LLVM bitcode for plain x86-64; a zero byte follows.
std::string_view runtimeBitcode();
/// The text of weir_runtime.h; a zero byte follows.
std::string_view runtimeHeaderText();

} // namespace weir
#endif
