//===- StreamData.h - predicates of a stream that read tensors ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A predicate like DOC[b,m] == DOC[b,n] is not known before the kernel runs. It is decided for whole blocks
// all the same, by what its parts take on there: the least and the greatest document of the rows and of the
// keys at hand. A part that depends on keys alone is summarised for every block of keys, once a plan; one of
// rows alone, for the rows at hand; one that is the same in runs of rows and keys, as KEEP[b,h,m/64,n/64] and
// ON[b,h,m,n/64] are, is computed once a run, and an entry of a mask, SEES[b,m,n], is loaded. What depends on
// row and key otherwise is made of such parts, or is unknown.
#ifndef WEIR_ANALYSIS_STREAMDATA_H
#define WEIR_ANALYSIS_STREAMDATA_H
#include "weir/Analysis/StreamTiles.h"

namespace weir {

class StreamData {
public:
  /// How many rows, or keys, from each multiple of it on have the same value: 0: all there are.
  struct Grain {
    int64_t row = 0, key = 0;
  };

  explicit StreamData(const StreamTiles &plan);

  /// Parts of predicates, integers and bools, that read tensors at the key but not the row, at the row but
  /// not the key, and at runs of both of some length.
  llvm::SetVector<mlir::Value> ofKeys, ofRows, ofRuns;
  Grain grainOf(mlir::Value value) const;

  /// Whether keys are to be asked for blocks of them: something is known of such a block.
  bool asksKeys() const { return !ofKeys.empty() || !ofRuns.empty(); }
  /// How many keys are asked for together, a divisor of `n`, the keys of a tile.
  int64_t stepOf(int64_t n) const;
  /// The largest number of rows up to `m`, a multiple of `lanes`, with which no tile meets more runs of rows
  /// than it has to.
  int64_t rowsFor(int64_t m, int64_t lanes) const;
  /// The outer coordinates that a value depends on, as the stream's plan lists them.
  StreamTiles::Coordinates outerOf(mlir::Value value) const;
  /// The same of all predicates.
  StreamTiles::Coordinates outerOfAll() const;
  /// Whether all predicates are known before the kernel runs: they read no tensor that the cascade computes.
  bool readsInputsOnly() const;

private:
  bool readsTensor(mlir::Value value) const;
  void visit(mlir::Value value);
  const StreamTiles &plan;
};

} // namespace weir
#endif
