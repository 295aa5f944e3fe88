//===- Buffers.cpp - what lives where in the workspace --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tensor that only its own group reads is scratch: one iteration's worth, once a chunk. Others live for the whole call.
// Offsets are arithmetic on extents, emitted alike in the kernel and in the function that gives the workspace's size.
#include "KernelEmitter.h"
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/StreamTiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

static mapping::LoopsAttr getLoops(Operation *op) { return op->getAttrOfType<mapping::LoopsAttr>("mapping"); }

StringRef tiles::getVector(Operation *op) {
  auto loops = getLoops(op);
  return loops ? loops.getVector().getValue() : StringRef();
}

void KernelEmitter::planGroups() {
  std::optional<int64_t> last;
  for (Operation &op : cascade.getBody().front()) {
    if (!isa<EinsumOp, ArgtopkOp, RecurrenceOp, StreamOp, MaterializeOp>(op))
      continue;
    auto loops = getLoops(&op);
    if (!loops || last != loops.getGroup() || groups.empty()) {
      groups.emplace_back();
      if (loops)
        for (auto name : loops.getShared().getAsRange<StringAttr>())
          groups.back().shared.push_back(name.str());
    }
    last = loops ? std::optional<int64_t>(loops.getGroup()) : std::nullopt;
    groups.back().items.push_back(&op);
  }
  for (Group &group : groups) {
    Operation *equation = nullptr;
    for (Operation *item : group.items)
      item->walk([&](Operation *inner) {
        if (!equation && isa<EinsumOp, ArgtopkOp>(inner) && !isa<StreamOp>(inner->getParentOp()))
          equation = inner;
      });
    if (!equation) // only the storing of outputs
      equation = getEquation(group.items[0]->getOperand(0));
    if (!equation)
      group.shared.clear();
    for (const std::string &name : group.shared) {
      auto [names, ends] = getLeftSide(equation);
      auto at = llvm::find_if(names, [&](Attribute a) { return cast<StringAttr>(a).getValue() == name; });
      group.sharedExtents.push_back(ends[at - names.begin()]);
    }
  }
}

bool KernelEmitter::isUsedOutside(Value tensor, const Group &group) {
  return isReadOutside(tensor, [&](Operation *item) { return llvm::is_contained(group.items, item); });
}

void KernelEmitter::planTensor(Operation *equation, int index) {
  const Group &group = groups[index];
  Value tensor = equation->getResult(0);
  auto type = cast<RankedTensorType>(tensor.getType());
  auto [names, ends] = getLeftSide(equation);
  Storage storage;
  storage.elementType = type.getElementType();
  storage.domain = presences.ofTensor(tensor);
  if (direct.count(tensor)) {
    storage.domain.emplace(); // stored whole
    storage.kept.assign(type.getRank(), true);
    shapes[tensor] = storage;
    return;
  }
  bool whole = isUsedOutside(tensor, group);
  Buffer data;
  data.tensor = tensor;
  data.group = whole || group.shared.empty() ? -1 : index;
  data.element = getStorageType(storage.elementType);
  for (auto [name, end] : llvm::zip(names.getAsRange<StringAttr>(), ends)) {
    bool kept = whole || !llvm::is_contained(group.shared, name.getValue());
    auto steps = keptSteps.find(equation);
    if (kept && steps != keptSteps.end() && cast<RecurrenceOp>(equation->getParentOp()).getAlongAttr() == name) {
      storage.foldDim = storage.kept.size();
      data.foldDim = data.extents.size();
      storage.fold = data.fold = steps->second;
    }
    storage.kept.push_back(kept);
    if (kept)
      data.extents.push_back(end);
  }
  buffers.push_back(data);
  if (!storage.domain) {
    data.role = Buffer::Bits;
    data.element = IntegerType::get(cascade.getContext(), 8);
    buffers.push_back(data);
  }
  shapes[tensor] = storage;
  if (auto topk = dyn_cast<ArgtopkOp>(equation)) {
    Type key = topk.getYield().getValues()[0].getType();
    for (unsigned i = 0; i < kSortLists; ++i) {
      Buffer list;
      list.tensor = tensor;
      list.role = i < 2 ? Buffer::Keys : Buffer::Positions;
      list.element = i < 2 ? getStorageType(key) : IntegerType::get(cascade.getContext(), 64);
      list.extents = {topk.getOverExtent()};
      list.group = group.shared.empty() ? -1 : index;
      buffers.push_back(list);
    }
  }
}

