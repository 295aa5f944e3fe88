//===- TileReader.h - values of a stream as trees -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_ANALYSIS_TILEREADER_H
#define WEIR_LIB_ANALYSIS_TILEREADER_H
#include "weir/Analysis/CascadeModel.h"
#include "weir/Analysis/StreamTiles.h"

namespace weir {

/// Values of a function as trees, its extents as numbers; and Numbers of BlockJudge as trees.
class TileReader {
public:
  using Number = const Tree *;
  TileReader(const StreamTiles &plan, Extents &classes, Presences &presences, const CascadeModel &model,
             const llvm::StringMap<int64_t> &extents)
      : arena(*model.arena), plan(plan), classes(classes), presences(presences), model(model),
        extents(extents) {
    for (const auto *coordinates : {&plan.outer, &plan.rows, &plan.keys})
      for (auto &[name, extent] : *coordinates)
        inhabited.insert(classes.of(extent));
  }

  Number number(int64_t v) { return arena.number(v); }
  Number truth(bool v) { return arena.boolean(v); }
  Number add(Number x, Number y) { return arena.add(x, y); }
  Number sub(Number x, Number y) { return arena.sub(x, y); }
  Number min(Number x, Number y) { return call("min", x, y); }
  Number max(Number x, Number y) { return call("max", x, y); }
  Number times(Number x, int64_t k) { return arena.mul(x, number(k)); }
  Number floordiv(Number x, int64_t k) { return call("floordiv", x, number(k)); }
  Number ceildiv(Number x, int64_t k) { return sub(number(0), floordiv(sub(number(0), x), k)); }
  Number atMost(Number x, Number y) { return call("le", x, y, ScalarKind::Bool); }
  Number less(Number x, Number y) { return call("lt", x, y, ScalarKind::Bool); }
  Number both(Number x, Number y) { return arena.get(TreeKind::And, ScalarKind::Bool, "", {x, y}); }
  Number either(Number x, Number y) { return arena.get(TreeKind::Or, ScalarKind::Bool, "", {x, y}); }
  Number invert(Number x) { return arena.get(TreeKind::Not, ScalarKind::Bool, "", {x}); }
  Number select(Number c, Number x, Number y) {
    return arena.get(TreeKind::Select, ScalarKind::Integer, "", {c, x, y});
  }
  Number fixed(mlir::Value v);
  void enter(mlir::Block *) {}

  /// The value over the stream's coordinates; null where it reads a tensor that is not known, or an open
  /// extent. What is absent does not hold, and is any number.
  const Tree *read(mlir::Value v);
  /// Where an integer is present, for `read` of which there is a tree; null: everywhere.
  const Tree *presenceOf(mlir::Value v);
  std::optional<int64_t> extentOf(mlir::Value v);
  Number divide(Number x, Number y) { return call("floordiv", x, y); }

private:
  const Tree *call(llvm::StringRef name, const Tree *x, const Tree *y,
                   ScalarKind kind = ScalarKind::Integer) {
    return arena.function(name, {x, y}, kind);
  }
  const Tree *readKnown(attn::ReadOp op);
  const Tree *readOp(mlir::Operation *op);
  bool isThere(mlir::Value v);
  std::optional<int64_t> sizeOf(const std::string &name);

  TreeArena &arena;
  const StreamTiles &plan;
  Extents &classes;
  Presences &presences;
  const CascadeModel &model;
  const llvm::StringMap<int64_t> &extents;
  std::set<std::string> inhabited; ///< extents of what the kernel loops over
  llvm::DenseMap<mlir::Value, const Tree *> known;
};

} // namespace weir
#endif
