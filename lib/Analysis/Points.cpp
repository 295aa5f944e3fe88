//===- Points.cpp - the points that satisfy a formula, at given extents ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Points.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace weir;

//===----------------------------------------------------------------------===//
// One point
//===----------------------------------------------------------------------===//

std::optional<int64_t> Points::apply(Op op, int64_t a, int64_t b) {
  int64_t r;
  switch (op) {
  case Op::Add:
    return AddOverflow(a, b, r) ? std::nullopt : std::optional(r);
  case Op::Sub:
    return SubOverflow(a, b, r) ? std::nullopt : std::optional(r);
  case Op::Mul:
    return MulOverflow(a, b, r) ? std::nullopt : std::optional(r);
  case Op::Neg:
  case Op::Abs:
    if (a == INT64_MIN)
      return std::nullopt;
    return op == Op::Neg ? -a : std::abs(a);
  case Op::Sign:
    return (a > 0) - (a < 0);
  case Op::Min:
    return std::min(a, b);
  case Op::Max:
    return std::max(a, b);
  case Op::Floordiv:
  case Op::Mod: {
    if (b == 0 || b == -1 || b == INT64_MIN)
      return b == -1 && op == Op::Mod ? std::optional<int64_t>(0) : std::nullopt;
    int64_t rest = a % b < 0 ? a % b + std::abs(b) : a % b;
    return op == Op::Mod ? rest : a / b - (a % b != 0 && (a % b < 0) != (b < 0));
  }
  case Op::BitAnd:
    return a & b;
  case Op::BitOr:
    return a | b;
  case Op::BitXor:
    return a ^ b;
  case Op::Eq:
    return a == b;
  case Op::Ne:
    return a != b;
  case Op::Lt:
    return a < b;
  case Op::Le:
    return a <= b;
  case Op::Gt:
    return a > b;
  case Op::Ge:
    return a >= b;
  default:
    return std::nullopt;
  }
}

int64_t Points::value(unsigned index) {
  const Node &node = nodes[index];
  if (!spend())
    return 0;
  switch (node.op) {
  case Op::Number:
    return node.number;
  case Op::Slot:
    return point[node.number];
  case Op::Select:
    return value(node.args[holds(node.args[0]) ? 1 : 2]);
  case Op::And:
    return all_of(node.args, [&](unsigned part) { return holds(part); });
  case Op::Or:
    return any_of(node.args, [&](unsigned part) { return holds(part); });
  case Op::Not:
    return !holds(node.args[0]);
  case Op::Any:
  case Op::Count: {
    int64_t found = 0;
    std::function<void(size_t)> visit = [&](size_t i) {
      auto [slot, extent] = node.bound[i];
      if (i + 1 == node.bound.size()) { // of the innermost, spans
        unsigned outer = std::exchange(key, slot);
        Spans spans;
        spansOf(node.args[0], {0, extent}, spans);
        key = outer;
        for (Span span : spans)
          found += span.high - span.low;
        return;
      }
      for (int64_t c = 0; c < extent && !failed && !(found && node.op == Op::Any); ++c) {
        point[slot] = c;
        visit(i + 1);
      }
    };
    if (node.bound.empty())
      return holds(node.args[0]);
    visit(0);
    return node.op == Op::Any ? found > 0 : found;
  }
  case Op::Read: {
    SmallVector<int64_t> indices = to_vector(map_range(node.args, [&](unsigned arg) { return value(arg); }));
    auto entry = failed ? std::nullopt : entryOf(*node.table, indices);
    return entry ? node.table->values[*entry] : 0;
  }
  default:
    break;
  }
  int64_t a = value(node.args[0]), b = node.args.size() > 1 ? value(node.args[1]) : 0;
  auto result = failed ? std::nullopt : apply(node.op, a, b);
  return result ? *result : fail();
}

/// The number of an entry; nothing outside the tensor.
std::optional<int64_t> Points::entryOf(const KnownInput &table, ArrayRef<int64_t> indices) {
  int64_t entry = 0;
  for (auto [index, extent] : zip_equal(indices, table.shape)) {
    if (index < 0 || index >= extent)
      return std::nullopt;
    entry = entry * extent + index;
  }
  return entry;
}

bool Points::holds(unsigned node) { return value(node) != 0; }

//===----------------------------------------------------------------------===//
// Pieces: integers over a span of keys
//===----------------------------------------------------------------------===//

