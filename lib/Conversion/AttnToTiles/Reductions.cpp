//===- Reductions.cpp - reductions as loops with carried values -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A reduction carries an accumulator and, where bodies may be absent, a bit or a count that says whether any was there.
// Where its coordinate is the vector coordinate, each lane reduces every W-th body and the lanes are folded at the end; where
// lanes are settings of an outer coordinate, each lane is a reduction of its own.
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

namespace weir::tiles {
class ReductionLoops {
public:
  ReductionLoops(BodyEmitter &e, ImplicitLocOpBuilder &b, ReduceOp reduce);
  Lane run();

private:
  using State = SmallVector<Value, 3>;
  State initial(bool vector);
  State loopsFrom(unsigned level, State state);
  State loop(unsigned level, State state, Value from, Value to, int64_t step, bool isVector);
  State strips(unsigned level, State state);
  State step(State state);
  State fold(State vectorState, State scalarState);
  Value combine(Value x, Value y);
  State argStep(State state, const Lane &body, Value present);
  Value select(Value c, Value x, Value y);
  Value identity(Type type);

  BodyEmitter &e;
  ImplicitLocOpBuilder &b;
  ReduceOp reduce;
  Reduction kind;
  Value body;
  Type scalar;           ///< of the accumulator
  bool bodyVaries;       ///< in the lanes of an outer coordinate
  bool tracksPresence;   ///< a bit is carried: some body was there
  bool countsPresence;   ///< a count is carried (mean)
  int vectorLevel = -1;  ///< the own coordinate that is the lanes
};
} // namespace weir::tiles

ReductionLoops::ReductionLoops(BodyEmitter &e, ImplicitLocOpBuilder &b, ReduceOp reduce)
    : e(e), b(b), reduce(reduce), kind(reduce.getReduction()), body(reduce.getYield().getValues()[0]) {
  bool isArg = givesCoordinate(kind);
  scalar = isArg || kind == Reduction::Any || kind == Reduction::All ? body.getType() : reduce.getType();
  bool needsDomain = !llvm::is_contained({Reduction::Any, Reduction::All, Reduction::Count}, kind);
  Presence p = e.presences.of(body);
  countsPresence = kind == Reduction::Mean;
  tracksPresence = needsDomain && !p;
  // Lanes of an outer coordinate: carry vectors throughout, unless nothing inside depends on it.
  bodyVaries = false;
  if (e.lanes > 1)
    for (Value c : e.dependence.of(reduce.getResult())) {
      for (auto &scope : llvm::reverse(e.scopes))
        if (auto it = scope.find(c); it != scope.end()) {
          bodyVaries |= it->second.varies();
          break;
        }
    }
  if (e.lanes == 1 && !isArg)
    for (auto [i, name] : llvm::enumerate(reduce.getCoords().getAsRange<StringAttr>()))
      if (name.getValue() == e.vectorName)
        vectorLevel = i;
}

Value ReductionLoops::identity(Type type) {
  Type element = getElementTypeOrSelf(type);
  bool real = isa<FloatType>(element);
  switch (kind) {
  case Reduction::Prod: return real ? constantLike(b, type, 1) : constantInt(b, type, 1);
  case Reduction::Max: case Reduction::Argmax:
    return real ? constantLike(b, type, -std::numeric_limits<double>::infinity())
                : constantInt(b, type, element.isInteger(1) ? 0 : INT64_MIN);
  case Reduction::Min: case Reduction::Argmin:
    return real ? constantLike(b, type, std::numeric_limits<double>::infinity())
                : constantInt(b, type, element.isInteger(1) ? 1 : INT64_MAX);
  case Reduction::All: return constantInt(b, type, 1);
  default: return real ? constantLike(b, type, 0) : constantInt(b, type, 0);
  }
}

static Type inLanes(Type scalar, bool vector, unsigned lanes) {
  return vector && lanes > 1 ? Type(VectorType::get({int64_t(lanes)}, scalar)) : scalar;
}

ReductionLoops::State ReductionLoops::initial(bool vector) {
  State state{identity(inLanes(scalar, vector, e.lanes))};
  if (givesCoordinate(kind))
    state.push_back(constantInt(b, inLanes(b.getI64Type(), vector, e.lanes), -1));
  else if (countsPresence)
    state.push_back(constantInt(b, inLanes(b.getI64Type(), vector, e.lanes), 0));
  else if (tracksPresence)
    state.push_back(constantInt(b, inLanes(b.getI1Type(), vector, e.lanes), 0));
  return state;
}

Value ReductionLoops::select(Value c, Value x, Value y) {
  if (llvm::any_of(ArrayRef<Value>{c, x, y}, [](Value v) { return isa<VectorType>(v.getType()); }))
    c = e.broadcast(b, c), x = e.broadcast(b, x), y = e.broadcast(b, y);
  return arith::SelectOp::create(b, c, x, y);
}

