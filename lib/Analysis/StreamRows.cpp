//===- StreamRows.cpp - what rows and keys of a stream in tiles are -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys are what the state is reduced over. Rows are the innermost coordinate with which all judgements hold; several where keys are tuples
// too; one of whose blocks share a quotient where none can be taken freely, or none of which there is more than one; or else one at a time.
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

using Role = StreamTiles::Role;

//===----------------------------------------------------------------------===//
// Rows that share a quotient
//===----------------------------------------------------------------------===//

std::optional<StreamTiles::Quotient> StreamTiles::quotientOf(MapOp map) const {
  if (!map || map.getFn() != Fn::Floordiv)
    return std::nullopt;
  StringRef row;
  auto isRow = [&](Value v) {
    auto argument = dyn_cast<BlockArgument>(v);
    bool is = argument && getExtent(argument) && roleOf(argument) == Role::Row;
    if (is)
      row = getCoordinateName(argument);
    return is;
  };
  auto isFixed = [&](Value v) {
    return dependence->of(v).empty() && !StringRef(extents->of(v)).contains("value ");
  };
  Value dividend = map.getOperands_()[0], divisor = map.getOperands_()[1];
  if (!isFixed(divisor))
    return std::nullopt;
  if (isRow(dividend))
    return Quotient{row, Value(), divisor};
  auto product = dividend.getDefiningOp<MapOp>();
  if (product && product.getFn() == Fn::Mul)
    for (unsigned k : {0u, 1u})
      if (isRow(product.getOperands_()[k]) && isFixed(product.getOperands_()[1 - k]))
        return Quotient{row, product.getOperands_()[1 - k], divisor};
  return std::nullopt;
}

bool StreamTiles::isShared(Value value) const {
  auto map = value.getDefiningOp<MapOp>();
  if (!shared || !map)
    return false;
  auto own = quotientOf(map), first = quotientOf(shared);
  auto isSame = [&](Value x, Value y) { return bool(x) == bool(y) && (!x || extents->of(x) == extents->of(y)); };
  return own && first && own->row == first->row && isSame(own->factor, first->factor) &&
         isSame(own->divisor, first->divisor);
}

std::optional<int64_t> StreamTiles::getShare() const {
  if (!shared)
    return std::nullopt;
  auto [row, factor, divisor] = *quotientOf(shared);
  auto above = Extents::constant(extents->of(divisor));
  auto below = factor ? Extents::constant(extents->of(factor)) : std::optional<int64_t>(1);
  if (!above || !below || *above < 1 || *below < 1)
    return std::nullopt;
  return *above % *below ? 1 : *above / *below;
}

/// Whether a value depends on the row otherwise than by what all rows of a block share.
bool StreamTiles::reachesRow(Value value) const {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return getExtent(argument) && roleOf(argument) == Role::Row;
  Operation *op = value.getDefiningOp();
  if (!op || isa<TensorType>(value.getType()) || !isa<AttnDialect>(op->getDialect()) || isShared(value))
    return false;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return reachesRow(reduce.getYield().getValues()[0]);
  return llvm::any_of(op->getOperands(), [&](Value v) { return reachesRow(v); });
}

//===----------------------------------------------------------------------===//
// Blocks of rows
//===----------------------------------------------------------------------===//

std::string StreamTiles::nameOfRow() const {
  std::string names;
  for (auto &[name, extent] : rows)
    names += (names.empty() ? "" : ", ") + name.str();
  return names;
}

std::optional<int64_t> StreamTiles::count(const Coordinates &coordinates, bool ofClass) const {
  int64_t product = 1;
  for (auto &[name, extent] : coordinates) {
    std::optional<int64_t> constant = Extents::constant(extents->of(extent));
    if (constant && ofClass)
      constant = llvm::divideCeil(*constant, stepOf(name));
    if (!constant || llvm::MulOverflow(product, *constant, product))
      return std::nullopt;
  }
  return product;
}

/// A neighbourhood of a block is as much larger than the block as it is wide; this is a usual width less one.
constexpr int64_t kSurround = 8;

