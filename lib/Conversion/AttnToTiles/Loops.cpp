//===- Loops.cpp - the loops around equations -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

scf::ForOp KernelEmitter::emitChunks(Builder &b, Value count, Value parts, function_ref<void(Value)> open) {
  auto forall = scf::ForallOp::create(b, ArrayRef<OpFoldResult>{parts}, ValueRange{}, std::nullopt);
  b.setInsertionPoint(forall.getTerminator());
  Value part = forall.getInductionVar(0), one = constantIndex(b, 1);
  open(part);
  auto beginOf = [&](Value i) -> Value {
    return arith::DivUIOp::create(b, arith::MulIOp::create(b, i, count), parts);
  };
  bool isEach = parts == count; // the loop then goes
  Value after = arith::AddIOp::create(b, part, one, isEach ? arith::IntegerOverflowFlags::nsw : arith::IntegerOverflowFlags::none);
  Value begin = isEach ? part : beginOf(part), end = isEach ? after : beginOf(after);
  auto loop = scf::ForOp::create(b, begin, end, one);
  b.setInsertionPointToStart(loop.getBody());
  return loop;
}

/// The outer nest of a group: its iterations counted through, split into chunks that threads take.
void KernelEmitter::emitGroup(Builder &b, unsigned index) {
  Group &group = groups[index];
  auto isDone = [&](Operation *item) { // an output that was computed in place
    auto materialize = dyn_cast<MaterializeOp>(item);
    return materialize && direct.count(getDefinition(materialize.getSource()));
  };
  if (llvm::all_of(group.items, isDone))
    return;
  if (group.shared.empty()) {
    for (Operation *item : group.items)
      if (!following.contains(item))
        emitItem(b, item);
    return;
  }
  Value total = countIterations(b, group), chunks = countChunks(b, group);
  OpBuilder::InsertionGuard guard(b);
  auto scope = emitter.scope();
  scf::ForOp loop = emitChunks(b, total, chunks, [&](Value chunk) { openScratch(b, index, chunk); });
  Value rest = loop.getInductionVar();
  for (unsigned k = group.shared.size(); k-- > 0;) {
    Value extent = extentOf(group.sharedExtents[k]);
    Value at = k == 0 ? rest : arith::RemUIOp::create(b, rest, extent).getResult();
    if (k > 0)
      rest = arith::DivUIOp::create(b, rest, extent);
    bound[group.shared[k]] = toInt(b, at);
  }
  using Guard = decltype(emitter.insideLoopOver(Value()));
  SmallVector<std::unique_ptr<Guard>> positive;
  for (Value extent : group.sharedExtents)
    positive.push_back(std::make_unique<Guard>(emitter.insideLoopOver(extent)));
  for (Operation *item : group.items)
    if (!following.contains(item))
      emitItem(b, item);
  bound.clear();
}

void KernelEmitter::emitItem(Builder &b, Operation *op) {
  b.setLoc(op->getLoc());
  if (auto einsum = dyn_cast<EinsumOp>(op))
    emitEinsum(b, einsum);
  else if (auto topk = dyn_cast<ArgtopkOp>(op))
    emitArgtopk(b, topk);
  else if (auto recurrence = dyn_cast<RecurrenceOp>(op))
    emitRecurrence(b, recurrence);
  else if (auto stream = dyn_cast<StreamOp>(op))
    emitStream(b, stream);
  else if (auto materialize = dyn_cast<MaterializeOp>(op))
    emitMaterialize(b, materialize);
}

//===----------------------------------------------------------------------===//
// Nests
//===----------------------------------------------------------------------===//

SmallVector<LoopDim> KernelEmitter::openLoops(ArrayAttr names, ValueRange ends, Block *body, StringRef vector) {
  SmallVector<LoopDim> open;
  for (auto [k, name] : llvm::enumerate(names.getAsRange<StringAttr>())) {
    BlockArgument coordinate = body ? body->getArgument(k) : BlockArgument();
    auto it = bound.find(name.getValue());
    if (it == bound.end()) {
      open.push_back({ends[k], coordinate, name.getValue() == vector});
      continue;
    }
    if (coordinate)
      emitter.bind(coordinate, {it->second, nullptr, nullptr});
  }
  return open;
}

