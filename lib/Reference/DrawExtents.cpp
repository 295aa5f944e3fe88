//===- DrawExtents.cpp - extents and params that keep their promises ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every open rank and every param without a default is a variable. They are drawn, and then each promise that
// does not hold is repaired by setting one variable of it, until all hold or the attempt is given up and
// everything is drawn again.
#include "lib/Reference/Drawing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::reference;
using attn::Fn;

//===----------------------------------------------------------------------===//
// Function-level scalars
//===----------------------------------------------------------------------===//

void Environment::evaluate(ArrayRef<SmallVector<int64_t>> newShapes, ArrayRef<long double> params) {
  shapes.assign(newShapes.begin(), newShapes.end());
  scalars.clear();
  for (auto [i, param] : llvm::enumerate(params)) {
    reference::Value value;
    value.present = true;
    value.real = params[i];
    value.integer = static_cast<int64_t>(params[i]);
    scalars[cascade.getArgument(signature.inputs.size() + i)] = value;
  }
  for (Operation &op : cascade.getBody().front()) {
    reference::Value value;
    value.present = true;
    if (auto rank = dyn_cast<attn::RankOp>(op)) {
      value = scalars.lookup(rank.getValue());
    } else if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      value.integer = extentOf(dim.getSource(), scalars.lookup(dim.getIndex()).integer);
    } else if (isa<arith::IndexCastOp>(op)) {
      value = scalars.lookup(op.getOperand(0));
    } else if (isa<arith::ConstantOp>(op) ||
               (op.getNumResults() == 1 && op.getNumRegions() == 0 && op.getDialect() &&
                isa<attn::AttnDialect>(op.getDialect()) && !isa<attn::MaterializeOp>(op))) {
      value = evaluate(op.getResult(0));
    } else {
      continue;
    }
    scalars[op.getResult(0)] = value;
  }
}

reference::Value Environment::evaluate(mlir::Value value) {
  Equation equation;
  DenseMap<mlir::Value, Table *> none;
  BodyCompiler(equation, scalars, none).compile(value);
  return machine.evaluateAt(equation, {});
}

int64_t Environment::extentOf(mlir::Value tensor, unsigned dim) const {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return shapes[argument.getArgNumber()][dim];
  Operation *op = tensor.getDefiningOp();
  if (auto recurrence = dyn_cast<attn::RecurrenceOp>(op))
    return extentOf(recurrence.getYield().getValues()[cast<OpResult>(tensor).getResultNumber()], dim);
  if (auto einsum = dyn_cast<attn::EinsumOp>(op))
    return scalars.lookup(einsum.getExtents()[dim]).integer;
  if (auto argtopk = dyn_cast<attn::ArgtopkOp>(op))
    return scalars.lookup(argtopk.getExtents()[dim]).integer;
  if (auto stream = dyn_cast<attn::StreamOp>(op))
    return extentOf(stream.getYield().getValues()[cast<OpResult>(tensor).getResultNumber()], dim);
  if (auto accumulate = dyn_cast<attn::AccumulateOp>(op))
    return scalars.lookup(accumulate.getExtents()[dim]).integer;
  return extentOf(op->getOperand(0), dim);
}

static void collectConjuncts(attn::GivenOp given, mlir::Value value, std::vector<Conjunct> &out) {
  Operation *op = value.getDefiningOp();
  if (auto both = dyn_cast_or_null<attn::AndOp>(op)) {
    collectConjuncts(given, both.getLhs(), out);
    collectConjuncts(given, both.getRhs(), out);
    return;
  }
  Conjunct conjunct{given, value, false};
  SmallVector<mlir::Value> work = {value};
  while (!work.empty()) {
    Operation *def = work.pop_back_val().getDefiningOp();
    if (!def || !given->isProperAncestor(def))
      continue;
    def->walk([&](attn::ReadOp) { conjunct.readsTensors = true; });
    llvm::append_range(work, def->getOperands());
  }
  out.push_back(conjunct);
}

std::vector<Conjunct> reference::conjunctsOf(func::FuncOp cascade) {
  std::vector<Conjunct> conjuncts;
  for (auto given : cascade.getOps<attn::GivenOp>())
    collectConjuncts(given, given.getYield().getValues()[0], conjuncts);
  return conjuncts;
}

