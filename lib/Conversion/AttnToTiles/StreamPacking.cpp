//===- StreamPacking.cpp - keys packed for a matrix unit ahead of their stream ===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix of keys that many blocks of rows read is packed into the workspace once, block by block, before them. Whether it is follows from the
// extents: rows have to be more than a block, also beside the keys (a mask may leave most of these out), and the copy not too large. Where a mask says from
// which key on a row reads, blocks lie elsewhere for each, and few read the same.
#include "KernelEmitter.h"
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

namespace {
constexpr int64_t kKeysOfRow = 8;       ///< at most
constexpr int64_t kMostBytes = 1 << 28; ///< of one packed tensor
} // namespace

/// A tensor that is packed, in numbers that are known when the kernel runs.
struct KernelEmitter::Packing {
  SmallVector<Value> lengths; ///< of the dimensions before the keys and the columns, as they stand
  SmallVector<unsigned> dims;
  Value keys, blocks, units; ///< blocks of keys of one matrix, and of all
  Value isUsed;
};

void KernelEmitter::planPacking(StreamOp stream, const StreamTiles &plan, mapping::TilesAttr sizes) {
  if (allocated)
    return;
  SmallVector<Operation *> ops(plan.sums.begin(), plan.sums.end());
  ops.append(plan.state.begin(), plan.state.end());
  for (Operation *op : ops) {
    if (!plan.products.contains(op))
      continue;
    const StreamTiles::Product &product = plan.products.find(op)->second;
    std::optional<StreamTiles::Matrix> matrix = mapping::piecesOnMatrixUnit(op) ? plan.sharedMatrixOf(op) : std::nullopt;
    if (!matrix)
      continue;
    Type element = cast<RankedTensorType>(matrix->read.getSource().getType()).getElementType();
    if (!element.isF32() && !element.isBF16() && !element.isF16())
      continue;
    Buffer &buffer = buffers.emplace_back();
    buffer.role = Buffer::Packed;
    buffer.product = op;
    buffer.tensor = matrix->read.getSource();
    buffer.element = Float16Type::get(op->getContext()); // any of 16 bits
    buffer.rows = int64_t(llvm::alignTo(sizes.getN(), 32)) * product.inner * (element.isBF16() ? 1 : element.isF16() ? 2 : 3);
    buffer.per = sizes.getN();
    buffer.perBefore = sizes.getM();
    buffer.foldDim = matrix->keyAt;
    for (auto *coordinates : {&plan.rows, &plan.outer})
      for (auto &[name, extent] : *coordinates)
        buffer.extents.push_back(extent);
  }
}

KernelEmitter::Packing KernelEmitter::openPacking(Builder &b, const Buffer &buffer) {
  Packing packing;
  Value matrices = constantIndex(b, 1), rows = matrices;
  int64_t rank = cast<RankedTensorType>(buffer.tensor.getType()).getRank();
  for (int64_t k = 0; k + 1 < rank; ++k) {
    Value length = emitter.extentValues.lookup(extents.ofDim(buffer.tensor, k));
    if (k == buffer.foldDim) {
      packing.keys = length;
      continue;
    }
    packing.dims.push_back(k);
    packing.lengths.push_back(length);
    matrices = arith::MulIOp::create(b, matrices, length);
  }
  for (Value extent : buffer.extents)
    rows = arith::MulIOp::create(b, rows, extentOf(extent));
  packing.blocks = arith::CeilDivUIOp::create(b, packing.keys, constantIndex(b, buffer.per));
  packing.units = arith::MulIOp::create(b, matrices, packing.blocks);
  using P = arith::CmpIPredicate;
  Value block = arith::MulIOp::create(b, matrices, constantIndex(b, buffer.perBefore));
  Value isMuch = arith::CmpIOp::create(b, P::ugt, rows, block);
  Value keys = arith::MulIOp::create(b, matrices, packing.keys), most = arith::MulIOp::create(b, rows, constantIndex(b, kKeysOfRow));
  Value isEnough = arith::CmpIOp::create(b, P::ule, keys, most);
  Value fits = arith::CmpIOp::create(b, P::ule, packing.units, constantIndex(b, kMostBytes / (2 * buffer.rows)));
  packing.isUsed = arith::AndIOp::create(b, arith::AndIOp::create(b, isMuch, isEnough), fits);
  packing.units = arith::SelectOp::create(b, packing.isUsed, packing.units, constantIndex(b, 0));
  return packing;
}

