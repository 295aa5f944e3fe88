//===- StreamFactors.cpp - the two sides of a product ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Left factors are packed once a block of rows. A right factor that lies in memory as a matrix of keys is read where it lies; one of 16 bits is
// widened once a block of keys; any other is computed into a tile.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

Block *tiles::bodyOf(Operation *op) {
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
    if (plan.isUniform(v)) {
      all = conjunction(b, emitter, all, emitter.emit(b, v).present);
      return;
    }
    auto read = dyn_cast<ReadOp>(def);
    if (!read) {
      llvm::for_each(def->getOperands(), visit);
      return;
    }
    for (unsigned k = 0; k < read.getIndices().size(); ++k) {
      if (presences.isInside(read, k) || !plan.isUniform(read.getIndices()[k]))
        continue; // those that are not uniform are asked for one by one
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
    for (ArrayRef<Value> factors : {ArrayRef(product.left), ArrayRef(product.divisors), ArrayRef(product.rightDivisors)})
      llvm::for_each(factors, visit);
  llvm::for_each(product.right, visit);
  llvm::for_each(product.shifted, visit);
  return all;
}

Value StreamEmitter::multiply(Builder &b, ArrayRef<Value> factors) {
  auto trust = emitter.trusting(); // the block's condition holds
  Value product;
  for (Value factor : factors) {
    Value v = emitter.materialize(b, emitter.emit(b, factor));
    product = product ? arith::MulFOp::create(b, product, v, arith::FastMathFlags::contract).getResult() : v;
  }
  return product;
}

Value StreamEmitter::divide(Builder &b, Value value, ArrayRef<Value> divisors) {
  auto trust = emitter.trusting();
  for (Value divisor : divisors)
    value = arith::DivFOp::create(b, value, emitter.materialize(b, emitter.emit(b, divisor)));
  return value;
}

/// What 16 bits hold of a left factor that is scaled: itself times a power of two. The sums are multiplied by the rest of the scale, from 1 to 2.
Value StreamEmitter::packForMatrixUnit(Builder &b, ReduceOp reduce, const View &tile) {
  const StreamTiles::Product &product = plan.products.find(reduce)->second;
  SmallVector<Value> own, scales;
  for (Value factor : product.left)
    (plan.isUniform(factor) ? scales : own).push_back(factor);
  Value power, rest;
  if (!scales.empty() || !product.divisors.empty()) {
    bindCoordinates(b, bodyOf(reduce), {});
    Value one = constantLike(b, plan.real, 1);
    Value scale = divide(b, scales.empty() ? one : multiply(b, scales), product.divisors);
    Value field = constantInt(b, b.getI32Type(), 0x7f800000);
    Value bits = arith::AndIOp::create(b, arith::BitcastOp::create(b, b.getI32Type(), scale), field);
    Value isZero = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, bits, constantInt(b, b.getI32Type(), 0));
    Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, bits, field);
    power = arith::SelectOp::create(b, arith::OrIOp::create(b, isZero, isLast), one, arith::BitcastOp::create(b, plan.real, bits));
    rest = arith::DivFOp::create(b, scale, power);
  }
  SmallVector<Role> space{Role::Row, Role::Inner};
  generic(b, space, {}, tile, [&](Builder &in, ValueRange) {
    bindCoordinates(in, bodyOf(reduce), space);
    bindInner(in, reduce, space);
    Value value = multiply(in, own);
    return SmallVector<Value>{power ? arith::MulFOp::create(in, value, power).getResult() : value};
  });
  return rest;
}

void StreamEmitter::packLeft(Builder &b, ReduceOp reduce) {
  const StreamTiles::Product &product = plan.products.find(reduce)->second;
  View &tile = packed[reduce];
  if (!tile.memory)
    tile = makeTile({Role::Row, Role::Inner}, &product);
  if (product.partialLeft)
    return packPartial(b, reduce, product.left, product.divisors, tile, leftBits[reduce]);
  if (mapping::piecesOnMatrixUnit(reduce) == 1) {
    restOfScale[reduce] = packForMatrixUnit(b, reduce, tile);
    return;
  }
  guarded(b, conditions[reduce], [&] {
    SmallVector<Role> space{Role::Row, Role::Inner};
    generic(b, space, {}, tile, [&](Builder &in, ValueRange) {
      bindCoordinates(in, bodyOf(reduce), space);
      bindInner(in, reduce, space);
      return SmallVector<Value>{divide(in, multiply(in, product.left), product.divisors)};
    });
  });
}

/// The memory of a product's only right factor, if it is a matrix of keys that can be read where it lies.
const Storage *StreamEmitter::storageOfMatrix(Operation *op) const {
  std::optional<StreamTiles::Matrix> matrix = plan.matrixOf(op);
  auto it = matrix ? emitter.storages.find(getDefinition(matrix->read.getSource())) : emitter.storages.end();
  if (it == emitter.storages.end() || it->second.presence || it->second.packed || it->second.foldDim >= 0 ||
      !llvm::all_of(it->second.kept, [](bool kept) { return kept; }))
    return nullptr;
  Type element = cast<MemRefType>(it->second.data.getType()).getElementType();
  return element == plan.real || element.isBF16() || element.isF16() ? &it->second : nullptr;
}

