//===- PointsCount.cpp - how many points satisfy a formula ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Points.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <functional>
#include <numeric>

using namespace llvm;
using namespace weir;

/// Residues are worth their set-up from so many rows a pair of residues on.
constexpr int64_t kRowsOfPair = 256;
/// More pairs of residues than this are not tried, nor more affine values than this of one integer, nor more
/// signs.
constexpr int64_t kMostPairs = 4096;
constexpr size_t kMostValues = 12, kMostLines = 24;

//===----------------------------------------------------------------------===//
// Rows and keys of equal residues
//===----------------------------------------------------------------------===//

/// Rows P*i + s and keys Q*k + r, for residues s of P and r of Q with which every integer of the formula is
/// affine in i and k. `lines` are the affine values whose signs decide the formula.
class Points::Residues {
public:
  Residues(Points &points, unsigned row, unsigned formula) : points(points), row(row), formula(formula) {}

  /// Finds P and Q for the setting of the other coordinates at hand.
  bool fit();
  int64_t pairs() const { return p * q; }
  /// The points of all rows and keys; nothing where some residues do not fit after all.
  std::optional<int64_t> count();

private:
  using Values = SmallVector<Affine, 4>;
  /// A bound on keys, or any other number, as slope * i + offset.
  struct Bound {
    int64_t slope, offset;
    bool operator==(const Bound &o) const { return slope == o.slope && offset == o.offset; }
    bool operator<(const Bound &o) const { return std::tie(slope, offset) < std::tie(o.slope, o.offset); }
  };

  bool collectLines(unsigned node);
  std::optional<Values> valuesOf(unsigned node);
  std::optional<Values> divided(Op op, unsigned node, int64_t by);
  bool addLines(ArrayRef<Affine> a, ArrayRef<Affine> b);
  bool addValue(Values &values, std::optional<Affine> value);
  std::optional<Affine> sum(Affine a, Affine b, int64_t factor);
  bool depends(unsigned node) const { return points.nodes[node].slots >> row & 1 || points.isOnKey(node); }
  bool atResidues(int64_t s, int64_t r);
  std::optional<int64_t> countPair();
  int64_t keysOfRow(int64_t i, ArrayRef<Bound> bounds);
  void addChanges(int64_t slope, int64_t offset, SmallVectorImpl<int64_t> &changes) const;

  Points &points;
  unsigned row, formula;
  int64_t p = 1, q = 1, s = 0, r = 0;
  int64_t rows = 0, keys = 0;           ///< that have the residues
  int64_t rowFactor = 1, keyFactor = 1; ///< by which p and q must grow
  SmallVector<Affine, 8> lines;
};

/// a + factor * b.
std::optional<Points::Affine> Points::Residues::sum(Affine a, Affine b, int64_t factor) {
  Affine result;
  auto one = [&](int64_t x, int64_t y, int64_t &to) {
    int64_t product;
    return !MulOverflow(y, factor, product) && !AddOverflow(x, product, to);
  };
  if (!one(a.row, b.row, result.row) || !one(a.key, b.key, result.key) ||
      !one(a.constant, b.constant, result.constant))
    return std::nullopt;
  return result;
}

bool Points::Residues::addValue(Values &values, std::optional<Affine> value) {
  if (!value)
    return false;
  if (!is_contained(values, *value))
    values.push_back(*value);
  return values.size() <= kMostValues;
}

bool Points::Residues::addLines(ArrayRef<Affine> a, ArrayRef<Affine> b) {
  for (Affine x : a)
    for (Affine y : b) {
      auto line = sum(x, y, -1);
      if (!line)
        return false;
      if (!is_contained(lines, *line))
        lines.push_back(*line);
    }
  return lines.size() <= kMostLines;
}

