//===- Tree.cpp - expressions and formulas that analyses reason about -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Tree.h"
#include "dialects/Attention/AttentionDialect.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace weir;

bool Tree::isComparison() const {
  return kind == TreeKind::Function && args.size() == 2 &&
         (text == "eq" || text == "ne" || text == "lt" || text == "le" || text == "gt" || text == "ge");
}

std::optional<int64_t> Tree::getInteger() const {
  int64_t value;
  if (kind != TreeKind::Number || scalar != ScalarKind::Integer || text.getAsInteger(0, value))
    return std::nullopt;
  return value;
}

static void profile(FoldingSetNodeID &id, TreeKind kind, ScalarKind scalar, StringRef text,
                    ArrayRef<const Tree *> args, ArrayRef<StringRef> coords) {
  id.AddInteger(unsigned(kind));
  id.AddInteger(unsigned(scalar));
  id.AddString(text);
  id.AddInteger(unsigned(args.size()));
  for (const Tree *arg : args)
    id.AddPointer(arg);
  for (StringRef coord : coords)
    id.AddString(coord);
}

void Tree::Profile(FoldingSetNodeID &id) const { profile(id, kind, scalar, text, args, coords); }

StringRef TreeArena::save(StringRef text) { return names.try_emplace(text, 0).first->first(); }

const Tree *TreeArena::get(TreeKind kind, ScalarKind scalar, StringRef text, ArrayRef<const Tree *> args,
                           ArrayRef<StringRef> coords) {
  FoldingSetNodeID id;
  profile(id, kind, scalar, text, args, coords);
  void *position;
  if (Tree *known = trees.FindNodeOrInsertPos(id, position))
    return known;
  Tree *tree = new (allocator.Allocate<Tree>()) Tree();
  tree->kind = kind;
  tree->scalar = scalar;
  tree->text = save(text);
  tree->args = args.copy(allocator);
  MutableArrayRef<StringRef> kept(allocator.Allocate<StringRef>(coords.size()), coords.size());
  for (auto [to, from] : zip(kept, coords))
    to = save(from);
  tree->coords = kept;
  tree->id = next++;
  tree->size = 1;
  for (const Tree *arg : args)
    tree->size = unsigned(std::min<uint64_t>(uint64_t(tree->size) + arg->size, 1u << 30));
  trees.InsertNode(tree, position);
  return tree;
}

const Tree *TreeArena::number(int64_t value) {
  return get(TreeKind::Number, ScalarKind::Integer, itostr(value));
}
const Tree *TreeArena::boolean(bool value) {
  return get(TreeKind::Bool, ScalarKind::Bool, value ? "true" : "false");
}
const Tree *TreeArena::coordinate(StringRef name) {
  return get(TreeKind::Coordinate, ScalarKind::Integer, name);
}
const Tree *TreeArena::extent(StringRef rank) { return get(TreeKind::Extent, ScalarKind::Integer, rank); }
const Tree *TreeArena::function(StringRef name, ArrayRef<const Tree *> args, ScalarKind scalar) {
  return get(TreeKind::Function, scalar, name, args);
}

const Tree *TreeArena::add(const Tree *a, const Tree *b) {
  if (a->getInteger() == 0)
    return b;
  if (b->getInteger() == 0)
    return a;
  return function("add", {a, b}, ScalarKind::Integer);
}
const Tree *TreeArena::sub(const Tree *a, const Tree *b) {
  if (b->getInteger() == 0)
    return a;
  return function("sub", {a, b}, ScalarKind::Integer);
}
const Tree *TreeArena::mul(const Tree *a, const Tree *b) {
  if (a->getInteger() == 1)
    return b;
  if (b->getInteger() == 1)
    return a;
  return function("mul", {a, b}, ScalarKind::Integer);
}

//===----------------------------------------------------------------------===//
// Coordinates
//===----------------------------------------------------------------------===//

StringRef weir::unprimed(StringRef coordinate) { return coordinate.rtrim('\''); }
std::string weir::rankOf(StringRef coordinate) { return unprimed(coordinate).upper(); }

static void collectFree(const Tree *tree, SmallVectorImpl<StringRef> &bound, std::vector<StringRef> &free,
                        DenseSet<const Tree *> &closed) {
  if (tree->is(TreeKind::Coordinate)) {
    if (!is_contained(bound, tree->text) && !is_contained(free, tree->text))
      free.push_back(tree->text);
    return;
  }
  if (tree->args.empty() || (bound.empty() && !closed.insert(tree).second))
    return;
  size_t outer = bound.size();
  bound.append(tree->coords.begin(), tree->coords.end());
  for (const Tree *arg : tree->args)
    collectFree(arg, bound, free, closed);
  bound.truncate(outer);
}

