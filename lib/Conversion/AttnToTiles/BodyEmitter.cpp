//===- BodyEmitter.cpp - bodies of equations as scalar or vector code -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/Error.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

//===----------------------------------------------------------------------===//
// Short forms
//===----------------------------------------------------------------------===//

static Value splatConstant(ImplicitLocOpBuilder &b, Type type, TypedAttr scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, scalar));
  return arith::ConstantOp::create(b, scalar);
}
Value tiles::constantLike(ImplicitLocOpBuilder &b, Type type, double value) {
  return splatConstant(b, type, b.getFloatAttr(getElementTypeOrSelf(type), value));
}
Value tiles::constantInt(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  return splatConstant(b, type, b.getIntegerAttr(getElementTypeOrSelf(type), value));
}
Value tiles::constantIndex(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}
Value tiles::toIndex(ImplicitLocOpBuilder &b, Value v) {
  return v.getType().isIndex() ? v : arith::IndexCastOp::create(b, b.getIndexType(), v).getResult();
}
Value tiles::toInt(ImplicitLocOpBuilder &b, Value v) {
  return v.getType().isIndex() ? arith::IndexCastOp::create(b, b.getI64Type(), v).getResult() : v;
}
Value tiles::conjunction(ImplicitLocOpBuilder &b, BodyEmitter &e, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  if (isa<VectorType>(x.getType()) || isa<VectorType>(y.getType())) {
    x = e.broadcast(b, x);
    y = e.broadcast(b, y);
  }
  return arith::AndIOp::create(b, x, y);
}

SmallVector<unsigned> tiles::getStrips(std::optional<int64_t> extent, unsigned lanes) {
  SmallVector<unsigned> strips;
  if (lanes > 1) {
    // Several registers at once hide the latency of one; only where the extent is known to fill them.
    for (unsigned wide : {4 * lanes, 2 * lanes})
      if (extent && *extent >= wide && strips.empty())
        strips.push_back(wide);
    if (!extent || (strips.empty() ? *extent >= lanes : *extent % strips[0] >= lanes))
      strips.push_back(lanes);
  }
  if (!extent || strips.empty() || *extent % strips.back())
    strips.push_back(1);
  return strips;
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

Value BodyEmitter::broadcast(ImplicitLocOpBuilder &b, Value v) {
  if (lanes == 1 || isa<VectorType>(v.getType()))
    return v;
  return vector::BroadcastOp::create(b, VectorType::get({int64_t(lanes)}, v.getType()), v);
}

Lane BodyEmitter::coordinate(Value base, bool isVector) const {
  if (isVector && lanes > 1)
    return {nullptr, nullptr, base};
  return {base, nullptr, nullptr};
}

Value BodyEmitter::materialize(ImplicitLocOpBuilder &b, const Lane &lane) {
  if (lane.value)
    return lane.value;
  SmallVector<int64_t> steps;
  for (unsigned i = 0; i < lanes; ++i)
    steps.push_back(i);
  auto type = VectorType::get({int64_t(lanes)}, b.getI64Type());
  Value iota = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<int64_t>(steps)));
  return arith::AddIOp::create(b, broadcast(b, lane.base), iota);
}

Value BodyEmitter::presenceBit(ImplicitLocOpBuilder &b, const Lane &lane) {
  return lane.present ? lane.present : constantInt(b, b.getI1Type(), 1);
}

Value BodyEmitter::arePositive(ImplicitLocOpBuilder &b, const std::set<std::string> &names) {
  Value all;
  for (const std::string &name : names) {
    if (llvm::is_contained(boundExtents, name) || Extents::constant(name).value_or(0) > 0)
      continue;
    Value extent = extentValues.lookup(name);
    assert(extent && "every extent of a cascade has a value");
    Value positive = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, extent, constantIndex(b, 0));
    all = all ? arith::AndIOp::create(b, all, positive).getResult() : positive;
  }
  return all;
}

bool BodyEmitter::isBound(Value value) const {
  return llvm::any_of(scopes, [&](auto &scope) { return scope.count(value); });
}

