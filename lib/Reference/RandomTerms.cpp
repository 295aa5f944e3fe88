//===- RandomTerms.cpp - random terms of each kind ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/RandomGenerator.h"
#include "llvm/Support/raw_ostream.h"

using namespace weir::random_cascade;
using llvm::ArrayRef;
using llvm::StringRef;

TermPtr weir::random_cascade::call(Kind kind, const std::string &fn, TermPtr a, TermPtr b, TermPtr c) {
  std::vector<TermPtr> args;
  args.push_back(std::move(a));
  if (b)
    args.push_back(std::move(b));
  if (c)
    args.push_back(std::move(c));
  return make(Term::Call, kind, fn, std::move(args));
}

TermPtr weir::random_cascade::unary(Kind kind, const std::string &op, TermPtr a) {
  std::vector<TermPtr> args;
  args.push_back(std::move(a));
  return make(Term::Unary, kind, op, std::move(args));
}

TermPtr weir::random_cascade::binary(Kind kind, const std::string &op, TermPtr a, TermPtr b) {
  std::vector<TermPtr> args;
  args.push_back(std::move(a));
  args.push_back(std::move(b));
  return make(Term::Binary, kind, op, std::move(args));
}

TermPtr weir::random_cascade::cast(Kind kind, const std::string &type, TermPtr a) {
  std::vector<TermPtr> args;
  args.push_back(std::move(a));
  return make(Term::Cast, kind, type, std::move(args));
}

TermPtr weir::random_cascade::choose(Kind kind, TermPtr condition, TermPtr a, TermPtr b) {
  std::vector<TermPtr> args;
  args.push_back(std::move(condition));
  args.push_back(std::move(a));
  args.push_back(std::move(b));
  return make(Term::Select, kind, "?", std::move(args));
}

TermPtr weir::random_cascade::reduce(Kind kind, const std::string &op, std::vector<std::string> coords,
                                     TermPtr predicate, TermPtr body) {
  std::vector<TermPtr> args;
  args.push_back(std::move(body));
  TermPtr term = make(Term::Reduce, kind, op, std::move(args));
  term->coords = std::move(coords);
  term->predicate = std::move(predicate);
  return term;
}

/// The tensor at its own coordinates, but for the index `at` along one rank.
TermPtr Generator::plainRead(const Tensor &tensor, StringRef along, TermPtr at) {
  std::vector<TermPtr> indices;
  for (const std::string &rank : tensor.ranks)
    indices.push_back(rank == along && at ? at->clone() : coordinate(rank));
  return make(Term::Read, tensor.kind, tensor.name, std::move(indices));
}

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

TermPtr Generator::index(const std::string &rank, const Scope &scope, int depth) {
  bool own = llvm::is_contained(scope, rank);
  double kind = random.uniform();
  if (own && kind < 0.72)
    return coordinate(rank);
  if (depth > 0 && kind < 0.85) // a gather
    for (unsigned attempt = 0; attempt < 3; ++attempt) {
      const Tensor &tensor = program.tensors[random.integer(0, program.tensors.size() - 1)];
      bool fits =
          llvm::all_of(tensor.ranks, [&](const std::string &r) { return llvm::is_contained(scope, r); });
      if (tensor.kind == Kind::Integer && fits && !llvm::is_contained(hidden, tensor.name))
        return plainRead(tensor);
    }
  if (scope.empty())
    return literal(random.integer(0, 2));
  TermPtr at = coordinate(own ? rank : pick(scope));
  switch (random.integer(0, 7)) {
  case 0:
    return binary(Kind::Integer, "+", std::move(at), literal(random.integer(1, 3)));
  case 1:
  case 2:
    return binary(Kind::Integer, "-", std::move(at), literal(random.integer(1, 3)));
  case 3:
    return binary(Kind::Integer, "/", std::move(at), literal(random.integer(2, 4)));
  case 4:
    return binary(Kind::Integer, "%", std::move(at), literal(random.integer(2, 5)));
  case 5:
    return binary(Kind::Integer, "*", std::move(at), literal(2));
  case 6:
    return binary(Kind::Integer, "-", atom(Kind::Integer, rank),
                  binary(Kind::Integer, "+", std::move(at), literal(1)));
  default:
    return at;
  }
}

TermPtr Generator::readOf(const Tensor &tensor, const Scope &scope, int depth) {
  std::vector<TermPtr> indices;
  for (const std::string &rank : tensor.ranks)
    indices.push_back(index(rank, scope, depth));
  return make(Term::Read, tensor.kind, tensor.name, std::move(indices));
}

