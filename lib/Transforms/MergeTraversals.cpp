//===- MergeTraversals.cpp - several traversals of a rank become one ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Carries out what deriveStreaming() derives, on a copy of the cascade. The stream is built beside the
// equations as they stand; then the outputs change over, and equations that nobody reads any more go. The
// copy takes the cascade's place only where all of the derivation could be said in ops.
#include "lib/Transforms/BalanceExponentials.h"
#include "lib/Transforms/TreeEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Analysis/StreamCost.h"
#include "weir/Analysis/Streaming.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"
#include <map>

namespace weir {
#define GEN_PASS_DEF_MERGETRAVERSALS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;
using namespace weir::attn;

namespace {
using Names = std::vector<std::string>;

class Merger {
public:
  Merger(CascadeModel &model, const Streaming &streaming)
      : model(model), streaming(streaming), b(model.function.getLoc(), model.function.getContext()) {}
  /// Whether the cascade has been rewritten; if not, it is of no use any more.
  bool run();

private:
  bool isSupported() const;
  bool isOnlyStored(const CascadeModel::Tensor &tensor) const;
  void placeOutputsLast();
  void bindTensors();
  void bindExtents();
  void bindExtent(const Tree *tree, Value extent);
  Value extentOf(StringRef coordinate);
  SmallVector<Value> extentsOf(const Names &coords);
  ArrayAttr namesOf(const Names &coords) { return namesOf(ArrayRef<std::string>(coords)); }
  ArrayAttr namesOf(ArrayRef<std::string> coords);
  RankedTensorType typeOf(const Names &coords, ValueRange extents, Type element);
  bool defineParts(const Tree *tree);
  bool definePart(const Finish &part);
  bool isNeeded(const Finish &output) const;
  bool readsAccumulator(const Tree *tree) const;
  EinsumOp emitEquation(StringRef name, const Names &coords, const Tree *value, ScalarKind kind,
                        const Tree *presence, Type element = {});
  bool emitExponent(const Accumulator &accumulator, const Tree *exponent);
  bool emitAccumulator(const Accumulator &accumulator);
  bool emitBody();
  bool emitFinish();
  void changeOver();
  void moveIn(StreamOp stream);
  bool mayMoveIn(EinsumOp einsum, StreamOp stream, ArrayRef<Attribute> rows) const;
  void eraseUnread();