/// The matrix of `count` keys from `first` on, the innermost of their coordinates, where it lies.
StreamEmitter::View StreamEmitter::openInPlace(Builder &b, Operation *op, Value first, Value count) {
  StreamTiles::Matrix matrix = *plan.matrixOf(op);
  const StreamTiles::Product &product = plan.products.find(op)->second;
  Value memory = storageOfMatrix(op)->data;
  unsigned rank = matrix.read.getIndices().size();
  SmallVector<OpFoldResult> offsets, counts(rank, b.getIndexAttr(1)), strides(rank, b.getIndexAttr(1));
  for (auto [k, index] : llvm::enumerate(matrix.read.getIndices()))
    offsets.push_back(k == matrix.keyAt  ? OpFoldResult(first)
                      : k + 1 == rank ? OpFoldResult(b.getIndexAttr(0))
                                      : OpFoldResult(toIndex(b, emitter.emit(b, index).value)));
  counts[matrix.keyAt] = count;
  counts.back() = innerOf(b, product);
  strides[matrix.keyAt] = b.getIndexAttr(plan.stepOf(plan.keys.back().first));
  auto type = memref::SubViewOp::inferRankReducedResultType({ShapedType::kDynamic, product.inner},
                                                            cast<MemRefType>(memory.getType()), offsets, counts, strides);
  return {memref::SubViewOp::create(b, type, memory, offsets, counts, strides), {Role::Key, Role::Inner}};
}

Value StreamEmitter::isInside(Builder &b, Value index, StringRef extent) {
  Lane lane = emitter.emit(b, index);
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lane.value, toInt(b, emitter.extentValues.lookup(extent)));
  return conjunction(b, emitter, inside, lane.present);
}

/// The shifted factors for all differences of a key and a row of the blocks at hand, a line each, the least first.
StreamEmitter::View StreamEmitter::packShifted(Builder &b, Operation *op) {
  const StreamTiles::Product &product = plan.products.find(op)->second;
  View &tile = rights[op];
  if (!tile.memory)
    tile = makeTile({Role::Shift, Role::Inner}, &product);
  Value one = constantIndex(b, 1), zero = constantIndex(b, 0);
  auto loop = scf::ForOp::create(b, zero, constantIndex(b, StreamTiles::shiftsOf(sizes)), one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  auto scope = emitter.scope();
  Span shifts{arith::SubIOp::create(b, keyBegin, rows[0].begin), Value(), rows[0].step};
  Value shift = shifts.at(b, arith::SubIOp::create(b, loop.getInductionVar(), constantIndex(b, sizes.getM() - 1)));
  shift = toInt(b, shift);
  bindCoordinates(b, bodyOf(op), {});
  for (BlockArgument arg : bodyOf(op)->getArguments()) { // any row and key of that difference
    if (plan.roleOf(arg) == Role::Row)
      emitter.bind(arg, {constantInt(b, b.getI64Type(), 0), nullptr, nullptr});
    if (plan.roleOf(arg) == Role::Key)
      emitter.bind(arg, {shift, nullptr, nullptr});
  }
  Value inside;
  for (auto &[index, extent] : plan.shiftedIndices(product))
    inside = conjunction(b, emitter, inside, isInside(b, index, extent));
  OpFoldResult inner = innerOf(b, product), first = b.getIndexAttr(0), step = b.getIndexAttr(1);
  auto type = memref::SubViewOp::inferRankReducedResultType({product.inner}, cast<MemRefType>(tile.memory.getType()),
                                                            {loop.getInductionVar(), first}, {step, inner}, {step, step});
  View line{memref::SubViewOp::create(b, type, tile.memory, {loop.getInductionVar(), first}, {step, inner}, {step, step}),
            {Role::Inner}};
  auto pack = [&] {
    generic(b, Role::Inner, {}, line, [&](Builder &in, ValueRange) {
      bindInner(in, op, Role::Inner);
      return SmallVector<Value>{multiply(in, product.shifted)};
    });
  };
  if (!inside) {
    pack();
    return tile;
  }
  auto choice = scf::IfOp::create(b, inside, /*withElseRegion=*/true);
  b.setInsertionPointToStart(choice.thenBlock());
  pack();
  b.setInsertionPointToStart(choice.elseBlock());
  fill(b, line, 0);
  return tile;
}

void StreamEmitter::packPartial(Builder &b, Operation *op, ArrayRef<Value> factors, ArrayRef<Value> divisors,
                                const View &tile, View &bits) {
  Role role = tile.axes[0];
  SmallVector<Role> space{role, Role::Inner};
  if (!bits.memory)
    bits = makeTile(role);
  auto pack = [&](ArrayRef<View> ins, const View &out, function_ref<Value(Builder &, Value, Value, Value)> pick) {
    generic(b, space, ins, out, [&](Builder &in, ValueRange args) {
      bindCoordinates(in, bodyOf(op), space);
      bindInner(in, op, space);
      Value value, present;
      auto take = [&](Value factor, bool isDivisor) {
        Lane lane = emitter.emit(in, factor);
        Value next = emitter.materialize(in, lane);
        present = conjunction(in, emitter, present, lane.present);
        value = !value      ? next
                : isDivisor ? arith::DivFOp::create(in, value, next).getResult()
                            : arith::MulFOp::create(in, value, next).getResult();
      };
      for (Value factor : factors)
        take(factor, false);
      for (Value divisor : divisors)
        take(divisor, true);
      return SmallVector<Value>{pick(in, present, value, args.back())};
    });
  };
  auto number = [&](Builder &in, double v) { return constantLike(in, plan.real, v); };
  pack({}, tile, [&](Builder &in, Value present, Value value, Value) {
    return present ? arith::SelectOp::create(in, present, value, number(in, 0)).getResult() : value;
  });
  if (llvm::none_of(llvm::concat<const Value>(factors, divisors), [&](Value v) { return plan.isPresentByInner(v); })) {
    generic(b, role, {}, inBlock(b, bits), [&](Builder &in, ValueRange) {
      bindCoordinates(in, bodyOf(op), role);
      if (auto reduce = dyn_cast<ReduceOp>(op)) // any will do
        emitter.bind(reduce.getBody().getArgument(0), {constantInt(in, in.getI64Type(), 0), nullptr, nullptr});
      for (BlockArgument arg : bodyOf(op)->getArguments())
        if (plan.roleOf(arg) == Role::Inner)
          emitter.bind(arg, {constantInt(in, in.getI64Type(), 0), nullptr, nullptr});
      Value present;
      for (Value factor : llvm::concat<const Value>(factors, divisors))
        present = conjunction(in, emitter, present, emitter.emit(in, factor).present);
      Value one = number(in, 1);
      return SmallVector<Value>{present ? arith::SelectOp::create(in, present, one, number(in, 0)).getResult() : one};
    });
    return;
  }
  fill(b, bits, 0);
  pack(tile, inBlock(b, bits), [&](Builder &in, Value present, Value, Value before) {
    Value taken = present ? arith::SelectOp::create(in, present, number(in, 1), number(in, 0)).getResult() : number(in, 1);
    return arith::MaxNumFOp::create(in, before, taken).getResult();
  });
}

Value StreamEmitter::presenceOfFactors(Builder &b, Operation *op, Space space) {
  Value present = conditions.lookup(op);
  auto ask = [&](const View &bits, Role role) {
    if (!bits.memory)
      return;
    Value bit = memref::LoadOp::create(b, bits.memory, placeOf(b, space, role));
    bit = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, bit, constantLike(b, plan.real, 0));
    present = conjunction(b, emitter, present, bit);
  };
  ask(leftBits.lookup(op), Role::Row);
  ask(rightBits.lookup(op), Role::Key);
  for (auto &[index, extent] : plan.shiftedIndices(plan.products.find(op)->second))
    present = conjunction(b, emitter, present, isInside(b, index, extent));
  return present;
}

