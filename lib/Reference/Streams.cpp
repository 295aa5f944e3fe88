//===- Streams.cpp - the state of a traversal, tile by tile ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A state has one value for every entry of every accumulator. That of a tile is computed by itself, as if the
// rank had no other coordinates; the merge of two states follows from the accumulators' fields: references
// first, since weighted sums are moved to the merged reference before they are added.
#include "dialects/Mapping/MappingDialect.h"
#include "lib/Reference/Machine.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::reference;
using weir::attn::Accumulation;
using weir::attn::Fn;
using weir::attn::Reduction;

/// How far an exponent may be above a lazy reference; exp of it stays far inside the range of f32.
static constexpr long double kLazyMargin = 8;

namespace {
/// An accumulator, compiled.
struct Component {
  attn::AccumulateOp op;
  Equation factor, exponent;         ///< the exponent only of a weighted sum
  SmallVector<int64_t> kept, over;   ///< extents
  SmallVector<unsigned> streamed;    ///< positions in `over` of the stream's coordinates, in their order
  int reference = -1;                ///< index of the component
  SmallVector<unsigned> referenceAt; ///< positions in `kept` of the reference's coordinates
  Reduction reduction{};
  Kind result = Kind::Real;
  bool isRef = false;
  reference::Value lam;
  bool isArg() const { return givesCoordinate(reduction); }
};

/// A value, and of argmax and argmin also the extremum.
struct Entry {
  reference::Value value, key;
};
using State = std::vector<std::vector<Entry>>; ///< by component, row-major

class StreamFold {
public:
  StreamFold(attn::StreamOp stream, Machine &machine, const InterpreterOptions &options,
             const DenseMap<mlir::Value, reference::Value> &scalars,
             const DenseMap<mlir::Value, Table *> &tables);
  State run();

private:
  void compile(attn::AccumulateOp op);
  State tileOf(int64_t begin, int64_t end);
  State given();
  Entry reduceTile(Component &component, const State &state, ArrayRef<int64_t> kept, int64_t begin,
                   int64_t end);
  reference::Value weight(const Component &component, const reference::Value &exponent,
                          const reference::Value &reference);
  void addRounding(const Component &component, reference::Value &value, long double factor);
  State merge(const State &a, const State &b);
  State mergeTree(ArrayRef<State> states);
  Entry mergeArgs(const Component &component, const Entry &a, const Entry &b);
  Entry mergeEntries(const Component &component, const Entry &a, const Entry &b);
  const reference::Value &referenceOf(const Component &component, const State &state, ArrayRef<int64_t> kept);
  SmallVector<int64_t> extentsOf(ValueRange values) { return reference::extentsOf(values, scalars); }

  attn::StreamOp stream;
  Machine &machine;
  const InterpreterOptions &options;
  const DenseMap<mlir::Value, reference::Value> &scalars;
  const DenseMap<mlir::Value, Table *> &tables;
  std::deque<Component> components;
};
} // namespace

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

static int64_t product(ArrayRef<int64_t> extents) {
  int64_t size = 1;
  for (int64_t extent : extents)
    size *= extent;
  return size;
}

static SmallVector<int64_t> pointAt(int64_t index, ArrayRef<int64_t> extents) {
  SmallVector<int64_t> point(extents.size());
  for (size_t i = extents.size(); i-- > 0; index /= extents[i])
    point[i] = index % extents[i];
  return point;
}

//===----------------------------------------------------------------------===//
// Components
//===----------------------------------------------------------------------===//

/// `3`, `1/8`: a positive rational.
static reference::Value parseRational(StringRef text) {
  auto [above, below] = text.split('/');
  reference::Value value = parseLiteral(above, Kind::Real, true);
  if (!below.empty())
    value.real /= parseLiteral(below, Kind::Real, true).real;
  return value;
}

StreamFold::StreamFold(attn::StreamOp stream, Machine &machine, const InterpreterOptions &options,
                       const DenseMap<mlir::Value, reference::Value> &scalars,
                       const DenseMap<mlir::Value, Table *> &tables)
    : stream(stream), machine(machine), options(options), scalars(scalars), tables(tables) {
  for (auto op : stream.getBody().front().getOps<attn::AccumulateOp>())
    compile(op);
}

