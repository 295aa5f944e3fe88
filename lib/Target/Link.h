//===- Link.h - a shared library by the system's linker -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TARGET_LINK_H
#define WEIR_LIB_TARGET_LINK_H
#include "llvm/Support/Error.h"
#include <string>

namespace weir {

/// The bytes of a shared library made of one object. Takes the first of cc, clang-22, clang, gcc, ld.lld, ld
/// on PATH.
llvm::Expected<std::string> linkShared(llvm::StringRef object);

} // namespace weir
#endif