void KernelEmitter::planBuffers() {
  // An output whose equation nobody else reads is computed in place.
  for (auto [i, result] : llvm::enumerate(cascade.getBody().front().getTerminator()->getOperands())) {
    auto materialize = result.getDefiningOp<MaterializeOp>();
    if (!materialize)
      continue;
    Value source = materialize.getSource();
    Type from = getElementTypeOrSelf(source.getType()), to = getElementTypeOrSelf(result.getType());
    if (isa_and_nonnull<EinsumOp, StreamOp>(source.getDefiningOp()) && source.hasOneUse() && result.hasOneUse() && !to.isInteger(4) &&
        (from == to || from == getScalarType(from)))
      direct[getDefinition(source)] = i;
  }
  for (auto [i, group] : llvm::enumerate(groups))
    for (Operation *item : group.items) {
      if (auto stream = dyn_cast<StreamOp>(item)) { // most of its tiles are its own; its results are not
        planTiles(stream, i);
        for (auto [result, tensor] : llvm::zip(stream.getResults(), stream.getYield().getValues()))
          if (!result.use_empty() && !shapes.count(tensor))
            planTensor(tensor.getDefiningOp(), i);
        continue;
      }
      item->walk([&, index = int(i)](Operation *inner) {
        if (isa<EinsumOp, ArgtopkOp>(inner))
          planTensor(inner, index);
      });
    }
}

/// Slots for the states of parts. Tiles of an extent that is open have a size that no thread's stack is sure to hold.
void KernelEmitter::planTiles(StreamOp stream, int group) {
  std::optional<StreamTiles> plan = StreamTiles::of(stream, extents, dependence, presences);
  auto sizes = stream->getAttrOfType<mapping::TilesAttr>("mapping");
  if (!plan || !sizes)
    return;
  SlotPlan split = planSplit(*plan, sizes);
  if (split.slots)
    planSlots(*plan, split.slots * sizes.getM());
  planLists(stream, *plan, sizes);
  planPacking(stream, *plan, sizes);
  if (allocated && split.parts != 1) {
    Buffer &buffer = buffers.emplace_back();
    buffer.role = Buffer::States;
    buffer.product = stream;
    buffer.element = plan->real;
  }
  if (allocated)
    return;
  SmallVector<Operation *> products(plan->sums.begin(), plan->sums.end());
  products.append(plan->state.begin(), plan->state.end());
  for (Operation *op : products) {
    const StreamTiles::Product &product = plan->products.find(op)->second;
    if ((product.right.empty() && product.shifted.empty()) || !ShapedType::isDynamic(product.inner))
      continue;
    Buffer buffer;
    buffer.role = Buffer::Tiles;
    buffer.product = op;
    buffer.element = plan->real;
    buffer.extents = {product.innerExtent};
    buffer.rows = StreamTiles::rowsOf(sizes);
    buffer.group = group;
    buffers.push_back(buffer);
  }
}

Value KernelEmitter::countIterations(Builder &b, const Group &group) {
  Value total = constantIndex(b, 1);
  for (Value extent : group.sharedExtents)
    total = arith::MulIOp::create(b, total, extentOf(extent));
  return total;
}

Value KernelEmitter::countChunks(Builder &b, const Group &group) {
  if (isa<StreamOp>(group.items[0])) // does not depend on how many rows and keys there are
    return constantIndex(b, chunks);
  Value iterations = countIterations(b, group);
  if (allocated && !group.scratch)
    return countPieces(b, iterations);
  return arith::MinUIOp::create(b, iterations, constantIndex(b, allocated ? kMaxScratches : kMaxChunks));
}

Value KernelEmitter::countPieces(Builder &b, Value count) {
  return allocated ? count : arith::MinUIOp::create(b, count, constantIndex(b, chunks)).getResult();
}

/// Entries of a buffer along its k-th extent.
Value KernelEmitter::sizeOf(Builder &b, const Buffer &buffer, unsigned k) {
  if (int(k) == buffer.foldDim)
    return constantIndex(b, buffer.fold);
  Value extent = extentOf(buffer.extents[k]);
  size_t after = buffer.extents.size() - 1 - k;
  if (int64_t per = after == 0 ? buffer.per : after == 1 ? buffer.perBefore : 1; per > 1)
    extent = arith::CeilDivUIOp::create(b, extent, constantIndex(b, per));
  if (after == 0 && buffer.more)
    extent = arith::AddIOp::create(b, extent, constantIndex(b, buffer.more));
  return extent;
}

/// The bytes of a buffer, a multiple of 64.
Value KernelEmitter::bytesOf(Builder &b, const Buffer &buffer) {
  Value size = constantIndex(b, buffer.rows * std::max(1u, buffer.element.getIntOrFloatBitWidth() / 8));
  for (unsigned k = 0; k < buffer.extents.size() && buffer.role != Buffer::Packed; ++k)
    size = arith::MulIOp::create(b, size, sizeOf(b, buffer, k));
  if (buffer.role == Buffer::Packed)
    size = arith::MulIOp::create(b, size, countPackings(b, buffer));
  if (buffer.role == Buffer::States)
    size = arith::MulIOp::create(b, size, countStates(b, cast<StreamOp>(buffer.product)));
  return arith::AndIOp::create(b, arith::AddIOp::create(b, size, constantIndex(b, 63)), constantIndex(b, -64));
}

