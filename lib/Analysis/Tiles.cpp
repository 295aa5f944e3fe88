//===- Tiles.cpp - what a kernel does with each tile of a stream ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// BlockJudge.h over trees in the number of a block of rows and of a block of its keys: what
// is visited and what is full are then formulas, of which Points.h counts the points.
#include "weir/Analysis/Tiles.h"
#include "TileListing.h"
#include "TileReader.h"
#include "weir/Analysis/BlockJudge.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

/// Names of what is no coordinate of a cascade: the number of a block along a row's coordinate, and of a
/// block of keys.
static std::string blockOf(StringRef row) { return ("$" + row).str(); }
constexpr StringRef kKeyBlock = "$";

std::optional<TileClasses> TileClasses::of(const StreamTiles &plan, mapping::TilesAttr sizes,
                                           Extents &classes, Presences &presences, const CascadeModel &model,
                                           const llvm::StringMap<int64_t> &extents) {
  if (plan.isAlone || plan.shared)
    return std::nullopt; // blocks of rows are no grid
  TileReader reader(plan, classes, presences, model, extents);
  TileClasses tiles;
  tiles.model = &model;
  tiles.extents = &extents;
  tiles.m = sizes.getM();
  tiles.n = sizes.getN();
  SmallVector<int64_t> shape = plan.shapeOf(tiles.m);
  auto add = [&](std::vector<Axis> &to, const StreamTiles::Coordinates &coordinates,
                 ArrayRef<int64_t> blocks) {
    for (auto [k, coordinate] : llvm::enumerate(coordinates)) {
      auto size = reader.extentOf(coordinate.second);
      if (!size)
        return false;
      to.push_back({coordinate.first.str(), std::max<int64_t>(*size, 0), blocks.empty() ? 1 : blocks[k],
                    plan.stepOf(coordinate.first)});
    }
    return true;
  };
  if (!add(tiles.outer, plan.outer, {}) || !add(tiles.rows, plan.rows, shape) ||
      !add(tiles.keys, plan.keys, {}))
    return std::nullopt;
  tiles.setBlocks(reader, plan);
  tiles.setInside(reader, plan);
  for (const Axis &axis : tiles.outer) {
    auto depends = [&](Value predicate) { return plan.dependsOn(predicate, axis.name); };
    if (llvm::any_of(plan.needed(), [&](ArrayRef<Value> needed) { return llvm::any_of(needed, depends); }))
      tiles.varying.push_back(axis.name);
  }
  if (StreamData data(plan); data.asksKeys() && !tiles.readsData)
    tiles.listing =
        std::make_shared<TileListing>(std::move(reader), plan, std::move(data), sizes, tiles, model, extents);
  return tiles;
}