Lane BodyEmitter::emit(ImplicitLocOpBuilder &b, Value value) {
  for (auto &scope : llvm::reverse(scopes)) {
    auto it = scope.find(value);
    if (it != scope.end())
      return it->second;
  }
  Lane lane = compute(b, value);
  scopes.back()[value] = lane;
  return lane;
}

void BodyEmitter::hoist(ImplicitLocOpBuilder &b, Value root) {
  Operation *op = root.getDefiningOp();
  if (!op || isBound(root) || isa<LiteralOp>(op) || !isa<AttnDialect>(op->getDialect()))
    return;
  if (llvm::all_of(dependence.of(root), [&](Value c) { return isBound(c); })) {
    emit(b, root);
    return;
  }
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    hoist(b, reduce.getYield().getValues()[0]);
    return;
  }
  for (Value operand : op->getOperands())
    if (!isa<TensorType>(operand.getType()))
      hoist(b, operand);
}

//===----------------------------------------------------------------------===//
// One operation
//===----------------------------------------------------------------------===//

static Value emitLiteral(ImplicitLocOpBuilder &b, LiteralOp literal) {
  Type type = literal.getType();
  StringRef text = literal.getText();
  if (type.isInteger(1))
    return constantInt(b, type, text == "true");
  if (type.isInteger(64)) {
    APInt value(64, 0);
    bool failed = text.consume_front("-") ? text.getAsInteger(0, value) : text.getAsInteger(0, value);
    if (!failed)
      value = value.zextOrTrunc(64);
    bool negative = literal.getText().starts_with("-");
    return constantInt(b, type, negative ? -value.getSExtValue() : value.getSExtValue());
  }
  bool negative = text.consume_front("-");
  const llvm::fltSemantics &semantics = cast<FloatType>(type).getFloatSemantics();
  APFloat value(semantics);
  if (text == "inf")
    value = APFloat::getInf(semantics);
  else if (text == "nan")
    value = APFloat::getNaN(semantics);
  else if (auto status = value.convertFromString(text, APFloat::rmNearestTiesToEven); !status)
    llvm::consumeError(status.takeError());
  if (negative)
    value.changeSign();
  return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
}

Lane BodyEmitter::compute(ImplicitLocOpBuilder &b, Value value) {
  Operation *op = value.getDefiningOp();
  assert(op && "a coordinate or param that no loop has bound");
  if (auto literal = dyn_cast<LiteralOp>(op))
    return {emitLiteral(b, literal), nullptr, nullptr};
  if (auto read = dyn_cast<ReadOp>(op))
    return emitRead(b, read);
  if (auto map = dyn_cast<MapOp>(op))
    return emitMap(b, map);
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return emitReduce(b, reduce);
  if (auto where = dyn_cast<WhereOp>(op)) {
    Lane p = emit(b, where.getPredicate());
    return emitGuarded(b, conjunction(b, *this, p.value, p.present), where.getValue());
  }
  if (auto select = dyn_cast<SelectOp>(op)) {
    Lane c = emit(b, select.getCondition());
    return emitSelect(b, conjunction(b, *this, c.value, c.present), select.getThenValue(), select.getElseValue());
  }
  if (auto orElse = dyn_cast<ElseOp>(op)) {
    Lane first = emit(b, orElse.getValue());
    if (!first.present)
      return first;
    return emitSelect(b, first.present, orElse.getValue(), orElse.getOtherwise());
  }
  if (auto cast = dyn_cast<CastOp>(op)) {
    Lane source = emit(b, cast.getValue());
    return {emitCast(b, materialize(b, source), cast.getTo()), source.present, nullptr};
  }
  if (auto absent = dyn_cast<IsabsentOp>(op)) {
    Value present = presenceBit(b, emit(b, absent.getValue()));
    return {arith::XOrIOp::create(b, present, constantInt(b, present.getType(), 1)), nullptr, nullptr};
  }
  return emitLogic(b, op);
}

