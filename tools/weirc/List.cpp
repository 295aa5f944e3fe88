//===- List.cpp - weirc list ----------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <algorithm>

using namespace weirc;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace {
struct Entry {
  std::string name, path, about;
};
} // namespace

/// Beside an installed binary (PREFIX/share/weir/examples), above a binary in its build folder, or where it
/// was built from.
static std::string examplesFolder() {
  static int here;
  llvm::SmallString<128> bin(path::parent_path(fs::getMainExecutable(nullptr, &here)));
  for (llvm::StringRef relative : {"../share/weir/examples", "../../examples"}) {
    llvm::SmallString<128> candidate = bin;
    path::append(candidate, relative);
    path::remove_dots(candidate, /*remove_dot_dot=*/true);
    if (fs::is_directory(candidate))
      return std::string(candidate);
  }
  return WEIR_SOURCE_DIR "/examples";
}

/// The comment that a file begins with.
static std::string aboutOf(const llvm::MemoryBuffer &buffer) {
  std::string about;
  for (llvm::line_iterator line(buffer, /*SkipBlanks=*/true); !line.is_at_end(); ++line) {
    llvm::StringRef text = *line;
    if (!text.consume_front("//"))
      break;
    about += (about.empty() ? "" : " ") + text.trim().str();
  }
  return about;
}

/// "softmax/causal" of FOLDER/softmax/causal.attn.
static std::string nameOf(llvm::StringRef file, llvm::StringRef folder) {
  file.consume_front(folder);
  file.consume_back(".attn");
  return file.ltrim('/').str();
}

static std::vector<Entry> findExamples(llvm::StringRef folder) {
  std::vector<Entry> entries;
  std::error_code code;
  for (fs::recursive_directory_iterator it(folder, code), end; it != end && !code; it.increment(code)) {
    if (path::extension(it->path()) != ".attn")
      continue;
    if (auto buffer = llvm::MemoryBuffer::getFile(it->path()))
      entries.push_back({nameOf(it->path(), folder), it->path(), aboutOf(**buffer)});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return std::tie(a.name, a.path) < std::tie(b.name, b.path);
  });
  return entries;
}

int weirc::listCommand(const Options &options) {
  std::string folder = examplesFolder();
  std::vector<Entry> entries = findExamples(folder);
  if (entries.empty())
    return refuse("no examples are found in '" + folder + "'");
  if (options.json) {
    llvm::json::OStream json(llvm::outs(), 2);
    json.array([&] {
      for (const Entry &entry : entries)
        json.object([&] {
          json.attribute("name", entry.name);
          json.attribute("path", entry.path);
          json.attribute("about", entry.about);
        });
    });
    llvm::outs() << "\n";
    return Success;
  }
  size_t width = 0;
  for (const Entry &entry : entries)
    width = std::max(width, entry.name.size());
  for (const Entry &entry : entries)
    llvm::outs() << llvm::left_justify(entry.name, width + 2) << entry.about << "\n";
  return Success;
}
