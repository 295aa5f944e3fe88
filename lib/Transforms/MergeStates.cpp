//===- MergeStates.cpp - keys are folded by themselves, then states merge --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles begin with the identity. A stream that goes on from a state becomes one that folds its keys alone and
// yields what it accumulated, and equations behind it that merge the two states and finish. They take a step
// for each entry of the state, the fold one for each entry and key.
#include "lib/Transforms/StreamAlgebra.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/StreamCost.h"
#include "weir/Transforms/Passes.h"
#include <map>

namespace weir {
#define GEN_PASS_DEF_MERGESTATES
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;
using namespace weir::attn;

namespace {
/// Takes one stream apart.
class StateMerger {
public:
  StateMerger(StreamOp stream) : stream(stream), b(stream.getLoc(), stream) {}
  /// The stream that folds the keys.
  StreamOp run();

private:
  using Body = function_ref<Value(ValueRange)>;
  EinsumOp emitEquation(AccumulateOp like, const Twine &name, Body body) {
    return weir::emitEquation(b, like, name, like.getResult().getType().getElementType(), body);
  }
  Value read(Value tensor, ValueRange coordinates);
  StreamOp foldKeys();
  void merge(AccumulateOp op);
  std::pair<Value, Value> scalesOf(AccumulateOp op);

  StreamOp stream;
  ImplicitLocOpBuilder b;
  SmallVector<AccumulateOp> state;
  llvm::DenseMap<Value, Value> before, part, merged; ///< of accumulators
  /// By a reference and lam: by what sums against it are multiplied, of the keys and of the state before.
  std::map<std::pair<void *, std::string>, std::pair<Value, Value>> scales;
};
} // namespace

Value StateMerger::read(Value tensor, ValueRange coordinates) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  return ReadOp::create(b, getScalarType(element), tensor, coordinates);
}

/// The stream from nothing; its finish gives the accumulators as they are.
StreamOp StateMerger::foldKeys() {
  YieldOp yield = stream.getYield();
  b.setInsertionPoint(yield);
  SmallVector<Value> parts;
  for (AccumulateOp op : state) {
    before[op.getResult()] = op.getFrom()[0];
    op.getFromMutable().clear();
    auto copy =
        emitEquation(op, op.getName() + "_part", [&](ValueRange at) { return read(op.getResult(), at); });
    parts.push_back(copy.getResult());
  }
  yield.getValuesMutable().assign(parts);
  b.setInsertionPoint(stream);
  auto fold = StreamOp::create(b, TypeRange(ValueRange(parts)), stream.getRankAttr(), stream.getOverAttr(),
                               stream.getExtents(), stream.getMappingAttr(), stream.getCertificateAttr());
  fold.getBody().takeBody(stream.getBody());
  for (auto [op, result] : llvm::zip(state, fold.getResults()))
    part[op.getResult()] = result;
  return fold;
}

/// A reference has moved from that of the keys, and from that before, to the merged one.
std::pair<Value, Value> StateMerger::scalesOf(AccumulateOp op) {
  auto reference = op.getReference().getDefiningOp<AccumulateOp>();
  auto &known = scales[{op.getReference().getAsOpaquePointer(), op.getLam().value_or("1").str()}];
  if (known.first)
    return known;
  auto scaleOf = [&](StringRef suffix, Value from) -> Value {
    return emitEquation(reference, op.getName() + suffix,
                        [&](ValueRange at) {
                          return powerOf(b, op, clampReference(b, read(from, at)),
                                         read(merged.lookup(op.getReference()), at));
                        })
        .getResult();
  };
  known.first = scaleOf("_part_scale", part.lookup(op.getReference()));
  known.second = scaleOf("_before_scale", before.lookup(op.getReference()));
  return known;
}

