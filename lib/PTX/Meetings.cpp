//===- Meetings.cpp - collectives, barriers, calls, ends ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Execution.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cassert>

using namespace weir::ptx;
using llvm::Twine;

/// Runs the collective for each set of lanes that is complete. The others wait for those they name.
void Warp::executeCollective(size_t at, uint32_t active) {
  uint32_t place = groups[at].place;
  const Instruction &instruction = block.execution.program.code[place];
  part(at, groups[at].lanes & ~active, place + 1);
  Step blame(*this, instruction, active);
  uint32_t done = 0;
  for (uint32_t rest = active; rest;) {
    unsigned lane = llvm::countr_zero(rest);
    uint32_t same = 0, named = born;
    if (instruction.members == none) {
      same = active;
    } else {
      const uint64_t *masks = row(instruction.members);
      named = static_cast<uint32_t>(masks[lane]) & born;
      eachLane(rest, [&](unsigned other) {
        same |= uint32_t((static_cast<uint32_t>(masks[other]) & born) == named) << other;
      });
    }
    rest &= ~same;
    if (uint32_t outside = same & ~named)
      return blame.fail(llvm::countr_zero(outside), "the thread is not in the mask of members that it gives");
    if (uint32_t ended = named & ~alive)
      return blame.fail(lane, "all of the threads " + Twine::utohexstr(named) +
                                  " (a bit each lane) must take part, but that of lane " +
                                  Twine(llvm::countr_zero(ended)) + " has ended");
    if (same != named)
      continue;
    perform(instruction, named);
    if (block.execution.failed())
      return;
    done |= named;
  }
  if (groups[at].lanes != done)
    groups[at].waiting = true;
  part(at, done, place + 1);
}

/// A warp arrives at a barrier of the block when all its threads have (they execute it in convergence:
/// .aligned).
void Warp::executeBarrier(size_t at, uint32_t active) {
  uint32_t place = groups[at].place;
  const Instruction &instruction = block.execution.program.code[place];
  part(at, groups[at].lanes & ~active, place + 1);
  Step step(*this, instruction, active);
  unsigned lane = llvm::countr_zero(active);
  if (uint32_t ended = born & ~alive)
    return step.fail(lane, "the thread of lane " + Twine(llvm::countr_zero(ended)) +
                               " of the warp has ended without coming to the barrier");
  if (active != alive) {
    groups[at].waiting = true;
    return;
  }
  uint64_t id = step[0][lane],
           count = instruction.barrierCount == none ? 0 : row(instruction.barrierCount)[lane];
  if (id >= 16)
    return step.fail(lane, "barrier " + Twine(id) + " does not exist; there are 16");
  if (count % warpSize || count > llvm::alignTo(block.threads, warpSize))
    return step.fail(lane, "barrier for " + Twine(count) +
                               " threads; expected a multiple of 32, at most the block's " +
                               Twine(block.threads));
  if (instruction.operands.size() > 1) { // bar.red: a predicate, and where the result goes
    Barrier &barrier = block.barriers[id];
    eachLane(active, [&](unsigned voter) { barrier.votes += step[1][voter] & 1; });
    barrier.voters += llvm::popcount(active);
  }
  clocks.contribute(block.barriers[id].known);
  if (instruction.arrives) {
    ++groups[at].place;
  } else {
    groups[at].waiting = true;
    state = State::AtBarrier;
  }
  block.arrive(*this, id, count, !instruction.arrives, instruction.line);
}

void Warp::leaveBarrier() {
  assert(groups.size() == 1 && state == State::AtBarrier && "a warp waits as a whole");
  state = State::Ready;
  groups[0].waiting = false;
  const Instruction &instruction = block.execution.program.code[groups[0].place];
  if (instruction.run)
    perform(instruction, groups[0].lanes);
  ++groups[0].place;
}

/// The handler hands the arguments over. Behind a call stands an instruction that fetches the results.
void Warp::executeCall(size_t at, uint32_t active) {
  uint32_t place = groups[at].place;
  const Instruction &instruction = block.execution.program.code[place];
  part(at, groups[at].lanes & ~active, place + 2);
  perform(instruction, active);
  eachLane(active, [&](unsigned lane) { stacks[lane].push_back(place + 1); });
  groups[at].place = instruction.target;
}

void Warp::executeReturn(size_t at, uint32_t active) {
  if (stacks[llvm::countr_zero(active)].empty())
    return end(at, active);
  part(at, groups[at].lanes & ~active, groups[at].place + 1);
  for (uint32_t rest = active; rest;) {
    uint32_t back = stacks[llvm::countr_zero(rest)].back(), same = 0;
    eachLane(rest, [&](unsigned lane) { same |= uint32_t(stacks[lane].back() == back) << lane; });
    rest &= ~same;
    eachLane(same, [&](unsigned lane) { stacks[lane].pop_back(); });
    part(at, same, back);
  }
}

void Warp::end(size_t at, uint32_t active) {
  alive &= ~active;
  groups[at].lanes &= ~active;
  if (groups[at].lanes)
    ++groups[at].place;
  else
    groups.erase(groups.begin() + at);
  for (Group &group : groups) // who waits for the ended ones looks again, and says so
    group.waiting = false;
  if (groups.empty())
    state = State::Done;
}

unsigned Warp::line() const { return block.execution.program.code[groups.front().place].line; }

std::string Warp::describeGroups() const {
  std::string text;
  for (const Group &group : groups) {
    Dimensions thread = block.thread(index, llvm::countr_zero(group.lanes));
    const Instruction &instruction = block.execution.program.code[group.place];
    text += ("\n  " + Twine(llvm::popcount(group.lanes)) + " threads from (" + Twine(thread[0]) + "," +
             Twine(thread[1]) + "," + Twine(thread[2]) + ") at line " + Twine(instruction.line) + ": " +
             instruction.opcode)
                .str();
  }
  return text;
}
