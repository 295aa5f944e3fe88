//===- DrawPromises.cpp - changes entries until the promises hold ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three ways, in this order: a tensor that is promised monotone along a dimension is sorted; a norm is
// reached by scaling; and any comparison that fails at a point sets an entry that one of its sides reads, so
// that it holds there. The last is repeated, upwards and downwards through the coordinates in turn, since one
// entry may stand in several comparisons.
#include "lib/Reference/Drawing.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::reference;
using attn::Fn;

namespace {
class PromiseKeeper {
public:
  PromiseKeeper(const Environment &environment, ArrayRef<Conjunct> conjuncts, Random &random,
                std::vector<HostTensor> &inputs);
  void run();

private:
  bool sortMonotone(const Conjunct &conjunct);
  bool scaleNorms(const Conjunct &conjunct);
  bool scaleAt(attn::ReduceOp norm, attn::GivenOp given, Fn fn, mlir::Value bound, ArrayRef<int64_t> point);
  bool sweep(const Conjunct &conjunct, bool upwards, bool mirror);
  bool fix(attn::GivenOp given, Fn fn, mlir::Value lhs, mlir::Value rhs, ArrayRef<int64_t> point,
           bool rhsFirst, bool mirror);
  bool assign(attn::GivenOp given, mlir::Value value, reference::Value target, ArrayRef<int64_t> point);
  bool assignMap(attn::GivenOp given, attn::MapOp map, reference::Value target, ArrayRef<int64_t> point);
  reference::Value evaluate(attn::GivenOp given, mlir::Value value, ArrayRef<int64_t> point);
  SmallVector<int64_t> extentsOf(attn::GivenOp given);
  int64_t entryOf(attn::ReadOp read, attn::GivenOp given, ArrayRef<int64_t> point);
  void set(unsigned input, int64_t entry, long double value);

  const Environment &environment;
  ArrayRef<Conjunct> conjuncts;
  Random &random;
  std::vector<HostTensor> &inputs;
  InterpreterOptions options;
  Machine machine;
  std::deque<Table> tableStore;
  DenseMap<mlir::Value, Table *> tables;
  struct Compiled {
    Equation equation;
    uint64_t version = 0;
  };
  DenseMap<mlir::Value, std::unique_ptr<Compiled>> compiled;
  uint64_t version = 1; ///< counts changes to entries
};
} // namespace

PromiseKeeper::PromiseKeeper(const Environment &environment, ArrayRef<Conjunct> conjuncts, Random &random,
                             std::vector<HostTensor> &inputs)
    : environment(environment), conjuncts(conjuncts), random(random), inputs(inputs), machine(options) {
  for (auto [i, input] : llvm::enumerate(inputs)) {
    const auto &tensor = environment.signature.inputs[i];
    Table &table = tableStore.emplace_back(tensor.name, input.type, input.shape, tensor.elementType);
    for (int64_t k = 0, e = input.size(); k < e; ++k)
      table.data.value[k] = input.get(k);
    llvm::fill(table.data.present, 1);
    mlir::Value argument = environment.cascade.getArgument(i);
    tables[argument] = &table;
  }
}

SmallVector<int64_t> PromiseKeeper::extentsOf(attn::GivenOp given) {
  SmallVector<int64_t> extents;
  for (mlir::Value extent : given.getExtents())
    extents.push_back(environment.scalars.lookup(extent).integer);
  return extents;
}

reference::Value PromiseKeeper::evaluate(attn::GivenOp given, mlir::Value value, ArrayRef<int64_t> point) {
  auto scalar = environment.scalars.find(value);
  if (scalar != environment.scalars.end())
    return scalar->second;
  auto &entry = compiled[value];
  if (!entry) {
    entry = std::make_unique<Compiled>();
    Equation &equation = entry->equation;
    SmallVector<int64_t> extents = extentsOf(given);
    for (auto coord : given.getCoords().getAsRange<StringAttr>())
      equation.coords.push_back(coord.str());
    BodyCompiler(equation, environment.scalars, tables).compile(given.getBody().front(), extents, value);
  }
  if (entry->version != version)
    Machine::forget(entry->equation);
  entry->version = version;
  return machine.evaluateAt(entry->equation, point);
}

void PromiseKeeper::set(unsigned input, int64_t entry, long double value) {
  inputs[input].set(entry, value);
  tableStore[input].data.value[entry] = inputs[input].get(entry);
  ++version;
}