Value ReductionLoops::combine(Value x, Value y) {
  bool real = isa<FloatType>(getElementTypeOrSelf(x.getType()));
  // A sum has no order, so lanes and loops may take it in any; contract lets a product join it.
  auto flags = arith::FastMathFlags::contract;
  switch (kind) {
  case Reduction::Sum: case Reduction::Mean:
    return real ? arith::AddFOp::create(b, x, y, flags).getResult() : arith::AddIOp::create(b, x, y).getResult();
  case Reduction::Count: return arith::AddIOp::create(b, x, y);
  case Reduction::Prod:
    return real ? arith::MulFOp::create(b, x, y).getResult() : arith::MulIOp::create(b, x, y).getResult();
  case Reduction::Max:
    return real ? arith::MaximumFOp::create(b, x, y).getResult() : arith::MaxSIOp::create(b, x, y).getResult();
  case Reduction::Min:
    return real ? arith::MinimumFOp::create(b, x, y).getResult() : arith::MinSIOp::create(b, x, y).getResult();
  case Reduction::Any: return arith::OrIOp::create(b, x, y);
  case Reduction::All: return arith::AndIOp::create(b, x, y);
  default: llvm_unreachable("argmax and argmin carry a pair");
  }
}

/// A better value replaces the best one; a NaN is replaced by any number, and equal values keep the lower coordinate.
ReductionLoops::State ReductionLoops::argStep(State state, const Lane &lane, Value present) {
  Value v = e.materialize(b, lane), best = state[0], at = state[1];
  bool vector = isa<VectorType>(best.getType());
  if (vector)
    v = e.broadcast(b, v);
  bool real = isa<FloatType>(getElementTypeOrSelf(v.getType()));
  bool isMax = kind == Reduction::Argmax;
  Value better;
  if (real) {
    better = arith::CmpFOp::create(b, isMax ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT, v, best);
    Value bestIsNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, best, best);
    Value isNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, v, v);
    better = arith::OrIOp::create(b, better, arith::AndIOp::create(b, bestIsNan, isNumber));
  } else {
    bool isBool = getElementTypeOrSelf(v.getType()).isInteger(1);
    auto p = isBool ? (isMax ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::ult)
                    : (isMax ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt);
    better = arith::CmpIOp::create(b, p, v, best);
  }
  Value none = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, at, constantInt(b, at.getType(), 0));
  better = conjunction(b, e, arith::OrIOp::create(b, better, none), present);
  Value index = e.materialize(b, e.emit(b, reduce.getBody().getArgument(0)));
  return {select(better, v, best), select(better, index, at)};
}

ReductionLoops::State ReductionLoops::step(State state) {
  auto inner = e.scope();
  if (kind == Reduction::Count && !body.getType().isInteger(1)) { // of a body that is no bool only presence counts
    Lane lane = e.emit(b, body);
    Value one = constantInt(b, state[0].getType(), 1);
    return {lane.present ? combine(state[0], select(lane.present, one, constantInt(b, one.getType(), 0)))
                         : combine(state[0], one)};
  }
  // A heavy body under a mask is only computed where some lane wants it: attn.where sees to that.
  Lane lane = e.emit(b, body);
  if (givesCoordinate(kind))
    return argStep(state, lane, lane.present);
  Value v = e.materialize(b, lane);
  bool vector = isa<VectorType>(state[0].getType());
  if (kind == Reduction::Count) {
    Value holds = conjunction(b, e, v, lane.present);
    Value one = constantInt(b, state[0].getType(), 1);
    return {combine(state[0], select(holds, one, constantInt(b, one.getType(), 0)))};
  }
  if (vector)
    v = e.broadcast(b, v);
  State next;
  if (lane.present) {
    // Selecting the identity keeps a chain of one operation; max, min and prod keep their accumulator instead, which no NaN can enter.
    next.push_back(combine(state[0], select(lane.present, v, identity(v.getType()))));
  } else {
    next.push_back(combine(state[0], v));
  }
  if (countsPresence) {
    Value one = constantInt(b, state[1].getType(), 1);
    Value increment = lane.present ? select(lane.present, one, constantInt(b, one.getType(), 0)) : one;
    next.push_back(arith::AddIOp::create(b, state[1], increment));
  } else if (tracksPresence) {
    Value bit = e.presenceBit(b, lane);
    if (isa<VectorType>(state[1].getType()))
      bit = e.broadcast(b, bit);
    next.push_back(arith::OrIOp::create(b, state[1], bit));
  }
  return next;
}

