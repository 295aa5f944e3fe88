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
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

namespace {
class Generator {
public:
  Generator(reference::Random &random, bool isPlane) : random(random), isPlane(isPlane) {}
  TermPtr predicate(int depth);
  bool readsData = false;

private:
  TermPtr integer(int depth);
  TermPtr shape();
  TermPtr data();
  TermPtr number(int64_t low, int64_t high) {
    return atom(Kind::Integer, std::to_string(random.integer(low, high)));
  }
  /// Of m, n, M, N in a plane: the coordinate or extent along the side at hand.
  TermPtr name(StringRef text) {
    size_t k = isPlane ? StringRef("mnMN").find(text) : StringRef::npos;
    return atom(Kind::Integer,
                k == StringRef::npos ? text.str() : std::string(1, (side ? "xrXR" : "yuYU")[k]));
  }
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
  bool isPlane;
  unsigned side = 0;
};
} // namespace

TermPtr Generator::integer(int depth) {
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
    return call("abs", inner());
  default:
    return choose(Kind::Integer, compare("<=", inner(), inner()), inner(), inner());
  }
}

/// What masks are made of.
TermPtr Generator::shape() {
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
    if (!isPlane && random.chance(0.12))
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
  struct Axis {
    char coordinate, rank;
    int64_t extent, value = 0;
  };
  Axis head{'h', 'H', 0};
  std::vector<Axis> rows, keys;
  std::map<std::string, std::vector<int64_t>> data;

  static int64_t countOf(const std::vector<Axis> &axes) {
    int64_t count = 1;
    for (const Axis &axis : axes)
      count *= axis.extent;
    return count;
  }
  /// Sets coordinates to a place in lexical order.
  static void set(std::vector<Axis> &axes, int64_t place) {
    for (Axis &axis : llvm::reverse(axes)) {
      axis.value = place % axis.extent;
      place /= axis.extent;
    }
  }
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
  return (fn == "min") == (a < b) ? a : b;
}

