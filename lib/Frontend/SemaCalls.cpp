//===- SemaCalls.cpp - cascades that call cascades ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call is inlined: the callee's inputs are tensors of the caller, or conversions of them to the types
// declared there, its ranks have the caller's extents, and each result is an equation that reads the callee's
// output. Where two extents must be equal and are not known to be, a shape check says so.
#include "Resolver.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

/// The number of entries along a dimension.
Node *Resolver::extentNode(const Dim &dim, Tensor *tensor, unsigned index, SMLoc loc) {
  if (!dim.rank)
    return dim.extent;
  Node *node = make(Op::Extent, loc, {});
  if (node)
    node->rank = dim.rank;
  return node;
}

void Resolver::requireSameExtent(Node *a, Node *b, const Twine &source, SMLoc loc) {
  if (!a || !b)
    return;
  bool same = a->op == Op::Extent && b->op == Op::Extent && a->rank->canonical() == b->rank->canonical();
  auto x = evaluateConstant(a), y = evaluateConstant(b);
  if (same || (x && y && *x == *y))
    return;
  if (x && y) {
    world.error(loc, "two extents disagree: " + source + ", and they are " + Twine(*x) + " and " + Twine(*y));
    program.failed = true;
    return;
  }
  Promise promise;
  promise.source = source.str();
  promise.loc = loc;
  promise.shape = true;
  promise.predicate = makeMap(attn::Fn::Eq, loc, {a, b});
  if (promise.predicate)
    program.promises.push_back(std::move(promise));
}

/// A rank of the callee with the extent of a dimension of the caller's tensor.
Rank *Resolver::aliasDim(StringRef name, Tensor *argument, unsigned dim, SMLoc loc) {
  const Dim &outer = argument->dims[dim];
  Rank *&rank = ranks[name];
  if (!rank) {
    rank = newRank(name, loc);
    rank->used = true;
    if (outer.rank) {
      rank->sameAs = outer.rank;
    } else {
      rank->carrier = argument;
      rank->carrierDim = dim;
    }
    return rank;
  }
  Node *bound = make(Op::Extent, loc, {});
  if (bound) {
    bound->rank = rank;
    requireSameExtent(bound, extentNode(outer, argument, dim, loc),
                      "rank " + name + " of " + cascade.name + " in all its arguments", loc);
  }
  return rank;
}

static std::string plural(size_t n, StringRef noun) {
  return std::to_string(n) + " " + noun.str() + (n == 1 ? "" : "s");
}

/// The tensor that the callee sees: the argument, or a copy in the type declared there.
Tensor *Resolver::convert(Tensor *argument, const ast::TensorDecl &decl, SMLoc loc) {
  std::optional<ElementType> declared;
  if (!decl.type.empty())
    declared = parseElementType(decl.type);
  if (declared && argument->type == declared)
    return argument;
  // Without a written type the callee takes any real as it is; integers and bools become reals.
  bool known = argument->type && isReal(*argument->type);
  if (!declared && known)
    return argument;
  Tensor *copy = newTensor(prefix + decl.name, loc);
  copy->fresh = copy->used = true;
  copy->type = declared;
  copy->ellipsis = argument->ellipsis;
  copy->ellipsisDims = argument->ellipsisDims;
  Equation equation;
  equation.tensor = copy;
  equation.loc = loc;
  equation.order = program.equations.size();
  equation.expanded = true;
  SmallVector<Node *, 6> indices;
  for (auto [i, dim] : enumerate(argument->dims)) {
    Rank *rank = dim.rank;
    if (!rank) {
      rank = newRank("X" + std::to_string(i), loc);
      rank->carrier = argument;
      rank->carrierDim = i;
    }
    copy->dims.push_back({rank, nullptr, ""});
    equation.coords.push_back(newCoordinate(names::coordinateOf(rank->name), rank));
    indices.push_back(makeCoord(equation.coords.back(), loc));
  }
  Node *read = is_contained(indices, nullptr) ? nullptr : makeRead(argument, loc, indices);
  if (!declared && read) // reals, and at least so wide as the argument's
    if ((read = makeMap(attn::Fn::Real, loc, {read})))
      read->text = "real";
  if (!read)
    return nullptr;
  equation.value = read;
  program.equations.push_back(equation);
  copy->equations.push_back(&program.equations.back());
  return copy;
}