std::optional<Points::Residues::Values> Points::Residues::divided(Op op, unsigned node, int64_t by) {
  auto values = valuesOf(node);
  if (!values || by <= 0)
    return std::nullopt;
  Values out;
  for (Affine v : *values) {
    if (v.row % by || v.key % by) {
      rowFactor = std::lcm(rowFactor, by / std::gcd(v.row, by));
      keyFactor = std::lcm(keyFactor, by / std::gcd(v.key, by));
      return std::nullopt;
    }
    int64_t quotient = *apply(Op::Floordiv, v.constant, by);
    Affine result = op == Op::Floordiv ? Affine{v.row / by, v.key / by, quotient}
                                       : Affine{0, 0, v.constant - by * quotient};
    if (!addValue(out, result))
      return std::nullopt;
  }
  return out;
}

/// The affine values of which an integer is always one, their choice by signs that become lines.
std::optional<Points::Residues::Values> Points::Residues::valuesOf(unsigned index) {
  const Node &node = points.nodes[index];
  if (!depends(index)) {
    int64_t value = points.value(index);
    return points.failed ? std::nullopt : std::optional(Values{{0, 0, value}});
  }
  if (node.op == Op::Slot)
    return Values{unsigned(node.number) == row ? Affine{p, 0, s} : Affine{0, q, r}};
  if (node.op == Op::Floordiv || node.op == Op::Mod)
    return depends(node.args[1]) ? std::nullopt : divided(node.op, node.args[0], points.value(node.args[1]));
  if (node.op == Op::Select) {
    auto a = collectLines(node.args[0]) ? valuesOf(node.args[1]) : std::nullopt;
    auto b = a ? valuesOf(node.args[2]) : std::nullopt;
    if (!b || !all_of(*b, [&](Affine v) { return addValue(*a, v); }))
      return std::nullopt;
    return a;
  }
  if (node.op > Op::Max) // bits, counts, and formulas
    return std::nullopt;
  auto a = valuesOf(node.args[0]), b = a && node.args.size() > 1 ? valuesOf(node.args[1]) : a;
  if (!b)
    return std::nullopt;
  Values out;
  Affine zero{0, 0, 0};
  for (Affine x : *a) {
    bool fits = true;
    if (node.op == Op::Neg || node.op == Op::Abs)
      fits =
          addValue(out, sum(zero, x, -1)) && (node.op == Op::Neg || (addValue(out, x) && addLines(x, zero)));
    else if (node.op == Op::Sign)
      fits = addLines(x, zero) &&
             all_of(ArrayRef<int64_t>{-1, 0, 1}, [&](int64_t v) { return addValue(out, Affine{0, 0, v}); });
    else
      for (Affine y : *b) {
        bool isNumber = !y.row && !y.key;
        if (node.op == Op::Mul && !isNumber && (x.row || x.key))
          return std::nullopt;
        if (node.op == Op::Mul)
          fits &= addValue(out, isNumber ? sum(zero, x, y.constant) : sum(zero, y, x.constant));
        else if (node.op == Op::Min || node.op == Op::Max)
          fits &= addValue(out, x) && addValue(out, y) && addLines(x, y);
        else
          fits &= addValue(out, sum(x, y, node.op == Op::Add ? 1 : -1));
      }
    if (!fits)
      return std::nullopt;
  }
  return out;
}

bool Points::Residues::collectLines(unsigned index) {
  const Node &node = points.nodes[index];
  if (!depends(index))
    return true;
  if (node.op == Op::And || node.op == Op::Or || node.op == Op::Not || node.op == Op::Select)
    return all_of(node.args, [&](unsigned part) { return collectLines(part); });
  if (node.op < Op::Eq || node.op > Op::Ge)
    return false;
  auto a = valuesOf(node.args[0]), b = a ? valuesOf(node.args[1]) : std::nullopt;
  return b && addLines(*a, *b);
}

bool Points::Residues::atResidues(int64_t atRow, int64_t atKey) {
  s = atRow;
  r = atKey;
  rows = (points.extents[row] - s + p - 1) / p;
  keys = (points.extents[points.key] - r + q - 1) / q;
  lines.clear();
  if (!collectLines(formula))
    return false;
  for (Affine line : lines) {
    // Bounds on keys must be affine in the row.
    if (line.key && line.row % line.key) {
      rowFactor = std::lcm(rowFactor, std::abs(line.key) / std::gcd(line.row, line.key));
      return false;
    }
    auto size = [](int64_t factor, int64_t by) { return std::abs(double(factor)) * double(by); };
    if (size(line.row, rows) + size(line.key, keys) + std::abs(double(line.constant)) > 0x1p60)
      return false;
  }
  return true;
}

