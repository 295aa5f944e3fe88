//===- Emit.cpp - functions, equations, recurrences -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emit.h"
#include "Names.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::sema;
using llvm::enumerate;
using llvm::SMLoc;

Emitter::Emitter(Program &program, World &world, ModuleOp module)
    : program(program), world(world), module(module), context(module.getContext()), header(context),
      builder(context) {}

Location Emitter::location(SMLoc loc) {
  auto [line, column] = world.diags.lineAndColumn(loc);
  if (line == 0)
    return UnknownLoc::get(context);
  unsigned buffer = world.sources.FindBufferContainingLoc(loc);
  return FileLineColLoc::get(context, world.sources.getMemoryBuffer(buffer)->getBufferIdentifier(), line,
                             column);
}

Type Emitter::scalarType(Kind kind) {
  switch (kind) {
  case Kind::Bool:
    return builder.getI1Type();
  case Kind::Integer:
    return builder.getI64Type();
  case Kind::Double:
    return builder.getF64Type();
  default:
    return builder.getF32Type();
  }
}

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

Type Emitter::elementType(const Tensor &tensor) {
  return tensor.type ? toMLIR(*tensor.type, context) : scalarType(tensor.kind);
}

std::optional<int64_t> Emitter::staticExtent(const Dim &dim) {
  auto number = dim.rank ? dim.rank->canonical()->fixed : evaluateConstant(dim.extent);
  if (dim.rank && !number)
    number = dim.rank->fixed;
  return number && *number >= 0 ? number : std::nullopt;
}

RankedTensorType Emitter::tensorType(const Tensor &tensor, Type element) {
  SmallVector<int64_t, 6> shape;
  for (const Dim &dim : tensor.dims)
    shape.push_back(staticExtent(dim).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, element);
}

DictionaryAttr Emitter::tensorAttributes(const Tensor &tensor) {
  SmallVector<Attribute, 6> ranks;
  for (const Dim &dim : tensor.dims)
    ranks.push_back(builder.getStringAttr(dim.rank ? dim.rank->name : dim.text));
  return builder.getDictionaryAttr({builder.getNamedAttr(attn::kName, builder.getStringAttr(tensor.name)),
                                    builder.getNamedAttr(attn::kRanks, builder.getArrayAttr(ranks))});
}

DictionaryAttr Emitter::paramAttributes(const Param &param) {
  SmallVector<NamedAttribute, 3> attributes{
      builder.getNamedAttr(attn::kName, builder.getStringAttr(param.declaration->name)),
      builder.getNamedAttr(attn::kType, TypeAttr::get(toMLIR(param.type, context)))};
  if (const ast::Expr *value = param.declaration->value)
    attributes.push_back(
        builder.getNamedAttr(attn::kDefault, builder.getStringAttr(world.textOf(value->begin, value->end))));
  return builder.getDictionaryAttr(attributes);
}

//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

Value Emitter::constant(int64_t value) {
  Value &known = constants[value];
  return known ? known : known = arith::ConstantIndexOp::create(header, header.getUnknownLoc(), value);
}

Value Emitter::extent(const Rank &start) {
  const Rank *rank = &start;
  while (rank->sameAs && !rank->declaration)
    rank = rank->sameAs;
  if (Value known = extents.lookup(rank))
    return known;
  Location loc = location(rank->loc);
  Value value;
  if (rank->declaration && !rank->carrier) {
    Value number;
    if (rank->override) {
      number = attn::LiteralOp::create(header, loc, builder.getI64Type(), std::to_string(*rank->override));
    } else {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(headerEnd);
      std::vector<Values> outer(1);
      std::swap(outer, values);
      number = emit(rank->extent, Kind::Integer);
      std::swap(outer, values);
    }
    value =
        attn::RankOp::create(header, loc, builder.getIndexType(), builder.getStringAttr(rank->name), number);
  } else if (rank->fixed) {
    value = constant(*rank->fixed);
  } else {
    assert(rank->carrier && "an open rank is carried by an input or declared");
    value = tensor::DimOp::create(header, loc, tensors[0].lookup(rank->carrier), constant(rank->carrierDim));
  }
  return extents[rank] = value;
}

Value Emitter::extentNumber(const Rank &start) {
  const Rank *rank = &start;
  while (rank->sameAs && !rank->declaration)
    rank = rank->sameAs;
  if (Value known = extentNumbers.lookup(rank))
    return known;
  Value value = extent(*rank);
  Value number = arith::IndexCastOp::create(header, location(rank->loc), header.getI64Type(), value);
  return extentNumbers[rank] = number;
}

