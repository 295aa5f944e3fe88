//===- RandomAttention.cpp - declarations, scores and masks ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/RandomAttention.h"
#include "lib/Reference/RandomGenerator.h"
#include "llvm/ADT/STLExtras.h"

using namespace weir::random_cascade;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

TermPtr AttentionGenerator::compare(const std::string &op, TermPtr a, TermPtr b) {
  return binary(Kind::Bool, op, std::move(a), std::move(b));
}

TermPtr AttentionGenerator::call(const std::string &fn, TermPtr a, TermPtr b) {
  Kind kind = a->kind;
  return random_cascade::call(kind, fn, std::move(a), std::move(b));
}

/// The key coordinate gets another name, in reductions over it too: they go over the same keys.
static void renameKey(Term &term, const std::string &key) {
  if (term.form == Term::Atom && term.text == "n")
    term.text = key;
  for (std::string &coordinate : term.coords)
    if (coordinate == "n")
      coordinate = key;
  for (TermPtr &arg : term.args)
    renameKey(*arg, key);
  if (term.predicate)
    renameKey(*term.predicate, key);
}

static TermPtr renamed(const Term &term, const std::string &key) {
  TermPtr copy = term.clone();
  renameKey(*copy, key);
  return copy;
}

static bool reducesKeys(const Term &term) {
  return (term.form == Term::Reduce && llvm::is_contained(term.coords, "n")) ||
         llvm::any_of(term.args, [](const TermPtr &arg) { return reducesKeys(*arg); });
}

/// What stands on the left is not reduced: inside such an equation another coordinate goes over the keys.
static void renameReductions(TermPtr &term) {
  if (term->form == Term::Reduce && llvm::is_contained(term->coords, "n") && term->text != "softmax") {
    renameKey(*term, "l");
    return;
  }
  for (TermPtr &arg : term->args)
    renameReductions(arg);
}

void AttentionGenerator::declareSecondKey() {
  if (llvm::none_of(program.ranks, [](const auto &r) { return r.first == "L"; }))
    program.ranks.push_back({"L", "N"});
}

/// A tensor at the coordinates of its ranks; key heads by the query's head, gathered keys by their table.
TermPtr AttentionGenerator::read(const std::string &name, const std::string &key) {
  const Tensor &tensor = *program.find(name);
  std::vector<TermPtr> indices;
  for (const std::string &rank : tensor.ranks) {
    if (rank == "G")
      indices.push_back(
          binary(Kind::Integer, "/", binary(Kind::Integer, "*", integer("h"), integer("G")), integer("H")));
    else
      indices.push_back(integer(rank == "N" ? key : coordinateOf(rank)));
    if (rank == "N" && gathered && (name == "K" || name == "V"))
      indices.back() = read("TABLE", key);
  }
  return make(Term::Read, tensor.kind, name, std::move(indices));
}

TermPtr AttentionGenerator::overKeys(Kind kind, const std::string &op, Shared body) {
  std::string key = llvm::is_contained({"sum", "max"}, op) && chance(0.02) ? "l" : "n";
  if (key == "l")
    declareSecondKey();
  TermPtr predicate = placement == Placement::Predicate ? renamed(*masked, key) : nullptr;
  return reduce(kind, op, {key}, std::move(predicate), body(key));
}

