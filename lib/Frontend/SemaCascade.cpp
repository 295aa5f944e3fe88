//===- SemaCascade.cpp - signatures and statements ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First all left sides, since the order of equations has no meaning; then the right sides.
#include "Resolver.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

//===----------------------------------------------------------------------===//
// The signature
//===----------------------------------------------------------------------===//

Tensor *Resolver::newTensor(const Twine &name, SMLoc loc) {
  Tensor &tensor = program.tensors.emplace_back();
  tensor.loc = isPrelude ? callLoc : loc;
  tensor.name = name.str();
  if (!prefix.empty() || program.names.contains(tensor.name)) {
    tensor.fresh = true;
    for (unsigned i = 2; program.names.contains(tensor.name); ++i)
      tensor.name = name.str() + "_" + std::to_string(i);
  }
  program.names.insert(tensor.name);
  return &tensor;
}

void Resolver::declareTensor(const ast::TensorDecl &decl, bool input) {
  if (auto it = tensors.find(decl.name); it != tensors.end()) {
    world.error(decl.loc, "the tensor `" + decl.name + "` is declared twice",
                it->second && it->second->input && !input
                    ? "an output is a tensor of its own; give it a name and an equation"
                    : "");
    program.failed = true;
    return;
  }
  Tensor *tensor = newTensor(prefix + decl.name, decl.loc);
  tensor->declaration = &decl;
  tensor->input = input;
  tensor->output = !input && !isCall;
  if (!decl.type.empty())
    tensor->type = parseElementType(decl.type);
  else if (input)
    tensor->type = world.dtype;
  tensors[decl.name] = tensor;
  if (!declareDims(decl, *tensor))
    program.failed = true;
  (input ? program.inputs : program.outputs).push_back(tensor);
}

bool Resolver::declareDims(const ast::TensorDecl &decl, Tensor &tensor) {
  StringSet<> seen;
  bool good = true;
  for (const ast::Dim &dim : decl.dims) {
    if (dim.ellipsis) {
      SmallVector<Rank *, 2> leading;
      ellipsisRanks(leading, dim.loc);
      tensor.ellipsis = true;
      tensor.ellipsisDims = leading.size();
      for (Rank *rank : leading)
        tensor.dims.push_back({rank, nullptr, ""});
      continue;
    }
    bool number = dim.rank.empty() || (world.consts.count(dim.rank) && !ownRanks.count(dim.rank));
    if (number && !tensor.input) {
      world.error(dim.loc, "a rank of an output is a name, not an expression",
                  "declare a rank: `rank C = " +
                      (dim.expr ? world.textOf(dim.expr->begin, dim.expr->end) : dim.rank.str()) + "`");
      good = false;
    } else if (number) {
      std::string text = dim.expr ? world.textOf(dim.expr->begin, dim.expr->end) : dim.rank.str();
      tensor.dims.push_back({nullptr, nullptr, text});
    } else if (!seen.insert(dim.rank).second && !tensor.input) {
      world.error(dim.loc, "the output `" + decl.name + "` has the rank `" + dim.rank + "` twice",
                  "a second coordinate over the same extent is a rank of its own: `rank L = " + dim.rank +
                      "`");
      good = false;
    } else {
      Rank *rank = tensor.input ? ranks.lookup(dim.rank) : findRank(dim.rank);
      if (!rank && tensor.input) {
        rank = ranks[dim.rank] = newRank(dim.rank, dim.loc);
        rank->fixed = world.define(dim.rank);
      }
      if (!rank && !activeRanks.contains(dim.rank)) {
        world.error(dim.loc, "no input carries the rank `" + dim.rank + "`",
                    "declare it: `rank " + dim.rank + " = " + closestExtent(dim.rank) + "`");
        good = false;
      }
      tensor.dims.push_back({rank, nullptr, ""});
    }
  }
  if (tensor.input)
    for (auto [i, dim] : enumerate(tensor.dims))
      if (dim.rank && !dim.rank->carrier) {
        dim.rank->carrier = &tensor;
        dim.rank->carrierDim = i;
      }
  return good;
}

void Resolver::declareSignature() {
  for (const ast::Statement &statement : cascade.body) {
    if (!statement.rank)
      continue;
    StringRef name = statement.rank->name;
    if (!ownRanks.try_emplace(name, statement.rank, kOwnOrder + unsigned(&statement - cascade.body.data()))
             .second) {
      world.error(statement.rank->loc, "the rank `" + name + "` is declared twice");
      program.failed = true;
    }
  }
  if (!isCall)
    for (const ast::TensorDecl &decl : cascade.inputs)
      declareTensor(decl, true);
  checkCarriedRanks();
  resolveBrackets();
  for (const ast::TensorDecl &decl : cascade.outputs)
    declareTensor(decl, false);
}