StreamEmitter::View StreamEmitter::openRight(Builder &b, Operation *op, bool contracted) {
  const StreamTiles::Product &product = plan.products.find(op)->second;
  bindCoordinates(b, bodyOf(op), {});
  const Storage *storage = product.partialRight || plan.keys.size() != 1 ? nullptr : storageOfMatrix(op);
  std::optional<View> matrix;
  if (storage)
    matrix = openInPlace(b, op, keyBegin, keyCount);
  int64_t pieces = mapping::piecesOnMatrixUnit(op);
  bool isNarrow = pieces == 1;
  if (matrix && pieces)
    return View{orPacked(b, op, matrix->memory), matrix->axes};
  Type element = matrix ? cast<MemRefType>(matrix->memory.getType()).getElementType() : Type();
  if (matrix && (element == plan.real ? !op->hasAttr(mapping::kCopiedAttr) : contracted && plan.widens(element, sizes.getM())))
    return *matrix;
  View &tile = rights[op];
  if (!tile.memory)
    tile = makeTile({Role::Key, Role::Inner}, &product, isNarrow ? Type(b.getBF16Type()) : Type());
  View out = inBlock(b, tile);
  if (product.partialRight) {
    packPartial(b, op, product.right, product.rightDivisors, out, rightBits[op]);
    return out;
  }
  SmallVector<Role> space{Role::Key, Role::Inner};
  if (matrix) {
    generic(b, space, *matrix, out, [&](Builder &in, ValueRange args) { return SmallVector<Value>{widen(in, args[0])}; });
    return out;
  }
  generic(b, space, {}, out, [&](Builder &in, ValueRange) {
    bindCoordinates(in, bodyOf(op), space);
    bindInner(in, op, space);
    Value value = divide(in, multiply(in, product.right), product.rightDivisors);
    return SmallVector<Value>{isNarrow ? arith::TruncFOp::create(in, in.getBF16Type(), value).getResult() : value}; // exact: it is read so
  });
  return out;
}

/// An element of a matrix in memory as one of tiles.
Value StreamEmitter::widen(Builder &b, Value element) {
  return element.getType() == plan.real ? element : arith::ExtFOp::create(b, plan.real, element).getResult();
}