void StreamFold::compile(attn::AccumulateOp op) {
  Component &component = components.emplace_back();
  component.op = op;
  component.kept = extentsOf(op.getExtents());
  component.over = extentsOf(op.getOverExtents());
  component.reduction = attn::getReduction(op.getAccumulation());
  component.isRef = op.getAccumulation() == Accumulation::Ref;
  component.result = kindOf(op.getResult().getType().getElementType());
  for (Attribute name : stream.getOver())
    component.streamed.push_back(llvm::find(op.getOver(), name) - op.getOver().begin());
  SmallVector<int64_t> extents(component.kept);
  llvm::append_range(extents, component.over);
  Block &block = op.getBody().front();
  Equation *equations[] = {&component.factor, &component.exponent};
  for (auto [equation, value] : llvm::zip(equations, op.getYield().getValues())) {
    equation->name = op.getName().str();
    for (ArrayAttr names : {op.getCoords(), op.getOver()})
      for (auto name : names.getAsRange<StringAttr>())
        equation->coords.push_back(name.str());
    equation->extents.assign(extents.begin(), extents.end());
    BodyCompiler(*equation, scalars, tables).compile(block, extents, value);
  }
  if (!op.getReference())
    return;
  for (auto [i, other] : llvm::enumerate(components))
    if (other.op.getResult() == op.getReference())
      component.reference = i;
  ArrayAttr at = *op.getReferenceCoords();
  for (Attribute name : at)
    component.referenceAt.push_back(llvm::find(op.getCoords(), name) - op.getCoords().begin());
  component.lam = parseRational(op.getLam().value_or("1"));
}

//===----------------------------------------------------------------------===//
// One tile
//===----------------------------------------------------------------------===//

/// The reference in a state at the coordinates that the component reads it at.
const reference::Value &StreamFold::referenceOf(const Component &component, const State &state,
                                                ArrayRef<int64_t> kept) {
  const Component &reference = components[component.reference];
  int64_t entry = 0;
  for (auto [at, extent] : llvm::zip(component.referenceAt, reference.kept))
    entry = entry * extent + kept[at];
  return state[component.reference][entry].value;
}

/// exp(lam * (exponent - reference)), the reference brought into the finite numbers.
reference::Value StreamFold::weight(const Component &component, const reference::Value &exponent,
                                    const reference::Value &reference) {
  if (!exponent.present || !reference.present)
    return {};
  bool wide = component.factor.body->wide || component.exponent.body->wide;
  bool bounds = options.errorBounds && !exponent.undecided() && !reference.undecided();
  reference::Value finite = reference;
  long double bottom = wide ? std::numeric_limits<double>::lowest()
                            : static_cast<long double>(std::numeric_limits<float>::lowest());
  finite.real = std::clamp(finite.real, bottom, std::numeric_limits<long double>::max());
  auto apply = [&](Fn fn, ArrayRef<reference::Value> operands) {
    return applyMap(fn, Kind::Real, Kind::Real, wide, operands, bounds);
  };
  reference::Value power = apply(Fn::Sub, {exponent, finite});
  if (component.lam.real != 1)
    power = apply(Fn::Mul, {component.lam, power});
  reference::Value result = apply(Fn::Exp, {power});
  if (exponent.undecided() || reference.undecided())
    result.error = kUndecided;
  return result;
}

/// A reference as its tensor's type holds it: any value is a valid reference, but a state that is stored and gone on
/// from must hold the one that its sums were scaled by.
static long double inTypeOf(attn::AccumulateOp op, long double reference) {
  ElementType type = *fromMLIR(op.getResult().getType().getElementType());
  long double rounded = roundTo(reference, type);
  return std::isinf(rounded) ? reference : rounded;
}

/// A factor is off by half a unit of the last place, u, of itself; two of them make (1 + u)^2 - 1.
double weir::reference::roundingOfFactors(Operation *product) {
  auto type = product->getAttrOfType<TypeAttr>(mapping::kRoundedAttr);
  if (!type)
    return 0;
  double unit = ldexp(1, -int(llvm::APFloat::semanticsPrecision(cast<FloatType>(type.getValue()).getFloatSemantics())));
  return mapping::isRoundedToTF32(product) ? (2 + unit) * unit : unit;
}

/// Where a kernel rounds the factors of a term: an error relative to it, or of the smallest number.
void StreamFold::addRounding(const Component &component, reference::Value &value, long double factor) {
  auto type = component.op->getAttrOfType<TypeAttr>(mapping::kRoundedAttr);
  if (!type || !options.errorBounds || !value.present || value.undecided() || !std::isfinite(value.real))
    return;
  const llvm::fltSemantics &format = cast<FloatType>(type.getValue()).getFloatSemantics();
  double unit = roundingOfFactors(component.op);
  long double smallest = ldexpl(unit, llvm::APFloat::semanticsMinExponent(format) + 1);
  value.error += static_cast<double>(unit * fabsl(value.real) + smallest * fabsl(factor));
}

