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
  SmallVector<Role> axes; // of a line of rows
  for (auto name : names.getAsRange<StringAttr>())
    if (name.getValue() == plan.rows.back().first)
      axes.push_back(Role::Row);
    else if (!outer->contains(name.getValue()) &&
             llvm::none_of(plan.rows, [&](auto &row) { return row.first == name.getValue(); }))
      axes.push_back(Role::Inner);
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
  SmallVector<Role> space = own ? tileOf(own).axes : axes;
  auto write = [&](function_ref<View(const View &)> part, SmallVector<View> outs) {
    SmallVector<View> ins;
    for (Value accumulator : state) {
      if (accumulator != own)
        ins.push_back(part(tileOf(accumulator)));
      if (View bit = components[accumulator.getDefiningOp()].bit; bit.memory)
        ins.push_back(part(bit));
    }
    generic(b, space, ins, outs, [&](Builder &in, ValueRange args) {
      return finishElement(in, tensor, state.getArrayRef(), own, storage, space, args);
    });
  };
  if (own)
    write([](const View &tile) { return tile; }, {tileOf(own)});
  forRowLines(b, [&](Value count, ArrayRef<Value> at) {
    auto cut = [&](const View &tile) { return lineOf(b, tile, count); };
    View data = lineOf(b, storage.data, tensor, count, at);
    if (own)
      return generic(b, axes, cut(tileOf(own)), data, [&](Builder &in, ValueRange args) {
        return SmallVector<Value>{emitter.toStorage(in, args[0], storage.elementType)};
      });
    SmallVector<View> outs{data};
    if (storage.presence)
      outs.push_back(lineOf(b, storage.presence, tensor, count, at));
    write(cut, outs);
  });
}

/// In a region whose first arguments are elements of the state: an element of a result as it is stored, 0 where it is absent, and
/// whether it is there, where that is stored too.
SmallVector<Value> StreamEmitter::finishElement(Builder &in, Value tensor, ArrayRef<Value> state, Value own,
                                                const Storage &storage, Space space, ValueRange args) {
  stateLanes.clear();
  unsigned at = 0;
  for (Value accumulator : state) {
    Lane lane{accumulator == own ? args.back() : args[at++], nullptr, nullptr};
    std::set<std::string> needed;
    for (auto &[name, extent] : plan.keys)
      needed.insert(extents.of(extent));
    for (Value v : accumulator.getDefiningOp<AccumulateOp>().getYield().getValues())
      if (Presence p = presences.of(v))
        needed.insert(p->begin(), p->end());
    lane.present = emitter.arePositive(in, needed);
    if (components[accumulator.getDefiningOp()].bit.memory)
      lane.present = arith::CmpFOp::create(in, arith::CmpFPredicate::OGT, args[at++], constantLike(in, plan.real, 0));
    stateLanes[accumulator] = lane;
  }
  Lane lane = emitTensor(in, tensor, space);
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
}

/// A line of rows in a tile.
StreamEmitter::View StreamEmitter::lineOf(Builder &b, const View &tile, Value count) {
  auto type = cast<MemRefType>(tile.memory.getType());
  SmallVector<OpFoldResult> from(type.getRank(), b.getIndexAttr(0)), step(type.getRank(), b.getIndexAttr(1)), size;
  for (auto [k, axis] : llvm::enumerate(tile.axes)) {
    size.push_back(axis == Role::Row ? OpFoldResult(count) : memref::getMixedSize(b, b.getLoc(), tile.memory, k));
    if (axis == Role::Row && rowOffset)
      from[k] = rowOffset;
  }
  return {memref::SubViewOp::create(b, tile.memory, from, size, step), tile.axes};
}

/// A line of rows, which begins at `at`, of a result in memory.
StreamEmitter::View StreamEmitter::lineOf(Builder &b, Value memory, Value tensor, Value count, ArrayRef<Value> at) {
  auto [names, ends] = getLeftSide(tensor.getDefiningOp());
  SmallVector<OpFoldResult> offsets, counts, strides;
  SmallVector<Role> axes;
  SmallVector<int64_t> shape;
  for (auto [k, end] : llvm::enumerate(ends)) {
    StringRef name = cast<StringAttr>(names[k]).getValue();
    auto row = llvm::find_if(plan.rows, [&](auto &row) { return row.first == name; });
    auto setting = row == plan.rows.end() ? outer->find(name) : outer->end();
    bool isRow = row != plan.rows.end(), isLine = isRow && std::next(row) == plan.rows.end();
    offsets.push_back(setting != outer->end() ? OpFoldResult(toIndex(b, setting->second))
                      : isRow                 ? OpFoldResult(at[row - plan.rows.begin()])
                                              : OpFoldResult(b.getIndexAttr(0)));
    strides.push_back(b.getIndexAttr(isLine ? rows.back().step : 1));
    if (setting != outer->end() || (isRow && !isLine)) {
      counts.push_back(b.getIndexAttr(1));
      continue;
    }
    axes.push_back(isLine ? Role::Row : Role::Inner);
    shape.push_back(isLine ? ShapedType::kDynamic : Extents::constant(extents.of(end)).value_or(ShapedType::kDynamic));
    counts.push_back(isLine                                ? OpFoldResult(count)
                     : ShapedType::isDynamic(shape.back()) ? OpFoldResult(emitter.extentValues.lookup(extents.of(end)))
                                                           : OpFoldResult(b.getIndexAttr(shape.back())));
  }
  auto type = memref::SubViewOp::inferRankReducedResultType(shape, cast<MemRefType>(memory.getType()), offsets, counts, strides);
  return {memref::SubViewOp::create(b, type, memory, offsets, counts, strides), axes};
}

void StreamEmitter::finish(Builder &b) {
  StreamOp stream = plan.stream;
  for (auto [result, tensor] : llvm::zip(stream.getResults(), stream.getYield().getValues()))
    if (!result.use_empty())
      emitFinish(b, tensor);
}
