//===- MapTilesToThreads.cpp - blocks take iterations, threads elements ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Barriers are right because whatever surrounds a tile operation (the loop over key blocks, its bounds) is
// computed from arguments and block numbers only, so that all threads of a block come by the same barriers.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "weir/Conversion/TilesToGPU/Passes.h"
#include "weir/Support/KernelContract.h"

namespace weir {
#define GEN_PASS_DEF_MAPTILESTOTHREADS
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

using Builder = ImplicitLocOpBuilder;

/// The index of this block or thread, and how many there are.
struct Share {
  Value first, step;
};

/// Replaces a loop nest by one loop over the numbers of its iterations that takes every `share.step`-th;
/// returns it.
scf::ForOp deal(Builder &b, ValueRange lower, ValueRange upper, ValueRange step, Block *body,
                ValueRange counters, Share share) {
  SmallVector<Value> sizes;
  Value total;
  for (auto [lo, hi, by] : llvm::zip_equal(lower, upper, step)) {
    Value span = arith::SubIOp::create(b, arith::MaxSIOp::create(b, hi, lo), lo);
    sizes.push_back(arith::CeilDivUIOp::create(b, span, by));
    total = total ? arith::MulIOp::create(b, total, sizes.back()).getResult() : sizes.back();
  }
  if (!total)
    total = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ForOp::create(b, share.first, total, share.step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value rest = loop.getInductionVar();
  for (size_t k = sizes.size(); k-- > 0;) {
    Value at = k == 0 ? rest : arith::RemUIOp::create(b, rest, sizes[k]).getResult();
    if (k > 0)
      rest = arith::DivUIOp::create(b, rest, sizes[k]);
    at = arith::AddIOp::create(b, arith::MulIOp::create(b, at, step[k]), lower[k]);
    counters[k].replaceAllUsesWith(at);
  }
  Block *target = loop.getBody();
  body->getTerminator()->erase();
  target->getOperations().splice(std::prev(target->end()), body->getOperations());
  return loop;
}

struct MapTilesToThreads : weir::impl::MapTilesToThreadsBase<MapTilesToThreads> {
  using MapTilesToThreadsBase::MapTilesToThreadsBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> kernels;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(weir::kKernelAttr))
        kernels.push_back(function);
    for (func::FuncOp kernel : kernels)
      if (failed(convert(kernel)))
        return signalPassFailure();
  }

private:
  LogicalResult convert(func::FuncOp kernel) {
    if (failed(check(kernel)))
      return failure();
    Builder b(kernel.getLoc(), &getContext());
    b.setInsertionPointToEnd(getOperation().getBody());
    auto module = gpu::GPUModuleOp::create(b, (kernel.getName() + ".gpu").str());
    b.setInsertionPointToStart(module.getBody());
    auto function = gpu::GPUFuncOp::create(b, kernel.getName(), kernel.getFunctionType());
    function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    function.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({static_cast<int32_t>(unsigned(threads)), 1, 1}));
    IRMapping mapping;
    mapping.map(kernel.getArguments(), function.getArguments());
    b.setInsertionPointToStart(&function.getBody().front());
    for (Operation &op : kernel.getBody().front().without_terminator())
      b.clone(op, mapping);
    gpu::ReturnOp::create(b);
    for (auto forall : llvm::make_early_inc_range(function.getBody().front().getOps<scf::ForallOp>()))
      takeIterations(forall);
    if (failed(shareTiles(function)))
      return failure();
    SmallVector<scf::ParallelOp> loops;
    function.walk([&](scf::ParallelOp loop) { loops.push_back(loop); });
    for (scf::ParallelOp loop : loops)
      takeElements(loop);
    auto common = function.walk([&](memref::StoreOp store) {
      auto dealt = store->getParentOfType<scf::ForOp>();
      while (dealt && !dealt.getLowerBound().getDefiningOp<gpu::ThreadIdOp>())
        dealt = dealt->getParentOfType<scf::ForOp>();
      if (dealt)
        return WalkResult::advance();
      store.emitOpError("writes outside the tile operations of a GPU kernel, where every thread would write; "
                        "only equations that "
                        "stream over a rank have a GPU kernel of this form");
      return WalkResult::interrupt();
    });
    if (common.wasInterrupted())
      return failure();
    for (StringRef suffix : weir::companionSuffixes)
      if (auto companion = getOperation().lookupSymbol<func::FuncOp>((kernel.getName() + suffix).str()))
        companion.erase();
    kernel.erase();
    return success();
  }

  /// One parallel loop, and nothing beside it that writes.
  LogicalResult check(func::FuncOp kernel) {
    if (!kernel.getBody().hasOneBlock())
      return kernel.emitOpError("has several blocks; a GPU kernel is made of structured control flow");
    scf::ForallOp found;
    for (Operation &op : kernel.getBody().front().without_terminator()) {
      if (auto forall = dyn_cast<scf::ForallOp>(op)) {
        if (found)
          return op.emitOpError(
              "is a second parallel loop; this form of a GPU kernel has one, and the other equations must be "
              "fused with it");
        if (!forall.getOutputs().empty())
          return op.emitOpError("has results; a parallel loop of a kernel writes to memory");
        found = forall;
      } else if (!isMemoryEffectFree(&op) && !isa<memref::SubViewOp, memref::ViewOp>(op)) {
        return op.emitOpError("reads or writes memory outside the kernel's parallel loop, which a GPU kernel "
                              "of this form cannot");
      }
    }
    return found ? success()
                 : kernel.emitOpError("has no parallel loop that could be given to the blocks of a grid");
  }

  void takeIterations(scf::ForallOp forall) {
    Builder b(forall.getLoc(), forall);
    Share share{gpu::BlockIdOp::create(b, gpu::Dimension::x), gpu::GridDimOp::create(b, gpu::Dimension::x)};
    auto values = [&](ArrayRef<OpFoldResult> folded) {
      SmallVector<Value> list;
      for (OpFoldResult one : folded)
        list.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), one));
      return list;
    };
    deal(b, values(forall.getMixedLowerBound()), values(forall.getMixedUpperBound()),
         values(forall.getMixedStep()), forall.getBody(), forall.getInductionVars(), share);
    forall.erase();
  }

  void takeElements(scf::ParallelOp loop) {
    Builder b(loop.getLoc(), loop);
    if (!loop->getParentOfType<scf::ParallelOp>()) {
      Share share{gpu::ThreadIdOp::create(b, gpu::Dimension::x),
                  gpu::BlockDimOp::create(b, gpu::Dimension::x)};
      deal(b, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), loop.getBody(),
           loop.getInductionVars(), share);
      gpu::BarrierOp::create(b);
    } else {
      Share share{arith::ConstantIndexOp::create(b, 0), arith::ConstantIndexOp::create(b, 1)};
      deal(b, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), loop.getBody(),
           loop.getInductionVars(), share);
    }
    loop.erase();
  }

  /// Tiles become memory that a block's threads share; whatever views them says so in its type.
  LogicalResult shareTiles(gpu::GPUFuncOp function) {
    auto shared = gpu::AddressSpaceAttr::get(&getContext(), gpu::AddressSpace::Workgroup);
    SmallVector<memref::AllocaOp> tiles;
    function.walk([&](memref::AllocaOp tile) { tiles.push_back(tile); });
    uint64_t bytes = 0;
    Value open, used; // the memory of tiles of open shape, and how much of it those so far take
    for (memref::AllocaOp tile : tiles) {
      MemRefType type = tile.getType();
      if (!type.getElementType().isIntOrFloat() || !type.getLayout().isIdentity())
        return tile.emitOpError("is no tile of numbers side by side, which shared memory needs");
      if (!type.hasStaticShape()) {
        if (open && open.getParentBlock() != tile->getBlock())
          return tile.emitOpError("stands in another block than the tiles of open shape before it");
        Value view = appendTile(tile, open, used, shared);
        tile.getResult().replaceAllUsesWith(view);
        tile.erase();
        if (failed(retype(view, shared)))
          return failure();
        continue;
      }
      bytes += llvm::alignTo(weir::fixedBytesOf(type), weir::kTileAlignment);
      Value memory = function.addWorkgroupAttribution(withSpace(type, shared), tile.getLoc());
      tile.getResult().replaceAllUsesWith(memory);
      tile.erase();
      if (failed(retype(memory, shared)))
        return failure();
    }
    if (bytes > sharedMemory)
      return function.emitOpError("has tiles of ")
             << bytes << " bytes, more than the " << uint64_t(sharedMemory)
             << " of shared memory that a block may take; choose smaller tiles";
    return success();
  }

  /// Places a tile of open shape behind those before it, in the memory whose size the launch says.
  Value appendTile(memref::AllocaOp tile, Value &open, Value &used, Attribute shared) {
    Builder b(tile.getLoc(), tile);
    if (!open) {
      auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(), MemRefLayoutAttrInterface(), shared);
      open = gpu::DynamicSharedMemoryOp::create(b, type);
      used = arith::ConstantIndexOp::create(b, 0);
    }
    Value view = memref::ViewOp::create(b, withSpace(tile.getType(), shared), open, used, tile.getDynamicSizes());
    Value bytes = arith::ConstantIndexOp::create(b, weir::fixedBytesOf(tile.getType()));
    for (Value size : tile.getDynamicSizes())
      bytes = arith::MulIOp::create(b, bytes, size);
    Value aligned = arith::AndIOp::create(
        b, arith::AddIOp::create(b, bytes, arith::ConstantIndexOp::create(b, weir::kTileAlignment - 1)),
        arith::ConstantIndexOp::create(b, -weir::kTileAlignment));
    used = arith::AddIOp::create(b, used, aligned);
    return view;
  }

  static MemRefType withSpace(MemRefType type, Attribute space) {
    return MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(), space);
  }

  LogicalResult retype(Value memory, Attribute space) {
    for (Operation *user : memory.getUsers()) {
      if (isa<memref::LoadOp, memref::StoreOp, memref::DimOp>(user))
        continue;
      if (!isa<memref::SubViewOp, memref::CastOp>(user))
        return user->emitOpError(
            "uses a tile; only loads, stores and views do after tile operations have become loops");
      Value view = user->getResult(0);
      view.setType(withSpace(cast<MemRefType>(view.getType()), space));
      if (failed(retype(view, space)))
        return failure();
    }
    return success();
  }
};

} // namespace