/// One entry's value over the streamed coordinates begin .. end-1 and all inner ones.
Entry StreamFold::reduceTile(Component &component, const State &state, ArrayRef<int64_t> kept, int64_t begin,
                             int64_t end) {
  Kind body = component.factor.body->kind;
  bool wide = component.factor.body->wide;
  Accumulator accumulator(component.reduction, body, component.result, wide, options.errorBounds);
  SmallVector<int64_t> streamedExtents, innerExtents;
  SmallVector<unsigned> inner;
  for (unsigned at : component.streamed)
    streamedExtents.push_back(component.over[at]);
  for (auto [i, extent] : llvm::enumerate(component.over))
    if (!llvm::is_contained(component.streamed, i)) {
      inner.push_back(i);
      innerExtents.push_back(extent);
    }
  SmallVector<int64_t> point(kept);
  point.resize(kept.size() + component.over.size());
  auto place = [&](ArrayRef<unsigned> positions, int64_t index, ArrayRef<int64_t> extents) {
    for (auto [at, value] : llvm::zip(positions, pointAt(index, extents)))
      point[kept.size() + at] = value;
  };
  for (int64_t s = begin; s < end; ++s) {
    place(component.streamed, s, streamedExtents);
    for (int64_t i = 0, e = product(innerExtents); i < e; ++i) {
      place(inner, i, innerExtents);
      reference::Value value = machine.evaluateAt(component.factor, point), factor = value;
      if (component.reference >= 0) {
        reference::Value scale = weight(component, machine.evaluateAt(component.exponent, point),
                                        referenceOf(component, state, kept));
        bool undecided = value.undecided() || scale.undecided();
        if (value.present && scale.present)
          value = applyMap(Fn::Mul, Kind::Real, Kind::Real, wide, {value, scale},
                           options.errorBounds && !undecided);
        else
          value = reference::Value();
        if (undecided)
          value.error = kUndecided;
      }
      addRounding(component, value, factor.real);
      accumulator.add(value, point.back());
    }
  }
  Entry entry{accumulator.finish(), {}};
  if (component.isRef && entry.value.present)
    entry.value.real = inTypeOf(component.op, entry.value.real);
  if (component.isArg() && entry.value.present) {
    point.back() = entry.value.integer;
    entry.key = machine.evaluateAt(component.factor, point);
  }
  return entry;
}

State StreamFold::tileOf(int64_t begin, int64_t end) {
  State state(components.size());
  for (auto [i, component] : llvm::enumerate(components)) {
    int64_t size = product(component.kept);
    state[i].reserve(size);
    for (int64_t entry = 0; entry < size; ++entry)
      state[i].push_back(reduceTile(component, state, pointAt(entry, component.kept), begin, end));
  }
  return state;
}

/// The entry of a tensor that an accumulator goes on from.
static reference::Value entryOf(const Table &table, size_t entry) {
  reference::Value value;
  value.present = table.data.present[entry];
  value.error = table.data.error.empty() ? 0 : table.data.error[entry];
  if (table.kind == Kind::Real)
    value.real = table.data.value[entry];
  else
    value.integer = static_cast<int64_t>(table.data.value[entry]);
  return value;
}

/// The state that the stream goes on from.
State StreamFold::given() {
  State state(components.size());
  for (auto [i, component] : llvm::enumerate(components))
    for (int64_t entry = 0, size = product(component.kept); entry < size; ++entry) {
      Entry &made = state[i].emplace_back();
      made.value = entryOf(*tables.lookup(component.op.getFrom()[0]), entry);
      if (!component.isArg() || !made.value.present)
        continue;
      made.key = entryOf(*tables.lookup(component.op.getFrom()[1]), entry);
      if (!made.key.present)
        made.key.real = std::numeric_limits<long double>::quiet_NaN();
    }
  return state;
}

//===----------------------------------------------------------------------===//
// Two states
//===----------------------------------------------------------------------===//

/// The lower coordinate among equals, NaN last.
static bool comesFirst(const Entry &a, const Entry &b, bool largest, Kind kind) {
  long double x = kind == Kind::Real ? a.key.real : a.key.integer,
              y = kind == Kind::Real ? b.key.real : b.key.integer;
  if (std::isnan(x) != std::isnan(y))
    return std::isnan(y);
  if (!std::isnan(x) && x != y)
    return largest ? x > y : x < y;
  return a.value.integer < b.value.integer;
}