ReductionLoops::State ReductionLoops::loop(unsigned level, State state, Value from, Value to, int64_t step,
                                           bool isVector) {
  auto loop = scf::ForOp::create(b, from, to, constantIndex(b, step), state);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto inner = e.scope();
  auto positive = e.insideLoopOver(reduce.getExtents()[level]);
  e.bind(reduce.getBody().getArgument(level), e.coordinate(toInt(b, loop.getInductionVar()), isVector));
  State carried(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
  if (level + 1 < reduce.getExtents().size())
    e.hoist(b, body);
  State next = loopsFrom(level + 1, carried);
  scf::YieldOp::create(b, next);
  return State(loop.getResults().begin(), loop.getResults().end());
}

/// Lanes of one loop folded into the scalar state.
ReductionLoops::State ReductionLoops::fold(State wide, State narrow) {
  using K = vector::CombiningKind;
  auto reduceVector = [&](Value v) -> Value {
    bool real = isa<FloatType>(getElementTypeOrSelf(v.getType()));
    K k = K::ADD;
    switch (kind) {
    case Reduction::Prod: k = K::MUL; break;
    case Reduction::Max: k = real ? K::MAXIMUMF : K::MAXSI; break;
    case Reduction::Min: k = real ? K::MINIMUMF : K::MINSI; break;
    case Reduction::Any: k = K::OR; break;
    case Reduction::All: k = K::AND; break;
    default: break;
    }
    return vector::ReductionOp::create(b, k, v, arith::FastMathFlags::reassoc);
  };
  State result{combine(narrow[0], reduceVector(wide[0]))};
  if (countsPresence)
    result.push_back(arith::AddIOp::create(b, narrow[1], vector::ReductionOp::create(b, K::ADD, wide[1])));
  else if (tracksPresence)
    result.push_back(arith::OrIOp::create(b, narrow[1], vector::ReductionOp::create(b, K::OR, wide[1])));
  return result;
}

/// The loop over the vector coordinate: strips of lanes, then what is left one by one.
ReductionLoops::State ReductionLoops::strips(unsigned level, State state) {
  Value extent = reduce.getExtents()[level];
  auto size = Extents::constant(e.extents.of(extent));
  Value end = e.extentValues.lookup(e.extents.of(extent)), at = constantIndex(b, 0);
  for (unsigned w : getStrips(size, e.maxLanes)) {
    if (w == 1) {
      state = loop(level, state, at, end, 1, false);
      break;
    }
    // The last multiple of w that fits.
    Value count = arith::DivUIOp::create(b, arith::SubIOp::create(b, end, at), constantIndex(b, w));
    Value stop = arith::AddIOp::create(b, at, arith::MulIOp::create(b, count, constantIndex(b, w)));
    unsigned before = e.lanes;
    e.setLanes(w);
    State wide = loop(level, initial(true), at, stop, w, true);
    state = fold(wide, state);
    e.setLanes(before);
    at = stop;
  }
  return state;
}

ReductionLoops::State ReductionLoops::loopsFrom(unsigned level, State state) {
  if (level == reduce.getExtents().size())
    return step(state);
  if (int(level) == vectorLevel && e.maxLanes > 1)
    return strips(level, state);
  Value end = e.extentValues.lookup(e.extents.of(reduce.getExtents()[level]));
  return loop(level, state, constantIndex(b, 0), end, 1, false);
}

Lane ReductionLoops::run() {
  unsigned before = e.lanes;
  if (!bodyVaries && vectorLevel < 0)
    e.setLanes(1); // the same in every lane
  State state = loopsFrom(0, initial(bodyVaries));
  e.setLanes(before);
  Lane lane;
  Type type = state[0].getType();
  if (givesCoordinate(kind)) {
    Value at = state[1];
    lane.value = at;
    lane.present = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, at, constantInt(b, at.getType(), 0));
    return lane;
  }
  lane.value = state[0];
  if (countsPresence) {
    Value n = state[1];
    lane.present = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, n, constantInt(b, n.getType(), 0));
    lane.value = arith::DivFOp::create(b, state[0], arith::SIToFPOp::create(b, type, n));
  } else if (tracksPresence) {
    lane.present = state[1];
  } else if (!llvm::is_contained({Reduction::Any, Reduction::All, Reduction::Count}, kind)) {
    if (Presence p = e.presences.of(reduce.getResult()))
      lane.present = e.arePositive(b, *p);
    else // an extent that is known to be 0
      lane.present = constantInt(b, b.getI1Type(), 0);
  }
  return lane;
}

Lane BodyEmitter::emitReduce(ImplicitLocOpBuilder &b, ReduceOp reduce) {
  return ReductionLoops(*this, b, reduce).run();
}
