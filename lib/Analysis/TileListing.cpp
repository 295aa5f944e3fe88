//===- TileListing.cpp - tiles that a kernel lists, of data that is given -===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TileListing.h"
#include "weir/Analysis/BlockJudge.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weir;
using mlir::Value;

/// Numbers of BlockJudge as numbers.
struct TileListing::Numbers {
  using Number = std::optional<int64_t>;
  Number number(int64_t v) { return v; }
  Number truth(bool v) { return v; }
  Number add(Number x, Number y) { return *x + *y; }
  Number sub(Number x, Number y) { return *x - *y; }
  Number min(Number x, Number y) { return std::min(*x, *y); }
  Number max(Number x, Number y) { return std::max(*x, *y); }
  Number times(Number x, int64_t k) { return *x * k; }
  Number floordiv(Number x, int64_t k) { return divideFloorSigned(*x, k); }
  Number ceildiv(Number x, int64_t k) { return divideCeilSigned(*x, k); }
  Number atMost(Number x, Number y) { return *x <= *y; }
  Number less(Number x, Number y) { return *x < *y; }
  Number both(Number x, Number y) { return *x && *y; }
  Number either(Number x, Number y) { return *x || *y; }
  Number invert(Number x) { return !*x; }
  Number select(Number c, Number x, Number y) { return *c ? x : y; }
  Number fixed(Value v) {
    const Tree *tree = listing.reader.fixed(v);
    Points *points = tree ? listing.pointsOf(tree) : nullptr;
    if (!points)
      return std::nullopt;
    SmallVector<int64_t> at(listing.setting);
    at.push_back(0);
    std::optional<int64_t> value = points->valueAt(at);
    listing.failed |= !value;
    return value ? std::clamp(*value, -BlockJudge<Numbers>::kLargest, BlockJudge<Numbers>::kLargest) : value;
  }
  void enter(mlir::Block *) {}
  TileListing &listing;
};

TileListing::TileListing(TileReader reader, const StreamTiles &plan, StreamData data,
                         mapping::TilesAttr sizes, const TileClasses &tiles, const CascadeModel &model,
                         const StringMap<int64_t> &extents)
    : reader(std::move(reader)), plan(plan), data(std::move(data)), needed(plan.needed()), model(model),
      extents(extents), outer(tiles.outer), row(tiles.rows[0]), key(tiles.keys[0]), n(sizes.getN()),
      step(this->data.stepOf(n)) {}

/// A value over the outer coordinates, the row, and the key; null where it reads what is not known.
Points *TileListing::pointsOf(const Tree *tree) {
  auto [entry, isNew] = compiled.try_emplace(tree);
  if (isNew) {
    SmallVector<Points::Coordinate> coordinates;
    for (const TileClasses::Axis &axis : outer)
      coordinates.push_back({axis.name, axis.extent});
    coordinates.append({{row.name, row.extent}, {key.name, key.extent}});
    entry->second = Points::of(tree, coordinates, model, extents);
  }
  return entry->second ? &*entry->second : nullptr;
}

TileListing::Range TileListing::rangeOf(const Tree *tree, StreamData::Grain grain, Points::Span rows, Points::Span keys) {
  Points *points = tree ? pointsOf(tree) : nullptr;
  Range all;
  if (!grain.row) // the same for all rows
    rows = {0, 1};
  if (!grain.key)
    keys = {0, 1};
  SmallVector<int64_t> at(setting);
  at.push_back(0);
  for (int64_t r = rows.low; points && r < rows.high;
       r = grain.row ? (r / grain.row + 1) * grain.row : r + 1) {
    at.back() = r;
    Range own = points->rangeAt(at, keys, left);
    if (!own) {
      points = nullptr;
      break;
    }
    all = all ? std::pair(std::min(all->first, own->first), std::max(all->second, own->second)) : *own;
  }
  failed |= !points;
  return all;
}

static bool isEmpty(Points::Span span) { return span.low >= span.high; }