void StateMerger::merge(AccumulateOp op) {
  std::pair<Value, Value> scale;
  if (op.getReference())
    scale = scalesOf(op);
  auto moved = [&](Value tensor, Value by, ValueRange at) {
    Value value = read(tensor, at);
    return by ? mapOf(b, Fn::Mul, {value, readReference(b, op, by, at)}) : value;
  };
  auto whole = emitEquation(op, op.getName(), [&](ValueRange at) {
    Value value = combine(b, op.getAccumulation(), moved(part.lookup(op.getResult()), scale.first, at),
                          moved(before.lookup(op.getResult()), scale.second, at));
    return op.getAccumulation() == Accumulation::Ref ? clampReference(b, value) : value;
  });
  merged[op.getResult()] = whole.getResult();
}

StreamOp StateMerger::run() {
  state.assign(stream.getBody().front().getOps<AccumulateOp>().begin(),
               stream.getBody().front().getOps<AccumulateOp>().end());
  SmallVector<Value> outputs(stream.getYield().getValues());
  SmallVector<EinsumOp> finish;
  for (auto einsum : stream.getBody().front().getOps<EinsumOp>())
    if (state.back()->isBeforeInBlock(einsum))
      finish.push_back(einsum);
  StreamOp fold = foldKeys();
  b.setInsertionPoint(stream);
  for (AccumulateOp op : state)
    merge(op);
  for (EinsumOp einsum : finish) {
    einsum->moveBefore(stream);
    for (AccumulateOp op : state)
      op.getResult().replaceUsesWithIf(merged.lookup(op.getResult()), [&](OpOperand &use) {
        return einsum->isProperAncestor(use.getOwner());
      });
  }
  for (auto [result, output] : llvm::zip(stream.getResults(), outputs)) {
    Value whole = merged.lookup(output);
    result.replaceAllUsesWith(whole ? whole : output);
  }
  stream.erase();
  return fold;
}

namespace {
struct MergeStates : weir::impl::MergeStatesBase<MergeStates> {
  using MergeStatesBase::MergeStatesBase;
  void runOnOperation() override;

private:
  bool isWanted(func::FuncOp merged, StreamOp fold, unsigned k);
};
} // namespace

/// Streams that go on from a state, and that tiles may fold: coordinates do not run in them.
static SmallVector<StreamOp> findResumed(func::FuncOp cascade) {
  SmallVector<StreamOp> found;
  for (auto stream : cascade.getOps<StreamOp>()) {
    auto state = stream.getBody().front().getOps<AccumulateOp>();
    if (llvm::any_of(state, [](AccumulateOp op) { return !op.getFrom().empty(); }) &&
        llvm::none_of(state, [](AccumulateOp op) { return givesCoordinate(op.getAccumulation()); }))
      found.push_back(stream);
  }
  return found;
}

/// Whether the fold of stream number `k` runs in tiles, and rows are as many as that is worth.
bool MergeStates::isWanted(func::FuncOp merged, StreamOp fold, unsigned k) {
  Extents extents(merged);
  Dependence dependence;
  Presences presences(extents);
  std::optional<StreamTiles> plan = StreamTiles::of(fold, extents, dependence, presences);
  if (!plan || when == "never")
    return false;
  if (when == "always")
    return true;
  TargetDescription target;
  target.vectorBytes = vectorBytes;
  target.vectorRegisters = vectorRegisters;
  OwningOpRef<func::FuncOp> equations = getOperation().clone();
  dissolveStream(findResumed(*equations)[k]);
  std::optional<StreamCost> cost = predictStream(*equations, merged, *plan, extents, target);
  return !cost || cost->prefersTiles();
}

void MergeStates::runOnOperation() {
  func::FuncOp cascade = getOperation();
  if (!isCascade(cascade) || cascade.isExternal())
    return;
  for (unsigned k = 0; k < findResumed(cascade).size();) {
    OwningOpRef<func::FuncOp> copy = cascade.clone();
    StreamOp fold = StateMerger(findResumed(*copy)[k]).run();
    if (isWanted(*copy, fold, k))
      cascade.getBody().takeBody(copy->getBody()); // where there is one less
    else
      ++k;
  }
}
