//===- TreeEmitter.h - trees of an analysis back to attn ops --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TRANSFORMS_TREEEMITTER_H
#define WEIR_LIB_TRANSFORMS_TREEEMITTER_H
#include "dialects/Attention/AttentionDialect.h"
#include "lib/Transforms/TreeScope.h"

namespace weir {

/// Emits the tree of one body. A tree that no ops say (an opaque value, a selection, a tensor that is not in
/// the scope) leaves `failure` set; what has been emitted is then of no use.
class TreeEmitter {
public:
  TreeEmitter(mlir::ImplicitLocOpBuilder &builder, const CascadeModel &model, const TreeScope &scope)
      : b(builder), model(model), scope(scope) {}
  /// A coordinate's value in this body.
  void bind(llvm::StringRef coordinate, mlir::Value value) { coordinates[coordinate] = value; }
  /// The tree's value, converted to a kind if it is an integer where a real is asked for.
  mlir::Value emit(const Tree *tree, ScalarKind kind);
  mlir::Value emit(const Tree *tree) { return emit(tree, tree->scalar); }
  /// `value` where the formula holds.
  mlir::Value emitWhere(mlir::Value value, const Tree *formula);
  std::string failure;

private:
  mlir::Value emitOp(const Tree *tree, ScalarKind kind);
  mlir::Value emitFunction(const Tree *tree);
  mlir::Value emitSum(const Tree *tree);
  mlir::Value emitRead(const Tree *tree);
  mlir::Value emitReduce(const Tree *tree, llvm::StringRef reduction);
  mlir::Value emitLogic(const Tree *tree);
  mlir::Value emitNumber(llvm::StringRef text, ScalarKind kind);
  mlir::Value convert(mlir::Value value, ScalarKind kind);
  mlir::Value fail(const llvm::Twine &why);
  mlir::Type typeOf(ScalarKind kind) { return scope.typeOf(kind, b.getContext()); }

  mlir::ImplicitLocOpBuilder &b;
  const CascadeModel &model;
  const TreeScope &scope;
  llvm::StringMap<mlir::Value> coordinates;
};

/// A coordinate's name in the IR: `n'` of a tree is `n_`.
std::string toIRName(llvm::StringRef coordinate);

} // namespace weir
#endif
