//===- Banks.cpp - turns of the banks of shared memory --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Banks.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <array>

using namespace weir::ptx;

/// Turns for the words of accesses that are served at once.
static unsigned countTurns(llvm::ArrayRef<uint64_t> addresses, unsigned bytes) {
  std::array<llvm::SmallVector<uint64_t, 2>, 32> banks;
  size_t turns = 0;
  for (uint64_t address : addresses)
    for (uint64_t word = address / 4, end = word + (bytes + 3) / 4; word < end; ++word) {
      auto &bank = banks[word % 32];
      if (!llvm::is_contained(bank, word))
        bank.push_back(word);
      turns = std::max<size_t>(turns, bank.size());
    }
  return turns;
}

Turns weir::ptx::turnsOf(const uint64_t *addresses, uint32_t lanes, int64_t offset, unsigned bytes) {
  Turns turns;
  unsigned atOnce = std::min(warpSize, 128 / std::max(bytes, 4u));
  for (unsigned first = 0; first < warpSize; first += atOnce) {
    llvm::SmallVector<uint64_t, warpSize> some;
    for (unsigned lane = first; lane < first + atOnce; ++lane)
      if (lanes >> lane & 1)
        some.push_back(addresses[lane] + offset);
    turns.needed += countTurns(some, bytes);
    turns.least += !some.empty();
  }
  return turns;
}

Turns weir::ptx::turnsOfMatrices(const uint64_t *addresses, int64_t offset, unsigned matrices) {
  Turns turns{0, matrices};
  for (unsigned matrix = 0; matrix < matrices; ++matrix) {
    std::array<uint64_t, 8> rows;
    for (unsigned i = 0; i < 8; ++i)
      rows[i] = addresses[8 * matrix + i] + offset;
    turns.needed += countTurns(rows, 16);
  }
  return turns;
}