SmallVector<int64_t> StreamTiles::shapeOf(int64_t m) const {
  if (isAlone)
    return {1};
  SmallVector<int64_t> shape(rows.size(), 1), best;
  double least = 0;
  // All ways to write m as a product; the best computes few rows too many, and touches few keys around.
  if (rows.size() == 1)
    return {m};
  std::function<void(unsigned, int64_t, double)> visit = [&](unsigned k, int64_t left, double cost) {
    bool isLast = k + 1 == rows.size();
    for (int64_t s = 1; s <= left; ++s) {
      if (left % s || (isLast && s != left))
        continue;
      shape[k] = s;
      double own = keys.size() > 1 ? double(s + kSurround) : 1;
      auto extent = Extents::constant(extents->of(rows[k].second));
      if (shared && quotientOf(shared)->row == rows[k].first)
        extent = getShare();
      if (extent)
        extent = llvm::divideCeil(*extent, stepOf(rows[k].first));
      if (extent && *extent > 0)
        own *= double(llvm::divideCeil(*extent, s) * s) / double(*extent);
      if (!isLast)
        visit(k + 1, left / s, cost * own);
      else if (best.empty() || cost * own <= least) {
        least = cost * own;
        best = shape;
      }
    }
  };
  visit(0, m, 1);
  return best;
}

//===----------------------------------------------------------------------===//
// Choice of the row
//===----------------------------------------------------------------------===//

bool StreamTiles::choose(const Coordinates &all, ArrayRef<unsigned> asRows) {
  rows.clear();
  outer.clear();
  for (unsigned k = 0; k < all.size(); ++k)
    (llvm::is_contained(asRows, k) ? rows : outer).push_back(all[k]);
  products.clear();
  sums.clear();
  for (EinsumOp einsum : body) {
    if (!hasOuterAndRows(einsum.getCoords()) || einsum.getCoords().size() != outer.size() + rows.size() + keys.size())
      return refuse(einsum.getName() + " has other coordinates than the scores");
    if (cast<RankedTensorType>(einsum.getType()).getElementType() != real ||
        einsum.getYield().getValues()[0].getType() != real)
      return refuse(einsum.getName() + " is no real number of the stream's width");
    if (!judgeElementwise(einsum.getYield().getValues()[0]))
      return false;
  }
  for (AccumulateOp accumulate : state)
    if (!judgeState(accumulate))
      return false;
  for (EinsumOp einsum : finish) {
    unsigned features = einsum.getCoords().size() - std::min<size_t>(einsum.getCoords().size(), outer.size() + rows.size());
    if (!hasOuterAndRows(einsum.getCoords()) || features > 1)
      return refuse(einsum.getName() + " is no value of a row and at most one coordinate beside it");
    if (!judgeFinish(einsum.getYield().getValues()[0]))
      return false;
    Type element = cast<RankedTensorType>(einsum.getType()).getElementType();
    if (element != einsum.getYield().getValues()[0].getType())
      return refuse(einsum.getName() + " is rounded before it is stored");
  }
  // Without one the generic road does as well.
  return !sums.empty() || refuse("no score is a product of matrices");
}

/// Sorts coordinates as dimensions of a tensor that has all of them, as keys have, so that the last moves least in memory.
static void sortAsInMemory(StreamOp stream, StreamTiles::Coordinates &coordinates) {
  stream.walk([&](ReadOp read) {
    StreamTiles::Coordinates found;
    for (Value index : read.getIndices())
      if (auto argument = dyn_cast<BlockArgument>(index); argument && !isa<ReduceOp>(argument.getOwner()->getParentOp()))
        for (auto &coordinate : coordinates)
          if (coordinate.first == getCoordinateName(argument))
            found.push_back(coordinate);
    if (found.size() != coordinates.size() || !isa<BlockArgument>(read.getSource()))
      return WalkResult::advance();
    coordinates = found;
    return WalkResult::interrupt();
  });
}

/// The coordinates over which the state is reduced.
bool StreamTiles::findKeys() {
  auto [names, ends] = getLeftSide(body[0]);
  ArrayAttr over = state[0].getOver();
  for (auto [name, end] : llvm::zip(names.getAsRange<StringAttr>(), ends))
    if (llvm::is_contained(over, name))
      keys.push_back({name.getValue(), end});
  if (keys.size() > 1)
    sortAsInMemory(stream, keys);
  return keys.size() == over.size() || refuse(state[0].getName() + " reduces over a coordinate that scores lack");
}

