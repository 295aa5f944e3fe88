//===- Execution.h - a kernel that runs: blocks, warps, steps -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_EXECUTION_H
#define WEIR_LIB_PTX_EXECUTION_H
#include "Banks.h"
#include "Program.h"
#include "llvm/ADT/Twine.h"
#include <deque>
#include <random>

namespace weir::ptx {

class Block;
class Execution;

/// The place of a thread in its block, or of a block in the grid, from its number: x runs fastest.
inline Dimensions placeOf(uint32_t number, const Dimensions &extents) {
  return {number % extents[0], number / extents[0] % extents[1], number / extents[0] / extents[1]};
}

/// Calls f(lane) for each bit of `lanes`.
template <class F> inline void eachLane(uint32_t lanes, F f) {
  if (lanes == ~uint32_t(0)) {
    for (unsigned lane = 0; lane < warpSize; ++lane)
      f(lane);
    return;
  }
  for (; lanes; lanes &= lanes - 1)
    f(static_cast<unsigned>(llvm::countr_zero(lanes)));
}

/// cp.async of a thread: what was fetched lies here until the thread waits for it.
struct Copies {
  struct Copy {
    uint64_t address;
    unsigned bytes, line;
    std::array<uint8_t, 16> data;
  };
  std::vector<Copy> open;               ///< in no group yet
  std::deque<std::vector<Copy>> groups; ///< committed, the oldest first
};

/// 32 threads. Threads that are at one place run together; those that took different branches run one group
/// after the other and join where they meet (the group with the lowest place goes first, or a random one).
class Warp {
public:
  Warp(Block &block, unsigned index);

  enum class State : uint8_t {
    Ready,
    AtBarrier, ///< of the block
    Apart,     ///< each group waits for threads that wait elsewhere
    Done
  };
  State state = State::Ready;

  /// Runs at most `budget` instructions. Ends earlier where the warp must wait, or at a fault.
  void run(uint64_t budget);
  /// The barrier at which the warp is has opened.
  void leaveBarrier();
  /// Who waits where, for messages.
  std::string describeGroups() const;
  unsigned line() const; ///< of the PTX, where a thread is

  uint64_t *row(uint32_t number) { return registers.data() + uint64_t(number) * warpSize; }

  Block &block;
  const unsigned index;
  uint32_t born = 0;  ///< lanes that have a thread
  uint32_t alive = 0; ///< and whose thread has not ended
  Clocks clocks;
  std::vector<Copies> copies;               ///< one each lane, once there is a cp.async
  std::vector<std::vector<uint8_t>> frames; ///< local memory of each lane

private:
  struct Group {
    uint32_t lanes, place;
    bool waiting = false;
  };
  size_t choose();
  void join(size_t at);
  bool meetsOther(size_t at) const;
  void execute(size_t at);
  void executeBranch(size_t at, uint32_t active);
  void executeCollective(size_t at, uint32_t active);
  void executeBarrier(size_t at, uint32_t active);
  void executeCall(size_t at, uint32_t active);
  void executeReturn(size_t at, uint32_t active);
  void end(size_t at, uint32_t active);
  /// `lanes` of the group go on at `place`, the others stay.
  void part(size_t at, uint32_t lanes, uint32_t place);
  uint32_t guarded(const Instruction &instruction, uint32_t lanes);
  void perform(const Instruction &instruction, uint32_t lanes);

  std::vector<uint64_t> registers;
  llvm::SmallVector<Group, 4> groups;
  std::array<llvm::SmallVector<uint32_t, 2>, warpSize> stacks; ///< places to return to
};

/// One of the 16 barriers of a block.
struct Barrier {
  unsigned arrived = 0, expected = 0; ///< threads
  llvm::SmallVector<Warp *, 8> waiting;
  llvm::SmallVector<uint32_t, 32> known; ///< what the warps knew that arrived
  unsigned votes = 0, voters = 0;        ///< bar.red: threads with a true predicate, and all
  unsigned line = 0;
};

class Block {
public:
  Block(Execution &execution, Storage &shared, uint32_t number);
  void run();
  /// A warp is at a barrier, for which `count` threads come, 0 for all. If all have come, it opens.
  void arrive(Warp &warp, unsigned id, unsigned count, bool waits, unsigned line);
  Dimensions thread(unsigned warp, unsigned lane) const;

  Execution &execution;
  Storage &shared;
  const uint32_t number;
  Dimensions index;
  unsigned threads = 0;
  std::array<Barrier, 16> barriers;

private:
  void open(Barrier &barrier);
  void reportStuck();
  std::deque<Warp> warps;
};

class Execution {
public:
  Execution(const Module &module, const Launch &launch, const Checks &checks, Memory &memory, Program program)
      : module(module), launch(launch), checks(checks), memory(memory), program(std::move(program)),
        random(checks.seed) {}
  llvm::Error run();
  bool failed() const { return !fault.empty(); }
  void fail(unsigned line, const llvm::Twine &message, const llvm::Twine &thread);
  uint64_t draw(uint64_t bound) { return random() % bound; }

  const Module &module;
  const Launch &launch;
  const Checks &checks;
  Memory &memory;
  const Program program;
  std::vector<uint8_t> parameters;
  Statistics statistics;
  std::vector<uint64_t> counts; ///< of each place of the program
  std::string fault;

private:
  std::mt19937_64 random;
};

enum class Mode : uint8_t { Read, Write, Update };

/// An instruction and the lanes that execute it now.
class Step {
public:
  Step(Warp &warp, const Instruction &instruction, uint32_t lanes)
      : warp(warp), instruction(instruction), lanes(lanes) {}

  Warp &warp;
  const Instruction &instruction;
  const uint32_t lanes;

  /// The lanes' values of an operand.
  uint64_t *operator[](unsigned operand) { return warp.row(instruction.operands[operand]); }
  Execution &execution() { return warp.block.execution; }
  void fail(unsigned lane, const llvm::Twine &message);

  /// The memory at an address, which is checked; null after a fault.
  uint8_t *access(unsigned lane, Space space, uint64_t address, unsigned bytes, Mode mode,
                  bool strong = false);
  /// Shared memory that the lanes access at once takes so many turns of its banks.
  void countTurns(Turns turns);

private:
  uint8_t *accessFrame(unsigned lane, uint64_t offset, unsigned bytes);
  uint8_t *accessStorage(unsigned lane, Storage &storage, uint64_t address, unsigned bytes, Mode mode,
                         bool strong, bool isShared);
  bool isInPart(unsigned lane, const Storage &storage, uint64_t address, unsigned bytes);
  bool race(unsigned lane, Storage &storage, uint64_t address, unsigned bytes, Mode mode, bool strong,
            bool isShared);
};

} // namespace weir::ptx
#endif
