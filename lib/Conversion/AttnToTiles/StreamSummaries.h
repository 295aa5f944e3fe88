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