void Resolver::bindCallInput(const ast::TensorDecl &decl, Tensor *argument, SMLoc loc) {
  unsigned at = 0;
  for (const ast::Dim &dim : decl.dims) {
    if (dim.ellipsis) {
      for (unsigned i = 0; i < *ellipsisCount; ++i, ++at) {
        if (dots.size() <= i) {
          std::string name = "DOTS" + std::to_string(i);
          while (ranks.count(name) || ownRanks.count(name) || world.ranks.count(name))
            name += "_";
          dots.push_back(aliasDim(name, argument, at, loc));
        } else {
          aliasDim(dots[i]->name, argument, at, loc);
        }
      }
      continue;
    }
    bool isConst = dim.rank.empty() || (world.consts.count(dim.rank) && !ownRanks.count(dim.rank));
    if (!isConst)
      aliasDim(dim.rank, argument, at, loc);
    ++at;
  }
  Tensor *input = convert(argument, decl, loc);
  tensors[decl.name] = input;
  spelledDots[decl.name] = !decl.dims.empty() && decl.dims[0].ellipsis;
  if (!input)
    program.failed = true;
}

bool Resolver::resolveCall(const ast::CallEquation &call, Resolver &caller) {
  auto entry = world.cascades.find(call.callee);
  if (entry == world.cascades.end()) {
    world.error(call.calleeLoc, "there is no cascade `" + call.callee + "`",
                world.fns.count(call.callee) ? "a function has one result"
                                             : "define it above, or import its file");
    return false;
  }
  World::CascadeEntry &callee = entry->second;
  if (callee.active) {
    world.error(call.calleeLoc, "the cascade `" + call.callee + "` calls itself",
                "a repetition is a recurrence along a rank");
    return false;
  }
  order = callee.order;
  isCall = true;
  callLoc = call.loc;
  if (call.arguments.size() != cascade.inputs.size()) {
    world.error(call.calleeLoc, "`" + call.callee + "` takes " + plural(cascade.inputs.size(), "tensor") +
                                    ", not " + std::to_string(call.arguments.size()));
    return false;
  }
  if (call.results.size() != cascade.outputs.size()) {
    world.error(call.calleeLoc, "`" + call.callee + "` has " + plural(cascade.outputs.size(), "result") +
                                    ", not " + std::to_string(call.results.size()));
    return false;
  }
  for (unsigned k = 1; prefix.empty() || program.names.contains(prefix); ++k)
    prefix = (call.callee + "_" + Twine(k) + "_").str();
  program.names.insert(prefix);
  bool good = true;
  for (auto [name, loc, decl] : zip(call.arguments, call.argumentLocs, cascade.inputs)) {
    auto it = caller.tensors.find(name);
    if (it == caller.tensors.end())
      world.error(loc, "nothing defines the tensor `" + name + "`");
    Tensor *argument = it == caller.tensors.end() ? nullptr : it->second;
    good &= argument != nullptr;
    if (!argument)
      continue;
    bool generic = !decl.dims.empty() && decl.dims[0].ellipsis;
    unsigned written = decl.dims.size() - generic;
    bool fits = generic ? argument->dims.size() >= written : argument->dims.size() == written;
    unsigned leading = argument->dims.size() - written;
    if (!fits || (generic && ellipsisCount.value_or(leading) != leading)) {
      world.error(loc, "`" + name + "` has " + plural(argument->dims.size(), "rank") + ", and `" +
                           call.callee + "` takes one of " +
                           plural(generic && ellipsisCount ? *ellipsisCount + written : written, "rank"));
      good = false;
      continue;
    }
    if (generic)
      ellipsisCount = leading;
  }
  if (!good)
    return false;
  if (!ellipsisCount)
    ellipsisCount = 0;
  haveDots = true;
  callee.active = true;
  for (const ast::Statement &statement : cascade.body)
    if (statement.rank)
      ownRanks.try_emplace(statement.rank->name, statement.rank,
                           kOwnOrder + unsigned(&statement - cascade.body.data()));
  for (auto [name, loc, decl] : zip(call.arguments, call.argumentLocs, cascade.inputs))
    bindCallInput(decl, caller.tensors[name], loc);
  checkCarriedRanks();
  checkCallShapes(call, caller);
  for (const ast::TensorDecl &decl : cascade.outputs)
    declareTensor(decl, false);
  program.outputs.resize(program.outputs.size() - cascade.outputs.size());
  collectDefinitions();
  resolveStatements();
  resolveGivens();
  callee.active = false;
  bindResults(call, caller);
  return true;
}

