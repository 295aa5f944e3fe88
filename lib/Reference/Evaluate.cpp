//===- Evaluate.cpp - the rules of presence, node by node -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each case quotes the rule of the language (Absence: masks and sparsity in one rule) that it carries out.
// Beside it stands when rounding could change the outcome: such a value is undecided, and so is what is made
// of it.
#include "lib/Reference/Machine.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>

using namespace weir;
using namespace weir::reference;
using llvm::ArrayRef;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

static void setCoordinate(Frame &frame, int slot, int64_t value) {
  frame.coordinate[slot] = value;
  frame.stamp[slot] = ++frame.clock;
}

Frame &Machine::enter(Equation &equation, ArrayRef<int64_t> coordinates) {
  if (equation.active == equation.frames.size()) {
    auto frame = std::make_unique<Frame>();
    frame->coordinate.resize(equation.slotCount);
    frame->stamp.resize(equation.slotCount);
    frame->cache.resize(equation.cacheCount);
    equation.frames.push_back(std::move(frame));
  }
  Frame &frame = *equation.frames[equation.active++];
  bool changed = frame.fresh;
  for (auto [slot, value] : llvm::enumerate(coordinates)) {
    changed |= frame.coordinate[slot] != value;
    if (changed)
      setCoordinate(frame, slot, value);
  }
  frame.fresh = false;
  return frame;
}

Value Machine::evaluateAt(Equation &equation, ArrayRef<int64_t> coordinates) {
  Equation *outer = std::exchange(current, &equation);
  Frame &frame = enter(equation, coordinates);
  Value value;
  evaluate(*equation.body, frame, value);
  --equation.active;
  current = outer;
  return value;
}

void Machine::forget(Equation &equation) {
  equation.frames.clear();
  for (Node &node : equation.nodes)
    node.memoTable.clear();
}

static int64_t entryOf(const Table &table, ArrayRef<int64_t> indices) {
  int64_t entry = 0;
  for (auto [index, stride] : llvm::zip(indices, table.strides))
    entry += index * stride;
  return entry;
}

void Machine::demand(Equation &equation, ArrayRef<int64_t> indices) {
  Table &table = *equation.table;
  int64_t entry = entryOf(table, indices);
  if (table.state[entry] == Table::Done)
    return;
  if (table.state[entry] == Table::InProgress) {
    if (failure.empty())
      failure = table.name + " is computed from itself within one step";
    return;
  }
  if (equation.selection)
    return computeSelection(equation, indices);
  table.state[entry] = Table::InProgress;
  Value value = evaluateAt(equation, indices);
  store(equation, entry, value);
}