static std::optional<int64_t> at(int64_t slope, int64_t offset, int64_t k) {
  int64_t product, sum;
  if (MulOverflow(slope, k, product) || AddOverflow(product, offset, sum))
    return std::nullopt;
  return sum;
}

/// The last key of a span of affine values that are all below 0, all 0, or all above 0 with that at its
/// beginning.
static int64_t sameSignUntil(Points::Span span, int64_t slope, int64_t offset) {
  int64_t first = slope * span.low + offset, last = span.high - 1;
  if (slope == 0)
    return last;
  if (first == 0)
    return span.low;
  if ((first > 0) == (slope > 0))
    return last;
  // |first| shrinks by |slope| a key.
  return std::min(last, span.low + (std::abs(first) - 1) / std::abs(slope));
}

/// floor((slope * k + offset) / by), or the remainder, by > 0.
void Points::divide(Op op, const Piece &a, int64_t by, Pieces &out) {
  auto quotient = [&](int64_t v) { return *apply(Op::Floordiv, v, by); };
  if (a.slope % by == 0) {
    int64_t q = by == 1 ? a.offset : quotient(a.offset);
    if (op == Op::Floordiv)
      out.push_back({a.span, a.slope / by, q});
    else
      out.push_back({a.span, 0, a.offset - by * q});
    return;
  }
  for (int64_t k = a.span.low; k < a.span.high && spend();) {
    int64_t q = quotient(a.slope * k + a.offset);
    // How far the dividend stays in q*by .. q*by + by - 1.
    int64_t room = a.slope > 0 ? by * q + by - 1 - (a.slope * k + a.offset) : a.slope * k + a.offset - by * q;
    int64_t end = std::min(a.span.high, k + room / std::abs(a.slope) + 1);
    if (op == Op::Floordiv)
      out.push_back({{k, end}, 0, q});
    else
      out.push_back({{k, end}, a.slope, a.offset - by * q});
    k = end;
  }
}

/// An operation on affine values over one span.
void Points::combine(Op op, const Piece &a, const Piece &b, Pieces &out) {
  Span span = a.span;
  auto whole = [&](int64_t slope, int64_t offset) {
    if (!at(slope, offset, span.low) || !at(slope, offset, span.high))
      fail();
    out.push_back({span, slope, offset});
  };
  switch (op) {
  case Op::Add:
  case Op::Sub: {
    int64_t slope, offset;
    bool bad = op == Op::Add
                   ? AddOverflow(a.slope, b.slope, slope) || AddOverflow(a.offset, b.offset, offset)
                   : SubOverflow(a.slope, b.slope, slope) || SubOverflow(a.offset, b.offset, offset);
    return bad ? (void)fail() : whole(slope, offset);
  }
  case Op::Mul: {
    const Piece &x = a.slope ? a : b, &k = a.slope ? b : a;
    int64_t slope, offset;
    if (!k.slope) {
      if (MulOverflow(x.slope, k.offset, slope) || MulOverflow(x.offset, k.offset, offset))
        return (void)fail();
      return whole(slope, offset);
    }
    break;
  }
  case Op::Floordiv:
  case Op::Mod:
    if (!b.slope && b.offset > 0)
      return divide(op, a, b.offset, out);
    break;
  case Op::Min:
  case Op::Max: {
    int64_t slope, offset;
    if (SubOverflow(a.slope, b.slope, slope) || SubOverflow(a.offset, b.offset, offset) ||
        !at(slope, offset, span.low) || !at(slope, offset, span.high))
      return (void)fail();
    while (span.low < span.high && spend()) {
      int64_t end = sameSignUntil(span, slope, offset) + 1;
      const Piece &x = (slope * span.low + offset <= 0) == (op == Op::Min) ? a : b;
      out.push_back({{span.low, end}, x.slope, x.offset});
      span.low = end;
    }
    return;
  }
  case Op::Neg:
    return combine(Op::Sub, {span, 0, 0}, a, out);
  case Op::Abs:
  case Op::Sign:
    while (span.low < span.high && spend()) {
      int64_t end = sameSignUntil(span, a.slope, a.offset) + 1, first = a.slope * span.low + a.offset;
      int64_t sign = (first > 0) - (first < 0);
      Span own{span.low, end};
      out.push_back(op == Op::Sign ? Piece{own, 0, sign} : Piece{own, sign * a.slope, sign * a.offset});
      span.low = end;
    }
    return;
  default:
    break;
  }
  for (int64_t k = span.low; k < span.high && spend(); ++k) {
    auto x = at(a.slope, a.offset, k), y = at(b.slope, b.offset, k);
    auto result = x && y ? apply(op, *x, *y) : std::nullopt;
    out.push_back({{k, k + 1}, 0, result ? *result : fail()});
  }
}

