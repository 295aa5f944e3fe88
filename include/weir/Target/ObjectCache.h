//===- ObjectCache.h - compiled kernels on disk ---------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_OBJECTCACHE_H
#define WEIR_TARGET_OBJECTCACHE_H
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace weir {

/// Objects in $XDG_CACHE_HOME/weir or ~/.cache/weir. A cache that cannot be read or written is no error: it
/// is not there.
class ObjectCache {
public:
  /// `parts`: all that the object depends on. The compiler's version is added: its build, so that a new one
  /// finds nothing.
  explicit ObjectCache(llvm::ArrayRef<llvm::StringRef> parts);
  std::optional<std::string> find() const;
  void store(llvm::StringRef object) const;

private:
  std::string path; ///< empty: no folder
};

} // namespace weir
#endif
