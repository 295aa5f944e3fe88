//===- Warp.cpp - 32 threads, their places and their meetings -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Execution.h"
#include "llvm/ADT/STLExtras.h"

using namespace weir::ptx;
using llvm::Twine;

Warp::Warp(Block &block, unsigned index) : block(block), index(index) {
  const Program &program = block.execution.program;
  const Launch &launch = block.execution.launch;
  unsigned first = index * warpSize, count = std::min(block.threads - first, warpSize);
  born = alive = count == warpSize ? ~uint32_t(0) : (uint32_t(1) << count) - 1;
  registers.resize(uint64_t(program.rows) * warpSize);
  for (auto [number, value] : program.constants)
    std::fill_n(row(number), warpSize, value);
  unsigned warps = (block.threads + warpSize - 1) / warpSize;
  for (auto [number, read] : program.specials)
    for (unsigned lane = 0; lane < warpSize; ++lane)
      row(number)[lane] = read({block.thread(index, lane), block.index, launch.block, launch.grid, lane,
                                index, warps, launch.dynamicShared, program.totalShared});
  if (program.frameBytes)
    frames.assign(warpSize, std::vector<uint8_t>(program.frameBytes, neverWritten));
  clocks.reset(block.number, index, warps);
  groups.push_back({born, 0});
}

/// The group that runs next; as many as there are groups if each waits.
size_t Warp::choose() {
  bool random = block.execution.checks.seed;
  size_t best = groups.size(), candidates = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].waiting)
      continue;
    ++candidates;
    if (random ? block.execution.draw(candidates) == 0
               : best == groups.size() || groups[i].place < groups[best].place)
      best = i;
  }
  return best;
}

bool Warp::meetsOther(size_t at) const {
  for (size_t i = 0; i < groups.size(); ++i)
    if (i != at && groups[i].place == groups[at].place)
      return true;
  return false;
}

/// Groups at one place become one; what waits there looks again whether all have come.
void Warp::join(size_t at) {
  for (size_t i = groups.size(); i-- > 0;) {
    if (i == at || groups[i].place != groups[at].place)
      continue;
    groups[at].lanes |= groups[i].lanes;
    groups[at].waiting = false;
    groups.erase(groups.begin() + i);
    at -= i < at;
  }
}

void Warp::run(uint64_t budget) {
  const Program &program = block.execution.program;
  while (budget && state == State::Ready && !block.execution.failed()) {
    size_t at = choose();
    if (at == groups.size()) {
      state = State::Apart;
      return;
    }
    if (meetsOther(at)) {
      join(at);
      continue;
    }
    bool alone = groups.size() == 1, straight;
    do {
      straight = program.code[groups[at].place].flow == Flow::Straight;
      execute(at);
      --budget;
    } while (straight && budget && (alone || !meetsOther(at)) && !block.execution.failed());
  }
}

uint32_t Warp::guarded(const Instruction &instruction, uint32_t lanes) {
  if (instruction.guard == none)
    return lanes;
  const uint64_t *guard = row(instruction.guard);
  uint32_t active = 0;
  eachLane(lanes,
           [&](unsigned lane) { active |= uint32_t(guard[lane] != instruction.guardNegated) << lane; });
  return active;
}

void Warp::perform(const Instruction &instruction, uint32_t lanes) {
  Step step(*this, instruction, lanes);
  instruction.run(step);
}

void Warp::part(size_t at, uint32_t lanes, uint32_t place) {
  if (!lanes)
    return;
  if (lanes == groups[at].lanes) {
    groups[at].place = place;
    groups[at].waiting = false;
    return;
  }
  groups[at].lanes &= ~lanes;
  groups.push_back({lanes, place});
}

void Warp::execute(size_t at) {
  Execution &execution = block.execution;
  uint32_t place = groups[at].place;
  const Instruction &instruction = execution.program.code[place];
  uint32_t active = guarded(instruction, groups[at].lanes);
  ++execution.counts[place];
  ++execution.statistics.warpInstructions;
  execution.statistics.threadInstructions += llvm::popcount(active);
  if (!active) {
    ++groups[at].place;
    return;
  }
  switch (instruction.flow) {
  case Flow::Straight:
    perform(instruction, active);
    ++groups[at].place;
    return;
  case Flow::Branch:
    part(at, groups[at].lanes & ~active, place + 1);
    return part(at, active, instruction.target);
  case Flow::Collective:
    return executeCollective(at, active);
  case Flow::Barrier:
    return executeBarrier(at, active);
  case Flow::Call:
    return executeCall(at, active);
  case Flow::Return:
    return executeReturn(at, active);
  case Flow::Exit:
    return end(at, active);
  }
}