int64_t Setting::valueOf(const Term &term) const {
  auto arg = [&](unsigned k) { return valueOf(*term.args[k]); };
  switch (term.form) {
  case Term::Atom:
    return atomOf(term.text);
  case Term::Read: {
    int64_t at = arg(0);
    return data.at(term.text)[term.args.size() > 1 ? at * keys[0].extent + arg(1) : at];
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
  uint64_t predicates = 0, planes = 0, reading = 0, trivial = 0, notInTiles = 0, unread = 0, counts = 0;
  uint64_t full = 0, partial = 0, empty = 0, lessThanFull = 0, lessThanEmpty = 0;
};

class Trial {
public:
  Trial(uint64_t seed, Totals &totals) : random(seed), totals(totals) {}
  /// What is wrong; empty: nothing.
  std::string run(mlir::MLIRContext &context);
  std::string text;

private:
  void draw(bool isPlane);
  void print(const Term &predicate);
  std::string checkDomain(mlir::func::FuncOp cascade);
  std::string checkTiles(mlir::func::FuncOp streamed);
  std::string checkBlock(const TileClasses &tiles, int64_t h, int64_t number, TileClasses::Counts &sum);
  std::string checkRow(const TileClasses &tiles, int64_t h, int64_t row);
  /// The rows of a block, by their places, and its number along each coordinate.
  std::vector<int64_t> rowsOf(const TileClasses &tiles, int64_t number, SmallVectorImpl<int64_t> &at) const;
  int64_t scoresIn(int64_t h, ArrayRef<int64_t> rows, int64_t key) const;
  std::string at(const Twine &what) const;

  reference::Random random;
  Totals &totals;
  Setting setting;
  llvm::StringMap<int64_t> extents;
  int64_t tileM = 1, tileN = 1, present = 0;
  int64_t rows = 0, keys = 0; ///< how many there are
  std::vector<char> inside;   ///< by head, row, key
  bool readsData = false;
};
} // namespace

std::string Trial::at(const Twine &what) const {
  std::string where = (what + " at H=" + Twine(setting.head.extent)).str();
  for (const auto *axes : {&setting.rows, &setting.keys})
    for (const Setting::Axis &axis : *axes)
      where += (" " + Twine(axis.rank) + "=" + Twine(axis.extent)).str();
  return (where + ", tiles of " + Twine(tileM) + " by " + Twine(tileN)).str();
}

void Trial::draw(bool isPlane) {
  int64_t longest = isPlane ? 9 : 70;
  auto length = [&] { return random.chance(0.05) ? random.integer(0, 2) : random.integer(3, longest); };
  auto add = [&](std::vector<Setting::Axis> &axes, char coordinate, int64_t extent) {
    axes.push_back({coordinate, static_cast<char>(coordinate - 'a' + 'A'), extent});
    extents[StringRef(&axes.back().rank, 1)] = extent;
  };
  setting.head.extent = extents["H"] = random.integer(1, 3);
  extents["D"] = extents["F"] = 4;
  for (char row : StringRef(isPlane ? "yx" : "m"))
    add(setting.rows, row, length());
  bool isSquare = random.chance(0.4);
  for (auto [k, key] : llvm::enumerate(StringRef(isPlane ? "ur" : "n")))
    add(setting.keys, key, isSquare ? setting.rows[k].extent : length());
  rows = Setting::countOf(setting.rows);
  keys = Setting::countOf(setting.keys);
  tileM = random.integer(1, 16);
  tileN = random.integer(1, 16);
  auto fill = [&](const char *name, int64_t size, int64_t high) {
    for (int64_t i = 0; i < size; ++i)
      setting.data[name].push_back(random.integer(high == 1 ? 0 : -2, high));
  };
  fill("LEN", setting.head.extent, keys + 3);
  fill("WIDTH", setting.head.extent, 20);
  fill("ROW", rows, keys);
  fill("DM", rows, 3);
  fill("DN", keys, 3);
  fill("KEEP", rows * keys, 1);
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
    SmallVector<Points::Coordinate> coordinates{{"h", setting.head.extent}};
    for (const auto *axes : {&setting.rows, &setting.keys})
      for (const Setting::Axis &axis : *axes)
        coordinates.push_back({StringRef(&axis.coordinate, 1), axis.extent});
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

std::vector<int64_t> Trial::rowsOf(const TileClasses &tiles, int64_t number,
                                   SmallVectorImpl<int64_t> &at) const {
  SmallVector<int64_t> digits;
  for (const TileClasses::Axis &row : llvm::reverse(tiles.rows)) {
    digits.push_back(number % row.blocks());
    number /= row.blocks();
  }
  std::vector<int64_t> found{0};
  for (auto [row, block] : llvm::zip_equal(tiles.rows, llvm::reverse(digits))) {
    at.push_back(block);
    std::vector<int64_t> longer;
    for (int64_t place : found)
      for (int64_t c = block * row.block; c < std::min((block + 1) * row.block, row.extent); ++c)
        longer.push_back(place * row.extent + c);
    found = std::move(longer);
  }
  return found;
}

int64_t Trial::scoresIn(int64_t h, ArrayRef<int64_t> block, int64_t key) const {
  int64_t found = 0;
  for (int64_t row : block)
    found += inside[(h * rows + row) * keys + key];
  return found;
}

/// The keys of a row, as spans of the innermost coordinate.
std::string Trial::checkRow(const TileClasses &tiles, int64_t h, int64_t row) {
  std::vector<Setting::Axis> place = setting.rows, line = setting.keys;
  Setting::set(place, row);
  int64_t length = line.back().extent;
  for (int64_t key = 0; key < keys; key += length) {
    Setting::set(line, key);
    SmallVector<int64_t> at{h};
    for (const auto &axes : {ArrayRef(place), ArrayRef(line).drop_back()})
      for (const Setting::Axis &axis : axes)
        at.push_back(axis.value);
    uint64_t budget = 1u << 28;
    auto spans = tiles.keysAt(at, budget);
    if (spans.has_value() != !tiles.readsData)
      return this->at("the keys of row " + Twine(row) + (spans ? " are known" : " are not known"));
    std::vector<char> own(length);
    for (Points::Span span : spans.value_or(Points::Spans()))
      std::fill(own.begin() + span.low, own.begin() + span.high, 1);
    for (int64_t n = 0; spans && n < length; ++n)
      if (own[n] != inside[(h * rows + row) * keys + key + n])
        return this->at("key " + Twine(key + n) + " of row " + Twine(row) + " is taken wrongly");
  }
  return "";
}

/// One block of rows: no score outside its runs, all scores in full ones.
std::string Trial::checkBlock(const TileClasses &tiles, int64_t h, int64_t number, TileClasses::Counts &sum) {
  uint64_t budget = 1u << 28;
  SmallVector<int64_t> place{h};
  std::vector<int64_t> block = rowsOf(tiles, number, place);
  auto found = tiles.blockAt(place, budget);
  if (!found)
    return at("no runs of a block of rows");
  std::string where = (" in block of rows " + Twine(number) + " of head " + Twine(h)).str();
  std::vector<Setting::Axis> box = setting.keys;
  for (auto [axis, span] : llvm::zip_equal(box, found->box)) {
    if (span.low < 0 || span.high > axis.extent || span.high < span.low)
      return at("keys " + Twine(span.low) + " to " + Twine(span.high) + " are no range" + where);
    axis.extent = span.high - span.low;
  }
  auto keyAt = [&](int64_t at) { // by its place in the box
    Setting::set(box, at);
    int64_t key = 0;
    for (auto [axis, span, whole] : llvm::zip_equal(box, found->box, setting.keys))
      key = key * whole.extent + span.low + axis.value;
    return key;
  };
  std::vector<char> visited(keys);
  int64_t past = 0;
  for (TileClasses::Run run : found->runs) {
    if (run.begin < past || run.end > Setting::countOf(box) || run.end <= run.begin)
      return at("places " + Twine(run.begin) + " to " + Twine(run.end) + " are no run" + where);
    past = run.end;
    for (int64_t first = run.begin; first < run.end; first += tileN) {
      int64_t scores = 0, last = std::min(first + tileN, run.end);
      for (int64_t k = first; k < last; ++k) {
        scores += scoresIn(h, block, keyAt(k));
        visited[keyAt(k)] = 1;
      }
      bool isAll = scores == static_cast<int64_t>(block.size()) * (last - first);
      if (run.full && !isAll)
        return at("not all scores of a full tile are inside the mask, at place " + Twine(first) + where);
      ++(run.full ? sum.full : sum.partial);
      totals.lessThanFull += !run.full && isAll;
      totals.lessThanEmpty += !run.full && !scores;
    }
  }
  for (int64_t key = 0; key < keys; ++key)
    if (!visited[key] && scoresIn(h, block, key))
      return at("a score of key " + Twine(key) + " is missed" + where);
  return checkRow(tiles, h, block.front());
}

std::string Trial::checkTiles(mlir::func::FuncOp streamed) {
  Extents classes(streamed);
  Dependence dependence;
  Presences presences(classes);
  std::optional<StreamTiles> plan;
  streamed.walk([&](attn::StreamOp stream) {
    auto own = plan ? std::nullopt : StreamTiles::of(stream, classes, dependence, presences);
    if (own && own->keys.size() == setting.keys.size() &&
        own->keys[0].first == StringRef(&setting.keys[0].coordinate, 1) &&
        own->rows.size() == setting.rows.size())
      plan = std::move(own);
  });
  if (!plan) {
    ++totals.notInTiles;
    return "";
  }
  CascadeModel model(streamed);
  auto name = mlir::StringAttr::get(streamed.getContext(), plan->nameOfRow());
  auto sizes = mapping::TilesAttr::get(streamed.getContext(), name, tileM, tileN, 0);
  auto tiles = TileClasses::of(*plan, sizes, classes, presences, model, extents);
  if (!tiles)
    return at("the tiles have no classes");
  totals.unread += tiles->readsData && !readsData; // a predicate that the merge made has a quantifier
  TileClasses::Counts sum{0, 0, 0};
  int64_t blocks = 1;
  for (const TileClasses::Axis &row : tiles->rows)
    blocks *= row.blocks();
  for (int64_t h = 0; h < setting.head.extent; ++h)
    for (int64_t number = 0; number < blocks; ++number)
      if (std::string wrong = checkBlock(*tiles, h, number, sum); !wrong.empty())
        return wrong;
  int64_t all = setting.head.extent * blocks * static_cast<int64_t>(llvm::divideCeil(keys, tileN));
  sum.empty = all - sum.full - sum.partial;
  uint64_t budget = 1u << 28;
  auto counts = tiles->count(budget);
  if (!counts || counts->full != sum.full || counts->partial != sum.partial || counts->empty != sum.empty)
    return at("the tiles are counted otherwise than they are listed");
  auto scores = tiles->countInside(budget);
  if (scores ? *scores != present : !tiles->readsData)
    return at("counted " + Twine(scores.value_or(-1)) + " scores of tiles, there are " + Twine(present));
  totals.planes += setting.rows.size() > 1;
  totals.full += sum.full;
  totals.partial += sum.partial;
  totals.empty += sum.empty;
  return "";
}

void Trial::print(const Term &predicate) {
  bool isPlane = setting.rows.size() > 1;
  llvm::raw_string_ostream os(text);
  std::string m = isPlane ? "y,x" : "m", n = isPlane ? "u,r" : "n", M = StringRef(m).upper(),
              N = StringRef(n).upper();
  std::string S = "S[h," + m + "," + n + "]", E = "exp(" + S + " - (max(" + n + ") " + S + "))",
              sum = "sum(" + n + ") ";
  os << "cascade t(Q[H," << M << ",D], K[H," << N << ",D], V[H," << N << ",F]";
  if (!isPlane)
    os << ", LEN: i32[H], WIDTH: i32[H], ROW: i32[M], DM: i32[M], DN: i32[N], KEEP: bool[M,N]";
  os << ") -> (O[H," << M << ",F]) {\n  " << S << " = sum(d) Q[h," << m << ",d]*K[h," << n << ",d] where ";
  predicate.print(os);
  os << "\n  O[h," << m << ",f] = (" << sum << E << "*V[h," << n << ",f]) / (" << sum << E << ")\n}\n";
}

std::string Trial::run(mlir::MLIRContext &context) {
  bool isPlane = random.chance(0.2);
  Generator generator(random, isPlane);
  TermPtr predicate = generator.predicate(random.integer(isPlane ? 1 : 0, 3));
  readsData = generator.readsData;
  draw(isPlane);
  print(*predicate);
  for (setting.head.value = 0; setting.head.value < setting.head.extent; ++setting.head.value)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t key = 0; key < keys; ++key) {
        Setting::set(setting.rows, row);
        Setting::set(setting.keys, key);
        inside.push_back(setting.valueOf(*predicate) != 0);
      }
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
     << " read data, " << totals.trivial << " never hold; " << totals.counts << " counts\n"
     << totals.planes << " tiled in two dimensions, " << totals.unread << " tiled without a count of scores, "
     << totals.notInTiles << " not in tiles\n"
     << totals.full << " full, " << totals.partial << " partial and " << totals.empty
     << " empty tiles; of the partial " << totals.lessThanFull << " might be full and "
     << totals.lessThanEmpty << " empty\n";
  return wrong;
}