void Machine::store(Equation &equation, int64_t entry, const Value &value) {
  Table &table = *equation.table;
  Value stored = roundValue(value, equation.body->kind, equation.body->wide, table.type);
  if (options.traceNonfinite && value.present && std::isfinite(value.real) && !std::isfinite(stored.real)) {
    Equation *outer = std::exchange(current, &equation);
    report(*equation.body, *equation.frames[equation.active], stored.real);
    current = outer;
  }
  table.data.present[entry] = stored.present;
  table.data.value[entry] = !stored.present ? 0 : table.kind == Kind::Real ? stored.real : stored.integer;
  if (options.errorBounds)
    table.data.error[entry] = stored.error;
  table.state[entry] = Table::Done;
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

namespace {
struct Candidate {
  Value value;
  long double key;
  int64_t coordinate;
};
} // namespace

/// Whether the first `k` candidates are surely the first k: nothing behind them can come before within the
/// bounds.
static std::vector<char> decidedBoundaries(ArrayRef<Candidate> order) {
  size_t n = order.size();
  std::vector<long double> highest(n + 1, -std::numeric_limits<long double>::infinity());
  std::vector<char> exactBehind(n + 1, true), decided(n + 1, true);
  auto isNan = [](const Candidate &c) { return std::isnan(c.key); };
  for (size_t i = n; i-- > 0;) {
    long double high =
        isNan(order[i]) ? -std::numeric_limits<long double>::infinity() : order[i].key + order[i].value.error;
    highest[i] = std::max(highest[i + 1], high);
    exactBehind[i] = exactBehind[i + 1] && order[i].value.error == 0;
  }
  long double lowest = std::numeric_limits<long double>::infinity();
  bool exact = true;
  for (size_t k = 1; k < n; ++k) {
    const Candidate &last = order[k - 1];
    if (!isNan(last))
      lowest = std::min(lowest, last.key - last.value.error);
    exact &= last.value.error == 0;
    decided[k] = lowest > highest[k] || (exact && exactBehind[k]);
  }
  return decided;
}

/// argtopk: coordinates of the largest values, largest first, lower coordinate first among equals, NaN last;
/// entries beyond the present bodies are absent.
void Machine::computeSelection(Equation &equation, ArrayRef<int64_t> indices) {
  Table &table = *equation.table;
  SmallVector<int64_t> point(indices);
  int64_t length = table.data.shape.back(), first = entryOf(table, indices) - indices.back();
  for (int64_t j = 0; j < length; ++j)
    table.state[first + j] = Table::InProgress;
  std::vector<Candidate> order;
  bool undecidedPresence = false;
  for (int64_t n = 0; n < equation.extents.back(); ++n) {
    point.back() = n;
    Value value = evaluateAt(equation, point);
    undecidedPresence |= value.undecided();
    if (!value.present)
      continue;
    long double key = equation.body->kind == Kind::Real ? value.real : value.integer;
    order.push_back({value, key, n});
  }
  llvm::sort(order, [](const Candidate &a, const Candidate &b) {
    bool lastA = std::isnan(a.key), lastB = std::isnan(b.key);
    if (lastA != lastB)
      return lastB;
    return !lastA && a.key != b.key ? a.key > b.key : a.coordinate < b.coordinate;
  });
  std::vector<char> decided =
      options.errorBounds ? decidedBoundaries(order) : std::vector<char>(order.size() + 1, true);
  for (int64_t j = 0; j < length; ++j) {
    Value entry;
    if (j < static_cast<int64_t>(order.size())) {
      entry.present = true;
      entry.integer = order[j].coordinate;
      entry.error = decided[j] && decided[j + 1] ? 0 : kUndecided;
    }
    if (undecidedPresence)
      entry.error = kUndecided;
    Value stored = roundValue(entry, Kind::Integer, false, table.type);
    table.data.present[first + j] = stored.present;
    table.data.value[first + j] = !stored.present            ? 0
                                  : table.kind == Kind::Real ? stored.real
                                                             : stored.integer;
    if (options.errorBounds)
      table.data.error[first + j] = stored.error;
    table.state[first + j] = Table::Done;
  }
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

void Machine::evaluate(Node &node, Frame &frame, Value &out) {
  if (node.cache < 0 && !node.memo)
    return compute(node, frame, out);
  if (node.memo) {
    int64_t index = 0;
    for (auto [slot, extent] : llvm::zip(node.memoSlots, node.memoExtents))
      index = index * extent + frame.coordinate[slot];
    if (node.memoTable.empty()) {
      int64_t entries = 1;
      for (int64_t extent : node.memoExtents)
        entries *= extent;
      node.memoTable.resize(entries);
    }
    if (!node.memoTable[index].second) {
      Value value;
      compute(node, frame, value);
      node.memoTable[index] = {value, true};
    }
    out = node.memoTable[index].first;
    return;
  }
  uint64_t stamp = node.cacheSlot < 0 ? 1 : frame.stamp[node.cacheSlot];
  if (frame.cache[node.cache].stamp != stamp) {
    Value value;
    compute(node, frame, value);
    frame.cache[node.cache] = {value, stamp};
  }
  out = frame.cache[node.cache].value;
}

void Machine::compute(Node &node, Frame &frame, Value &out) {
  switch (node.code) {
  case Code::Constant:
    out = node.constant;
    return;
  case Code::Coordinate:
    out = Value();
    out.integer = frame.coordinate[node.slot];
    out.present = true;
    return;
  case Code::Read:
    return read(node, frame, out);
  case Code::Map:
    return map(node, frame, out);
  case Code::Reduce:
    return reduce(node, frame, out);
  case Code::Cast: {
    Value value;
    evaluate(*node.operands[0], frame, value);
    out = roundValue(value, node.operands[0]->kind, node.operands[0]->wide, node.to);
    return;
  }
  case Code::Where: { // 1. `where p` restricts to where p holds; elsewhere absent
    Value predicate;
    evaluate(*node.operands[1], frame, predicate);
    if (!predicate.undecided() && !(predicate.present && predicate.integer)) {
      out = Value();
      return;
    }
    evaluate(*node.operands[0], frame, out);
    if (predicate.undecided() && !out.surelyAbsent())
      out.error = kUndecided;
    out.present &= predicate.present && predicate.integer;
    return;
  }
  case Code::Else:
    return orElse(node, frame, out);
  case Code::Select:
    return select(node, frame, out);
  case Code::Isabsent: { // always present
    Value value;
    evaluate(*node.operands[0], frame, value);
    out = Value();
    out.present = true;
    out.integer = !value.present;
    out.error = value.undecided() ? kUndecided : 0;
    return;
  }
  case Code::And: // false where either is present and false
    return logic(node, frame, out, false);
  case Code::Or: // true where either is present and true
    return logic(node, frame, out, true);
  case Code::Not: { // false where x is present and true, and true everywhere else
    Value value;
    evaluate(*node.operands[0], frame, value);
    out = Value();
    out.present = true;
    out.integer = !(value.present && value.integer);
    out.error = value.undecided() ? kUndecided : 0;
    return;
  }
  }
}

/// 2. A read outside a tensor's extents is absent; so is an absent index, and so is what the tensor has not.
void Machine::read(Node &node, Frame &frame, Value &out) {
  Table &table = *node.table;
  int64_t entry = 0;
  bool undecided = false, inside = true;
  SmallVector<int64_t, 6> indices;
  for (auto [i, operand] : llvm::enumerate(node.operands)) {
    int64_t index;
    if (operand->code == Code::Coordinate) {
      index = frame.coordinate[operand->slot];
    } else {
      Value value;
      evaluate(*operand, frame, value);
      undecided |= value.undecided();
      if (!value.present) {
        out = Value();
        out.error = value.error;
        return;
      }
      index = value.integer;
    }
    inside &= index >= 0 && index < table.data.shape[i];
    entry += index * table.strides[i];
    if (table.equation)
      indices.push_back(index);
  }
  out = Value();
  if (undecided)
    out.error = kUndecided;
  if (!inside)
    return;
  if (table.equation && table.state[entry] != Table::Done) {
    demand(*table.equation, indices);
    if (!failure.empty())
      return;
  }
  if (table.touched)
    (*table.touched)[entry] = 1;
  out.present = table.data.present[entry];
  out.origin = undecided ? 0 : table.firstOrigin + entry;
  if (!table.data.error.empty() && !undecided)
    out.error = table.data.error[entry];
  if (table.kind == Kind::Real)
    out.real = table.data.value[entry];
  else
    out.integer = static_cast<int64_t>(table.data.value[entry]);
}

/// 3. An operation on an absent operand is absent.
void Machine::map(Node &node, Frame &frame, Value &out) {
  Value operands[2];
  size_t count = node.operands.size();
  bool undecided = false, absent = false;
  for (size_t number = 0; number < count; ++number) {
    size_t i = node.swapped ? count - 1 - number : number;
    evaluate(*node.operands[i], frame, operands[i]);
    if (operands[i].surelyAbsent()) {
      out = Value();
      return;
    }
    undecided |= operands[i].undecided();
    absent |= !operands[i].present;
  }
  if (absent) { // one of them, for all that rounding allows
    out = Value();
    out.error = kUndecided;
    return;
  }
  Kind kind = node.operands[0]->kind;
  bool operandsWide = node.operands[0]->wide || (count > 1 && node.operands[1]->wide);
  out = applyMap(node.fn, kind, node.kind, node.kind == Kind::Real ? node.wide : operandsWide,
                 ArrayRef<Value>(operands, count), options.errorBounds && !undecided);
  if (undecided)
    out.error = kUndecided;
  if (options.traceNonfinite && node.kind == Kind::Real && out.present && !std::isfinite(out.real)) {
    bool finite = true;
    for (size_t i = 0; i < count; ++i)
      finite &= node.operands[i]->kind != Kind::Real || std::isfinite(operands[i].real);
    if (finite)
      report(node, frame, out.real);
  }
}

/// 4. A reduction skips absent bodies.
void Machine::reduce(Node &node, Frame &frame, Value &out) {
  Node &body = *node.operands[0];
  Accumulator accumulator(node.reduction, body.kind, node.kind,
                          node.kind == Kind::Real ? node.wide : body.wide, options.errorBounds);
  Value value;
  bool empty = llvm::is_contained(node.extents, 0);
  size_t rank = node.slots.size();
  for (int slot : node.slots)
    setCoordinate(frame, slot, 0);
  bool finite = true;
  while (!empty && failure.empty()) {
    evaluate(body, frame, value);
    if (node.rounding > 0 && options.errorBounds && value.present && std::isfinite(value.real))
      value.error += node.rounding * static_cast<double>(fabsl(value.real));
    accumulator.add(value, frame.coordinate[node.slots.back()]);
    finite &= !value.present || std::isfinite(value.real);
    size_t i = rank;
    while (i > 0 && frame.coordinate[node.slots[i - 1]] + 1 == node.extents[i - 1])
      --i;
    if (i == 0)
      break;
    setCoordinate(frame, node.slots[i - 1], frame.coordinate[node.slots[i - 1]] + 1);
    for (; i < rank; ++i)
      setCoordinate(frame, node.slots[i], 0);
  }
  out = accumulator.finish();
  if (options.traceNonfinite && node.kind == Kind::Real && finite && out.present && !std::isfinite(out.real))
    report(node, frame, out.real);
}

/// `x else y`: x where present, y where not; absent only where both are.
void Machine::orElse(Node &node, Frame &frame, Value &out) {
  evaluate(*node.operands[0], frame, out);
  if (out.present)
    return; // with an undecided error, whichever it is
  bool undecided = out.undecided();
  evaluate(*node.operands[1], frame, out);
  if (undecided)
    out.error = kUndecided;
}

/// `c ? a : b` is a where c is present and true, otherwise b, and looks at the chosen side only.
void Machine::select(Node &node, Frame &frame, Value &out) {
  Value condition;
  evaluate(*node.operands[0], frame, condition);
  bool taken = condition.present && condition.integer;
  evaluate(*node.operands[taken ? 1 : 2], frame, out);
  if (!condition.undecided())
    return;
  // Rounding may take the other side: where both are there, the kernel's value is near one of the two.
  Value other;
  evaluate(*node.operands[taken ? 2 : 1], frame, other);
  double distance = kUndecided;
  if (out.present && other.present && node.kind == Kind::Real)
    distance = static_cast<double>(fabsl(out.real - other.real)) + other.error;
  else if (out.present && other.present && out.integer == other.integer)
    distance = other.error;
  else if (out.surelyAbsent() && other.surelyAbsent())
    distance = 0;
  out.error = std::isnan(distance) ? kUndecided : std::max(out.error, distance);
}

/// `a and b` is false where either is present and false, `a or b` true where either is present and true; else
/// absent where either is.
void Machine::logic(Node &node, Frame &frame, Value &out, bool absorbing) {
  Value left, right;
  auto decides = [&](const Value &v) { return v.present && (v.integer != 0) == absorbing; };
  evaluate(*node.operands[0], frame, left);
  if (decides(left) && !left.undecided()) {
    out = left;
    return;
  }
  evaluate(*node.operands[1], frame, right);
  out = Value();
  out.present = decides(left) || decides(right) || (left.present && right.present);
  out.integer = decides(left) || decides(right) ? absorbing : !absorbing;
  bool decided = (decides(right) && !right.undecided()) || (!left.undecided() && !right.undecided());
  out.error = decided ? 0 : kUndecided;
}

void Machine::report(const Node &node, const Frame &frame, long double value) {
  if (llvm::is_contained(reported, current->name))
    return;
  reported.push_back(current->name);
  llvm::raw_ostream &os = *options.traceNonfinite;
  os << current->name << ": " << (std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf") << " from ";
  if (node.code == Code::Map)
    os << attn::stringifyFn(node.fn);
  else if (node.code == Code::Reduce)
    os << attn::stringifyReduction(node.reduction);
  else
    os << "rounding";
  os << " at";
  int slots = node.depends.find_last() + 1;
  for (int slot = 0; slot < slots; ++slot)
    if (node.depends.test(slot) || slot < static_cast<int>(current->coords.size()))
      os << ' ' << current->slotNames[slot] << '=' << frame.coordinate[slot];
  os << '\n';
}
