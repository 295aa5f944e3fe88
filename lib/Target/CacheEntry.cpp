//===- CacheEntry.cpp - one file of the user's cache folder ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/CacheEntry.h"
#include "weir/Target/Artifact.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"

using namespace llvm;
using namespace weir;

/// Tells one build of the compiler from another: the executable's size and time.
static std::string buildMark() {
  sys::fs::file_status status;
  if (sys::fs::status("/proc/self/exe", status))
    return "";
  return utostr(status.getSize()) + "." + utostr(status.getLastModificationTime().time_since_epoch().count());
}

static std::string cacheFolder() {
  SmallString<128> folder;
  if (auto xdg = sys::Process::GetEnv("XDG_CACHE_HOME"); xdg && sys::path::is_absolute(*xdg))
    folder = *xdg;
  else if (auto home = sys::Process::GetEnv("HOME"); home && sys::path::is_absolute(*home))
    (folder = *home, sys::path::append(folder, ".cache"));
  else
    return "";
  sys::path::append(folder, "weir");
  return std::string(folder);
}

std::string weir::digestOf(ArrayRef<StringRef> parts) {
  SHA256 hash;
  for (StringRef part : parts) {
    hash.update(utostr(part.size()) + ":");
    hash.update(part);
  }
  return toHex(hash.final(), /*LowerCase=*/true);
}

CacheEntry::CacheEntry(ArrayRef<StringRef> parts, StringRef suffix) {
  std::string folder = cacheFolder(), mark = buildMark();
  SmallVector<StringRef> all = {LLVM_VERSION_STRING, mark};
  llvm::append_range(all, parts);
  digest = digestOf(all);
  if (folder.empty() || mark.empty())
    return;
  SmallString<128> file(folder);
  sys::path::append(file, digest + suffix);
  path = std::string(file);
}

std::optional<std::string> CacheEntry::read() const {
  if (path.empty())
    return std::nullopt;
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return std::nullopt;
  return (*file)->getBuffer().str();
}

Error CacheEntry::write(StringRef bytes) const {
  if (path.empty())
    return createStringError("there is no cache folder: neither XDG_CACHE_HOME nor HOME is an absolute path");
  StringRef folder = sys::path::parent_path(path);
  if (std::error_code code = sys::fs::create_directories(folder))
    return createStringError(code, "cannot make the cache folder '" + folder + "': " + code.message());
  return writeFile(path, bytes);
}
