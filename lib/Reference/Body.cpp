//===- Body.cpp - compiles a body into a tree of nodes --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/Machine.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"
#include <atomic>
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::reference;

/// A reduction whose table would be larger than this remembers its last value only.
static constexpr int64_t kMemoEntries = 1 << 20;

Kind reference::kindOf(Type scalar) {
  if (isa<FloatType>(scalar))
    return Kind::Real;
  return scalar.isInteger(1) ? Kind::Bool : Kind::Integer;
}

Kind reference::kindOf(ElementType type) {
  return isReal(type) ? Kind::Real : type == ElementType::Bool ? Kind::Bool : Kind::Integer;
}

Table::Table(StringRef name, ElementType type, ArrayRef<int64_t> shape, Type elementType)
    : name(name), type(type), kind(kindOf(type)), strides(shape.size()) {
  data.elementType = elementType;
  data.shape.assign(shape.begin(), shape.end());
  int64_t size = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = size;
    size *= shape[i];
  }
  static std::atomic<uint64_t> nextOrigin{1};
  firstOrigin = nextOrigin.fetch_add(size);
  data.value.resize(size);
  data.present.resize(size);
}

reference::Value reference::parseLiteral(StringRef text, Kind kind, bool wide) {
  reference::Value value;
  value.present = true;
  std::string copy = text.str();
  if (kind == Kind::Bool) {
    value.integer = text == "true" || text == "1";
  } else if (kind == Kind::Integer) {
    StringRef digits = text;
    bool negative = digits.consume_front("-");
    uint64_t magnitude = 0; // a literal beyond 2^64 wraps, as arithmetic does
    unsigned radix = digits.consume_front("0x") || digits.consume_front("0X") ? 16 : 10;
    for (char c : digits)
      magnitude = magnitude * radix + llvm::hexDigitValue(c);
    value.integer = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  } else {
    value.real = strtold(copy.c_str(), nullptr);
    if (std::isfinite(value.real)) {
      long double nearest = wide ? static_cast<double>(value.real) : static_cast<float>(value.real);
      value.error = static_cast<double>(fabsl(value.real - nearest)); // infinite where the type overflows
    }
  }
  return value;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

int BodyCompiler::addSlot(StringRef name, int64_t extent) {
  equation.slotNames.push_back(name.str());
  equation.slotExtents.push_back(extent);
  scope.push_back(equation.slotCount);
  return equation.slotCount++;
}

void BodyCompiler::compile(Block &block, ArrayRef<int64_t> extents, mlir::Value value) {
  for (auto [i, argument] : llvm::enumerate(block.getArguments())) {
    int slot = addSlot(equation.coords[i], extents[i]);
    Node *node = add(Code::Coordinate, argument.getType());
    node->slot = slot;
    node->depends.resize(slot + 1);
    node->depends.set(slot);
    known[argument] = node;
  }
  equation.body = get(value ? value : block.getTerminator()->getOperand(0));
}

void BodyCompiler::compile(mlir::Value value) { equation.body = get(value); }

Node *BodyCompiler::add(Code code, Type type) {
  Node &node = equation.nodes.emplace_back();
  node.code = code;
  node.kind = kindOf(type);
  node.wide = type.isF64();
  return &node;
}

Node *BodyCompiler::get(mlir::Value value) {
  Node *&entry = known[value];
  if (!entry) {
    Node *node;
    auto scalar = scalars.find(value);
    if (scalar != scalars.end()) {
      node = add(Code::Constant, value.getType());
      node->constant = scalar->second;
    } else {
      node = build(value.getDefiningOp());
    }
    known[value] = node; // `entry` may have moved
    finish(node);
    ++node->uses;
    return node;
  }
  Node *node = entry;
  ++node->uses;
  finish(node);
  return node;
}

Node *BodyCompiler::build(Operation *op) {
  assert(op && "a scalar of a body is a coordinate, a captured scalar or an op of the body");
  Type type = op->getResult(0).getType();
  if (auto reduce = dyn_cast<attn::ReduceOp>(op))
    return addReduce(reduce);
  Code code = TypeSwitch<Operation *, Code>(op)
                  .Case<attn::ReadOp>([](auto) { return Code::Read; })
                  .Case<attn::MapOp>([](auto) { return Code::Map; })
                  .Case<attn::CastOp>([](auto) { return Code::Cast; })
                  .Case<attn::WhereOp>([](auto) { return Code::Where; })
                  .Case<attn::ElseOp>([](auto) { return Code::Else; })
                  .Case<attn::SelectOp>([](auto) { return Code::Select; })
                  .Case<attn::IsabsentOp>([](auto) { return Code::Isabsent; })
                  .Case<attn::AndOp>([](auto) { return Code::And; })
                  .Case<attn::OrOp>([](auto) { return Code::Or; })
                  .Case<attn::NotOp>([](auto) { return Code::Not; })
                  .Default([](auto) { return Code::Constant; });
  Node *node = add(code, type);
  if (auto literal = dyn_cast<attn::LiteralOp>(op)) {
    node->constant = parseLiteral(literal.getText(), node->kind, node->wide);
    return node;
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    node->constant.present = true;
    if (auto integer = dyn_cast<IntegerAttr>(constant.getValue()))
      node->constant.integer =
          type.isInteger(1) ? integer.getValue().getZExtValue() : integer.getValue().getSExtValue();
    else
      node->constant.real = cast<FloatAttr>(constant.getValue()).getValueAsDouble();
    return node;
  }
  assert(code != Code::Constant && "an op that bodies may not hold");
  auto operands = op->getOperands();
  if (auto read = dyn_cast<attn::ReadOp>(op)) {
    node->table = tables.lookup(read.getSource());
    assert(node->table && "a body reads tensors defined above it");
    operands = read.getIndices();
  }
  if (auto map = dyn_cast<attn::MapOp>(op))
    node->fn = map.getFn();
  if (auto cast = dyn_cast<attn::CastOp>(op))
    node->to = *fromMLIR(cast.getTo());
  for (mlir::Value operand : operands)
    node->operands.push_back(get(operand));
  node->demands = node->table && node->table->equation;
  for (Node *operand : node->operands) {
    node->depends |= operand->depends;
    node->demands |= operand->demands;
  }
  // Where the other operand is absent an entry is not read: it may be of a step that is yet to come.
  if (code == Code::Map && node->operands.size() == 2)
    node->swapped = node->operands[0]->demands && !node->operands[1]->demands;
  return node;
}

Node *BodyCompiler::addReduce(attn::ReduceOp op) {
  Node *node = add(Code::Reduce, op.getType());
  node->reduction = op.getReduction();
  node->rounding = roundingOfFactors(op);
  size_t outer = scope.size();
  for (auto [coord, extent, argument] : llvm::zip(op.getCoords().getAsRange<StringAttr>(), op.getExtents(),
                                                  op.getBody().front().getArguments())) {
    node->extents.push_back(scalars.lookup(extent).integer);
    node->slots.push_back(addSlot(coord.getValue(), node->extents.back()));
    Node *coordinate = add(Code::Coordinate, argument.getType());
    coordinate->slot = node->slots.back();
    coordinate->depends.resize(coordinate->slot + 1);
    coordinate->depends.set(coordinate->slot);
    known[argument] = coordinate;
  }
  Node *body = get(op.getBody().front().getTerminator()->getOperand(0));
  node->operands.push_back(body);
  node->demands = body->demands;
  node->depends = body->depends;
  for (int slot : node->slots)
    if (slot < static_cast<int>(node->depends.size()))
      node->depends.reset(slot);
  scope.truncate(outer);
  return node;
}

/// Decides where a node's value is kept. Called at every use, since the first may stand where nothing can be
/// hoisted.
void BodyCompiler::finish(Node *node) {
  if (node->code == Code::Constant || node->code == Code::Coordinate)
    return;
  int innermost = node->depends.find_last();
  int here = scope.empty() ? -1 : scope.back();
  node->hoisted |= innermost != here;
  bool plainRead = node->code == Code::Read && llvm::all_of(node->operands, [](Node *index) {
                     return index->code == Code::Coordinate || index->code == Code::Constant;
                   });
  bool worthwhile = node->hoisted || (node->uses > 1 && !plainRead);
  if (!worthwhile || node->cache >= 0 || node->memo)
    return;
  // A reduction that leaves out a slot outside its innermost one would be computed again for every value of
  // that slot.
  bool prefix = true;
  int64_t entries = 1;
  SmallVector<int, 4> slots;
  for (int slot : scope) {
    if (slot > innermost)
      break;
    bool used = slot < static_cast<int>(node->depends.size()) && node->depends.test(slot);
    prefix &= used;
    if (!used)
      continue;
    slots.push_back(slot);
    if (entries <= kMemoEntries)
      entries *= equation.slotExtents[slot];
  }
  if (node->code == Code::Reduce && !prefix && entries <= kMemoEntries) {
    node->memo = true;
    node->memoSlots = slots;
    for (int slot : slots)
      node->memoExtents.push_back(equation.slotExtents[slot]);
    return;
  }
  node->cacheSlot = innermost;
  node->cache = equation.cacheCount++;
}