Value KernelEmitter::countPackings(Builder &b, const Buffer &buffer) { return openPacking(b, buffer).units; }

/// Packs what a stream reads, and says where it is.
void KernelEmitter::emitPackings(Builder &b, StreamOp stream) {
  packedKeys.clear();
  for (Buffer &buffer : buffers) {
    if (buffer.role != Buffer::Packed || !stream->isProperAncestor(buffer.product))
      continue;
    Packing packing = openPacking(b, buffer);
    Value length = arith::MulIOp::create(b, packing.units, constantIndex(b, buffer.rows));
    Value memory = memref::ViewOp::create(b, MemRefType::get({ShapedType::kDynamic}, b.getBF16Type()), workspace, buffer.offset, length);
    packedKeys[buffer.product] = {memory, packing.isUsed, packing.blocks, packing.keys, buffer.rows, packing.dims};
    Value source = emitter.storages[buffer.tensor].data;
    auto type = cast<MemRefType>(source.getType());
    OpBuilder::InsertionGuard guard(b);
    scf::ForOp loop = emitChunks(b, packing.units, countPieces(b, packing.units), [](Value) {});
    Value unit = loop.getInductionVar(), rest = arith::DivUIOp::create(b, unit, packing.blocks), keys = constantIndex(b, buffer.per);
    Value begin = arith::MulIOp::create(b, arith::RemUIOp::create(b, unit, packing.blocks), keys);
    Value count = arith::MinUIOp::create(b, arith::SubIOp::create(b, packing.keys, begin), keys);
    OpFoldResult one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), counts(type.getRank(), one), strides(type.getRank(), one);
    for (auto [dim, length] : llvm::reverse(llvm::zip_equal(packing.dims, packing.lengths))) {
      offsets[dim] = arith::RemUIOp::create(b, rest, length).getResult();
      rest = arith::DivUIOp::create(b, rest, length);
    }
    offsets[buffer.foldDim] = begin;
    counts[buffer.foldDim] = count;
    counts.back() = b.getIndexAttr(type.getShape().back());
    auto part = memref::SubViewOp::inferRankReducedResultType({ShapedType::kDynamic, type.getShape().back()}, type, offsets, counts, strides);
    Value block = memref::SubViewOp::create(b, part, source, offsets, counts, strides);
    mapping::PackOp::create(b, block, memory, arith::MulIOp::create(b, unit, constantIndex(b, buffer.rows)), buffer.per,
                            isa<AccumulateOp>(buffer.product));
  }
}

/// The matrix of keys at hand, where it lies, as one that may be packed too: if its block is one that was, to its last key or the tensor's.
Value StreamEmitter::orPacked(Builder &b, Operation *op, Value memory) {
  if (!packedKeys || !packedKeys->count(op))
    return memory;
  const PackedMatrix &packed = packedKeys->find(op)->second;
  const Storage *storage = storageOfMatrix(op);
  StreamTiles::Matrix matrix = *plan.matrixOf(op);
  Value number;
  for (unsigned dim : packed.dims) {
    Value at = toIndex(b, emitter.emit(b, matrix.read.getIndices()[dim]).value);
    if (number) {
      Value length = memref::DimOp::create(b, storage->data, dim);
      number = arith::AddIOp::create(b, arith::MulIOp::create(b, number, length), at);
    } else {
      number = at;
    }
  }
  Value keys = constantIndex(b, sizes.getN()), block = arith::DivUIOp::create(b, keyBegin, keys);
  if (number)
    block = arith::AddIOp::create(b, arith::MulIOp::create(b, number, packed.blocks), block);
  using P = arith::CmpIPredicate;
  Value isFirst = arith::CmpIOp::create(b, P::eq, arith::RemUIOp::create(b, keyBegin, keys), constantIndex(b, 0));
  Value isWhole = arith::CmpIOp::create(b, P::eq, keyCount, keys);
  Value isLast = arith::CmpIOp::create(b, P::eq, arith::AddIOp::create(b, keyBegin, keyCount), packed.keys);
  Value isThere = arith::AndIOp::create(b, packed.isUsed, arith::AndIOp::create(b, isFirst, arith::OrIOp::create(b, isWhole, isLast)));
  return mapping::PackedOp::create(b, memory.getType(), memory, packed.memory, arith::MulIOp::create(b, block, constantIndex(b, packed.elements)), isThere);
}
