//===- Emit.h - from resolved equations to the attn dialect ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_FRONTEND_EMIT_H
#define WEIR_LIB_FRONTEND_EMIT_H
#include "Sema.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace weir::sema {

/// Emits one cascade. Extents and numbers made of them stand before the equations; a body holds what only it
/// uses.
class Emitter {
public:
  Emitter(Program &program, World &world, mlir::ModuleOp module);
  void run();

private:
  // Equations (Emit.cpp).
  void emitFunction();
  mlir::DictionaryAttr tensorAttributes(const Tensor &tensor);
  mlir::DictionaryAttr paramAttributes(const Param &param);
  mlir::RankedTensorType tensorType(const Tensor &tensor, mlir::Type element);
  mlir::Type elementType(const Tensor &tensor);
  void emitGroup(const Group &group);
  void emitEquations(Tensor &tensor);
  void emitSelection(Tensor &tensor);
  void emitRecurrence(const Group &group);
  void emitPromises(bool early);
  mlir::Value emitValue(const Equation &equation, const Tensor &tensor);
  llvm::SmallVector<llvm::StringRef, 6> coordinateNames(Tensor &tensor);
  void define(Tensor &tensor, mlir::Value value);
  mlir::Value lookup(Tensor &tensor);
  mlir::Location location(llvm::SMLoc loc);
  mlir::Type scalarType(Kind kind);

  // Ranks.
  mlir::Value constant(int64_t value);
  mlir::Value extent(const Rank &rank);
  mlir::Value extentNumber(const Rank &rank);
  mlir::Value dimExtent(const Dim &dim);
  std::optional<int64_t> staticExtent(const Dim &dim);

  // Bodies (EmitBody.cpp).
  using Values = llvm::DenseMap<std::pair<const Node *, int>, mlir::Value>;
  /// The value of a node as kind `want`, or as its own where that is Unknown.
  mlir::Value emit(const Node *node, Kind want = Kind::Unknown);
  mlir::Value emitNode(const Node *node);
  mlir::Value emitMap(const Node *node);
  mlir::Value emitReduce(const Node *node);
  mlir::Value coerce(mlir::Value value, Kind from, Kind to, const Node *node, mlir::Location loc);
  mlir::Value literal(llvm::StringRef text, Kind kind, mlir::Location loc);
  mlir::Value map(attn::Fn fn, llvm::ArrayRef<mlir::Value> operands, Kind kind, mlir::Location loc);
  mlir::Value roundTo(mlir::Value value, ElementType type, mlir::Location loc);

  Program &program;
  World &world;
  mlir::ModuleOp module;
  mlir::MLIRContext *context;
  mlir::func::FuncOp function;
  mlir::OpBuilder header, builder;
  mlir::Operation *headerEnd = nullptr;
  std::vector<llvm::DenseMap<Tensor *, mlir::Value>>
      tensors; ///< a level for the function and for each recurrence
  llvm::DenseMap<int64_t, mlir::Value> constants;
  llvm::DenseMap<const Rank *, mlir::Value> extents, extentNumbers;
  llvm::DenseMap<const Param *, mlir::Value> params;
  llvm::DenseMap<const Coordinate *, mlir::Value> coords;
  std::vector<Values> values; ///< a level for each region; the first is the function's
  llvm::DenseMap<Tensor *, llvm::SmallVector<std::pair<unsigned, std::string>, 1>> forcedNames;
};

} // namespace weir::sema
#endif
