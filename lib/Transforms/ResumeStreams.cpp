//===- ResumeStreams.cpp - the state of a stream as an input and an output -===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a cascade is of all keys, it is of the keys of one call and the state after those of the calls before.
// The body of a stream is a sum, a maximum, ... over keys, each of which is looked at by itself; so all that
// has to be known of earlier keys is the state, and how many they were, where a predicate or a score takes a
// key's number as a value; of later ones, how many there will be, where what is folded reads that. Whatever
// else would have to be known is refused: keys at other coordinates than the stream's, a second traversal.
#include "lib/Transforms/StreamAlgebra.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "weir/Analysis/Bodies.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

namespace weir {
#define GEN_PASS_DEF_RESUMESTREAMS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;
using namespace weir::attn;

namespace {
class Resumer {
public:
  Resumer(func::FuncOp cascade, StreamOp stream)
      : cascade(cascade), stream(stream), b(cascade.getLoc(), cascade.getContext()), extents(cascade),
        keys(extents.of(stream.getExtents()[0])) {}
  /// Whether every call can do with its own keys and a state; says what is in the way.
  LogicalResult check();
  void run();

private:
  bool isKeys(Value extent) { return extents.of(extent) == keys; }
  bool dependsOnKeys(Value scalar);
  bool isInFinish(Operation *op);
  LogicalResult checkCoordinates(Operation *op);
  LogicalResult checkRead(ReadOp read);
  LogicalResult checkNumberOfKeys(Operation *op);
  void forgetPromises();
  Value addParam(StringRef suffix, Attribute byDefault);
  void countFromStart();
  void countAllKeys();
  void takeState(AccumulateOp op);
  AccumulateOp addExtremum(AccumulateOp op);
  bool hasPresenceOfReference(AccumulateOp op);
  Value addInput(AccumulateOp like, const Twine &name, Type element, StringRef missing);
  Value emitBefore(AccumulateOp like, const Twine &name, Value values, Value flags, ArrayAttr flagCoords,
                   bool coordinate);
  void giveState();
  void addOutput(AccumulateOp like, const Twine &name, Value tensor);
  ArrayAttr ranksOf(AccumulateOp like);
  DictionaryAttr describe(AccumulateOp like, const Twine &name, Attribute missing = {});

