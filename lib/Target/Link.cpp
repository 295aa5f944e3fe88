//===- Link.cpp - a shared library by the system's linker -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Link.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static Error fail(const Twine &text) { return createStringError(inconvertibleErrorCode(), text); }

namespace {
struct ScratchFile {
  SmallString<128> path;
  std::error_code create(StringRef suffix) { return sys::fs::createTemporaryFile("weir", suffix, path); }
  ~ScratchFile() {
    if (!path.empty())
      sys::fs::remove(path);
  }
};
} // namespace

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
    return fail("no linker for a shared library: none of cc, clang-22, clang, gcc, ld.lld, ld is on PATH; "
                "install one, or "
                "compile to an object (.o) and link it elsewhere");
  ScratchFile input, output, messages;
  for (auto [file, suffix] : {std::pair(&input, "o"), std::pair(&output, "so"), std::pair(&messages, "txt")})
    if (std::error_code error = file->create(suffix))
      return fail("no scratch file for linking: " + error.message());
  {
    std::error_code error;
    raw_fd_ostream os(input.path, error);
    os << object;
    os.close();
    if (error || os.has_error())
      return fail("cannot write " + input.path + ": " + (error ? error : os.error()).message());
  }
  // No build id and no names of scratch files: the same input gives the same bytes.
  SmallVector<StringRef> arguments = {tool, "-shared", input.path, "-o", output.path};
  if (bare)
    append_range(arguments, ArrayRef<StringRef>{"-z", "noexecstack", "--build-id=none", "-s"});
  else
    append_range(arguments,
                 ArrayRef<StringRef>{"-Wl,-z,noexecstack", "-Wl,--build-id=none", "-Wl,-s", "-ldl"});
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(messages.path), StringRef(messages.path)};
  std::string problem;
  int status =
      sys::ExecuteAndWait(tool, arguments, std::nullopt, redirects, /*SecondsToWait=*/120, 0, &problem);
  if (status != 0) {
    auto text = MemoryBuffer::getFile(messages.path);
    return fail(tool + " cannot link the shared library: " +
                (text ? (*text)->getBuffer().rtrim() : StringRef(problem)));
  }
  auto bytes = MemoryBuffer::getFile(output.path, false, false);
  if (!bytes)
    return fail("cannot read " + output.path + ": " + bytes.getError().message());
  return (*bytes)->getBuffer().str();
}
