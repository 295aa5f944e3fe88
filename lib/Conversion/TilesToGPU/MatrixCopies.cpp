//===- MatrixCopies.cpp - matrices of arguments into shared memory --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All threads of a block copy, 16 bytes at a time, neighbours along a line. An argument whose
// lines do not begin at multiples of 16 bytes is copied element by element.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace weir;

/// Elements of a line, without what lies between it and the next.
static int64_t lengthOf(MemRefType matrix) { return matrix.getDimSize(1) - FragmentEmitter::pieceOf(matrix.getElementType()); }

/// Whether all lines of the argument that `view` is part of begin at multiples of 16 bytes.
Value FragmentEmitter::isAligned(Value view) {
  auto part = view.getDefiningOp<memref::SubViewOp>();
  Value argument = part ? part.getSource() : view;
  if (Value known = alignments.lookup(argument))
    return known;
  Builder b(kernel.getLoc(), kernel.getContext());
  if (isa<BlockArgument>(argument))
    b.setInsertionPointToStart(&kernel.getBody().front());
  else
    b.setInsertionPointAfterValue(argument);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, argument);
  Value bits = memref::ExtractAlignedPointerAsIndexOp::create(b, argument);
  Value bytes = constant(b, cast<MemRefType>(argument.getType()).getElementTypeBitWidth() / 8);
  SmallVector<Value> steps(metadata.getStrides().drop_back());
  steps.push_back(metadata.getOffset());
  for (Value step : steps)
    bits = arith::OrIOp::create(b, bits, arith::MulIOp::create(b, step, bytes));
  Value low = arith::AndIOp::create(b, bits, constant(b, 15));
  Value aligned = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, low, constant(b, 0));
  alignments[argument] = aligned;
  return aligned;
}

/// Line and column of the piece number `at` of a matrix.
std::pair<Value, Value> FragmentEmitter::pieceAt(Builder &b, Value at, MemRefType matrix) {
  int64_t piece = pieceOf(matrix.getElementType());
  Value width = constant(b, lengthOf(matrix) / piece);
  Value column = arith::MulIOp::create(b, arith::RemUIOp::create(b, at, width), constant(b, piece));
  return {arith::DivUIOp::create(b, at, width), column};
}

/// A matrix that lies where it does, by numbers that LLVM takes for new ones: multiples of a distance between lines are not kept in registers over a
/// loop, and an address is not taken apart.
static Value renew(ImplicitLocOpBuilder &b, Value from) {
  auto type = cast<MemRefType>(from.getType());
  auto renewed = [&](OpFoldResult folded) -> OpFoldResult {
    auto known = dyn_cast<Value>(folded);
    if (!known)
      return folded;
    Value wide = arith::IndexCastOp::create(b, b.getI64Type(), known);
    wide = LLVM::InlineAsmOp::create(b, b.getI64Type(), wide, "", "=l,0", /*has_side_effects=*/true,
                                     /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
                                     LLVM::AsmDialectAttr(), ArrayAttr())
               .getResult(0);
    return arith::IndexCastOp::create(b, b.getIndexType(), wide).getResult();
  };
  auto parts = memref::ExtractStridedMetadataOp::create(b, from);
  SmallVector<OpFoldResult> strides = parts.getConstifiedMixedStrides();
  strides[0] = renewed(strides[0]);
  return memref::ReinterpretCastOp::create(b, type, parts.getBaseBuffer(), renewed(parts.getConstifiedMixedOffset()),
                                           parts.getConstifiedMixedSizes(), strides);
}