/// An equation of its own, or the term wherever it is read.
AttentionGenerator::Shared AttentionGenerator::share(const std::string &name, const Ranks &ranks,
                                                     TermPtr value, double defined, TermPtr domain) {
  if (domain || chance(defined)) {
    define(name, value->kind, ranks, std::move(value), std::move(domain));
    return [this, name](const std::string &key) { return read(name, key); };
  }
  std::shared_ptr<Term> held(value.release());
  return [held](const std::string &key) { return renamed(*held, key); };
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

std::string AttentionGenerator::realType(double typed) {
  return !chance(typed) ? "" : wide ? pick({"f32", "f64"}) : pick({"bf16", "f16", "f32"});
}

std::string AttentionGenerator::factorType() { return factors.empty() ? realType(0.3) : factors; }

void AttentionGenerator::input(const std::string &name, Kind kind, Ranks ranks, const std::string &type) {
  if (program.find(name))
    return;
  program.add(name, kind, std::move(ranks), type).input = true;
}

std::string AttentionGenerator::define(const std::string &name, Kind kind, const Ranks &ranks, TermPtr value,
                                       TermPtr domain) {
  if (llvm::is_contained(ranks, "N") && reducesKeys(*value)) {
    declareSecondKey();
    renameReductions(value);
  }
  program.add(name, kind, ranks);
  Equation &equation = program.equations.emplace_back();
  equation.tensor = name;
  equation.value = std::move(value);
  equation.domain = std::move(domain);
  return name;
}

void AttentionGenerator::output(const std::string &name, Kind kind, const Ranks &ranks, TermPtr value,
                                const std::string &type) {
  define(name, kind, ranks, std::move(value));
  Tensor &tensor = program.tensors.back();
  tensor.output = true;
  tensor.type = type.empty() ? realType(0.15) : type;
}

AttentionGenerator::Ranks AttentionGenerator::rows(Ranks more) const {
  Ranks ranks = lead;
  ranks.push_back("M");
  llvm::append_range(ranks, more);
  return ranks;
}

AttentionGenerator::Ranks AttentionGenerator::keys(Ranks more) const {
  Ranks ranks = keyLead;
  ranks.push_back("N");
  llvm::append_range(ranks, more);
  return ranks;
}

void AttentionGenerator::makeConstantRank(const std::string &rank, double constant) {
  if (chance(constant))
    program.ranks.push_back({rank, pick({"1", "2", "3", "4", "5", "7", "8", "8", "12", "16", "17"})});
}

void AttentionGenerator::makeRanks() {
  double leading = random.uniform();
  if (leading < 0.4)
    lead = keyLead = {};
  else if (leading < 0.55)
    lead = keyLead = {"B"};
  else if (leading < 0.7)
    lead = keyLead = {"H"};
  else if (leading < 0.8)
    lead = keyLead = {"B", "H"};
  else {
    lead = {"H"};
    keyLead = {"G"};
    program.givens.push_back("H % G == 0 and G > 0");
  }
  double constant = chance(0.9) ? 1 : 0.5;
  bool isGiven = !factors.empty();
  if (isGiven || chance(0.2)) {
    if (!isGiven)
      factors = pick({"bf16", "bf16", "f16"});
    for (const char *rank : {"D", "F", "E"})
      program.ranks.push_back({rank, factors == "f32" ? pick({"8", "16", "24", "32", "40", "64"})
                                                      : pick({"16", "32", "32", "48", "64", "64"})});
  } else {
    makeConstantRank("D", constant);
    makeConstantRank("F", constant);
    makeConstantRank("E", constant);
  }
  if (llvm::none_of(program.ranks, [](const auto &r) { return r.first == "D"; }))
    program.givens.push_back("D > 0"); // the presence of a product takes it for granted
  wide = factors.empty() && chance(0.12);
  program.dtype = wide ? "f64" : "f32";
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// sum(d) Q[m,d] * K[n,d], of which `suffix` says which one.
TermPtr AttentionGenerator::product(const std::string &suffix) {
  std::string q = "Q" + suffix, k = "K" + suffix;
  Ranks queries = rows({"D"});
  input(q, Kind::Real, queries, factorType());
  input(k, Kind::Real, keys({"D"}), factorType());
  if (chance(0.07)) {
    input("WQ", Kind::Real, {"D"}, realType(0.2));
    q = define("QN" + suffix, Kind::Real, queries, mul(read(q), read("WQ")));
  }
  if (chance(0.05) && keyLead == lead) {
    input("WK", Kind::Real, {"D"}, realType(0.2));
    k = define("KN" + suffix, Kind::Real, keys({"D"}), mul(read(k), read("WK")));
  }
  TermPtr a = read(q), b = read(k);
  if (chance(0.03))
    return make(Term::Unary, Kind::Real, "-", [&] {
      std::vector<TermPtr> args;
      args.push_back(reduce(Kind::Real, "sum", {"d"}, nullptr,
                            binary(Kind::Real, "^", sub(std::move(a), std::move(b)), integer("2"))));
      return args;
    }());
  if (chance(0.3))
    std::swap(a, b);
  TermPtr body = mul(std::move(a), std::move(b));
  if (chance(0.4))
    return reduce(Kind::Real, "sum", {"d"}, nullptr, scaled(std::move(body)));
  return scaled(reduce(Kind::Real, "sum", {"d"}, nullptr, std::move(body)));
}

TermPtr AttentionGenerator::scaled(TermPtr value) {
  switch (random.integer(0, 7)) {
  case 0:
  case 1:
  case 2:
    return div(std::move(value), call("sqrt", realAtom("D")));
  case 3:
    return mul(realAtom("0.3"), std::move(value));
  case 4:
    if (!llvm::is_contained(program.params, "scale: f32 = 0.4"))
      program.params.push_back("scale: f32 = 0.4");
    return mul(std::move(value), realAtom("scale"));
  case 5:
    return div(std::move(value), realAtom("3.0"));
  default:
    return value;
  }
}

/// Biases, of data and of coordinates, and a soft cap.
TermPtr AttentionGenerator::added(TermPtr value, const std::string &suffix) {
  auto distance = [&] {
    TermPtr shift = binary(Kind::Integer, "-", integer("N"), integer("M"));
    TermPtr row = chance(0.5) ? integer("m") : binary(Kind::Integer, "+", integer("m"), std::move(shift));
    return binary(Kind::Integer, "-", std::move(row), integer("n"));
  };
  for (int i = chance(0.4) ? random.integer(1, 2) : 0; i > 0; --i)
    switch (random.integer(0, 8)) {
    case 7: { // a table of distances
      input("FAR", Kind::Real, {"W"}, realType(0.3));
      std::vector<TermPtr> index;
      index.push_back(call("abs", distance()));
      value = add(std::move(value), make(Term::Read, Kind::Real, "FAR", std::move(index)));
      break;
    }
    case 8: { // and one of keys for them
      input("REL", Kind::Real, {"W", "D"}, realType(0.3));
      std::vector<TermPtr> indices;
      indices.push_back(chance(0.5) ? distance() : call("abs", distance()));
      indices.push_back(integer("d"));
      TermPtr table = make(Term::Read, Kind::Real, "REL", std::move(indices));
      value = add(std::move(value), reduce(Kind::Real, "sum", {"d"}, nullptr, mul(read("Q" + suffix), std::move(table))));
      break;
    }
    case 0: {
      Ranks ranks = chance(0.5) ? Ranks{} : lead;
      llvm::append_range(ranks, Ranks{"M", "N"});
      input("BIAS" + suffix, Kind::Real, ranks, realType(0.3));
      value = add(std::move(value), read("BIAS" + suffix));
      break;
    }
    case 1:
      input("KB", Kind::Real, {"N"}, realType(0.3));
      value = add(std::move(value), read("KB"));
      break;
    case 2:
      input("QB", Kind::Real, rows(), realType(0.3));
      value = sub(std::move(value), read("QB"));
      break;
    case 3:
      if (!lead.empty()) {
        input("SLOPE", Kind::Real, {lead.back()});
        value = sub(std::move(value), mul(read("SLOPE"), distance()));
        break;
      }
      [[fallthrough]];
    case 4:
      value = sub(std::move(value), mul(realAtom("0.05"), call("abs", distance())));
      break;
    case 5:
      value = add(realAtom(pick({"0.5", "(-1.5)"})), std::move(value));
      break;
    default:
      value = add(std::move(value), mul(realAtom("0.125"), distance()));
    }
  if (!chance(0.12))
    return value;
  std::string cap = chance(0.5) ? "2.5" : "cap";
  if (cap == "cap" && !llvm::is_contained(program.params, "cap: f32 = 1.5"))
    program.params.push_back("cap: f32 = 1.5");
  return mul(realAtom(cap), call("tanh", div(std::move(value), realAtom(cap))));
}

AttentionGenerator::Shared AttentionGenerator::score(const std::string &suffix) {
  TermPtr value = product(suffix);
  if (chance(0.04))
    value = add(std::move(value), product(suffix + "X"));
  Ranks ranks = rows({"N"});
  if (chance(0.25)) {
    std::string name = define("T" + suffix, Kind::Real, ranks, std::move(value));
    value = read(name);
  }
  value = added(std::move(value), suffix);
  if (placement == Placement::Infinity)
    value = choose(Kind::Real, masked->clone(), std::move(value), realAtom("(-inf)"));
  if (placement == Placement::Finite)
    value = choose(Kind::Real, masked->clone(), std::move(value), realAtom("(-1e9)"));
  TermPtr domain = placement == Placement::Domain ? masked->clone() : nullptr;
  return share("S" + suffix, ranks, std::move(value), 0.8, std::move(domain));
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

TermPtr AttentionGenerator::affineMask() {
  auto m = [&] { return integer("m"); };
  auto n = [&] { return integer("n"); };
  auto minus = [&](TermPtr a, TermPtr b) { return binary(Kind::Integer, "-", std::move(a), std::move(b)); };
  auto plus = [&](TermPtr a, TermPtr b) { return binary(Kind::Integer, "+", std::move(a), std::move(b)); };
  switch (random.integer(0, 11)) {
  case 10: { // rows and keys of equal remainders, which a mask beside it may bound
    std::string by = number(2, 6);
    auto remainder = [&](TermPtr v) { return call("mod", std::move(v), integer(by)); };
    if (chance(0.3))
      return compare("==", remainder(n()), remainder(m()));
    TermPtr row = chance(0.5) ? m() : plus(m(), minus(integer("N"), integer("M")));
    TermPtr key = chance(0.7) ? n() : binary(Kind::Integer, "*", integer(number(2, 5)), n());
    return compare("==", remainder(chance(0.8) ? minus(std::move(row), std::move(key)) : plus(std::move(key), std::move(row))),
                   integer(number(0, 2)));
  }
  case 11: { // a dilated window
    std::string by = number(2, 5);
    auto back = [&] { return minus(m(), n()); };
    TermPtr near = compare("<", call("abs", back()), integer(number(5, 60)));
    return binary(Kind::Bool, "and", std::move(near),
                  compare("==", call("mod", back(), integer(by)), integer("0")));
  }
  case 0:
  case 1:
    return compare("<=", n(), m());
  case 2:
  case 3:
    return compare("<=", n(), plus(m(), minus(integer("N"), integer("M"))));
  case 4:
    return compare("<", call("abs", minus(m(), n())), integer(number(1, 40)));
  case 5:
    return binary(Kind::Bool, "and", compare("<=", n(), m()),
                  compare("<", minus(m(), n()), integer(number(1, 20))));
  case 6:
    return binary(Kind::Bool, "or", compare("<=", n(), m()), compare("<", n(), integer(number(1, 9))));
  case 7: {
    std::string block = number(2, 20);
    return compare(pick({"==", "<="}), call("floordiv", n(), integer(block)),
                   call("floordiv", m(), integer(block)));
  }
  case 8:
    return compare(pick({"==", "!="}), call("mod", n(), integer(number(2, 4))), integer(number(0, 1)));
  default:
    return chance(0.5) ? compare(">=", n(), integer(number(1, 9)))
                       : compare("<", n(), minus(integer("N"), integer(number(1, 9))));
  }
}

TermPtr AttentionGenerator::dataMask() {
  Ranks outer = lead.empty() || chance(0.3) ? Ranks{} : Ranks{lead.front()};
  auto with = [&](Ranks more) {
    Ranks ranks = outer;
    llvm::append_range(ranks, more);
    return ranks;
  };
  switch (random.integer(0, 6)) {
  case 6: { // blocks, of which some may lie outside
    input("ON", Kind::Bool, with({"P", "R"}), "bool");
    std::string rows = pick({"8", "20", "64"}), keys = pick({"8", "32", "64", "25"});
    TermPtr flag = read("ON");
    std::vector<TermPtr> &indices = flag->args;
    indices.end()[-2] = call("floordiv", integer("m"), integer(rows));
    indices.back() = call("floordiv", integer("n"), integer(keys));
    return flag;
  }
  case 0:
  case 1:
    input("LEN", Kind::Integer, outer, pick({"i32", "i64"}));
    return compare("<", integer("n"), read("LEN"));
  case 2:
    input("KEEP", Kind::Bool, with({"N"}), "bool");
    return read("KEEP");
  case 3:
    input("SEEN", Kind::Bool, with({"M", "N"}), "bool");
    return read("SEEN");
  case 4:
    input("DM", Kind::Integer, with({"M"}), "i32");
    input("DN", Kind::Integer, with({"N"}), "i32");
    return compare(pick({"==", "==", "<="}), read("DN"), read("DM"));
  default:
    input("START", Kind::Integer, with({"M"}), "i32");
    return compare(">=", integer("n"), read("START"));
  }
}

TermPtr AttentionGenerator::mask() {
  TermPtr first = chance(0.65) ? affineMask() : dataMask();
  if (chance(0.7))
    return first;
  TermPtr second = chance(0.5) ? affineMask() : dataMask();
  return binary(Kind::Bool, chance(0.7) ? "and" : "or", std::move(first), std::move(second));
}