void Points::pairPieces(const Node &node, Span within, Pieces &out) {
  Pieces as, bs;
  piecesOf(node.args[0], within, as);
  if (node.args.size() < 2) {
    for (const Piece &a : as)
      combine(node.op, a, {a.span, 0, 0}, out);
    return;
  }
  piecesOf(node.args[1], within, bs);
  for (auto a = as.begin(), b = bs.begin(); a != as.end() && b != bs.end() && !failed;) {
    Span common{std::max(a->span.low, b->span.low), std::min(a->span.high, b->span.high)};
    combine(node.op, {common, a->slope, a->offset}, {common, b->slope, b->offset}, out);
    bool first = a->span.high == common.high, second = b->span.high == common.high;
    a += first;
    b += second;
  }
}

void Points::pointwise(unsigned node, Span within, Pieces &out) {
  for (int64_t k = within.low; k < within.high && !failed; ++k) {
    point[key] = k;
    out.push_back({{k, k + 1}, 0, value(node)});
  }
}

/// The runs of equal entries in rows of a tensor.
void Points::readRuns(unsigned index, Span within, Pieces &out) {
  const Node &node = nodes[index];
  SmallVector<Pieces> pieces(node.args.size());
  for (auto [arg, own] : zip_equal(node.args, pieces))
    piecesOf(arg, within, own);
  SmallVector<size_t> next(pieces.size(), 0);
  for (int64_t k = within.low; k < within.high && !failed && spend();) {
    SmallVector<int64_t> indices;
    int64_t end = within.high;
    bool isOneRow = true;
    for (auto [arg, own] : enumerate(pieces)) {
      while (own[next[arg]].span.high <= k)
        ++next[arg];
      const Piece &piece = own[next[arg]];
      indices.push_back(piece.slope * k + piece.offset);
      end = std::min(end, piece.span.high);
      isOneRow &= piece.slope == 0 || (arg + 1 == pieces.size() && piece.slope == 1);
    }
    auto entry = entryOf(*node.table, indices);
    bool isMoving = pieces.back()[next.back()].slope != 0;
    if (!isOneRow || (isMoving && !entry))
      end = k + 1;
    else if (isMoving)
      end = std::min(end, k + node.table->runEnds[*entry] - indices.back());
    out.push_back({{k, end}, 0, entry ? node.table->values[*entry] : 0});
    k = end;
  }
}

/// Appends the values of an integer in ascending order of keys.
void Points::piecesOf(unsigned index, Span within, Pieces &out) {
  const Node &node = nodes[index];
  if (within.low >= within.high || !spend())
    return;
  if (!isOnKey(index)) {
    out.push_back({within, 0, value(index)});
    return;
  }
  if (node.op == Op::Slot) {
    out.push_back({within, 1, 0});
    return;
  }
  if (node.op == Op::Select) {
    Spans chosen;
    spansOf(node.args[0], within, chosen);
    int64_t from = within.low;
    for (Span span : chosen) {
      piecesOf(node.args[2], {from, span.low}, out);
      piecesOf(node.args[1], span, out);
      from = span.high;
    }
    piecesOf(node.args[2], {from, within.high}, out);
    return;
  }
  if (node.op < Op::Select)
    pairPieces(node, within, out);
  else if (node.op == Op::Read)
    readRuns(index, within, out);
  else
    pointwise(index, within, out);
}

//===----------------------------------------------------------------------===//
// Spans: formulas over a span of keys
//===----------------------------------------------------------------------===//

static void append(Points::Spans &out, Points::Span span) {
  if (span.low >= span.high)
    return;
  if (!out.empty() && out.back().high == span.low)
    out.back().high = span.high;
  else
    out.push_back(span);
}

static Points::Spans unite(const Points::Spans &a, const Points::Spans &b) {
  Points::Spans out;
  for (auto x = a.begin(), y = b.begin(); x != a.end() || y != b.end();) {
    Points::Span next = y == b.end() || (x != a.end() && x->low <= y->low) ? *x++ : *y++;
    if (!out.empty() && next.low <= out.back().high)
      out.back().high = std::max(out.back().high, next.high);
    else
      out.push_back(next);
  }
  return out;
}

