//===- Profile.h - what functions consist of ------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PTX_PROFILE_H
#define WEIR_PTX_PROFILE_H
#include "weir/PTX/Loops.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

namespace weir::ptx {

/// How many statements are of a kind of instructions, "mma.sync", "ldmatrix", "cp.async" and others that
/// matter for speed.
using Counts = std::map<std::string, unsigned>;
/// `32 mma.sync, 8 ldmatrix`.
void print(const Counts &counts, llvm::raw_ostream &os);

/// A loop, without those inside it.
struct LoopProfile {
  unsigned line = 0; ///< of the PTX, where its text begins
  Counts instructions;
  BankUse banks;
};
/// `loop at line 87: 32 mma.sync, 8 ldmatrix; banks of shared memory: no conflict in 8 accesses`.
void print(const LoopProfile &loop, llvm::raw_ostream &os);

struct Profile {
  Counts instructions;
  std::vector<LoopProfile> loops; ///< those that access shared memory, in the order of the text
};
/// Of a function that blocks of so many threads run.
Profile profile(const Function &function, unsigned threads);

} // namespace weir::ptx
#endif
