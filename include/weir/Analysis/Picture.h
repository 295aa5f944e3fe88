//===- Picture.h - a cascade's mask and dataflow, as a picture ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `weirc draw` shows, and its two forms. The mask: rows go down, keys to the right; with a stream in
// tiles, what its kernel does with each tile (Tiles.h), otherwise where the masked tensor has a value.
// Rectangles of one shade are merged, and where they are still too many the picture is drawn in cells, each
// of which stands for all that lies in it. The dataflow: every equation in the traversal of the keys in which
// it is computed, and what it reads.
#ifndef WEIR_ANALYSIS_PICTURE_H
#define WEIR_ANALYSIS_PICTURE_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/KnownInputs.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>
#include <string>
#include <vector>

namespace weir {

enum class Shade : uint8_t { Empty, Partial, Full, Data };

/// Scores of rows top to bottom - 1 and keys left to right - 1.
struct ShadedRect {
  int64_t top, bottom, left, right;
  Shade shade;
};

struct MaskPicture {
  struct Panel {
    std::string title;              ///< the setting of outer coordinates, "h = 0"
    std::vector<ShadedRect> rects;  ///< what is not covered is empty
    std::vector<ShadedRect> inside; ///< scores inside the mask, where they are few
  };
  std::vector<std::string> title; ///< lines
  std::string rowLabel, keyLabel; ///< "m: M = 1024"
  int64_t rows = 0, keys = 0;     ///< extents of the picture, in scores
  bool isTiled = false;           ///< a kernel's tiles; otherwise the domain of a tensor
  bool isCoarse = false;          ///< rectangles are cells that may hold several tiles
  bool readsData = false;
  std::vector<Panel> panels;
};

struct DataflowPicture {
  struct Box {
    std::string name, text; ///< "S[m,n]", "sum(d) Q[m,d]*K[n,d]"
    unsigned band, layer;   ///< the traversal (0: before, inputs too), and the line of boxes within it
    bool isInput, isOutput;
    std::vector<unsigned> reads; ///< boxes
  };
  std::string rank; ///< whose traversals the bands are; empty: the cascade reduces nothing
  unsigned traversals = 0;
  std::string note; ///< whether they were merged
  std::vector<Box> boxes;
};

struct Picture {
  std::string cascade;
  std::optional<MaskPicture> mask; ///< missing where no tensor has rows and keys
  DataflowPicture dataflow;
};

/// `cascade` is at level cascade; `streamed` the same brought to level streamed. Open extents are assumed,
/// and said to be. What predicates read is `known`, or they are decided by data.
Picture makePicture(mlir::func::FuncOp cascade, mlir::func::FuncOp streamed, llvm::StringMap<int64_t> extents,
                    const KnownInputs &known = {});

/// A complete SVG document, below a megabyte.
void printSvg(const Picture &picture, llvm::raw_ostream &os);
/// For a terminal of 80 columns.
void printText(const Picture &picture, llvm::raw_ostream &os);

} // namespace weir
#endif
