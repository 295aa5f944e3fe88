//===- StreamFactors.cpp - the two sides of a product ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Left factors are packed once a block of rows. A right factor that lies in memory as a matrix of keys is read where it lies; one of 16 bits is
// widened once a block of keys; any other is computed into a tile.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

/// The body in which a product stands: of a reduction, the equation's; of an accumulator, its own.
static Block *bodyOf(Operation *op) {
  while (isa<ReduceOp>(op))
    op = op->getParentOp();
  return &op->getRegion(0).front();
}

void StreamEmitter::bindInner(Builder &b, Operation *op, Space space) {
  if (auto reduce = dyn_cast<ReduceOp>(op); reduce && llvm::is_contained(space, Role::Inner))
    emitter.bind(reduce.getBody().getArgument(0), {index(b, space, Role::Inner), nullptr, nullptr});
}

/// Whether the indices that are the same in the whole block lie inside their tensors; null: certainly.
Value StreamEmitter::conditionOf(Builder &b, Operation *op) {
  bindCoordinates(b, bodyOf(op), {});
  Value all;
  SetVector<Value> seen;
  std::function<void(Value)> visit = [&](Value v) {
    Operation *def = v.getDefiningOp();
    if (!def || isa<TensorType>(v.getType()) || !seen.insert(v))
      return;
    auto read = dyn_cast<ReadOp>(def);
    if (!read) {
      llvm::for_each(def->getOperands(), visit);
      return;
    }
    for (unsigned k = 0; k < read.getIndices().size(); ++k) {
      if (presences.isInside(read, k))
        continue;
      Lane lane = emitter.emit(b, read.getIndices()[k]);
      Value size = toInt(b, emitter.extentValues.lookup(extents.ofDim(read.getSource(), k)));
      Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lane.value, size);
      all = conjunction(b, emitter, all, conjunction(b, emitter, inside, lane.present));
    }
  };
  const StreamTiles::Product &product = plan.products.find(op)->second;
  if (isa<ReduceOp>(op) && ShapedType::isDynamic(product.inner)) // a sum of nothing is absent
    all = emitter.arePositive(b, {extents.of(product.innerExtent)});
  if (isa<ReduceOp>(op)) // an accumulator's left factors are elementwise
    for (ArrayRef<Value> factors : {ArrayRef(product.left), ArrayRef(product.divisors)})
      llvm::for_each(factors, visit);
  llvm::for_each(product.right, visit);
  return all;
}

Value StreamEmitter::multiply(Builder &b, ArrayRef<Value> factors) {
  Value product;
  for (Value factor : factors) {
    Value v = emitter.materialize(b, emitter.emit(b, factor));
    product = product ? arith::MulFOp::create(b, product, v, arith::FastMathFlags::contract).getResult() : v;
  }
  return product;
}

void StreamEmitter::packLeft(Builder &b, ReduceOp reduce) {
  const StreamTiles::Product &product = plan.products.find(reduce)->second;
  View &tile = packed[reduce];
  if (!tile.memory)
    tile = makeTile({Role::Row, Role::Inner}, &product);
  guarded(b, conditions[reduce], [&] {
    SmallVector<Role> space{Role::Row, Role::Inner};
    generic(b, space, {}, tile, [&](Builder &in, ValueRange) {
      bindCoordinates(in, bodyOf(reduce), space);
      bindInner(in, reduce, space);
      Value value = multiply(in, product.left);
      for (Value divisor : product.divisors)
        value = arith::DivFOp::create(in, value, emitter.materialize(in, emitter.emit(in, divisor)));
      return SmallVector<Value>{value};
    });
  });
}

/// The matrix of keys that a product's only right factor is, where it lies.
std::optional<StreamEmitter::View> StreamEmitter::openInPlace(Builder &b, Operation *op, Storage &storage) {
  const StreamTiles::Product &product = plan.products.find(op)->second;
  auto read = product.right.size() == 1 ? product.right[0].getDefiningOp<ReadOp>() : ReadOp();
  if (!read)
    return std::nullopt;
  auto it = emitter.storages.find(getDefinition(read.getSource()));
  if (it == emitter.storages.end() || it->second.presence || it->second.packed || it->second.foldDim >= 0 ||
      !llvm::all_of(it->second.kept, [](bool kept) { return kept; }))
    return std::nullopt;
  storage = it->second;
  Type element = cast<MemRefType>(storage.data.getType()).getElementType();
  if (element != plan.real && !element.isBF16() && !element.isF16())
    return std::nullopt;
  unsigned rank = read.getIndices().size();
  int keyAt = -1, innerAt = -1;
  SmallVector<OpFoldResult> offsets, counts, strides(rank, b.getIndexAttr(1));
  for (unsigned k = 0; k < rank; ++k) {
    Value at = read.getIndices()[k];
    auto arg = dyn_cast<BlockArgument>(at);
    bool fixed = !plan.dependsOn(at, Role::Key) && !plan.dependsOn(at, Role::Inner);
    if (!fixed && (!arg || !presences.isInside(read, k)))
      return std::nullopt;
    Role role = fixed ? Role::Outer : plan.roleOf(arg);
    int &place = role == Role::Key ? keyAt : innerAt;
    if (!fixed && place >= 0)
      return std::nullopt;
    if (!fixed)
      place = k;
    offsets.push_back(fixed ? OpFoldResult(toIndex(b, emitter.emit(b, at).value))
                            : role == Role::Key ? OpFoldResult(keyBegin) : OpFoldResult(b.getIndexAttr(0)));
    counts.push_back(role == Role::Key ? OpFoldResult(keyCount) : fixed ? OpFoldResult(b.getIndexAttr(1)) : innerOf(b, product));
  }
  if (keyAt < 0 || innerAt != int(rank) - 1)
    return std::nullopt;
  auto type = memref::SubViewOp::inferRankReducedResultType({ShapedType::kDynamic, product.inner},
                                                            cast<MemRefType>(storage.data.getType()), offsets, counts, strides);
  Value view = memref::SubViewOp::create(b, type, storage.data, offsets, counts, strides);
  return View{view, {Role::Key, Role::Inner}};
}

StreamEmitter::View StreamEmitter::openRight(Builder &b, Operation *op) {
  const StreamTiles::Product &product = plan.products.find(op)->second;
  bindCoordinates(b, bodyOf(op), {});
  Storage storage;
  std::optional<View> matrix = openInPlace(b, op, storage);
  if (matrix && cast<MemRefType>(matrix->memory.getType()).getElementType() == plan.real)
    return *matrix;
  View &tile = rights[op];
  if (!tile.memory)
    tile = makeTile({Role::Key, Role::Inner}, &product);
  View out = inBlock(b, tile);
  SmallVector<Role> space{Role::Key, Role::Inner};
  if (matrix) {
    generic(b, space, *matrix, out, [&](Builder &in, ValueRange args) {
      Value wide = emitter.fromStorage(in, args[0], storage.elementType);
      if (wide.getType() != plan.real)
        wide = arith::ExtFOp::create(in, plan.real, wide);
      return SmallVector<Value>{wide};
    });
    return out;
  }
  generic(b, space, {}, out, [&](Builder &in, ValueRange) {
    bindCoordinates(in, bodyOf(op), space);
    bindInner(in, op, space);
    return SmallVector<Value>{multiply(in, product.right)};
  });
  return out;
}