bool Points::Residues::fit() {
  while (!atResidues(0, 0)) {
    if (points.failed || (rowFactor == 1 && keyFactor == 1))
      return false;
    p *= rowFactor;
    q *= keyFactor;
    if (p > kMostPairs || q > kMostPairs || p * q > kMostPairs)
      return false;
    rowFactor = keyFactor = 1;
  }
  return true;
}

/// The i inside at which slope * i + offset becomes 0, and leaves it.
void Points::Residues::addChanges(int64_t slope, int64_t offset, SmallVectorImpl<int64_t> &changes) const {
  if (!slope)
    return;
  if (slope < 0) {
    slope = -slope;
    offset = -offset;
  }
  int64_t reaches = -*apply(Op::Floordiv, offset, slope), leaves = -*apply(Op::Floordiv, offset - 1, slope);
  for (int64_t i : {reaches, leaves})
    if (i > 0 && i < rows)
      changes.push_back(i);
}

int64_t Points::Residues::keysOfRow(int64_t i, ArrayRef<Bound> bounds) {
  SmallVector<int64_t, 16> cuts;
  for (Bound bound : bounds)
    cuts.push_back(std::clamp<int64_t>(bound.slope * i + bound.offset, 0, keys));
  llvm::sort(cuts);
  int64_t found = 0;
  points.point[row] = p * i + s;
  for (size_t k = 0; k + 1 < cuts.size(); ++k) {
    if (cuts[k] == cuts[k + 1])
      continue;
    points.point[points.key] = q * cuts[k] + r;
    if (points.holds(formula))
      found += cuts[k + 1] - cuts[k];
  }
  return found;
}

std::optional<int64_t> Points::Residues::countPair() {
  SmallVector<Bound, 16> bounds{{0, 0}, {0, keys}};
  SmallVector<int64_t, 32> changes{0, rows};
  for (Affine line : lines) {
    if (!line.key) {
      addChanges(line.row, line.constant, changes);
      continue;
    }
    if (line.key < 0)
      line = {-line.row, -line.key, -line.constant};
    // The first keys at which the line is at least 0, and at least 1.
    for (int64_t least : {0, 1})
      bounds.push_back({-(line.row / line.key), -*apply(Op::Floordiv, line.constant - least, line.key)});
  }
  llvm::sort(bounds);
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  for (size_t x = 0; x < bounds.size(); ++x)
    for (size_t y = 0; y < x; ++y)
      addChanges(bounds[x].slope - bounds[y].slope, bounds[x].offset - bounds[y].offset, changes);
  llvm::sort(changes);
  changes.erase(std::unique(changes.begin(), changes.end()), changes.end());
  // Between changes the order of bounds stays, so the number of keys is affine in i.
  __int128 twice = 0;
  for (size_t k = 0; k + 1 < changes.size() && !points.failed; ++k) {
    int64_t first = changes[k], last = changes[k + 1] - 1;
    twice += static_cast<__int128>(keysOfRow(first, bounds) + keysOfRow(last, bounds)) * (last - first + 1);
  }
  if (points.failed || twice / 2 > INT64_MAX)
    return std::nullopt;
  return static_cast<int64_t>(twice / 2);
}

std::optional<int64_t> Points::Residues::count() {
  int64_t total = 0;
  for (int64_t atRow = 0, m = std::min(p, points.extents[row]); atRow < m; ++atRow)
    for (int64_t atKey = 0, n = std::min(q, points.extents[points.key]); atKey < n; ++atKey) {
      auto own = atResidues(atRow, atKey) ? countPair() : std::nullopt;
      if (!own || AddOverflow(total, *own, total))
        return std::nullopt;
    }
  return total;
}

//===----------------------------------------------------------------------===//
// Rows one by one
//===----------------------------------------------------------------------===//

int64_t Points::countKeys(unsigned formula) {
  Spans spans;
  spansOf(formula, {0, extents[key]}, spans);
  int64_t found = 0;
  for (Span span : spans)
    found += span.high - span.low;
  return found;
}

