//===- Bodies.h - what an equation's body depends on ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Questions that the mapping and the loop lowering both ask of bodies: on which coordinates a value depends,
// whether an index moves by one with a coordinate, which extents are known to be equal, and where a value is
// certainly present.
#ifndef WEIR_ANALYSIS_BODIES_H
#define WEIR_ANALYSIS_BODIES_H
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include <optional>
#include <set>
#include <string>

namespace weir {

/// The coordinates (body arguments) on which each value of a cascade's bodies depends.
class Dependence {
public:
  using Set = llvm::SmallDenseSet<mlir::Value, 4>;
  /// All coordinates that `value` reads, those bound by reductions inside it excluded. A value from outside
  /// every body has none.
  const Set &of(mlir::Value value);
  bool dependsOn(mlir::Value value, mlir::Value coordinate) { return of(value).contains(coordinate); }

private:
  llvm::DenseMap<mlir::Value, std::unique_ptr<Set>> sets;
};

/// The number that an integer literal is; none: the value is no such literal.
std::optional<int64_t> getLiteral(mlir::Value value);

/// How an integer moves when `coordinate` grows by one: 0 (not at all), 1 (by one), none (otherwise).
std::optional<int> getStep(mlir::Value index, mlir::Value coordinate, Dependence &dependence);

/// Whether a body computes so much that it should not be evaluated where it is masked off (it holds a
/// reduction).
bool isHeavy(mlir::Value value);

/// Names for extents such that equal names are equal extents.
class Extents {
public:
  explicit Extents(mlir::func::FuncOp cascade);
  /// The class of an extent that an equation iterates over (an index value at function level).
  std::string of(mlir::Value extent);
  /// The class of dimension `dim` of a tensor: an input, or made by an equation.
  std::string ofDim(mlir::Value tensor, int64_t dim);
  /// The extent itself if it is known.
  static std::optional<int64_t> constant(llvm::StringRef name);

private:
  std::string ofInput(mlir::BlockArgument tensor, int64_t dim);
  mlir::func::FuncOp cascade;
};

/// Where a value is present: wherever the named extents are positive, or (none) on a domain of its own.
using Presence = std::optional<std::set<std::string>>;

/// Decides presence of values and of whole tensors, conservatively. A coordinate's own extent is positive
/// wherever it is in use.
class Presences {
public:
  Presences(Extents &extents) : extents(extents) {}
  Presence of(mlir::Value scalar);
  Presence ofTensor(mlir::Value tensor);
  /// Where index `k` of a read lies inside the tensor for every value of the coordinates.
  Presence inside(attn::ReadOp read, unsigned k);
  /// Whether it lies inside whatever the extents are.
  bool isInside(attn::ReadOp read, unsigned k);

private:
  Presence compute(mlir::Value scalar);
  Extents &extents;
  llvm::DenseMap<mlir::Value, Presence> known, tensors;
};

/// The equation behind a tensor: through the results of recurrences to the op that computes it, or null for
/// an input.
mlir::Operation *getEquation(mlir::Value tensor);

/// The tensor as its equation defines it (results of recurrences resolved to the value inside).
mlir::Value getDefinition(mlir::Value tensor);

/// The operation at function level that `op` is or stands in.
mlir::Operation *getItem(mlir::Operation *op);

/// Whether some item for which `isInside` is false reads a tensor, results of recurrences followed. Promises
/// do not count.
bool isReadOutside(mlir::Value tensor, llvm::function_ref<bool(mlir::Operation *)> isInside);

/// The names and extents of the coordinates on the left side of an attn.einsum or attn.argtopk.
std::pair<mlir::ArrayAttr, mlir::ValueRange> getLeftSide(mlir::Operation *equation);

/// The extent over which a body argument runs; null if it is no coordinate.
mlir::Value getExtent(mlir::BlockArgument coordinate);
/// Its name in the source.
llvm::StringRef getCoordinateName(mlir::BlockArgument coordinate);

} // namespace weir
#endif
