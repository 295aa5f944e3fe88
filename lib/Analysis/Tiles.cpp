//===- Tiles.cpp - what a kernel does with each tile of a stream ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// BlockJudge.h over trees in the number of a block of rows and of a block of its keys: what
// is visited and what is full are then formulas, of which Points.h counts the points.
#include "weir/Analysis/Tiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "weir/Analysis/BlockJudge.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

/// Names of what is no coordinate of a cascade: the number of a block along a row's coordinate, and of a
/// block of keys.
static std::string blockOf(StringRef row) { return ("$" + row).str(); }
constexpr StringRef kKeyBlock = "$";

/// Values of a function as trees, its extents as numbers; and Numbers of BlockJudge as trees.
class TileClasses::Reader {
public:
  using Number = const Tree *;
  Reader(const StreamTiles &plan, Extents &classes, Presences &presences, const CascadeModel &model,
         const llvm::StringMap<int64_t> &extents)
      : arena(*model.arena), plan(plan), classes(classes), presences(presences), model(model),
        extents(extents) {
    for (const auto *coordinates : {&plan.outer, &plan.rows, &plan.keys})
      for (auto &[name, extent] : *coordinates)
        inhabited.insert(classes.of(extent));
  }

  Number number(int64_t v) { return arena.number(v); }
  Number truth(bool v) { return arena.boolean(v); }
  Number add(Number x, Number y) { return arena.add(x, y); }
  Number sub(Number x, Number y) { return arena.sub(x, y); }
  Number min(Number x, Number y) { return call("min", x, y); }
  Number max(Number x, Number y) { return call("max", x, y); }
  Number times(Number x, int64_t k) { return arena.mul(x, number(k)); }
  Number floordiv(Number x, int64_t k) { return call("floordiv", x, number(k)); }
  Number ceildiv(Number x, int64_t k) { return sub(number(0), floordiv(sub(number(0), x), k)); }
  Number atMost(Number x, Number y) { return call("le", x, y, ScalarKind::Bool); }
  Number less(Number x, Number y) { return call("lt", x, y, ScalarKind::Bool); }
  Number both(Number x, Number y) { return arena.get(TreeKind::And, ScalarKind::Bool, "", {x, y}); }
  Number either(Number x, Number y) { return arena.get(TreeKind::Or, ScalarKind::Bool, "", {x, y}); }
  Number invert(Number x) { return arena.get(TreeKind::Not, ScalarKind::Bool, "", {x}); }
  Number select(Number c, Number x, Number y) {
    return arena.get(TreeKind::Select, ScalarKind::Integer, "", {c, x, y});
  }
  Number fixed(Value v);
  void enter(mlir::Block *) {}

  /// The value over the stream's coordinates; null where it reads data or an open extent.
  const Tree *read(Value v);
  std::optional<int64_t> extentOf(Value v);
  Number divide(Number x, Number y) { return call("floordiv", x, y); }

private:
  const Tree *call(StringRef name, const Tree *x, const Tree *y, ScalarKind kind = ScalarKind::Integer) {
    return arena.function(name, {x, y}, kind);
  }
  const Tree *readOp(Operation *op);

  TreeArena &arena;
  const StreamTiles &plan;
  Extents &classes;
  Presences &presences;
  const CascadeModel &model;
  const llvm::StringMap<int64_t> &extents;
  std::set<std::string> inhabited; ///< extents of what the kernel loops over
  DenseMap<Value, const Tree *> known;
};

const Tree *TileClasses::Reader::readOp(Operation *op) {
  APInt constant;
  if (matchPattern(op, m_ConstantInt(&constant)))
    return number(constant.getSExtValue());
  if (isa<arith::IndexCastOp>(op))
    return read(op->getOperand(0));
  if (auto rank = dyn_cast<RankOp>(op))
    return read(rank.getValue());
  if (isa<tensor::DimOp>(op)) {
    std::string name = classes.of(op->getResult(0));
    StringRef rank = name;
    auto size = Extents::constant(name);
    if (!size && rank.consume_front("rank "))
      size = model.evaluate(arena.extent(rank), extents);
    return size ? number(*size) : nullptr;
  }
  if (auto literal = dyn_cast<LiteralOp>(op)) {
    if (literal.getType().isInteger(1))
      return truth(literal.getText() == "true");
    auto value = getLiteral(literal);
    return value ? number(*value) : nullptr;
  }
  SmallVector<const Tree *> args;
  if (!isa<MapOp, AndOp, OrOp, NotOp, SelectOp>(op))
    return nullptr;
  for (Value operand : op->getOperands()) {
    args.push_back(isa<FloatType>(operand.getType()) ? nullptr : read(operand));
    if (!args.back())
      return nullptr;
  }
  ScalarKind kind = op->getResult(0).getType().isInteger(1) ? ScalarKind::Bool : ScalarKind::Integer;
  if (auto map = dyn_cast<MapOp>(op))
    return isa<FloatType>(map.getType())
               ? nullptr
               : arena.get(TreeKind::Function, kind, stringifyFn(map.getFn()), args);
  TreeKind tree = isa<AndOp>(op)   ? TreeKind::And
                  : isa<OrOp>(op)  ? TreeKind::Or
                  : isa<NotOp>(op) ? TreeKind::Not
                                   : TreeKind::Select;
  return arena.get(tree, kind, "", args);
}

