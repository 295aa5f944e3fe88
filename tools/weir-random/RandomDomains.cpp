//===- RandomDomains.cpp - random masks: tiles and counts by brute force --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RandomDomains.h"
#include "lib/Reference/Random.h"
#include "lib/Reference/RandomProgram.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Analysis/Domains.h"
#include "weir/Analysis/Tiles.h"
#include "weir/Frontend/Frontend.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace weir;
using namespace weir::random_cascade;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

namespace {
class Generator {
public:
  explicit Generator(reference::Random &random) : random(random) {}
  TermPtr predicate(int depth);
  bool readsData = false;

private:
  TermPtr integer(int depth);
  TermPtr shape();
  TermPtr data();
  TermPtr number(int64_t low, int64_t high) {
    return atom(Kind::Integer, std::to_string(random.integer(low, high)));
  }
  TermPtr name(StringRef text) { return atom(Kind::Integer, text.str()); }
  TermPtr add(TermPtr a, TermPtr b) { return binary(Kind::Integer, "+", std::move(a), std::move(b)); }
  TermPtr sub(TermPtr a, TermPtr b) { return binary(Kind::Integer, "-", std::move(a), std::move(b)); }
  TermPtr call(const char *fn, TermPtr a, TermPtr b = nullptr) {
    return random_cascade::call(Kind::Integer, fn, std::move(a), std::move(b));
  }
  TermPtr compare(StringRef op, TermPtr a, TermPtr b) {
    return binary(Kind::Bool, op.str(), std::move(a), std::move(b));
  }
  TermPtr both(TermPtr a, TermPtr b) { return binary(Kind::Bool, "and", std::move(a), std::move(b)); }
  TermPtr read(const char *tensor, std::vector<StringRef> at, Kind kind = Kind::Integer) {
    std::vector<TermPtr> indices;
    for (StringRef index : at)
      indices.push_back(name(index));
    readsData = true;
    return make(Term::Read, kind, tensor, std::move(indices));
  }

  reference::Random &random;
};
} // namespace

TermPtr Generator::integer(int depth) {
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
    return call("abs", inner());
  default:
    return choose(Kind::Integer, compare("<=", inner(), inner()), inner(), inner());
  }
}

