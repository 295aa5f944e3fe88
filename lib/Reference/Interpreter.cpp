//===- Interpreter.cpp - runs a cascade equation by equation --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Reference/Interpreter.h"
#include "dialects/Attention/Signature.h"
#include "lib/Reference/Machine.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/thread.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::reference;

/// Evaluation recurses with the nesting of expressions and, inside one step of a recurrence, with the chain
/// of its reads.
static constexpr unsigned kStackBytes = 1u << 30;

static llvm::Error fail(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

char BrokenPromise::ID = 0;

namespace {
class Interpretation {
public:
  Interpretation(func::FuncOp cascade, const InterpreterOptions &options)
      : cascade(cascade), options(options), machine(options), signature(attn::getSignature(cascade)) {}
  llvm::Error run(ArrayRef<HostTensor> inputs, ArrayRef<long double> params);
  InterpreterResult result;

private:
  llvm::Error bindInputs(ArrayRef<HostTensor> inputs);
  llvm::Error bindShape(const attn::Signature::Tensor &tensor, const HostTensor &input);
  void bindParams(ArrayRef<long double> params);
  llvm::Error execute(Operation &op);
  llvm::Error executeRank(attn::RankOp op);
  llvm::Error executeGiven(attn::GivenOp op);
  llvm::Error executeRecurrence(attn::RecurrenceOp op);
  llvm::Error executeStream(attn::StreamOp op);
  llvm::Error executeEquation(Operation *op);
  void executeScalar(Operation &op);
  void materialize(attn::MaterializeOp op);
  void declare(Block &recurrence);
  void compileAll(Block &recurrence);
  void step(attn::RecurrenceOp op, llvm::StringMap<int64_t> &fixed);
  void sweep(Operation *op, const llvm::StringMap<int64_t> &fixed);
  Equation &makeEquation(StringRef name, ArrayAttr coords);
  void declareEquation(Operation *op);
  void compileEquation(Operation *op);
  void finishTable(Operation *op);
  SmallVector<int64_t> extentsOf(ValueRange values) { return reference::extentsOf(values, scalars); }
  llvm::Error checkFailure() {
    return machine.failure.empty() ? llvm::Error::success() : fail(machine.failure);
  }

  func::FuncOp cascade;
  const InterpreterOptions &options;
  Machine machine;
  attn::Signature signature;
  std::deque<Table> tableStore;
  std::deque<Equation> equationStore;
  DenseMap<mlir::Value, reference::Value> scalars;
  DenseMap<mlir::Value, Table *> tables;
  DenseMap<Operation *, Equation *> equations;
  llvm::StringMap<std::pair<int64_t, std::string>> ranks; ///< extent, and the tensor that bound it first
};
} // namespace

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// A bracket of a signature is a rank's name or an integer expression, whose check is a promise.
static bool isRankName(StringRef text) {
  return !text.empty() && llvm::isAlpha(text[0]) &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

llvm::Error Interpretation::bindShape(const attn::Signature::Tensor &tensor, const HostTensor &input) {
  if (fromMLIR(tensor.elementType) != input.type)
    return fail(tensor.name + " is declared " + getName(*fromMLIR(tensor.elementType)) +
                ", the tensor given is " + getName(input.type));
  if (input.shape.size() != tensor.shape.size())
    return fail(tensor.name + " has " + Twine(tensor.shape.size()) + " ranks, the tensor given has " +
                Twine(input.shape.size()));
  for (auto [i, extent] : llvm::enumerate(input.shape)) {
    StringRef rank = i < tensor.ranks.size() ? StringRef(tensor.ranks[i]) : StringRef();
    if (!ShapedType::isDynamic(tensor.shape[i]) && tensor.shape[i] != extent)
      return fail(tensor.name + " has extent " + Twine(extent) + " in " + (rank.empty() ? "a rank" : rank) +
                  ", which is fixed to " + Twine(tensor.shape[i]));
    if (!isRankName(rank))
      continue;
    auto [known, inserted] = ranks.try_emplace(rank, extent, tensor.name);
    if (!inserted && known->second.first != extent)
      return fail(Twine("rank ") + rank + " is " + Twine(known->second.first) + " in " +
                  known->second.second + " and " + Twine(extent) + " in " + tensor.name);
  }
  return llvm::Error::success();
}

llvm::Error Interpretation::bindInputs(ArrayRef<HostTensor> inputs) {
  if (inputs.size() != signature.inputs.size())
    return fail("the cascade takes " + Twine(signature.inputs.size()) + " tensors, not " +
                Twine(inputs.size()));
  for (auto [i, tensor] : llvm::enumerate(signature.inputs)) {
    const HostTensor &input = inputs[i];
    if (llvm::Error error = bindShape(tensor, input))
      return error;
    Table &table = tableStore.emplace_back(tensor.name, input.type, input.shape, tensor.elementType);
    tables[cascade.getArgument(i)] = &table;
    for (int64_t k = 0, e = input.size(); k < e; ++k)
      table.data.value[k] = input.get(k);
    llvm::fill(table.data.present, 1);
    if (options.touched) {
      (*options.touched)[i].assign(table.data.value.size(), 0);
      table.touched = &(*options.touched)[i];
    }
    if (!options.errorBounds || table.kind != Kind::Real)
      continue;
    // A kernel may read a denormal as zero.
    double smallest = input.type == ElementType::F64 ? std::numeric_limits<double>::min()
                                                     : std::numeric_limits<float>::min();
    for (auto [k, x] : llvm::enumerate(table.data.value))
      if (x != 0 && fabsl(x) < smallest) {
        table.data.error.resize(table.data.value.size());
        table.data.error[k] = static_cast<double>(fabsl(x));
      }
  }
  return llvm::Error::success();
}

void Interpretation::bindParams(ArrayRef<long double> params) {
  for (auto [i, param] : llvm::enumerate(signature.params)) {
    reference::Value value;
    value.present = true;
    ElementType type = *fromMLIR(param.declaredType); // a param has the value of its type
    long double rounded = roundTo(params[i], type);
    if (isReal(type))
      value.real = rounded;
    else
      value.integer = static_cast<int64_t>(rounded);
    scalars[cascade.getArgument(signature.inputs.size() + i)] = value;
  }
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

SmallVector<int64_t> weir::reference::extentsOf(ValueRange values,
                                                const DenseMap<mlir::Value, reference::Value> &scalars) {
  SmallVector<int64_t> extents;
  for (mlir::Value value : values)
    extents.push_back(scalars.lookup(value).integer);
  return extents;
}

Equation &Interpretation::makeEquation(StringRef name, ArrayAttr coords) {
  Equation &equation = equationStore.emplace_back();
  equation.name = name.str();
  for (auto coord : coords.getAsRange<StringAttr>())
    equation.coords.push_back(coord.str());
  return equation;
}

/// Makes the table of an einsum or a selection, all of it unknown.
void Interpretation::declareEquation(Operation *op) {
  auto name = op->getAttrOfType<StringAttr>("name").getValue();
  auto coords = op->getAttrOfType<ArrayAttr>("coords");
  Equation &equation = makeEquation(name, coords);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<int64_t> shape;
  if (auto argtopk = dyn_cast<attn::ArgtopkOp>(op)) {
    shape = extentsOf(argtopk.getExtents());
    equation.selection = true;
    equation.extents.assign(shape.begin(), shape.end());
    equation.extents.back() = scalars.lookup(argtopk.getOverExtent()).integer;
    equation.coords.back() = cast<StringAttr>(argtopk.getOver()[0]).str();
  } else {
    shape = extentsOf(cast<attn::EinsumOp>(op).getExtents());
    equation.extents.assign(shape.begin(), shape.end());
  }
  Table &table =
      tableStore.emplace_back(name, *fromMLIR(type.getElementType()), shape, type.getElementType());
  table.equation = &equation;
  table.state.resize(table.data.value.size());
  if (options.errorBounds)
    table.data.error.resize(table.data.value.size());
  equation.table = &table;
  equations[op] = &equation;
  tables[op->getResult(0)] = &table;
}

void Interpretation::compileEquation(Operation *op) {
  Equation &equation = *equations.lookup(op);
  BodyCompiler(equation, scalars, tables).compile(op->getRegion(0).front(), equation.extents);
}

/// The table is complete: reads of it no longer ask.
void Interpretation::finishTable(Operation *op) {
  Table &table = *tables.lookup(op->getResult(0));
  table.equation = nullptr;
  table.state = {};
  std::string name = table.name;
  for (unsigned i = 1; result.intermediates.count(name); ++i)
    name = table.name + "_" + std::to_string(i);
  result.intermediates[name] = table.data;
  equations.lookup(op)->nodes.clear();
}

/// Computes every entry whose coordinates agree with `fixed`, in row-major order.
void Interpretation::sweep(Operation *op, const llvm::StringMap<int64_t> &fixed) {
  Equation &equation = *equations.lookup(op);
  ArrayRef<int64_t> shape = equation.table->data.shape;
  SmallVector<int64_t> point(shape.size());
  SmallVector<bool> held(shape.size());
  for (auto [i, coord] : llvm::enumerate(op->getAttrOfType<ArrayAttr>("coords").getAsRange<StringAttr>())) {
    auto at = fixed.find(coord.getValue());
    held[i] = at != fixed.end();
    point[i] = held[i] ? at->second : 0;
    if (point[i] >= shape[i])
      return;
  }
  while (machine.failure.empty()) {
    machine.demand(equation, point);
    size_t i = point.size();
    for (; i > 0; --i) {
      if (held[i - 1])
        continue;
      if (++point[i - 1] < shape[i - 1])
        break;
      point[i - 1] = 0;
    }
    if (i == 0)
      return;
  }
}

llvm::Error Interpretation::executeEquation(Operation *op) {
  declareEquation(op);
  compileEquation(op);
  sweep(op, {});
  finishTable(op);
  return checkFailure();
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

void Interpretation::declare(Block &recurrence) {
  for (Operation &op : recurrence.without_terminator()) {
    if (auto inner = dyn_cast<attn::RecurrenceOp>(op)) {
      declare(inner.getBody().front());
      for (auto [value, outer] : llvm::zip(inner.getYield().getValues(), inner.getResults()))
        tables[outer] = tables.lookup(value);
    } else if (isa<attn::EinsumOp, attn::ArgtopkOp>(op)) {
      declareEquation(&op);
    } else {
      executeScalar(op);
    }
  }
}

void Interpretation::compileAll(Block &recurrence) {
  recurrence.walk([&](Operation *op) {
    if (equations.count(op))
      compileEquation(op);
  });
}

/// All steps along the rank, one after the other; inside a step each entry is computed when it is first read.
void Interpretation::step(attn::RecurrenceOp recurrence, llvm::StringMap<int64_t> &fixed) {
  StringRef along = recurrence.getAlong();
  int64_t steps = 0;
  recurrence.getBody().walk([&](Operation *op) {
    if (!equations.count(op))
      return;
    auto coords = op->getAttrOfType<ArrayAttr>("coords").getAsRange<StringAttr>();
    for (auto [coord, extent] : llvm::zip(coords, equations.lookup(op)->table->data.shape))
      if (coord.getValue() == along)
        steps = std::max(steps, extent);
  });
  bool backward = recurrence.getDirection() == attn::Direction::Backward;
  for (int64_t i = 0; i < steps && machine.failure.empty(); ++i) {
    fixed[along] = backward ? steps - 1 - i : i;
    for (Operation &op : recurrence.getBody().front().without_terminator()) {
      if (auto inner = dyn_cast<attn::RecurrenceOp>(op))
        step(inner, fixed);
      else if (equations.count(&op))
        sweep(&op, fixed);
    }
  }
  fixed.erase(along);
}

llvm::Error Interpretation::executeRecurrence(attn::RecurrenceOp op) {
  declare(op.getBody().front());
  for (auto [value, outer] : llvm::zip(op.getYield().getValues(), op.getResults()))
    tables[outer] = tables.lookup(value);
  compileAll(op.getBody().front());
  llvm::StringMap<int64_t> fixed;
  step(op, fixed);
  op.getBody().walk([&](Operation *inner) {
    if (equations.count(inner))
      finishTable(inner);
  });
  return checkFailure();
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

/// Equations of the body as its tiles read them, the accumulators, then the finish.
llvm::Error Interpretation::executeStream(attn::StreamOp op) {
  Block &block = op.getBody().front();
  auto isFinish = [&](attn::EinsumOp einsum) {
    return llvm::none_of(einsum.getCoords(), [&](Attribute name) { return llvm::is_contained(op.getOver(), name); });
  };
  SmallVector<Operation *> body;
  for (auto einsum : block.getOps<attn::EinsumOp>())
    if (!isFinish(einsum)) {
      declareEquation(einsum);
      body.push_back(einsum);
    }
  for (Operation *equation : body)
    compileEquation(equation);
  auto values = foldStream(op, machine, options, scalars, tables);
  if (llvm::Error error = checkFailure())
    return error;
  for (auto [accumulate, entries] : llvm::zip(block.getOps<attn::AccumulateOp>(), values)) {
    auto type = accumulate.getResult().getType();
    Table &table = tableStore.emplace_back(accumulate.getName(), *fromMLIR(type.getElementType()),
                                           extentsOf(accumulate.getExtents()), type.getElementType());
    if (options.errorBounds)
      table.data.error.resize(entries.size());
    for (auto [i, value] : llvm::enumerate(entries)) {
      table.data.present[i] = value.present;
      table.data.value[i] = !value.present ? 0 : table.kind == Kind::Real ? value.real : value.integer;
      if (options.errorBounds)
        table.data.error[i] = value.error;
    }
    tables[accumulate.getResult()] = &table;
    result.intermediates[table.name] = table.data;
  }
  for (Operation *equation : body) {
    sweep(equation, {}); // what no accumulator has read
    finishTable(equation);
  }
  for (auto einsum : block.getOps<attn::EinsumOp>())
    if (isFinish(einsum))
      if (llvm::Error error = executeEquation(einsum))
        return error;
  for (auto [value, outer] : llvm::zip(op.getYield().getValues(), op.getResults()))
    tables[outer] = tables.lookup(value);
  return checkFailure();
}

//===----------------------------------------------------------------------===//
// Promises, ranks, scalars, outputs
//===----------------------------------------------------------------------===//

llvm::Error Interpretation::executeRank(attn::RankOp op) {
  reference::Value value = scalars.lookup(op.getValue());
  if (!value.present)
    return fail("the extent of rank " + op.getName() + " has no value: its expression is absent");
  if (value.integer < 0)
    return fail("the extent of rank " + op.getName() + " is negative: " + Twine(value.integer));
  auto bound = ranks.find(op.getName());
  if (bound != ranks.end() && bound->second.first != value.integer)
    return fail("rank " + op.getName() + " is declared as " + Twine(value.integer) + " and is " +
                Twine(bound->second.first) + " in " + bound->second.second);
  scalars[op.getExtent()] = value;
  return llvm::Error::success();
}

/// A norm (a sum of rounded numbers) is 1 up to the rounding of the tensors' storage: gives their entries
/// that error, and returns the errors they had.
static std::vector<std::vector<double>> addStorageErrors(std::deque<Table> &tables) {
  static constexpr int precision[] = {53, 24, 11, 8, 4, 3}; // of the real types, in the order of ElementType
  std::vector<std::vector<double>> before;
  for (Table &table : tables) {
    before.push_back(table.data.error);
    if (table.kind != Kind::Real)
      continue;
    table.data.error.resize(table.data.value.size());
    for (auto [error, value] : llvm::zip(table.data.error, table.data.value))
      error = std::ldexp(static_cast<double>(fabsl(value)), -precision[static_cast<int>(table.type)]);
  }
  return before;
}

/// The first coordinates at which a promise is present and surely false; nothing if it holds.
static std::optional<SmallVector<int64_t>> findBroken(Equation &promise, ArrayRef<int64_t> shape) {
  if (llvm::is_contained(shape, 0))
    return std::nullopt;
  InterpreterOptions withBounds;
  withBounds.errorBounds = true;
  Machine checker(withBounds);
  SmallVector<int64_t> point(shape.size());
  while (true) {
    reference::Value value = checker.evaluateAt(promise, point);
    if (value.present && !value.integer && !value.undecided())
      return point;
    size_t i = point.size();
    for (; i > 0; --i) {
      if (++point[i - 1] < shape[i - 1])
        break;
      point[i - 1] = 0;
    }
    if (i == 0)
      return std::nullopt;
  }
}

/// A promise holds where it is present.
llvm::Error Interpretation::executeGiven(attn::GivenOp op) {
  if (!options.checkGivens)
    return llvm::Error::success();
  Equation &promise = makeEquation(op.getSource(), op.getCoords());
  SmallVector<int64_t> shape = extentsOf(op.getExtents());
  promise.extents.assign(shape.begin(), shape.end());
  BodyCompiler(promise, scalars, tables).compile(op.getBody().front(), shape);
  bool norm = llvm::any_of(promise.nodes, [](const Node &node) { return node.code == Code::Reduce; });
  std::vector<std::vector<double>> errors;
  if (norm)
    errors = addStorageErrors(tableStore);
  auto broken = findBroken(promise, shape);
  if (norm)
    for (auto [table, error] : llvm::zip(tableStore, errors))
      table.data.error = error;
  if (!broken)
    return llvm::Error::success();
  std::string source = op.getSource().str();
  if (op.getShape()) {
    std::string sides; // both sides of the equation, in numbers
    if (auto equal = op.getYield().getValues()[0].getDefiningOp<attn::MapOp>(); equal && equal.getFn() == attn::Fn::Eq)
      for (mlir::Value operand : equal.getOperands_()) {
        Equation side;
        BodyCompiler(side, scalars, tables).compile(operand);
        sides += (sides.empty() ? ": " : " is not ") + std::to_string(machine.evaluateAt(side, {}).integer);
      }
    return llvm::make_error<BrokenPromise>(
        source, "the shapes given do not agree with the signature: " + source + " does not hold" + sides);
  }
  std::string place;
  for (auto [coord, at] : llvm::zip(promise.coords, *broken))
    place += (place.empty() ? " at " : ", ") + coord + " = " + std::to_string(at);
  return llvm::make_error<BrokenPromise>(source, "the promise `given " + source + "` is broken" + place);
}

void Interpretation::executeScalar(Operation &op) {
  reference::Value value;
  value.present = true;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    value.integer = tables.lookup(dim.getSource())->data.shape[scalars.lookup(dim.getIndex()).integer];
  } else if (isa<arith::IndexCastOp>(op)) {
    value = scalars.lookup(op.getOperand(0));
  } else {
    Equation equation; // a function-level scalar is a body without coordinates
    BodyCompiler(equation, scalars, tables).compile(op.getResult(0));
    value = machine.evaluateAt(equation, {});
  }
  scalars[op.getResult(0)] = value;
}

/// 5. Absence is lost when an output of the outermost cascade is stored: as 0.
void Interpretation::materialize(attn::MaterializeOp op) {
  const Table &source = *tables.lookup(op.getSource());
  auto type = cast<RankedTensorType>(op.getType());
  Table &table = tableStore.emplace_back(source.name, *fromMLIR(type.getElementType()), source.data.shape,
                                         type.getElementType());
  if (options.errorBounds)
    table.data.error.resize(table.data.value.size());
  for (size_t i = 0, e = table.data.value.size(); i < e; ++i) {
    reference::Value value;
    value.present = source.data.present[i];
    value.error = source.data.error.empty() ? 0 : source.data.error[i];
    if (source.kind == Kind::Real)
      value.real = source.data.value[i];
    else
      value.integer = static_cast<int64_t>(source.data.value[i]);
    value = roundValue(value, source.kind, source.type == ElementType::F64, table.type);
    table.data.present[i] = true;
    table.data.value[i] = !value.present ? 0 : table.kind == Kind::Real ? value.real : value.integer;
    if (table.type == ElementType::F32 && value.present)
      table.data.value[i] = roundTo(value.real, ElementType::F32);
    if (options.errorBounds)
      table.data.error[i] = value.error;
  }
  tables[op.getResult()] = &table;
}

llvm::Error Interpretation::execute(Operation &op) {
  if (auto rank = dyn_cast<attn::RankOp>(op))
    return executeRank(rank);
  if (auto given = dyn_cast<attn::GivenOp>(op))
    return executeGiven(given);
  if (auto recurrence = dyn_cast<attn::RecurrenceOp>(op))
    return executeRecurrence(recurrence);
  if (auto stream = dyn_cast<attn::StreamOp>(op))
    return executeStream(stream);
  if (isa<attn::EinsumOp, attn::ArgtopkOp>(op))
    return executeEquation(&op);
  if (auto output = dyn_cast<attn::MaterializeOp>(op)) {
    materialize(output);
    return llvm::Error::success();
  }
  if (auto ret = dyn_cast<func::ReturnOp>(op)) {
    for (mlir::Value value : ret.getOperands())
      result.outputs.push_back(tables.lookup(value)->data);
    return llvm::Error::success();
  }
  executeScalar(op);
  return llvm::Error::success();
}

/// The equations that promises read, directly or through others (a called cascade promises about
/// intermediates).
static DenseSet<Operation *> neededByPromises(func::FuncOp cascade) {
  DenseSet<Operation *> needed;
  for (Operation &op : llvm::reverse(cascade.getBody().front())) {
    if (!isa<attn::GivenOp>(op) && !needed.contains(&op))
      continue;
    op.walk([&](attn::ReadOp read) {
      if (Operation *source = read.getSource().getDefiningOp())
        needed.insert(source);
    });
  }
  return needed;
}

llvm::Error Interpretation::run(ArrayRef<HostTensor> inputs, ArrayRef<long double> params) {
  if (params.size() != signature.params.size())
    return fail("the cascade takes " + Twine(signature.params.size()) + " params, not " +
                Twine(params.size()));
  if (options.touched)
    options.touched->resize(signature.inputs.size());
  if (llvm::Error error = bindInputs(inputs))
    return error;
  bindParams(params);
  DenseSet<Operation *> needed = options.promisesOnly ? neededByPromises(cascade) : DenseSet<Operation *>();
  for (Operation &op : cascade.getBody().front()) {
    bool equation =
        isa<attn::EinsumOp, attn::ArgtopkOp, attn::RecurrenceOp, attn::StreamOp, attn::MaterializeOp, func::ReturnOp>(
            op);
    if (options.promisesOnly && equation && !needed.contains(&op))
      continue;
    if (llvm::Error error = execute(op))
      return error;
  }
  return llvm::Error::success();
}

llvm::Expected<InterpreterResult> weir::interpret(func::FuncOp cascade, ArrayRef<HostTensor> inputs,
                                                  ArrayRef<long double> params,
                                                  const InterpreterOptions &options) {
  Interpretation interpretation(cascade, options);
  llvm::Error error = llvm::Error::success();
  llvm::thread worker(std::optional<unsigned>(kStackBytes), [&] {
    llvm::consumeError(std::move(error));
    error = interpretation.run(inputs, params);
  });
  worker.join();
  if (error)
    return std::move(error);
  return std::move(interpretation.result);
}
