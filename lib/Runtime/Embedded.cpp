//===- Embedded.cpp - files that the compiler carries ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Runtime/Embedded.h"

#define EMBED(name, file)                                                                                    \
  __asm__(".pushsection .rodata\n.balign 16\n" #name ":\n.incbin \"" file "\"\n" #name                       \
          "_end:\n.byte 0\n.popsection");                                                                    \
  extern "C" __attribute__((visibility("hidden"))) const char name[], name##_end[];

EMBED(weir_embedded_bitcode, WEIR_BITCODE)
EMBED(weir_embedded_header, WEIR_RUNTIME_HEADER)

std::string_view weir::runtimeBitcode() {
  return {weir_embedded_bitcode, size_t(weir_embedded_bitcode_end - weir_embedded_bitcode)};
}

std::string_view weir::runtimeHeaderText() {
  return {weir_embedded_header, size_t(weir_embedded_header_end - weir_embedded_header)};
}
