//===- SemaPrelude.cpp - maps along ranks are plain equations -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `A[m,n] = 2 * softmax(n) S[m,n]` becomes the equations of Prelude.attn's softmax_along, with tensors
// softmax_1_M[m], softmax_1_E[m,n] ..., and the map itself a read of the result at the coordinates of its
// place. Those coordinates are also the left sides of the new equations: a coordinate is bound anew by every
// equation.
#include "Resolver.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

static constexpr StringLiteral kPrelude =
#include "Prelude.inc"
    ;

const ast::Cascade *World::prelude(StringRef op) {
  if (!preludeFile) {
    unsigned id = sources.AddNewSourceBuffer(MemoryBuffer::getMemBuffer(kPrelude, "prelude"), SMLoc());
    preludeFile = parseFile(id, "prelude", diags);
  }
  for (const ast::Item &item : preludeFile->items)
    if (item.cascade && item.cascade->name == (op + "_along").str())
      return item.cascade;
  return nullptr;
}

/// The coordinates of a node that no reduction in it binds.
static void collectFree(const Node *root, DenseSet<Coordinate *> &free) {
  DenseSet<const Node *> seen;
  DenseSet<Coordinate *> bound;
  SmallVector<const Node *, 16> work{root};
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (!seen.insert(node).second)
      continue;
    if (node->op == Op::Coord)
      free.insert(node->coord);
    bound.insert(node->coords.begin(), node->coords.end());
    work.append(node->args.begin(), node->args.end());
  }
  for (Coordinate *c : bound)
    free.erase(c);
}

/// The coordinates that stand before the eps, and the eps. A plain name at the end may be either.
bool Resolver::splitEps(const ast::Expr &e, const Scope &scope, unsigned &count, Node *&eps) {
  count = e.coords.size();
  Scope inner = scope;
  inner.context = Context::Value;
  if (e.eps) {
    eps = resolve(*e.eps, inner);
    return eps;
  }
  bool named = names::takesEps(e.text) && count > 1 && !findBinding(e.coords[count - 1]) &&
               !rankOfCoordinate(e.coords[count - 1], false);
  if (named) {
    ast::Expr name{};
    name.kind = ast::ExprKind::Name;
    name.text = e.coords[--count];
    name.loc = e.coordLocs[count];
    eps = resolve(name, inner);
    return eps;
  }
  StringRef standard = e.text == "rmsnorm" || e.text == "layernorm" ? "1e-5" : "0.0";
  if (names::takesEps(e.text) && (eps = make(Op::Real, e.loc, {})))
    eps->text = standard.str();
  return !names::takesEps(e.text) || eps;
}

/// The coordinates that a map goes along: they are bound where it stands.
bool Resolver::resolveBound(StringRef name, SMLoc loc, const Scope &scope, Coords &coords) {
  if (const Binding *binding = findBinding(name)) {
    coords.append(binding->coords.begin(), binding->coords.end());
    return true;
  }
  if (!rankOfCoordinate(name)) {
    unknownCoordinate(name, loc);
    return false;
  }
  world.error(loc,
              "the index `" + name +
                  "` of a map along a rank stands neither on the left nor in a reduction around it",
              "the index stays: write it on the left, or `sum(" + name + ") (...)` round the map");
  return false;
}

