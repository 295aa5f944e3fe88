//===- TreeEmitter.cpp - trees of an analysis back to attn ops ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/TreeEmitter.h"
#include "lib/Transforms/StreamAlgebra.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

std::string weir::toIRName(StringRef coordinate) {
  std::string name = coordinate.str();
  std::replace(name.begin(), name.end(), '\'', '_');
  return name;
}

Value TreeEmitter::fail(const Twine &why) {
  if (failure.empty())
    failure = why.str();
  return {};
}

Value TreeEmitter::convert(Value value, ScalarKind kind) {
  if (!value || value.getType() == typeOf(kind))
    return value;
  bool real = isa<FloatType>(value.getType());
  if (kind == ScalarKind::Real)
    return MapOp::create(b, typeOf(kind), Fn::Real, ValueRange{value});
  if (kind == ScalarKind::Integer && !real)
    return MapOp::create(b, typeOf(kind), Fn::Integer, ValueRange{value});
  return fail("a real stands where none may");
}

Value TreeEmitter::emit(const Tree *tree, ScalarKind kind) {
  if (!failure.empty())
    return {};
  return convert(emitOp(tree, kind), kind);
}

Value TreeEmitter::emitWhere(Value value, const Tree *formula) {
  if (!value || formula->isTrue())
    return value;
  Value holds = emit(formula, ScalarKind::Bool);
  return holds ? WhereOp::create(b, value, holds).getResult() : Value();
}

/// Numbers are rationals; where a real is asked for, an integer's text is a real's.
Value TreeEmitter::emitNumber(StringRef text, ScalarKind kind) {
  return numberOf(b, text, typeOf(text.contains('/') ? ScalarKind::Real : kind));
}

Value TreeEmitter::emitRead(const Tree *tree) {
  Value tensor = scope.tensors.lookup(tree->text);
  if (!tensor)
    return fail("reads " + tree->text + ", which is not at hand");
  SmallVector<Value> indices;
  for (const Tree *index : tree->args)
    indices.push_back(emit(index, ScalarKind::Integer));
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!failure.empty() || type.getRank() != static_cast<int64_t>(indices.size()))
    return fail("reads " + tree->text + " at another number of coordinates");
  return ReadOp::create(b, getScalarType(type.getElementType()), tensor, indices);
}

static void flattenProduct(const Tree *tree, SmallVectorImpl<const Tree *> &factors) {
  if (!tree->isFunction("mul"))
    return factors.push_back(tree);
  for (const Tree *arg : tree->args)
    flattenProduct(arg, factors);
}

namespace {
/// A part of a sum: a product of whole numbers and of other factors.
struct Summand {
  const Tree *tree;
  bool negative;
  SmallVector<const Tree *> whole, others;
};
} // namespace

static void flattenSum(const Tree *tree, bool negative, SmallVectorImpl<Summand> &summands) {
  if (tree->isFunction("add") || tree->isFunction("sub")) {
    flattenSum(tree->args[0], negative, summands);
    flattenSum(tree->args[1], negative != tree->isFunction("sub"), summands);
    return;
  }
  if (tree->isFunction("neg"))
    return flattenSum(tree->args[0], !negative, summands);
  Summand summand{tree, negative, {}, {}};
  SmallVector<const Tree *> factors;
  flattenProduct(tree, factors);
  for (const Tree *factor : factors)
    (factor->scalar == ScalarKind::Integer || factor->getInteger() ? summand.whole : summand.others)
        .push_back(factor);
  llvm::sort(summand.others, [](const Tree *a, const Tree *b) { return a->id < b->id; });
  summands.push_back(std::move(summand));
}