/// Appends the keys at which an integer is at least (at most) a number. What is monotone in its operand is
/// asked of that.
void Points::atLeast(unsigned index, int64_t v, bool isMost, Span within, Spans &out) {
  const Node &node = nodes[index];
  if (within.low >= within.high || !spend())
    return;
  auto side = [&](std::optional<int64_t> value) { return value ? *value : fail(); };
  if (!isOnKey(index)) {
    int64_t own = value(index);
    if (isMost ? own <= v : own >= v)
      append(out, within);
    return;
  }
  bool first = !node.args.empty() && isOnKey(node.args[0]),
       second = node.args.size() > 1 && isOnKey(node.args[1]);
  auto number = [&] { return value(node.args[first ? 1 : 0]); };
  auto narrowed = [&](unsigned part, int64_t bound, bool most) { atLeast(part, bound, most, within, out); };
  auto both = [&](bool isAnd, function_ref<void(Span, Spans &)> x, function_ref<void(Span, Spans &)> y) {
    Spans one, two;
    x(within, one);
    if (!isAnd)
      y(within, two);
    for (Span span : isAnd ? one : unite(one, two))
      isAnd ? y(span, out) : append(out, span);
  };
  if (node.op == Op::Slot)
    return append(out, isMost ? Span{within.low, std::min(within.high, v == INT64_MAX ? v : v + 1)}
                              : Span{std::max(within.low, v), within.high});
  if (node.op == Op::Neg)
    return narrowed(node.args[0], side(apply(Op::Neg, v, 0)), !isMost);
  if (node.op == Op::Abs)
    return both(
        isMost, [&](Span span, Spans &to) { atLeast(node.args[0], v, isMost, span, to); },
        [&](Span span, Spans &to) { atLeast(node.args[0], side(apply(Op::Neg, v, 0)), !isMost, span, to); });
  if (node.op == Op::Min || node.op == Op::Max)
    return both((node.op == Op::Min) != isMost,
                [&](Span span, Spans &to) { atLeast(node.args[0], v, isMost, span, to); },
                [&](Span span, Spans &to) { atLeast(node.args[1], v, isMost, span, to); });
  if (node.args.size() == 2 && first != second) {
    if (node.op == Op::Add)
      return narrowed(node.args[first ? 0 : 1], side(apply(Op::Sub, v, number())), isMost);
    if (node.op == Op::Sub && first)
      return narrowed(node.args[0], side(apply(Op::Add, v, number())), isMost);
    if (node.op == Op::Sub)
      return narrowed(node.args[1], side(apply(Op::Sub, number(), v)), !isMost);
    int64_t by = number();
    if (node.op == Op::Mul && by > 0) // rounded towards what is asked for
      return narrowed(node.args[first ? 0 : 1],
                      isMost ? *apply(Op::Floordiv, v, by)
                             : -*apply(Op::Floordiv, side(apply(Op::Neg, v, 0)), by),
                      isMost);
    if (node.op == Op::Floordiv && first && by > 0) {
      int64_t bound = side(apply(Op::Mul, v, by));
      return narrowed(node.args[0], isMost ? side(apply(Op::Add, bound, by - 1)) : bound, isMost);
    }
  }
  Pieces pieces;
  piecesOf(index, within, pieces);
  for (Piece piece : pieces) {
    Span span = piece.span;
    if (SubOverflow(piece.offset, v, piece.offset))
      return (void)fail();
    while (span.low < span.high && !failed && spend()) {
      int64_t end = sameSignUntil(span, piece.slope, piece.offset) + 1,
              value = piece.slope * span.low + piece.offset;
      if (isMost ? value <= 0 : value >= 0)
        append(out, {span.low, end});
      span.low = end;
    }
  }
}

