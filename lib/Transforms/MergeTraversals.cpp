//===- MergeTraversals.cpp - several traversals of a rank become one ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Carries out what deriveStreaming() derives, on a copy of the cascade. The stream is built beside the
// equations as they stand; then the outputs change over, and equations that nobody reads any more go. The
// copy takes the cascade's place only where all of the derivation could be said in ops.
#include "lib/Transforms/StreamBody.h"
#include "lib/Transforms/StreamBuilder.h"
#include "lib/Transforms/StreamFrontier.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "weir/Analysis/Bodies.h"
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
  /// `copies`: see moveEquationsIn.
  Merger(CascadeModel &model, const Streaming &streaming, bool copies)
      : model(model), streaming(streaming), copies(copies),
        b(model.function.getLoc(), model.function.getContext()), scope(TreeScope::of(model)),
        emitter(model, streaming, scope, b) {}
  /// The stream, by which the cascade has been rewritten; null if not, and the cascade is of no use any more.
  StreamOp run();
  /// Why not; empty where there is nothing to say.
  std::string reason;

private:
  bool isSupported();
  bool refuse(const Twine &why);
  bool isOnlyStored(const CascadeModel::Tensor &tensor) const;
  void placeOutputsLast();
  bool changeOver(StreamOp stream);
  void eraseUnread();

  CascadeModel &model;
  const Streaming &streaming;
  bool copies;
  ImplicitLocOpBuilder b;
  TreeScope scope;
  StreamBuilder emitter;
};
} // namespace