Lane BodyEmitter::emitLogic(ImplicitLocOpBuilder &b, Operation *op) {
  if (auto negation = dyn_cast<NotOp>(op)) {
    Lane lane = emit(b, negation.getValue());
    Value holds = conjunction(b, *this, lane.value, lane.present);
    return {arith::XOrIOp::create(b, holds, constantInt(b, holds.getType(), 1)), nullptr, nullptr};
  }
  assert((isa<AndOp, OrOp>(op)) && "an op that a body cannot hold");
  bool isAnd = isa<AndOp>(op);
  Lane x = emit(b, op->getOperand(0)), y = emit(b, op->getOperand(1));
  // Where an operand is absent its bit is taken as the neutral one; the result is there if both are, or one decides.
  auto neutral = [&](Lane &lane) -> Value {
    if (!lane.present)
      return lane.value;
    if (!isAnd)
      return conjunction(b, *this, lane.value, lane.present);
    Value v = lane.value, p = lane.present;
    if (isa<VectorType>(v.getType()) || isa<VectorType>(p.getType()))
      v = broadcast(b, v), p = broadcast(b, p);
    return arith::OrIOp::create(b, v, arith::XOrIOp::create(b, p, constantInt(b, p.getType(), 1)));
  };
  Value p = neutral(x), q = neutral(y);
  if (isa<VectorType>(p.getType()) || isa<VectorType>(q.getType()))
    p = broadcast(b, p), q = broadcast(b, q);
  Value result = isAnd ? arith::AndIOp::create(b, p, q).getResult() : arith::OrIOp::create(b, p, q).getResult();
  if (!x.present && !y.present)
    return {result, nullptr, nullptr};
  Value decided = isAnd ? arith::XOrIOp::create(b, result, constantInt(b, result.getType(), 1)).getResult() : result;
  Value present = conjunction(b, *this, x.present, y.present);
  if (isa<VectorType>(decided.getType()) || isa<VectorType>(present.getType()))
    decided = broadcast(b, decided), present = broadcast(b, present);
  return {result, arith::OrIOp::create(b, decided, present), nullptr};
}

/// The type that a value of a body has in the lanes in force.
static Type typeOf(Type scalar, bool varies, unsigned lanes) {
  return varies && lanes > 1 ? VectorType::get({int64_t(lanes)}, scalar) : scalar;
}

