//===- Reads.cpp - reads of tensors, and what lies in memory --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "BodyEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

Type tiles::getStorageType(Type elementType) {
  MLIRContext *context = elementType.getContext();
  if (isa<Float8E4M3FNType, Float8E5M2Type>(elementType))
    return IntegerType::get(context, 8);
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return IntegerType::get(context, std::max(8u, integer.getWidth()));
  return elementType;
}

static Type withElement(Type shape, Type element) {
  if (auto vector = dyn_cast<VectorType>(shape))
    return VectorType::get(vector.getShape(), element);
  return element;
}

Value BodyEmitter::fromStorage(ImplicitLocOpBuilder &b, Value stored, Type elementType) {
  Type type = stored.getType();
  auto like = [&](Type element) { return withElement(type, element); };
  if (elementType.isF64() || elementType.isF32())
    return stored;
  if (isa<Float8E4M3FNType, Float8E5M2Type>(elementType))
    stored = arith::BitcastOp::create(b, like(elementType), stored);
  if (isa<FloatType>(elementType))
    return arith::ExtFOp::create(b, like(b.getF32Type()), stored);
  auto integer = cast<IntegerType>(elementType);
  if (integer.getWidth() == 1)
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, stored, constantInt(b, type, 0));
  if (integer.getWidth() == 64)
    return stored;
  if (integer.isUnsigned())
    return arith::ExtUIOp::create(b, like(b.getI64Type()), stored);
  return arith::ExtSIOp::create(b, like(b.getI64Type()), stored);
}

Value BodyEmitter::toStorage(ImplicitLocOpBuilder &b, Value value, Type elementType) {
  Type have = getElementTypeOrSelf(value.getType());
  auto like = [&](Type element) { return withElement(value.getType(), element); };
  if (auto integer = dyn_cast<IntegerType>(elementType)) {
    if (integer.getWidth() == 1) {
      if (!have.isInteger(1))
        value = emitCast(b, value, elementType);
      return arith::ExtUIOp::create(b, like(b.getI8Type()), value);
    }
    value = emitCast(b, value, elementType); // an i64 in the range of the type
    Type storage = getStorageType(elementType);
    return storage.isInteger(64) ? value : arith::TruncIOp::create(b, like(storage), value).getResult();
  }
  if (isa<IntegerType>(have)) { // integers and bools stored as reals
    if (have.isInteger(1))
      value = arith::ExtUIOp::create(b, like(b.getI64Type()), value);
    bool exact = elementType.isF32() || elementType.isF64();
    value = arith::SIToFPOp::create(b, like(exact ? elementType : b.getF64Type()), value);
  }
  have = getElementTypeOrSelf(value.getType());
  if (have.getIntOrFloatBitWidth() < elementType.getIntOrFloatBitWidth())
    value = arith::ExtFOp::create(b, like(elementType), value);
  else if (have != elementType)
    value = arith::TruncFOp::create(b, like(elementType), value);
  if (isa<Float8E4M3FNType, Float8E5M2Type>(elementType))
    value = arith::BitcastOp::create(b, like(b.getI8Type()), value);
  return value;
}

/// Loads one element a lane. `inside` is the mask of the lanes that may be touched (null: all); others give 0.
Value BodyEmitter::loadLanes(ImplicitLocOpBuilder &b, Value memref, ArrayRef<Lane> indices, Value inside,
                             bool packed) {
  auto type = cast<MemRefType>(memref.getType());
  Type element = type.getElementType();
  bool varies = llvm::any_of(indices, [](const Lane &i) { return i.varies(); }) ||
                (inside && isa<VectorType>(inside.getType()));
  if (!varies) {
    SmallVector<Value> at;
    for (const Lane &i : indices)
      at.push_back(toIndex(b, i.value));
    if (packed)
      at.back() = arith::ShRUIOp::create(b, at.back(), constantIndex(b, 1));
    if (!inside)
      return memref::LoadOp::create(b, memref, at);
    auto branch = scf::IfOp::create(b, TypeRange{element}, inside, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, memref::LoadOp::create(b, memref, at).getResult());
    b.setInsertionPointToStart(branch.elseBlock());
    Value zero = isa<FloatType>(element) ? constantLike(b, element, 0) : constantInt(b, element, 0);
    scf::YieldOp::create(b, zero);
    return branch.getResult(0);
  }
  auto vector = VectorType::get({int64_t(lanes)}, element);
  Value zero = isa<FloatType>(element) ? constantLike(b, vector, 0) : constantInt(b, vector, 0);
  bool contiguous = !packed && indices.back().base &&
                    llvm::none_of(indices.drop_back(), [](const Lane &i) { return i.varies(); });
  if (contiguous) {
    SmallVector<Value> at;
    for (const Lane &i : indices)
      at.push_back(toIndex(b, i.base ? i.base : i.value));
    if (!inside)
      return vector::LoadOp::create(b, vector, memref, at);
    return vector::MaskedLoadOp::create(b, vector, memref, at, broadcast(b, inside), zero);
  }
  // A gather at the linear offset, from the first element.
  auto meta = memref::ExtractStridedMetadataOp::create(b, memref);
  Value offset;
  for (auto [k, index] : llvm::enumerate(indices)) {
    Value i = materialize(b, index);
    if (packed && k + 1 == indices.size())
      i = arith::ShRUIOp::create(b, i, constantInt(b, i.getType(), 1));
    Value stride = toInt(b, meta.getStrides()[k]);
    if (isa<VectorType>(i.getType()))
      stride = broadcast(b, stride);
    i = arith::MulIOp::create(b, i, stride);
    if (offset && (isa<VectorType>(i.getType()) || isa<VectorType>(offset.getType())))
      i = broadcast(b, i), offset = broadcast(b, offset);
    offset = offset ? arith::AddIOp::create(b, offset, i).getResult() : i;
  }
  SmallVector<Value> first(type.getRank(), constantIndex(b, 0));
  Value mask = inside ? broadcast(b, inside) : constantInt(b, VectorType::get({int64_t(lanes)}, b.getI1Type()), 1);
  return vector::GatherOp::create(b, vector, memref, first, broadcast(b, offset), mask, zero);
}