/// A rank that an input carries may be declared as well; then both must agree.
void Resolver::checkCarriedRanks() {
  std::vector<std::string> carried; // not the keys themselves: the entries are erased below
  for (auto &entry : ranks)
    carried.push_back(entry.getKey().str());
  llvm::sort(carried);
  for (StringRef name : carried) {
    const ast::Rank *declaration = ownRanks.count(name) ? ownRanks[name].first : nullptr;
    unsigned rankOrder = declaration ? ownRanks[name].second : 0;
    if (auto it = world.ranks.find(name); !declaration && it != world.ranks.end() && !isPrelude) {
      declaration = it->second.declaration;
      rankOrder = it->second.order;
      it->second.used = true;
    }
    if (!declaration)
      continue;
    Rank *bound = ranks[name];
    ranks.erase(name);
    Rank *declared = declareRank(*declaration, rankOrder);
    ranks[name] = bound;
    if (!declared || !declared->extent)
      continue;
    bound->used = true;
    if (declared->fixed)
      bound->fixed = declared->fixed;
    Node *extent = make(Op::Extent, declaration->loc, {});
    extent->rank = bound;
    Node *value = declared->override ? makeInteger(*declared->override, declaration->loc) : declared->extent;
    requireSameExtent(extent, value,
                      "rank " + name + " = " +
                          world.textOf(declaration->value->begin, declaration->value->end),
                      declaration->loc);
  }
}

/// The expressions in the brackets of inputs, with a check of each.
void Resolver::resolveBrackets() {
  if (isCall)
    return;
  for (const ast::TensorDecl &decl : cascade.inputs) {
    Tensor *tensor = tensors.lookup(decl.name);
    if (!tensor || tensor->declaration != &decl)
      continue;
    unsigned position = 0;
    for (const ast::Dim &dim : decl.dims) {
      unsigned at = position;
      position += dim.ellipsis ? tensor->ellipsisDims : 1;
      if (dim.ellipsis || at >= tensor->dims.size() || tensor->dims[at].rank)
        continue;
      Scope scope;
      scope.order = order;
      scope.context = Context::Floor;
      scope.numbersOnly = true;
      Node *value =
          dim.expr ? resolve(*dim.expr, scope) : makeInteger(world.constValue(dim.rank).value_or(0), dim.loc);
      if (!value) {
        program.failed = true;
        continue;
      }
      if (!dim.expr)
        value->text = dim.rank.str();
      tensor->dims[at].extent = value;
      // The dimension itself is a rank without a name.
      Rank *bracket = newRank("", dim.loc);
      bracket->carrier = tensor;
      bracket->carrierDim = at;
      Node *extent = make(Op::Extent, dim.loc, {});
      if (extent && !evaluateConstant(value)) {
        extent->rank = bracket;
        requireSameExtent(extent, value, world.textOf(decl.loc, dim.loc) + tensor->dims[at].text + "]",
                          dim.loc);
      }
      if (auto number = evaluateConstant(value); number && *number < 0)
        world.error(dim.loc, "the extent `" + tensor->dims[at].text + "` of `" + decl.name +
                                 "` is negative: it is " + Twine(*number));
    }
  }
}

//===----------------------------------------------------------------------===//
// Left sides
//===----------------------------------------------------------------------===//

void Resolver::collectDefinitions() {
  for (const ast::Statement &statement : cascade.body) {
    if (const ast::Equation *e = statement.equation)
      defineLeft(e->name, e->type, e->loc, e->typeLoc, e->ellipsis, e->indices, e->indexLocs);
    if (const ast::CallEquation *call = statement.call)
      for (const ast::CallEquation::Result &r : call->results)
        defineLeft(r.name, r.type, r.loc, r.typeLoc, r.ellipsis, r.indices, r.indexLocs);
    if (const ast::Let *let = statement.let) {
      unsigned at = kOwnOrder + unsigned(&statement - cascade.body.data());
      if (!lets.try_emplace(let->name, let, at).second) {
        world.error(let->loc, "the let `" + let->name + "` is defined twice in this cascade",
                    "choose another name");
        program.failed = true;
      }
    }
  }
  for (const ast::TensorDecl &decl : cascade.outputs) {
    Tensor *tensor = tensors.lookup(decl.name);
    if (tensor && tensor->declaration == &decl && !tensor->input && !tensor->defined) {
      world.error(decl.loc, "the output `" + decl.name + "` has no equation");
      program.failed = true;
    }
  }
}