  CascadeModel &model;
  const Streaming &streaming;
  ImplicitLocOpBuilder b;
  TreeScope scope;
  llvm::StringMap<const Finish *> parts;
  llvm::StringSet<> accumulators;
  llvm::StringMap<Value> originals; ///< tensors as the function defines them
  std::map<std::pair<const Tree *, const Tree *>, const Tree *> exponents;
  SmallVector<std::pair<const Finish *, Value>> finished;
  StreamOp stream;
};
} // namespace

//===----------------------------------------------------------------------===//
// Whether
//===----------------------------------------------------------------------===//

bool Merger::readsAccumulator(const Tree *tree) const {
  if (tree->is(TreeKind::Read) && accumulators.contains(tree->text))
    return true;
  return llvm::any_of(tree->args, [&](const Tree *arg) { return readsAccumulator(arg); });
}

bool Merger::isNeeded(const Finish &output) const {
  return readsAccumulator(output.value) || readsAccumulator(output.presence);
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
    if (isNeeded(carried))
      return false;
  return llvm::any_of(streaming.outputs, [&](const Finish &output) { return isNeeded(output); });
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

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

void Merger::bindTensors() {
  for (auto [i, name] : llvm::enumerate(model.inputs))
    scope.tensors[name] = model.function.getArgument(i);
  unsigned first = model.inputs.size();
  for (unsigned i = first; i < model.function.getNumArguments(); ++i)
    if (auto name = model.function.getArgAttrOfType<StringAttr>(i, kName))
      scope.params[name.getValue()] = model.function.getArgument(i);
  for (const CascadeModel::Equation &equation : model.equations) {
    Value value = equation.op->getResult(0);
    for (size_t loops = equation.loops.size(); value && loops-- > 0;) {
      auto recurrence = cast<RecurrenceOp>(equation.loops[loops].op);
      Value outer;
      for (auto [inner, result] : llvm::zip(recurrence.getYield().getValues(), recurrence.getResults()))
        if (inner == value)
          outer = result;
      value = outer;
    }
    if (value)
      scope.tensors[equation.name] = value;
  }
  originals = scope.tensors;
  for (const auto &entry : scope.tensors)
    scope.wide |= cast<RankedTensorType>(entry.getValue().getType()).getElementType().isF64();
  for (const auto &entry : scope.params)
    scope.wide |= entry.getValue().getType().isF64();
}

void Merger::bindExtent(const Tree *tree, Value extent) {
  if (!tree || scope.extents.count(tree))
    return;
  scope.extents[tree] = extent;
  if (tree->is(TreeKind::Extent))
    scope.scalars[tree] = arith::IndexCastOp::create(b, b.getI64Type(), extent);
}

/// Every extent has a value at the function's level: that of an equation, or an input's dimension.
void Merger::bindExtents() {
  for (const CascadeModel::Equation &equation : model.equations) {
    const CascadeModel::Tensor *tensor = model.getTensor(equation.name);
    ValueRange extents;
    if (auto einsum = dyn_cast<EinsumOp>(equation.op))
      extents = einsum.getExtents();
    else
      extents = cast<ArgtopkOp>(equation.op).getExtents();
    for (auto [tree, value] : llvm::zip(tensor->extents, extents))
      if (Operation *definition = value.getDefiningOp();
          !definition || definition->getParentOp() == model.function)
        bindExtent(tree, value);
  }
  for (const std::string &name : model.inputs) {
    Value input = scope.tensors.lookup(name);
    for (auto [i, tree] : llvm::enumerate(model.getTensor(name)->extents)) {
      if (scope.extents.count(tree))
        continue;
      Value index = arith::ConstantIndexOp::create(b, i);
      bindExtent(tree, tensor::DimOp::create(b, input, index));
    }
  }
  for (const auto &entry : model.rankExtents)
    if (entry.getValue()->getInteger() && !scope.extents.count(entry.getValue()))
      bindExtent(entry.getValue(), arith::ConstantIndexOp::create(b, *entry.getValue()->getInteger()));
}

Value Merger::extentOf(StringRef coordinate) {
  const Tree *extent = model.getExtent(coordinate);
  return extent ? scope.extents.lookup(extent) : Value();
}

SmallVector<Value> Merger::extentsOf(const Names &coords) {
  SmallVector<Value> extents;
  for (const std::string &coordinate : coords)
    extents.push_back(extentOf(coordinate));
  return extents;
}

ArrayAttr Merger::namesOf(ArrayRef<std::string> coords) {
  SmallVector<Attribute> names;
  for (const std::string &coordinate : coords)
    names.push_back(b.getStringAttr(toIRName(coordinate)));
  return b.getArrayAttr(names);
}

RankedTensorType Merger::typeOf(const Names &coords, ValueRange extents, Type element) {
  SmallVector<int64_t> shape(coords.size(), ShapedType::kDynamic);
  for (auto [dimension, extent] : llvm::zip(shape, extents))
    if (auto constant = extent.getDefiningOp<arith::ConstantIndexOp>())
      dimension = constant.value();
  return RankedTensorType::get(shape, element);
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

/// Null where the trees cannot be said; a half-made equation is erased.
EinsumOp Merger::emitEquation(StringRef name, const Names &coords, const Tree *value, ScalarKind kind,
                              const Tree *presence, Type element) {
  SmallVector<Value> extents = extentsOf(coords);
  if (llvm::is_contained(extents, Value()))
    return {};
  Type real = scope.wide ? Type(b.getF64Type()) : Type(b.getF32Type());
  Type scalar = kind == ScalarKind::Real   ? real
                : kind == ScalarKind::Bool ? Type(b.getI1Type())
                                           : b.getI64Type();
  auto einsum = EinsumOp::create(b, typeOf(coords, extents, element ? element : scalar),
                                 b.getStringAttr(name), namesOf(coords), extents, Attribute());
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(coords.size(), b.getI64Type());
  Block *block =
      b.createBlock(&einsum.getBody(), {}, types, SmallVector<Location>(coords.size(), b.getLoc()));
  TreeEmitter emitter(b, model, scope);
  for (auto [coordinate, argument] : llvm::zip(coords, block->getArguments()))
    emitter.bind(coordinate, argument);
  Value result = emitter.emit(value, kind);
  if (result)
    result = emitter.emitWhere(result, presence);
  if (!result) {
    einsum.erase();
    return {};
  }
  YieldOp::create(b, result);
  return einsum;
}

/// Reductions inside expressions that a tree reads, directly or through others, become equations here: in the
/// stream's body, since accumulators read them.
bool Merger::defineParts(const Tree *tree) {
  if (tree->is(TreeKind::Read))
    if (const Finish *part = parts.lookup(tree->text); part && !scope.tensors.count(tree->text))
      if (!definePart(*part))
        return false;
  return llvm::all_of(tree->args, [&](const Tree *arg) { return defineParts(arg); });
}

bool Merger::definePart(const Finish &part) {
  if (!defineParts(part.value) || !defineParts(part.presence))
    return false;
  OpBuilder::InsertionGuard guard(b);
  if (stream && !llvm::is_contained(part.coords, streaming.coordinate))
    b.setInsertionPoint(stream); // what the stream's tiles share is computed before it
  EinsumOp einsum = emitEquation(part.tensor, part.coords, part.value, part.value->scalar, part.presence);
  if (!einsum)
    return false;
  scope.tensors[part.tensor] = einsum.getResult();
  return true;
}

/// The exponent with its domain as an equation, which a reference and the sums relative to it share.
bool Merger::emitExponent(const Accumulator &accumulator, const Tree *exponent) {
  const Tree *&read = exponents[{exponent, accumulator.domain}];
  if (read)
    return true;
  std::vector<StringRef> free = freeCoordinates(exponent);
  for (StringRef coordinate : freeCoordinates(accumulator.domain))
    if (!llvm::is_contained(free, coordinate))
      free.push_back(coordinate);
  Names coords;
  for (StringRef coordinate : free)
    if (coordinate != streaming.coordinate)
      coords.push_back(coordinate.str());
  coords.push_back(streaming.coordinate);
  std::string name = "$E" + std::to_string(exponents.size());
  EinsumOp einsum =
      emitEquation(StringRef(name).drop_front(), coords, exponent, ScalarKind::Real, accumulator.domain);
  if (!einsum)
    return false;
  scope.tensors[name] = einsum.getResult();
  SmallVector<const Tree *> indices;
  for (const std::string &coordinate : coords)
    indices.push_back(model.arena->coordinate(coordinate));
  read = model.arena->get(TreeKind::Read, ScalarKind::Real, name, indices);
  return true;
}

bool Merger::emitAccumulator(const Accumulator &a) {
  Accumulation op = *symbolizeAccumulation(a.op);
  bool isRef = op == Accumulation::Ref, weighted = a.exponent;
  if (!defineParts(a.body) || !defineParts(a.domain) || (weighted && !defineParts(a.exponent)))
    return false;
  const Tree *exponent = isRef ? a.body : a.exponent;
  if (exponent && !emitExponent(a, exponent))
    return false;
  Names over{streaming.coordinate};
  over.insert(over.end(), a.inner.begin(), a.inner.end());
  SmallVector<Value> extents = extentsOf(a.coords), overExtents = extentsOf(over);
  if (llvm::is_contained(extents, Value()) || llvm::is_contained(overExtents, Value()))
    return false;
  bool isArg = op == Accumulation::Argmax || op == Accumulation::Argmin;
  bool logical = op == Accumulation::Any || op == Accumulation::All;
  ScalarKind kind = logical ? ScalarKind::Bool : exponent ? ScalarKind::Real : a.body->scalar;
  if ((isArg && over.size() != 1) || (kind == ScalarKind::Bool && !logical))
    return false;
  Type real = scope.wide ? Type(b.getF64Type()) : Type(b.getF32Type());
  Type element = logical                                ? Type(b.getI1Type())
                 : isArg || kind == ScalarKind::Integer ? Type(b.getI64Type())
                                                        : real;
  Value reference;
  ArrayAttr referenceCoords;
  if (weighted) {
    reference = scope.tensors.lookup(a.reference);
    auto other =
        llvm::find_if(streaming.accumulators, [&](const Accumulator &r) { return r.name == a.reference; });
    if (!reference || other == streaming.accumulators.end() ||
        !llvm::all_of(other->coords, [&](const std::string &c) { return llvm::is_contained(a.coords, c); }))
      return false;
    referenceCoords = namesOf(other->coords);
  }
  auto lam = weighted && a.lam != "1" ? b.getStringAttr(a.lam) : StringAttr();
  auto accumulate = AccumulateOp::create(
      b, typeOf(a.coords, extents, element), AccumulationAttr::get(b.getContext(), op),
      b.getStringAttr(StringRef(a.name).ltrim('$')), namesOf(a.coords), extents, namesOf(over), overExtents,
      reference, referenceCoords, lam, op == Accumulation::Max ? b.getUnitAttr() : UnitAttr());
  scope.tensors[a.name] = accumulate.getResult();
  OpBuilder::InsertionGuard guard(b);
  unsigned arguments = a.coords.size() + over.size();
  Block *block = b.createBlock(&accumulate.getBody(), {}, SmallVector<Type>(arguments, b.getI64Type()),
                               SmallVector<Location>(arguments, b.getLoc()));
  TreeEmitter emitter(b, model, scope);
  for (auto [i, coordinate] : llvm::enumerate(a.coords))
    emitter.bind(coordinate, block->getArgument(i));
  for (auto [i, coordinate] : llvm::enumerate(over))
    emitter.bind(coordinate, block->getArgument(a.coords.size() + i));
  const Tree *shared = exponent ? exponents[{exponent, a.domain}] : nullptr;
  SmallVector<Value> values{emitter.emit(isRef ? shared : a.body, kind)};
  if (weighted)
    values.push_back(emitter.emit(shared));
  else if (!isRef && values[0])
    values[0] = emitter.emitWhere(values[0], a.domain);
  if (llvm::is_contained(values, Value()))
    return false;
  YieldOp::create(b, values);
  return true;
}

//===----------------------------------------------------------------------===//
// The stream
//===----------------------------------------------------------------------===//

bool Merger::emitFinish() {
  for (const Finish &output : streaming.outputs) {
    if (!isNeeded(output))
      continue;
    Value original = originals.lookup(output.tensor);
    const CascadeModel::Tensor *tensor = model.getTensor(output.tensor);
    if (!original || !tensor || !defineParts(output.value) || !defineParts(output.presence))
      return false;
    auto type = cast<RankedTensorType>(original.getType());
    Type element = getScalarType(type.getElementType());
    if (scope.wide && isa<FloatType>(element))
      element = b.getF64Type();
    type = RankedTensorType::get(type.getShape(), element);
    ScalarKind kind = isa<FloatType>(element) ? ScalarKind::Real
                      : element.isInteger(1)  ? ScalarKind::Bool
                                              : ScalarKind::Integer;
    const Tree *value = balanceExponentials(output.value, *model.arena, [&](StringRef name) {
      return llvm::any_of(streaming.accumulators,
                          [&](const Accumulator &a) { return a.name == name && a.op == "ref"; });
    });
    EinsumOp einsum = emitEquation(output.tensor, output.coords, value, kind, output.presence, element);
    if (!einsum)
      return false;
    einsum.getResult().setType(type);
    finished.push_back({&output, einsum.getResult()});
  }
  return true;
}

bool Merger::emitBody() {
  for (const Accumulator &accumulator : streaming.accumulators)
    if (!emitAccumulator(accumulator))
      return false;
  return emitFinish();
}

/// The parts that no state needs stand before the stream; those that carry its coordinate are of its body,
/// which is sorted: equations that carry the coordinate, accumulators, the finish.
static void sortBody(Block &block, StringAttr coordinate) {
  auto stage = [&](Operation &op) {
    if (isa<AccumulateOp>(op))
      return 1;
    auto einsum = dyn_cast<EinsumOp>(op);
    return !einsum ? 3 : llvm::is_contained(einsum.getCoords(), coordinate) ? 0 : 2;
  };
  for (int k = 1; k < 4; ++k) {
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      if (stage(op) == k)
        ops.push_back(&op);
    for (Operation *op : ops)
      op->moveBefore(&block, block.end());
  }
}

/// The coordinates of a row: those that every component of the state has, and with them some equation that
/// carries the stream's coordinate. A feature of a sum is none of them, even where there is no other sum.
static SmallVector<Attribute> rowsOf(StreamOp stream, ArrayRef<EinsumOp> equations) {
  std::optional<SmallVector<Attribute>> rows;
  for (auto accumulate : stream.getBody().front().getOps<AccumulateOp>()) {
    auto coords = accumulate.getCoords();
    if (!rows && !coords.empty())
      rows = SmallVector<Attribute>(coords.begin(), coords.end());
    else if (!coords.empty())
      llvm::erase_if(*rows, [&](Attribute c) { return !llvm::is_contained(coords, c); });
  }
  if (!rows)
    return {};
  llvm::erase_if(*rows, [&](Attribute c) {
    return llvm::none_of(equations, [&](EinsumOp equation) {
      return llvm::is_contained(equation.getCoords(), stream.getOver()[0]) &&
             llvm::is_contained(equation.getCoords(), c);
    });
  });
  return *rows;
}

/// Whether the equation carries the stream's coordinate, is read inside the stream only, and there at that
/// very coordinate, so that a tile of it is all that a tile of the stream needs.
bool Merger::mayMoveIn(EinsumOp einsum, StreamOp stream, ArrayRef<Attribute> rows) const {
  auto name = stream.getOver()[0];
  auto at = llvm::find(einsum.getCoords(), name);
  if (at == einsum.getCoords().end() || einsum.getResult().use_empty())
    return false;
  unsigned dim = at - einsum.getCoords().begin();
  if (einsum.getExtents()[dim] != stream.getExtents()[0])
    return false;
  if (!llvm::all_of(rows, [&](Attribute row) { return llvm::is_contained(einsum.getCoords(), row); }))
    return false; // what all rows share, as projected keys, is computed once
  return llvm::all_of(einsum.getResult().getUsers(), [&](Operation *user) {
    auto read = dyn_cast<ReadOp>(user);
    if (!read || !stream->isProperAncestor(read))
      return false;
    auto index = dyn_cast<BlockArgument>(read.getIndices()[dim]);
    if (!index)
      return false;
    Operation *owner = index.getOwner()->getParentOp();
    if (auto inner = dyn_cast<EinsumOp>(owner))
      return inner.getCoords()[index.getArgNumber()] == name;
    if (auto accumulate = dyn_cast<AccumulateOp>(owner)) {
      unsigned kept = accumulate.getCoords().size();
      return index.getArgNumber() >= kept && accumulate.getOver()[index.getArgNumber() - kept] == name;
    }
    return false;
  });
}

void Merger::moveIn(StreamOp stream) {
  Block &block = stream.getBody().front();
  SmallVector<EinsumOp> before;
  for (auto einsum : model.function.getBody().front().getOps<EinsumOp>())
    before.push_back(einsum);
  llvm::append_range(before, block.getOps<EinsumOp>());
  SmallVector<Attribute> rows = rowsOf(stream, before);
  for (EinsumOp einsum : llvm::reverse(before))
    if (einsum->getParentOp() != stream && mayMoveIn(einsum, stream, rows))
      einsum->moveBefore(&block, block.begin());
}

void Merger::eraseUnread() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(model.function.getBody().front())))
    if (isa<EinsumOp, ArgtopkOp, arith::IndexCastOp, arith::ConstantIndexOp, tensor::DimOp>(op) &&
        op.use_empty())
      op.erase();
}