//===----------------------------------------------------------------------===//
// Cost
//===----------------------------------------------------------------------===//

/// The coordinates of enclosing bodies that a reduction reads, directly or through values computed there.
static DenseSet<mlir::Value> outerCoordinates(attn::ReduceOp reduce) {
  DenseSet<mlir::Value> seen, coordinates;
  SmallVector<mlir::Value> work;
  auto visit = [&](mlir::Value value) {
    if (!reduce.getBody().isAncestor(value.getParentRegion()) && seen.insert(value).second)
      work.push_back(value);
  };
  reduce.getBody().walk([&](Operation *op) { llvm::for_each(op->getOperands(), visit); });
  while (!work.empty()) {
    mlir::Value value = work.pop_back_val();
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getType().isInteger(64) && !isa<func::FuncOp>(argument.getOwner()->getParentOp()))
        coordinates.insert(value);
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (isa<attn::AttnDialect>(op->getDialect()) &&
        !isa<attn::EinsumOp, attn::ArgtopkOp, attn::RecurrenceOp>(op)) {
      llvm::for_each(op->getOperands(), visit);
      op->walk([&](Operation *inner) { llvm::for_each(inner->getOperands(), visit); });
    }
  }
  return coordinates;
}

/// The extent that a coordinate of an equation, a selection, a promise or a reduction runs over.
static double extentOfCoordinate(const Environment &environment, BlockArgument coordinate) {
  Operation *op = coordinate.getOwner()->getParentOp();
  unsigned index = coordinate.getArgNumber();
  if (auto argtopk = dyn_cast<attn::ArgtopkOp>(op);
      argtopk && index + 1 == coordinate.getOwner()->getNumArguments())
    return static_cast<double>(environment.scalars.lookup(argtopk.getOverExtent()).integer);
  return static_cast<double>(environment.scalars.lookup(op->getOperand(index)).integer);
}

/// Of one body: ops times the settings of the coordinates that they depend on.
static double costOfBlock(const Environment &environment, Block &block, double points) {
  double cost = points;
  for (Operation &op : block) {
    auto reduce = dyn_cast<attn::ReduceOp>(op);
    if (!reduce) {
      cost += points;
      continue;
    }
    double inner = 1;
    for (mlir::Value coordinate : outerCoordinates(reduce))
      inner *= extentOfCoordinate(environment, cast<BlockArgument>(coordinate));
    inner = std::min(inner, points);
    for (mlir::Value extent : reduce.getExtents())
      inner *= static_cast<double>(environment.scalars.lookup(extent).integer);
    cost += points + costOfBlock(environment, reduce.getBody().front(), inner);
  }
  return cost;
}

double reference::costOf(const Environment &environment) {
  double cost = 0;
  for (const auto &shape : environment.shapes) {
    double entries = 1;
    for (int64_t extent : shape)
      entries *= static_cast<double>(extent);
    cost += entries;
  }
  environment.cascade.walk([&](Operation *op) {
    if (!isa<attn::EinsumOp, attn::ArgtopkOp, attn::GivenOp>(op))
      return;
    double points = 1;
    for (BlockArgument coordinate : op->getRegion(0).getArguments())
      points *= extentOfCoordinate(environment, coordinate);
    cost += costOfBlock(environment, op->getRegion(0).front(), points);
  });
  return cost;
}

//===----------------------------------------------------------------------===//
// Variables
//===----------------------------------------------------------------------===//

namespace {
struct Variable {
  std::string name;
  bool param = false, fixed = false, outer = false, contracted = false, dependent = false;
  ElementType type = ElementType::I64;
  long double value = 0;
};

class ExtentDrawer {
public:
  ExtentDrawer(Environment &environment, const DrawOptions &options, const Adversity &adversity,
               Random &random)
      : environment(environment), options(options), adversity(adversity), random(random),
        conjuncts(conjunctsOf(environment.cascade)) {
    llvm::erase_if(conjuncts,
                   [](const Conjunct &c) { return c.readsTensors || !c.given.getCoords().empty(); });
    makeVariables();
  }
  DrawnExtents run();

private:
  void makeVariables();
  void makeParams();
  unsigned variableOf(unsigned input, unsigned dim);
  void drawAll();
  int64_t drawExtent(const Variable &variable);
  void update();
  bool repair();
  bool repairConjunct(const Conjunct &conjunct);
  bool fixComparison(Fn fn, mlir::Value lhs, mlir::Value rhs);
  bool assign(mlir::Value value, int64_t target, unsigned depth = 0);
  bool shrink();