/// cp.async of what this thread copies. Of a line behind `count`, if given, nothing is read, and zeros are written.
void FragmentEmitter::copyPieces(Builder &b, Value thread, Value from, Value to, Value count) {
  auto type = cast<MemRefType>(to.getType());
  int64_t piece = pieceOf(type.getElementType()), pieces = lengthOf(type) / piece, total = type.getDimSize(0) * pieces;
  Value whole = constant(b, piece), none = constant(b, 0);
  bool isSameColumn = threads % pieces == 0; // each time, so that all lie a number of lines from the first
  std::pair<Value, Value> own = pieceAt(b, thread, type);
  auto fromOwn = [&](Value matrix) -> Value {
    SmallVector<OpFoldResult> offsets{own.first, own.second}, sizes{b.getIndexAttr(type.getDimSize(0)), b.getIndexAttr(piece)},
        steps(2, b.getIndexAttr(1));
    return memref::SubViewOp::create(b, matrix, offsets, sizes, steps);
  };
  Value source = isSameColumn ? fromOwn(from) : from;
  if (layouts.unit() == TileLayouts::Unit::TensorCores) // for multiply-adds ptxas spills less without
    source = renew(b, source);
  Value target = isSameColumn ? fromOwn(to) : to;
  for (int64_t first = 0; first < total; first += threads) {
    OpBuilder::InsertionGuard guard(b);
    Value at = arith::AddIOp::create(b, thread, constant(b, first));
    if (first + threads > total) {
      Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at, constant(b, total));
      b.setInsertionPointToStart(scf::IfOp::create(b, isThere, /*withElseRegion=*/false).thenBlock());
    }
    auto [line, column] = pieceAt(b, at, type);
    if (isSameColumn) {
      line = constant(b, first / pieces);
      column = none;
    }
    Value length;
    if (count) {
      Value number = isSameColumn ? arith::AddIOp::create(b, own.first, line).getResult() : line;
      Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, count);
      length = arith::SelectOp::create(b, isThere, whole, none);
    }
    nvgpu::DeviceAsyncCopyOp::create(b, nvgpu::DeviceAsyncTokenType::get(b.getContext()), target,
                                     ValueRange{line, column}, source, ValueRange{line, column},
                                     b.getIndexAttr(piece), length, b.getUnitAttr());
  }
}

/// The same, element by element.
void FragmentEmitter::copyElements(Builder &b, Value thread, Value from, Value to, Value count) {
  auto type = cast<MemRefType>(to.getType());
  int64_t length = lengthOf(type);
  OpBuilder::InsertionGuard guard(b);
  auto loop = scf::ForOp::create(b, thread, constant(b, type.getDimSize(0) * length), constant(b, threads));
  b.setInsertionPointToStart(loop.getBody());
  Value width = constant(b, length), at = loop.getInductionVar();
  Value line = arith::DivUIOp::create(b, at, width), column = arith::RemUIOp::create(b, at, width);
  Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, line, count);
  auto branch = scf::IfOp::create(b, type.getElementType(), isThere, /*withElseRegion=*/true);
  memref::StoreOp::create(b, branch.getResult(0), to, ValueRange{line, column});
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, Value(memref::LoadOp::create(b, from, ValueRange{line, column})));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, Value(arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()))));
}

/// Lines of `from` into those of `to`, zeros into those behind `count`: begun, not waited for.
void FragmentEmitter::copyLines(Builder &b, Value thread, Value from, Value to, Value count, Value aligned) {
  auto choice = scf::IfOp::create(b, aligned, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  copyPieces(b, thread, from, to, count);
  b.setInsertionPointToStart(choice.elseBlock());
  copyElements(b, thread, from, to, count);
}

/// Waits for what this thread has copied, then for the others.
static void awaitCopies(ImplicitLocOpBuilder &b) {
  NVVM::CpAsyncWaitGroupOp::create(b, 0);
  gpu::BarrierOp::create(b);
}

void FragmentEmitter::copyMatrix(Builder &b, linalg::GenericOp op) {
  Value from = op.getInputs()[0];
  TileView to = viewOf(op.getOutputs()[0]);
  Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), to.sizes[0]);
  Value aligned = isAligned(from);
  gpu::BarrierOp::create(b); // some warp may still read what was there
  copyLines(b, lanes.thread, from, memories.lookup(to.tile), count, aligned);
  NVVM::CpAsyncCommitGroupOp::create(b);
  awaitCopies(b);
}

//===----------------------------------------------------------------------===//
// A tile ahead
//===----------------------------------------------------------------------===//

