//===- RunTool.h - programs of the system that make bytes of bytes --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TARGET_RUNTOOL_H
#define WEIR_LIB_TARGET_RUNTOOL_H
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace weir {

/// Writes `input` to a scratch file that ends in `.from`, runs the program `tool` with the arguments for it
/// and for a file that ends in `.to`, and reads that. An error quotes what the program printed: "TOOL cannot
/// PURPOSE: ..."; `messages` gets that where there is none.
llvm::Expected<std::string>
runTool(llvm::StringRef tool, llvm::StringRef purpose, llvm::StringRef input, llvm::StringRef from,
        llvm::StringRef to,
        llvm::function_ref<std::vector<llvm::StringRef>(llvm::StringRef input, llvm::StringRef output)>
            arguments,
        std::string *messages = nullptr);

} // namespace weir
#endif