bool Merger::refuse(const Twine &why) {
  reason = why.str();
  return false;
}

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
bool Merger::isSupported() {
  if (streaming.accumulators.empty())
    return false;
  if (streaming.derived != streaming.first)
    return refuse("it takes " + Twine(streaming.derived) + " traversals");
  for (const Accumulator &accumulator : streaming.accumulators)
    if (!symbolizeAccumulation(accumulator.op) || accumulator.level != streaming.first)
      return refuse("no state holds " + accumulator.op);
  std::vector<std::string> outputs;
  for (const CascadeModel::Output &output : model.outputs)
    outputs.push_back(output.tensor);
  llvm::StringSet<> upstream = getUpstream(model, outputs);
  for (const auto &[name, level] : streaming.levels) {
    const CascadeModel::Tensor *tensor = model.getTensor(name);
    if (!tensor || !tensor->elementType || !upstream.contains(name))
      continue;
    bool rounds = getScalarType(tensor->elementType) != tensor->elementType ||
                  (scope.wide && tensor->elementType.isF32());
    if (rounds && !isOnlyStored(*tensor))
      return refuse(name + " is rounded to its type and read again");
    if (tensor->equation >= 0 && !model.equations[tensor->equation].loops.empty())
      return refuse(name + " is of a recurrence");
  }
  for (const Finish &carried : streaming.carried)
    if (emitter.isNeeded(carried))
      return refuse(carried.tensor + " carries " + streaming.coordinate + " and reads its statistics");
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

/// The stream's results take the place of the tensors as the equations have them. False: the stream reads what is made of them.
bool Merger::changeOver(StreamOp stream) {
  for (auto [entry, result] : llvm::zip(emitter.getOutputs(), stream.getResults())) {
    Value original = scope.tensors.lookup(entry.first->tensor);
    original.replaceUsesWithIf(result,
                               [&](OpOperand &use) { return !stream->isProperAncestor(use.getOwner()); });
  }
  eraseUnread();
  moveEquationsIn(stream, copies);
  if (copies) {
    moveAccumulatorsOut(stream);
    moveEquationsIn(stream, copies); // more of them are rows now
  }
  alignCoordinates(stream);
  return sortTopologically(stream->getBlock()); // what reads the results stood before them
}

StreamOp Merger::run() {
  if (!isSupported())
    return {};
  placeOutputsLast();
  scope.bindExtents(model, b);
  StreamOp stream = emitter.emit();
  if (!stream) {
    std::string why = emitter.getFailure().empty() ? "" : (": " + emitter.getFailure()).str();
    refuse("its derivation is no equation that a stream can hold" + why);
    return {};
  }
  if (changeOver(stream))
    return stream;
  refuse("it reads what is made of its results");
  return {};
}

//===----------------------------------------------------------------------===//
// Whether it is worth it
//===----------------------------------------------------------------------===//

namespace {
struct MergeTraversals : weir::impl::MergeTraversalsBase<MergeTraversals> {
  using MergeTraversalsBase::MergeTraversalsBase;
  void runOnOperation() override;

private:
  using Reasons = std::map<std::string, std::string>;

  LogicalResult checkOptions();
  /// What a stream gives, and which tensors it reads as inputs.
  struct Attempt {
    std::vector<CascadeModel::Output> outputs;
    llvm::StringSet<> kept;
    bool operator==(const Attempt &o) const {
      return kept == o.kept && llvm::equal(outputs, o.outputs, [](auto &x, auto &y) { return x.tensor == y.tensor; });
    }
  };
  /// A copy of the function, what analyses know of it, and what they derive.
  struct Derived {
    OwningOpRef<func::FuncOp> function;
    std::unique_ptr<CascadeModel> model;
    Streaming streaming;
  };
  Derived derive(StringRef over, const llvm::StringSet<> &kept, std::optional<std::vector<CascadeModel::Output>> outputs = {});
  bool tryOver(StringRef over, function_ref<bool(const Attempt &, Derived)> works);
  OwningOpRef<func::FuncOp> merge(StringRef over, Derived derived, std::string &why);
  bool mergeOne(Reasons &reasons);
  void mergeAll(Reasons &reasons);
  bool isWanted(StreamOp stream, StringRef over, std::string &why);

  SmallVector<Attribute> choices;
  bool later = true; ///< whether a stream's results may be for a later traversal of its rank
};
} // namespace

LogicalResult MergeTraversals::checkOptions() {
  if (llvm::is_contained({"always", "never", "cheaper"}, when))
    return success();
  return getOperation().emitError("option 'when' is always, never or cheaper, not '") << when << "'";
}

/// With `tiled`: whether the cascade with the stream is to take the function's place. Says what was predicted.
bool MergeTraversals::isWanted(StreamOp stream, StringRef over, std::string &why) {
  auto merged = stream->getParentOfType<func::FuncOp>();
  Extents extents(merged);
  Dependence dependence;
  Presences presences(extents);
  std::optional<StreamTiles> plan = StreamTiles::of(stream, extents, dependence, presences, &why);
  if (!plan)
    return false;
  if (CascadeModel(merged).equations.size() >= CascadeModel(getOperation()).equations.size()) {
    why = "no equation would be left to it alone";
    return false;
  }
  if (vectorBytes == 0)
    return when != "never";
  TargetDescription target;
  target.vectorBytes = vectorBytes;
  target.vectorRegisters = vectorRegisters;
  std::optional<StreamCost> cost = predictStream(getOperation(), merged, *plan, extents, target);
  bool wanted = when == "always" || (when == "cheaper" && (!cost || cost->prefersTiles()));
  if (!cost)
    return wanted;
  llvm::erase_if(choices, [&](Attribute choice) { // an earlier attempt
    auto entry = cast<DictionaryAttr>(choice);
    return entry.getAs<StringAttr>("rank") == over && !entry.getAs<BoolAttr>("merged").getValue();
  });
  choices.push_back(toAttribute(*cost, over, wanted, /*forced=*/when != "cheaper", &getContext()));
  return wanted;
}

/// Of outputs that the rank goes into, those that do not hang on a stream that reads another: that one is before the stream
/// over the rank to be made, or between two of them.
static std::vector<CascadeModel::Output> takeEarliest(CascadeModel &model, const Streaming &streaming) {
  llvm::StringSet<> own;
  for (const auto &[tensor, level] : streaming.levels)
    if (level > 0)
      own.insert(tensor);
  llvm::SetVector<Operation *> behind;
  auto equationOf = [&](StringRef tensor) {
    const CascadeModel::Tensor *found = model.getTensor(tensor);
    return found && found->equation >= 0 ? model.equations[found->equation].op : nullptr;
  };
  for (auto stream : model.function.getOps<StreamOp>()) {
    bool reads = llvm::any_of(model.outputs, [&](const CascadeModel::Output &output) {
      Operation *op = equationOf(output.tensor);
      return own.contains(output.tensor) && op &&
             llvm::any_of(op->getUsers(), [&](Operation *user) { return stream->isProperAncestor(user); });
    });
    if (reads)
      getForwardSlice(stream.getOperation(), &behind);
  }
  std::vector<CascadeModel::Output> earliest;
  llvm::copy_if(model.outputs, std::back_inserter(earliest), [&](const CascadeModel::Output &output) {
    return !own.contains(output.tensor) || !behind.contains(equationOf(output.tensor));
  });
  return earliest;
}

/// Derives on a copy, for `outputs`; else for the cascade's, and for what its streams over other ranks read.
MergeTraversals::Derived MergeTraversals::derive(StringRef over, const llvm::StringSet<> &kept,
                                                 std::optional<std::vector<CascadeModel::Output>> outputs) {
  Derived derived{getOperation().clone(), nullptr, {}};
  derived.model = std::make_unique<CascadeModel>(*derived.function);
  if (outputs)
    derived.model->outputs = std::move(*outputs);
  else
    derived.model->addReadByStreams(over);
  derived.streaming = deriveStreaming(*derived.model, over, kept);
  return derived;
}

/// Tries until one works, the best first: a stream that ends at the cascade's outputs; at the last tensors that can be its results; at
/// those whose finishes reduce over no other rank. Then the same of one that reads selections, made by the rest of the cascade.
bool MergeTraversals::tryOver(StringRef over, function_ref<bool(const Attempt &, Derived)> works) {
  SmallVector<Attempt> tried;
  llvm::StringSet<> kept;
  do {
    Derived whole = derive(over, kept);
    if (std::vector<CascadeModel::Output> earliest = takeEarliest(*whole.model, whole.streaming);
        earliest.size() < whole.model->outputs.size())
      whole = derive(over, kept, std::move(earliest));
    std::vector<std::string> names(kept.keys().begin(), kept.keys().end());
    llvm::StringSet<> before = getUpstream(*whole.model, names); // what a stream reads it cannot give
    SmallVector<std::vector<CascadeModel::Output>> ends = {whole.model->outputs};
    llvm::StringSet<> next;
    if (tiled) {
      for (bool plain : {false, true})
        ends.push_back(findFrontier(*whole.model, whole.streaming, later, plain));
      if (kept.empty())
        next = findKept(*whole.model, whole.streaming);
    }
    for (std::vector<CascadeModel::Output> &outputs : ends) {
      size_t count = outputs.size();
      llvm::erase_if(outputs, [&](auto &output) { return before.contains(output.tensor); });
      bool isWhole = &outputs == ends.begin() && outputs.size() == count;
      Attempt attempt{std::move(outputs), kept};
      if (attempt.outputs.empty() || llvm::is_contained(tried, attempt))
        continue;
      tried.push_back(attempt);
      if (works(attempt, isWhole ? std::move(whole) : derive(over, kept, attempt.outputs)))
        return true;
    }
    kept = std::move(next);
  } while (!kept.empty());
  return false;
}

/// The function with a stream over the rank; null if there is none, or it is not wanted.
OwningOpRef<func::FuncOp> MergeTraversals::merge(StringRef over, Derived derived, std::string &why) {
  if (!tiled && !single && derived.streaming.derived >= derived.streaming.asWritten)
    return {};
  Merger merger(*derived.model, derived.streaming, /*copies=*/tiled);
  StreamOp stream = merger.run();
  why = merger.reason;
  if (!stream || (tiled && !isWanted(stream, over, why)))
    return {};
  return std::move(derived.function);
}

/// Makes one more stream. Of ranks that have none `reasons` says why.
bool MergeTraversals::mergeOne(Reasons &reasons) {
  func::FuncOp function = getOperation();
  auto hasStream = [&](StringRef name) {
    return llvm::any_of(function.getOps<StreamOp>(), [&](StreamOp stream) { return stream.getRank() == name; });
  };
  for (const std::string &name : getStreamedRanks(CascadeModel(function))) {
    if ((!ranks.empty() && !llvm::is_contained(ranks, name)) || (!tiled && hasStream(name)))
      continue;
    OwningOpRef<func::FuncOp> merged;
    bool isMerged = tryOver(name, [&](const Attempt &attempt, Derived derived) {
      std::string why;
      merged = merge(name, std::move(derived), why);
      if (!merged && !why.empty() && (attempt.kept.empty() || reasons[name].empty()))
        reasons[name] = why;
      return bool(merged);
    });
    if (!isMerged)
      continue;
    function.getBody().takeBody(merged->getBody());
    return true;
  }
  return false;
}

/// Whether an equation outside of a stream computes scores anew to relate them to what the stream has made of them.
/// Loops add products in another order than tiles do: exp(S - max S) of two roundings of large scores is not at most 1.
static bool relatesToScores(StreamOp stream) {
  Attribute key = stream.getOver()[0];
  for (Value result : stream.getResults())
    for (Operation *user : result.getUsers()) {
      if (isa<StreamOp>(getItem(user)))
        continue;
      for (Operation *around = user; !isa<func::FuncOp>(around); around = around->getParentOp()) {
        auto reduce = dyn_cast<ReduceOp>(around);
        auto einsum = dyn_cast<EinsumOp>(around);
        if ((reduce && llvm::is_contained(reduce.getCoords(), key)) ||
            (einsum && llvm::is_contained(einsum.getCoords(), key)))
          return true;
      }
    }
  return false;
}

/// Makes as many streams as there are, or one.
void MergeTraversals::mergeAll(Reasons &reasons) {
  func::FuncOp function = getOperation();
  OwningOpRef<func::FuncOp> before = function.clone();
  while (mergeOne(reasons) && (tiled || every || !ranks.empty()))
    reasons.clear();
  if (!tiled || llvm::none_of(function.getOps<StreamOp>(), relatesToScores))
    return;
  function.getBody().takeBody(before->getBody());
  choices.clear();
  later = false;
  while (mergeOne(reasons))
    reasons.clear();
}

void MergeTraversals::runOnOperation() {
  func::FuncOp function = getOperation();
  if (!isCascade(function) || function.isExternal() || !function.getOps<StreamOp>().empty())
    return;
  if (failed(checkOptions()))
    return signalPassFailure();
  Reasons reasons;
  later = true;
  choices.clear();
  mergeAll(reasons);
  if (!choices.empty())
    function->setAttr(kStreamChoices, ArrayAttr::get(&getContext(), choices));
  NamedAttrList refusals;
  for (auto &[name, why] : reasons) {
    if (why.empty() || !tiled)
      continue;
    refusals.set(name, StringAttr::get(&getContext(), why));
    remark::missed(function.getLoc(), remark::RemarkOpts::name("not-in-tiles").category("weir-streams"))
        << ("no stream over " + Twine(name) + " in tiles: " + why).str();
  }
  if (!refusals.empty())
    function->setAttr(kStreamRefusals, refusals.getDictionary(&getContext()));
}
