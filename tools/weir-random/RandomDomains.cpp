//===- RandomDomains.cpp - random masks: tiles and counts by brute force --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RandomDomains.h"
#include "RandomPredicates.h"
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

namespace {
struct Totals {
  uint64_t predicates = 0, planes = 0, reading = 0, trivial = 0, notInTiles = 0, unread = 0, counts = 0, classes = 0;
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
  void drawData(bool isPlane);
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
  bool readsData = false;     ///< and it is not known
  bool isSorted = false;      ///< what is in order is promised to be
  KnownInputs known;          ///< in half of all trials
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
  drawData(isPlane);
}

void Trial::drawData(bool isPlane) {
  int64_t heads = setting.head.extent, M = setting.rows.back().extent, N = setting.keys.back().extent;
  auto draw = [&](std::vector<int64_t> shape, int64_t low, int64_t high) {
    Setting::Data data{std::move(shape), {}};
    for (int64_t left = llvm::product_of(data.shape); left > 0; --left)
      data.values.push_back(random.integer(low, high));
    return data;
  };
  auto &data = setting.data;
  data["LEN"] = draw({heads}, -2, keys + 3);
  data["WIDTH"] = draw({heads}, -2, 20);
  data["BLOCKS"] = draw({heads, extents["I"] = random.integer(1, 9), extents["J"] = random.integer(1, 9)}, 0, 1);
  if (!isPlane) {
    data["ROW"] = draw({M}, -2, N);
    data["DM"] = draw({M}, -2, 3);
    data["DN"] = draw({N}, -2, 3);
    data["SM"] = draw({M}, 0, 3);
    data["SN"] = draw({N}, 0, 3);
    data["KEEP"] = draw({M, N}, 0, 1);
    data["FIRST"] = draw({extents["C"] = random.integer(1, 4)}, 0, N);
    for (const char *name : {"SM", "SN", "FIRST"})
      llvm::sort(data[name].values);
  }
  isSorted = !isPlane && random.chance(0.5);
  if (random.chance(0.5))
    return;
  for (auto &[name, own] : data) {
    bool isFlag = name == "BLOCKS" || name == "KEEP";
    HostTensor tensor(isFlag ? ElementType::Bool : ElementType::I32, own.shape);
    for (auto [i, value] : llvm::enumerate(own.values))
      tensor.set(i, value);
    known.try_emplace(name, tensor);
  }
}

std::string Trial::checkDomain(mlir::func::FuncOp cascade) {
  CascadeModel model(cascade);
  model.known = &known;
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
      for (auto [c, left] = row.valuesAt(block); left > 0; c += row.step, --left)
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
  for (auto [axis, own] : llvm::zip_equal(box, found->box)) {
    if (own.first < 0 || own.count < 0 || (own.count && own.first + (own.count - 1) * own.step >= axis.extent))
      return at(Twine(own.count) + " keys from " + Twine(own.first) + " on are no range" + where);
    axis.extent = own.count;
  }
  auto keyAt = [&](int64_t at) { // by its place in the box
    Setting::set(box, at);
    int64_t key = 0;
    for (auto [axis, own, whole] : llvm::zip_equal(box, found->box, setting.keys))
      key = key * whole.extent + own.first + axis.value * own.step;
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
      sum.computed += tiles.m * (last - first);
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
  model.known = &known;
  auto name = mlir::StringAttr::get(streamed.getContext(), plan->nameOfRow());
  auto sizes = mapping::TilesAttr::get(streamed.getContext(), name, tileM, tileN, /*split=*/0, plan->stepsOfKeys());
  auto tiles = TileClasses::of(*plan, sizes, classes, presences, model, extents);
  if (!tiles)
    return at("the tiles have no classes");
  totals.unread += tiles->readsData && !readsData; // a predicate that the merge made has a quantifier
  TileClasses::Counts sum{0, 0, 0, 0};
  int64_t blocks = 1;
  for (const TileClasses::Axis &row : tiles->rows)
    blocks *= row.blocks();
  for (int64_t h = 0; h < setting.head.extent; ++h)
    for (int64_t number = 0; number < blocks; ++number)
      if (std::string wrong = checkBlock(*tiles, h, number, sum); !wrong.empty())
        return wrong;
  int64_t ofClass = 1;
  for (const TileClasses::Axis &key : tiles->keys)
    ofClass *= llvm::divideCeil(key.extent, key.step);
  int64_t all = setting.head.extent * blocks * static_cast<int64_t>(llvm::divideCeil(ofClass, tileN));
  sum.empty = std::max<int64_t>(0, all - sum.full - sum.partial);
  uint64_t budget = 1u << 28;
  auto counts = tiles->count(budget);
  if (!counts || counts->full != sum.full || counts->partial != sum.partial || counts->empty != sum.empty ||
      counts->computed != sum.computed)
    return at("the tiles are counted otherwise than they are listed");
  auto scores = tiles->countInside(budget);
  if (scores ? *scores != present : !tiles->readsData)
    return at("counted " + Twine(scores.value_or(-1)) + " scores of tiles, there are " + Twine(present));
  totals.planes += setting.rows.size() > 1;
  totals.classes += !plan->residues.empty();
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
  os << ", LEN: i32[H], WIDTH: i32[H], BLOCKS: bool[H,I,J]";
  if (!isPlane)
    os << ", ROW: i32[M], DM: i32[M], DN: i32[N], SM: i32[M], SN: i32[N], KEEP: bool[M,N], FIRST: i32[C]";
  os << ") -> (O[H," << M << ",F]) {\n";
  if (isSorted)
    os << "  given SM[m] <= SM[m+1] and SN[n] <= SN[n+1]\n";
  os << "  " << S << " = sum(d) Q[h," << m << ",d]*K[h," << n << ",d] where ";
  predicate.print(os);
  os << "\n  O[h," << m << ",f] = (" << sum << E << "*V[h," << n << ",f]) / (" << sum << E << ")\n}\n";
}

std::string Trial::run(mlir::MLIRContext &context) {
  bool isPlane = random.chance(0.2);
  PredicateGenerator generator(random, isPlane);
  TermPtr predicate = generator.predicate(random.integer(isPlane ? 1 : 0, 3));
  draw(isPlane);
  readsData = generator.readsData && known.empty();
  print(*predicate);
  for (setting.head.value = 0; setting.head.value < setting.head.extent; ++setting.head.value)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t key = 0; key < keys; ++key) {
        Setting::set(setting.rows, row);
        Setting::set(setting.keys, key);
        inside.push_back(setting.holds(*predicate));
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
     << totals.planes << " tiled in two dimensions, " << totals.classes << " by residue classes, " << totals.unread << " tiled without a count of scores, "
     << totals.notInTiles << " not in tiles\n"
     << totals.full << " full, " << totals.partial << " partial and " << totals.empty
     << " empty tiles; of the partial " << totals.lessThanFull << " might be full and "
     << totals.lessThanEmpty << " empty\n";
  return wrong;
}
