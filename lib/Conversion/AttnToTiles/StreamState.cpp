//===- StreamState.cpp - what a block of keys does to the state -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First the products of the body and its equations; then the references move, and with them a correction for all that was summed
// against them; then everything is added. Identity, rescaling and weights follow from the accumulators' fields alone.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/APFloat.h"
#include <limits>

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;
constexpr Role kTile[] = {Role::Row, Role::Key};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double tiles::lowestOf(Type real) {
  return real.isF64() ? std::numeric_limits<double>::lowest() : double(std::numeric_limits<float>::lowest());
}

static double valueOf(std::optional<StringRef> rational) {
  if (!rational)
    return 1;
  auto [above, below] = rational->split('/');
  double a = 1, c = 1;
  (void)above.getAsDouble(a);
  if (!below.empty())
    (void)below.getAsDouble(c);
  return a / c;
}

Value tiles::selectPresent(ImplicitLocOpBuilder &b, Value present, Value value, double otherwise) {
  if (!present)
    return value;
  return arith::SelectOp::create(b, present, value, constantLike(b, value.getType(), otherwise));
}

//===----------------------------------------------------------------------===//
// Tiles of the body
//===----------------------------------------------------------------------===//

SmallVector<StreamEmitter::View> StreamEmitter::openSources(Builder &b, Value value) {
  SmallVector<View> views;
  for (Value source : plan.sourcesOf(value))
    views.push_back(inBlock(b, values.find(source)->second));
  return views;
}

/// Whether a tensor of the body is there at the coordinates of the region.
Value StreamEmitter::presenceOf(Builder &b, Value tensor, Space space) {
  if (Presence always = presences.ofTensor(tensor))
    return emitter.arePositive(b, *always);
  auto einsum = tensor.getDefiningOp<EinsumOp>();
  Value body = einsum.getYield().getValues()[0];
  // Values of tiles do not decide it, so any will do.
  SmallVector<Value> any(plan.sourcesOf(body).size(), constantLike(b, plan.real, 0));
  bindCoordinates(b, &einsum.getBody().front(), space);
  bindSources(b, body, space, any);
  return emitter.emit(b, body).present;
}

/// Binds what `value` reads of tiles to the elements at hand, in the order of openSources.
void StreamEmitter::bindSources(Builder &b, Value value, Space space, ValueRange args) {
  Operation *owner = value.getParentBlock()->getParentOp();
  while (isa<ReduceOp>(owner))
    owner = owner->getParentOp();
  for (auto [source, arg] : llvm::zip(plan.sourcesOf(value), args)) {
    if (auto reduce = source.getDefiningOp<ReduceOp>()) {
      emitter.bind(source, {arg, inside ? Value() : presenceOfFactors(b, reduce, space), nullptr});
      continue;
    }
    Value present = presenceOf(b, source, space);
    for (Operation *user : source.getUsers())
      if (auto read = dyn_cast<ReadOp>(user); read && owner->isProperAncestor(read))
        emitter.bind(read, {arg, present, nullptr});
  }
}

void StreamEmitter::emitSum(Builder &b, ReduceOp reduce) {
  auto scope = emitter.scope();
  View &tile = values[reduce.getResult()];
  if (!tile.memory)
    tile = makeTile(kTile);
  View out = inBlock(b, tile);
  const StreamTiles::Product &product = plan.products.find(reduce)->second;
  auto emitProduct = [&] {
    if (!product.shifted.empty())
      return emitShiftedSum(b, reduce, out);
    if (takesRuns(reduce)) {
      auto begin = [&] {
        View part = inBlock(b, tile);
        fill(b, part, 0);
        return part;
      };
      return forRuns(b, reduce, [&](const View &right) { contract(b, reduce, packed[reduce], right, begin()); }, begin);
    }
    contractNeeded(b, reduce, packed[reduce], openRight(b, reduce, /*contracted=*/true), out, /*isNew=*/true);
    Value rest = restOfScale.lookup(reduce);
    if (!rest)
      return;
    Value isMore = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, rest, constantLike(b, plan.real, 1));
    guarded(b, isMore, [&] {
      generic(b, kTile, {}, out, [&](Builder &in, ValueRange args) {
        return SmallVector<Value>{arith::MulFOp::create(in, args[0], rest)};
      });
    });
  };
  // Tiles are made of this one also where there are no features.
  auto emitNothing = [&] { fill(b, out, 0); };
  guarded(b, conditions[reduce], emitProduct,
          ShapedType::isDynamic(product.inner) ? function_ref<void()>(emitNothing) : nullptr);
}

