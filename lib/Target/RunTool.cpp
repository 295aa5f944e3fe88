//===- RunTool.cpp - programs of the system that make bytes of bytes ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RunTool.h"
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

Expected<std::string>
weir::runTool(StringRef tool, StringRef purpose, StringRef input, StringRef from, StringRef to,
              function_ref<std::vector<StringRef>(StringRef input, StringRef output)> arguments,
              std::string *said) {
  ScratchFile given, made, messages;
  for (auto [file, suffix] :
       {std::pair(&given, from), std::pair(&made, to), std::pair(&messages, StringRef("txt"))})
    if (std::error_code error = file->create(suffix))
      return fail("no scratch file to " + purpose + ": " + error.message());
  {
    std::error_code error;
    raw_fd_ostream os(given.path, error);
    os << input;
    os.close();
    if (error || os.has_error())
      return fail("cannot write " + given.path + ": " + (error ? error : os.error()).message());
  }
  std::vector<StringRef> command = {tool};
  append_range(command, arguments(given.path, made.path));
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(messages.path), StringRef(messages.path)};
  std::string problem;
  int status =
      sys::ExecuteAndWait(tool, command, std::nullopt, redirects, /*SecondsToWait=*/120, 0, &problem);
  if (status != 0) {
    auto text = MemoryBuffer::getFile(messages.path);
    return fail(tool + " cannot " + purpose + ": " +
                (text ? (*text)->getBuffer().rtrim() : StringRef(problem)));
  }
  if (said)
    if (auto text = MemoryBuffer::getFile(messages.path))
      *said = (*text)->getBuffer().str();
  auto bytes = MemoryBuffer::getFile(made.path, false, false);
  if (!bytes)
    return fail("cannot read " + made.path + ": " + bytes.getError().message());
  return (*bytes)->getBuffer().str();
}
