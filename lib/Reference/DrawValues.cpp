//===- DrawValues.cpp - values in the range that their uses suggest -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An integer tensor that indexes a rank is drawn inside it; one that is compared with a coordinate, up to its
// extent; others are small. A real under a logarithm or a root is positive. Which tensors these are is traced
// backwards through the bodies.
#include "lib/Reference/Drawing.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::reference;
using attn::Fn;

namespace {
/// What the uses of one input say about its values.
struct Use {
  int64_t ids = -1;    ///< entries index a dimension: 0 .. ids-1
  int64_t length = -1; ///< entries are compared with a coordinate: 0 .. length
  bool positive = false;
};

/// Follows a scalar back to the reads of inputs that it is made of. A read's value is worth `scale` of the
/// scalar's.
class Tracer {
public:
  using Found = llvm::function_ref<void(unsigned input, int64_t scale)>;
  Tracer(func::FuncOp cascade, Found found) : cascade(cascade), found(found) {}
  void trace(mlir::Value value, int64_t scale);

private:
  void traceMap(attn::MapOp map, int64_t scale);
  void traceTable(mlir::Value tensor, int64_t scale);
  func::FuncOp cascade;
  Found found;
  DenseSet<mlir::Value> seen;
};
} // namespace

static std::optional<int64_t> literalOf(mlir::Value value) {
  auto literal = value.getDefiningOp<attn::LiteralOp>();
  if (!literal || !value.getType().isInteger(64))
    return std::nullopt;
  return parseLiteral(literal.getText(), Kind::Integer, false).integer;
}

void Tracer::traceMap(attn::MapOp map, int64_t scale) {
  auto operands = map.getOperands();
  switch (map.getFn()) {
  case Fn::Mul:
    for (unsigned side : {0u, 1u})
      if (auto factor = literalOf(operands[side]); factor && *factor > 0)
        return trace(operands[1 - side], scale * *factor);
    return;
  case Fn::Add:
  case Fn::Min:
  case Fn::Max:
    trace(operands[0], scale);
    return trace(operands[1], scale);
  case Fn::Sub:
  case Fn::Mod:
  case Fn::Floordiv:
  case Fn::Integer:
  case Fn::Real:
    return trace(operands[0], scale);
  default:
    return;
  }
}

void Tracer::traceTable(mlir::Value tensor, int64_t scale) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return found(argument.getArgNumber(), scale);
  Operation *op = tensor.getDefiningOp();
  if (auto recurrence = dyn_cast<attn::RecurrenceOp>(op))
    return traceTable(recurrence.getYield().getValues()[cast<OpResult>(tensor).getResultNumber()], scale);
  if (auto einsum = dyn_cast<attn::EinsumOp>(op))
    trace(einsum.getYield().getValues()[0], scale);
}

void Tracer::trace(mlir::Value value, int64_t scale) {
  if (!value.getDefiningOp() || !seen.insert(value).second)
    return;
  TypeSwitch<Operation *>(value.getDefiningOp())
      .Case([&](attn::ReadOp op) { traceTable(op.getSource(), scale); })
      .Case([&](attn::MapOp op) { traceMap(op, scale); })
      .Case([&](attn::CastOp op) { trace(op.getValue(), scale); })
      .Case([&](attn::WhereOp op) { trace(op.getValue(), scale); })
      .Case([&](attn::ReduceOp op) {
        if (llvm::is_contained({attn::Reduction::Max, attn::Reduction::Min}, op.getReduction()))
          trace(op.getYield().getValues()[0], scale);
      })
      .Case([&](attn::ElseOp op) {
        trace(op.getValue(), scale);
        trace(op.getOtherwise(), scale);
      })
      .Case([&](attn::SelectOp op) {
        trace(op.getThenValue(), scale);
        trace(op.getElseValue(), scale);
      });
}

//===----------------------------------------------------------------------===//
// Uses
//===----------------------------------------------------------------------===//

/// The largest extent of a coordinate that an integer expression is made of; -1 if there is none.
static int64_t coordinateExtent(const Environment &environment, mlir::Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *owner = argument.getOwner()->getParentOp();
    if (isa<func::FuncOp>(owner))
      return -1;
    if (auto argtopk = dyn_cast<attn::ArgtopkOp>(owner);
        argtopk && argument.getArgNumber() + 1 == argument.getOwner()->getNumArguments())
      return environment.scalars.lookup(argtopk.getOverExtent()).integer;
    return environment.scalars.lookup(owner->getOperand(argument.getArgNumber())).integer;
  }
  int64_t extent = -1;
  if (auto map = value.getDefiningOp<attn::MapOp>(); map && map->getParentOp() != environment.cascade)
    for (mlir::Value operand : map.getOperands())
      if (operand.getType().isInteger(64))
        extent = std::max(extent, coordinateExtent(environment, operand));
  return extent;
}

