//===- MapTilesToFragments.cpp - tiles in registers, tensor cores ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Barriers are right for the reason that map-tiles-to-threads gives: threads of a block come by the same
// tile operations.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "weir/Conversion/TilesToGPU/Passes.h"
#include "weir/Support/KernelContract.h"

namespace weir {
#define GEN_PASS_DEF_MAPTILESTOFRAGMENTS
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;
using Kind = TileLayouts::Kind;

/// The thread's number, read where it is needed: LLVM takes it for another one each time, so what is computed from it is not kept in registers over
/// a loop that does not need it.
Value FragmentEmitter::readThread(Builder &b) {
  Value number =
      LLVM::InlineAsmOp::create(b, b.getI32Type(), ValueRange(), "mov.u32 $0, %tid.x;", "=r",
                                /*has_side_effects=*/true, /*is_align_stack=*/false,
                                LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
          .getResult(0);
  return arith::AndIOp::create(b, arith::IndexCastUIOp::create(b, b.getIndexType(), number),
                               constant(b, threads - 1));
}

FragmentEmitter::Lanes FragmentEmitter::describeLanes(Builder &b) {
  auto div = [&](Value x, int64_t by) -> Value { return arith::DivUIOp::create(b, x, constant(b, by)); };
  auto rem = [&](Value x, int64_t by) -> Value { return arith::RemUIOp::create(b, x, constant(b, by)); };
  auto mul = [&](Value x, int64_t by) -> Value { return arith::MulIOp::create(b, x, constant(b, by)); };
  auto add = [&](Value x, Value y) -> Value { return arith::AddIOp::create(b, x, y); };
  bool isForTensorCores = layouts.unit() != TileLayouts::Unit::MultiplyAdd;
  Lanes here;
  here.thread = readThread(b);
  here.lane = rem(here.thread, 32);
  if (isForTensorCores) { // of ldmatrix
    here.line = rem(here.lane, 8);
    here.second = mul(rem(div(here.lane, 8), 2), 8);
    here.third = mul(div(here.lane, 16), 8);
  }
  // For multiply-adds bits 0 and 2 count rows, bits 1, 3 and 4 columns: neighbours share what they read, of both factors.
  here.firstRow = mul(div(here.thread, 32), rowsBefore(halves));
  here.rowBase = add(here.firstRow, isForTensorCores ? div(here.lane, 4) : add(rem(here.lane, 2), mul(rem(div(here.lane, 4), 2), 2)));
  here.member = isForTensorCores ? rem(here.lane, 4) : add(rem(div(here.lane, 2), 2), mul(div(here.lane, 8), 2));
  for (unsigned run : layouts.runs())
    here.columnBases[run] = run == 1 ? here.member : mul(here.member, run);
  return here;
}

static bool hasTileOps(Operation *op) {
  return op->walk([](linalg::LinalgOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// Lanes of a block's tile operations: `known` ones, but for those in a loop that holds another loop of them, and for those behind a loop.
void FragmentEmitter::describeLanes(Block &block, std::optional<Lanes> known) {
  auto holdsLoop = [](Operation *op) {
    return op->walk([&](scf::ForOp loop) {
               return loop != op && hasTileOps(loop) ? WalkResult::interrupt() : WalkResult::advance();
             }).wasInterrupted();
  };
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (!hasTileOps(&op))
      continue;
    bool isLoop = isa<LoopLikeOpInterface>(op), isOuter = isLoop && holdsLoop(&op);
    if (!known && !isOuter) {
      Builder b(op.getLoc(), &op);
      known = describeLanes(b);
    }
    if (isa<linalg::LinalgOp>(op))
      lanesOf[&op] = *known;
    else
      for (Region &region : op.getRegions())
        for (Block &inside : region)
          describeLanes(inside, isOuter ? std::nullopt : known);
    if (isLoop)
      known.reset();
  }
}

/// What a tile becomes: registers, or lines in shared memory.
void FragmentEmitter::replaceTile(memref::AllocaOp tile) {
  Kind kind = layouts.kindOf(tile);
  if (kind == Kind::Plain)
    return;
  Builder b(tile.getLoc(), tile);
  MemRefType type = tile.getType();
  auto make = [&](ArrayRef<int64_t> shape, Type element, gpu::AddressSpace space,
                  IntegerAttr alignment = {}) {
    auto own = MemRefType::get(shape, element, MemRefLayoutAttrInterface(),
                               gpu::AddressSpaceAttr::get(b.getContext(), space));
    memories[tile] = memref::AllocaOp::create(b, own, alignment);
  };
  if (kind == Kind::Matrix) { // read and written 16 bytes at a time
    Type element = layouts.elementOf(tile);
    return make({type.getDimSize(0), type.getDimSize(1) + pieceOf(element)}, element, gpu::AddressSpace::Workgroup,
                b.getI64IntegerAttr(16));
  }
  if (kind == Kind::Common)
    return make({1}, type.getElementType(), gpu::AddressSpace::Private);
  make({kind == Kind::Row ? halves : type.getDimSize(1) / layouts.lanesOfRow() * halves}, type.getElementType(),
       gpu::AddressSpace::Private);
}

/// An operation without rows that reads matrices reads their elements as they are, and widens those of 16 bits itself.
void FragmentEmitter::readMatrices(linalg::GenericOp op) {
  for (OpOperand &operand : op->getOpOperands()) {
    TileView view = viewOf(operand.get());
    if (!view.tile || layouts.kindOf(view.tile) != Kind::Matrix)
      continue;
    Builder b(op.getLoc(), op);
    SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0)), steps(2, b.getIndexAttr(1));
    operand.set(memref::SubViewOp::create(b, memories.lookup(view.tile), offsets, view.sizes, steps));
    if (layouts.elementOf(view.tile).isF32())
      continue;
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    argument.setType(layouts.elementOf(view.tile));
    b.setInsertionPointToStart(op.getBody());
    Value wide = arith::ExtFOp::create(b, b.getF32Type(), argument);
    argument.replaceAllUsesExcept(wide, wide.getDefiningOp());
  }
}

void FragmentEmitter::rewrite(linalg::LinalgOp op) {
  Builder b(op.getLoc(), op);
  if (!layouts.isInRegisters(op)) {
    TileView out = viewOf(op.getDpsInits()[0]);
    if (out.tile && layouts.kindOf(out.tile) == Kind::Matrix) {
      copyMatrix(b, cast<linalg::GenericOp>(op.getOperation()));
      op->erase();
      return;
    }
    if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation()))
      readMatrices(generic);
    gpu::BarrierOp::create(b); // some warp may still read what it overwrites
    return;
  }
  if (auto filling = dyn_cast<linalg::FillOp>(op.getOperation()))
    fill(b, filling);
  else if (auto product = dyn_cast<linalg::ContractOp>(op.getOperation()))
    layouts.unit() == TileLayouts::Unit::TensorCores   ? contract(b, product)
    : layouts.unit() == TileLayouts::Unit::TensorFloat ? contractInTF32(b, product)
                                                       : multiplyAdd(b, product);
  else if (op.getNumReductionLoops() == op.getNumLoops())
    reduceMatrix(b, cast<linalg::GenericOp>(op.getOperation()));
  else if (op.getNumReductionLoops())
    reduce(b, cast<linalg::GenericOp>(op.getOperation()));
  else
    elementwise(b, cast<linalg::GenericOp>(op.getOperation()));
  for (Value out : op.getDpsInits())
    if (TileView view = viewOf(out); view.tile) {
      if (cleared.contains(view.tile))
        clearBehind(b, out);
      if (lasting.contains(view.tile))
        shareLeft(b, view.tile);
    }
  op->erase();
}