/// Multiples of one factor by whole numbers become one product, slope*(m - n) of slope*m - slope*n: the
/// difference is exact, as it was written, where that of two large products would be of their rounding. Null
/// where there are none.
Value TreeEmitter::emitSum(const Tree *tree) {
  SmallVector<Summand> summands;
  flattenSum(tree, false, summands);
  auto isLike = [](const Summand &a, const Summand &b) { return a.others == b.others; };
  if (llvm::none_of(summands, [&](const Summand &a) {
        return llvm::count_if(summands, [&](const Summand &other) { return isLike(a, other); }) > 1;
      }))
    return {};
  Type real = typeOf(ScalarKind::Real);
  auto product = [&](ArrayRef<const Tree *> factors) {
    Value value;
    for (const Tree *factor : factors)
      if (Value next = emit(factor, ScalarKind::Real))
        value = value ? MapOp::create(b, real, Fn::Mul, ValueRange{value, next}).getResult() : next;
    return value;
  };
  auto accumulate = [&](Value sum, Value next, bool negative) -> Value {
    if (!next)
      return sum;
    if (!sum)
      return negative ? MapOp::create(b, real, Fn::Neg, ValueRange{next}).getResult() : next;
    return MapOp::create(b, real, negative ? Fn::Sub : Fn::Add, ValueRange{sum, next});
  };
  Value sum;
  SmallVector<const Summand *> done;
  for (const Summand &first : summands) {
    if (llvm::any_of(done, [&](const Summand *other) { return isLike(*other, first); }))
      continue;
    done.push_back(&first);
    if (llvm::count_if(summands, [&](const Summand &other) { return isLike(first, other); }) == 1) {
      sum = accumulate(sum, emit(first.tree, ScalarKind::Real), first.negative);
      continue;
    }
    Value multiple, common = product(first.others);
    for (const Summand &other : summands)
      if (isLike(first, other)) {
        Value whole = other.whole.empty() ? emitNumber("1", ScalarKind::Real) : product(other.whole);
        multiple = accumulate(multiple, whole, other.negative);
      }
    if (common && multiple)
      multiple = MapOp::create(b, real, Fn::Mul, ValueRange{common, multiple});
    sum = accumulate(sum, multiple, false);
  }
  return failure.empty() ? sum : Value();
}

Value TreeEmitter::emitFunction(const Tree *tree) {
  if (tree->text == "present" &&
      tree->args.size() == 1) { // one where the operand is there: what a mean counts
    Value value = emit(tree->args[0]);
    if (!value)
      return {};
    Value there = NotOp::create(b, IsabsentOp::create(b, value));
    return WhereOp::create(b, emitNumber("1", tree->scalar), there);
  }
  if (tree->scalar == ScalarKind::Real && (tree->text == "add" || tree->text == "sub"))
    if (Value grouped = emitSum(tree); grouped || !failure.empty())
      return grouped;
  auto fn = symbolizeFn(tree->text);
  if (!fn)
    return fail("no function is named " + tree->text);
  bool real = tree->scalar == ScalarKind::Real;
  if (tree->isComparison()) {
    ScalarKind kind = tree->args[0]->scalar == ScalarKind::Real ? ScalarKind::Real : tree->args[1]->scalar;
    Value left = emit(tree->args[0], kind), right = emit(tree->args[1], kind);
    return failure.empty() ? MapOp::create(b, b.getI1Type(), *fn, ValueRange{left, right}).getResult()
                           : Value();
  }
  if (*fn == Fn::Real || *fn == Fn::Integer)
    return emit(tree->args[0], tree->scalar);
  SmallVector<Value> operands;
  for (auto [i, arg] : llvm::enumerate(tree->args)) {
    bool exponent = *fn == Fn::Powi && i == 1;
    if (exponent && !arg->getInteger())
      return fail("a power that is no whole number");
    operands.push_back(emit(arg, exponent ? ScalarKind::Integer : tree->scalar));
  }
  if (*fn == Fn::Div && !real)
    return fail("a division of integers");
  return failure.empty() ? MapOp::create(b, typeOf(tree->scalar), *fn, operands).getResult() : Value();
}

