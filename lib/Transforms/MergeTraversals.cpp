//===- MergeTraversals.cpp - several traversals of a rank become one ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Carries out what deriveStreaming() derives, on a copy of the cascade. The stream is built beside the
// equations as they stand; then the outputs change over, and equations that nobody reads any more go. The
// copy takes the cascade's place only where all of the derivation could be said in ops.
#include "lib/Transforms/StreamBody.h"
#include "lib/Transforms/StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Analysis/StreamCost.h"
#include "weir/Analysis/Streaming.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_MERGETRAVERSALS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;
using namespace weir::attn;

namespace {
class Merger {
public:
  Merger(CascadeModel &model, const Streaming &streaming)
      : model(model), streaming(streaming), b(model.function.getLoc(), model.function.getContext()),
        scope(TreeScope::of(model)), emitter(model, streaming, scope, b) {}
  /// Whether the cascade has been rewritten; if not, it is of no use any more.
  bool run();

private:
  bool isSupported() const;
  bool isOnlyStored(const CascadeModel::Tensor &tensor) const;
  void placeOutputsLast();
  void changeOver(StreamOp stream);
  void eraseUnread();

  CascadeModel &model;
  const Streaming &streaming;
  ImplicitLocOpBuilder b;
  TreeScope scope;
  StreamEmitter emitter;
};
} // namespace

/// Whether nothing but the caller reads what the tensor's type has rounded.
bool Merger::isOnlyStored(const CascadeModel::Tensor &tensor) const {
  if (tensor.equation < 0)
    return false;
  Operation *op = model.equations[tensor.equation].op;
  return isa<EinsumOp>(op) &&
         llvm::all_of(op->getUsers(), [](Operation *user) { return isa<MaterializeOp>(user); });
}

/// Derivations of one traversal, all of whose tensors hold their scalars unrounded; outputs are rounded as
/// they are stored.
bool Merger::isSupported() const {
  if (streaming.derived != 1 || streaming.accumulators.empty())
    return false;
  for (const Accumulator &accumulator : streaming.accumulators)
    if (!symbolizeAccumulation(accumulator.op) || accumulator.level != 1)
      return false;
  for (const auto &[name, level] : streaming.levels) {
    const CascadeModel::Tensor *tensor = model.getTensor(name);
    if (!tensor || !tensor->elementType)
      continue;
    bool rounds = getScalarType(tensor->elementType) != tensor->elementType ||
                  (scope.wide && tensor->elementType.isF32());
    if (rounds && !isOnlyStored(*tensor))
      return false;
    if (tensor->equation >= 0 && !model.equations[tensor->equation].loops.empty())
      return false;
  }
  for (const Finish &carried : streaming.carried)
    if (emitter.isNeeded(carried))
      return false;
  return llvm::any_of(streaming.outputs, [&](const Finish &output) { return emitter.isNeeded(output); });
}

/// Materializations read everything and are read by the return only: after them nothing else stands.
void Merger::placeOutputsLast() {
  Block &block = model.function.getBody().front();
  Operation *first = block.getTerminator();
  SmallVector<MaterializeOp> outputs(block.getOps<MaterializeOp>());
  for (MaterializeOp output : llvm::reverse(outputs)) {
    output->moveBefore(first);
    first = output;
  }
  b.setInsertionPoint(first);
}

void Merger::eraseUnread() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(model.function.getBody().front())))
    if (isa<EinsumOp, ArgtopkOp, arith::IndexCastOp, arith::ConstantIndexOp, tensor::DimOp>(op) &&
        op.use_empty())
      op.erase();
}

/// The stream's results take the place of the outputs as the equations have them.
void Merger::changeOver(StreamOp stream) {
  for (auto [entry, result] : llvm::zip(emitter.getOutputs(), stream.getResults())) {
    Value original = scope.tensors.lookup(entry.first->tensor);
    original.replaceUsesWithIf(result, [](OpOperand &use) { return isa<MaterializeOp>(use.getOwner()); });
  }
  eraseUnread();
  moveEquationsIn(stream);
}

bool Merger::run() {
  if (!isSupported())
    return false;
  placeOutputsLast();
  scope.bindExtents(model, b);
  StreamOp stream = emitter.emit();
  if (!stream)
    return false;
  changeOver(stream);
  return true;
}

//===----------------------------------------------------------------------===//
// Whether it is worth it
//===----------------------------------------------------------------------===//

namespace {
struct MergeTraversals : weir::impl::MergeTraversalsBase<MergeTraversals> {
  using MergeTraversalsBase::MergeTraversalsBase;
  void runOnOperation() override;

private:
  LogicalResult checkOptions();
  bool isWanted(func::FuncOp merged, StringRef over, SmallVectorImpl<Attribute> &choices);
};
} // namespace

LogicalResult MergeTraversals::checkOptions() {
  if (llvm::is_contained({"always", "never", "cheaper"}, when))
    return success();
  return getOperation().emitError("option 'when' is always, never or cheaper, not '") << when << "'";
}

/// With `tiled`: whether the merged cascade is to take the function's place. Says what was predicted.
bool MergeTraversals::isWanted(func::FuncOp merged, StringRef over, SmallVectorImpl<Attribute> &choices) {
  Extents extents(merged);
  Dependence dependence;
  Presences presences(extents);
  std::optional<StreamTiles> plan;
  for (StreamOp stream : merged.getOps<StreamOp>())
    if (!plan)
      plan = StreamTiles::of(stream, extents, dependence, presences);
  if (!plan)
    return false;
  if (vectorBytes == 0)
    return when != "never";
  TargetDescription target;
  target.vectorBytes = vectorBytes;
  target.vectorRegisters = vectorRegisters;
  std::optional<StreamCost> cost = predictStream(getOperation(), merged, *plan, extents, target);
  bool wanted = when == "always" || (when == "cheaper" && (!cost || cost->prefersTiles()));
  if (cost)
    choices.push_back(toAttribute(*cost, over, wanted, /*forced=*/when != "cheaper", &getContext()));
  return wanted;
}

void MergeTraversals::runOnOperation() {
  func::FuncOp function = getOperation();
  if (!isCascade(function) || function.isExternal() || !function.getOps<StreamOp>().empty())
    return;
  if (failed(checkOptions()))
    return signalPassFailure();
  SmallVector<Attribute> choices;
  for (const std::string &name : getStreamedRanks(CascadeModel(function))) {
    if (!rank.empty() && rank != name)
      continue;
    OwningOpRef<func::FuncOp> copy = function.clone();
    CascadeModel model(*copy);
    Streaming streaming = deriveStreaming(model, name);
    bool fewer = streaming.derived < streaming.asWritten;
    if (!(fewer || single || tiled) || !Merger(model, streaming).run() ||
        (tiled && !isWanted(*copy, name, choices)))
      continue;
    function.getBody().takeBody(copy->getBody());
    break;
  }
  if (!choices.empty())
    function->setAttr(kStreamChoices, ArrayAttr::get(&getContext(), choices));
}