/// The product of rows and differences, then of each row the elements at the differences of its keys.
void StreamEmitter::emitShiftedSum(Builder &b, ReduceOp reduce, const View &out) {
  View right = packShifted(b, reduce);
  View &whole = skewed[reduce];
  if (!whole.memory)
    whole = makeTile({Role::Row, Role::Shift});
  fill(b, whole, 0);
  contract(b, reduce, packed[reduce], right, whole);
  generic(b, kTile, {}, out, [&](Builder &in, ValueRange) {
    Value row = linalg::IndexOp::create(in, 0), key = linalg::IndexOp::create(in, 1);
    Value shift = arith::SubIOp::create(in, arith::AddIOp::create(in, key, constantIndex(in, sizes.getM() - 1)), row);
    return SmallVector<Value>{memref::LoadOp::create(in, whole.memory, ValueRange{row, shift})};
  });
}

/// Whether absent elements of a tensor of the body are -inf in its tile. An exponent of -inf weighs nothing and no maximum is less, so
/// those that read it so need not ask for presence, each once more.
bool StreamEmitter::isMasked(Value v) const {
  auto read = v.getDefiningOp<ReadOp>();
  Value tensor = read ? plan.ownTensor(read) : Value();
  if (!tensor || presences.ofTensor(tensor) || !llvm::is_contained(plan.body, tensor.getDefiningOp()))
    return false;
  return llvm::any_of(plan.state, [&](AccumulateOp op) {
    Value asked = op.getYield().getValues().back();
    auto other = asked.getDefiningOp<ReadOp>();
    bool takesIt = op.getReference() || op.getAccumulation() == Accumulation::Ref;
    return takesIt && other && other.getSource() == tensor;
  });
}

void StreamEmitter::emitEquation(Builder &b, EinsumOp einsum) {
  Value body = einsum.getYield().getValues()[0], bare = body;
  while (auto where = bare.getDefiningOp<WhereOp>())
    bare = where.getValue();
  SetVector<Value> sources = plan.sourcesOf(body);
  auto isInside = [&](Operation *user) { return einsum->isProperAncestor(user); };
  // A tile that only this equation reads may hold its result.
  Value own = sources.size() == 1 && llvm::all_of(sources[0].getUsers(), isInside) ? sources[0] : Value();
  View &tile = values[einsum.getResult()];
  if (own)
    tile = values.find(own)->second;
  auto read = bare.getDefiningOp<ReadOp>();
  bool isThere = own && (bare == own || (read && read.getSource() == own));
  bool masks = llvm::any_of(einsum.getResult().getUsers(),
                            [&](Operation *user) { return isa<ReadOp>(user) && isMasked(user->getResult(0)); });
  if (isThere && !masks)
    return;
  if (!tile.memory)
    tile = makeTile(kTile);
  SmallVector<View> ins;
  if (!own)
    ins = openSources(b, body);
  auto emit = [&] {
    if (inside && isThere)
      return;
    generic(b, kTile, ins, inBlock(b, tile), [&](Builder &in, ValueRange args) {
      bindCoordinates(in, &einsum.getBody().front(), kTile);
      bindSources(in, body, kTile, args);
      Lane lane = emitter.emit(in, body);
      Value value = emitter.materialize(in, lane);
      return SmallVector<Value>{masks ? selectPresent(in, lane.present, value, -kInfinity) : value};
    });
  };
  if (masks)
    inVersions(b, emit);
  else
    emit();
}

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

/// The tensor of the body that decides alone whether an accumulator takes something in; null: there is none.
Value StreamEmitter::onlyAsks(AccumulateOp op) {
  const StreamTiles::Product &product = plan.products.find(op)->second;
  auto mayLack = [&](Value v) { return mayBeAbsent(presences, v); };
  if (!product.conditions.empty() || llvm::any_of(product.right, mayLack))
    return nullptr;
  Value asked;
  for (Value part : plan.partsOf(op)) {
    if (!mayLack(part))
      continue;
    auto read = part.getDefiningOp<ReadOp>();
    Value tensor = read ? plan.ownTensor(read) : Value();
    if (!tensor || (asked && asked != tensor))
      return nullptr;
    asked = tensor;
  }
  return asked;
}