  Environment &environment;
  const DrawOptions &options;
  const Adversity &adversity;
  Random &random;
  std::vector<Conjunct> conjuncts;
  std::vector<Variable> variables;
  std::vector<SmallVector<unsigned>> dims; ///< variables of each input's dimensions
  std::vector<unsigned> params;
};
} // namespace

static bool isRankName(StringRef text) {
  return !text.empty() && llvm::isAlpha(text[0]) &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

void ExtentDrawer::makeVariables() {
  llvm::StringMap<unsigned> known;
  for (auto [i, tensor] : llvm::enumerate(environment.signature.inputs)) {
    auto &list = dims.emplace_back();
    for (auto [k, rank] : llvm::enumerate(tensor.ranks)) {
      auto [entry, inserted] = known.try_emplace(rank, variables.size());
      if (inserted) {
        Variable &variable = variables.emplace_back();
        variable.name = rank;
        variable.dependent = !isRankName(rank);
        variable.outer = variable.contracted = true;
      }
      Variable &variable = variables[entry->second];
      if (!ShapedType::isDynamic(tensor.shape[k])) {
        variable.fixed = true;
        variable.value = tensor.shape[k];
      }
      auto given = options.extents.find(rank);
      if (given != options.extents.end()) {
        variable.fixed = true;
        variable.value = given->second;
      }
      variable.outer &= k + 2 < tensor.ranks.size();
      variable.contracted &= k + 1 == tensor.ranks.size();
      list.push_back(entry->second);
    }
  }
  for (const auto &output : environment.signature.outputs)
    for (const std::string &rank : output.ranks)
      if (known.count(rank))
        variables[known[rank]].contracted = false;
  makeParams();
}

void ExtentDrawer::makeParams() {
  for (const auto &param : environment.signature.params) {
    params.push_back(variables.size());
    Variable &variable = variables.emplace_back();
    variable.name = param.name;
    variable.param = true;
    variable.type = *fromMLIR(param.declaredType);
    variable.fixed = param.defaultText.has_value();
    if (!variable.fixed)
      continue;
    bool real = isReal(variable.type);
    Kind kind = real ? Kind::Real : variable.type == ElementType::Bool ? Kind::Bool : Kind::Integer;
    reference::Value value = parseLiteral(*param.defaultText, kind, true);
    variable.value = roundTo(real ? value.real : value.integer, variable.type);
  }
}

int64_t ExtentDrawer::drawExtent(const Variable &variable) {
  if (variable.contracted && options.defaultContracted)
    return options.defaultContracted;
  if (options.defaultExtent)
    return options.defaultExtent;
  if (adversity.zeros && random.chance(0.2))
    return 0;
  if (adversity.ones && random.chance(0.5))
    return 1;
  if (variable.outer)
    return random.chance(0.9) ? random.integer(1, 3) : random.integer(1, 9);
  if (adversity.remainders)
    return random.pick<int64_t>({7, 9, 15, 17, 31, 33, 47, 63, 65, 95, 97, 127, 129});
  double kind = random.uniform();
  return kind < 0.08  ? 1
         : kind < 0.4 ? random.integer(2, 8)
         : kind < 0.8 ? random.integer(9, 40)
                      : random.integer(41, 150);
}

void ExtentDrawer::drawAll() {
  for (Variable &variable : variables) {
    if (variable.fixed)
      continue;
    if (!variable.param)
      variable.value = drawExtent(variable);
    else if (variable.type == ElementType::Bool)
      variable.value = random.integer(0, 1);
    else if (isReal(variable.type))
      variable.value = roundTo(random.uniform() * 2, variable.type);
    else
      variable.value = random.integer(1, 8);
  }
  update();
}

void ExtentDrawer::update() {
  std::vector<SmallVector<int64_t>> shapes;
  for (const auto &list : dims) {
    auto &shape = shapes.emplace_back();
    for (unsigned variable : list)
      shape.push_back(static_cast<int64_t>(variables[variable].value));
  }
  std::vector<long double> values;
  for (unsigned param : params)
    values.push_back(variables[param].value);
  environment.evaluate(shapes, values);
}

/// Sets one variable so that an integer expression comes to `target`; false if there is none that may be set.
bool ExtentDrawer::assign(mlir::Value value, int64_t target, unsigned depth) {
  if (depth > 32)
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    unsigned first = environment.signature.inputs.size();
    if (argument.getArgNumber() < first || argument.getArgNumber() - first >= params.size())
      return false;
    Variable &variable = variables[params[argument.getArgNumber() - first]];
    if (variable.fixed)
      return false;
    variable.value = roundTo(target, variable.type);
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    if (!argument || target < 0)
      return false;
    Variable &variable =
        variables[dims[argument.getArgNumber()][environment.scalars.lookup(dim.getIndex()).integer]];
    if (variable.fixed)
      return false;
    variable.value = target;
    return true;
  }
  if (auto rank = dyn_cast<attn::RankOp>(op))
    return assign(rank.getValue(), target, depth + 1);
  if (isa<arith::IndexCastOp>(op))
    return assign(op->getOperand(0), target, depth + 1);
  auto map = dyn_cast<attn::MapOp>(op);
  if (!map)
    return false;
  auto operands = map.getOperands();
  int64_t a = environment.evaluate(operands[0]).integer;
  int64_t b = operands.size() > 1 ? environment.evaluate(operands[1]).integer : 0;
  unsigned first = operands.size() > 1 && random.chance(0.5) ? 1 : 0;
  for (unsigned k = 0; k < operands.size(); ++k) {
    unsigned side = (first + k) % operands.size();
    int64_t other = side == 0 ? b : a, wanted;
    switch (map.getFn()) {
    case Fn::Add:
      wanted = target - other;
      break;
    case Fn::Sub:
      wanted = side == 0 ? target + other : other - target;
      break;
    case Fn::Mul:
      if (other == 0)
        continue;
      wanted = target / other;
      break;
    case Fn::Floordiv:
      if (side == 1)
        continue;
      wanted = target * other;
      break;
    case Fn::Min:
    case Fn::Max:
      wanted = target;
      break;
    case Fn::Neg:
      wanted = -target;
      break;
    default:
      continue;
    }
    if (assign(operands[side], wanted, depth + 1))
      return true;
  }
  return false;
}

