//===- Loops.h - what the loops of a function do, without running it ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PTX_LOOPS_H
#define WEIR_PTX_LOOPS_H
#include "weir/PTX/Module.h"

namespace weir::ptx {

/// The statements of a loop that are in none of the loops inside it: indices in Function::body, in the order
/// of the text.
using Loop = std::vector<unsigned>;

/// All loops that have statements of their own, in the order of the text: natural loops. What is jumped back
/// to is the head of a loop, to which all belongs from where the jump is reached without the head.
std::vector<Loop> findLoops(const Function &function);

/// What accesses to shared memory ask of its banks.
struct BankUse {
  unsigned accesses = 0;  ///< of a warp
  unsigned conflicts = 0; ///< turns of the banks beyond those that so many bytes need, of the worst warp
  unsigned unknown = 0; ///< accesses whose addresses depend on what is known at run time only, and not by one
                        ///< offset for all lanes
};

/// The banks that the statements of a function ask for, from the addresses as maps of the thread's number:
/// what is not known before the function runs may shift the addresses of a warp, all by the same. Threads of
/// a block stand along x.
class BankAnalysis {
public:
  BankAnalysis(const Function &function, unsigned threads);
  ~BankAnalysis();
  BankUse of(const Loop &statements) const;

private:
  struct Warp;
  const Function &function;
  std::vector<Warp> warps;
};

} // namespace weir::ptx
#endif
