//===- TunedMapping.h - the best mapping known on this machine ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_TUNEDMAPPING_H
#define WEIR_TARGET_TUNEDMAPPING_H
#include "weir/Support/TargetDescription.h"
#include "weir/Target/CacheEntry.h"

namespace weir {

/// What `weirc tune` found out about one program, kept beside the compiled objects. The entry ends in a
/// digest of all that it is for and says: one that is damaged, or another's under its name, is as if it were
/// not there.
class TunedMapping {
public:
  /// `program`: texts that tell the program, its types and the class of its extents from others. The machine
  /// (its processor's name and features), `target` and the compiler's version are added.
  TunedMapping(llvm::ArrayRef<llvm::StringRef> program, const TargetDescription &target);
  /// As --map writes it; empty where nothing is faster than what is chosen without it.
  std::optional<std::string> find() const;
  llvm::Error store(llvm::StringRef mapping) const;
  llvm::StringRef getPath() const { return entry.getPath(); }

private:
  CacheEntry entry;
};

} // namespace weir
#endif
