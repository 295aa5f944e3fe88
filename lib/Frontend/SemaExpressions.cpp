//===- SemaExpressions.cpp - names in expressions -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A null node is an error that has been reported. Kinds are not known yet, so `/`, `%` and `^` of what may be
// integers are left to SemaKinds, with a note of where they stand.
#include "Resolver.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;
using ast::ExprKind;

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// Null when the program has grown too large or the expression too high.
Node *Resolver::make(Op op, SMLoc loc, ArrayRef<Node *> args) {
  if (program.nodes.size() > kMaxNodes)
    return nullptr;
  Node node;
  node.op = op;
  node.loc = loc;
  node.args.append(args.begin(), args.end());
  for (const Node *arg : args) {
    node.height = std::max(node.height, arg->height + 1);
    node.depth = std::max(node.depth, arg->depth);
  }
  node.depth += op == Op::Reduce;
  if (node.height > kMaxNodeHeight || node.depth > kMaxReductionDepth) {
    bool deep = node.depth > kMaxReductionDepth;
    world.error(loc,
                deep ? "more than " + Twine(kMaxReductionDepth) + " reductions stand in each other"
                     : "the expression is more than " + Twine(kMaxNodeHeight) +
                           " operators high once its lets are written out",
                "give a part of it a name by an equation");
    return nullptr;
  }
  program.nodes.push_back(std::move(node));
  return &program.nodes.back();
}

Node *Resolver::makeMap(attn::Fn fn, SMLoc loc, ArrayRef<Node *> args) {
  Node *node = make(Op::Map, loc, args);
  if (node)
    node->fn = fn;
  return node;
}

Node *Resolver::makeInteger(int64_t value, SMLoc loc) {
  Node *node = make(Op::Integer, loc, {});
  if (node)
    node->integer = value;
  return node;
}

Node *Resolver::makeCoord(Coordinate *coord, SMLoc loc) {
  Node *node = make(Op::Coord, loc, {});
  if (node)
    node->coord = coord;
  return node;
}

Node *Resolver::makeRead(Tensor *tensor, SMLoc loc, ArrayRef<Node *> indices) {
  tensor->used = true;
  Node *node = make(Op::Read, loc, indices);
  if (node)
    node->tensor = tensor;
  return node;
}