void Merger::changeOver() {
  SmallVector<Value> values;
  SmallVector<Type> types;
  for (auto &[output, value] : finished) {
    values.push_back(value);
    types.push_back(value.getType());
  }
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&stream.getBody().front());
  YieldOp::create(b, values);
  sortBody(stream.getBody().front(), b.getStringAttr(toIRName(streaming.coordinate)));
  b.setInsertionPoint(stream);
  auto whole = StreamOp::create(b, types, stream.getRankAttr(), stream.getOverAttr(), stream.getExtents(),
                                Attribute());
  whole.getBody().takeBody(stream.getBody());
  stream.erase();
  for (auto [entry, result] : llvm::zip(finished, whole.getResults())) {
    Value original = originals.lookup(entry.first->tensor);
    original.replaceUsesWithIf(result, [](OpOperand &use) { return isa<MaterializeOp>(use.getOwner()); });
  }
  eraseUnread();
  moveIn(whole);
}

bool Merger::run() {
  for (const Accumulator &accumulator : streaming.accumulators)
    accumulators.insert(accumulator.name);
  bindTensors();
  if (!isSupported())
    return false;
  for (const Finish &part : streaming.parts)
    parts[part.tensor] = &part;
  placeOutputsLast();
  bindExtents();
  Value extent = extentOf(streaming.coordinate);
  Names over{streaming.coordinate};
  if (!extent)
    return false;
  stream = StreamOp::create(b, TypeRange(), b.getStringAttr(streaming.rank), namesOf(over),
                            ValueRange{extent}, Attribute());
  {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&stream.getBody());
    if (!emitBody())
      return false;
  }
  changeOver();
  return true;
}