/// A loop a dimension, outermost first, the vector one innermost; `inner` gets the coordinates in the given order. What `body` computes
/// without a coordinate is emitted before that coordinate's loop.
void KernelEmitter::emitLoops(Builder &b, ArrayRef<LoopDim> dims, Value body,
                              function_ref<void(ArrayRef<Lane>)> inner) {
  SmallVector<unsigned> order;
  for (unsigned k = 0; k < dims.size(); ++k)
    if (!dims[k].isVector)
      order.push_back(k);
  for (unsigned k = 0; k < dims.size(); ++k)
    if (dims[k].isVector)
      order.push_back(k);
  SmallVector<Lane> at(dims.size());
  std::function<void(unsigned)> descend = [&](unsigned level) {
    if (body)
      emitter.hoist(b, body);
    if (level == order.size())
      return inner(at);
    const LoopDim &dim = dims[order[level]];
    Value end = extentOf(dim.extent), from = constantIndex(b, 0);
    auto size = Extents::constant(extents.of(dim.extent));
    SmallVector<unsigned> widths = dim.isVector ? getStrips(size, lanes) : SmallVector<unsigned>{1};
    for (unsigned w : widths) {
      Value stop = end;
      if (w > 1) {
        Value count = arith::DivUIOp::create(b, arith::SubIOp::create(b, end, from), constantIndex(b, w));
        stop = arith::AddIOp::create(b, from, arith::MulIOp::create(b, count, constantIndex(b, w)));
      }
      auto loop = scf::ForOp::create(b, from, stop, constantIndex(b, w));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      auto scope = emitter.scope();
      auto positive = emitter.insideLoopOver(dim.extent);
      emitter.setLanes(w);
      Lane lane = emitter.coordinate(toInt(b, loop.getInductionVar()), w > 1);
      if (dim.coordinate)
        emitter.bind(dim.coordinate, lane);
      at[order[level]] = lane;
      descend(level + 1);
      emitter.setLanes(1);
      from = stop;
    }
  };
  descend(0);
}