/// The value of an integer expression of numbers and consts, if it is one.
std::optional<int64_t> weir::sema::evaluateConstant(const Node *root) {
  DenseMap<const Node *, std::optional<int64_t>> known;
  std::function<std::optional<int64_t>(const Node *)> visit =
      [&](const Node *node) -> std::optional<int64_t> {
    if (node->op == Op::Integer)
      return node->integer;
    if (node->op == Op::Extent)
      return node->rank->canonical()->fixed;
    bool folds =
        node->op == Op::Map || node->op == Op::Divide || node->op == Op::Modulo || node->op == Op::Power;
    if (!folds)
      return std::nullopt;
    if (auto it = known.find(node); it != known.end())
      return it->second;
    SmallVector<int64_t, 2> values;
    for (const Node *arg : node->args)
      if (auto value = visit(arg))
        values.push_back(*value);
      else
        return known[node] = std::nullopt;
    if (node->op == Op::Power && !node->text.empty())
      values.push_back(node->integer);
    StringRef op;
    if (node->op == Op::Divide)
      op = "/";
    else if (node->op == Op::Modulo)
      op = "%";
    else if (node->op == Op::Power)
      op = "^";
    else if (op = attn::getComparisonSign(node->fn); op.empty())
      op = StringSwitch<StringRef>(attn::stringifyFn(node->fn))
               .Case("add", "+")
               .Case("sub", "-")
               .Case("mul", "*")
               .Default(attn::stringifyFn(node->fn));
    if (op == "neg" && values.size() == 1)
      return known[node] = foldInteger("-", {0, values[0]});
    return known[node] = foldInteger(op, values);
  };
  return visit(root);
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Node *Resolver::resolve(const ast::Expr &e, const Scope &scope) {
  if (program.nodes.size() > kMaxNodes)
    return nullptr;
  switch (e.kind) {
  case ExprKind::Integer: {
    uint64_t value = 0;
    bool hex = e.text.starts_with("0x") || e.text.starts_with("0X");
    if ((hex ? e.text.drop_front(2) : e.text).getAsInteger(hex ? 16 : 10, value))
      return nullptr;
    return makeInteger(static_cast<int64_t>(value), e.loc);
  }
  case ExprKind::Real:
  case ExprKind::Bool: {
    Node *node = make(e.kind == ExprKind::Real ? Op::Real : Op::Bool, e.loc, {});
    if (node) {
      node->text = e.text.str();
      node->integer = e.text == "true";
    }
    return node;
  }
  case ExprKind::Name:
    return resolveName(e, scope);
  case ExprKind::Read:
    return resolveRead(e, scope);
  case ExprKind::Call:
    return resolveCall(e, scope);
  case ExprKind::Unary:
    return resolveUnary(e, scope);
  case ExprKind::Binary:
    return resolveBinary(e, scope);
  case ExprKind::Ternary: {
    Node *c = resolve(*e.args[0], scope), *a = resolve(*e.args[1], scope), *b = resolve(*e.args[2], scope);
    return c && a && b ? make(Op::Select, e.loc, {c, a, b}) : nullptr;
  }
  case ExprKind::Cast: {
    Node *value = resolve(*e.args[0], scope);
    Node *node = value ? make(Op::Cast, e.loc, {value}) : nullptr;
    if (node)
      node->type = *parseElementType(e.text);
    return node;
  }
  case ExprKind::Reduction:
    return resolveReduction(e, scope);
  }
  return nullptr;
}

/// Upper-case names are extents and consts, others see resolveLower.
Node *Resolver::resolveName(const ast::Expr &e, const Scope &scope) {
  if (!names::isUpperName(e.text))
    return resolveLower(e, scope);
  auto own = ownRanks.find(e.text);
  bool isConst = world.consts.count(e.text) && !ranks.count(e.text) && own == ownRanks.end();
  if (isConst) {
    auto value = world.constValue(e.text);
    Node *node = makeInteger(value.value_or(0), e.loc);
    if (node)
      node->text = e.text.str();
    return node;
  }
  if (scope.numbersOnly && !(ranks.lookup(e.text) && ranks[e.text]->carrier)) {
    unsigned declared = own != ownRanks.end() ? own->second.second : 0;
    if (auto file = world.ranks.find(e.text); !declared && file != world.ranks.end())
      declared = file->second.order;
    if (declared >= scope.order) {
      if (declared == scope.order)
        world.error(e.loc, "the extent of rank `" + e.text + "` is defined by itself");
      else
        world.error(e.loc, "the rank `" + e.text + "` is declared below", "move its declaration up");
      return nullptr;
    }
  }
  if (Rank *rank = findRank(e.text)) {
    Node *node = make(Op::Extent, e.loc, {});
    if (node)
      node->rank = rank;
    return node;
  }
  if (ownRanks.count(e.text) || world.ranks.count(e.text))
    return nullptr; // its declaration has an error
  if (tensors.count(e.text))
    world.error(e.loc, "`" + e.text + "` is a tensor and is read with indices",
                "write `" + e.text + "[...]` with its indices");
  else
    world.error(e.loc, "`" + e.text + "` is no extent of the cascade and no const",
                "declare it: `const " + e.text + " = ...` or `rank " + e.text + " = ...`");
  return nullptr;
}

const Resolver::Binding *Resolver::findBinding(StringRef name) const {
  for (const Binding &binding : reverse(bindings))
    if (binding.name == name)
      return &binding;
  return nullptr;
}

std::pair<const ast::Let *, unsigned> Resolver::findLet(StringRef name, unsigned before) const {
  if (auto it = lets.find(name); it != lets.end() && it->second.second < before)
    return it->second;
  if (auto it = world.lets.find(name);
      it != world.lets.end() && it->second.order < std::min(before, order) && !isPrelude)
    return {it->second.declaration, it->second.order};
  return {nullptr, 0};
}

Node *Resolver::resolveLower(const ast::Expr &e, const Scope &scope) {
  StringRef name = e.text;
  if (scope.arguments)
    if (auto it = scope.arguments->find(name); it != scope.arguments->end())
      return it->second;
  if (auto it = values.find(name); it != values.end())
    return it->second;
  if (!scope.fn && !scope.numbersOnly) {
    if (const Binding *binding = findBinding(name)) {
      if (binding->coords.size() == 1)
        return makeCoord(binding->coords[0], e.loc);
      return nullptr;
    }
    if (auto [let, letOrder] = findLet(name, scope.order); let)
      return resolveLet(*let, letOrder, e, scope);
  }
  if (auto it = world.params.find(name); it != world.params.end() && !isPrelude) {
    it->second.param.used = true;
    Node *node = make(Op::Param, e.loc, {});
    if (node)
      node->param = &it->second.param;
    return node;
  }
  if (scope.fn)
    return nullptr; // reported with the function
  if (scope.numbersOnly) {
    world.error(e.loc,
                "an extent is made of literals, consts, params and extents, `" + name + "` is none of them");
    return nullptr;
  }
  if (lets.count(name) || world.lets.count(name)) {
    world.error(e.loc, "the let `" + name + "` is used above its line",
                "move it up: a let holds for what stands below it");
    return nullptr;
  }
  if (Rank *rank = rankOfCoordinate(name)) {
    if (scope.inGiven) {
      Coordinate *coord = newCoordinate(name, rank);
      bindings.insert(find_if(bindings, [](const Binding &b) { return !b.left; }), {name, {coord}, true});
      return makeCoord(coord, e.loc);
    }
    if (scope.inWhere)
      world.error(e.loc, "the predicate names `" + name + "`, which is no coordinate of the left side",
                  "restrict a reduction inside it: `sum(" + name + " | p) ...`");
    else
      world.error(e.loc, "the index `" + name + "` stands neither on the left nor in a reduction",
                  "add it to the left side, or reduce it as in `sum(" + name + ") ...`");
    return nullptr;
  }
  if (activeRanks.contains(name.upper()) || ownRanks.count(name.upper()))
    return nullptr;
  if (tensors.count(name))
    world.error(e.loc, "`" + name + "` is a tensor and is read with indices",
                "write `" + name + "[...]` with its indices");
  else if (world.fns.count(name))
    world.error(e.loc, "`" + name + "` is a function and needs its arguments", "write `" + name + "(...)`");
  else
    unknownCoordinate(name, e.loc);
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Reads
//===----------------------------------------------------------------------===//

/// One index; in the prelude a name that stands for several. `predecessor` is set to where `n-1` of several
/// begins.
bool Resolver::resolveIndex(const ast::Expr &index, const Scope &scope, SmallVectorImpl<Node *> &indices,
                            unsigned *predecessor) {
  bool shifted = index.kind == ExprKind::Binary && index.text == "-" && index.args[0]->kind == ExprKind::Name;
  const ast::Expr &plain = shifted ? *index.args[0] : index;
  if (isPrelude && plain.kind == ExprKind::Name) {
    const Binding *binding = findBinding(plain.text);
    if (binding && (!shifted || binding->coords.size() > 1)) {
      if (shifted)
        *predecessor = indices.size();
      for (Coordinate *coord : binding->coords)
        indices.push_back(makeCoord(coord, index.loc));
      return all_of(indices, [](Node *n) { return n != nullptr; });
    }
  }
  Node *node = resolve(index, scope);
  indices.push_back(node);
  return node;
}

static std::string plural(size_t n, StringRef noun) {
  return std::to_string(n) + " " + (n == 1 ? noun.str() : noun == "index" ? "indices" : noun.str() + "s");
}

Node *Resolver::resolveRead(const ast::Expr &e, const Scope &scope) {
  auto it = tensors.find(e.text);
  if (it == tensors.end()) {
    world.error(e.loc, "nothing defines the tensor `" + e.text + "`",
                findLet(e.text, ~0u).first ? "a let takes no indices: write `" + e.text + "`" : Twine(""));
    return nullptr;
  }
  Tensor *tensor = it->second;
  Scope inner = scope;
  inner.context = Context::Floor;
  SmallVector<Node *, 4> indices;
  if (e.ellipsis) {
    const Binding *binding = findBinding("...");
    if (!binding && scope.inGiven) {
      SmallVector<Rank *, 2> leading;
      ellipsisRanks(leading, e.loc);
      Coords coords;
      for (Rank *rank : leading)
        coords.push_back(newCoordinate(names::coordinateOf(rank->name), rank));
      bindings.insert(find_if(bindings, [](const Binding &b) { return !b.left; }), {"...", coords, true});
      binding = findBinding("...");
    }
    if (!binding) {
      world.error(e.loc, "`...` stands on the right and not on the left",
                  "write `...` first in the bracket on the left");
      return nullptr;
    }
    for (Coordinate *coord : binding->coords)
      indices.push_back(makeCoord(coord, e.loc));
  }
  unsigned predecessor = ~0u;
  bool good = tensor;
  for (const ast::Expr *index : e.args)
    good &= resolveIndex(*index, inner, indices, &predecessor);
  if (!good || is_contained(indices, nullptr))
    return nullptr;
  auto spelled = spelledDots.find(e.text);
  bool hasDots = spelled == spelledDots.end() ? tensor->ellipsis : spelled->second;
  if (hasDots != e.ellipsis && !isPrelude) {
    world.error(e.loc,
                hasDots ? "`" + e.text + "` has the leading ranks `...`, which are missing here"
                        : "`" + e.text + "` has no leading ranks `...`",
                hasDots ? "write `" + e.text + "[..., ]` with its other indices" : Twine(""));
    return nullptr;
  }
  if (indices.size() != tensor->dims.size()) {
    unsigned hidden = e.ellipsis ? indices.size() - e.args.size() : 0;
    world.error(e.loc, "`" + e.text + "` has " + plural(tensor->dims.size() - hidden, "rank") +
                           ", and is read with " + plural(e.args.size(), "index"));
    return nullptr;
  }
  Node *read = makeRead(tensor, e.loc, indices);
  if (read && isPrelude && predecessor != ~0u) {
    // The entry before (u, v) is (u, v-1), or else the last one of u-1.
    read = nullptr;
    for (unsigned last = indices.size(); last-- > predecessor;) {
      SmallVector<Node *, 4> at(indices.begin(), indices.end());
      Node *one = makeInteger(1, e.loc);
      at[last] = one ? makeMap(attn::Fn::Sub, e.loc, {indices[last], one}) : nullptr;
      for (unsigned i = last + 1; at[last] && i < indices.size(); ++i) {
        Node *extent = make(Op::Extent, e.loc, {});
        if (!extent || !(one = makeInteger(1, e.loc)))
          return nullptr;
        extent->rank = indices[i]->coord->rank;
        at[i] = makeMap(attn::Fn::Sub, e.loc, {extent, one});
      }
      if (is_contained(at, nullptr))
        return nullptr;
      Node *next = makeRead(tensor, e.loc, at);
      read = !next ? nullptr : !read ? next : make(Op::Else, e.loc, {read, next});
      if (!read)
        return nullptr;
    }
  }
  // What the prelude is applied to may be bools, which count as 0 and 1 there.
  return read && isPrelude && e.text == "X" ? make(Op::Number, e.loc, {read}) : read;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Node *Resolver::resolveCall(const ast::Expr &e, const Scope &scope) {
  if (auto it = world.fns.find(e.text); it != world.fns.end())
    return resolveFn(*it->second.declaration, e, scope);
  if (names::classify(e.text) == names::Word::None) {
    if (scope.fn)
      return nullptr;
    if (world.cascades.count(e.text))
      world.error(e.loc, "a cascade is called by an equation of its own",
                  "as in `O[m,f] = " + e.text + "(Q, K, V)`");
    else
      world.error(e.loc, "there is no function `" + e.text + "`", "define it: `fn " + e.text + "(x) = ...`");
    return nullptr;
  }
  unsigned expected = StringSwitch<unsigned>(e.text)
                          .Cases({"atan2", "min", "max", "floordiv", "mod"}, 2)
                          .Cases({"bitand", "bitor", "bitxor", "shl", "shr"}, 2)
                          .Case("clamp", 3)
                          .Default(1);
  SmallVector<Node *, 3> args;
  for (const ast::Expr *arg : e.args)
    args.push_back(resolve(*arg, scope));
  if (e.args.size() != expected) {
    world.error(e.loc, "`" + e.text + "` takes " + plural(expected, "argument") + ", not " +
                           std::to_string(e.args.size()));
    return nullptr;
  }
  if (is_contained(args, nullptr))
    return nullptr;
  if (e.text == "isabsent")
    return make(Op::IsAbsent, e.loc, args);
  if (e.text == "clamp") {
    Node *low = makeMap(attn::Fn::Max, e.loc, {args[0], args[1]});
    return low ? makeMap(attn::Fn::Min, e.loc, {low, args[2]}) : nullptr;
  }
  auto fn = attn::symbolizeFn(e.text);
  assert(fn && "every function of the language is one of the dialect");
  Node *node = makeMap(*fn, e.loc, args);
  if (node)
    node->text = e.text.str();
  return node;
}

/// A function's body with its arguments in their places. They are values: what is computed once is one node.
Node *Resolver::resolveFn(const ast::Fn &fn, const ast::Expr &e, const Scope &scope) {
  StringMap<Node *> arguments;
  bool good = true;
  for (auto [i, arg] : enumerate(e.args)) {
    Node *value = resolve(*arg, scope);
    good &= value != nullptr;
    if (i < fn.parameters.size())
      arguments[fn.parameters[i]] = value;
  }
  if (e.args.size() != fn.parameters.size()) {
    world.error(e.loc, "`" + fn.name + "` takes " + plural(fn.parameters.size(), "argument") + ", not " +
                           std::to_string(e.args.size()));
    return nullptr;
  }
  // A function that leads back to itself has been reported.
  for (const ast::Fn *active : activeFns)
    good &= active != &fn;
  if (!good)
    return nullptr;
  Scope inner;
  inner.context = scope.context;
  inner.comparison = scope.comparison;
  inner.fn = &fn;
  inner.arguments = &arguments;
  inner.inGiven = scope.inGiven;
  activeFns.push_back(&fn);
  Node *node = resolve(*fn.value, inner);
  activeFns.pop_back();
  return node;
}