/// The entry that a read names at a point; -1 if it is absent there or no entry of an input.
int64_t PromiseKeeper::entryOf(attn::ReadOp read, attn::GivenOp given, ArrayRef<int64_t> point) {
  auto argument = dyn_cast<BlockArgument>(read.getSource());
  if (!argument)
    return -1;
  const HostTensor &tensor = inputs[argument.getArgNumber()];
  int64_t entry = 0;
  for (auto [dim, index] : llvm::enumerate(read.getIndices())) {
    reference::Value at = evaluate(given, index, point);
    if (!at.present || at.integer < 0 || at.integer >= tensor.shape[dim])
      return -1;
    entry = entry * tensor.shape[dim] + at.integer;
  }
  return entry;
}

/// Runs `body` at every point; `upwards` in row-major order, otherwise the other way round.
static void forEachPoint(ArrayRef<int64_t> extents, bool upwards,
                         llvm::function_ref<void(ArrayRef<int64_t>)> body) {
  int64_t total = 1;
  for (int64_t extent : extents)
    total *= extent;
  SmallVector<int64_t> point(extents.size());
  for (int64_t i = 0; i < total; ++i) {
    int64_t rest = upwards ? i : total - 1 - i;
    for (size_t d = extents.size(); d-- > 0; rest /= extents[d])
      point[d] = rest % extents[d];
    body(point);
  }
}

//===----------------------------------------------------------------------===//
// Monotone tensors
//===----------------------------------------------------------------------===//

/// Whether `b` is `a + 1`.
static bool isSuccessor(mlir::Value a, mlir::Value b) {
  auto isOne = [](mlir::Value v) {
    auto literal = v.getDefiningOp<attn::LiteralOp>();
    return literal && literal.getText() == "1";
  };
  auto up = b.getDefiningOp<attn::MapOp>(), down = a.getDefiningOp<attn::MapOp>();
  return (up && up.getFn() == Fn::Add && up.getOperands()[0] == a && isOne(up.getOperands()[1])) ||
         (down && down.getFn() == Fn::Sub && down.getOperands()[0] == b && isOne(down.getOperands()[1]));
}