/// The ranks of the left indices; false after an error.
static bool sameRanks(ArrayRef<Rank *> a, ArrayRef<Dim> b) {
  return a.size() == b.size() &&
         all_of(zip(a, b), [](auto pair) { return std::get<0>(pair) == std::get<1>(pair).rank; });
}

static std::string listCoordinates(ArrayRef<Dim> dims, bool ellipsis, unsigned ellipsisDims) {
  std::string text = ellipsis ? "..." : "";
  for (const Dim &dim : dims.drop_front(ellipsis ? ellipsisDims : 0))
    text += (text.empty() ? "" : ",") + (dim.rank ? names::coordinateOf(dim.rank->name) : dim.text);
  return "[" + text + "]";
}

void Resolver::defineLeft(StringRef name, StringRef type, SMLoc loc, SMLoc typeLoc, bool ellipsis,
                          ArrayRef<StringRef> indices, ArrayRef<SMLoc> locs) {
  std::vector<Coordinate *> coords;
  bool good = resolveLeft(name, ellipsis, indices, locs, coords);
  auto it = tensors.find(name);
  if (it != tensors.end() && it->second && it->second->input) {
    world.error(loc, "`" + name + "` is an input and has no equations", "choose another name for the result");
    program.failed = true;
    return;
  }
  SmallVector<Rank *, 6> left;
  for (Coordinate *c : coords)
    left.push_back(c->rank);
  if (!good) {
    program.failed = true;
    if (it != tensors.end() && it->second)
      it->second->defined = true;
    else
      tensors[name] = nullptr; // known, with an error of its own
    return;
  }
  if (it == tensors.end()) {
    Tensor *tensor = newTensor(prefix + name, loc);
    tensor->ellipsis = ellipsis;
    tensor->ellipsisDims = ellipsis ? dots.size() : 0;
    for (Rank *rank : left)
      tensor->dims.push_back({rank, nullptr, ""});
    tensors[name] = tensor;
    it = tensors.find(name);
  }
  Tensor *tensor = it->second;
  if (!tensor)
    return;
  tensor->defined = true;
  if (!sameRanks(left, tensor->dims) || ellipsis != tensor->ellipsis) {
    std::string expected = listCoordinates(tensor->dims, tensor->ellipsis, tensor->ellipsisDims);
    if (tensor->declaration)
      world.error(loc,
                  "the indices of the output `" + name +
                      "` are the coordinates of its ranks, in the order of the signature",
                  "write `" + name + expected + "`");
    else
      world.error(loc, "the equations of `" + name + "` differ in their indices",
                  "the first one has `" + name + expected + "`");
    program.failed = true;
  }
  if (type.empty())
    return;
  ElementType written = *parseElementType(type);
  if (tensor->type && *tensor->type != written) {
    world.error(typeLoc, "`" + name + "` has two element types, " + getName(*tensor->type) + " and " + type,
                "write one of them, once");
    program.failed = true;
  }
  tensor->type = written;
}

bool Resolver::resolveLeft(StringRef name, bool ellipsis, ArrayRef<StringRef> indices, ArrayRef<SMLoc> locs,
                           std::vector<Coordinate *> &coords) {
  bool good = true;
  if (isPrelude && ellipsis) { // `...` of the prelude are coordinates of the place that it is expanded for
    coords.insert(coords.end(), groups["..."].begin(), groups["..."].end());
  } else if (ellipsis) {
    SmallVector<Rank *, 2> leading;
    ellipsisRanks(leading, SMLoc());
    for (Rank *rank : leading)
      coords.push_back(newCoordinate(names::coordinateOf(rank->name), rank));
  }
  for (auto [i, index] : enumerate(indices)) {
    if (index == "...")
      continue;
    if (isPrelude && groups.count(index)) {
      coords.insert(coords.end(), groups[index].begin(), groups[index].end());
      continue;
    }
    SMLoc loc = i < locs.size() ? locs[i] : SMLoc();
    Rank *rank = rankOfCoordinate(index);
    if (rank) {
      coords.push_back(newCoordinate(index, rank));
      continue;
    }
    if (lets.count(index) || world.lets.count(index) || world.params.count(index))
      world.error(loc, "an index on the left is a coordinate, `" + index + "` is a " +
                           (world.params.count(index) ? "param" : "let"));
    else if (!activeRanks.contains(index.upper()))
      unknownCoordinate(index, loc);
    good = false;
  }
  return good;
}