const Tree *TileClasses::Reader::read(Value v) {
  if (auto found = known.find(v); found != known.end())
    return found->second;
  const Tree *tree = nullptr;
  if (Operation *op = v.getDefiningOp()) {
    tree = readOp(op);
  } else {
    auto argument = cast<BlockArgument>(v);
    if (!isa<func::FuncOp>(argument.getOwner()->getParentOp()) &&
        plan.roleOf(argument) != StreamTiles::Role::Inner)
      tree = arena.coordinate(getCoordinateName(argument));
  }
  return known[v] = tree;
}

std::optional<int64_t> TileClasses::Reader::extentOf(Value v) {
  const Tree *tree = read(v);
  return tree ? model.evaluate(tree, extents) : std::nullopt;
}

const Tree *TileClasses::Reader::fixed(Value v) {
  Presence present = presences.of(v);
  if (!present || !llvm::all_of(*present, [&](const std::string &name) { return inhabited.count(name); }))
    return nullptr;
  const Tree *tree = read(v);
  if (auto constant = tree ? tree->getInteger() : std::nullopt)
    return number(std::clamp(*constant, -BlockJudge<Reader>::kLargest, BlockJudge<Reader>::kLargest));
  return tree;
}

std::optional<TileClasses> TileClasses::of(const StreamTiles &plan, mapping::TilesAttr sizes,
                                           Extents &classes, Presences &presences, const CascadeModel &model,
                                           const llvm::StringMap<int64_t> &extents) {
  if (plan.isAlone || plan.shared)
    return std::nullopt; // blocks of rows are no grid
  Reader reader(plan, classes, presences, model, extents);
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
      to.push_back({coordinate.first.str(), std::max<int64_t>(*size, 0), blocks.empty() ? 1 : blocks[k]});
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
  return tiles;
}

/// What the loops of a kernel go over, and what they ask.
void TileClasses::setBlocks(Reader &reader, const StreamTiles &plan) {
  using Judge = BlockJudge<Reader>;
  TreeArena &arena = *model->arena;
  auto needed = plan.needed();
  Judge judge(reader, plan);
  auto last = [&](const Tree *past) { return arena.sub(past, arena.number(1)); };
  auto bind = [&](const Axis &axis, const Tree *first, const Tree *past) {
    judge.bind(axis.name, {first, last(past)});
  };
  for (const Axis &row : rows) {
    const Tree *first = reader.times(arena.coordinate(blockOf(row.name)), row.block);
    bind(row, first, reader.min(arena.add(first, arena.number(row.block)), arena.number(row.extent)));
  }
  if (keys.size() > 1) // where a range of one is asked for the others go anywhere
    for (const Axis &key : keys)
      bind(key, arena.number(0), arena.number(key.extent));
  bool mustAsk = !judge.areRanges(needed);
  const Tree *all = nullptr;
  for (auto [k, key] : llvm::enumerate(keys)) {
    judge.setRanged(k);
    auto [low, high] = judge.rangeOfAny(needed, arena.number(key.extent));
    box.push_back({low, arena.sub(high, low)});
    all = all ? arena.mul(all, box.back().second) : box.back().second;
  }
  const Tree *first = reader.times(arena.coordinate(kKeyBlock), n);
  const Tree *past = reader.min(arena.add(first, arena.number(n)), all);
  if (keys.size() == 1) {
    bind(keys[0], arena.add(box[0].first, first), arena.add(box[0].first, past));
  } else { // the outermost coordinate goes from that of the first key to that of the last, the others go
           // anywhere
    const Tree *from = first, *to = last(past);
    for (auto &[low, count] : llvm::reverse(ArrayRef(box).drop_front())) {
      from = reader.divide(from, reader.max(count, arena.number(1)));
      to = reader.divide(to, reader.max(count, arena.number(1)));
    }
    judge.bind(keys[0].name, {arena.add(box[0].first, from), arena.add(box[0].first, to)});
    for (auto [key, range] : llvm::drop_begin(llvm::zip_equal(keys, box)))
      bind(key, range.first, arena.add(range.first, range.second));
  }
  visited = reader.less(first, all);
  if (const Tree *may = mustAsk ? judge.mayAny(needed) : nullptr)
    visited = reader.both(visited, may);
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

void TileClasses::setInside(Reader &reader, const StreamTiles &plan) {
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
    all = llvm::SaturatingMultiply<uint64_t>(all, axis.extent);
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
  return whole ? std::optional(Counts{*whole, *taken - *whole, all - *taken}) : std::nullopt;
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
  for (auto &[low, count] : box) {
    auto first = numberOf(low), length = numberOf(count);
    if (!first || !length)
      return std::nullopt;
    block.box.push_back({*first, *first + *length});
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
