//===- RandomPredicates.cpp - random masks and what they mean -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RandomPredicates.h"

using namespace weir;
using namespace weir::random_cascade;
using llvm::StringRef;

TermPtr PredicateGenerator::integer(int depth) {
  side = isPlane && random.chance(0.5);
  if (depth <= 0 || random.chance(0.25))
    switch (random.integer(0, 9)) {
    case 0:
      return number(0, 40);
    case 1:
      return sub(name("N"), name("M"));
    case 2:
      return name(random.chance(0.5) ? "M" : "N");
    case 3:
      return name("h");
    default:
      return name(random.chance(0.5) ? "m" : "n");
    }
  auto inner = [&] { return integer(depth - 1); };
  switch (random.integer(0, 11)) {
  case 0:
  case 1:
    return add(inner(), inner());
  case 2:
  case 3:
    return sub(inner(), inner());
  case 4:
    return unary(Kind::Integer, "-", inner());
  case 5:
    return binary(Kind::Integer, "*", number(-3, 4), inner());
  case 6:
  case 7:
    return call("floordiv", inner(), number(1, 17));
  case 8:
    return call("mod", inner(), number(1, 17));
  case 9:
    return call(random.chance(0.5) ? "min" : "max", inner(), inner());
  case 10:
    return call(random.chance(0.5) ? "abs" : "sign", inner());
  default:
    return choose(Kind::Integer, compare("<=", inner(), inner()), inner(), inner());
  }
}

/// What masks are made of.
TermPtr PredicateGenerator::shape() {
  side = isPlane && random.chance(0.5);
  auto m = [&] { return name("m"); };
  auto n = [&] { return name("n"); };
  switch (random.integer(0, 6)) {
  case 0:
    return compare("<=", n(), random.chance(0.5) ? m() : add(m(), sub(name("N"), name("M"))));
  case 1:
    return compare("<", random.chance(0.5) ? sub(m(), n()) : call("abs", sub(m(), n())),
                   random.chance(0.7) ? number(1, 30) : add(number(1, 9), name("h")));
  case 2:
    return compare("==", call("mod", sub(m(), n()), number(2, 5)), number(0, 1));
  case 3: {
    std::string block = std::to_string(random.integer(2, 20));
    auto blockOf = [&](TermPtr x) { return call("floordiv", std::move(x), atom(Kind::Integer, block)); };
    if (random.chance(0.5))
      return compare(random.chance(0.7) ? "==" : ">=", blockOf(m()), blockOf(n()));
    return compare("<=", call("abs", sub(blockOf(m()), blockOf(n()))), number(0, 2));
  }
  case 4: {
    std::string width = std::to_string(random.integer(3, 9)), reach = std::to_string(random.integer(0, 2));
    auto near = [&](const char *fn) {
      auto part = [&](TermPtr x) { return call(fn, std::move(x), atom(Kind::Integer, width)); };
      return compare("<=", call("abs", sub(part(m()), part(n()))), atom(Kind::Integer, reach));
    };
    return both(near("floordiv"), near("mod"));
  }
  case 5: {
    std::string window = std::to_string(random.integer(1, 20));
    auto first = [&] {
      return call("max", call("min", sub(m(), number(0, 9)), sub(name("N"), atom(Kind::Integer, window))),
                  atom(Kind::Integer, "0"));
    };
    return both(compare("<=", first(), n()), compare("<", n(), add(first(), atom(Kind::Integer, window))));
  }
  default:
    return compare(random.chance(0.5) ? "<" : ">=", n(), number(0, 20));
  }
}

TermPtr PredicateGenerator::data() {
  side = isPlane && random.chance(0.5);
  switch (random.integer(0, isPlane ? 2 : 9)) {
  case 0:
    return compare("<", name("n"), read("LEN", {"h"}));
  case 1:
    return compare("<", sub(name("m"), name("n")), read("WIDTH", {"h"}));
  case 2: {
    auto blockOf = [&](const char *x) { return call("floordiv", name(x), number(1, 16)); };
    std::vector<TermPtr> indices;
    indices.push_back(name("h"));
    indices.push_back(blockOf("m"));
    indices.push_back(blockOf("n"));
    return readAt("BLOCKS", std::move(indices), Kind::Bool);
  }
  case 3:
    return compare("<=", name("n"), read("ROW", {"m"}));
  case 4:
    return compare("==", read("DM", {"m"}), read("DN", {"n"}));
  case 5:
    return compare(random.chance(0.5) ? "==" : "<=", read("SM", {"m"}), read("SN", {"n"}));
  case 6:
    return read("KEEP", {"m", "n"}, Kind::Bool);
  case 7: {
    TermPtr next = readAt("FIRST", one(add(name("h"), number(1, 1))));
    return both(compare("<=", read("FIRST", {"h"}), name("n")), compare("<", name("n"), std::move(next)));
  }
  case 8:
    return compare(random.chance(0.5) ? "<=" : ">", readAt("FIRST", one(read("DM", {"m"}))), name("n"));
  default:
    return compare("<", read("DM", {"m"}), integer(1));
  }
}

