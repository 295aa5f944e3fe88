//===- TileReader.cpp - values of a stream as trees -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TileReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "weir/Analysis/BlockJudge.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

/// A read of an input that is known.
const Tree *TileReader::readKnown(ReadOp op) {
  auto input = dyn_cast<BlockArgument>(op.getSource());
  if (!input || !isa<func::FuncOp>(input.getOwner()->getParentOp()) || !model.known)
    return nullptr;
  const std::string &name = model.inputs[input.getArgNumber()];
  if (!model.known->contains(name))
    return nullptr;
  SmallVector<const Tree *> indices;
  for (Value index : op.getIndices()) {
    indices.push_back(read(index));
    if (!indices.back())
      return nullptr;
  }
  return arena.get(TreeKind::Read, op.getType().isInteger(1) ? ScalarKind::Bool : ScalarKind::Integer, name,
                   indices);
}

/// An extent by its class.
std::optional<int64_t> TileReader::sizeOf(const std::string &name) {
  StringRef rank = name;
  auto size = Extents::constant(name);
  return !size && rank.consume_front("rank ") ? model.evaluate(arena.extent(rank), extents) : size;
}

/// Whether a value is there for all coordinates.
bool TileReader::isThere(Value v) {
  Presence present = presences.of(v);
  return present && llvm::all_of(*present, [&](const std::string &name) { return inhabited.count(name); });
}

const Tree *TileReader::presenceOf(Value v) {
  Operation *op = v.getDefiningOp();
  if (!op || isThere(v) || !isa<AttnDialect>(op->getDialect()))
    return nullptr;
  const Tree *all = nullptr;
  auto add = [&](const Tree *one) { all = !one ? all : all ? both(all, one) : one; };
  if (auto select = dyn_cast<SelectOp>(op)) {
    const Tree *sides[] = {presenceOf(select.getThenValue()), presenceOf(select.getElseValue())};
    if (!sides[0] && !sides[1])
      return nullptr;
    const Tree *condition = read(select.getCondition());
    return either(both(condition, sides[0] ? sides[0] : truth(true)), both(invert(condition), sides[1] ? sides[1] : truth(true)));
  }
  for (Value operand : op->getOperands())
    if (operand.getType().isInteger())
      add(presenceOf(operand));
  if (auto read = dyn_cast<ReadOp>(op))
    for (auto [k, index] : llvm::enumerate(read.getIndices()))
      if (!presences.isInside(read, k)) {
        const Tree *own = this->read(index);
        std::optional<int64_t> size = sizeOf(classes.ofDim(read.getSource(), k));
        add(both(atMost(number(0), own), less(own, number(size.value_or(0)))));
      }
  return all;
}

const Tree *TileReader::readOp(Operation *op) {
  APInt constant;
  if (matchPattern(op, m_ConstantInt(&constant)))
    return number(constant.getSExtValue());
  if (isa<arith::IndexCastOp>(op))
    return read(op->getOperand(0));
  if (auto rank = dyn_cast<RankOp>(op))
    return read(rank.getValue());
  if (isa<tensor::DimOp>(op)) {
    auto size = sizeOf(classes.of(op->getResult(0)));
    return size ? number(*size) : nullptr;
  }
  if (auto literal = dyn_cast<LiteralOp>(op)) {
    if (literal.getType().isInteger(1))
      return truth(literal.getText() == "true");
    auto value = getLiteral(literal);
    return value ? number(*value) : nullptr;
  }
  SmallVector<const Tree *> args;
  if (auto read = dyn_cast<ReadOp>(op))
    return readKnown(read);
  if (!isa<MapOp, AndOp, OrOp, NotOp, SelectOp>(op))
    return nullptr;
  for (Value operand : op->getOperands()) {
    args.push_back(isa<FloatType>(operand.getType()) ? nullptr : read(operand));
    if (!args.back())
      return nullptr;
  }
  ScalarKind kind = op->getResult(0).getType().isInteger(1) ? ScalarKind::Bool : ScalarKind::Integer;
  if (auto map = dyn_cast<MapOp>(op))
    return isa<FloatType>(map.getType())
               ? nullptr
               : arena.get(TreeKind::Function, kind, stringifyFn(map.getFn()), args);
  TreeKind tree = isa<AndOp>(op)   ? TreeKind::And
                  : isa<OrOp>(op)  ? TreeKind::Or
                  : isa<NotOp>(op) ? TreeKind::Not
                                   : TreeKind::Select;
  return arena.get(tree, kind, "", args);
}

const Tree *TileReader::read(Value v) {
  if (auto found = known.find(v); found != known.end())
    return found->second;
  const Tree *tree = nullptr;
  if (Operation *op = v.getDefiningOp()) {
    tree = readOp(op);
    const Tree *present = tree && v.getType().isInteger(1) && isa<ReadOp, MapOp>(op) ? presenceOf(v) : nullptr;
    tree = present ? both(present, tree) : tree;
  } else {
    auto argument = cast<BlockArgument>(v);
    if (!isa<func::FuncOp>(argument.getOwner()->getParentOp()) &&
        plan.roleOf(argument) != StreamTiles::Role::Inner)
      tree = arena.coordinate(getCoordinateName(argument));
  }
  return known[v] = tree;
}

std::optional<int64_t> TileReader::extentOf(Value v) {
  const Tree *tree = read(v);
  return tree ? model.evaluate(tree, extents) : std::nullopt;
}

const Tree *TileReader::fixed(Value v) {
  if (!isThere(v))
    return nullptr;
  const Tree *tree = read(v);
  if (auto constant = tree ? tree->getInteger() : std::nullopt)
    return number(std::clamp(*constant, -BlockJudge<TileReader>::kLargest, BlockJudge<TileReader>::kLargest));
  return tree;
}