/// The half of a byte that holds an i4, sign extended to i64.
static Value unpackNibble(ImplicitLocOpBuilder &b, Value byte, Value index) {
  Type wide = withElement(byte.getType(), b.getI64Type());
  Value value = arith::ExtUIOp::create(b, wide, byte);
  Value odd = arith::AndIOp::create(b, index, constantInt(b, wide, 1));
  // Move the half to the top four bits and bring it back with its sign.
  Value left = arith::SubIOp::create(b, constantInt(b, wide, 60),
                                     arith::ShLIOp::create(b, odd, constantInt(b, wide, 2)));
  value = arith::ShLIOp::create(b, value, left);
  return arith::ShRSIOp::create(b, value, constantInt(b, wide, 60));
}

Lane BodyEmitter::foldIndex(ImplicitLocOpBuilder &b, const Storage &storage, unsigned k, Lane lane) {
  if (int(k) != storage.foldDim)
    return lane;
  Value step = materialize(b, lane);
  return {arith::AndIOp::create(b, step, constantInt(b, step.getType(), storage.fold - 1)), nullptr, nullptr};
}

Lane BodyEmitter::emitRead(ImplicitLocOpBuilder &b, ReadOp read) {
  Value tensor = getDefinition(read.getSource());
  auto it = storages.find(tensor);
  assert(it != storages.end() && "a tensor is read that has no storage yet");
  const Storage &storage = it->second;
  Value present;
  SmallVector<Lane> at;
  for (auto [k, index] : llvm::enumerate(read.getIndices())) {
    Lane lane = emit(b, index);
    present = conjunction(b, *this, present, lane.present);
    if (storage.kept[k])
      at.push_back(foldIndex(b, storage, k, lane));
    if (presences.isInside(read, k))
      continue;
    std::string name = extents.ofDim(tensor, k);
    Value v = materialize(b, lane);
    Value extent = extentValues.lookup(name);
    Value size = extent ? toInt(b, extent) : toInt(b, memref::DimOp::create(b, storage.data, k));
    if (isa<VectorType>(v.getType()))
      size = broadcast(b, size);
    // Unsigned: a negative index is outside too.
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, v, size);
    present = conjunction(b, *this, present, inside);
  }
  return load(b, storage, at, present);
}

/// Memory is there at every coordinate inside, also where the tensor is absent: only the index guards the load.
Lane BodyEmitter::load(ImplicitLocOpBuilder &b, const Storage &storage, ArrayRef<Lane> at, Value inside) {
  Value present = inside;
  if (storage.domain) {
    if (Value positive = arePositive(b, *storage.domain))
      present = conjunction(b, *this, present, positive);
  } else {
    Value bit = loadLanes(b, storage.presence, at, trusted ? Value() : inside, false);
    bit = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, constantInt(b, bit.getType(), 0));
    present = conjunction(b, *this, present, bit);
  }
  Value stored = loadLanes(b, storage.data, at, trusted ? Value() : inside, storage.packed);
  if (storage.packed) {
    Value index = materialize(b, at.back());
    if (isa<VectorType>(stored.getType()))
      index = broadcast(b, index);
    return {unpackNibble(b, stored, index), present, nullptr};
  }
  return {fromStorage(b, stored, storage.elementType), present, nullptr};
}