/// cu[u] <= cu[u+1], or < > >=: sorts every line along the dimension.
bool PromiseKeeper::sortMonotone(const Conjunct &conjunct) {
  auto map = conjunct.condition.getDefiningOp<attn::MapOp>();
  if (!map || map.getFn() < Fn::Lt || map.getFn() > Fn::Ge)
    return false;
  auto lhs = map.getOperands()[0].getDefiningOp<attn::ReadOp>(),
       rhs = map.getOperands()[1].getDefiningOp<attn::ReadOp>();
  if (!lhs || !rhs || lhs.getSource() != rhs.getSource() || !isa<BlockArgument>(lhs.getSource()))
    return false;
  int dim = -1, sign = 0;
  for (auto [k, a, b] : llvm::enumerate(lhs.getIndices(), rhs.getIndices())) {
    if (a == b)
      continue;
    if (dim >= 0 || !(isSuccessor(a, b) || isSuccessor(b, a)))
      return false;
    dim = k;
    sign = isSuccessor(a, b) ? 1 : -1;
  }
  if (dim < 0)
    return false;
  bool ascending = (map.getFn() == Fn::Lt || map.getFn() == Fn::Le) == (sign > 0);
  unsigned input = cast<BlockArgument>(lhs.getSource()).getArgNumber();
  const HostTensor &tensor = inputs[input];
  int64_t extent = tensor.shape[dim], stride = 1;
  for (size_t d = dim + 1; d < tensor.shape.size(); ++d)
    stride *= tensor.shape[d];
  for (int64_t block = 0, e = extent ? tensor.size() / (extent * stride) : 0; block < e; ++block)
    for (int64_t offset = 0; offset < stride; ++offset) {
      std::vector<long double> line;
      for (int64_t k = 0; k < extent; ++k)
        line.push_back(tensor.get((block * extent + k) * stride + offset));
      llvm::sort(line, [&](long double a, long double b) { return ascending ? a < b : a > b; });
      for (int64_t k = 0; k < extent; ++k)
        set(input, (block * extent + k) * stride + offset, line[k]);
    }
  return true;
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// The read that a norm's body is a power of, and the power: x, x * x, x^2, abs(x).
static std::pair<attn::ReadOp, int64_t> powerOf(mlir::Value body) {
  if (auto read = body.getDefiningOp<attn::ReadOp>())
    return {read, 1};
  auto map = body.getDefiningOp<attn::MapOp>();
  if (!map)
    return {};
  auto [inner, power] = powerOf(map.getOperands()[0]);
  if (map.getFn() == Fn::Abs || map.getFn() == Fn::Real)
    return {inner, power};
  if (map.getFn() == Fn::Powi)
    return {inner, power * std::max<int64_t>(
                               parseLiteral(map.getOperands()[1].getDefiningOp<attn::LiteralOp>().getText(),
                                            Kind::Integer, false)
                                   .integer,
                               1)};
  if (map.getFn() != Fn::Mul)
    return {};
  auto [other, second] = powerOf(map.getOperands()[1]);
  bool same =
      inner && other && inner.getSource() == other.getSource() && inner.getIndices() == other.getIndices();
  return same ? std::make_pair(inner, power + second) : std::pair<attn::ReadOp, int64_t>();
}

bool PromiseKeeper::scaleAt(attn::ReduceOp norm, attn::GivenOp given, Fn fn, mlir::Value bound,
                            ArrayRef<int64_t> point) {
  auto [read, power] = powerOf(norm.getYield().getValues()[0]);
  auto argument = dyn_cast<BlockArgument>(read.getSource());
  reference::Value sum = evaluate(given, norm.getResult(), point), wanted = evaluate(given, bound, point);
  if (!argument || !sum.present || !wanted.present || wanted.real < 0)
    return false;
  // The norm's own coordinates run over whole lines of the tensor; every other index is evaluated at the
  // point.
  HostTensor &tensor = inputs[argument.getArgNumber()];
  SmallVector<int64_t> extents, base;
  SmallVector<int> dims;
  for (auto [dim, index] : llvm::enumerate(read.getIndices())) {
    bool own = llvm::is_contained(norm.getBody().getArguments(), index);
    base.push_back(own ? 0 : evaluate(given, index, point).integer);
    if (own) {
      dims.push_back(dim);
      extents.push_back(tensor.shape[dim]);
    } else if (base.back() < 0 || base.back() >= tensor.shape[dim]) {
      return false;
    }
  }
  long double target = wanted.real;
  if (fn == Fn::Lt || fn == Fn::Le)
    target *= 0.9L * random.uniform();
  else if (fn == Fn::Gt || fn == Fn::Ge)
    target = target * 1.5L + 0.5L;
  long double factor = powl(target / (sum.real == 0 ? 1 : sum.real), 1.0L / power);
  bool first = sum.real == 0;
  forEachPoint(extents, true, [&](ArrayRef<int64_t> line) {
    SmallVector<int64_t> at(base);
    for (auto [dim, value] : llvm::zip(dims, line))
      at[dim] = value;
    int64_t entry = 0;
    for (auto [dim, value] : llvm::enumerate(at))
      entry = entry * tensor.shape[dim] + value;
    set(argument.getArgNumber(), entry, first ? factor : tensor.get(entry) * factor);
    if (sum.real == 0)
      factor = 0, first = true;
  });
  return true;
}

bool PromiseKeeper::scaleNorms(const Conjunct &conjunct) {
  auto map = conjunct.condition.getDefiningOp<attn::MapOp>();
  if (!map || map.getOperands().size() != 2)
    return false;
  auto norm = map.getOperands()[0].getDefiningOp<attn::ReduceOp>();
  if (!norm || norm.getReduction() != attn::Reduction::Sum || !powerOf(norm.getYield().getValues()[0]).first)
    return false;
  attn::GivenOp given = conjunct.given;
  forEachPoint(extentsOf(given), true, [&](ArrayRef<int64_t> point) {
    reference::Value holds = evaluate(given, conjunct.condition, point);
    if (holds.present && !holds.integer)
      scaleAt(norm, given, map.getFn(), map.getOperands()[1], point);
  });
  return true;
}

//===----------------------------------------------------------------------===//
// Anything else
//===----------------------------------------------------------------------===//

bool PromiseKeeper::assignMap(attn::GivenOp given, attn::MapOp map, reference::Value target,
                              ArrayRef<int64_t> point) {
  auto operands = map.getOperands();
  bool real = isa<FloatType>(map.getType());
  reference::Value values[2];
  for (auto [i, operand] : llvm::enumerate(operands))
    values[i] = evaluate(given, operand, point);
  for (unsigned side = 0; side < operands.size(); ++side) {
    reference::Value wanted = target, other = values[operands.size() - 1 - side];
    switch (map.getFn()) {
    case Fn::Add:
      wanted.real = target.real - other.real, wanted.integer = target.integer - other.integer;
      break;
    case Fn::Sub:
      wanted.real = side == 0 ? target.real + other.real : other.real - target.real;
      wanted.integer = side == 0 ? target.integer + other.integer : other.integer - target.integer;
      break;
    case Fn::Mul:
      if (real ? other.real == 0 : other.integer == 0)
        continue;
      wanted.real = target.real / other.real;
      wanted.integer = real ? 0 : target.integer / other.integer;
      break;
    case Fn::Neg:
      wanted.real = -target.real, wanted.integer = -target.integer;
      break;
    case Fn::Real:
      if (!isa<FloatType>(operands[0].getType()))
        wanted.integer = static_cast<int64_t>(target.real);
      break;
    case Fn::Integer:
      break;
    case Fn::Mod: // a whole multiple, and the rest that is wanted
      if (side != 0 || other.integer <= 0)
        continue;
      wanted.integer = values[0].integer / other.integer * other.integer + target.integer;
      break;
    case Fn::Abs:
    case Fn::Min:
    case Fn::Max:
      break;
    default:
      return false;
    }
    if (assign(given, operands[side], wanted, point))
      return true;
  }
  return false;
}

bool PromiseKeeper::assign(attn::GivenOp given, mlir::Value value, reference::Value target,
                           ArrayRef<int64_t> point) {
  Operation *op = value.getDefiningOp();
  if (!op || !given->isProperAncestor(op))
    return false;
  if (auto map = dyn_cast<attn::MapOp>(op))
    return assignMap(given, map, target, point);
  auto read = dyn_cast<attn::ReadOp>(op);
  if (!read)
    return false;
  int64_t entry = entryOf(read, given, point);
  if (entry < 0)
    return false;
  bool real = isa<FloatType>(value.getType());
  set(cast<BlockArgument>(read.getSource()).getArgNumber(), entry, real ? target.real : target.integer);
  return true;
}

bool PromiseKeeper::fix(attn::GivenOp given, Fn fn, mlir::Value lhs, mlir::Value rhs, ArrayRef<int64_t> point,
                        bool rhsFirst, bool mirror) {
  for (bool right : {rhsFirst, !rhsFirst}) {
    mlir::Value side = right ? rhs : lhs;
    reference::Value own = evaluate(given, side, point), other = evaluate(given, right ? lhs : rhs, point);
    reference::Value target = other;
    bool below =
        right ? fn == Fn::Gt || fn == Fn::Ge : fn == Fn::Lt || fn == Fn::Le; // where the side must lie
    bool strict = fn == Fn::Lt || fn == Fn::Gt || fn == Fn::Ne;
    if (side.getType().isInteger(1))
      target.integer = fn == Fn::Ne ? !other.integer : other.integer;
    else if (strict)
      target.integer += below ? -1 : 1;
    if (isa<FloatType>(side.getType()) && fn != Fn::Eq) {
      long double over = fabsl(own.real - other.real);
      long double step = mirror && over > 0 ? over : strict ? (fabsl(other.real) + 1) / 16 : 0;
      target.real = below ? other.real - step : other.real + step;
    }
    if (assign(given, side, target, point))
      return true;
  }
  return false;
}

/// Repairs the points at which a promise fails; whether there were any.
bool PromiseKeeper::sweep(const Conjunct &conjunct, bool upwards, bool mirror) {
  bool broken = false;
  attn::GivenOp given = conjunct.given;
  auto map = conjunct.condition.getDefiningOp<attn::MapOp>();
  bool comparison = map && map.getFn() >= Fn::Eq && map.getFn() <= Fn::Ge;
  bool norm = comparison && map.getOperands()[0].getDefiningOp<attn::ReduceOp>();
  if (norm)
    return false; // scaled already; a second scaling would only chase rounding
  forEachPoint(extentsOf(given), upwards, [&](ArrayRef<int64_t> point) {
    reference::Value holds = evaluate(given, conjunct.condition, point);
    if (!holds.present || holds.integer)
      return;
    broken = true;
    if (comparison) {
      fix(given, map.getFn(), map.getOperands()[0], map.getOperands()[1], point, upwards, mirror);
      return;
    }
    reference::Value target; // a bool tensor, or its not
    target.present = true;
    auto negation = conjunct.condition.getDefiningOp<attn::NotOp>();
    target.integer = !negation;
    assign(given, negation ? negation.getValue() : conjunct.condition, target, point);
  });
  return broken;
}

void PromiseKeeper::run() {
  for (const Conjunct &conjunct : conjuncts)
    sortMonotone(conjunct);
  for (unsigned round = 0; round < 8; ++round) {
    bool broken = false;
    for (const Conjunct &conjunct : conjuncts)
      broken |= sweep(conjunct, round % 2 == 0, round < 2);
    for (const Conjunct &conjunct : conjuncts)
      scaleNorms(conjunct);
    if (!broken)
      return;
  }
}

void reference::keepPromises(const Environment &environment, ArrayRef<Conjunct> conjuncts, Random &random,
                             std::vector<HostTensor> &inputs) {
  PromiseKeeper(environment, conjuncts, random, inputs).run();
}
