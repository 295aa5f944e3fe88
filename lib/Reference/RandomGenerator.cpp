//===- RandomGenerator.cpp - random declarations and equations ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/RandomGenerator.h"
#include "llvm/Support/raw_ostream.h"

using namespace weir::random_cascade;
using llvm::ArrayRef;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

void Generator::makeRanks() {
  bound = {"M", "N", "D", "T"};
  if (chance(0.4))
    bound.push_back("B");
  all = bound;
  auto declare = [&](const std::string &name, const std::string &value) {
    program.ranks.push_back({name, value});
    all.push_back(name);
  };
  declare("L", pick({"N", "N", "T"}));
  if (chance(0.3))
    declare("C", pick({"M + N", "2*N + 1", "(N + 3) / 4", "max(M, N)"}));
}

std::string Generator::typeFor(Kind kind, double typed) {
  if (kind == Kind::Bool)
    return "bool";
  if (kind == Kind::Integer)
    return pick({"i64", "i32", "i32", "i16", "i8", "u8", "u32", "i4"});
  return chance(typed) ? pick({"bf16", "f16", "f32", "f64", "f8e4m3", "f8e5m2"}) : "";
}

Scope Generator::someRanks(size_t least, size_t most, ArrayRef<std::string> without) {
  Scope from;
  for (const std::string &rank : bound)
    if (!llvm::is_contained(without, rank))
      from.push_back(rank);
  size_t count = random.integer(least, std::min(most, from.size()));
  Scope chosen;
  while (chosen.size() < count) {
    std::string rank = pick(from);
    if (!llvm::is_contained(chosen, rank))
      chosen.push_back(rank);
  }
  return chosen;
}

Tensor &Generator::addTensor(Kind kind, Scope ranks, std::string type) {
  return program.add("E" + std::to_string(names++), kind, std::move(ranks), std::move(type));
}

void Generator::makeInputs() {
  auto input = [&](const std::string &name, Kind kind, Scope ranks, std::string type) {
    program.add(name, kind, std::move(ranks), std::move(type)).input = true;
  };
  input("Q", Kind::Real, {"M", "D"}, typeFor(Kind::Real, 0.3));
  input("K", Kind::Real, {"N", "D"}, typeFor(Kind::Real, 0.3));
  input("X", Kind::Real, {"T", "D"}, typeFor(Kind::Real, 0.2));
  if (llvm::is_contained(bound, "B"))
    input("Y", Kind::Real, {"B", "M"}, typeFor(Kind::Real, 0.2));
  for (int64_t i = 0, e = random.integer(0, 2); i < e; ++i)
    input("A" + std::to_string(i), Kind::Real, someRanks(0, 3), typeFor(Kind::Real, 0.4));
  for (int64_t i = 0, e = random.integer(0, 2); i < e; ++i)
    input("P" + std::to_string(i), Kind::Integer, someRanks(1, 2), typeFor(Kind::Integer, 1));
  if (chance(0.5))
    input("G", Kind::Bool, someRanks(1, 2), "bool");
  if (chance(0.3))
    program.params.push_back("cap: f32 = 1.5");
  if (chance(0.3))
    program.params.push_back("win: i32 = 3");
}