/// Whether a loop writes nothing but tiles, so that the memory of arguments is the same in all of it.
static bool writesTilesOnly(scf::ForOp loop) {
  auto isHarmless = [](const MemoryEffects::EffectInstance &effect) {
    return isa<MemoryEffects::Read>(effect.getEffect()) || (effect.getValue() && viewOf(effect.getValue()).tile);
  };
  WalkResult result = loop->walk([&](Operation *op) {
    if (op->hasTrait<OpTrait::HasRecursiveMemoryEffects>())
      return WalkResult::advance();
    if (auto code = dyn_cast<LLVM::InlineAsmOp>(op); code && !code.getConstraints().contains("memory"))
      return WalkResult::advance();
    auto effects = getEffectsRecursively(op);
    return effects && llvm::all_of(*effects, isHarmless) ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

static bool isOfArgument(Value memory) {
  while (auto view = memory.getDefiningOp<ViewLikeOpInterface>())
    memory = view.getViewSource();
  return isa<BlockArgument>(memory);
}

/// What of a loop's body computes a value, in order; whether that are values alone, or what is read of a list.
static bool collectValues(scf::ForOp loop, Value value, SetVector<Operation *> &ops) {
  if (!loop.getRegion().isAncestor(value.getParentRegion()) || value == loop.getInductionVar())
    return true;
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != loop.getBody() || def->getNumRegions())
    return false;
  auto load = dyn_cast<memref::LoadOp>(def);
  bool isSame = load ? isOfArgument(load.getMemRef()) && writesTilesOnly(loop) : isPure(def);
  if (!isSame)
    return false;
  for (Value operand : def->getOperands())
    if (!collectValues(loop, operand, ops))
      return false;
  ops.insert(def);
  return true;
}

/// Copies in the body of a loop over keys, each the only one into a matrix that is used there only.
SmallVector<linalg::GenericOp> FragmentEmitter::copiesOf(scf::ForOp loop, SetVector<Operation *> &values) {
  SmallVector<linalg::GenericOp> copies;
  if (!getConstantIntValue(loop.getStep()))
    return copies;
  for (auto op : loop.getBody()->getOps<linalg::GenericOp>()) {
    TileView to = viewOf(op.getOutputs()[0]);
    if (!to.tile || layouts.kindOf(to.tile) != TileLayouts::Kind::Matrix || layouts.isInRegisters(op))
      continue;
    bool isOwn = llvm::all_of(usersOf(to.tile), [&](Operation *user) {
      auto other = user == op ? linalg::LinalgOp() : dyn_cast<linalg::LinalgOp>(user);
      return loop->isProperAncestor(user) && !(other && writesTo(other, to.tile));
    });
    auto count = dyn_cast<Value>(to.sizes[0]);
    if (isOwn && collectValues(loop, op.getInputs()[0], values) &&
        (!count || collectValues(loop, count, values)))
      copies.push_back(op);
  }
  return copies;
}

static Value constantBool(ImplicitLocOpBuilder &b, bool value) {
  return arith::ConstantIntOp::create(b, value, 1);
}

/// Whether `count` lines are all that a tile has room for.
static Value isFull(ImplicitLocOpBuilder &b, Value count, memref::AllocaOp tile) {
  Value lines = arith::ConstantIndexOp::create(b, tile.getType().getDimSize(0));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, count, lines);
}

/// Matrices get a second place: while the products of one tile of keys are taken, the next one is copied.
void FragmentEmitter::copyAhead(scf::ForOp loop) {
  SetVector<Operation *> values;
  SmallVector<linalg::GenericOp> copies = copiesOf(loop, values);
  if (copies.empty())
    return;
  Builder b(loop.getLoc(), loop);
  llvm::DenseMap<Operation *, Value> places;
  SmallVector<Value> aligned;
  for (linalg::GenericOp op : copies) {
    aligned.push_back(isAligned(op.getInputs()[0]));
    memref::AllocaOp tile = viewOf(op.getOutputs()[0]).tile;
    auto single = memories.lookup(tile).getDefiningOp<memref::AllocaOp>();
    MemRefType type = single.getType();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(single);
    auto both = MemRefType::get({2 * type.getDimSize(0), type.getDimSize(1)}, type.getElementType(),
                                MemRefLayoutAttrInterface(), type.getMemorySpace());
    places[op] = memref::AllocaOp::create(b, both, single.getAlignmentAttr());
    single->erase();
  }
  auto placeOf = [&](linalg::GenericOp op, Value stage) -> Value { // 0 or 1
    auto type = cast<MemRefType>(places[op].getType());
    int64_t lines = type.getDimSize(0) / 2;
    SmallVector<OpFoldResult> offsets{
        OpFoldResult(arith::MulIOp::create(b, stage, constant(b, lines)).getResult()), b.getIndexAttr(0)},
        sizes{b.getIndexAttr(lines), b.getIndexAttr(type.getDimSize(1))}, steps(2, b.getIndexAttr(1));
    return memref::SubViewOp::create(b, places[op], offsets, sizes, steps);
  };
  auto begin = [&](Value at, Value stage) {
    Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, at, loop.getUpperBound());
    auto branch = scf::IfOp::create(b, isThere, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    IRMapping mapping;
    mapping.map(loop.getInductionVar(), at);
    for (Operation *op : values)
      b.clone(*op, mapping);
    // One condition for whole tiles of aligned arguments, so that nothing is asked of their lines.
    SmallVector<Value> from, to, counts;
    Value isWhole = constantBool(b, true);
    for (auto [op, isAligned] : llvm::zip(copies, aligned)) {
      TileView tile = viewOf(op.getOutputs()[0]);
      from.push_back(mapping.lookupOrDefault(op.getInputs()[0]));
      to.push_back(placeOf(op, stage));
      counts.push_back(mapping.lookupOrDefault(getValueOrCreateConstantIndexOp(b, b.getLoc(), tile.sizes[0])));
      isWhole = arith::AndIOp::create(b, isWhole, isAligned);
      isWhole = arith::AndIOp::create(b, isWhole, isFull(b, counts.back(), tile.tile));
    }
    auto versions = scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
    b.setInsertionPointToStart(versions.thenBlock());
    Value thread = readThread(b);
    for (auto [source, target] : llvm::zip(from, to))
      copyPieces(b, thread, source, target, Value());
    b.setInsertionPointToStart(versions.elseBlock());
    for (auto [source, target, count, isAligned] : llvm::zip(from, to, counts, aligned))
      copyLines(b, readThread(b), source, target, count, isAligned);
    b.setInsertionPointAfter(versions);
    NVVM::CpAsyncCommitGroupOp::create(b);
  };
  gpu::BarrierOp::create(b); // some warp may still be in the loop's last run
  begin(loop.getLowerBound(), constant(b, 0));
  for (Operation *op : llvm::reverse(values))
    op->moveBefore(&loop.getBody()->front());
  if (values.empty())
    b.setInsertionPointToStart(loop.getBody());
  else
    b.setInsertionPointAfter(values.back());
  awaitCopies(b); // and no warp is in the tile before any more
  Value at = loop.getInductionVar(), step = loop.getStep();
  Value number = arith::DivUIOp::create(b, arith::SubIOp::create(b, at, loop.getLowerBound()), step);
  Value stage = arith::RemUIOp::create(b, number, constant(b, 2));
  begin(arith::AddIOp::create(b, at, step), arith::SubIOp::create(b, constant(b, 1), stage));
  TileView first = viewOf(copies[0].getOutputs()[0]);
  for (linalg::GenericOp op : copies)
    memories[viewOf(op.getOutputs()[0]).tile] = placeOf(op, stage);
  for (linalg::GenericOp op : copies) // the builder may have stood before one
    op->erase();
  auto count = dyn_cast<Value>(first.sizes[0]);
  auto isLong = [](linalg::GenericOp op) { // a product element by element, for values that are not finite
    return op.getNumLoops() == 3 ? WalkResult::interrupt() : WalkResult::advance();
  };
  if (!count || loop.getNumResults() || loop->walk(isLong).wasInterrupted())
    return;
  Value whole = isFull(b, count, first.tile);
  ragged.push_back({count, whole, first.tile.getType().getDimSize(0)});
}

/// What is done with a tile of keys gets a version for whole tiles, in which nothing is asked of their number. LLVM makes no selections of versions that
/// have products. (What has products element by element gets none: it would be twice as long, and a mask's conditions make versions already.)
void FragmentEmitter::splitWhole(const Ragged &tiles) {
  auto loop = cast<scf::ForOp>(tiles.whole.getDefiningOp()->getParentOp());
  Operation *end = loop.getBody()->getTerminator();
  SmallVector<Operation *> ops;
  for (Operation *op = tiles.whole.getDefiningOp()->getNextNode(); op != end; op = op->getNextNode())
    ops.push_back(op);
  Builder b(loop.getLoc(), end);
  auto versions = scf::IfOp::create(b, tiles.whole, /*withElseRegion=*/true);
  b.setInsertionPointToStart(versions.thenBlock());
  IRMapping mapping;
  mapping.map(tiles.count, constant(b, tiles.lines));
  for (Operation *op : ops)
    b.clone(*op, mapping);
  for (Operation *op : ops)
    op->moveBefore(versions.elseBlock()->getTerminator());
}
