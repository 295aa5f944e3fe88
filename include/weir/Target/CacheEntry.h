//===- CacheEntry.h - one file of the user's cache folder -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_CACHEENTRY_H
#define WEIR_TARGET_CACHEENTRY_H
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>

namespace weir {

/// A file in $XDG_CACHE_HOME/weir or ~/.cache/weir, named by all that its contents depend on. It is written
/// beside its place and renamed, so that of several writers one wins and a reader finds a whole file or none;
/// what a disk loses is for the reader of the bytes to notice.
class CacheEntry {
public:
  /// `parts`: what the contents depend on. The compiler's version is added: its build, so that a new one
  /// finds nothing. `suffix` as in ".o".
  CacheEntry(llvm::ArrayRef<llvm::StringRef> parts, llvm::StringRef suffix);
  std::optional<std::string> read() const;
  /// An error where there is no folder to write to.
  llvm::Error write(llvm::StringRef bytes) const;
  /// Empty where the environment names no folder.
  llvm::StringRef getPath() const { return path; }
  /// Of parts and version: hexadecimal digits.
  llvm::StringRef getDigest() const { return digest; }

private:
  std::string digest, path;
};

/// SHA-256 of texts, each with its length, as hexadecimal digits.
std::string digestOf(llvm::ArrayRef<llvm::StringRef> parts);

} // namespace weir
#endif