/// Whether multiplying 16-bit elements by a number leaves what 16 bits hold, but for the very smallest.
static bool isPowerOfTwo(Value scale) {
  FloatAttr value;
  constexpr int most = 8;
  return matchPattern(scale, m_Constant(&value)) && value.getValue().getExactLog2Abs() != INT_MIN &&
         std::abs(value.getValue().getExactLog2Abs()) < most;
}

/// A scale that 16 bits would not hold is taken from a left factor, and the sums will be multiplied by it.
void FragmentEmitter::deferScale(memref::AllocaOp left) {
  NarrowSource source = *narrowSourceOf(narrowFillOf(left));
  if (!source.scaling || isPowerOfTwo(source.scale))
    return;
  scales[left] = source.scale;
  if (isa<arith::MulFOp>(source.scaling))
    return;
  Builder b(source.scaling->getLoc(), kernel.getContext());
  b.setInsertionPointAfterValue(source.scale);
  Value one = arith::ConstantFloatOp::create(b, b.getF32Type(), APFloat(1.0f));
  scales[left] = arith::DivFOp::create(b, one, source.scale);
}

void FragmentEmitter::run() {
  describeLanes(kernel.getBody().front(), std::nullopt);
  for (auto [tile, kind] : layouts.tiles())
    replaceTile(tile);
  using Unit = TileLayouts::Unit;
  SmallVector<scf::ForOp> loops;
  kernel.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops)
    if (layouts.unit() != Unit::MultiplyAdd) // which take so long that another block's hide what copies take
      copyAhead(loop);
  SmallVector<linalg::LinalgOp> ops;
  kernel.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  findCleared(ops);
  if (layouts.unit() != Unit::TensorCores)
    placeLefts(ops);
  for (linalg::LinalgOp op : ops)
    if (auto product = dyn_cast<linalg::ContractOp>(op.getOperation());
        product && layouts.unit() == Unit::TensorCores && !TileLayouts::isInnerFirst(product))
      if (memref::AllocaOp left = viewOf(product->getOperand(0)).tile; !scales.contains(left))
        deferScale(left);
  for (linalg::LinalgOp op : ops) {
    lanes = lanesOf.lookup(op);
    bounds.clear();
    rewrite(op);
  }
  for (auto [tile, kind] : layouts.tiles()) {
    if (kind == Kind::Plain)
      continue;
    for (Operation *user : llvm::make_early_inc_range(tile->getUsers())) {
      if (auto read = dyn_cast<memref::LoadOp>(user)) { // of what all threads have
        Builder b(read.getLoc(), read);
        read.replaceAllUsesWith(element(b, memories.lookup(tile), 0));
      }
      user->erase(); // views: nothing uses them any more
    }
    memref::AllocaOp(tile)->erase();
  }
  for (const Ragged &tiles : ragged)
    splitWhole(tiles);
}

namespace {
struct MapTilesToFragments : weir::impl::MapTilesToFragmentsBase<MapTilesToFragments> {
  using MapTilesToFragmentsBase::MapTilesToFragmentsBase;

  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      std::string why;
      std::optional<TileLayouts> layouts;
      if (!kernel.getKnownBlockSizeAttr())
        layouts = TileLayouts::of(kernel, threads / 32, why);
      if (!layouts)
        continue;
      FragmentEmitter(kernel, *layouts, threads).run();
      kernel->setAttr(weir::kWarpsAttr, Builder(kernel.getContext()).getI32IntegerAttr(threads / 32));
    }
  }
};
} // namespace