/// Tiles for the state, those with features stored along `axes`, holding the identity.
void StreamEmitter::makeState(Builder &b, ArrayRef<Role> axes) {
  for (AccumulateOp op : plan.state) {
    Component &c = components[op];
    StreamTiles::Pieces pieces = plan.piecesOf(op);
    if (pieces.reference) {
      c.reference = makeTile(Role::Row);
      c.moved = makeTile(Role::Row);
    }
    if (pieces.value)
      c.value = pieces.features ? makeTile(axes, &plan.products.find(op)->second) : makeTile(Role::Row);
    if (pieces.bit) {
      Value asked = onlyAsks(op);
      for (AccumulateOp other : plan.state) { // what is there at the same keys has one bit
        if (other == op || (asked && asked == onlyAsks(other))) {
          c.bit = other == op ? makeTile(Role::Row) : components[other].bit;
          c.sharesBit = other != op;
          break;
        }
      }
    }
    if (c.reference.memory)
      fill(b, c.reference, lowestOf(plan.real));
    if (c.value.memory)
      fill(b, c.value, op.getAccumulation() == Accumulation::Max   ? -kInfinity
                       : op.getAccumulation() == Accumulation::Min ? kInfinity
                                                                   : 0);
    if (c.bit.memory)
      fill(b, c.bit, 0);
  }
}

/// The larger of two values, of a minimum the smaller.
Value StreamEmitter::extremum(Builder &b, AccumulateOp op, Value x, Value y) {
  if (op.getAccumulation() == Accumulation::Min)
    return arith::MinimumFOp::create(b, x, y);
  return arith::MaximumFOp::create(b, x, y);
}

/// exp(lam * (exponent - reference)): what a term weighs, and by what a sum changes when its reference moves.
Value StreamEmitter::power(Builder &b, AccumulateOp op, Value exponent, Value reference) {
  Value difference = arith::SubFOp::create(b, exponent, reference);
  if (double lam = valueOf(op.getLam()); lam != 1)
    difference = arith::MulFOp::create(b, difference, constantLike(b, plan.real, lam));
  return math::ExpOp::create(b, difference);
}

/// out = the larger (smaller) of itself and the bodies of a row.
void StreamEmitter::emitExtremum(Builder &b, AccumulateOp op, const View &out) {
  Value body = op.getYield().getValues()[0];
  bool isMin = op.getAccumulation() == Accumulation::Min;
  SmallVector<View> ins = openSources(b, body);
  if (!isMin && isMasked(body)) {
    generic(b, kTile, ins, out, [&](Builder &in, ValueRange args) {
      return SmallVector<Value>{extremum(in, op, args.back(), args[0])};
    });
    return;
  }
  inVersions(b, [&] {
    generic(b, kTile, ins, out, [&](Builder &in, ValueRange args) {
      bindCoordinates(in, &op.getBody().front(), kTile);
      bindSources(in, body, kTile, args);
      Lane lane = emitter.emit(in, body);
      Value v = selectPresent(in, lane.present, lane.value, isMin ? kInfinity : -kInfinity);
      return SmallVector<Value>{extremum(in, op, args.back(), v)};
    });
  });
}

void StreamEmitter::emitReferences(Builder &b) {
  for (AccumulateOp op : plan.state) {
    Component &c = components[op];
    if (!c.reference.memory)
      continue;
    copy(b, c.reference, c.moved);
    emitExtremum(b, op, c.moved);
    generic(b, Role::Row, {}, c.moved, [&](Builder &in, ValueRange args) {
      return SmallVector<Value>{arith::MinimumFOp::create(in, args[0], constantLike(in, plan.real, -lowestOf(plan.real)))};
    });
  }
}