//===----------------------------------------------------------------------===//
// Right sides
//===----------------------------------------------------------------------===//

void Resolver::resolveStatements() {
  for (const ast::Statement &statement : cascade.body) {
    if (program.nodes.size() > kMaxNodes)
      break;
    if (statement.equation)
      resolveEquation(*statement.equation);
    if (statement.call) {
      const ast::CallEquation &call = *statement.call;
      if (world.cascades.count(call.callee) || !call.asEquation) {
        Resolver callee(
            world, program,
            world.cascades.count(call.callee) ? *world.cascades[call.callee].declaration : cascade, 0, false);
        if (!callee.resolveCall(call, *this))
          program.failed = true;
      } else {
        resolveEquation(*call.asEquation);
      }
    }
  }
}

void Resolver::resolveEquation(const ast::Equation &equation) {
  Tensor *tensor = tensors.lookup(equation.name);
  std::vector<Coordinate *> coords;
  if (!resolveLeft(equation.name, equation.ellipsis, equation.indices, equation.indexLocs, coords)) {
    program.failed = true;
    return;
  }
  Equation resolved;
  resolved.tensor = tensor;
  resolved.loc = isPrelude ? callLoc : equation.loc;
  resolved.whereLoc = equation.whereLoc;
  resolved.coords = coords;
  resolved.order = program.equations.size();
  resolved.expanded = isCall;
  unsigned leading = coords.size();
  for (StringRef index : equation.indices)
    leading -= index != "..." && !(isPrelude && groups.count(index));
  bindings.clear();
  if (!isPrelude) {
    if (equation.ellipsis)
      bindings.push_back({"...", Coords(coords.begin(), coords.begin() + leading), true});
    unsigned at = leading;
    for (StringRef index : equation.indices)
      if (index != "...")
        bindings.push_back({index, {coords[at++]}, true});
  } else {
    if (equation.ellipsis)
      bindings.push_back({"...", groups["..."], true});
    for (StringRef index : equation.indices)
      if (index != "...")
        bindings.push_back({index, groups[index], true});
  }
  Scope scope;
  auto owner = find_if(cascade.body, [&](const ast::Statement &s) {
    return s.equation == &equation || (s.call && s.call->asEquation == &equation);
  });
  scope.order = kOwnOrder + unsigned(owner - cascade.body.begin());
  bool selects = equation.value->kind == ast::ExprKind::Reduction &&
                 names::classify(equation.value->text) == names::Word::Selection;
  if (selects)
    resolveSelection(equation, resolved);
  else
    resolved.value = resolve(*equation.value, scope);
  bool good = resolved.value;
  if (equation.where) {
    scope.inWhere = true;
    resolved.where = resolve(*equation.where, scope);
    good &= resolved.where != nullptr;
  }
  bindings.clear();
  if (!good || !tensor) {
    program.failed = true;
    return;
  }
  resolved.order = program.equations.size();
  program.equations.push_back(resolved);
  tensor->equations.push_back(&program.equations.back());
}