bool ExtentDrawer::fixComparison(Fn fn, mlir::Value lhs, mlir::Value rhs) {
  int64_t a = environment.evaluate(lhs).integer, b = environment.evaluate(rhs).integer;
  if (auto mod = lhs.getDefiningOp<attn::MapOp>();
      mod && mod.getFn() == Fn::Mod && fn == Fn::Eq) { // H % G == 0
    int64_t whole = environment.evaluate(mod.getOperands()[0]).integer,
            part = environment.evaluate(mod.getOperands()[1]).integer;
    if (part <= 0)
      return assign(mod.getOperands()[1], random.integer(1, 4));
    int64_t times = std::max<int64_t>(whole / part, 1);
    return assign(mod.getOperands()[0], times * part + b) || assign(mod.getOperands()[1], 1);
  }
  int64_t left = b, right = a; // what either side would have to be
  switch (fn) {
  case Fn::Lt:
    left = b - 1, right = a + 1;
    break;
  case Fn::Gt:
    left = b + 1, right = a - 1;
    break;
  case Fn::Ne:
    left = b + 1, right = a + 1;
    break;
  default:
    break;
  }
  bool leftFirst = random.chance(0.7);
  return leftFirst ? assign(lhs, left) || assign(rhs, right) : assign(rhs, right) || assign(lhs, left);
}