/// exp(lam * (a - rho)) for a block of keys, 0 where the exponent is absent; and by what a sum changes when rho has moved.
StreamEmitter::Weights &StreamEmitter::weightsOf(Builder &b, AccumulateOp op) {
  Value exponent = op.getYield().getValues()[1];
  auto read = exponent.getDefiningOp<ReadOp>();
  const void *what = read && plan.ownTensor(read) ? read.getSource().getAsOpaquePointer() : op.getAsOpaquePointer();
  std::string name = std::to_string(uintptr_t(what)) + " " +
                     std::to_string(uintptr_t(op.getReference().getAsOpaquePointer())) + " " + op.getLam().value_or("1").str();
  auto it = llvm::find_if(weights, [&](auto &w) { return w.first == name; });
  bool isKnown = it != weights.end();
  if (isKnown && it->second.first)
    return it->second;
  if (!isKnown) {
    weights.push_back({name, {makeTile(kTile), makeTile(Role::Row), {}, {}}});
    it = std::prev(weights.end());
  }
  Weights &w = it->second;
  w.first = op;
  Component &reference = components[op.getReference().getDefiningOp()];
  generic(b, Role::Row, {reference.reference, reference.moved}, w.correction, [&](Builder &in, ValueRange args) {
    return SmallVector<Value>{power(in, op, args[0], args[1])};
  });
  SmallVector<View> ins = openSources(b, exponent);
  ins.push_back(reference.moved);
  View out = inBlock(b, w.tile);
  if (isMasked(exponent)) {
    generic(b, kTile, ins, out, [&](Builder &in, ValueRange args) {
      return SmallVector<Value>{power(in, op, args[0], args[1])};
    });
    return w;
  }
  inVersions(b, [&] {
    generic(b, kTile, ins, out, [&](Builder &in, ValueRange args) {
      bindCoordinates(in, &op.getBody().front(), kTile);
      bindSources(in, exponent, kTile, args);
      Lane lane = emitter.emit(in, exponent);
      return SmallVector<Value>{selectPresent(in, lane.present, power(in, op, lane.value, args[ins.size() - 1]), 0)};
    });
  });
  return w;
}

/// The tiles that values are made of, and how many each.
void StreamEmitter::collectSources(Builder &b, ArrayRef<Value> values, SmallVectorImpl<View> &ins,
                                   SmallVectorImpl<unsigned> &counts) {
  for (Value v : values) {
    SmallVector<View> opened = openSources(b, v);
    counts.push_back(opened.size());
    llvm::append_range(ins, opened);
  }
}

/// In a region whose first arguments are what collectSources lists: whether plan.partsOf(op) are there, conditions true.
Value StreamEmitter::presenceOfParts(Builder &b, AccumulateOp op, ArrayRef<unsigned> counts, ValueRange args,
                                     Space space) {
  bindCoordinates(b, &op.getBody().front(), kTile);
  size_t conditions = plan.products.find(op)->second.conditions.size();
  Value present;
  unsigned at = 0;
  for (auto [i, v] : llvm::enumerate(plan.partsOf(op))) {
    bindSources(b, v, kTile, args.slice(at, counts[i]));
    at += counts[i];
    Lane lane = emitter.emit(b, v);
    present = conjunction(b, emitter, present, lane.present);
    if (i < conditions)
      present = conjunction(b, emitter, present, lane.value);
  }
  if (plan.products.find(op)->second.partialRight)
    present = conjunction(b, emitter, present, presenceOfFactors(b, op, space));
  return present;
}