/// What the loops of a kernel go over, and what they ask.
void TileClasses::setBlocks(TileReader &reader, const StreamTiles &plan) {
  using Judge = BlockJudge<TileReader>;
  TreeArena &arena = *model->arena;
  auto needed = plan.needed();
  Judge judge(reader, plan);
  auto last = [&](const Tree *past) { return arena.sub(past, arena.number(1)); };
  auto bind = [&](const Axis &axis, const Tree *first, const Tree *past) {
    judge.bind(axis.name, {first, last(past)});
  };
  auto at = [&](const Tree *first, const Tree *number, int64_t step) { // a number of steps from the first on
    return arena.add(first, step == 1 ? number : reader.times(number, step));
  };
  for (const Axis &row : rows) {
    const Tree *number = arena.coordinate(blockOf(row.name)), *end = arena.number(row.extent);
    if (row.step == 1) {
      const Tree *first = reader.times(number, row.block);
      bind(row, first, reader.min(arena.add(first, arena.number(row.block)), end));
      continue;
    }
    const Tree *turn = reader.floordiv(number, row.step), *residue = arena.sub(number, reader.times(turn, row.step));
    const Tree *first = at(residue, turn, row.step * row.block);
    const Tree *count = reader.min(arena.number(row.block), reader.ceildiv(arena.sub(end, first), row.step));
    judge.bind(row.name, {first, at(first, last(count), row.step)});
  }
  if (keys.size() > 1) // where a range of one is asked for the others go anywhere
    for (const Axis &key : keys)
      bind(key, arena.number(0), arena.number(key.extent));
  bool mustAsk = !judge.areRanges(needed);
  const Tree *all = nullptr;
  for (auto [k, key] : llvm::enumerate(keys)) {
    judge.setRanged(k);
    box.push_back(judge.keysOfAny(needed, arena.number(key.extent)));
    all = all ? arena.mul(all, box.back().second) : box.back().second;
  }
  const Tree *first = reader.times(arena.coordinate(kKeyBlock), n);
  const Tree *past = reader.min(arena.add(first, arena.number(n)), all);
  if (keys.size() == 1) {
    judge.bind(keys[0].name, {at(box[0].first, first, keys[0].step), at(box[0].first, last(past), keys[0].step)});
  } else { // the outermost coordinate goes from that of the first key to that of the last, the others go
           // anywhere
    const Tree *from = first, *to = last(past);
    for (auto &[low, count] : llvm::reverse(ArrayRef(box).drop_front())) {
      from = reader.divide(from, reader.max(count, arena.number(1)));
      to = reader.divide(to, reader.max(count, arena.number(1)));
    }
    judge.bind(keys[0].name, {at(box[0].first, from, keys[0].step), at(box[0].first, to, keys[0].step)});
    for (auto [key, range] : llvm::drop_begin(llvm::zip_equal(keys, box)))
      judge.bind(key.name, {range.first, at(range.first, last(range.second), key.step)});
  }
  visited = reader.less(first, all);
  if (const Tree *may = mustAsk ? judge.mayAny(needed) : nullptr) {
    visited = reader.both(visited, may);
    asksTiles = true;
  }
  // Conditions of the kernel at hand that are no predicates, that features exist and the like, are taken to
  // hold.
  full = visited;
  if (llvm::all_of(needed, [](ArrayRef<Value> predicates) { return predicates.empty(); }))
    return;
  for (AccumulateOp op : plan.state) {
    const Tree *must = plan.needsBeside(op) ? judge.judgeAll(plan.neededBy(op)).must : nullptr;
    full = reader.both(full, must ? must : arena.boolean(false));
  }
}