/// Rows of which a block shares a quotient.
bool StreamTiles::chooseShared(const Coordinates &all, ArrayRef<unsigned> asRows) {
  choose(all, asRows); // says what a row is
  SmallVector<MapOp> quotients;
  stream.walk([&](MapOp map) {
    if (quotientOf(map) && llvm::none_of(quotients, [&](MapOp other) {
          shared = other;
          return isShared(map);
        }))
      quotients.push_back(map);
  });
  for (MapOp quotient : quotients) {
    shared = quotient;
    if (choose(all, asRows))
      return true;
  }
  shared = nullptr;
  return false;
}

/// The rows that a mapping names, where these are several.
bool StreamTiles::chooseGiven(const Coordinates &all, StringRef names) {
  SmallVector<unsigned> asRows;
  for (StringRef name : llvm::split(names, ", "))
    for (auto [k, coordinate] : llvm::enumerate(all))
      if (coordinate.first == name)
        asRows.push_back(k);
  return asRows.size() > 1 && keys.size() == 1 && (choose(all, asRows) || chooseShared(all, asRows));
}

/// The coordinates of the row, and all that follows from them.
bool StreamTiles::chooseRows() {
  auto [names, ends] = getLeftSide(body[0]);
  Coordinates all;
  for (auto [name, end] : llvm::zip(names, ends))
    if (!llvm::is_contained(state[0].getOver(), name))
      all.push_back({cast<StringAttr>(name).getValue(), end});
  if (keys.size() > 1)
    sortAsInMemory(stream, all);
  if (auto given = stream->getAttrOfType<mapping::TilesAttr>("mapping"); given && chooseGiven(all, given.getRows().getValue()))
    return true;
  // The innermost coordinate that can be; one that is known to be a single row only where no other is more.
  std::optional<unsigned> single, chosen;
  for (unsigned k = all.size(); k-- > 0 && !chosen;) {
    auto length = Extents::constant(extents->of(all[k].second));
    if ((single && length.value_or(1) <= 1) || !choose(all, k))
      continue;
    (length != 1 ? chosen : single) = k;
  }
  // Heads that share keys are several rows where there is one query.
  for (unsigned k = all.size(); k-- > 0 && !chosen;)
    if (chooseShared(all, k)) {
      if (!single || getShare() != 1)
        return true;
      shared = nullptr;
      break;
    }
  if (!chosen)
    chosen = single;
  if (!chosen && !all.empty()) {
    isAlone = true;
    if (choose(all, all.size() - 1))
      return true;
    isAlone = false;
  }
  // Of several coordinates that might be the row the innermost speaks.
  if (!chosen)
    return refuse("its scores have no coordinate but the streamed one");
  // Keys that are tuples are those of neighbourhoods, to which blocks of rows are close where they extend both ways.
  SmallVector<unsigned> asRows{*chosen};
  for (unsigned k = all.size(); k-- > 0 && asRows.size() < keys.size();) {
    if (k == *chosen)
      continue;
    asRows.push_back(k);
    if (!choose(all, asRows))
      asRows.pop_back();
  }
  reason.clear();
  if (!choose(all, asRows))
    llvm_unreachable("what was possible before is possible again");
  return true;
}

std::optional<StreamTiles> StreamTiles::of(StreamOp stream, Extents &extents, Dependence &dependence,
                                           Presences &presences, std::string *why) {
  StreamTiles plan;
  plan.stream = stream;
  plan.extents = &extents;
  plan.dependence = &dependence;
  plan.presences = &presences;
  for (Operation &op : stream.getBody().front().without_terminator()) {
    if (auto accumulate = dyn_cast<AccumulateOp>(op))
      plan.state.push_back(accumulate);
    else if (auto einsum = cast<EinsumOp>(op); llvm::is_contained(einsum.getCoords(), stream.getOver()[0]))
      plan.body.push_back(einsum);
    else
      plan.finish.push_back(einsum);
  }
  auto choose = [&] {
    if (plan.state.empty() || plan.body.empty())
      return plan.refuse("it has no scores");
    plan.real = cast<RankedTensorType>(plan.state[0].getType()).getElementType();
    if (!plan.real.isF32() && !plan.real.isF64())
      return plan.refuse("its state is not real");
    return plan.findKeys() && plan.chooseRows() && plan.chooseSteps();
  };
  if (choose())
    return plan;
  if (why)
    *why = plan.reason;
  return std::nullopt;
}