/// The largest parts of a formula that depend on the row and not on the key.
void Points::collectRowParts(unsigned index, unsigned row, SmallVectorImpl<unsigned> &parts) {
  const Node &node = nodes[index];
  if (!(node.slots >> row & 1))
    return;
  if (!isOnKey(index) && node.slots >> extents.size() == 0) {
    parts.push_back(index);
    return;
  }
  for (unsigned arg : node.args)
    collectRowParts(arg, row, parts);
}

int64_t Points::countRows(unsigned row, unsigned formula) {
  SmallVector<unsigned> parts;
  collectRowParts(formula, row, parts);
  if (any_of(parts, [&](unsigned part) { return nodes[part].op == Op::Slot; }))
    parts.clear(); // each row is its own
  SmallVector<int64_t> before, now;
  int64_t total = 0, own = 0;
  for (int64_t i = 0; i < extents[row] && !failed; ++i) {
    point[row] = i;
    now.clear();
    for (unsigned part : parts)
      now.push_back(value(part));
    if (i == 0 || parts.empty() || now != before)
      own = countKeys(formula);
    std::swap(now, before);
    if (AddOverflow(total, own, total))
      return fail();
  }
  return total;
}

//===----------------------------------------------------------------------===//
// All coordinates
//===----------------------------------------------------------------------===//

int64_t Points::countOver(ArrayRef<unsigned> coordinates, unsigned formula, Method method) {
  key = coordinates.back();
  if (coordinates.size() == 1)
    return countKeys(formula);
  if (coordinates.size() > 2) {
    unsigned outer = coordinates.front();
    int64_t total = 0;
    for (int64_t c = 0; c < extents[outer] && !failed; ++c) {
      point[outer] = c;
      if (AddOverflow(total, countOver(coordinates.drop_front(), formula, method), total))
        return fail();
    }
    return total;
  }
  unsigned row = coordinates.front();
  Residues residues(*this, row, formula);
  if (method != Method::Rows && residues.fit() &&
      (method == Method::Residues || residues.pairs() * kRowsOfPair <= extents[row]))
    if (auto total = residues.count())
      return *total;
  if (failed)
    return 0;
  return countRows(row, formula);
}

int64_t Points::countAll(Method method) {
  SmallVector<unsigned> parts = nodes[root].op == Op::And ? nodes[root].args : SmallVector<unsigned>{root};
  // Conjuncts that share coordinates, and what coordinates they have together.
  SmallVector<std::pair<uint64_t, SmallVector<unsigned>>> groups;
  for (unsigned part : parts) {
    if (!nodes[part].slots) {
      if (!holds(part))
        return 0;
      continue;
    }
    std::pair<uint64_t, SmallVector<unsigned>> own{nodes[part].slots, {part}};
    erase_if(groups, [&](auto &group) {
      if (!(group.first & own.first))
        return false;
      own.first |= group.first;
      own.second.insert(own.second.begin(), group.second.begin(), group.second.end());
      return true;
    });
    groups.push_back(std::move(own));
  }
  int64_t total = 1;
  uint64_t mentioned = 0;
  for (auto &[slots, own] : groups) {
    mentioned |= slots;
    SmallVector<unsigned> coordinates;
    for (unsigned slot = 0; slot < extents.size(); ++slot)
      if (slots >> slot & 1)
        coordinates.push_back(slot);
    unsigned formula = own.size() == 1
                           ? own[0]
                           : add({Op::And, 0, SmallVector<unsigned, 2>(own.begin(), own.end()), slots, {}});
    if (MulOverflow(total, countOver(coordinates, formula, method), total))
      return fail();
  }
  for (unsigned slot = 0; slot < extents.size(); ++slot)
    if (!(mentioned >> slot & 1) && MulOverflow(total, extents[slot], total))
      return fail();
  return total;
}

std::optional<int64_t> Points::count(uint64_t &budget, Method method) {
  left = budget;
  failed = false;
  int64_t total = countAll(method);
  budget = left;
  return failed ? std::nullopt : std::optional(total);
}