void TileClasses::setInside(TileReader &reader, const StreamTiles &plan) {
  TreeArena &arena = *model->arena;
  SmallVector<const Tree *> conjunctions;
  for (ArrayRef<Value> predicates : plan.needed()) {
    SmallVector<const Tree *> parts; // each once
    std::function<void(const Tree *)> add = [&](const Tree *part) {
      if (part->is(TreeKind::And))
        llvm::for_each(part->args, add);
      else if (!llvm::is_contained(parts, part))
        parts.push_back(part);
    };
    for (Value predicate : predicates) {
      const Tree *tree = reader.read(predicate);
      if (!tree) {
        readsData = true;
        return;
      }
      add(tree);
    }
    conjunctions.push_back(parts.empty()       ? arena.boolean(true)
                           : parts.size() == 1 ? parts[0]
                                               : arena.get(TreeKind::And, ScalarKind::Bool, "", parts));
  }
  inside = conjunctions.size() == 1 ? conjunctions[0]
                                    : arena.get(TreeKind::Or, ScalarKind::Bool, "", conjunctions);
  if (!inside->isTrue())
    mask = toText(inside);
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

SmallVector<Points::Coordinate> TileClasses::blockCoordinates() const {
  SmallVector<Points::Coordinate> coordinates;
  int64_t all = 1;
  for (const Axis &axis : outer)
    coordinates.push_back({axis.name, axis.extent});
  for (const Axis &axis : rows)
    coordinates.push_back({model->arena->coordinate(blockOf(axis.name))->text, axis.blocks()});
  for (const Axis &axis : keys)
    all = llvm::SaturatingMultiply<uint64_t>(all, llvm::divideCeil(axis.extent, axis.step));
  coordinates.push_back({kKeyBlock, static_cast<int64_t>(llvm::divideCeil(uint64_t(all), uint64_t(n)))});
  return coordinates;
}

SmallVector<Points::Coordinate> TileClasses::scoreCoordinates() const {
  SmallVector<Points::Coordinate> coordinates;
  for (const auto *axes : {&outer, &rows, &keys})
    for (const Axis &axis : *axes)
      coordinates.push_back({axis.name, axis.extent});
  return coordinates;
}

std::optional<TileClasses::Counts> TileClasses::count(uint64_t &budget) const {
  if (listing)
    return listing->count(budget);
  auto coordinates = blockCoordinates();
  int64_t all = 1;
  for (const Points::Coordinate &coordinate : coordinates)
    if (llvm::MulOverflow(all, coordinate.extent, all))
      return std::nullopt;
  auto countOf = [&](const Tree *formula) {
    auto points = Points::of(formula, coordinates, *model, *extents);
    return points ? points->count(budget) : std::nullopt;
  };
  auto taken = countOf(visited), whole = taken ? countOf(full) : std::nullopt;
  if (!whole)
    return std::nullopt;
  Counts counts{*whole, *taken - *whole, all - *taken, *taken * m * n};
  // Every place of the box whose tile is visited is computed, and none beside it.
  TreeArena &arena = *model->arena;
  const Tree *place = arena.coordinate(kKeyBlock), *length = arena.number(1);
  for (auto &[low, count] : box)
    length = arena.mul(length, count);
  auto less = [&](const Tree *x, const Tree *y) { return arena.function("lt", {x, y}, ScalarKind::Bool); };
  const Tree *computed = less(place, length);
  if (asksTiles) {
    llvm::StringMap<const Tree *> tileOf{
        {kKeyBlock, arena.function("floordiv", {place, arena.number(n)}, ScalarKind::Integer)}};
    computed = arena.get(TreeKind::And, ScalarKind::Bool, "", {computed, arena.substitute(visited, tileOf)});
  }
  coordinates.back().extent = 1;
  for (const Axis &key : keys)
    coordinates.back().extent *= key.extent;
  if (auto places = countOf(computed))
    counts.computed = *places * m;
  return counts;
}

std::optional<int64_t> TileClasses::countInside(uint64_t &budget) const {
  auto points = inside ? Points::of(inside, scoreCoordinates(), *model, *extents) : std::nullopt;
  return points ? points->count(budget) : std::nullopt;
}

std::optional<Points::Spans> TileClasses::keysAt(ArrayRef<int64_t> at, uint64_t &budget) const {
  auto points = inside ? Points::of(inside, scoreCoordinates(), *model, *extents) : std::nullopt;
  return points ? points->keysAt(at, budget) : std::nullopt;
}

std::optional<TileClasses::Block> TileClasses::blockAt(ArrayRef<int64_t> at, uint64_t &budget) const {
  if (listing)
    return listing->blockAt(at, budget);
  auto coordinates = blockCoordinates();
  auto section = [&](const Tree *formula) {
    auto points = Points::of(formula, coordinates, *model, *extents);
    return points ? points->keysAt(at, budget) : std::nullopt;
  };
  auto numberOf = [&](const Tree *integer) {
    auto points = Points::of(integer, coordinates, *model, *extents);
    return points ? points->valueAt(at) : std::nullopt;
  };
  Block block;
  int64_t all = 1;
  for (auto [axis, range] : llvm::zip_equal(keys, box)) {
    auto first = numberOf(range.first), length = numberOf(range.second);
    if (!first || !length)
      return std::nullopt;
    block.box.push_back({*first, *length, axis.step});
    all *= *length;
  }
  auto taken = section(visited), whole = section(full);
  if (!taken || !whole)
    return std::nullopt;
  auto add = [&](int64_t low, int64_t high, bool isFull) {
    if (low < high)
      block.runs.push_back({low * n, std::min(high * n, all), isFull});
  };
  auto next = whole->begin();
  for (Points::Span span : *taken) {
    int64_t from = span.low;
    for (; next != whole->end() && next->low < span.high; ++next) { // full tiles are visited
      add(from, next->low, false);
      add(next->low, next->high, true);
      from = next->high;
    }
    add(from, span.high, false);
  }
  return block;
}