TermPtr Generator::read(Kind kind, const Scope &scope, int depth) {
  const Tensor *best = nullptr;
  size_t bestScore = 0;
  for (unsigned attempt = 0; attempt < 6; ++attempt) {
    const Tensor &tensor = program.tensors[random.integer(0, program.tensors.size() - 1)];
    if (tensor.kind != kind || llvm::is_contained(hidden, tensor.name))
      continue;
    size_t have =
        llvm::count_if(tensor.ranks, [&](const std::string &r) { return llvm::is_contained(scope, r); });
    size_t score = 1 + 10 * have - 8 * (tensor.ranks.size() - have) +
                   (scope.empty() || have == 0 ? 0 : 5 * llvm::is_contained(tensor.ranks, scope.back())) + 40;
    if (!best || score > bestScore) {
      best = &tensor;
      bestScore = score;
    }
  }
  return best ? readOf(*best, scope, depth) : nullptr;
}

TermPtr Generator::leaf(Kind kind, const Scope &scope, int depth) {
  if (chance(0.85))
    if (TermPtr found = read(kind, scope, depth))
      return found;
  auto hasParam = [&](StringRef name) {
    return llvm::any_of(program.params, [&](const std::string &p) { return StringRef(p).starts_with(name); });
  };
  if (kind == Kind::Real)
    return hasParam("cap") && chance(0.4) ? atom(kind, "cap")
                                          : atom(kind, pick({"0.5", "1.5", "2.0", "0.1", "3e-1", "(-1.0)"}));
  if (kind == Kind::Bool)
    return domain(scope);
  if (hasParam("win") && chance(0.3))
    return atom(kind, "win");
  if (!scope.empty() && chance(0.6))
    return coordinate(pick(scope));
  return chance(0.2) ? atom(kind, pick(bound)) : literal(random.integer(-2, 5));
}

/// A predicate that is neither empty nor full for every extent.
TermPtr Generator::domain(const Scope &scope) {
  if (scope.empty())
    return binary(Kind::Bool, "<", atom(Kind::Integer, "M"), atom(Kind::Integer, "N"));
  std::string a = pick(scope), b = pick(scope);
  if (chance(0.3))
    if (TermPtr found = read(Kind::Bool, scope, 0))
      return found;
  if (chance(0.25))
    if (TermPtr found = read(Kind::Integer, scope, 0))
      return binary(Kind::Bool, pick({"<", "<=", ">", ">=", "=="}), coordinate(a), std::move(found));
  if (a == b)
    switch (random.integer(0, 3)) {
    case 0:
      return binary(Kind::Bool, "<", coordinate(a), literal(random.integer(1, 9)));
    case 1:
      return binary(Kind::Bool, ">=", coordinate(a), literal(random.integer(1, 5)));
    case 2:
      return binary(Kind::Bool, pick({"==", "!="}),
                    call(Kind::Integer, "mod", coordinate(a), literal(random.integer(2, 4))),
                    literal(random.integer(0, 1)));
    default:
      return binary(Kind::Bool, "<", coordinate(a),
                    binary(Kind::Integer, "-", atom(Kind::Integer, a), literal(2)));
    }
  switch (random.integer(0, 4)) {
  case 0:
    return binary(Kind::Bool, "<=", coordinate(a), coordinate(b));
  case 1:
    return binary(Kind::Bool, "<=", coordinate(a),
                  binary(Kind::Integer, "+", coordinate(b),
                         binary(Kind::Integer, "-", atom(Kind::Integer, a), atom(Kind::Integer, b))));
  case 2:
    return binary(Kind::Bool, "<",
                  call(Kind::Integer, "abs", binary(Kind::Integer, "-", coordinate(a), coordinate(b))),
                  literal(random.integer(1, 6)));
  case 3:
    return binary(Kind::Bool, "or", binary(Kind::Bool, "<", coordinate(a), literal(random.integer(1, 4))),
                  binary(Kind::Bool, "<=", coordinate(a), coordinate(b)));
  default:
    return binary(Kind::Bool, "==", call(Kind::Integer, "floordiv", coordinate(a), literal(4)),
                  call(Kind::Integer, "floordiv", coordinate(b), literal(4)));
  }
}

TermPtr Generator::small(const Scope &scope, int depth) {
  return call(Kind::Real, pick({"tanh", "sin", "erf", "sigmoid"}), real(scope, depth));
}