std::vector<StringRef> weir::freeCoordinates(const Tree *tree) {
  SmallVector<StringRef> bound;
  std::vector<StringRef> free;
  DenseSet<const Tree *> closed;
  collectFree(tree, bound, free, closed);
  return free;
}

const Tree *weir::pushNegation(const Tree *formula, TreeArena &arena,
                               function_ref<const Tree *(TreeKind, ArrayRef<const Tree *>)> join,
                               function_ref<const Tree *(const Tree *)> negate) {
  SmallVector<const Tree *> parts;
  switch (formula->kind) {
  case TreeKind::Bool:
    return arena.boolean(formula->isFalse());
  case TreeKind::Not:
    return formula->args[0];
  case TreeKind::And:
  case TreeKind::Or:
    for (const Tree *part : formula->args)
      parts.push_back(pushNegation(part, arena, join, negate));
    return join(formula->is(TreeKind::And) ? TreeKind::Or : TreeKind::And, parts);
  default:
    return negate(formula);
  }
}

bool weir::dependsOn(const Tree *tree, StringRef coordinate) {
  return is_contained(freeCoordinates(tree), coordinate);
}

bool weir::readsData(const Tree *tree) {
  if (tree->is(TreeKind::Read) || tree->is(TreeKind::Param) || tree->is(TreeKind::Opaque))
    return true;
  return any_of(tree->args, readsData);
}

