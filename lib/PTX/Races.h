//===- Races.h - which accesses are ordered, and which race ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vector clocks in two storeys (after Flanagan and Freund, "FastTrack", PLDI 2009). A thread counts its
// synchronisations. It knows up to which count it is behind each lane of its own warp (bar.warp.sync teaches
// it, and whatever includes one), and its warp knows up to which count it is behind each other warp of the
// block (barriers of the block teach it). Blocks are never ordered. An access is a race if a conflicting one
// to the same bytes is not known to be behind it.
//
//   warp 0: st [a]; bar.sync 0;              warp 1: bar.sync 0; ld [a]     ordered: the barrier taught warp
//   1 the count of warp 0 warp 0: st [a];                          warp 1: ld [a]                 a race, in
//   whatever order they were executed
//
// Atomic and volatile accesses do not conflict with each other; they order nothing (fences and flags are not
// followed).
//===----------------------------------------------------------------------===//
#ifndef WEIR_LIB_PTX_RACES_H
#define WEIR_LIB_PTX_RACES_H
#include "Banks.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <array>
#include <cstdint>

namespace weir::ptx {

/// A thread at a point of its life. `lanes` has one bit, or several for reads by threads of one warp.
struct Epoch {
  uint32_t block = 0;
  uint32_t lanes = 0; ///< 0: no access
  uint32_t clock = 0;
  uint32_t line = 0; ///< of the PTX, for messages
  uint8_t warp = 0;
  bool strong = false; ///< atomic or volatile
};

/// What a thread knows of others.
class Clocks {
public:
  void reset(uint32_t block, unsigned warp, unsigned warps);
  bool isBehind(const Epoch &access, unsigned lane) const;
  Epoch now(unsigned lane, unsigned line, bool strong) const;
  /// bar.warp.sync: each of `lanes` learns what any of them knows.
  void synchroniseLanes(uint32_t lanes);
  /// A warp's arrival at a barrier of the block: what it knows, itself included, goes into `known`.
  void contribute(llvm::SmallVectorImpl<uint32_t> &known);
  /// A warp leaves a barrier, and knows what all knew that arrived.
  void learn(llvm::ArrayRef<uint32_t> known);

private:
  uint32_t block = 0;
  unsigned warp = 0;
  std::array<uint32_t, warpSize> clock;
  std::array<std::array<uint32_t, warpSize>, warpSize> lanes; ///< [who][of whom]
  llvm::SmallVector<uint32_t, 32> warps;                      ///< of other warps
};

/// The last write to some bytes and the reads since then that no later one replaces.
class Cell {
public:
  /// The access that races with this one, or null; then `access` is on record.
  const Epoch *read(const Clocks &clocks, unsigned lane, const Epoch &access);
  const Epoch *write(const Clocks &clocks, unsigned lane, const Epoch &access);

private:
  void forgetForeign(uint32_t block);
  Epoch lastWrite;
  llvm::SmallVector<Epoch, 1> reads;
};

} // namespace weir::ptx
#endif
