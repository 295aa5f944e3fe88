//===- Program.h - a kernel decoded for execution -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_PROGRAM_H
#define WEIR_LIB_PTX_PROGRAM_H
#include "Memory.h"
#include "weir/PTX/Machine.h"
#include <functional>

namespace weir::ptx {

class Step;
/// What an instruction does for the lanes of a step.
using Handler = std::function<void(Step &)>;

enum class Flow : uint8_t {
  Straight,
  Branch,     ///< to `target`
  Collective, ///< runs when all threads that it names have come
  Barrier,    ///< of the block; operands: its number, then a predicate and what the handler needs (bar.red)
  Call,       ///< of the function at `target`; the next instruction fetches its results
  Return,
  Exit
};

constexpr uint32_t none = ~uint32_t(0);

/// Its operands are rows of a warp's registers, one number of 64 bits a lane; immediates and special
/// registers have rows too.
struct Instruction {
  Handler run;
  llvm::StringRef opcode;
  llvm::SmallVector<uint32_t, 6> operands;
  unsigned line = 0;
  Flow flow = Flow::Straight;
  bool guardNegated = false;
  uint32_t guard = none;
  uint32_t target = none;
  uint32_t members = none;      ///< Collective: the row of masks; none: all threads of the warp
  uint32_t barrierCount = none; ///< Barrier: the row of thread counts; none: all threads of the block
  bool arrives = false;         ///< Barrier: goes on without waiting
};

/// Where a thread is: what special registers are made of.
struct Place {
  Dimensions thread, block, threads, blocks;
  unsigned lane, warp, warps;
  uint64_t dynamicShared, totalShared;
};
using SpecialRegister = uint64_t (*)(const Place &);
/// Null if there is none of this name ("%tid.x").
SpecialRegister findSpecialRegister(llvm::StringRef name);

struct Program {
  const Function *kernel = nullptr;
  std::vector<Instruction> code;
  uint32_t rows = 0; ///< registers of a thread, those of immediates included
  std::vector<std::pair<uint32_t, uint64_t>> constants;
  std::vector<std::pair<uint32_t, SpecialRegister>> specials;
  uint64_t frameBytes =
      0; ///< local memory of a thread: each function's variables have their own, so there is no recursion
  uint64_t parameterBytes = 0;
  std::vector<uint64_t> parameterOffsets;
  std::vector<Storage::Part> sharedParts;
  uint64_t sharedBytes = 0; ///< of addresses, gaps included
  uint64_t staticShared = 0, totalShared = 0;
  unsigned sharedGranule = 4, globalGranule = 4; ///< the smallest access
};

/// Decodes the kernel and the functions it calls. Variables of the module get their memory.
llvm::Expected<Program> decode(const Module &module, const Launch &launch, Memory &memory);

} // namespace weir::ptx
#endif
