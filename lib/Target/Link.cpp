//===- Link.cpp - a shared library by the system's linker -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Link.h"
#include "RunTool.h"
#include "llvm/Support/Program.h"

using namespace llvm;

Expected<std::string> weir::linkShared(StringRef object) {
  std::string tool;
  bool bare = false;
  for (StringRef name : {"cc", "clang-22", "clang", "gcc", "ld.lld", "ld.lld-22", "ld"})
    if (auto found = sys::findProgramByName(name)) {
      tool = *found;
      bare = name.starts_with("ld");
      break;
    }
  if (tool.empty())
    return createStringError(
        "no linker for a shared library: none of cc, clang-22, clang, gcc, ld.lld, ld is on PATH; "
        "install one, or compile to an object (.o) and link it elsewhere");
  // No build id and no names of scratch files: the same input gives the same bytes.
  return runTool(tool, "link the shared library", object, "o", "so", [&](StringRef input, StringRef output) {
    std::vector<StringRef> arguments = {"-shared", input, "-o", output};
    if (bare)
      append_range(arguments, ArrayRef<StringRef>{"-z", "noexecstack", "--build-id=none", "-s"});
    else
      append_range(arguments,
                   ArrayRef<StringRef>{"-Wl,-z,noexecstack", "-Wl,--build-id=none", "-Wl,-s", "-ldl"});
    return arguments;
  });
}
