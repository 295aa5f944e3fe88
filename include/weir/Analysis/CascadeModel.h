//===- CascadeModel.h - a cascade as its analyses read it -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_ANALYSIS_CASCADEMODEL_H
#define WEIR_ANALYSIS_CASCADEMODEL_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/KnownInputs.h"
#include "weir/Analysis/Tree.h"
#include <memory>

namespace weir {

/// A cascade read once: every equation as a tree in the user's names. It refers to the function and does not
/// change it.
class CascadeModel {
public:
  struct Tensor {
    std::string name;                  ///< unique in the model
    std::vector<std::string> ranks;    ///< a rank's name, or the text of an expression, one a dimension
    std::vector<const Tree *> extents; ///< one a dimension
    mlir::Type elementType;
    int equation = -1; ///< index into `equations`; -1 for an input and for what a stream gives
    mlir::Value value; ///< where it is defined
    /// Of what a stream gives: the extents without which it is absent as a whole; none: each element for
    /// itself.
    std::optional<std::vector<const Tree *>> needed = std::vector<const Tree *>();
  };
  /// A recurrence that an equation stands in.
  struct Loop {
    mlir::Operation *op;
    std::string along; ///< the coordinate
    bool backward;
  };
  struct Equation {
    std::string name; ///< the tensor's
    mlir::Operation *op;
    std::vector<std::string> coords; ///< of the left side
    const Tree *body;                ///< a Selection for argtopk
    std::vector<Loop> loops;         ///< outermost first
  };
  struct Output {
    std::string name;
    std::string tensor; ///< the name of what is stored
    mlir::Type elementType;
  };

  /// `cascade` is a function that isCascade() accepts and that verifies.
  explicit CascadeModel(mlir::func::FuncOp cascade);

  /// Makes outputs of what streams read too, but for those over `rank`: another stream may give it.
  void addReadByStreams(llvm::StringRef rank);

  mlir::func::FuncOp function;
  std::unique_ptr<TreeArena> arena = std::make_unique<TreeArena>();
  std::vector<Equation> equations;    ///< in the order of the function
  std::vector<std::string> inputs;    ///< tensors, in signature order
  const KnownInputs *known = nullptr; ///< what some of them hold; null: nothing is known of any
  std::vector<std::string> streamed;  ///< results of `attn.stream`, which is not read any further
  std::vector<Output> outputs;
  std::vector<const Tree *> givens; ///< promises, `all` over their coordinates, in the order of the function
  std::vector<std::string> ranks;   ///< every rank of a signature or of a coordinate, in order of appearance
  llvm::StringMap<const Tree *> definitions; ///< declared ranks: `rank L = N`
  llvm::StringMap<const Tree *> rankExtents; ///< a rank's extent: itself, or a number where it is fixed

  const Tensor *getTensor(llvm::StringRef name) const;
  /// The extent of a coordinate; null if the model has no such coordinate.
  const Tree *getExtent(llvm::StringRef coordinate) const;
  Polynomial polynomial(const Tree *tree) const { return toPolynomial(tree, definitions); }
  /// Whether two extents are equal whatever the inputs are.
  bool equalExtents(const Tree *a, const Tree *b) const;
  /// The value of an integer tree under the given extents (by rank), if it has one without reading data.
  std::optional<int64_t> evaluate(const Tree *tree, const llvm::StringMap<int64_t> &extents) const;
  std::string lineOf(mlir::Operation *op) const; ///< "12", or "" where the location has none

private:
  class Reader;
  llvm::StringMap<Tensor> tensors;
};

} // namespace weir
#endif
