//===- StreamSummaries.h - what data takes on in blocks -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_CONVERSION_ATTNTOTILES_STREAMSUMMARIES_H
#define WEIR_CONVERSION_ATTNTOTILES_STREAMSUMMARIES_H
#include "BodyEmitter.h"
#include "weir/Analysis/StreamData.h"
#include "llvm/ADT/MapVector.h"

namespace weir::tiles {

/// What an integer takes on in a block, i64: the least and the greatest, where there is one; or of a
/// predicate, i1: whether it holds everywhere (`low`) and somewhere (`high`).
struct Summary {
  mlir::Value low, high;
  mlir::Value there; ///< i1, of an integer: whether there is one everywhere; null: there is
};

/// Memory with a summary for each setting of outer coordinates and each block of keys, by what is summarised.
struct SummaryMemory {
  mlir::Value low, high, there; ///< of i64, i64, i8; or of i8, i8, none
};
using SummaryMemories = llvm::MapVector<mlir::Value, SummaryMemory>;

/// A tile in a list, i64: from the lowest bit on its first key, how many keys it has, and a bit for each set of
/// predicates that holds in all of it. A list is the number of its tiles and then these.
struct ListedTile {
  static constexpr unsigned kFirstBits = 38, kCountBits = 18, kMustBits = 7;
};
constexpr int64_t kLongestTile = (int64_t(1) << ListedTile::kCountBits) - 1;

/// A span of a coordinate, of whose settings one in each run of `grain` is looked at.
struct Scan {
  StreamTiles::Role role;
  mlir::Value begin, count; ///< index; count > 0
  int64_t grain;
};

/// Emits the loops that summarise `value`, whose outer coordinates are bound, over spans of the coordinates
/// that it depends on.
Summary summarise(mlir::ImplicitLocOpBuilder &b, BodyEmitter &emitter, const StreamTiles &plan,
                  Presences &presences, mlir::Value value, llvm::ArrayRef<Scan> spans);

/// Whether a part of a predicate may be absent somewhere.
bool mayBeAbsent(Presences &presences, mlir::Value value);

} // namespace weir::tiles
#endif
