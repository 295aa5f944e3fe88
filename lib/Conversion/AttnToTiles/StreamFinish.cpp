//===- StreamFinish.cpp - what is stored of a block of rows ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

using Role = StreamTiles::Role;

/// The accumulators that a tensor of the finish is made of.
static void collectState(const StreamTiles &plan, Value tensor, SetVector<Value> &state) {
  auto einsum = tensor.getDefiningOp<EinsumOp>();
  if (!einsum) {
    state.insert(tensor);
    return;
  }
  for (Value source : plan.sourcesOf(einsum.getYield().getValues()[0]))
    collectState(plan, source, state);
}

Lane StreamEmitter::emitTensor(Builder &b, Value tensor, Space space) {
  if (auto it = stateLanes.find(tensor); it != stateLanes.end())
    return it->second;
  auto einsum = tensor.getDefiningOp<EinsumOp>();
  Value body = einsum.getYield().getValues()[0];
  bindCoordinates(b, &einsum.getBody().front(), space);
  for (Value source : plan.sourcesOf(body)) {
    Lane lane = emitTensor(b, source, space);
    for (Operation *user : source.getUsers())
      if (auto read = dyn_cast<ReadOp>(user); read && einsum->isProperAncestor(read))
        emitter.bind(read, lane);
  }
  return emitter.emit(b, body);
}

/// How many results are made of an accumulator.
unsigned StreamEmitter::countResults(Value accumulator) {
  StreamOp stream = plan.stream;
  return llvm::count_if(stream.getYield().getValues(), [&](Value tensor) {
    SetVector<Value> state;
    collectState(plan, tensor, state);
    return state.contains(accumulator);
  });
}

/// Writes the rows of one result, 0 where it is absent.
void StreamEmitter::emitFinish(Builder &b, Value tensor) {
  auto found = emitter.storages.find(tensor);
  if (found == emitter.storages.end())
    return; // nobody reads it
  Storage storage = found->second;
  auto [names, ends] = getLeftSide(tensor.getDefiningOp());
  SmallVector<OpFoldResult> offsets, counts;
  SmallVector<Role> axes;
  SmallVector<int64_t> shape;
  for (auto [name, end] : llvm::zip(names.getAsRange<StringAttr>(), ends)) {
    if (auto it = outer->find(name.getValue()); it != outer->end()) {
      offsets.push_back(toIndex(b, it->second));
      counts.push_back(b.getIndexAttr(1));
      continue;
    }
    bool isRow = name.getValue() == plan.row;
    axes.push_back(isRow ? Role::Row : Role::Inner);
    shape.push_back(isRow ? ShapedType::kDynamic : Extents::constant(extents.of(end)).value_or(ShapedType::kDynamic));
    offsets.push_back(isRow ? OpFoldResult(rowBegin) : OpFoldResult(b.getIndexAttr(0)));
    counts.push_back(isRow                                  ? OpFoldResult(rowCount)
                     : ShapedType::isDynamic(shape.back()) ? OpFoldResult(emitter.extentValues.lookup(extents.of(end)))
                                                            : OpFoldResult(b.getIndexAttr(shape.back())));
  }
  SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
  auto rows = [&](Value memory) {
    auto type = memref::SubViewOp::inferRankReducedResultType(shape, cast<MemRefType>(memory.getType()), offsets, counts, strides);
    return View{memref::SubViewOp::create(b, type, memory, offsets, counts, strides), axes};
  };
  /// The rows of a tile that are there.
  auto cut = [&](const View &tile) {
    auto type = cast<MemRefType>(tile.memory.getType());
    SmallVector<OpFoldResult> from(type.getRank(), b.getIndexAttr(0)), step(type.getRank(), b.getIndexAttr(1)), size;
    for (auto [k, axis] : llvm::enumerate(tile.axes))
      size.push_back(axis == Role::Row ? OpFoldResult(rowCount)
                                       : memref::getMixedSize(b, b.getLoc(), tile.memory, k));
    return View{memref::SubViewOp::create(b, tile.memory, from, size, step), tile.axes};
  };
  SetVector<Value> state;
  collectState(plan, tensor, state);
  auto tileOf = [&](Value accumulator) {
    Component &c = components[accumulator.getDefiningOp()];
    return c.value.memory ? c.value : c.reference;
  };
  // A whole tile is finished where it lies, in vectors, if nobody else needs it as it was; its rows that are there are copied then.
  Value own;
  for (Value accumulator : state)
    if (!storage.presence && tileOf(accumulator).axes.size() == 2 && axes.size() == 2 && countResults(accumulator) == 1 &&
        getElementTypeOrSelf(tensor.getType()) == plan.real)
      own = accumulator;
  SmallVector<View> ins, outs{rows(storage.data)};
  if (storage.presence)
    outs.push_back(rows(storage.presence));
  if (own)
    outs = {tileOf(own)};
  auto part = [&](const View &tile) { return own ? tile : cut(tile); };
  for (Value accumulator : state) {
    if (accumulator != own)
      ins.push_back(part(tileOf(accumulator)));
    if (View bit = components[accumulator.getDefiningOp()].bit; bit.memory)
      ins.push_back(part(bit));
  }
  generic(b, own ? outs[0].axes : axes, ins, outs, [&](Builder &in, ValueRange args) {
    stateLanes.clear();
    unsigned at = 0;
    for (Value accumulator : state) {
      Lane lane{accumulator == own ? args.back() : args[at++], nullptr, nullptr};
      std::set<std::string> needed{extents.of(plan.keyExtent)};
      for (Value v : accumulator.getDefiningOp<AccumulateOp>().getYield().getValues())
        if (Presence p = presences.of(v))
          needed.insert(p->begin(), p->end());
      lane.present = emitter.arePositive(in, needed);
      if (components[accumulator.getDefiningOp()].bit.memory)
        lane.present = arith::CmpFOp::create(in, arith::CmpFPredicate::OGT, args[at++], constantLike(in, plan.real, 0));
      stateLanes[accumulator] = lane;
    }
    Lane lane = emitTensor(in, tensor, own ? outs[0].axes : axes);
    Value value = emitter.materialize(in, lane);
    if (!own)
      value = emitter.toStorage(in, value, storage.elementType);
    if (lane.present) {
      Value zero = isa<FloatType>(value.getType()) ? constantLike(in, value.getType(), 0) : constantInt(in, value.getType(), 0);
      value = arith::SelectOp::create(in, lane.present, value, zero);
    }
    SmallVector<Value> stored{value};
    if (storage.presence)
      stored.push_back(arith::ExtUIOp::create(in, in.getI8Type(), emitter.presenceBit(in, lane)));
    return stored;
  });
  if (own)
    generic(b, axes, cut(outs[0]), rows(storage.data), [&](Builder &in, ValueRange args) {
      return SmallVector<Value>{emitter.toStorage(in, args[0], storage.elementType)};
    });
}

void StreamEmitter::finish(Builder &b) {
  StreamOp stream = plan.stream;
  for (auto [result, tensor] : llvm::zip(stream.getResults(), stream.getYield().getValues()))
    if (!result.use_empty())
      emitFinish(b, tensor);
}