/// Whether a value of an equation's body is computed from an entry of one of `tensors`.
static bool readsAny(Value value, const llvm::DenseSet<Value> &tensors) {
  llvm::SetVector<Operation *> ops;
  auto add = [&](Value v) {
    Operation *op = v.getDefiningOp();
    if (op && !isa<TensorType>(v.getType()))
      ops.insert(op);
  };
  add(value);
  for (size_t i = 0; i < ops.size(); ++i) {
    auto walk = ops[i]->walk([&](Operation *op) {
      if (auto read = dyn_cast<ReadOp>(op); read && tensors.contains(getDefinition(read.getSource())))
        return WalkResult::interrupt();
      llvm::for_each(op->getOperands(), add);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return true;
  }
  return false;
}

bool BodyEmitter::readsUnfinished(Value body) {
  return maxLanes == 1 && !unfinished.empty() && !isBound(body) && readsAny(body, unfinished);
}

bool BodyEmitter::isLazy(Value body) { return (isHeavy(body) && !isBound(body)) || readsUnfinished(body); }

/// `body` where `condition` holds. A heavy body is computed only if some lane asks for it.
Lane BodyEmitter::emitGuarded(ImplicitLocOpBuilder &b, Value condition, Value body) {
  if (branchless || !isLazy(body)) {
    Lane lane = emit(b, body);
    lane.present = conjunction(b, *this, condition, lane.present);
    return lane;
  }
  Value any = condition;
  if (auto type = dyn_cast<VectorType>(condition.getType()))
    any = vector::ReductionOp::create(b, vector::CombiningKind::OR, condition);
  // The types of the result are known only once the body is emitted: vectors throughout if there are lanes.
  bool varies = lanes > 1;
  Type valueType = typeOf(body.getType(), varies, lanes), bitType = typeOf(b.getI1Type(), varies, lanes);
  auto branch = scf::IfOp::create(b, TypeRange{valueType, bitType}, any, /*withElse=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    auto inner = scope();
    Lane lane = emit(b, body);
    Value present = conjunction(b, *this, condition, lane.present);
    Value value = materialize(b, lane);
    scf::YieldOp::create(b, varies ? ValueRange{broadcast(b, value), broadcast(b, present)}
                                   : ValueRange{value, present});
    b.setInsertionPointToStart(branch.elseBlock());
    Type scalar = body.getType();
    Value zero = isa<FloatType>(scalar) ? constantLike(b, valueType, 0) : constantInt(b, valueType, 0);
    scf::YieldOp::create(b, ValueRange{zero, constantInt(b, bitType, 0)});
  }
  return {branch.getResult(0), branch.getResult(1), nullptr};
}

Lane BodyEmitter::emitSelect(ImplicitLocOpBuilder &b, Value condition, Value thenValue, Value elseValue) {
  bool lazy = !branchless && !isa<VectorType>(condition.getType()) && (isLazy(thenValue) || isLazy(elseValue));
  if (!lazy) {
    Lane x = emit(b, thenValue), y = emit(b, elseValue);
    Value xv = materialize(b, x), yv = materialize(b, y), c = condition;
    bool needsBit = x.present || y.present;
    Value xp = presenceBit(b, x), yp = presenceBit(b, y);
    if (llvm::any_of(ArrayRef<Value>{xv, yv, xp, yp, c}, [](Value v) { return isa<VectorType>(v.getType()); })) {
      xv = broadcast(b, xv), yv = broadcast(b, yv), c = broadcast(b, c);
      xp = broadcast(b, xp), yp = broadcast(b, yp);
    }
    Value present;
    if (needsBit)
      present = arith::SelectOp::create(b, c, xp, yp);
    return {arith::SelectOp::create(b, c, xv, yv), present, nullptr};
  }
  bool varies = lanes > 1;
  Type valueType = typeOf(thenValue.getType(), varies, lanes), bitType = typeOf(b.getI1Type(), varies, lanes);
  auto branch = scf::IfOp::create(b, TypeRange{valueType, bitType}, condition, /*withElse=*/true);
  for (auto [block, side] : {std::pair(branch.thenBlock(), thenValue), std::pair(branch.elseBlock(), elseValue)}) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(block);
    auto inner = scope();
    Lane lane = emit(b, side);
    Value value = materialize(b, lane), present = presenceBit(b, lane);
    scf::YieldOp::create(b, varies ? ValueRange{broadcast(b, value), broadcast(b, present)}
                                   : ValueRange{value, present});
  }
  return {branch.getResult(0), branch.getResult(1), nullptr};
}

Lane BodyEmitter::emitMap(ImplicitLocOpBuilder &b, MapOp map) {
  SmallVector<Lane> operands(map.getOperands_().size());
  Lane result;
  for (bool isLast : {false, true}) // what is perhaps not written yet is read only where the other operands are there
    for (auto [lane, operand] : llvm::zip(operands, map.getOperands_())) {
      if (readsUnfinished(operand) != isLast)
        continue;
      lane = isLast && result.present ? emitGuarded(b, result.present, operand) : emit(b, operand);
      result.present = conjunction(b, *this, result.present, lane.present);
    }
  // Sums of one moving and one fixed integer go on moving by one.
  if (map.getFn() == Fn::Add || map.getFn() == Fn::Sub) {
    Lane &x = operands[0], &y = operands[1];
    if (x.base && !y.varies()) {
      result.base = map.getFn() == Fn::Add ? arith::AddIOp::create(b, x.base, y.value).getResult()
                                           : arith::SubIOp::create(b, x.base, y.value).getResult();
      return result;
    }
    if (y.base && !x.varies() && map.getFn() == Fn::Add) {
      result.base = arith::AddIOp::create(b, x.value, y.base);
      return result;
    }
  }
  SmallVector<Value> values;
  bool varies = false;
  for (Lane &lane : operands)
    varies |= lane.varies();
  for (Lane &lane : operands) {
    Value v = materialize(b, lane);
    values.push_back(varies ? broadcast(b, v) : v);
  }
  if (map.getFn() == Fn::Floordiv || map.getFn() == Fn::Mod) {
    if (getLiteral(map.getOperands_()[1]).value_or(0) == 0) {
      Value nonzero = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, values[1],
                                            constantInt(b, values[1].getType(), 0));
      result.present = conjunction(b, *this, result.present, nonzero);
    }
  }
  result.value = emitFunction(b, map, values);
  return result;
}