/// Says what is known of data in a block of rows and, if there are any, keys.
template <typename Judge> void TileListing::askData(Judge &judge, Points::Span rows, std::optional<Points::Span> keys) {
  auto rangeOf = [=](Value v, const Tree *tree) { return this->rangeOf(tree, data.grainOf(v), rows, keys.value_or(Points::Span{0, 0})); };
  auto isKnown = [=](Value v) { return data.ofRows.contains(v) || (keys && (data.ofKeys.contains(v) || data.ofRuns.contains(v))); };
  judge.dataInterval = [=](Value v) -> std::optional<typename Judge::Interval> {
    auto range = v.getType().isInteger(64) && isKnown(v) ? rangeOf(v, reader.read(v)) : std::nullopt;
    if (!range)
      return std::nullopt;
    typename Judge::Interval interval{range->first, range->second, {}, {}};
    if (const Tree *present = reader.presenceOf(v))
      if (auto there = rangeOf(v, present))
        interval.there = there->first;
    return interval;
  };
  judge.dataVerdict = [=](Value v) -> std::optional<typename Judge::Verdict> {
    auto range = v.getType().isInteger(1) && isKnown(v) ? rangeOf(v, reader.read(v)) : std::nullopt;
    return range ? std::optional(typename Judge::Verdict{range->second, range->first}) : std::nullopt;
  };
}

std::pair<bool, bool> TileListing::judgeStep(Points::Span rows, Points::Span keys) {
  Numbers numbers{*this};
  BlockJudge<Numbers> judge(numbers, plan, {rows.low, rows.high - 1}, {keys.low, keys.high - 1});
  askData(judge, rows, keys);
  std::pair<bool, bool> answer{false, true};
  for (ArrayRef<Value> predicates : needed) {
    auto verdict = judge.judgeAll(predicates);
    answer.first |= verdict.may.value_or(1) != 0;
    answer.second &= verdict.must.value_or(0) != 0;
  }
  return answer;
}

std::optional<TileClasses::Block> TileListing::blockAt(ArrayRef<int64_t> at, uint64_t &budget) {
  setting.assign(at.begin(), at.end() - 1);
  left = budget;
  failed = false;
  Points::Span rows{at.back() * row.block, std::min((at.back() + 1) * row.block, row.extent)};
  Numbers numbers{*this};
  BlockJudge<Numbers> judge(numbers, plan, {rows.low, rows.high - 1});
  askData(judge, rows, std::nullopt);
  auto [low, count] = judge.keysOfAny(needed, key.extent);
  TileClasses::Block block;
  // Steps begin where summaries do; a tile ends where a mask does, and where, after steps inside all masks,
  // one is not.
  int64_t first = *low - *low % step, end = *low + *count;
  block.box.push_back({first, std::max<int64_t>(0, end - first), 1});
  auto isInside = [&](int64_t k) { return judgeStep(rows, {k, std::min(k + step, end)}); };
  for (int64_t k = first; k < end && !failed;) {
    auto [may, full] = isInside(k);
    if (!may) {
      k += step;
      continue;
    }
    int64_t past = k + step, limit = std::min(k + n, end);
    for (; past < limit && !failed; past += step) {
      auto [mayNext, fullNext] = isInside(past);
      if (!mayNext || (full && !fullNext))
        break;
      full &= fullNext;
    }
    past = std::min(past, limit);
    block.runs.push_back({k - first, past - first, full});
    k = past;
  }
  budget = left;
  return failed || isEmpty({0, int64_t(left)}) ? std::nullopt : std::optional(block);
}

std::optional<TileClasses::Counts> TileListing::count(uint64_t &budget) {
  TileClasses::Counts counts{0, 0, 0, 0};
  int64_t blocks = row.blocks(), repeated = 1;
  SmallVector<int64_t> counted; // outer coordinates that predicates depend on
  for (const TileClasses::Axis &axis : outer) {
    bool matters = any_of(data.outerOfAll(), [&](auto &coordinate) { return coordinate.first == axis.name; });
    counted.push_back(matters ? axis.extent : 1);
    repeated *= matters ? 1 : axis.extent;
    blocks *= counted.back();
  }
  for (int64_t number = 0; number < blocks; ++number) {
    SmallVector<int64_t> at{number % row.blocks()};
    int64_t rest = number / row.blocks();
    for (int64_t extent : reverse(counted)) {
      at.insert(at.begin(), rest % extent);
      rest /= extent;
    }
    auto block = blockAt(at, budget);
    if (!block)
      return std::nullopt;
    for (const TileClasses::Run &run : block->runs) {
      ++(run.full ? counts.full : counts.partial);
      counts.computed += (run.end - run.begin) * row.block;
    }
  }
  int64_t grid = blocks * int64_t(divideCeil(key.extent, n));
  counts.empty = std::max<int64_t>(0, grid - counts.full - counts.partial);
  for (int64_t *one : {&counts.full, &counts.partial, &counts.empty, &counts.computed})
    *one *= repeated;
  return counts;
}
