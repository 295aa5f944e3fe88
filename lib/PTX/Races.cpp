//===- Races.cpp - which accesses are ordered, and which race -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Races.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace weir::ptx;

void Clocks::reset(uint32_t ofBlock, unsigned ofWarp, unsigned count) {
  block = ofBlock;
  warp = ofWarp;
  clock.fill(1);
  for (auto &known : lanes)
    known.fill(0);
  warps.assign(count, 0);
}

Epoch Clocks::now(unsigned lane, unsigned line, bool strong) const {
  return {block, uint32_t(1) << lane, clock[lane], line, uint8_t(warp), strong};
}

bool Clocks::isBehind(const Epoch &access, unsigned lane) const {
  if (access.block != block)
    return false;
  if (access.warp != warp)
    return access.clock <= warps[access.warp];
  for (uint32_t rest = access.lanes & ~(uint32_t(1) << lane); rest; rest &= rest - 1)
    if (access.clock > lanes[lane][llvm::countr_zero(rest)])
      return false;
  return true;
}

void Clocks::synchroniseLanes(uint32_t group) {
  std::array<uint32_t, warpSize> all;
  all.fill(0);
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    if (!(group >> lane & 1))
      continue;
    for (unsigned other = 0; other < warpSize; ++other)
      all[other] = std::max(all[other], lanes[lane][other]);
    all[lane] = std::max(all[lane], clock[lane]);
  }
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (group >> lane & 1) {
      lanes[lane] = all;
      ++clock[lane];
    }
}

void Clocks::contribute(llvm::SmallVectorImpl<uint32_t> &known) {
  known.resize(warps.size(), 0);
  for (auto [mine, theirs] : llvm::zip(known, warps))
    mine = std::max(mine, theirs);
  uint32_t latest = *llvm::max_element(clock);
  known[warp] = std::max(known[warp], latest);
  for (auto &row : lanes)
    row.fill(latest);
  clock.fill(latest + 1);
}

void Clocks::learn(llvm::ArrayRef<uint32_t> known) {
  for (auto [mine, theirs] : llvm::zip(warps, known))
    mine = std::max(mine, theirs);
}

const Epoch *Cell::read(const Clocks &clocks, unsigned lane, const Epoch &access) {
  if (lastWrite.lanes && !(lastWrite.strong && access.strong) && !clocks.isBehind(lastWrite, lane))
    return &lastWrite;
  unsigned foreign = 0;
  for (Epoch &earlier : reads) {
    if (earlier.block == access.block && earlier.warp == access.warp && earlier.strong == access.strong) {
      // Reads of a warp share a record, unless the earlier ones are settled.
      if (earlier.clock == access.clock)
        earlier.lanes |= access.lanes;
      else if (clocks.isBehind(earlier, lane))
        earlier = access;
      else
        earlier.lanes |= access.lanes, earlier.clock = std::max(earlier.clock, access.clock);
      return nullptr;
    }
    if (clocks.isBehind(earlier, lane) && earlier.strong == access.strong) {
      earlier = access;
      return nullptr;
    }
    foreign += earlier.block != access.block;
  }
  if (foreign > 2)
    forgetForeign(access.block);
  reads.push_back(access);
  return nullptr;
}

/// A reader each of two other blocks is as good as many: whoever writes races with one of them.
void Cell::forgetForeign(uint32_t block) {
  llvm::SmallVector<uint32_t, 2> kept;
  llvm::erase_if(reads, [&](const Epoch &earlier) {
    if (earlier.block == block)
      return false;
    if (kept.size() == 2 || llvm::is_contained(kept, earlier.block))
      return true;
    kept.push_back(earlier.block);
    return false;
  });
}

const Epoch *Cell::write(const Clocks &clocks, unsigned lane, const Epoch &access) {
  if (lastWrite.lanes && !(lastWrite.strong && access.strong) && !clocks.isBehind(lastWrite, lane))
    return &lastWrite;
  for (const Epoch &earlier : reads)
    if (!(earlier.strong && access.strong) && !clocks.isBehind(earlier, lane))
      return &earlier;
  reads.clear();
  lastWrite = access;
  return nullptr;
}
