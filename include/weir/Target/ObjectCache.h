//===- ObjectCache.h - compiled kernels on disk ---------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_OBJECTCACHE_H
#define WEIR_TARGET_OBJECTCACHE_H
#include "weir/Target/CacheEntry.h"

namespace weir {

/// A compiled object in the user's cache. A cache that cannot be read or written is no error: it is not there.
class ObjectCache {
public:
  /// `parts`: all that the object depends on, but the compiler's version.
  explicit ObjectCache(llvm::ArrayRef<llvm::StringRef> parts) : entry(parts, ".o") {}
  std::optional<std::string> find() const;
  void store(llvm::StringRef object) const { llvm::consumeError(entry.write(object)); }

private:
  CacheEntry entry;
};

} // namespace weir
#endif