static std::vector<Use> usesOf(const Environment &environment) {
  func::FuncOp cascade = environment.cascade;
  std::vector<Use> uses(environment.signature.inputs.size());
  auto narrow = [](int64_t &bound, int64_t to) { bound = bound < 0 ? to : std::min(bound, to); };
  cascade.walk([&](Operation *op) {
    if (auto read = dyn_cast<attn::ReadOp>(op)) {
      for (auto [dim, index] : llvm::enumerate(read.getIndices())) {
        int64_t extent = environment.extentOf(read.getSource(), dim);
        auto found = [&](unsigned input, int64_t scale) {
          narrow(uses[input].ids, (extent + scale - 1) / scale);
        };
        Tracer(cascade, found).trace(index, 1);
      }
      return;
    }
    auto map = dyn_cast<attn::MapOp>(op);
    if (!map)
      return;
    auto operands = map.getOperands();
    if (llvm::is_contained({Fn::Log, Fn::Log2, Fn::Sqrt, Fn::Rsqrt, Fn::Pow}, map.getFn())) {
      auto found = [&](unsigned input, int64_t) { uses[input].positive = true; };
      Tracer(cascade, found).trace(operands[0], 1);
      return;
    }
    if (map.getFn() < Fn::Eq || map.getFn() > Fn::Ge || !operands[0].getType().isInteger(64))
      return;
    int64_t extent =
        std::max(coordinateExtent(environment, operands[0]), coordinateExtent(environment, operands[1]));
    if (extent < 0)
      return;
    auto found = [&](unsigned input, int64_t) {
      if (map.getFn() == Fn::Eq || map.getFn() == Fn::Ne)
        narrow(uses[input].ids, extent);
      else
        narrow(uses[input].length, extent);
    };
    Tracer(cascade, found).trace(operands[0], 1);
    Tracer(cascade, found).trace(operands[1], 1);
  });
  return uses;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Rows are along the last dimension; an empty one has nothing present where the tensor says what is.
static void drawBools(HostTensor &tensor, const Adversity &adversity, Random &random) {
  double density = random.pick<double>({0.25, 0.5, 0.8});
  int64_t row = tensor.shape.empty() ? 1 : std::max<int64_t>(tensor.shape.back(), 1);
  bool empty = false;
  for (int64_t i = 0, e = tensor.size(); i < e; ++i) {
    if (i % row == 0)
      empty = adversity.emptyRows && random.chance(0.4);
    tensor.set(i, !empty && random.chance(density));
  }
}

static void drawIntegers(HostTensor &tensor, const Use &use, const Adversity &adversity, Random &random) {
  int64_t low = -4, high = 4;
  if (use.ids >= 0)
    low = 0, high = std::max<int64_t>(use.ids - 1, 0);
  else if (use.length >= 0)
    low = 0, high = use.length;
  else if (random.chance(0.4))
    low = 0, high = 2; // segments, classes: numbers that often agree
  bool ids = use.ids >= 0;
  bool isSigned = roundTo(-1, tensor.type) < 0;
  int64_t row = tensor.shape.empty() ? 1 : std::max<int64_t>(tensor.shape.back(), 1);
  bool empty = false, same = false;
  int64_t repeated = 0;
  for (int64_t i = 0, e = tensor.size(); i < e; ++i) {
    if (i % row == 0) {
      empty = adversity.emptyRows && random.chance(0.4);
      same = adversity.equal && random.chance(0.5);
      repeated = random.integer(low, high);
    }
    int64_t value = same ? repeated : random.integer(low, high);
    if (empty && (ids || use.length >= 0))
      value = ids && isSigned ? -1 : ids ? high + 1 : 0;
    else if (adversity.outside && ids && random.chance(0.25))
      value = isSigned && random.chance(0.6) ? random.pick<int64_t>({-1, -1, -2, -100})
                                             : high + random.integer(1, 3);
    tensor.set(i, value);
  }
}

static void drawReals(HostTensor &tensor, const Use &use, double scale, bool infinities,
                      const Adversity &adversity, Random &random) {
  bool coarse = adversity.equal && random.chance(0.7);
  int64_t row = tensor.shape.empty() ? 1 : std::max<int64_t>(tensor.shape.back(), 1);
  bool constant = false;
  double repeated = 0;
  for (int64_t i = 0, e = tensor.size(); i < e; ++i) {
    if (i % row == 0) {
      constant = adversity.equal && random.chance(0.3);
      repeated = static_cast<double>(random.integer(-2, 2));
    }
    double x = constant ? repeated : coarse ? static_cast<double>(random.integer(-2, 2)) : random.normal();
    if (use.positive)
      x = (x < 0 ? -x : x) + 0.0625;
    x *= scale;
    while (std::isnan(roundTo(x, tensor.type)) || std::isinf(roundTo(x, tensor.type)))
      x /= 16;
    tensor.set(i, x);
    if (infinities && !use.positive && random.chance(0.03))
      tensor.set(i, random.chance(0.7) ? -std::numeric_limits<double>::infinity()
                                       : std::numeric_limits<double>::infinity());
  }
}

void reference::drawValues(const Environment &environment, const Adversity &adversity, Random &random,
                           std::vector<HostTensor> &inputs) {
  std::vector<Use> uses = usesOf(environment);
  bool recurrent = false; // a state that is multiplied by more than one at every step tests nothing for long
  environment.cascade.walk([&](attn::RecurrenceOp) { recurrent = true; });
  SmallVector<unsigned> reals;
  for (auto [i, tensor] : llvm::enumerate(environment.signature.inputs)) {
    inputs.emplace_back(*fromMLIR(tensor.elementType), environment.shapes[i]);
    if (isReal(inputs.back().type))
      reals.push_back(i);
  }
  int64_t scaled = reals.empty() ? -1 : reals[random.integer(0, reals.size() - 1)];
  int64_t infinite = reals.empty() ? -1 : reals[random.integer(0, reals.size() - 1)];
  for (auto [i, tensor] : llvm::enumerate(inputs)) {
    double scale = recurrent ? 0.5 : 1;
    if (static_cast<int64_t>(i) == scaled)
      scale *= adversity.huge ? 1e4 : adversity.tiny ? 1e-6 : 1;
    if (tensor.type == ElementType::Bool)
      drawBools(tensor, adversity, random);
    else if (isInteger(tensor.type))
      drawIntegers(tensor, uses[i], adversity, random);
    else
      drawReals(tensor, uses[i], scale,
                adversity.infinities && static_cast<int64_t>(i) == infinite &&
                    tensor.type != ElementType::F8E4M3,
                adversity, random);
  }
}
