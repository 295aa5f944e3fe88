//===- StreamBuilder.h - a derived traversal in ops -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TRANSFORMS_STREAMEMITTER_H
#define WEIR_LIB_TRANSFORMS_STREAMEMITTER_H
#include "dialects/Attention/AttentionDialect.h"
#include "lib/Transforms/TreeScope.h"
#include "weir/Analysis/Streaming.h"
#include "llvm/ADT/StringSet.h"
#include <map>

namespace weir {

/// Emits the `attn.stream` of a derivation where the builder stands: its accumulators, the parts that they
/// read, and the finish of each output that reads an accumulator.
class StreamBuilder {
public:
  StreamBuilder(CascadeModel &model, const Streaming &streaming, TreeScope &scope,
                mlir::ImplicitLocOpBuilder &builder);
  /// Whether the output reads an accumulator; the others stay as they are written.
  bool isNeeded(const Finish &output) const;
  /// The stream; null where not all of the derivation can be said in ops. The function is of no use then.
  attn::StreamOp emit();
  /// The outputs that the stream's results stand for, in their order, with the values that it yields.
  llvm::ArrayRef<std::pair<const Finish *, mlir::Value>> getOutputs() const { return finished; }
  /// What of the derivation cannot be said in ops: a tensor, and why; empty where that is not known.
  llvm::StringRef getFailure() const { return failure; }

private:
  using Names = std::vector<std::string>;

  bool readsAccumulator(const Tree *tree) const;
  llvm::SmallVector<mlir::Value> extentsOf(const Names &coords);
  mlir::ArrayAttr namesOf(llvm::ArrayRef<std::string> coords);
  mlir::RankedTensorType typeOf(const Names &coords, mlir::ValueRange extents, mlir::Type element);
  attn::EinsumOp emitEquation(llvm::StringRef name, const Names &coords, const Tree *value, ScalarKind kind,
                              const Tree *presence, mlir::Type element = {});
  bool defineParts(const Tree *tree);
  bool definePart(const Finish &part);
  bool emitExponent(const Accumulator &accumulator, const Tree *exponent);
  bool emitAccumulator(const Accumulator &accumulator);
  bool emitFinish();
  bool emitBody();

  CascadeModel &model;
  const Streaming &streaming;
  TreeScope &scope;
  mlir::ImplicitLocOpBuilder &b;
  llvm::StringSet<> accumulators;
  llvm::StringMap<const Finish *> parts;
  std::map<std::pair<const Tree *, const Tree *>, const Tree *> exponents; ///< reads, by exponent and domain
  llvm::SmallVector<std::pair<const Finish *, mlir::Value>> finished;
  std::string failure;
  attn::StreamOp stream;
};

} // namespace weir
#endif