Value TreeEmitter::emitReduce(const Tree *tree, StringRef reduction) {
  auto kind = symbolizeReduction(reduction);
  if (!kind)
    return fail("no reduction is named " + reduction);
  SmallVector<Value> extents;
  SmallVector<Attribute> names;
  for (StringRef coordinate : tree->coords) {
    extents.push_back(scope.extentOf(model, coordinate));
    if (!extents.back())
      return fail("the extent of " + coordinate + " is not at hand");
    names.push_back(b.getStringAttr(toIRName(coordinate)));
  }
  const Tree *body = tree->args[0];
  ScalarKind bodyKind = body->scalar;
  if (tree->scalar == ScalarKind::Real)
    bodyKind = ScalarKind::Real;
  auto reduce = ReduceOp::create(b, typeOf(tree->scalar), *kind, b.getArrayAttr(names), extents);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(names.size(), b.getI64Type());
  Block *block = b.createBlock(&reduce.getBody(), {}, types, SmallVector<Location>(names.size(), b.getLoc()));
  llvm::StringMap<Value> hidden;
  for (auto [coordinate, argument] : llvm::zip(tree->coords, block->getArguments())) {
    hidden[coordinate] = coordinates.lookup(coordinate);
    coordinates[coordinate] = argument;
  }
  Value value = emit(body, bodyKind);
  for (auto &entry : hidden)
    coordinates[entry.getKey()] = entry.getValue();
  if (!value)
    return {};
  YieldOp::create(b, value);
  return reduce.getResult();
}

/// A formula holds where its ops are present and true; `not` of an absent value is true.
Value TreeEmitter::emitLogic(const Tree *tree) {
  Value value;
  for (const Tree *arg : tree->args) {
    Value next = emit(arg, ScalarKind::Bool);
    if (!next)
      return {};
    if (!value)
      value = next;
    else
      value = tree->is(TreeKind::And) ? AndOp::create(b, value, next).getResult()
                                      : OrOp::create(b, value, next).getResult();
  }
  return value ? value : fail("an empty formula");
}

Value TreeEmitter::emitOp(const Tree *tree, ScalarKind kind) {
  auto lookUp = [&](Value value) { return value ? value : fail(tree->text + " is not at hand"); };
  switch (tree->kind) {
  case TreeKind::Number:
    return emitNumber(tree->text, kind == ScalarKind::Real ? kind : tree->scalar);
  case TreeKind::Bool:
    return LiteralOp::create(b, b.getI1Type(), b.getStringAttr(tree->text));
  case TreeKind::Coordinate:
    return lookUp(coordinates.lookup(tree->text));
  case TreeKind::Extent:
    return lookUp(scope.scalars.lookup(tree));
  case TreeKind::Param:
    return lookUp(scope.params.lookup(tree->text));
  case TreeKind::Read:
    return emitRead(tree);
  case TreeKind::Function:
    return emitFunction(tree);
  case TreeKind::And:
  case TreeKind::Or:
    return emitLogic(tree);
  case TreeKind::Not: {
    Value value = emit(tree->args[0], ScalarKind::Bool);
    return value ? NotOp::create(b, value).getResult() : value;
  }
  case TreeKind::Present:
  case TreeKind::IsAbsent: {
    Value value = emit(tree->args[0]);
    if (!value)
      return {};
    Value absent = IsabsentOp::create(b, value);
    return tree->is(TreeKind::IsAbsent) ? absent : NotOp::create(b, absent).getResult();
  }
  case TreeKind::Else: {
    Value value = emit(tree->args[0], kind), otherwise = emit(tree->args[1], kind);
    return failure.empty() ? ElseOp::create(b, value, otherwise).getResult() : Value();
  }
  case TreeKind::Select: {
    Value condition = emit(tree->args[0], ScalarKind::Bool), then = emit(tree->args[1], kind),
          otherwise = emit(tree->args[2], kind);
    return failure.empty() ? SelectOp::create(b, condition, then, otherwise).getResult() : Value();
  }
  case TreeKind::Where: {
    Value value = emit(tree->args[0], kind), holds = emit(tree->args[1], ScalarKind::Bool);
    return failure.empty() ? WhereOp::create(b, value, holds).getResult() : Value();
  }
  case TreeKind::Reduce:
    return emitReduce(tree, tree->text);
  case TreeKind::Any:
    return emitReduce(tree, "any");
  case TreeKind::Cast:
  case TreeKind::Selection:
  case TreeKind::Opaque:
    return fail("'" + toText(tree) + "' is no expression of a body");
  }
  llvm_unreachable("a tree of no kind");
}