const Tree *TreeArena::substitute(const Tree *tree, const StringMap<const Tree *> &to) {
  if (tree->is(TreeKind::Coordinate)) {
    auto found = to.find(tree->text);
    return found == to.end() ? tree : found->second;
  }
  if (tree->args.empty())
    return tree;
  if (tree->coords.empty()) {
    SmallVector<const Tree *> args;
    for (const Tree *arg : tree->args)
      args.push_back(substitute(arg, to));
    return get(tree->kind, tree->scalar, tree->text, args);
  }
  StringMap<const Tree *> inner;
  StringSet<> incoming;
  for (StringRef name : freeCoordinates(tree))
    if (auto found = to.find(name); found != to.end()) {
      inner[name] = found->second;
      for (StringRef free : freeCoordinates(found->second))
        incoming.insert(free);
    } else {
      incoming.insert(name);
    }
  SmallVector<StringRef> coords;
  for (StringRef coord : tree->coords) {
    std::string fresh = coord.str();
    while (incoming.contains(fresh))
      fresh += '\'';
    coords.push_back(save(fresh));
    if (fresh != coord)
      inner[coord] = coordinate(fresh);
  }
  if (inner.empty())
    return tree;
  SmallVector<const Tree *> args;
  for (const Tree *arg : tree->args)
    args.push_back(substitute(arg, inner));
  return get(tree->kind, tree->scalar, tree->text, args, coords);
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

namespace {
/// Binding strength, loosest first, as language.md lists precedence.
enum Strength { Loose, Ternary, ElseS, OrS, AndS, NotS, Compare, Sum, Product, As, Unary, Power, Primary };

struct Printer {
  std::string out;
  void print(const Tree *tree, Strength least, bool index);
  void list(ArrayRef<const Tree *> args, bool index) {
    for (auto [i, arg] : enumerate(args)) {
      out += i ? ", " : "";
      print(arg, Loose, index);
    }
  }
  void coords(const Tree *tree) { out += "(" + join(tree->coords, ", ") + ") "; }
  void infix(const Tree *tree, StringRef op, Strength own, Strength left, Strength right, Strength least,
             bool index) {
    bool parens = own < least;
    out += parens ? "(" : "";
    print(tree->args[0], left, index);
    for (const Tree *arg : tree->args.drop_front()) {
      out += op;
      print(arg, right, index);
    }
    out += parens ? ")" : "";
  }
  void prefix(const Tree *operand, StringRef op, Strength own, Strength least, bool index) {
    bool parens = own < least;
    out += parens ? "(" : "";
    out += op;
    print(operand, own, index);
    out += parens ? ")" : "";
  }
  void function(const Tree *tree, Strength least, bool index);
};
} // namespace

void Printer::function(const Tree *tree, Strength least, bool index) {
  StringRef name = tree->text;
  if (tree->isComparison()) {
    bool integers = all_of(tree->args, [](const Tree *a) { return a->scalar == ScalarKind::Integer; });
    std::string sign = " " + attn::getComparisonSign(*attn::symbolizeFn(name)).str() + " ";
    return infix(tree, sign, Compare, Sum, Sum, least, integers);
  }
  if (name == "add")
    return infix(tree, " + ", Sum, Sum, Product, least, index);
  if (name == "sub")
    return infix(tree, " - ", Sum, Sum, Product, least, index);
  if (name == "mul")
    return infix(tree, "*", Product, Product, As, least, index);
  if (name == "div" || (name == "floordiv" && index))
    return infix(tree, "/", Product, Product, As, least, index);
  if (name == "mod")
    return infix(tree, "%", Product, Product, As, least, index);
  if (name == "pow" || name == "powi")
    return infix(tree, "^", Power, Primary, Power, least, index);
  if (name == "neg")
    return prefix(tree->args[0], "-", Unary, least, index);
  if (name == "real" || name == "integer")
    return print(tree->args[0], least, index);
  out += name.str() + "(";
  list(tree->args, index);
  out += ")";
}

void Printer::print(const Tree *tree, Strength least, bool index) {
  switch (tree->kind) {
  case TreeKind::Number:
  case TreeKind::Bool:
  case TreeKind::Coordinate:
  case TreeKind::Extent:
  case TreeKind::Param:
  case TreeKind::Opaque:
    out += tree->text;
    return;
  case TreeKind::Read:
    out += tree->text.str() + "[";
    for (auto [i, arg] : enumerate(tree->args)) {
      out += i ? "," : "";
      print(arg, Loose, true);
    }
    out += "]";
    return;
  case TreeKind::Function:
    return function(tree, least, index);
  case TreeKind::Cast:
    print(tree->args[0], As, index);
    out += " as " + tree->text.str();
    return;
  case TreeKind::And:
    return infix(tree, " and ", AndS, AndS, NotS, least, index);
  case TreeKind::Or:
    return infix(tree, " or ", OrS, OrS, AndS, least, index);
  case TreeKind::Not:
    if (tree->args[0]->is(TreeKind::Present)) {
      out += "isabsent(";
      list(tree->args[0]->args, index);
      out += ")";
      return;
    }
    return prefix(tree->args[0], "not ", NotS, least, index);
  case TreeKind::Else:
    return infix(tree, " else ", ElseS, ElseS, OrS, least, index);
  case TreeKind::Where:
    return infix(tree, " where ", Loose, Ternary, Ternary, least, index);
  case TreeKind::Select: {
    bool parens = Ternary < least;
    out += parens ? "(" : "";
    print(tree->args[0], ElseS, index);
    out += " ? ";
    print(tree->args[1], Ternary, index);
    out += " : ";
    print(tree->args[2], Ternary, index);
    out += parens ? ")" : "";
    return;
  }
  case TreeKind::IsAbsent:
    out += "isabsent(";
    list(tree->args, index);
    out += ")";
    return;
  case TreeKind::Present:
    if (NotS < least)
      out += "(";
    out += "not isabsent(";
    list(tree->args, index);
    out += NotS < least ? "))" : ")";
    return;
  case TreeKind::Reduce:
  case TreeKind::Selection:
  case TreeKind::Any: {
    bool parens = Product < least;
    out += parens ? "(" : "";
    out += tree->is(TreeKind::Any) ? "any" : tree->is(TreeKind::Selection) ? "argtopk" : tree->text.str();
    const Tree *body = tree->args[0];
    if (body->is(TreeKind::Where)) {
      out += "(" + join(tree->coords, ", ") + " | ";
      print(body->args[1], Loose, index);
      out += ") ";
      body = body->args[0];
    } else {
      coords(tree);
    }
    print(body, Product, index);
    out += parens ? ")" : "";
    return;
  }
  }
}

std::string weir::toText(const Tree *tree, bool index) {
  Printer printer;
  printer.print(tree, Loose, index);
  return printer.out;
}

static void collectReads(const Tree *tree, SetVector<StringRef> &reads, DenseSet<const Tree *> &visited) {
  if (!visited.insert(tree).second)
    return;
  if (tree->is(TreeKind::Read))
    reads.insert(tree->text);
  for (const Tree *arg : tree->args)
    collectReads(arg, reads, visited);
}

SetVector<StringRef> weir::tensorsReadBy(const Tree *tree) {
  SetVector<StringRef> reads;
  DenseSet<const Tree *> visited;
  collectReads(tree, reads, visited);
  return reads;
}