Node *Resolver::expandMap(const ast::Expr &e, const Scope &outerScope) {
  bool reduces = e.text == "logsumexp";
  if (outerScope.inGiven) {
    world.error(e.loc, "a promise holds no reduction but a norm", "as in `given sum(d) K[t,d]^2 == 1`");
    return nullptr;
  }
  Scope scope = outerScope;
  scope.context = Context::Value;
  scope.inWhere = false;
  Coords along;
  unsigned count = e.coords.size();
  Node *eps = nullptr;
  bool good = reduces ? bindReduced(e, scope, along) : splitEps(e, scope, count, eps);
  for (unsigned i = 0; !reduces && i < count; ++i)
    good &= resolveBound(e.coords[i], e.coordLocs[i], scope, along);
  if (!good)
    return nullptr;
  size_t outer = bindings.size();
  if (reduces)
    for (auto [name, coord] : zip(e.coords, along))
      bindings.push_back({name, {coord}, false});
  Node *predicate = e.predicate ? resolve(*e.predicate, scope) : nullptr;
  Node *body = resolve(*e.args[0], scope);
  DenseSet<Coordinate *> free;
  Coords leading;
  if (body && (predicate || !e.predicate)) {
    for (Node *part : {body, predicate, eps})
      if (part)
        collectFree(part, free);
    for (const Binding &binding : bindings)
      for (Coordinate *c : binding.coords)
        if (free.contains(c) && !is_contained(along, c) && !is_contained(leading, c))
          leading.push_back(c);
  }
  bindings.resize(outer);
  if (!body || (e.predicate && !predicate))
    return nullptr;
  return expandAlong(e, body, predicate, eps, leading, along);
}

/// The tensor that a body is, or null: a read at the coordinates themselves, those of the map last.
static Tensor *plainRead(const Node *body, Resolver::Coords &leading, const Resolver::Coords &along) {
  if (body->op != Op::Read || body->args.size() != leading.size() + along.size())
    return nullptr;
  Resolver::Coords order;
  for (const Node *arg : body->args) {
    if (arg->op != Op::Coord || is_contained(order, arg->coord))
      return nullptr;
    order.push_back(arg->coord);
  }
  ArrayRef<Coordinate *> all(order);
  if (all.take_back(along.size()) != ArrayRef<Coordinate *>(along))
    return nullptr;
  for (auto [arg, dim] : zip(body->args, body->tensor->dims))
    if (!dim.rank || dim.rank->canonical() != arg->coord->rank->canonical())
      return nullptr; // it ranges over something else than the tensor
  leading.assign(all.begin(), all.end() - along.size());
  return body->tensor;
}

Node *Resolver::expandAlong(const ast::Expr &e, Node *body, Node *predicate, Node *eps, Coords leading,
                            const Coords &along) {
  std::string name;
  for (unsigned k = 1; name.empty() || program.names.contains(name); ++k)
    name = e.text.str() + "_" + std::to_string(k);
  program.names.insert(name);
  const ast::Cascade *definition = world.prelude(e.text);
  assert(definition && "the prelude defines every map");
  Resolver inner(world, program, *definition, 0, false);
  inner.isCall = inner.isPrelude = true;
  inner.prefix = name + "_";
  inner.callLoc = e.loc;
  Tensor *source = predicate ? nullptr : plainRead(body, leading, along);
  Coords all(leading);
  all.append(along.begin(), along.end());
  if (!source) {
    source = newTensor(name + "_X", e.loc);
    source->fresh = source->used = true;
    for (Coordinate *c : all)
      source->dims.push_back({c->rank, nullptr, ""});
    Equation equation;
    equation.tensor = source;
    equation.loc = e.loc;
    equation.coords.assign(all.begin(), all.end());
    equation.value = body;
    equation.where = predicate;
    equation.order = program.equations.size();
    equation.expanded = true;
    program.equations.push_back(equation);
    source->equations.push_back(&program.equations.back());
  }
  inner.tensors["X"] = source;
  inner.groups["..."] = leading;
  inner.groups["n"] = along;
  if (eps)
    inner.values["eps"] = eps;
  inner.collectDefinitions();
  inner.resolveStatements();
  Tensor *result = inner.tensors.lookup("Y");
  if (!result || result->equations.empty())
    return nullptr;
  program.names.erase(result->name);
  result->name = name;
  SmallVector<Node *, 6> indices;
  for (Coordinate *c : e.text == "logsumexp" ? leading : all)
    indices.push_back(makeCoord(c, e.loc));
  return is_contained(indices, nullptr) ? nullptr : makeRead(result, e.loc, indices);
}