TermPtr Generator::reduction(Kind kind, const Scope &scope, int depth) {
  Scope free;
  for (const std::string &rank : all)
    if (!llvm::is_contained(scope, rank))
      free.push_back(rank);
  if (free.empty() || depth <= 0)
    return leaf(kind, scope, depth);
  Scope inner = scope;
  std::vector<std::string> ranks = {pick(free)};
  if (chance(0.12) && free.size() > 1) {
    std::string second = pick(free);
    if (second != ranks[0])
      ranks.push_back(second);
  }
  std::vector<std::string> coords;
  for (const std::string &rank : ranks) {
    inner.push_back(rank);
    coords.push_back(coordinateOf(rank));
  }
  TermPtr predicate = chance(0.3) ? (chance(0.7) ? domain(inner) : boolean(inner, 1)) : nullptr;
  if (kind == Kind::Bool)
    return reduce(kind, pick({"any", "all"}), coords, std::move(predicate), boolean(inner, depth - 1));
  if (kind == Kind::Integer) {
    switch (random.integer(0, 4)) {
    case 0:
      return reduce(kind, "count", coords, std::move(predicate),
                    chance(0.5) ? boolean(inner, depth - 1) : real(inner, depth - 1));
    case 1:
      return reduce(kind, pick({"argmax", "argmin"}), {coords[0]},
                    coords.size() == 1 ? std::move(predicate) : nullptr,
                    coords.size() == 1 ? real(inner, depth - 1) : leaf(Kind::Real, {ranks[0]}, 0));
    case 2:
      return reduce(kind, "sum", coords, std::move(predicate), boolean(inner, depth - 1));
    default:
      return reduce(kind, pick({"sum", "max", "min", "max"}), coords, std::move(predicate),
                    integer(inner, depth - 1));
    }
  }
  std::string op = pick({"sum", "sum", "sum", "sum", "max", "max", "min", "mean", "prod", "logsumexp"});
  TermPtr body;
  if (op == "prod")
    body = binary(Kind::Real, "+", atom(Kind::Real, "1.0"),
                  binary(Kind::Real, "*", atom(Kind::Real, "0.1"), small(inner, depth - 1)));
  else if (op == "sum" && chance(0.6))
    body = binary(Kind::Real, "*", leaf(Kind::Real, inner, depth),
                  chance(0.7) ? leaf(Kind::Real, inner, depth) : real(inner, depth - 1));
  else
    body = real(inner, depth - 1);
  return reduce(kind, op, coords, std::move(predicate), std::move(body));
}

TermPtr Generator::realCall(const Scope &scope, int depth) {
  TermPtr x = real(scope, depth - 1);
  auto positive = [&](TermPtr y) {
    return binary(Kind::Real, "+", call(Kind::Real, "abs", std::move(y)),
                  atom(Kind::Real, pick({"0.25", "1.0"})));
  };
  switch (random.integer(0, 11)) {
  case 0:
    return call(Kind::Real, "exp", call(Kind::Real, "min", std::move(x), atom(Kind::Real, "2.0")));
  case 1:
    return call(Kind::Real, pick({"log", "log2", "rsqrt", "sqrt"}),
                chance(0.9) ? positive(std::move(x)) : std::move(x));
  case 2:
    return call(Kind::Real, "exp2",
                call(Kind::Real, "clamp", std::move(x), atom(Kind::Real, "(-3.0)"), atom(Kind::Real, "3.0")));
  case 3:
    return call(Kind::Real, pick({"floor", "ceil", "round", "sign"}), std::move(x));
  case 4:
    return call(Kind::Real, pick({"min", "max"}), std::move(x), real(scope, depth - 1));
  case 5:
    return call(Kind::Real, "atan2", std::move(x), real(scope, depth - 1));
  case 6:
    return binary(Kind::Real, "^", std::move(x), atom(Kind::Integer, pick({"2", "3", "4", "0", "1"})));
  case 7:
    return binary(Kind::Real, "^", positive(std::move(x)), atom(Kind::Real, pick({"0.5", "1.5", "(-0.5)"})));
  default:
    return call(Kind::Real,
                pick({"tanh", "sigmoid", "erf", "sin", "cos", "relu", "softplus", "gelu", "silu", "abs"}),
                std::move(x));
  }
}