/// Declared ranks that an argument carries, and expressions in the callee's brackets, must agree with the
/// arguments' extents.
void Resolver::checkCallShapes(const ast::CallEquation &call, Resolver &caller) {
  for (auto [name, loc, decl] : zip(call.arguments, call.argumentLocs, cascade.inputs)) {
    Tensor *argument = caller.tensors[name];
    unsigned at = 0;
    for (const ast::Dim &dim : decl.dims) {
      unsigned here = at;
      at += dim.ellipsis ? *ellipsisCount : 1;
      bool isConst = !dim.rank.empty() && world.consts.count(dim.rank) && !ownRanks.count(dim.rank);
      if (dim.ellipsis || (!dim.expr && !isConst))
        continue;
      Scope scope;
      scope.order = order;
      scope.context = Context::Floor;
      scope.numbersOnly = true;
      Node *value =
          isConst ? makeInteger(world.constValue(dim.rank).value_or(0), dim.loc) : resolve(*dim.expr, scope);
      requireSameExtent(extentNode(argument->dims[here], argument, here, loc), value,
                        "an extent of " + decl.name + " of " + call.callee, loc);
    }
  }
}

void Resolver::bindResults(const ast::CallEquation &call, Resolver &caller) {
  for (auto [result, decl] : zip(call.results, cascade.outputs)) {
    Tensor *source = tensors.lookup(decl.name), *target = caller.tensors.lookup(result.name);
    std::vector<Coordinate *> coords;
    if (!source || !target ||
        !caller.resolveLeft(result.name, result.ellipsis, result.indices, result.indexLocs, coords)) {
      program.failed = true;
      continue;
    }
    if (coords.size() != source->dims.size()) {
      world.error(result.loc,
                  "`" + call.callee + "` gives `" + decl.name + "` with " +
                      plural(source->dims.size(), "rank") + ", and `" + result.name + "` has " +
                      std::to_string(coords.size()),
                  "write one coordinate for each, in the order of `" + decl.name + "`");
      program.failed = true;
      continue;
    }
    SmallVector<Node *, 6> indices;
    for (auto [i, coord] : enumerate(coords)) {
      indices.push_back(makeCoord(coord, result.loc));
      Node *left = make(Op::Extent, result.loc, {});
      if (!left)
        continue;
      left->rank = coord->rank;
      requireSameExtent(left, extentNode(source->dims[i], source, i, result.loc),
                        "rank " + coord->rank->name + " of " + result.name + " as " + call.callee +
                            " gives it",
                        result.loc);
    }
    Node *read = is_contained(indices, nullptr) ? nullptr : makeRead(source, result.loc, indices);
    if (!read)
      continue;
    Equation equation;
    equation.tensor = target;
    equation.loc = result.loc;
    equation.coords = coords;
    equation.value = read;
    equation.order = program.equations.size();
    program.equations.push_back(equation);
    target->equations.push_back(&program.equations.back());
  }
}