bool ExtentDrawer::repairConjunct(const Conjunct &conjunct) {
  auto map = conjunct.condition.getDefiningOp<attn::MapOp>();
  if (!map || map.getOperands().size() != 2)
    return false;
  return fixComparison(map.getFn(), map.getOperands()[0], map.getOperands()[1]);
}

/// Whether all promises about extents hold, after as many repairs as are worth it.
bool ExtentDrawer::repair() {
  for (unsigned sweep = 0; sweep < 24; ++sweep) {
    bool changed = false, broken = false;
    for (const Conjunct &conjunct : conjuncts) {
      reference::Value value = environment.evaluate(conjunct.condition);
      if (!value.present || value.integer)
        continue;
      broken = true;
      if (!repairConjunct(conjunct))
        continue;
      changed = true;
      update();
    }
    for (auto rank : environment.cascade.getOps<attn::RankOp>()) {
      reference::Value value = environment.scalars.lookup(rank.getValue());
      auto input =
          llvm::find_if(variables, [&](const Variable &v) { return !v.param && v.name == rank.getName(); });
      bool clash = input != variables.end() && value.present && input->value != value.integer;
      if (value.present && value.integer >= 0 && !clash)
        continue;
      broken = true;
      bool set = clash && value.integer >= 0 && !input->fixed;
      if (set)
        input->value = value.integer;
      else
        set = assign(rank.getValue(), clash ? static_cast<int64_t>(input->value) : random.integer(0, 8));
      changed |= set;
      update();
    }
    if (!broken)
      return true;
    if (!changed)
      return false;
  }
  return false;
}

/// Halves one of the larger extents; false if there is none left to halve.
bool ExtentDrawer::shrink() {
  SmallVector<Variable *> large;
  for (Variable &variable : variables)
    if (!variable.fixed && !variable.dependent && (!variable.param || isInteger(variable.type)) &&
        variable.value > 2)
      large.push_back(&variable);
  if (large.empty())
    return false;
  Variable *chosen = large[random.integer(0, large.size() - 1)];
  Variable *other = large[random.integer(0, large.size() - 1)];
  if (other->value > chosen->value)
    chosen = other;
  int64_t value = static_cast<int64_t>(chosen->value);
  chosen->value = value / 2 + random.integer(0, 1);
  update();
  return true;
}

/// Draws until all promises hold at a cost within the budget. Where given extents and promises allow nothing that
/// cheap, the cheapest of all attempts is taken: promises may undo what shrink() does, so its steps are counted.
DrawnExtents ExtentDrawer::run() {
  double budget = options.defaultExtent ? std::numeric_limits<double>::infinity() : options.work;
  double least = std::numeric_limits<double>::infinity();
  std::vector<Variable> cheapest;
  for (unsigned attempt = 0; attempt < 60 && (cheapest.empty() || least > budget * 4); ++attempt) {
    drawAll();
    bool kept = repair();
    for (unsigned step = 0; kept && step < 64 && costOf(environment) > budget && shrink(); ++step)
      kept = repair();
    if (double cost = costOf(environment); kept && cost < least) {
      least = cost;
      cheapest = variables;
    }
  }
  if (!cheapest.empty()) {
    variables = cheapest;
    update();
  }
  DrawnExtents drawn;
  drawn.shapes = environment.shapes;
  for (unsigned param : params)
    drawn.params.push_back(variables[param].value);
  for (const Variable &variable : variables)
    if (!variable.param && !variable.dependent)
      drawn.ranks[variable.name] = static_cast<int64_t>(variable.value);
  for (auto rank : environment.cascade.getOps<attn::RankOp>())
    drawn.ranks[rank.getName()] = environment.scalars.lookup(rank.getExtent()).integer;
  for (const Conjunct &conjunct : conjuncts) {
    reference::Value value = environment.evaluate(conjunct.condition);
    if (value.present && !value.integer && !llvm::is_contained(drawn.unmet, conjunct.given.getSource()))
      drawn.unmet.push_back(conjunct.given.getSource().str());
  }
  return drawn;
}

DrawnExtents reference::drawExtents(Environment &environment, const DrawOptions &options,
                                    const Adversity &adversity, Random &random) {
  return ExtentDrawer(environment, options, adversity, random).run();
}