void Points::compare(const Node &node, Span within, Spans &out) {
  unsigned x = node.args[0];
  int64_t v = 0;
  Op op = node.op;
  if (!isOnKey(node.args[1])) {
    v = value(node.args[1]);
  } else if (!isOnKey(x)) { // mirrored
    v = value(x);
    x = node.args[1];
    op = op == Op::Lt ? Op::Gt : op == Op::Le ? Op::Ge : op == Op::Gt ? Op::Lt : op == Op::Ge ? Op::Le : op;
  } else {
    x = node.number; // the difference
  }
  if (op == Op::Lt || op == Op::Gt) {
    auto next = apply(Op::Add, v, op == Op::Lt ? -1 : 1);
    v = next ? *next : fail();
  }
  if (op != Op::Eq && op != Op::Ne)
    return atLeast(x, v, op == Op::Lt || op == Op::Le, within, out);
  Spans least, equal;
  atLeast(x, v, /*isMost=*/false, within, least);
  for (Span span : least)
    atLeast(x, v, /*isMost=*/true, span, equal);
  int64_t from = within.low;
  for (Span span : equal) {
    append(out, op == Op::Eq ? span : Span{from, span.low});
    from = span.high;
  }
  if (op == Op::Ne)
    append(out, {from, within.high});
}

/// Appends the keys, ascending.
void Points::spansOf(unsigned index, Span within, Spans &out) {
  const Node &node = nodes[index];
  if (within.low >= within.high || !spend())
    return;
  if (!isOnKey(index)) {
    if (holds(index))
      append(out, within);
    return;
  }
  switch (node.op) {
  case Op::And: {
    Spans now{within}, next;
    for (unsigned part : node.args) {
      for (Span span : now)
        spansOf(part, span, next);
      now = std::move(next);
      next.clear();
      if (now.empty())
        break;
    }
    for (Span span : now)
      append(out, span);
    return;
  }
  case Op::Or: {
    Spans all;
    for (unsigned part : node.args) {
      Spans own;
      spansOf(part, within, own);
      all = all.empty() ? std::move(own) : unite(all, own);
    }
    for (Span span : all)
      append(out, span);
    return;
  }
  case Op::Not: {
    Spans inner;
    spansOf(node.args[0], within, inner);
    int64_t from = within.low;
    for (Span span : inner) {
      append(out, {from, span.low});
      from = span.high;
    }
    append(out, {from, within.high});
    return;
  }
  case Op::Any: {
    Spans all;
    std::function<void(size_t)> visit = [&](size_t i) {
      if (i == node.bound.size()) {
        Spans own;
        spansOf(node.args[0], within, own);
        all = unite(all, own);
        return;
      }
      auto [slot, extent] = node.bound[i];
      bool full = false;
      for (int64_t c = 0; c < extent && !failed && !full; ++c) {
        point[slot] = c;
        visit(i + 1);
        full = all.size() == 1 && all.front() == within;
      }
    };
    visit(0);
    for (Span span : all)
      append(out, span);
    return;
  }
  default:
    break;
  }
  if (node.op >= Op::Eq && node.op <= Op::Ge)
    return compare(node, within, out);
  Pieces pieces; // a condition that is a value
  piecesOf(index, within, pieces);
  for (const Piece &piece : pieces)
    if (piece.offset)
      append(out, piece.span);
}

std::optional<Points::Spans> Points::keysAt(ArrayRef<int64_t> others, uint64_t &budget) {
  assert(!extents.empty() && others.size() == extents.size() - 1 &&
         "a value for each coordinate but the last");
  copy(others, point.begin());
  left = budget;
  failed = false;
  Spans out;
  spansOf(root, {0, extents.back()}, out);
  budget = left;
  return failed ? std::nullopt : std::optional(out);
}

std::optional<std::pair<int64_t, int64_t>> Points::rangeAt(ArrayRef<int64_t> others, Span keys,
                                                           uint64_t &budget) {
  copy(others, point.begin());
  left = budget;
  failed = false;
  Pieces pieces;
  piecesOf(root, keys, pieces);
  budget = left;
  if (failed || pieces.empty())
    return std::nullopt;
  std::pair<int64_t, int64_t> range{INT64_MAX, INT64_MIN};
  for (const Piece &piece : pieces)
    for (int64_t k : {piece.span.low, piece.span.high - 1}) {
      int64_t number = piece.slope * k + piece.offset;
      range = {std::min(range.first, number), std::max(range.second, number)};
    }
  return range;
}

std::optional<int64_t> Points::valueAt(ArrayRef<int64_t> others) {
  assert(!isOnKey(root) && "depends on the last coordinate");
  copy(others, point.begin());
  left = UINT64_MAX;
  failed = false;
  int64_t result = value(root);
  return failed ? std::nullopt : std::optional(result);
}
