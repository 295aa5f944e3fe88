//===- TreeScope.h - what names and extents of trees stand for ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TRANSFORMS_TREESCOPE_H
#define WEIR_LIB_TRANSFORMS_TREESCOPE_H
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "weir/Analysis/CascadeModel.h"
#include "llvm/ADT/StringMap.h"

namespace weir {

/// What the names of trees stand for while a function is rewritten.
struct TreeScope {
  llvm::StringMap<mlir::Value> tensors; ///< by the model's name, and accumulators by theirs
  llvm::StringMap<mlir::Value> params;
  llvm::DenseMap<const Tree *, mlir::Value> extents; ///< trees of extents, as index values
  llvm::DenseMap<const Tree *, mlir::Value> scalars; ///< the same as i64
  bool wide = false;                                 ///< reals are f64

  /// The tensors and parameters that a cascade's arguments and equations define. No extents yet.
  static TreeScope of(const CascadeModel &model);
  /// Gives every extent a value at the function's level: that of an equation, or an input's dimension.
  void bindExtents(const CascadeModel &model, mlir::ImplicitLocOpBuilder &b);
  /// A coordinate's extent; null where none is bound.
  mlir::Value extentOf(const CascadeModel &model, llvm::StringRef coordinate) const;
  /// The type in which a body computes scalars of a kind.
  mlir::Type typeOf(ScalarKind kind, mlir::MLIRContext *context) const;

private:
  void bindExtent(const Tree *tree, mlir::Value extent, mlir::ImplicitLocOpBuilder &b);
};

} // namespace weir
#endif