/// What masks are made of.
TermPtr Generator::shape() {
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

TermPtr Generator::data() {
  switch (random.integer(0, 5)) {
  case 0:
    return compare("<", name("n"), read("LEN", {"h"}));
  case 1:
    return compare("<=", name("n"), read("ROW", {"m"}));
  case 2:
    return compare("==", read("DM", {"m"}), read("DN", {"n"}));
  case 3:
    return read("KEEP", {"m", "n"}, Kind::Bool);
  case 4:
    return compare("<", sub(name("m"), name("n")), read("WIDTH", {"h"}));
  default:
    return compare("<", read("DM", {"m"}), integer(1));
  }
}

TermPtr Generator::predicate(int depth) {
  double kind = random.uniform();
  if (depth <= 0 || kind < 0.35) {
    if (random.chance(0.12))
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

namespace {
/// Lengths, data, and one score.
struct Setting {
  int64_t M, N, H;
  std::map<std::string, std::vector<int64_t>> data;
  int64_t m = 0, n = 0, h = 0;

  int64_t valueOf(const Term &term) const;

private:
  int64_t atomOf(StringRef text) const;
  int64_t callOf(StringRef fn, int64_t a, int64_t b) const;
};
} // namespace

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
  return text == "m" ? m : text == "n" ? n : text == "h" ? h : text == "M" ? M : text == "N" ? N : H;
}

int64_t Setting::callOf(StringRef fn, int64_t a, int64_t b) const {
  if (fn == "floordiv")
    return floorOf(a, b);
  if (fn == "mod")
    return a - b * floorOf(a, b);
  if (fn == "abs")
    return a < 0 ? -a : a;
  return (fn == "min") == (a < b) ? a : b;
}

int64_t Setting::valueOf(const Term &term) const {
  auto arg = [&](unsigned k) { return valueOf(*term.args[k]); };
  switch (term.form) {
  case Term::Atom:
    return atomOf(term.text);
  case Term::Read: {
    int64_t at = arg(0);
    return data.at(term.text)[term.args.size() > 1 ? at * N + arg(1) : at];
  }
  case Term::Call:
    return callOf(term.text, arg(0), term.args.size() > 1 && term.args[1] ? arg(1) : 0);
  case Term::Unary:
    return term.text == "not" ? !arg(0) : -arg(0);
  case Term::Select:
    return arg(arg(0) ? 1 : 2);
  default:
    break;
  }
  StringRef op = term.text;
  if (op == "and" || op == "or")
    return op == "and" ? arg(0) && arg(1) : arg(0) || arg(1);
  int64_t a = arg(0), b = arg(1);
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

//===----------------------------------------------------------------------===//
// One predicate
//===----------------------------------------------------------------------===//

namespace {
struct Totals {
  uint64_t predicates = 0, reading = 0, trivial = 0, notInTiles = 0, counts = 0;
  uint64_t full = 0, partial = 0, empty = 0, lessThanFull = 0, lessThanEmpty = 0;
};

class Trial {
public:
  Trial(uint64_t seed, Totals &totals) : random(seed), totals(totals) {}
  /// What is wrong; empty: nothing.
  std::string run(mlir::MLIRContext &context);
  std::string text;

private:
  void draw();
  std::string checkDomain(mlir::func::FuncOp cascade);
  std::string checkTiles(mlir::func::FuncOp streamed);
  std::string checkBlock(const TileClasses &tiles, int64_t h, int64_t block, TileClasses::Counts &sum);
  int64_t scoresIn(int64_t h, int64_t m0, int64_t m1, int64_t n0, int64_t n1) const;
  std::string at(const Twine &what) const;

  reference::Random random;
  Totals &totals;
  Setting setting;
  llvm::StringMap<int64_t> extents;
  int64_t tileM = 1, tileN = 1, present = 0;
  std::vector<char> inside; ///< [h, m, n]
  bool readsData = false;
};
} // namespace

std::string Trial::at(const Twine &what) const {
  return (what + " at H=" + Twine(setting.H) + " M=" + Twine(setting.M) + " N=" + Twine(setting.N) +
          ", tiles of " + Twine(tileM) + " by " + Twine(tileN))
      .str();
}

void Trial::draw() {
  auto length = [&] { return random.chance(0.05) ? random.integer(0, 2) : random.integer(3, 70); };
  setting.M = length();
  setting.N = random.chance(0.4) ? setting.M : length();
  setting.H = random.integer(1, 3);
  extents["H"] = setting.H;
  extents["M"] = setting.M;
  extents["N"] = setting.N;
  extents["D"] = extents["F"] = 4;
  tileM = random.integer(1, 16);
  tileN = random.integer(1, 16);
  auto fill = [&](const char *name, int64_t size, int64_t high) {
    for (int64_t i = 0; i < size; ++i)
      setting.data[name].push_back(random.integer(high == 1 ? 0 : -2, high));
  };
  fill("LEN", setting.H, setting.N + 3);
  fill("WIDTH", setting.H, 20);
  fill("ROW", setting.M, setting.N);
  fill("DM", setting.M, 3);
  fill("DN", setting.N, 3);
  fill("KEEP", setting.M * setting.N, 1);
}

int64_t Trial::scoresIn(int64_t h, int64_t m0, int64_t m1, int64_t n0, int64_t n1) const {
  int64_t found = 0;
  for (int64_t m = m0; m < m1; ++m)
    for (int64_t n = n0; n < n1; ++n)
      found += inside[(h * setting.M + m) * setting.N + n];
  return found;
}

std::string Trial::checkDomain(mlir::func::FuncOp cascade) {
  CascadeModel model(cascade);
  Domains domains(model);
  Domains::Count count = domains.count("S", extents);
  if (!readsData && !count.present)
    return at("the scores of " + domains.text("S") + " have no count");
  if (count.present && *count.present != present)
    return at("counted " + Twine(*count.present) + " scores, there are " + Twine(present));
  totals.counts += count.present.has_value();
  // Each way of counting rows, where it can be.
  const Tree *domain = domains.formulas.assumeInhabited(domains.domainOf("S"));
  for (auto method : {Points::Method::Rows, Points::Method::Residues}) {
    Points::Coordinate coordinates[] = {{"h", setting.H}, {"m", setting.M}, {"n", setting.N}};
    auto points = Points::of(domain, coordinates, model, extents);
    uint64_t budget = 1u << 28;
    auto own = points ? points->count(budget, method) : std::nullopt;
    if (points && (!own || *own != present))
      return at("counted " + Twine(own.value_or(-1)) + " scores " +
                (method == Points::Method::Rows ? "row by row" : "by residues") + ", there are " +
                Twine(present));
  }
  return "";
}

/// One block of rows: no score outside its runs, all scores in full ones; the keys of its first row.
std::string Trial::checkBlock(const TileClasses &tiles, int64_t h, int64_t block, TileClasses::Counts &sum) {
  uint64_t budget = 1u << 28;
  auto found = tiles.blockAt({h, block}, budget);
  if (!found)
    return at("no runs of a block of rows");
  int64_t m0 = block * tileM, m1 = std::min(m0 + tileM, setting.M), covered = 0;
  std::string where = (" in rows " + Twine(m0) + " to " + Twine(m1) + " of head " + Twine(h)).str();
  for (TileClasses::Run run : found->runs) {
    run.begin += found->box[0].low;
    run.end += found->box[0].low;
    if (run.begin < covered || run.end > setting.N || run.end <= run.begin)
      return at("keys " + Twine(run.begin) + " to " + Twine(run.end) + " are no run" + where);
    if (scoresIn(h, m0, m1, covered, run.begin))
      return at("a score is missed between keys " + Twine(covered) + " and " + Twine(run.begin) + where);
    for (int64_t n0 = run.begin; n0 < run.end; n0 += tileN) {
      int64_t n1 = std::min(n0 + tileN, run.end), all = (m1 - m0) * (n1 - n0),
              found = scoresIn(h, m0, m1, n0, n1);
      if (run.full && found != all)
        return at("not all scores of a full tile are inside the mask, at key " + Twine(n0) + where);
      ++(run.full ? sum.full : sum.partial);
      totals.lessThanFull += !run.full && found == all;
      totals.lessThanEmpty += !run.full && !found;
    }
    covered = run.end;
  }
  if (scoresIn(h, m0, m1, covered, setting.N))
    return at("a score is missed from key " + Twine(covered) + " on" + where);
  auto keys = tiles.keysAt({h, m0}, budget);
  if (keys.has_value() == readsData && (!readsData || tiles.readsData))
    return at("the keys of a row are" + Twine(keys ? "" : " not") + " known" + where);
  std::vector<char> own(setting.N);
  for (Points::Span span : keys.value_or(Points::Spans()))
    for (int64_t n = span.low; n < span.high; ++n)
      own[n] = 1;
  for (int64_t n = 0; keys && n < setting.N; ++n)
    if (own[n] != inside[(h * setting.M + m0) * setting.N + n])
      return at("key " + Twine(n) + " is taken wrongly" + where);
  return "";
}

std::string Trial::checkTiles(mlir::func::FuncOp streamed) {
  Extents classes(streamed);
  Dependence dependence;
  Presences presences(classes);
  std::optional<StreamTiles> plan;
  streamed.walk([&](attn::StreamOp stream) {
    if (stream.getRank() == "N" && !plan)
      plan = StreamTiles::of(stream, classes, dependence, presences);
  });
  if (!plan) {
    ++totals.notInTiles;
    return "";
  }
  CascadeModel model(streamed);
  auto rows = mlir::StringAttr::get(streamed.getContext(), plan->nameOfRow());
  auto sizes = mapping::TilesAttr::get(streamed.getContext(), rows, tileM, tileN, 0);
  auto tiles = TileClasses::of(*plan, sizes, classes, presences, model, extents);
  if (!tiles)
    return at("the tiles have no classes");
  TileClasses::Counts sum{0, 0, 0};
  for (int64_t h = 0; h < setting.H; ++h)
    for (int64_t block = 0; block * tileM < setting.M; ++block)
      if (std::string wrong = checkBlock(*tiles, h, block, sum); !wrong.empty())
        return wrong;
  int64_t all = setting.H * llvm::divideCeil(setting.M, tileM) * llvm::divideCeil(setting.N, tileN);
  sum.empty = all - sum.full - sum.partial;
  uint64_t budget = 1u << 28;
  auto counts = tiles->count(budget);
  if (!counts || counts->full != sum.full || counts->partial != sum.partial || counts->empty != sum.empty)
    return at("the tiles are counted otherwise than they are listed");
  auto scores = tiles->countInside(budget);
  if (scores ? *scores != present : !readsData)
    return at("counted " + Twine(scores.value_or(-1)) + " scores of tiles, there are " + Twine(present));
  totals.full += sum.full;
  totals.partial += sum.partial;
  totals.empty += sum.empty;
  return "";
}

std::string Trial::run(mlir::MLIRContext &context) {
  Generator generator(random);
  TermPtr predicate = generator.predicate(random.integer(0, 3));
  readsData = generator.readsData;
  llvm::raw_string_ostream os(text);
  os << "cascade t(Q[H,M,D], K[H,N,D], V[H,N,F], LEN: i32[H], WIDTH: i32[H], ROW: i32[M], DM: i32[M], DN: "
        "i32[N], "
        "KEEP: bool[M,N]) -> (O[H,M,F]) {\n  S[h,m,n] = sum(d) Q[h,m,d]*K[h,n,d] where ";
  predicate->print(os);
  os << "\n  O[h,m,f] = (sum(n) exp(S[h,m,n] - (max(n) S[h,m,n]))*V[h,n,f]) / (sum(n) exp(S[h,m,n] - (max(n) "
        "S[h,m,n])))\n}\n";
  draw();
  for (setting.h = 0; setting.h < setting.H; ++setting.h)
    for (setting.m = 0; setting.m < setting.M; ++setting.m)
      for (setting.n = 0; setting.n < setting.N; ++setting.n)
        inside.push_back(setting.valueOf(*predicate) != 0);
  present = llvm::count(inside, 1);
  ++totals.predicates;
  totals.reading += readsData;
  std::string errors;
  llvm::raw_string_ostream stream(errors);
  auto module = compileToCascade(text, "t.attn", FrontendOptions(), context, stream);
  if (!module) {
    ++totals.trivial;
    return StringRef(errors).contains("is empty whatever the extents are") && !present ? "" : errors;
  }
  auto cascade = *module->getOps<mlir::func::FuncOp>().begin();
  if (std::string wrong = checkDomain(cascade); !wrong.empty())
    return wrong;
  MergeTraversalsOptions merge;
  merge.tiled = true;
  mlir::PassManager pm(&context, mlir::func::FuncOp::getOperationName());
  pm.addPass(createMergeTraversals(merge));
  if (mlir::failed(pm.run(cascade)))
    return "attn-merge-traversals failed";
  return checkTiles(cascade);
}

unsigned runRandomDomains(unsigned count, uint64_t seed, bool print, mlir::MLIRContext &context,
                          llvm::raw_ostream &os) {
  Totals totals;
  unsigned wrong = 0;
  for (uint64_t own = seed; own < seed + count; ++own) {
    Trial trial(own, totals);
    std::string what = trial.run(context);
    if (print || !what.empty())
      os << "seed " << own << ": " << (what.empty() ? "agrees" : what) << "\n" << trial.text;
    wrong += !what.empty();
  }
  os << count << " predicates from seed " << seed << ": " << wrong << " wrong, " << totals.reading
     << " read data, " << totals.trivial << " never hold, " << totals.notInTiles << " not in tiles; "
     << totals.counts << " counts\n"
     << totals.full << " full, " << totals.partial << " partial and " << totals.empty
     << " empty tiles; of the partial " << totals.lessThanFull << " might be full and "
     << totals.lessThanEmpty << " empty\n";
  return wrong;
}
