//===- PointsCompile.cpp - a formula as the nodes that points are asked of ===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/CascadeModel.h"
#include "weir/Analysis/Points.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace weir;

class Points::Compiler {
public:
  Compiler(Points &points, const CascadeModel &model, const StringMap<int64_t> &extents)
      : points(points), model(model), extents(extents) {}
  std::optional<unsigned> compile(const Tree *tree);
  StringMap<unsigned> slots; ///< of the coordinates in scope
  unsigned used = 0;

private:
  std::optional<unsigned> number(int64_t value) { return points.add({Op::Number, value, {}, 0, {}}); }
  std::optional<unsigned> compileBound(const Tree *tree, Op op);
  std::optional<unsigned> compileRead(const Tree *tree);
  std::optional<unsigned> compileNew(const Tree *tree);

  DenseMap<const Tree *, std::optional<unsigned>> known; ///< in the scope at hand

  Points &points;
  const CascadeModel &model;
  const StringMap<int64_t> &extents;
};

/// A quantifier or a count: its coordinates get slots of their own, which hide what has the same name
/// outside.
std::optional<unsigned> Points::Compiler::compileBound(const Tree *tree, Op op) {
  StringMap<unsigned> outer = slots;
  auto outerKnown = std::move(known);
  known.clear();
  Node node{op, 0, {}, 0, {}};
  for (StringRef coord : tree->coords) {
    const Tree *extent = model.getExtent(coord);
    auto length = extent ? model.evaluate(extent, extents) : std::nullopt;
    if (!length || used >= 64)
      return std::nullopt; // the whole formula is given up
    node.bound.push_back({used, std::max<int64_t>(*length, 0)});
    slots[coord] = used++;
  }
  auto body = compile(tree->args[0]);
  slots = std::move(outer);
  known = std::move(outerKnown);
  if (!body)
    return std::nullopt;
  node.args = {*body};
  node.slots = points.nodes[*body].slots;
  for (auto [slot, length] : node.bound)
    node.slots &= ~(uint64_t(1) << slot);
  return points.add(std::move(node));
}

/// A read of a tensor that is known.
std::optional<unsigned> Points::Compiler::compileRead(const Tree *tree) {
  auto found = model.known ? model.known->find(tree->text) : KnownInputs::const_iterator();
  if (!model.known || found == model.known->end() || tree->args.empty())
    return std::nullopt;
  Node node{Op::Read, 0, {}, 0, {}, &found->second};
  for (const Tree *arg : tree->args) {
    auto index = compile(arg);
    if (!index)
      return std::nullopt;
    node.args.push_back(*index);
    node.slots |= points.nodes[*index].slots;
  }
  return points.add(std::move(node));
}

std::optional<unsigned> Points::Compiler::compile(const Tree *tree) {
  if (auto found = known.find(tree); found != known.end())
    return found->second;
  auto node = compileNew(tree);
  return known[tree] = node;
}

std::optional<unsigned> Points::Compiler::compileNew(const Tree *tree) {
  std::optional<Op> op;
  switch (tree->kind) {
  case TreeKind::Coordinate: {
    auto slot = slots.find(tree->text);
    if (slot == slots.end())
      return std::nullopt;
    return points.add({Op::Slot, slot->second, {}, uint64_t(1) << slot->second, {}});
  }
  case TreeKind::Number:
    return tree->getInteger() ? number(*tree->getInteger()) : std::nullopt;
  case TreeKind::Bool:
    return number(tree->isTrue());
  case TreeKind::Extent: {
    auto value = model.evaluate(tree, extents);
    return value ? number(*value) : std::nullopt;
  }
  case TreeKind::Any:
    return compileBound(tree, Op::Any);
  case TreeKind::Read:
    return compileRead(tree);
  case TreeKind::Reduce:
    return tree->text == "count" && tree->args[0]->scalar == ScalarKind::Bool ? compileBound(tree, Op::Count)
                                                                              : std::nullopt;
  case TreeKind::And:
    op = Op::And;
    break;
  case TreeKind::Or:
    op = Op::Or;
    break;
  case TreeKind::Not:
    op = Op::Not;
    break;
  case TreeKind::Select:
    op = Op::Select;
    break;
  case TreeKind::Function:
    if (tree->text == "integer" && tree->args[0]->scalar != ScalarKind::Real)
      return compile(tree->args[0]);
    op = StringSwitch<std::optional<Op>>(tree->text)
             .Case("add", Op::Add)
             .Case("sub", Op::Sub)
             .Case("mul", Op::Mul)
             .Case("neg", Op::Neg)
             .Case("abs", Op::Abs)
             .Case("sign", Op::Sign)
             .Case("min", Op::Min)
             .Case("max", Op::Max)
             .Case("floordiv", Op::Floordiv)
             .Case("mod", Op::Mod)
             .Case("bitand", Op::BitAnd)
             .Case("bitor", Op::BitOr)
             .Case("bitxor", Op::BitXor)
             .Case("eq", Op::Eq)
             .Case("ne", Op::Ne)
             .Case("lt", Op::Lt)
             .Case("le", Op::Le)
             .Case("gt", Op::Gt)
             .Case("ge", Op::Ge)
             .Default(std::nullopt);
    break;
  default:
    break;
  }
  if (!op || (tree->is(TreeKind::Function) && tree->scalar == ScalarKind::Real))
    return std::nullopt;
  Node node{*op, 0, {}, 0, {}};
  for (const Tree *arg : tree->args) {
    auto compiled = arg->scalar == ScalarKind::Real ? std::nullopt : compile(arg);
    if (!compiled)
      return std::nullopt;
    node.args.push_back(*compiled);
    node.slots |= points.nodes[*compiled].slots;
  }
  if (*op >= Op::Eq && *op <= Op::Ge)
    node.number = points.add({Op::Sub, 0, node.args, node.slots, {}});
  return points.add(std::move(node));
}

std::optional<Points> Points::of(const Tree *formula, ArrayRef<Coordinate> coordinates,
                                 const CascadeModel &model, const StringMap<int64_t> &extents) {
  Points points;
  Compiler compiler(points, model, extents);
  for (const Coordinate &coordinate : coordinates) {
    compiler.slots[coordinate.name] = compiler.used++;
    points.extents.push_back(std::max<int64_t>(coordinate.extent, 0));
  }
  auto root = coordinates.size() < 32 ? compiler.compile(formula) : std::nullopt;
  if (!root)
    return std::nullopt;
  points.root = *root;
  points.point.assign(compiler.used, 0);
  points.key = coordinates.empty() ? 63 : coordinates.size() - 1;
  return points;
}