TermPtr PredicateGenerator::predicate(int depth) {
  double kind = random.uniform();
  if (depth <= 0 || kind < 0.35) {
    if (random.chance(0.15))
      return data();
    if (random.chance(0.6))
      return shape();
    const StringRef ops[] = {"==", "!=", "<", "<=", ">", ">="};
    return compare(random.pick<StringRef>(ops), integer(3), integer(2));
  }
  if (kind < 0.5)
    return unary(Kind::Bool, "not", predicate(depth - 1));
  return binary(Kind::Bool, kind < 0.78 ? "and" : "or", predicate(depth - 1), predicate(depth - 1));
}

//===----------------------------------------------------------------------===//
// Their meaning, score by score
//===----------------------------------------------------------------------===//

static int64_t floorOf(int64_t a, int64_t b) {
  int64_t q = 0; // counted down or up: nothing is shared with what is tested but the definition
  for (; (q + 1) * b <= a; ++q)
    ;
  for (; q * b > a; --q)
    ;
  return q;
}

int64_t Setting::atomOf(StringRef text) const {
  int64_t number;
  if (!text.getAsInteger(10, number))
    return number;
  for (const auto *axes : {&rows, &keys})
    for (const Axis &axis : *axes)
      if (text[0] == axis.coordinate || text[0] == axis.rank)
        return text[0] == axis.coordinate ? axis.value : axis.extent;
  return text == "h" ? head.value : head.extent;
}

int64_t Setting::callOf(StringRef fn, int64_t a, int64_t b) const {
  if (fn == "floordiv")
    return floorOf(a, b);
  if (fn == "mod")
    return a - b * floorOf(a, b);
  if (fn == "abs")
    return a < 0 ? -a : a;
  if (fn == "sign")
    return (a > 0) - (a < 0);
  return (fn == "min") == (a < b) ? a : b;
}

/// An entry, which is absent where an index is, or outside.
std::optional<int64_t> Setting::entryOf(const Term &read) const {
  const Data &own = data.at(read.text);
  int64_t place = 0;
  for (auto [index, extent] : llvm::zip_equal(read.args, own.shape)) {
    auto value = valueOf(*index);
    if (!value || *value < 0 || *value >= extent)
      return std::nullopt;
    place = place * extent + *value;
  }
  return own.values[place];
}

/// One present operand may decide what two say; what is absent does not hold.
std::optional<int64_t> Setting::logicOf(const Term &term) const {
  if (term.text == "not")
    return !holds(*term.args[0]);
  auto a = valueOf(*term.args[0]), b = valueOf(*term.args[1]);
  bool decides = term.text == "or";
  if ((a && (*a != 0) == decides) || (b && (*b != 0) == decides))
    return decides;
  return a && b ? std::optional<int64_t>(!decides) : std::nullopt;
}

std::optional<int64_t> Setting::valueOf(const Term &term) const {
  StringRef op = term.text;
  if (term.form == Term::Atom)
    return atomOf(op);
  if (term.form == Term::Read)
    return entryOf(term);
  if (term.form == Term::Select)
    return valueOf(*term.args[holds(*term.args[0]) ? 1 : 2]);
  if (op == "and" || op == "or" || op == "not")
    return logicOf(term);
  std::optional<int64_t> first = valueOf(*term.args[0]), second = 0;
  if (term.args.size() > 1 && term.args[1])
    second = valueOf(*term.args[1]);
  if (!first || !second)
    return std::nullopt;
  int64_t a = *first, b = *second;
  if (term.form == Term::Call)
    return callOf(op, a, b);
  if (term.form == Term::Unary)
    return -a;
  return op == "+"    ? a + b
         : op == "-"  ? a - b
         : op == "*"  ? a * b
         : op == "==" ? a == b
         : op == "!=" ? a != b
         : op == "<"  ? a < b
         : op == "<=" ? a <= b
         : op == ">"  ? a > b
                      : a >= b;
}