Value Emitter::dimExtent(const Dim &dim) {
  assert(dim.rank && "only inputs have expressions in their brackets");
  return extent(*dim.rank);
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void Emitter::emitFunction() {
  SmallVector<Type> inputTypes, resultTypes;
  SmallVector<DictionaryAttr> inputAttributes, resultAttributes;
  for (Tensor *input : program.inputs) {
    inputTypes.push_back(tensorType(*input, elementType(*input)));
    inputAttributes.push_back(tensorAttributes(*input));
  }
  for (Param *param : program.params) {
    inputTypes.push_back(scalarType(kindOf(param->type)));
    inputAttributes.push_back(paramAttributes(*param));
  }
  for (Tensor *output : program.outputs) {
    Type element = toMLIR(output->type.value_or(world.dtype), context);
    resultTypes.push_back(tensorType(*output, element));
    resultAttributes.push_back(tensorAttributes(*output));
  }
  Location loc = location(program.cascade->loc);
  builder.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(builder, loc, program.cascade->name,
                                  builder.getFunctionType(inputTypes, resultTypes));
  function->setAttr(attn::kCascade, builder.getUnitAttr());
  for (auto [i, attributes] : enumerate(inputAttributes))
    function.setArgAttrs(i, attributes);
  for (auto [i, attributes] : enumerate(resultAttributes))
    function.setResultAttrs(i, attributes);
  Block *block = function.addEntryBlock();
  tensors.emplace_back();
  for (auto [i, input] : enumerate(program.inputs))
    tensors[0][input] = block->getArgument(i);
  for (auto [i, param] : enumerate(program.params))
    params[param] = block->getArgument(program.inputs.size() + i);
  builder.setInsertionPointToEnd(block);
  headerEnd = arith::ConstantIndexOp::create(builder, loc, 0);
  header.setInsertionPoint(headerEnd);
}

void Emitter::run() {
  emitFunction();
  emitPromises(true);
  for (const Group &group : program.groups)
    emitGroup(group);
  emitPromises(false);
  SmallVector<Value> results;
  for (Tensor *output : program.outputs) {
    Type element = toMLIR(output->type.value_or(world.dtype), context);
    results.push_back(attn::MaterializeOp::create(builder, location(output->loc),
                                                  tensorType(*output, element), lookup(*output)));
  }
  func::ReturnOp::create(builder, location(program.cascade->loc), results);
  headerEnd->erase();
}

/// Promises about inputs stand first; those of a called cascade, about what is computed, last.
void Emitter::emitPromises(bool early) {
  for (const Promise &promise : program.promises) {
    Equation asEquation;
    asEquation.value = promise.predicate;
    llvm::SetVector<Tensor *> reads;
    collectReads(asEquation, reads);
    bool aboutInputs = llvm::all_of(reads, [](Tensor *t) { return t->input; });
    if (aboutInputs != early)
      continue;
    SmallVector<llvm::StringRef, 4> names;
    SmallVector<Value, 4> bounds;
    for (const Coordinate *coord : promise.coords) {
      names.push_back(coord->name);
      bounds.push_back(extent(*coord->rank));
    }
    Location loc = location(promise.loc);
    auto op = attn::GivenOp::create(builder, loc, builder.getStringAttr(promise.source),
                                    builder.getStrArrayAttr(names), bounds,
                                    promise.shape ? builder.getUnitAttr() : UnitAttr());
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&op.getBody());
    for (const Coordinate *coord : promise.coords)
      coords[coord] = block->addArgument(builder.getI64Type(), loc);
    values.assign(1, Values());
    Value predicate = emit(promise.predicate, Kind::Bool);
    attn::YieldOp::create(builder, loc, predicate);
  }
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

void Emitter::define(Tensor &tensor, Value value) {
  Value &known = tensors.back()[&tensor];
  if (known) { // it was read before it was there
    Operation *forwardReference = known.getDefiningOp();
    known.replaceAllUsesWith(value);
    forwardReference->erase();
  }
  known = value;
}

Value Emitter::lookup(Tensor &tensor) {
  for (auto &level : llvm::reverse(tensors))
    if (Value value = level.lookup(&tensor))
      return value;
  llvm_unreachable("equations are emitted after what they read");
}

/// Different ones, with those of the recurrences around as they are called there.
SmallVector<llvm::StringRef, 6> Emitter::coordinateNames(Tensor &tensor) {
  SmallVector<std::string, 6> names;
  for (const Coordinate *coord : tensor.equations[0]->coords)
    names.push_back(coord->name);
  llvm::SmallDenseSet<unsigned> forced;
  for (auto &[dim, name] : forcedNames[&tensor]) {
    names[dim] = name;
    forced.insert(dim);
  }
  SmallVector<llvm::StringRef, 6> result;
  for (auto [i, name] : enumerate(names)) {
    auto taken = [&, i = i](llvm::StringRef candidate) {
      for (auto [j, other] : enumerate(names))
        if (j != i && other == candidate && (j < i || forced.contains(j)))
          return true;
      return false;
    };
    std::string unique = name;
    for (unsigned k = 2; !forced.contains(i) && taken(unique); ++k)
      unique = name + "_" + std::to_string(k);
    names[i] = unique;
  }
  for (const std::string &name : names)
    result.push_back(builder.getStringAttr(name).getValue());
  return result;
}

/// The value of one equation at the current coordinates, rounded if the tensor has a type.
Value Emitter::emitValue(const Equation &equation, const Tensor &tensor) {
  Location loc = location(equation.loc);
  Kind from = equation.value->kind, to = readKind(tensor);
  bool rounds = (isReal(from) && !isReal(to)) || (from == Kind::Double && to == Kind::Real) ||
                (from == Kind::Integer && to == Kind::Bool);
  Value value = rounds ? roundTo(emit(equation.value), *tensor.type, loc) : emit(equation.value, to);
  if (!equation.where)
    return value;
  Value predicate = emit(equation.where, Kind::Bool);
  return attn::WhereOp::create(builder, loc, value, predicate);
}

void Emitter::emitEquations(Tensor &tensor) {
  if (tensor.equations[0]->over)
    return emitSelection(tensor);
  Location loc = location(tensor.equations[0]->loc);
  SmallVector<Value, 6> bounds;
  for (const Dim &dim : tensor.dims)
    bounds.push_back(dimExtent(dim));
  auto op = attn::EinsumOp::create(builder, loc, tensorType(tensor, elementType(tensor)),
                                   builder.getStringAttr(tensor.name),
                                   builder.getStrArrayAttr(coordinateNames(tensor)), bounds, Attribute());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&op.getBody());
    for (size_t i = 0; i < tensor.dims.size(); ++i)
      block->addArgument(builder.getI64Type(), loc);
    values.assign(1, Values());
    Value result;
    for (const Equation *equation : tensor.equations) {
      for (auto [coord, argument] : llvm::zip(equation->coords, block->getArguments()))
        coords[coord] = argument;
      Value value = emitValue(*equation, tensor);
      result =
          result ? attn::ElseOp::create(builder, location(equation->loc), result, value).getResult() : value;
    }
    attn::YieldOp::create(builder, loc, result);
  }
  define(tensor, op.getResult());
}