/// Gives the buffers of a group their offsets, one after another; returns the bytes of all.
Value KernelEmitter::place(Builder &b, int group, bool isPlanned) {
  Value at = constantIndex(b, 0);
  for (Buffer &buffer : buffers) {
    if (buffer.group != group || buffer.isPlanned != isPlanned)
      continue;
    buffer.offset = at;
    at = arith::AddIOp::create(b, at, bytesOf(b, buffer));
  }
  return at;
}

Value KernelEmitter::layOutPlan(Builder &b) { return place(b, -1, /*isPlanned=*/true); }

/// Gives every buffer of the workspace its offset; returns the bytes of all of it.
Value KernelEmitter::layOut(Builder &b) {
  scratchBegin = place(b, -1, /*isPlanned=*/false);
  Value most = constantIndex(b, 0);
  for (auto [i, group] : llvm::enumerate(groups)) {
    if (llvm::none_of(buffers, [i = int(i)](Buffer &buffer) { return buffer.group == i; }))
      continue;
    group.scratch = place(b, i, /*isPlanned=*/false);
    Value size = arith::MulIOp::create(b, countChunks(b, group), group.scratch);
    most = arith::MaxUIOp::create(b, most, size); // groups run one after another and share their scratch
  }
  return arith::AddIOp::create(b, scratchBegin, most);
}

/// The group's buffers of one chunk, if it has any.
void KernelEmitter::openScratch(Builder &b, int group, Value chunk) {
  if (Value bytes = groups[group].scratch)
    openBuffers(b, group, arith::AddIOp::create(b, scratchBegin, arith::MulIOp::create(b, chunk, bytes)));
}

/// Views of the workspace, or of the plan, for every buffer of a group, from byte `from` on.
void KernelEmitter::openBuffers(Builder &b, int group, Value from) {
  for (Buffer &buffer : buffers) {
    Value whole = buffer.isPlanned ? planMemory : workspace;
    if (buffer.group != group || !whole || buffer.role == Buffer::Packed)
      continue;
    if (buffer.role == Buffer::Tiles || buffer.role == Buffer::Slots || buffer.role == Buffer::States) {
      Value at = arith::AddIOp::create(b, from, buffer.offset);
      (buffer.role == Buffer::Tiles ? tiles[buffer.product] : slots[{buffer.product, buffer.piece}]) = at;
      continue;
    }
    SmallVector<int64_t> shape(buffer.extents.size(), ShapedType::kDynamic);
    SmallVector<Value> sizes;
    for (auto [k, extent] : llvm::enumerate(buffer.extents)) {
      if (int(k) == buffer.foldDim)
        shape[k] = buffer.fold;
      else if (auto constant = Extents::constant(extents.of(extent)); constant && buffer.per == 1 && buffer.perBefore == 1)
        shape[k] = *constant;
      else
        sizes.push_back(sizeOf(b, buffer, k));
    }
    Value offset = arith::AddIOp::create(b, from, buffer.offset);
    Value memory = memref::ViewOp::create(b, MemRefType::get(shape, buffer.element), whole, offset, sizes);
    if (buffer.role == Buffer::Lists || buffer.role == Buffer::Verdicts) {
      (buffer.role == Buffer::Lists ? tileLists : verdicts)[buffer.product] = memory;
      continue;
    }
    if (buffer.role == Buffer::Summary) {
      SummaryMemory &parts = summaries[buffer.tensor];
      (buffer.piece == 0 ? parts.low : buffer.piece == 1 ? parts.high : parts.there) = memory;
      continue;
    }
    if (buffer.role == Buffer::Keys || buffer.role == Buffer::Positions) {
      auto &list = lists[buffer.tensor];
      if (list.size() == kSortLists)
        list.clear();
      list.push_back(memory);
      continue;
    }
    auto [it, added] = emitter.storages.try_emplace(buffer.tensor, shapes.lookup(buffer.tensor));
    (buffer.role == Buffer::Data ? it->second.data : it->second.presence) = memory;
  }
  if (group != -1)
    return;
  for (auto [tensor, output] : direct) {
    Storage storage = shapes.lookup(tensor);
    storage.elementType = getElementTypeOrSelf(cascade.getResultTypes()[output]);
    storage.data = outputs[output];
    emitter.storages[tensor] = storage;
  }
}