void KernelEmitter::store(Builder &b, const Lane &lane, const Storage &storage, ArrayRef<Lane> at,
                          bool zeroWhereAbsent) {
  unsigned w = emitter.getLanes();
  Value value = emitter.toStorage(b, emitter.materialize(b, lane), storage.elementType);
  if (zeroWhereAbsent && lane.present) {
    Value present = lane.present;
    if (isa<VectorType>(present.getType()) || isa<VectorType>(value.getType()))
      present = emitter.broadcast(b, present), value = emitter.broadcast(b, value);
    Value zero = isa<FloatType>(getElementTypeOrSelf(value.getType())) ? constantLike(b, value.getType(), 0)
                                                                       : constantInt(b, value.getType(), 0);
    value = arith::SelectOp::create(b, present, value, zero);
  }
  Value bit;
  if (storage.presence) {
    bit = emitter.presenceBit(b, lane);
    auto vector = dyn_cast<VectorType>(bit.getType());
    Type i8 = b.getI8Type();
    bit = arith::ExtUIOp::create(b, vector ? Type(VectorType::get(vector.getShape(), i8)) : i8, bit);
  }
  SmallVector<Value> first;
  int moving = -1;
  for (auto [k, index] : llvm::enumerate(at)) {
    if (index.base)
      moving = k;
    first.push_back(toIndex(b, index.base ? index.base : index.value));
  }
  for (auto [what, memory] : {std::pair(value, storage.data), std::pair(bit, storage.presence)}) {
    if (!what)
      continue;
    if (w == 1 || moving < 0) {
      assert(!isa<VectorType>(what.getType()) && "lanes that would go to one place");
      memref::StoreOp::create(b, what, memory, first);
    } else if (moving + 1 == int(at.size())) {
      vector::StoreOp::create(b, emitter.broadcast(b, what), memory, first);
    } else { // lanes that are apart in memory
      Value lanesOf = emitter.broadcast(b, what);
      for (unsigned i = 0; i < w; ++i) {
        SmallVector<Value> place = first;
        place[moving] = arith::AddIOp::create(b, first[moving], constantIndex(b, i));
        memref::StoreOp::create(b, vector::ExtractOp::create(b, lanesOf, ArrayRef<int64_t>{i}), memory, place);
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

void KernelEmitter::emitEinsum(Builder &b, EinsumOp einsum) {
  auto scope = emitter.scope();
  Value tensor = einsum.getResult(), body = einsum.getYield().getValues()[0];
  StringRef vector = getVector(einsum);
  SmallVector<LoopDim> open = openLoops(einsum.getCoords(), einsum.getExtents(), &einsum.getBody().front(), vector);
  bool isOwn = llvm::any_of(open, [](LoopDim &dim) { return dim.isVector; });
  emitter.vectorName = isOwn ? "" : vector.str();
  emitLoops(b, open, body, [&](ArrayRef<Lane>) {
    auto inner = emitter.scope();
    Lane lane = emitter.emit(b, body);
    const Storage &storage = emitter.storages.find(tensor)->second;
    SmallVector<Lane> at;
    for (auto [k, kept] : llvm::enumerate(storage.kept))
      if (kept)
        at.push_back(emitter.foldIndex(b, storage, k, emitter.emit(b, einsum.getBody().getArgument(k))));
    store(b, lane, storage, at, direct.count(tensor));
  });
}

void KernelEmitter::emitMaterialize(Builder &b, MaterializeOp op) {
  Value source = getDefinition(op.getSource());
  if (direct.count(source))
    return;
  Storage from = emitter.storages.find(source)->second; // a copy: opening buffers may move the table
  for (OpOperand &use : op.getResult().getUses()) {
    Value output = outputs[use.getOperandNumber()];
    Type element = getElementTypeOrSelf(op.getType());
    if (element.isInteger(4)) {
      emitPacked(b, op, from, output);
      continue;
    }
    Storage to;
    to.data = output;
    to.elementType = element;
    unsigned rank = op.getType().getRank();
    SmallVector<LoopDim> dims;
    SmallVector<Lane> all(rank);
    SmallVector<unsigned> open;
    auto [names, ends] = getLeftSide(source.getDefiningOp());
    for (unsigned k = 0; k < rank; ++k) {
      if (auto it = bound.find(cast<StringAttr>(names[k]).getValue()); it != bound.end()) {
        all[k] = {it->second, nullptr, nullptr};
        continue;
      }
      open.push_back(k);
      dims.push_back({ends[k], BlockArgument(), k + 1 == rank});
    }
    emitLoops(b, dims, Value(), [&](ArrayRef<Lane> at) {
      for (auto [i, k] : llvm::enumerate(open))
        all[k] = at[i];
      SmallVector<Lane> kept;
      for (unsigned k = 0; k < rank; ++k)
        if (from.kept[k])
          kept.push_back(all[k]);
      store(b, emitter.load(b, from, kept, Value()), to, all, /*zeroWhereAbsent=*/true);
    });
  }
}

/// An i4 output: two entries make a byte, so the last dimension is written byte by byte.
void KernelEmitter::emitPacked(Builder &b, MaterializeOp op, Storage &from, Value output) {
  unsigned rank = op.getType().getRank();
  Operation *equation = getEquation(op.getSource());
  ArrayAttr names = getLeftSide(equation).first;
  ValueRange ends = getLeftSide(equation).second;
  SmallVector<LoopDim> dims;
  SmallVector<unsigned> open;
  SmallVector<Lane> all(rank);
  for (unsigned k = 0; k + 1 < rank; ++k) {
    if (auto it = bound.find(cast<StringAttr>(names[k]).getValue()); it != bound.end()) {
      all[k] = {it->second, nullptr, nullptr};
    } else {
      open.push_back(k);
      dims.push_back({ends[k], BlockArgument(), false});
    }
  }
  Type i64 = b.getI64Type();
  auto half = [&](Value last) -> Value {
    all[rank - 1] = {last, nullptr, nullptr};
    SmallVector<Lane> kept;
    for (unsigned k = 0; k < rank; ++k)
      if (from.kept[k])
        kept.push_back(all[k]);
    Value size = toInt(b, extentOf(ends[rank - 1]));
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, last, size);
    Lane lane = emitter.load(b, from, kept, inside);
    Value v = emitter.emitCast(b, emitter.materialize(b, lane), getElementTypeOrSelf(op.getType()));
    v = arith::SelectOp::create(b, emitter.presenceBit(b, lane), v, constantInt(b, i64, 0));
    return arith::AndIOp::create(b, v, constantInt(b, i64, 15));
  };
  emitLoops(b, dims, Value(), [&](ArrayRef<Lane> at) {
    SmallVector<Value> place;
    for (auto [i, k] : llvm::enumerate(open))
      all[k] = at[i];
    for (unsigned k = 0; k + 1 < rank; ++k)
      place.push_back(toIndex(b, all[k].value));
    Value one = constantIndex(b, 1);
    Value bytes = rank ? arith::ShRUIOp::create(b, arith::AddIOp::create(b, extentOf(ends[rank - 1]), one), one).getResult()
                       : one;
    auto loop = scf::ForOp::create(b, constantIndex(b, 0), bytes, one);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto scope = emitter.scope();
    Value low, high = constantInt(b, i64, 0);
    if (rank) {
      Value even = arith::ShLIOp::create(b, toInt(b, loop.getInductionVar()), constantInt(b, i64, 1));
      low = half(even);
      high = half(arith::AddIOp::create(b, even, constantInt(b, i64, 1)));
      place.push_back(loop.getInductionVar());
    } else {
      Lane lane = emitter.load(b, from, {}, Value());
      Value v = emitter.emitCast(b, emitter.materialize(b, lane), getElementTypeOrSelf(op.getType()));
      v = arith::SelectOp::create(b, emitter.presenceBit(b, lane), v, high);
      low = arith::AndIOp::create(b, v, constantInt(b, i64, 15));
    }
    Value byte = arith::OrIOp::create(b, low, arith::ShLIOp::create(b, high, constantInt(b, i64, 4)));
    memref::StoreOp::create(b, arith::TruncIOp::create(b, b.getI8Type(), byte), output, place);
  });
}

/// The equations of one step, each after those that it reads at this very step.
static SmallVector<Operation *> orderStep(RecurrenceOp recurrence) {
  SmallVector<Operation *> items, order;
  for (Operation &op : recurrence.getBody().front().without_terminator())
    items.push_back(&op);
  auto itemOf = [&](Value tensor) -> Operation * {
    Operation *op = getEquation(tensor);
    while (op && op->getParentOp() != recurrence)
      op = op->getParentOp();
    return op;
  };
  StringRef along = recurrence.getAlong();
  DenseSet<Operation *> entered;
  std::function<void(Operation *)> visit = [&](Operation *op) {
    if (!entered.insert(op).second)
      return;
    op->walk([&](ReadOp read) {
      Operation *producer = getEquation(read.getSource()), *item = itemOf(read.getSource());
      if (!item || item == op)
        return;
      ArrayAttr names = getLeftSide(producer).first;
      auto at = llvm::find_if(names, [&](Attribute a) { return cast<StringAttr>(a).getValue() == along; });
      auto index = dyn_cast<BlockArgument>(read.getIndices()[at - names.begin()]);
      if (index && getCoordinateName(index) == along && isa<EinsumOp, ArgtopkOp>(index.getOwner()->getParentOp()))
        visit(item);
    });
    order.push_back(op);
  };
  for (Operation *op : items)
    visit(op);
  return order;
}

/// The equations of a recurrence, inside the loop over its steps.
void KernelEmitter::emitSteps(Builder &b, RecurrenceOp op) {
  SmallVector<Operation *> items = orderStep(op);
  for (Operation *item : items)
    emitter.unfinished.insert(item->result_begin(), item->result_end());
  for (Operation *item : items)
    emitItem(b, item);
  for (Operation *item : items)
    for (Value tensor : item->getResults())
      emitter.unfinished.erase(tensor);
}

void KernelEmitter::emitRecurrence(Builder &b, RecurrenceOp op) {
  Value extent = getExtentAlong(op);
  Value end = extentOf(extent);
  auto loop = scf::ForOp::create(b, constantIndex(b, 0), end, constantIndex(b, 1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto scope = emitter.scope();
  auto positive = emitter.insideLoopOver(extent);
  Value at = loop.getInductionVar();
  if (op.getDirection() == Direction::Backward)
    at = arith::SubIOp::create(b, arith::SubIOp::create(b, end, constantIndex(b, 1)), at);
  std::string along = op.getAlong().str();
  bound[along] = toInt(b, at);
  emitSteps(b, op);
  for (Operation *item : followers.lookup(op)) {
    if (auto other = dyn_cast<RecurrenceOp>(item))
      emitSteps(b, other);
    else
      emitItem(b, item);
  }
  bound.erase(along);
}
