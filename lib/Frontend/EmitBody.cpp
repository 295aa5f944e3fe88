//===- EmitBody.cpp - expressions as bodies -------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One op for each node and region in which it is used: a node that a let shares is emitted once in the region
// of its first use, and is seen from the reductions inside that region, not from those beside it.
#include "Emit.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace weir;
using namespace weir::sema;
using attn::Fn;

Value Emitter::literal(llvm::StringRef text, Kind kind, Location loc) {
  return attn::LiteralOp::create(builder, loc, scalarType(kind), text);
}

Value Emitter::map(Fn fn, llvm::ArrayRef<Value> operands, Kind kind, Location loc) {
  return attn::MapOp::create(builder, loc, scalarType(kind), fn, operands);
}

/// Rounding by `as T`, in the scalar type that reads of T have.
Value Emitter::roundTo(Value value, ElementType type, Location loc) {
  if (value.getType().isInteger(1) && type != ElementType::Bool)
    value = map(Fn::Integer, {value}, Kind::Integer, loc);
  if (value.getType().isInteger(1))
    return value;
  return attn::CastOp::create(builder, loc, scalarType(kindOf(type)), value,
                              TypeAttr::get(toMLIR(type, context)));
}

/// Up the ladder of kinds. Literals are exact, so one is written anew instead of being converted.
Value Emitter::coerce(Value value, Kind from, Kind to, const Node *node, Location loc) {
  if (to == Kind::Unknown || from == to)
    return value;
  assert(from < to && "values are only made wider here");
  if (node->op == sema::Op::Integer && isReal(to))
    return literal(std::to_string(node->integer) + ".0", to, loc);
  if (node->op == sema::Op::Real)
    return literal(node->text, to, loc);
  if (from == Kind::Bool) {
    value = map(Fn::Integer, {value}, Kind::Integer, loc);
    from = Kind::Integer;
  }
  return from == to ? value : map(Fn::Real, {value}, to, loc);
}

Value Emitter::emit(const Node *node, Kind want) {
  if (want == node->kind)
    want = Kind::Unknown;
  std::pair<const Node *, int> key{node, int(want)};
  for (Values &level : llvm::reverse(values))
    if (Value known = level.lookup(key))
      return known;
  Value value;
  bool isLiteral = node->op == sema::Op::Integer || node->op == sema::Op::Real;
  if (want != Kind::Unknown && isLiteral)
    value = coerce(Value(), node->kind, want, node, location(node->loc));
  else if (want != Kind::Unknown)
    value = coerce(emit(node), node->kind, want, node, location(node->loc));
  else
    value = emitNode(node);
  values.back()[key] = value;
  return value;
}

Value Emitter::emitNode(const Node *node) {
  Location loc = location(node->loc);
  auto arg = [&](unsigned i, Kind want = Kind::Unknown) { return emit(node->args[i], want); };
  switch (node->op) {
  case sema::Op::Integer:
    return literal(std::to_string(node->integer), Kind::Integer, loc);
  case sema::Op::Real:
  case sema::Op::Bool:
    return literal(node->text, node->kind, loc);
  case sema::Op::Coord:
    return coords.lookup(node->coord);
  case sema::Op::Extent:
    return extentNumber(*node->rank);
  case sema::Op::Param:
    return params.lookup(node->param);
  case sema::Op::Read: {
    SmallVector<Value, 6> indices;
    for (unsigned i = 0; i < node->args.size(); ++i)
      indices.push_back(arg(i, Kind::Integer));
    return attn::ReadOp::create(builder, loc, scalarType(node->kind), lookup(*node->tensor), indices);
  }
  case sema::Op::Map:
    return emitMap(node);
  case sema::Op::Number:
    return arg(0, node->kind);
  case sema::Op::Divide: {
    bool floors = node->kind == Kind::Integer;
    Value a = arg(0, node->kind), b = arg(1, node->kind);
    return map(floors ? Fn::Floordiv : Fn::Div, {a, b}, node->kind, loc);
  }
  case sema::Op::Modulo: {
    Value a = arg(0, Kind::Integer), b = arg(1, Kind::Integer);
    return map(Fn::Mod, {a, b}, Kind::Integer, loc);
  }
  case sema::Op::Power: {
    Value base = arg(0, node->kind);
    if (node->args.size() == 1)
      return map(Fn::Powi, {base, literal(node->text, Kind::Integer, loc)}, node->kind, loc);
    return map(Fn::Pow, {base, arg(1, node->kind)}, node->kind, loc);
  }
  case sema::Op::And: {
    Value a = arg(0), b = arg(1);
    return attn::AndOp::create(builder, loc, builder.getI1Type(), a, b);
  }
  case sema::Op::Or: {
    Value a = arg(0), b = arg(1);
    return attn::OrOp::create(builder, loc, builder.getI1Type(), a, b);
  }
  case sema::Op::Not:
    return attn::NotOp::create(builder, loc, builder.getI1Type(), arg(0));
  case sema::Op::Else: {
    Value a = arg(0, node->kind), b = arg(1, node->kind);
    return attn::ElseOp::create(builder, loc, a, b);
  }
  case sema::Op::Select: {
    Value c = arg(0), a = arg(1, node->kind), b = arg(2, node->kind);
    return attn::SelectOp::create(builder, loc, a.getType(), c, a, b);
  }
  case sema::Op::IsAbsent:
    return attn::IsabsentOp::create(builder, loc, builder.getI1Type(), arg(0));
  case sema::Op::Cast:
    return roundTo(arg(0), node->type, loc);
  case sema::Op::Where: {
    Value value = arg(0), predicate = arg(1, Kind::Bool);
    return attn::WhereOp::create(builder, loc, value, predicate);
  }
  case sema::Op::Reduce:
    return emitReduce(node);
  }
  llvm_unreachable("every op is emitted");
}

Value Emitter::emitMap(const Node *node) {
  Location loc = location(node->loc);
  Kind kind = node->kind;
  if (node->fn >= Fn::Eq && node->fn <= Fn::Ge) // compared as the wider of the two
    kind = std::max(node->args[0]->kind, node->args[1]->kind);
  SmallVector<Value, 2> operands;
  for (const Node *operand : node->args)
    operands.push_back(emit(operand, kind));
  if (node->fn == Fn::Real)
    return operands[0];
  return map(node->fn, operands, node->kind, loc);
}

Value Emitter::emitReduce(const Node *node) {
  Location loc = location(node->loc);
  SmallVector<llvm::StringRef, 2> names;
  SmallVector<Value, 2> bounds;
  for (const Coordinate *coord : node->coords) {
    names.push_back(coord->name);
    bounds.push_back(extent(*coord->rank));
  }
  auto op = attn::ReduceOp::create(builder, loc, scalarType(node->kind), node->reduction,
                                   builder.getStrArrayAttr(names), bounds);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&op.getBody());
  for (const Coordinate *coord : node->coords)
    coords[coord] = block->addArgument(builder.getI64Type(), loc);
  values.emplace_back();
  Kind body = node->args[0]->kind, want = body;
  switch (node->reduction) {
  case attn::Reduction::Any:
  case attn::Reduction::All:
  case attn::Reduction::Count:
    break;
  case attn::Reduction::Argmax:
  case attn::Reduction::Argmin:
    want = std::max(body, Kind::Integer);
    break;
  default:
    want = std::max(body, node->kind);
  }
  Value value = emit(node->args[0], want);
  attn::YieldOp::create(builder, loc, value);
  values.pop_back();
  return op.getResult();
}