/// Adds a block of keys to a sum. What is multiplied with the right factors is a tile of row and key, 0 where the body is absent.
void StreamEmitter::emitAddition(Builder &b, AccumulateOp op) {
  const StreamTiles::Product &product = plan.products.find(op)->second;
  View out = components[op].value, weight;
  if (op.getReference()) {
    Weights &w = weightsOf(b, op);
    weight = inBlock(b, w.tile);
    generic(b, out.axes, w.correction, out, [&](Builder &in, ValueRange args) {
      return SmallVector<Value>{arith::MulFOp::create(in, args[1], args[0])};
    });
  }
  auto isOne = [](Value v) {
    auto literal = v.getDefiningOp<LiteralOp>();
    double value = 0;
    return literal && !literal.getText().getAsDouble(value) && value == 1;
  };
  View right;
  bool hasRuns = takesRuns(op); // those that are absent are left out
  bool asksRight = product.partialRight && !hasRuns;
  if (asksRight) // which says where it is
    right = openRight(b, op, /*contracted=*/false);
  SmallVector<Value> factors, all(product.conditions);
  for (Value factor : product.left)
    if (!weight.memory || !isOne(factor))
      factors.push_back(factor);
  llvm::append_range(all, factors);
  // A weight of 0 makes no 0 of a factor that is no number: where the exponent is absent, so is the product.
  Value exponent = weight.memory ? op.getYield().getValues()[1] : Value();
  bool asksExponent = exponent && !all.empty() && !isAlwaysPresent(exponent);
  if (asksExponent)
    all.push_back(exponent);
  SmallVector<View> ins;
  SmallVector<unsigned> counts;
  collectSources(b, all, ins, counts);
  if (weight.memory)
    ins.push_back(weight);
  /// The product of the weight and the left factors in a region.
  auto left = [&](Builder &in, ValueRange args) -> Value {
    bindCoordinates(in, &op.getBody().front(), kTile);
    Value present = asksRight ? presenceOfFactors(in, op, kTile) : Value();
    Value value = weight.memory ? args[ins.size() - 1] : Value();
    unsigned at = 0;
    for (auto [i, v] : llvm::enumerate(all)) {
      bindSources(in, v, kTile, args.slice(at, counts[i]));
      at += counts[i];
      Lane lane = emitter.emit(in, v);
      present = conjunction(in, emitter, present, lane.present);
      if (i < product.conditions.size())
        present = conjunction(in, emitter, present, lane.value);
      else if (!asksExponent || i + 1 < all.size())
        value = value ? arith::MulFOp::create(in, value, lane.value).getResult() : lane.value;
    }
    return selectPresent(in, present, value, 0);
  };
  if (product.right.empty()) {
    inVersions(b, [&] {
      generic(b, kTile, ins, out, [&](Builder &in, ValueRange args) {
        return SmallVector<Value>{arith::AddFOp::create(in, args.back(), left(in, args))};
      });
    });
    return;
  }
  View side = weight.memory ? weightsOf(b, op).tile : View();
  if (!all.empty() || asksRight) {
    side = scaled[op];
    if (!side.memory)
      side = scaled[op] = makeTile(kTile);
    View to = inBlock(b, side);
    inVersions(b, [&] {
      generic(b, kTile, ins, to, [&](Builder &in, ValueRange args) { return SmallVector<Value>{left(in, args)}; });
    });
  }
  guarded(b, conditions[op], [&] {
    if (hasRuns)
      return forRuns(b, op, [&](const View &right) { addProduct(b, op, inBlock(b, side), right, out); });
    bool isPartial = !llvm::all_of(op.getYield().getValues(), [&](Value v) { return isAlwaysPresent(v); });
    if (!right.memory)
      right = openRight(b, op, /*contracted=*/!isPartial);
    addProduct(b, op, inBlock(b, side), right, out);
  });
}

/// out += side * right where the body of `op` is there.
void StreamEmitter::addProduct(Builder &b, AccumulateOp op, const View &side, const View &right, const View &out) {
  if (llvm::all_of(op.getYield().getValues(), [&](Value v) { return isAlwaysPresent(v); }))
    return (void)contract(b, op, side, right, out);
  // A weight of 0 times an infinity is no 0: only what is there may be multiplied.
  const StreamTiles::Product &product = plan.products.find(op)->second;
  Value there = isThereEverywhere(b, op), safe;
  if (there) {
    auto choice = scf::IfOp::create(b, b.getI1Type(), there, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, constantInt(b, b.getI1Type(), 1));
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, isFinite(b, op, right, product));
    safe = choice.getResult(0);
  } else {
    safe = isFinite(b, op, right, product);
  }
  auto branch = scf::IfOp::create(b, safe, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  contractNeeded(b, op, side, right, out, /*isNew=*/false);
  b.setInsertionPointToStart(branch.elseBlock());
  addWhereThere(b, op, side, right, out);
}