TermPtr Generator::real(const Scope &scope, int depth) {
  if (depth <= 0)
    return leaf(Kind::Real, scope, 0);
  double kind = random.uniform();
  if (kind < 0.2)
    return leaf(Kind::Real, scope, depth);
  if (kind < 0.42)
    return binary(Kind::Real, pick({"+", "-", "*", "*"}), real(scope, depth - 1), real(scope, depth - 1));
  if (kind < 0.47)
    return binary(Kind::Real, "/", real(scope, depth - 1),
                  chance(0.8) ? binary(Kind::Real, "+", call(Kind::Real, "abs", real(scope, depth - 1)),
                                       atom(Kind::Real, "0.5"))
                              : real(scope, depth - 1));
  if (kind < 0.65)
    return realCall(scope, depth);
  if (kind < 0.8)
    return reduction(Kind::Real, scope, depth);
  if (kind < 0.84)
    return choose(Kind::Real, boolean(scope, depth - 1), real(scope, depth - 1), real(scope, depth - 1));
  if (kind < 0.89)
    return binary(Kind::Real, "else", real(scope, depth - 1),
                  chance(0.5) ? atom(Kind::Real, pick({"0.0", "1.0", "(-inf)"})) : real(scope, depth - 1));
  if (kind < 0.92)
    return cast(Kind::Real, pick({"bf16", "f16", "f32", "f8e4m3", "f8e5m2"}), real(scope, depth - 1));
  if (kind < 0.95)
    return binary(Kind::Real, "*", boolean(scope, depth - 1), real(scope, depth - 1));
  if (kind < 0.97)
    return unary(Kind::Real, "-", real(scope, depth - 1));
  return binary(Kind::Real, pick({"+", "*"}), real(scope, depth - 1), integer(scope, depth - 1));
}

TermPtr Generator::integerCall(const Scope &scope, int depth) {
  TermPtr x = integer(scope, depth - 1);
  switch (random.integer(0, 6)) {
  case 0:
    return call(Kind::Integer, pick({"floordiv", "mod"}), std::move(x),
                chance(0.7) ? literal(random.integer(2, 5)) : integer(scope, depth - 1));
  case 1:
    return call(Kind::Integer, pick({"bitand", "bitor", "bitxor"}), std::move(x), integer(scope, depth - 1));
  case 2:
    return call(Kind::Integer, pick({"shl", "shr"}), std::move(x), literal(random.integer(0, 3)));
  case 3:
    return call(Kind::Integer, "clamp", std::move(x), literal(0), literal(random.integer(1, 6)));
  case 4:
    return call(Kind::Integer, pick({"abs", "sign"}), std::move(x));
  case 5:
    return binary(Kind::Integer, "^", std::move(x), literal(2));
  default:
    return call(Kind::Integer, pick({"min", "max"}), std::move(x), integer(scope, depth - 1));
  }
}

TermPtr Generator::integer(const Scope &scope, int depth) {
  if (depth <= 0)
    return leaf(Kind::Integer, scope, 0);
  double kind = random.uniform();
  if (kind < 0.3)
    return leaf(Kind::Integer, scope, depth);
  if (kind < 0.5)
    return binary(Kind::Integer, pick({"+", "-", "*"}), integer(scope, depth - 1), integer(scope, depth - 1));
  if (kind < 0.7)
    return integerCall(scope, depth);
  if (kind < 0.82)
    return reduction(Kind::Integer, scope, depth);
  if (kind < 0.87)
    return choose(Kind::Integer, boolean(scope, depth - 1), integer(scope, depth - 1),
                  integer(scope, depth - 1));
  if (kind < 0.93)
    return binary(Kind::Integer, "else", integer(scope, depth - 1), literal(random.integer(-1, 3)));
  return cast(Kind::Integer, pick({"i32", "i8", "i16", "u8", "i64"}),
              chance(0.5) ? real(scope, depth - 1) : integer(scope, depth - 1));
}

TermPtr Generator::boolean(const Scope &scope, int depth) {
  double kind = random.uniform();
  if (depth <= 0 || kind < 0.2)
    return chance(0.3) ? leaf(Kind::Bool, scope, 0) : domain(scope);
  if (kind < 0.4)
    return binary(Kind::Bool, pick({"<", "<=", ">", ">=", "==", "!="}), integer(scope, depth - 1),
                  integer(scope, depth - 1));
  if (kind < 0.6)
    return binary(Kind::Bool, pick({"<", "<=", ">", ">="}), real(scope, depth - 1), real(scope, depth - 1));
  if (kind < 0.76)
    return binary(Kind::Bool, pick({"and", "or", "==", "!="}), boolean(scope, depth - 1),
                  boolean(scope, depth - 1));
  if (kind < 0.84)
    return unary(Kind::Bool, "not", boolean(scope, depth - 1));
  if (kind < 0.92)
    return call(Kind::Bool, "isabsent", chance(0.5) ? real(scope, depth - 1) : integer(scope, depth - 1));
  return reduction(Kind::Bool, scope, depth);
}

TermPtr Generator::term(Kind kind, const Scope &scope, int depth) {
  return kind == Kind::Real      ? real(scope, depth)
         : kind == Kind::Integer ? integer(scope, depth)
                                 : boolean(scope, depth);
}