Entry StreamFold::mergeArgs(const Component &component, const Entry &a, const Entry &b) {
  bool first = !b.value.present ||
               (a.value.present &&
                comesFirst(a, b, component.reduction == Reduction::Argmax, component.factor.body->kind));
  Entry winner = first ? a : b;
  if (!options.errorBounds)
    return winner;
  double margin = a.key.error + b.key.error;
  bool close = a.value.present && b.value.present && margin > 0 && !(fabsl(a.key.real - b.key.real) > margin);
  if (a.value.undecided() || b.value.undecided() || close)
    winner.value.error = kUndecided;
  return winner;
}

Entry StreamFold::mergeEntries(const Component &component, const Entry &a, const Entry &b) {
  if (component.isArg())
    return mergeArgs(component, a, b);
  if (component.isRef && options.streams.lazyReferences && a.value.present && b.value.present &&
      b.value.real <= a.value.real + kLazyMargin)
    return a;
  Accumulator both(component.reduction, component.result, component.result, component.factor.body->wide,
                   options.errorBounds);
  both.add(a.value, 0);
  both.add(b.value, 1);
  return {both.finish(), {}};
}

State StreamFold::merge(const State &a, const State &b) {
  State merged(components.size());
  for (auto [i, component] : llvm::enumerate(components)) {
    for (int64_t entry = 0, size = product(component.kept); entry < size; ++entry) {
      Entry left = a[i][entry], right = b[i][entry];
      if (component.reference >= 0) {
        SmallVector<int64_t> kept = pointAt(entry, component.kept);
        const reference::Value &target = referenceOf(component, merged, kept);
        for (auto [side, state] : {std::make_pair(&left, &a), std::make_pair(&right, &b)}) {
          if (!side->value.present)
            continue;
          reference::Value scale = weight(component, referenceOf(component, *state, kept), target);
          bool undecided = side->value.undecided() || scale.undecided();
          side->value = !scale.present
                            ? reference::Value()
                            : applyMap(Fn::Mul, Kind::Real, Kind::Real, component.factor.body->wide,
                                       {side->value, scale}, options.errorBounds && !undecided);
          if (undecided)
            side->value.error = kUndecided;
        }
      }
      merged[i].push_back(mergeEntries(component, left, right));
    }
  }
  return merged;
}

State StreamFold::mergeTree(ArrayRef<State> states) {
  if (states.size() == 1)
    return states.front();
  size_t half = states.size() / 2;
  return merge(mergeTree(states.take_front(half)), mergeTree(states.drop_front(half)));
}

State StreamFold::run() {
  const StreamOrder &order = options.streams;
  int64_t extent = product(extentsOf(stream.getExtents()));
  int64_t tile = order.tile <= 0 || options.errorBounds ? std::max<int64_t>(extent, 1) : order.tile;
  std::vector<State> states;
  if (!components.empty() && !components.front().op.getFrom().empty())
    states.push_back(given());
  for (int64_t begin = 0; begin == 0 || begin < extent; begin += tile)
    states.push_back(tileOf(begin, std::min(begin + tile, extent)));
  if (order.fold == StreamOrder::Tree)
    return mergeTree(states);
  if (order.fold == StreamOrder::Backward)
    std::reverse(states.begin(), states.end());
  State state = states.front();
  for (const State &next : ArrayRef<State>(states).drop_front())
    state = merge(state, next);
  return state;
}

std::vector<std::vector<reference::Value>> reference::foldStream(attn::StreamOp stream, Machine &machine,
                                                                 const InterpreterOptions &options,
                                                                 const DenseMap<mlir::Value, Value> &scalars,
                                                                 DenseMap<mlir::Value, Table *> &tables) {
  State state = StreamFold(stream, machine, options, scalars, tables).run();
  std::vector<std::vector<Value>> values;
  for (auto [op, entries] : llvm::zip(stream.getBody().front().getOps<attn::AccumulateOp>(), state)) {
    long double highest = op.getResult().getType().getElementType().isF64()
                              ? std::numeric_limits<double>::max()
                              : static_cast<long double>(std::numeric_limits<float>::max());
    values.emplace_back();
    for (const Entry &entry : entries) {
      values.back().push_back(entry.value);
      Value &value = values.back().back();
      if (op.getAccumulation() == Accumulation::Ref) // who reads it is to read a finite number
        value.real = std::isnan(value.real) ? value.real : std::clamp(value.real, -highest, highest);
    }
  }
  return values;
}