  func::FuncOp cascade;
  StreamOp stream;
  ImplicitLocOpBuilder b;
  Extents extents;
  std::string keys;                   ///< the class of extents of the stream's rank
  Value start;                        ///< how many keys earlier calls had
  bool isTold = false;                ///< whether the number of all keys is an argument
  llvm::DenseMap<Value, Value> flags; ///< of accumulators: which entries of the given state are there
  llvm::DenseSet<Value> shared;       ///< accumulators that need no flags of their own
};

/// What an argument or a result of the cascade, or a tensor of it, is called.
llvm::StringSet<> namesOf(func::FuncOp cascade) {
  llvm::StringSet<> names;
  for (unsigned i = 0; i < cascade.getNumArguments(); ++i)
    if (auto name = cascade.getArgAttrOfType<StringAttr>(i, kName))
      names.insert(name.getValue());
  for (unsigned i = 0; i < cascade.getNumResults(); ++i)
    if (auto name = cascade.getResultAttrOfType<StringAttr>(i, kName))
      names.insert(name.getValue());
  return names;
}
} // namespace

//===----------------------------------------------------------------------===//
// Whether
//===----------------------------------------------------------------------===//

/// Whether an extent, or an integer computed from extents, is another when there are more keys.
bool Resumer::dependsOnKeys(Value scalar) {
  if (scalar.getType().isIndex() && isKeys(scalar))
    return true;
  Operation *op = scalar.getDefiningOp();
  return op && op->getParentOp() == cascade && isa<arith::IndexCastOp, MapOp, RankOp>(op) &&
         llvm::any_of(op->getOperands(), [&](Value operand) { return dependsOnKeys(operand); });
}

bool Resumer::isInFinish(Operation *op) {
  while (op->getParentOp() != stream && op->getParentOp() != cascade)
    op = op->getParentOp();
  auto einsum = dyn_cast<EinsumOp>(op);
  return einsum && op->getParentOp() == stream && llvm::none_of(einsum.getCoords(), [&](Attribute name) {
           return llvm::is_contained(stream.getOver(), name);
         });
}

/// Of the coordinates that run over keys: the stream's own, and those of equations that hold each key by
/// itself.
LogicalResult Resumer::checkCoordinates(Operation *op) {
  for (Region &region : op->getRegions())
    for (BlockArgument coordinate : region.getArguments()) {
      Value extent = getExtent(coordinate);
      if (!extent || !dependsOnKeys(extent))
        continue;
      bool own = isKeys(extent);
      if (isa<AccumulateOp>(op) || op->getParentOp() == stream)
        own &= getCoordinateName(coordinate) == cast<StringAttr>(stream.getOver()[0]).getValue() &&
               !isInFinish(op);
      else
        own &= isa<EinsumOp>(op) && op->getParentOp() == cascade;
      if (own)
        continue;
      return op->emitError("the stream over ")
             << stream.getRankAttr() << " cannot be resumed: '" << getCoordinateName(coordinate)
             << "' runs over its keys too, and a call has only its own";
    }
  return success();
}

LogicalResult Resumer::checkRead(ReadOp read) {
  for (auto [k, index] : llvm::enumerate(read.getIndices())) {
    if (extents.ofDim(read.getSource(), k) != keys)
      continue;
    auto coordinate = dyn_cast<BlockArgument>(index);
    Value extent = coordinate ? getExtent(coordinate) : Value();
    if (!extent || !isKeys(extent))
      return read.emitError("the stream over ")
             << stream.getRankAttr()
             << " cannot be resumed: a key is read at another coordinate than its "
                "own, and may be of another call";
  }
  return success();
}

/// What is folded has to be told the number of all keys; a finish can do with that of those so far. No rank
/// can.
LogicalResult Resumer::checkNumberOfKeys(Operation *op) {
  bool inBody = op->getParentOp() != cascade && op->getParentOp() != stream;
  for (Value operand : op->getOperands()) {
    if (!operand.getType().isInteger() || !dependsOnKeys(operand))
      continue;
    if (isa<RankOp>(op))
      return op->emitError("the stream over ")
             << stream.getRankAttr()
             << " cannot be resumed: another rank's extent is made of the number of keys";
    isTold |= inBody && !isInFinish(op);
  }
  return success();
}

LogicalResult Resumer::check() {
  if (stream.getOver().size() != 1 || Extents::constant(keys))
    return stream.emitError("the stream over ")
           << stream.getRankAttr() << " cannot be resumed: its extent is fixed, leave it open";
  for (auto accumulate : stream.getBody().front().getOps<AccumulateOp>())
    if (!accumulate.getFrom().empty())
      return accumulate.emitError("the stream over ")
             << stream.getRankAttr() << " goes on from a state already";
  for (Value output : stream.getYield().getValues())
    if (auto accumulate = output.getDefiningOp<AccumulateOp>();
        accumulate && givesCoordinate(accumulate.getAccumulation()))
      return stream.emitError("the stream over ")
             << stream.getRankAttr() << " cannot be resumed: it yields the coordinate '"
             << accumulate.getName() << "' itself, expected an equation that reads it";
  LogicalResult result = success();
  cascade.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<GivenOp>(op))
      return WalkResult::skip();
    auto read = dyn_cast<ReadOp>(op);
    if (failed(checkCoordinates(op)) || failed(checkNumberOfKeys(op)) || (read && failed(checkRead(read)))) {
      result = failure();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (failed(result))
    return result;
  llvm::StringSet<> names = namesOf(cascade);
  for (StringRef suffix : {"_start", "_all"})
    if (names.contains((stream.getRank() + suffix).str()))
      return stream.emitError("there would be a param '")
             << stream.getRank() << suffix << "', which there is already; rename it";
  for (auto accumulate : stream.getBody().front().getOps<AccumulateOp>())
    for (StringRef suffix : {"_in", "_out", "_there_in", "_there_out", "_key_in", "_key_out"})
      if (names.contains((accumulate.getName() + suffix).str()))
        return stream.emitError("the state would have an argument '")
               << accumulate.getName() << suffix << "', which there is already; rename it";
  return success();
}

//===----------------------------------------------------------------------===//
// Keys are counted from the first call's first
//===----------------------------------------------------------------------===//

/// Promises about keys are of all keys, not of a call's.
void Resumer::forgetPromises() {
  for (auto given : llvm::make_early_inc_range(cascade.getOps<GivenOp>())) {
    bool ofKeys = false;
    given.walk([&](Operation *op) {
      for (Value operand : op->getOperands())
        ofKeys |= operand.getType().isIntOrIndex() && dependsOnKeys(operand);
      if (auto read = dyn_cast<ReadOp>(op))
        for (unsigned k = 0; k < read.getIndices().size(); ++k)
          ofKeys |= extents.ofDim(read.getSource(), k) == keys;
    });
    if (ofKeys)
      given.erase();
  }
}

/// A number of keys, after the rank's name.
Value Resumer::addParam(StringRef suffix, Attribute byDefault) {
  unsigned at = cascade.getNumArguments();
  SmallVector<NamedAttribute> attributes{b.getNamedAttr(kName, b.getStringAttr(stream.getRank() + suffix)),
                                         b.getNamedAttr(kType, TypeAttr::get(b.getI64Type()))};
  if (byDefault)
    attributes.push_back(b.getNamedAttr(kDefault, byDefault));
  (void)cascade.insertArgument(at, b.getI64Type(), b.getDictionaryAttr(attributes), cascade.getLoc());
  return cascade.getArgument(at);
}

/// A key's number is a value in predicates and scores, and as an index of what is no tensor of keys.
void Resumer::countFromStart() {
  SmallVector<BlockArgument> coordinates;
  cascade.walk([&](Operation *op) {
    if (isa<EinsumOp, AccumulateOp>(op))
      for (BlockArgument coordinate : op->getRegion(0).getArguments())
        if (isKeys(getExtent(coordinate)))
          coordinates.push_back(coordinate);
  });
  for (BlockArgument coordinate : coordinates) {
    SmallVector<OpOperand *> values;
    for (OpOperand &use : coordinate.getUses()) {
      auto read = dyn_cast<ReadOp>(use.getOwner());
      if (!read || extents.ofDim(read.getSource(), use.getOperandNumber() - 1) != keys)
        values.push_back(&use);
    }
    if (values.empty())
      continue;
    b.setInsertionPointToStart(coordinate.getOwner());
    Value number = MapOp::create(b, b.getI64Type(), Fn::Add, ValueRange{start, coordinate});
    for (OpOperand *use : values)
      use->set(number);
  }
}

void Resumer::countAllKeys() {
  SmallVector<arith::IndexCastOp> numbers;
  for (auto number : cascade.getOps<arith::IndexCastOp>())
    if (number.getIn().getType().isIndex() && isKeys(number.getIn()) && !number.use_empty())
      numbers.push_back(number);
  Value told = isTold ? addParam("_all", {}) : Value();
  for (arith::IndexCastOp number : numbers) {
    if (told) {
      number.getResult().replaceAllUsesWith(told);
      continue;
    }
    b.setInsertionPointAfter(number);
    auto all = MapOp::create(b, b.getI64Type(), Fn::Add, ValueRange{start, number});
    number.getResult().replaceAllUsesExcept(all, all);
  }
}

//===----------------------------------------------------------------------===//
// The state before
//===----------------------------------------------------------------------===//

ArrayAttr Resumer::ranksOf(AccumulateOp like) {
  SmallVector<Attribute> ranks;
  for (auto [name, extent] : llvm::zip(like.getCoords().getAsRange<StringAttr>(), like.getExtents())) {
    std::string known = extents.of(extent);
    StringRef rank = known;
    ranks.push_back(b.getStringAttr(rank.consume_front("rank ") ? rank.str() : name.getValue().upper()));
  }
  return b.getArrayAttr(ranks);
}

DictionaryAttr Resumer::describe(AccumulateOp like, const Twine &name, Attribute missing) {
  SmallVector<NamedAttribute> attributes{b.getNamedAttr(kName, b.getStringAttr(name)),
                                         b.getNamedAttr(kRanks, ranksOf(like))};
  if (missing)
    attributes.push_back(b.getNamedAttr(kDefault, missing));
  return b.getDictionaryAttr(attributes);
}

/// An input shaped like an accumulator, before the params.
Value Resumer::addInput(AccumulateOp like, const Twine &name, Type element, StringRef missing) {
  unsigned at = 0;
  while (isa<RankedTensorType>(cascade.getArgument(at).getType()))
    ++at;
  (void)cascade.insertArgument(at, like.getResult().getType().clone(element),
                               describe(like, name, b.getStringAttr(missing)), cascade.getLoc());
  return cascade.getArgument(at);
}

/// The given values where the flags say that they are there. A coordinate is counted from this call's first
/// key.
Value Resumer::emitBefore(AccumulateOp like, const Twine &name, Value values, Value flags,
                          ArrayAttr flagCoords, bool coordinate) {
  Type scalar = getScalarType(cast<RankedTensorType>(values.getType()).getElementType());
  return emitEquation(b, like, name, scalar, [&](ValueRange coordinates) -> Value {
    SmallVector<Value> at;
    ArrayAttr own = like.getCoords();
    for (Attribute flag : flagCoords)
      at.push_back(coordinates[llvm::find(own, flag) - own.begin()]);
    Value value = ReadOp::create(b, scalar, values, coordinates);
    if (coordinate)
      value = MapOp::create(b, scalar, Fn::Sub, ValueRange{value, start});
    return WhereOp::create(b, value, ReadOp::create(b, b.getI1Type(), flags, at));
  });
}

/// Whether a weighted sum is present exactly where its reference is: its factor always is, and its exponent
/// is the reference's. Then one flag does for both.
bool Resumer::hasPresenceOfReference(AccumulateOp op) {
  if (!op.getReference())
    return false;
  auto reference = op.getReference().getDefiningOp<AccumulateOp>();
  Presences presences(extents);
  Presence factor = presences.of(op.getYield().getValues()[0]);
  auto own = op.getYield().getValues()[1].getDefiningOp<ReadOp>();
  auto other = reference.getYield().getValues()[0].getDefiningOp<ReadOp>();
  if (!factor || !factor->empty() || !own || !other || own.getSource() != other.getSource() ||
      op.getOver() != reference.getOver())
    return false;
  return llvm::all_of(llvm::zip(own.getIndices(), other.getIndices()), [](auto pair) {
    auto x = dyn_cast<BlockArgument>(std::get<0>(pair)), y = dyn_cast<BlockArgument>(std::get<1>(pair));
    return x && y && getCoordinateName(x) == getCoordinateName(y);
  });
}

/// The extremum at an `argmax`'s coordinate, of all that is no NaN: what the next call compares with.
AccumulateOp Resumer::addExtremum(AccumulateOp op) {
  b.setInsertionPointAfter(op);
  Type body = op.getYield().getValues()[0].getType();
  bool largest = op.getAccumulation() == Accumulation::Argmax;
  auto extremum = AccumulateOp::create(
      b, op.getResult().getType().clone(body),
      AccumulationAttr::get(b.getContext(), largest ? Accumulation::Max : Accumulation::Min),
      b.getStringAttr(op.getName() + "_key"), op.getCoordsAttr(), op.getExtents(), op.getOverAttr(),
      op.getOverExtents(), Value(), ValueRange(), ArrayAttr(), StringAttr(),
      largest ? b.getUnitAttr() : UnitAttr());
  IRMapping mapping;
  op.getBody().cloneInto(&extremum.getBody(), mapping);
  YieldOp yield = extremum.getYield();
  b.setInsertionPoint(yield);
  Value value = yield.getValues()[0];
  Value number = MapOp::create(b, b.getI1Type(), Fn::Eq, ValueRange{value, value});
  yield.setOperand(0, WhereOp::create(b, value, number));
  return extremum;
}

void Resumer::takeState(AccumulateOp op) {
  StringRef name = op.getName();
  Type element = op.getResult().getType().getElementType();
  b.setInsertionPoint(stream);
  // Where nothing is given everything is 0: absent, or an `any` of nothing.
  Value values = addInput(op, name + "_in", element, element.isInteger(1) ? "false" : "0");
  if (op.getAccumulation() == Accumulation::Any) {
    shared.insert(op.getResult());
    op.getFromMutable().assign(values);
    return;
  }
  ArrayAttr flagCoords = op.getCoords();
  Value &flag = flags[op.getResult()];
  if (hasPresenceOfReference(op)) {
    flagCoords = *op.getReferenceCoords();
    flag = flags.lookup(op.getReference());
    shared.insert(op.getResult());
  } else {
    flag = addInput(op, name + "_there_in", b.getI1Type(), "false");
  }
  SmallVector<Value> from{
      emitBefore(op, name + "_before", values, flag, flagCoords, givesCoordinate(op.getAccumulation()))};
  if (givesCoordinate(op.getAccumulation())) {
    AccumulateOp extremum = addExtremum(op);
    takeState(extremum);
    from.push_back(extremum.getFrom()[0]);
  }
  op.getFromMutable().assign(from);
}

//===----------------------------------------------------------------------===//
// The state after
//===----------------------------------------------------------------------===//

void Resumer::addOutput(AccumulateOp like, const Twine &name, Value tensor) {
  auto whole = MaterializeOp::create(b, tensor.getType(), tensor);
  auto ret = cast<func::ReturnOp>(cascade.getBody().front().getTerminator());
  (void)cascade.insertResult(cascade.getNumResults(), whole.getType(), describe(like, name));
  ret.getOperandsMutable().append(whole.getResult());
}

/// The stream yields its accumulators too, and the cascade gives them away.
void Resumer::giveState() {
  SmallVector<AccumulateOp> accumulators(stream.getBody().front().getOps<AccumulateOp>());
  YieldOp yield = stream.getYield();
  SmallVector<Type> types(stream.getResultTypes());
  size_t outputs = types.size();
  for (AccumulateOp op : accumulators) {
    types.push_back(op.getResult().getType());
    yield.getValuesMutable().append(op.getResult());
    if (!givesCoordinate(op.getAccumulation()))
      continue;
    SmallVector<ReadOp> reads;
    for (Operation *user : op.getResult().getUsers())
      if (auto read = dyn_cast<ReadOp>(user))
        reads.push_back(read);
    for (ReadOp read : reads) { // the finish means the number of a key among all
      b.setInsertionPointAfter(read);
      auto number = MapOp::create(b, b.getI64Type(), Fn::Add, ValueRange{start, read});
      read.getResult().replaceAllUsesExcept(number, number);
    }
  }
  b.setInsertionPoint(stream);
  auto whole = StreamOp::create(b, types, stream.getRankAttr(), stream.getOverAttr(), stream.getExtents(),
                                stream.getMappingAttr(), stream.getCertificateAttr());
  whole.getBody().takeBody(stream.getBody());
  stream.replaceAllUsesWith(whole.getResults().take_front(outputs));
  stream.erase();
  stream = whole;
  b.setInsertionPoint(cascade.getBody().front().getTerminator());
  for (auto [op, result] : llvm::zip(accumulators, stream.getResults().drop_front(outputs))) {
    Type scalar = getScalarType(op.getResult().getType().getElementType());
    Value whole = result, state = result;
    auto read = [&](ValueRange at) -> Value { return ReadOp::create(b, scalar, whole, at); };
    if (givesCoordinate(op.getAccumulation()))
      state = emitEquation(b, op, op.getName() + "_after", scalar, [&](ValueRange at) -> Value {
        return MapOp::create(b, scalar, Fn::Add, ValueRange{start, read(at)});
      });
    addOutput(op, op.getName() + "_out", state);
    if (shared.contains(op.getResult()))
      continue;
    auto there = emitEquation(b, op, op.getName() + "_there", b.getI1Type(), [&](ValueRange at) -> Value {
      return NotOp::create(b, IsabsentOp::create(b, read(at)));
    });
    addOutput(op, op.getName() + "_there_out", there);
  }
}

void Resumer::run() {
  forgetPromises();
  start = addParam("_start", b.getStringAttr("0"));
  countFromStart();
  countAllKeys();
  for (AccumulateOp op : SmallVector<AccumulateOp>(stream.getBody().front().getOps<AccumulateOp>()))
    takeState(op);
  giveState();
}

//===----------------------------------------------------------------------===//
// Several streams
//===----------------------------------------------------------------------===//

static bool isResumed(StreamOp stream) {
  return llvm::any_of(stream.getBody().front().getOps<AccumulateOp>(),
                      [](AccumulateOp op) { return !op.getFrom().empty(); });
}

/// Whether what `stream` folds is made of results of `other`, its finish left aside.
static bool folds(StreamOp stream, StreamOp other) {
  llvm::SetVector<Operation *> work;
  for (Operation &op : stream.getBody().front())
    if (auto einsum = dyn_cast<EinsumOp>(op);
        isa<AccumulateOp>(op) || (einsum && llvm::is_contained(einsum.getCoords(), stream.getOver()[0])))
      work.insert(&op);
  for (unsigned k = 0; k < work.size(); ++k) {
    if (work[k] == other)
      return true;
    work[k]->walk([&](Operation *inside) {
      for (Value operand : inside->getOperands())
        if (Operation *producer = operand.getDefiningOp(); producer && isa<TensorType>(operand.getType()))
          work.insert(producer);
    });
  }
  return false;
}

/// The stream whose keys have all to be there before what another folds is known; null: they go on side by
/// side.
static LogicalResult checkApart(StreamOp stream, StreamOp other) {
  for (auto [first, second] : {std::pair(other, stream), std::pair(stream, other)})
    if (folds(second, first))
      return stream.emitError("the stream over ")
             << stream.getRankAttr() << " cannot be resumed: that over " << second.getRankAttr()
             << " folds what that over " << first.getRankAttr() << " gives after its last key";
  return success();
}

/// Makes names of the state differ from those of other streams.
static void renameState(StreamOp stream) {
  llvm::StringSet<> taken;
  for (auto other : stream->getParentOfType<func::FuncOp>().getOps<StreamOp>())
    if (other != stream)
      for (auto op : other.getBody().front().getOps<AccumulateOp>())
        taken.insert(op.getName());
  for (auto op : stream.getBody().front().getOps<AccumulateOp>())
    if (taken.contains(op.getName()))
      op.setName((op.getName() + "_" + stream.getRank()).str());
}

namespace {
struct ResumeStreams : weir::impl::ResumeStreamsBase<ResumeStreams> {
  using ResumeStreamsBase::ResumeStreamsBase;
  void runOnOperation() override;

private:
  LogicalResult resume(StreamOp stream);
};
} // namespace

LogicalResult ResumeStreams::resume(StreamOp stream) {
  for (auto other : getOperation().getOps<StreamOp>())
    if (other != stream && isResumed(other) && failed(checkApart(stream, other)))
      return failure();
  renameState(stream);
  Resumer resumer(getOperation(), stream);
  if (failed(resumer.check()))
    return failure();
  resumer.run();
  return success();
}

void ResumeStreams::runOnOperation() {
  func::FuncOp cascade = getOperation();
  if (!isCascade(cascade) || cascade.isExternal())
    return;
  SmallVector<StreamOp> streams(cascade.getOps<StreamOp>());
  for (const std::string &rank : ranks)
    if (llvm::none_of(streams, [&](StreamOp stream) { return stream.getRank() == rank; })) {
      cascade.emitError("no state to go on from over '")
          << rank << "': its keys are not folded in one traversal";
      return signalPassFailure();
    }
  if (streams.empty()) {
    cascade.emitError("no state to go on from: the cascade has no stream, expected one");
    return signalPassFailure();
  }
  // The one with the most state is what is meant by keys; a statistic of features is not.
  auto sizeOf = [](StreamOp stream) {
    size_t size = 0;
    for (auto op : stream.getBody().front().getOps<AccumulateOp>())
      size += op.getCoords().size() + 1;
    return size;
  };
  auto *most = llvm::max_element(streams, [&](StreamOp a, StreamOp b) { return sizeOf(a) < sizeOf(b); });
  std::rotate(streams.begin(), most, std::next(most));
  for (StreamOp stream : streams) {
    if (!ranks.empty() && !llvm::is_contained(ranks, stream.getRank()))
      continue;
    bool mayFail = ranks.empty() && llvm::any_of(cascade.getOps<StreamOp>(), isResumed);
    auto quiet = [](Diagnostic &) { return success(); };
    std::optional<ScopedDiagnosticHandler> handler;
    if (mayFail)
      handler.emplace(&getContext(), quiet);
    if (failed(resume(stream)) && !mayFail)
      return signalPassFailure();
  }
}