//===----------------------------------------------------------------------===//
// Whether it is worth it
//===----------------------------------------------------------------------===//

/// The tensors whose equations stand in the function itself, not in a stream.
static llvm::StringSet<> equationsOf(func::FuncOp cascade) {
  llvm::StringSet<> names;
  for (const CascadeModel::Equation &equation : CascadeModel(cascade).equations)
    names.insert(equation.name);
  return names;
}

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
  llvm::StringSet<> gone = equationsOf(getOperation());
  for (const auto &left : equationsOf(merged))
    gone.erase(left.getKey());
  std::optional<StreamCost> cost = predictStream(getOperation(), gone, *plan, extents, target);
  bool wanted = when == "always" || (when == "cheaper" && (!cost || cost->prefersTiles()));
  if (cost)
    choices.push_back(toAttribute(*cost, over, wanted, /*forced=*/when != "cheaper", &getContext()));
  return wanted;
}

void MergeTraversals::runOnOperation() {
  func::FuncOp function = getOperation();
  if (!isCascade(function) || function.isExternal())
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
    if (!(fewer || tiled) || !Merger(model, streaming).run() || (tiled && !isWanted(*copy, name, choices)))
      continue;
    function.getBody().takeBody(copy->getBody());
    break;
  }
  if (!choices.empty())
    function->setAttr(kStreamChoices, ArrayAttr::get(&getContext(), choices));
}
