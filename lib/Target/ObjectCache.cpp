//===- ObjectCache.cpp - compiled kernels on disk -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/ObjectCache.h"
#include "weir/Target/Artifact.h"
#include "llvm/ADT/SmallString.h"
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

ObjectCache::ObjectCache(ArrayRef<StringRef> parts) {
  std::string folder = cacheFolder(), mark = buildMark();
  if (folder.empty() || mark.empty())
    return;
  SHA256 hash;
  for (StringRef part : {StringRef(LLVM_VERSION_STRING), StringRef(mark)}) {
    hash.update(utostr(part.size()) + ":");
    hash.update(part);
  }
  for (StringRef part : parts) {
    hash.update(utostr(part.size()) + ":");
    hash.update(part);
  }
  SmallString<128> file(folder);
  sys::path::append(file, toHex(hash.final(), /*LowerCase=*/true) + ".o");
  path = std::string(file);
}

std::optional<std::string> ObjectCache::find() const {
  if (path.empty())
    return std::nullopt;
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  // Written whole or not at all, but a disk can lose bytes: an object begins with ELF's mark.
  if (!file || !(*file)->getBuffer().starts_with("\x7f"
                                                 "ELF"))
    return std::nullopt;
  return (*file)->getBuffer().str();
}

void ObjectCache::store(StringRef object) const {
  if (path.empty() || sys::fs::create_directories(sys::path::parent_path(path)))
    return;
  consumeError(writeFile(path, object));
}