void Emitter::emitSelection(Tensor &tensor) {
  const Equation &equation = *tensor.equations[0];
  Location loc = location(equation.loc);
  SmallVector<Value, 6> bounds;
  for (const Dim &dim : tensor.dims)
    bounds.push_back(dimExtent(dim));
  auto op = attn::ArgtopkOp::create(
      builder, loc, tensorType(tensor, elementType(tensor)), builder.getStringAttr(tensor.name),
      builder.getStrArrayAttr(coordinateNames(tensor)), bounds,
      builder.getStrArrayAttr({equation.over->name}), extent(*equation.over->rank), Attribute());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&op.getBody());
    for (Coordinate *coord : llvm::ArrayRef(equation.coords).drop_back())
      coords[coord] = block->addArgument(builder.getI64Type(), loc);
    coords[equation.over] = block->addArgument(builder.getI64Type(), loc);
    values.assign(1, Values());
    Value value = emit(equation.value, equation.value->kind == Kind::Bool ? Kind::Integer : Kind::Unknown);
    if (equation.where)
      value = attn::WhereOp::create(builder, loc, value, emit(equation.where, Kind::Bool));
    attn::YieldOp::create(builder, loc, value);
  }
  define(tensor, op.getResult());
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

void Emitter::emitGroup(const Group &group) {
  if (group.along)
    return emitRecurrence(group);
  Tensor &tensor = *group.tensors[0];
  if (!tensor.input && !tensor.equations.empty())
    emitEquations(tensor);
}

void Emitter::emitRecurrence(const Group &group) {
  Tensor *first = group.tensors[0];
  std::string along = first->equations[0]->coords[group.dim.lookup(first)]->name;
  for (auto &[dim, name] : forcedNames[first])
    if (dim == group.dim.lookup(first))
      along = name;
  for (Tensor *tensor : group.tensors)
    forcedNames[tensor].push_back({group.dim.lookup(tensor), along});
  SmallVector<Type> types;
  for (Tensor *tensor : group.tensors)
    types.push_back(tensorType(*tensor, elementType(*tensor)));
  Location loc = location(first->equations[0]->loc);
  auto direction = group.backward ? attn::Direction::Backward : attn::Direction::Forward;
  auto op = attn::RecurrenceOp::create(builder, loc, types, attn::DirectionAttr::get(context, direction),
                                       builder.getStringAttr(along), Attribute());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&op.getBody());
    tensors.emplace_back();
    for (auto [tensor, type] : llvm::zip(group.tensors, types))
      tensors.back()[tensor] =
          UnrealizedConversionCastOp::create(builder, loc, type, ValueRange()).getResult(0);
    for (const Group &inner : group.inner)
      emitGroup(inner);
    SmallVector<Value> yields;
    for (Tensor *tensor : group.tensors)
      yields.push_back(tensors.back()[tensor]);
    attn::YieldOp::create(builder, loc, yields);
    tensors.pop_back();
  }
  for (auto [tensor, result] : llvm::zip(group.tensors, op.getResults()))
    define(*tensor, result);
}

void weir::sema::emit(Program &program, World &world, ModuleOp module) {
  Emitter(program, world, module).run();
}