/// Whether a right factor's block holds finite numbers only: the sum of 0*x is 0, and no number otherwise. A processor's vectors sum columns first; for
/// tensor cores (where weights are rounded) all threads of a block sum at once.
Value StreamEmitter::isFinite(Builder &b, AccumulateOp op, const View &right, const StreamTiles::Product &product) {
  bool inOne = op->hasAttr(mapping::kRoundedAttr) && !op->hasAttr(mapping::kMatrixUnitAttr);
  View total = makeTile({}), sums = inOne ? total : makeTile(Role::Inner, &product);
  fill(b, total, 0);
  Role space[] = {Role::Key, Role::Inner};
  auto addZeros = [&](Builder &in, ValueRange args) {
    Value zero = arith::MulFOp::create(in, widen(in, args[0]), constantLike(in, plan.real, 0));
    return SmallVector<Value>{arith::AddFOp::create(in, args[1], zero)};
  };
  if (!inOne)
    fill(b, sums, 0);
  generic(b, space, right, sums, addZeros);
  if (!inOne)
    generic(b, Role::Inner, sums, total, addZeros);
  Value zero = memref::LoadOp::create(b, total.memory);
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, zero, constantLike(b, plan.real, 0));
}

/// out += side * right, element by element, where the body of `op` is there.
void StreamEmitter::addWhereThere(Builder &b, AccumulateOp op, const View &side, const View &right, const View &out) {
  SmallVector<View> ins;
  SmallVector<unsigned> counts;
  collectSources(b, plan.partsOf(op), ins, counts);
  ins.push_back(side);
  ins.push_back(right);
  Role space[] = {Role::Row, Role::Key, Role::Inner};
  generic(b, space, ins, out, [&](Builder &in, ValueRange args) {
    Value present = presenceOfParts(in, op, counts, args, space);
    Value product = arith::MulFOp::create(in, args[ins.size() - 2], widen(in, args[ins.size() - 1]));
    return SmallVector<Value>{arith::AddFOp::create(in, args.back(), selectPresent(in, present, product, 0))};
  });
}

void StreamEmitter::emitKeys(Builder &b, Value part, Value parts) {
  if (lists)
    return takeListed(b, part, parts);
  keyRange = keyRanges(b);
  int64_t apart = plan.keys.size() > 1 ? 1 : keyRange[0].step;
  Value step = constantIndex(b, sizes.getN() * apart);
  // Keys that are tuples are counted through.
  Value begin = keyRange[0].begin, end = keyRange[0].at(b, keyRange[0].count);
  if (plan.keys.size() > 1) {
    begin = constantIndex(b, 0);
    end = keyRange[0].count;
    for (const Span &span : ArrayRef(keyRange).drop_front())
      end = arith::MulIOp::create(b, end, span.count);
  }
  if (part) { // whole blocks of keys, those that there are dealt out evenly
    Value first = begin, blocks = arith::CeilDivUIOp::create(b, arith::SubIOp::create(b, end, begin), step);
    auto beginOf = [&](Value p) -> Value {
      Value block = arith::DivUIOp::create(b, arith::MulIOp::create(b, p, blocks), parts);
      return arith::AddIOp::create(b, first, arith::MulIOp::create(b, block, step));
    };
    begin = beginOf(part);
    end = arith::MinUIOp::create(b, end, beginOf(arith::AddIOp::create(b, part, constantIndex(b, 1))));
  }
  auto loop = scf::ForOp::create(b, begin, end, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto scope = emitter.scope();
  auto positive = emitter.insideLoopOver(plan.keys);
  keyBegin = loop.getInductionVar();
  keyCount = arith::MinUIOp::create(b, arith::SubIOp::create(b, end, keyBegin), step);
  if (apart > 1)
    keyCount = arith::DivUIOp::create(b, keyCount, constantIndex(b, apart));
  if (plan.keys.size() > 1)
    fillKeyTables(b);
  else
    keys = {{keyBegin, keyCount, apart}};
  guarded(b, mayMatter(b), [&] { emitBlockOfKeys(b); });
}

void StreamEmitter::emitBlockOfKeys(Builder &b) {
  for (auto &w : weights)
    w.second.first = {};
  whole = isWhole(b);
  placeSections(b);
  for (ReduceOp reduce : plan.sums)
    emitSum(b, reduce);
  for (EinsumOp einsum : plan.body)
    emitEquation(b, einsum);
  emitReferences(b);
  for (AccumulateOp op : plan.state) {
    if (op.getAccumulation() == Accumulation::Sum)
      emitAddition(b, op);
    else if (op.getAccumulation() != Accumulation::Ref)
      emitExtremum(b, op, components[op].value);
    if (const Component &c = components[op]; c.bit.memory && !c.sharesBit)
      emitBit(b, op);
  }
  for (auto &[op, c] : components)
    if (c.reference.memory)
      copy(b, c.moved, c.reference);
}