/// `I[m,j] = argtopk(n | p) x`. The list's coordinate is no coordinate of x.
void Resolver::resolveSelection(const ast::Equation &equation, Equation &resolved) {
  const ast::Expr &e = *equation.value;
  if (equation.indices.empty() || equation.indices.back() == "...") {
    world.error(equation.loc, "`" + e.text + "` makes a list, and the left side has no index for it",
                "write the list's coordinate last: `" + equation.name + "[..., j]` with `rank J = 8`");
    return;
  }
  Scope scope;
  auto owner = find_if(cascade.body, [&](const ast::Statement &s) { return s.equation == &equation; });
  scope.order = kOwnOrder + unsigned(owner - cascade.body.begin());
  Binding list = bindings.back();
  bindings.pop_back();
  Coords over;
  bool good = bindReduced(e, scope, over);
  if (good && over[0]->name == list.name) {
    world.error(e.coordLocs[0],
                "`" + e.text + "` selects from `" + list.name + "`, which is the list's own coordinate",
                "the list needs a rank of its own: `rank J = 8`");
    good = false;
  }
  if (good) {
    bindings.push_back({e.coords[0], over, false});
    Node *predicate = e.predicate ? resolve(*e.predicate, scope) : nullptr;
    Node *value = resolve(*e.args[0], scope);
    bindings.pop_back();
    if (value && (predicate || !e.predicate)) {
      resolved.value = value;
      resolved.over = over[0];
      if (predicate) { // what a selection skips is absent
        resolved.value = make(Op::Where, e.loc, {value, predicate});
      }
    }
  }
  bindings.push_back(list);
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

/// `--out` of an intermediate makes it an output with its own ranks.
void Resolver::promoteOutputs() {
  for (const std::string &name : world.options.extraOutputs) {
    Tensor *tensor = tensors.lookup(name);
    if (!tensor || tensor->output || tensor->input)
      continue;
    tensor->output = true;
    tensor->used = true;
    program.outputs.push_back(tensor);
  }
}

void Resolver::finish() {
  checkHiding();
  if (program.nodes.size() > kMaxNodes) {
    world.error(cascade.loc,
                "the cascade `" + cascade.name +
                    "` is too large once its lets, functions and calls are written out",
                "give a part of it a name by an equation: it is then computed once");
    program.failed = true;
  }
}

void Resolver::resolveOutermost() {
  World::CascadeEntry &entry = world.cascades[cascade.name];
  entry.active = true;
  declareSignature();
  collectDefinitions();
  resolveStatements();
  resolveGivens();
  entry.active = false;
  promoteOutputs();
  if (warn && !program.failed) {
    for (const ast::TensorDecl &decl : cascade.inputs)
      if (Tensor *tensor = tensors.lookup(decl.name); tensor && tensor->input && !tensor->used)
        world.warning(decl.loc, "nothing uses the input `" + decl.name + "`");
    for (const ast::Statement &statement : cascade.body) {
      if (statement.let && !usedLets.contains(statement.let->name))
        world.warning(statement.let->loc, "nothing uses the let `" + statement.let->name + "`");
      if (statement.rank && !(ranks.lookup(statement.rank->name) && ranks.lookup(statement.rank->name)->used))
        world.warning(statement.rank->loc, "nothing uses the rank `" + statement.rank->name + "`");
    }
  }
  // Statements that nothing has asked for are checked all the same.
  for (auto &own : ownRanks)
    if (!ranks.count(own.getKey()))
      declareRank(*own.second.first, own.second.second);
  finish();
}

/// A list that is restricted by its own coordinate, or by other equations of its tensor, is a tensor of its
/// own.
static void splitSelections(Program &program) {
  size_t count = program.equations.size();
  for (size_t i = 0; i < count; ++i) {
    Equation &equation = program.equations[i];
    if (!equation.over || (equation.tensor->equations.size() == 1 && !equation.where))
      continue;
    Tensor &list = program.tensors.emplace_back();
    list.name = equation.tensor->name + "_list";
    for (unsigned k = 2; program.names.contains(list.name); ++k)
      list.name = equation.tensor->name + "_list_" + std::to_string(k);
    program.names.insert(list.name);
    list.loc = equation.loc;
    list.fresh = list.used = true;
    for (Coordinate *coord : equation.coords)
      list.dims.push_back({coord->rank, nullptr, ""});
    Equation selection = equation;
    selection.tensor = &list;
    selection.where = nullptr;
    selection.expanded = true;
    program.equations.push_back(selection);
    list.equations.push_back(&program.equations.back());
    Node read;
    read.op = Op::Read;
    read.loc = equation.loc;
    read.tensor = &list;
    for (Coordinate *coord : equation.coords) {
      Node index;
      index.op = Op::Coord;
      index.loc = equation.loc;
      index.coord = coord;
      program.nodes.push_back(index);
      read.args.push_back(&program.nodes.back());
    }
    read.height = 2;
    program.nodes.push_back(read);
    equation.value = &program.nodes.back();
    equation.over = nullptr;
  }
}

void weir::sema::analyse(Program &program, const ast::Cascade &cascade, unsigned order, bool warn,
                         World &world) {
  program.cascade = &cascade;
  Resolver resolver(world, program, cascade, order, warn);
  resolver.resolveOutermost();
  splitSelections(program);
  inferKinds(program, world);
  if (program.failed)
    return;
  removeCopies(program);
  findRecurrences(program, world);
  if (!program.failed)
    checkDomains(program, world);
}