/// Whatever no other equation reads, and a few others.
void Generator::chooseOutputs() {
  for (Tensor &tensor : program.tensors) {
    if (tensor.input)
      continue;
    std::string others;
    llvm::raw_string_ostream os(others);
    for (Equation &equation : program.equations)
      if (equation.tensor != tensor.name)
        for (TermPtr *term : equation.terms())
          (*term)->print(os);
    bool read = StringRef(others).contains(tensor.name + "[");
    bool last = tensor.name == program.equations.back().tensor;
    if (read && !last && !chance(0.25))
      continue;
    tensor.output = true;
    if (tensor.type.empty() && (tensor.kind != Kind::Real || chance(0.2)))
      tensor.type = typeFor(tensor.kind, 1);
  }
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

void Generator::addEquation(const Tensor &tensor, TermPtr value, TermPtr domain) {
  Equation &equation = program.equations.emplace_back();
  equation.tensor = tensor.name;
  equation.value = std::move(value);
  equation.domain = std::move(domain);
}

void Generator::plainEquation() {
  double which = random.uniform();
  Kind kind = which < 0.72 ? Kind::Real : which < 0.87 ? Kind::Integer : Kind::Bool;
  Scope ranks = chance(0.15) && all.size() > bound.size() ? Scope{pick(bound), all.back()} : someRanks(0, 3);
  if (ranks.size() == 2 && ranks[0] == ranks[1])
    ranks.pop_back();
  TermPtr value = term(kind, ranks, 3);
  TermPtr where =
      !ranks.empty() && chance(0.35) ? (chance(0.7) ? domain(ranks) : boolean(ranks, 1)) : nullptr;
  std::string type = kind == Kind::Bool || !chance(0.25) ? "" : typeFor(kind, 1);
  addEquation(addTensor(kind, ranks, type), std::move(value), std::move(where));
}

void Generator::disjointEquations() {
  Scope ranks = someRanks(1, 3);
  TermPtr where = domain(ranks);
  TermPtr first = real(ranks, 2), second = real(ranks, 2);
  const Tensor &tensor = addTensor(Kind::Real, ranks, chance(0.2) ? typeFor(Kind::Real, 1) : "");
  TermPtr other = unary(Kind::Bool, "not", where->clone());
  addEquation(tensor, std::move(first), std::move(where));
  addEquation(tensor, std::move(second), std::move(other));
}

void Generator::mapEquation() {
  Scope ranks = someRanks(1, 3);
  TermPtr predicate = chance(0.3) ? domain(ranks) : nullptr;
  TermPtr value = real(ranks, 2), where = chance(0.3) ? domain(ranks) : nullptr;
  addEquation(addTensor(Kind::Real, ranks), std::move(value), std::move(where));
  Equation &equation = program.equations.back();
  equation.map = pick({"softmax", "softmax", "softmax", "l2norm", "rmsnorm", "layernorm", "cumsum", "cumsum",
                       "cumprod", "cummax"});
  equation.along = coordinateOf(pick(ranks));
  equation.predicate = std::move(predicate);
}

/// J of the best n for every m, and a gather through them.
void Generator::selection() {
  if (!llvm::is_contained(all, "J")) {
    program.ranks.push_back({"J", pick({"3", "min(4, N)", "N", "2"})});
    all.push_back("J");
  }
  Scope outer = chance(0.8) ? Scope{"M"} : Scope{};
  Scope inner = outer;
  inner.push_back("N");
  TermPtr predicate = chance(0.4) ? domain(inner) : nullptr;
  TermPtr score = chance(0.3) ? nullptr : read(Kind::Real, inner, 0);
  if (!score) // also where no tensor has these ranks
    score = real(inner, 2);
  Scope ranks = outer;
  ranks.push_back("J");
  Tensor &list = addTensor(Kind::Integer, ranks);
  addEquation(list, std::move(score), nullptr);
  program.equations.back().map = chance(0.8) ? "argtopk" : "argsort";
  program.equations.back().along = "n";
  program.equations.back().predicate = std::move(predicate);
  std::string name = list.name;
  TermPtr at = plainRead(*program.find(name));
  Scope result = outer;
  result.push_back("D");
  std::vector<TermPtr> indices;
  indices.push_back(std::move(at));
  indices.push_back(coordinate("D"));
  TermPtr gathered = make(Term::Read, Kind::Real, "K", std::move(indices));
  Scope body = result;
  body.push_back("J");
  TermPtr value = reduce(Kind::Real, pick({"sum", "max", "mean"}), {"j"}, nullptr,
                         binary(Kind::Real, "*", std::move(gathered), real(body, 1)));
  addEquation(addTensor(Kind::Real, result), std::move(value), nullptr);
}

/// Two sources along one rank.
void Generator::concatenation() {
  program.ranks.push_back({"KV", "T + N"});
  all.push_back("KV");
  const Tensor &tensor = addTensor(Kind::Real, {"KV", "D"});
  TermPtr split = binary(Kind::Bool, "<", coordinate("KV"), atom(Kind::Integer, "T"));
  TermPtr rest = binary(Kind::Bool, ">=", coordinate("KV"), atom(Kind::Integer, "T"));
  TermPtr first = plainRead(*program.find("X"), "T", coordinate("KV"));
  TermPtr second = plainRead(*program.find("K"), "N",
                             binary(Kind::Integer, "-", coordinate("KV"), atom(Kind::Integer, "T")));
  addEquation(tensor, std::move(first), std::move(split));
  addEquation(tensor, std::move(second), std::move(rest));
}

/// Scores, their softmax by hand or by name, and the weighted sum.
void Generator::attention() {
  Scope ranks = {"M", "N"};
  TermPtr dot = reduce(Kind::Real, "sum", {"d"}, nullptr,
                       binary(Kind::Real, "*", plainRead(*program.find("Q")), plainRead(*program.find("K"))));
  TermPtr score = binary(
      Kind::Real, "/", std::move(dot),
      call(Kind::Real, "sqrt", binary(Kind::Real, "+", atom(Kind::Integer, "D"), atom(Kind::Real, "1.0"))));
  if (chance(0.3))
    score = binary(Kind::Real, "+", std::move(score), real(ranks, 1));
  std::string s = addTensor(Kind::Real, ranks, chance(0.2) ? "bf16" : "").name;
  addEquation(*program.find(s), std::move(score), chance(0.8) ? domain(ranks) : nullptr);
  std::string w = addTensor(Kind::Real, ranks).name;
  if (chance(0.4)) {
    addEquation(*program.find(w), plainRead(*program.find(s)), nullptr);
    program.equations.back().map = "softmax";
    program.equations.back().along = "n";
  } else {
    std::string x = addTensor(Kind::Real, {"M"}).name;
    addEquation(*program.find(x), reduce(Kind::Real, "max", {"n"}, nullptr, plainRead(*program.find(s))),
                nullptr);
    TermPtr shifted = binary(Kind::Real, "-", plainRead(*program.find(s)), plainRead(*program.find(x)));
    std::string p = addTensor(Kind::Real, ranks).name;
    addEquation(*program.find(p), call(Kind::Real, "exp", std::move(shifted)), nullptr);
    TermPtr total = reduce(Kind::Real, "sum", {"n"}, nullptr, plainRead(*program.find(p)));
    addEquation(*program.find(w), binary(Kind::Real, "/", plainRead(*program.find(p)), std::move(total)),
                nullptr);
    program.equations.back().value->args[1]->coords = {"l"};
    TermPtr &read = program.equations.back().value->args[1]->args[0];
    read->args[1] = coordinate("L");
  }
  TermPtr value = reduce(Kind::Real, "sum", {"n"}, nullptr,
                         binary(Kind::Real, "*", plainRead(*program.find(w)), plainRead(*program.find("K"))));
  addEquation(addTensor(Kind::Real, {"M", "D"}), std::move(value), nullptr);
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

/// S[t] = g * (S[t -+ c] else start) + e.
void Generator::linearRecurrence() {
  Scope ranks = {"T"};
  for (const std::string &rank : someRanks(0, 2, {"T"}))
    ranks.insert(ranks.begin() + random.integer(0, ranks.size()), rank);
  TermPtr gate = small(ranks, 1), input = real(ranks, 2),
          start = chance(0.5) ? atom(Kind::Real, "0.0") : real(Scope(1, "D"), 0);
  if (!llvm::is_contained(ranks, "D"))
    start = atom(Kind::Real, pick({"0.0", "1.0"}));
  const Tensor &state = addTensor(Kind::Real, ranks, chance(0.2) ? pick({"bf16", "f16", "f32"}) : "");
  TermPtr at = binary(Kind::Integer, chance(0.7) ? "-" : "+", coordinate("T"),
                      literal(random.integer(1, 4) == 4 ? 3 : 1));
  TermPtr before = binary(Kind::Real, "else", plainRead(state, "T", std::move(at)), std::move(start));
  TermPtr value =
      binary(Kind::Real, "+", binary(Kind::Real, "*", std::move(gate), std::move(before)), std::move(input));
  addEquation(state, std::move(value), nullptr);
}

/// The start has an equation of its own.
void Generator::startedRecurrence() {
  Scope ranks = {"T"};
  if (chance(0.6))
    ranks.push_back("D");
  TermPtr start = real(ranks, 1), gate = small(ranks, 1), input = real(ranks, 1);
  const Tensor &state = addTensor(Kind::Real, ranks);
  bool forward = chance(0.6);
  TermPtr edge = forward ? literal(0) : binary(Kind::Integer, "-", atom(Kind::Integer, "T"), literal(1));
  TermPtr at = binary(Kind::Integer, forward ? "-" : "+", coordinate("T"), literal(1));
  TermPtr value =
      binary(Kind::Real, "+", binary(Kind::Real, "*", plainRead(state, "T", std::move(at)), std::move(gate)),
             std::move(input));
  addEquation(state, std::move(start), binary(Kind::Bool, "==", coordinate("T"), edge->clone()));
  addEquation(state, std::move(value),
              binary(Kind::Bool, forward ? ">" : "<", coordinate("T"), std::move(edge)));
}

/// Y[t] = e - sum(u | u < t) A[t,u] * Y[u]: a triangular solve.
void Generator::prefixRecurrence() {
  program.ranks.push_back({"U", "T"});
  Scope ranks = {"T"};
  if (chance(0.6))
    ranks.push_back("D");
  TermPtr input = real(ranks, 1);
  Scope inner = ranks;
  inner.push_back("U");
  TermPtr weight = binary(Kind::Real, "*", atom(Kind::Real, "0.2"), small(inner, 1));
  const Tensor &state = addTensor(Kind::Real, ranks);
  TermPtr body = binary(Kind::Real, "*", std::move(weight), plainRead(state, "T", coordinate("U")));
  TermPtr predicate = binary(Kind::Bool, chance(0.7) ? "<" : ">", coordinate("U"), coordinate("T"));
  TermPtr sum = reduce(Kind::Real, chance(0.8) ? "sum" : "max", {"u"}, std::move(predicate), std::move(body));
  TermPtr before = binary(Kind::Real, "else", std::move(sum), atom(Kind::Real, "0.0"));
  addEquation(state, binary(Kind::Real, "-", std::move(input), std::move(before)), nullptr);
  all.push_back("U");
}

/// The delta rule: the state before t, what it says, the state after.
void Generator::deltaRecurrence() {
  std::string r = addTensor(Kind::Real, {"T", "D"}).name, u = addTensor(Kind::Real, {"T"}).name,
              s = addTensor(Kind::Real, {"T", "D"}).name;
  hidden = {r, u, s};
  TermPtr scale = small({"T", "D"}, 1), input = small({"T", "D"}, 1);
  hidden.clear();
  TermPtr at = binary(Kind::Integer, "-", coordinate("T"), literal(1));
  addEquation(
      *program.find(r),
      binary(Kind::Real, "else", plainRead(*program.find(s), "T", std::move(at)), atom(Kind::Real, "0.0")),
      nullptr);
  TermPtr said = binary(Kind::Real, "*",
                        binary(Kind::Real, "*", atom(Kind::Real, "0.3"),
                               call(Kind::Real, "tanh", plainRead(*program.find("X")))),
                        plainRead(*program.find(r)));
  addEquation(*program.find(u), reduce(Kind::Real, "sum", {"d"}, nullptr, std::move(said)), nullptr);
  TermPtr change = binary(Kind::Real, "*", std::move(scale),
                          binary(Kind::Real, "-", std::move(input), plainRead(*program.find(u))));
  addEquation(*program.find(s), binary(Kind::Real, "+", plainRead(*program.find(r)), std::move(change)),
              nullptr);
}

/// Strictly back in the order of (t, d).
void Generator::twoWayRecurrence() {
  TermPtr input = real({"T", "D"}, 1), gate = small({"T", "D"}, 0);
  const Tensor &state = addTensor(Kind::Real, {"T", "D"});
  TermPtr left = plainRead(state, "D", binary(Kind::Integer, "-", coordinate("D"), literal(1)));
  TermPtr above = plainRead(state, "T", binary(Kind::Integer, "-", coordinate("T"), literal(1)));
  if (chance(0.5))
    above->args[1] = binary(Kind::Integer, "-", atom(Kind::Integer, "D"), literal(1));
  TermPtr before = binary(Kind::Real, "else", binary(Kind::Real, "else", std::move(left), std::move(above)),
                          atom(Kind::Real, "0.5"));
  addEquation(
      state,
      binary(Kind::Real, "+", binary(Kind::Real, "*", std::move(gate), std::move(before)), std::move(input)),
      nullptr);
}

/// S[min(P[t], t-1)]: a tree of parents.
void Generator::parentRecurrence() {
  if (!program.find("PAR"))
    program.add("PAR", Kind::Integer, {"T"}, "i32").input = true;
  TermPtr input = real({"T", "D"}, 1), gate = small({"T", "D"}, 0);
  TermPtr at = call(Kind::Integer, "min", plainRead(*program.find("PAR")),
                    binary(Kind::Integer, "-", coordinate("T"), literal(1)));
  const Tensor &state = addTensor(Kind::Real, {"T", "D"});
  TermPtr before = binary(Kind::Real, "else", plainRead(state, "T", std::move(at)), atom(Kind::Real, "0.0"));
  addEquation(
      state,
      binary(Kind::Real, "+", binary(Kind::Real, "*", std::move(gate), std::move(before)), std::move(input)),
      nullptr);
}

void Generator::run() {
  makeRanks();
  makeInputs();
  for (int64_t i = 0, e = random.integer(1, 4); i < e; ++i) {
    switch (random.integer(0, 15)) {
    case 0:
      disjointEquations();
      break;
    case 1:
    case 2:
      mapEquation();
      break;
    case 3:
      selection();
      break;
    case 4:
    case 5:
      attention();
      break;
    case 6:
      linearRecurrence();
      break;
    case 7:
      startedRecurrence();
      break;
    case 8:
      if (!llvm::is_contained(all, "U"))
        prefixRecurrence();
      break;
    case 9:
      deltaRecurrence();
      break;
    case 10:
      chance(0.5) ? twoWayRecurrence() : parentRecurrence();
      break;
    case 11:
      if (!llvm::is_contained(all, "KV"))
        concatenation();
      break;
    default:
      plainEquation();
      break;
    }
  }
  if (program.equations.empty())
    plainEquation();
  chooseOutputs();
  program.prune();
}

std::unique_ptr<Program> weir::random_cascade::generate(uint64_t seed) {
  auto program = std::make_unique<Program>();
  Generator(seed, *program).run();
  return program;
}
