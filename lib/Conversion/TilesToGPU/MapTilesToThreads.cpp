//===- MapTilesToThreads.cpp - blocks take iterations, threads elements ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Barriers are right because whatever surrounds a tile operation (the loop over key blocks, its bounds) is
// computed from arguments and block numbers only, so that all threads of a block come by the same barriers.
#include "Shares.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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

struct MapTilesToThreads : weir::impl::MapTilesToThreadsBase<MapTilesToThreads> {
  using MapTilesToThreadsBase::MapTilesToThreadsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<gpu::GPUFuncOp>())
      if (!function.getKnownBlockSizeAttr() && failed(convert(function)))
        return signalPassFailure();
  }

private:
  /// Functions without tiles are left.
  LogicalResult convert(gpu::GPUFuncOp function) {
    SmallVector<scf::ForallOp> tiled;
    for (auto forall : function.getBody().front().getOps<scf::ForallOp>())
      if (weir::isTiled(forall))
        tiled.push_back(forall);
    if (tiled.empty())
      return success();
    weir::setBlockSize(function, threads);
    for (scf::ForallOp forall : tiled) {
      Builder b(forall.getLoc(), forall);
      // The last rows first: under a causal mask they have the most keys, and what is short should end last.
      weir::deal(b, forall,
                 {gpu::BlockIdOp::create(b, gpu::Dimension::x), gpu::GridDimOp::create(b, gpu::Dimension::x),
                  /*backwards=*/true});
    }
    if (failed(shareTiles(function)))
      return failure();
    SmallVector<scf::ParallelOp> loops;
    function.walk([&](scf::ParallelOp loop) { loops.push_back(loop); });
    for (scf::ParallelOp loop : loops)
      takeElements(loop);
    SmallVector<memref::StoreOp> common;
    bool isDealt = function->hasAttr(weir::kWarpsAttr);
    function.walk([&](memref::StoreOp store) {
      if (isDealt)
        return;
      auto dealt = store->getParentOfType<scf::ForOp>();
      while (dealt && !dealt.getLowerBound().getDefiningOp<gpu::ThreadIdOp>())
        dealt = dealt->getParentOfType<scf::ForOp>();
      if (!dealt)
        common.push_back(store);
    });
    for (memref::StoreOp store : common)
      giveToOne(store);
    return success();
  }

  /// What every thread would write one writes, when nobody reads what was there before any more.
  static void giveToOne(memref::StoreOp store) {
    Builder b(store.getLoc(), store);
    gpu::BarrierOp::create(b);
    Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, arith::ConstantIndexOp::create(b, 0));
    auto branch = scf::IfOp::create(b, isFirst);
    gpu::BarrierOp::create(b);
    store->moveBefore(branch.thenBlock()->getTerminator());
  }

  void takeElements(scf::ParallelOp loop) {
    Builder b(loop.getLoc(), loop);
    if (!loop->getParentOfType<scf::ParallelOp>()) {
      weir::Share share{gpu::ThreadIdOp::create(b, gpu::Dimension::x),
                        gpu::BlockDimOp::create(b, gpu::Dimension::x)};
      weir::deal(b, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), loop.getBody(),
                 loop.getInductionVars(), share);
      gpu::BarrierOp::create(b);
    } else {
      weir::Share share{arith::ConstantIndexOp::create(b, 0), arith::ConstantIndexOp::create(b, 1)};
      weir::deal(b, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), loop.getBody(),
                 loop.getInductionVars(), share);
    }
    loop.erase();
  }

  /// Tiles become memory that a block's threads share; whatever views them says so in its type.
  LogicalResult shareTiles(gpu::GPUFuncOp function) {
    auto shared = gpu::AddressSpaceAttr::get(&getContext(), gpu::AddressSpace::Workgroup);
    SmallVector<memref::AllocaOp> tiles;
    function.walk([&](memref::AllocaOp tile) { tiles.push_back(tile); });
    uint64_t bytes = 0; // of tiles of known shape
    for (memref::AllocaOp tile : tiles)
      if (tile.getType().hasStaticShape() && !hasSpace(tile.getType(), gpu::AddressSpace::Private))
        bytes += sizeOf(typeInMemory(tile));
    if (bytes > std::max(uint64_t(sharedMemory), uint64_t(launchMemory)))
      return function.emitOpError("has tiles of ")
             << bytes << " bytes, more than the " << std::max(uint64_t(sharedMemory), uint64_t(launchMemory))
             << " of shared memory that a block may take; choose smaller tiles";
    bool isOfLaunch = bytes > sharedMemory; // the launch then gives the memory of all of them
    uint64_t placed = 0;
    Value open, used; // the memory of tiles of open shape, and how much of it those so far take
    for (memref::AllocaOp tile : tiles) {
      MemRefType type = tile.getType();
      if (hasSpace(type, gpu::AddressSpace::Private)) { // registers, if it stands where LLVM looks for them
        tile->moveBefore(&function.getBody().front(), function.getBody().front().begin());
        continue;
      }
      if (!type.getElementType().isIntOrFloat() || !type.getLayout().isIdentity())
        return tile.emitOpError("is no tile of numbers side by side, which shared memory needs");
      if (!type.hasStaticShape()) {
        if (open && open.getParentBlock() != tile->getBlock())
          return tile.emitOpError("stands in another block than the tiles of open shape before it");
        Value view = appendTile(tile, open, used, isOfLaunch ? bytes : 0, shared);
        tile.getResult().replaceAllUsesWith(view);
        tile.erase();
        if (failed(retype(view)))
          return failure();
        continue;
      }
      MemRefType stored = typeInMemory(tile);
      Value memory;
      if (isOfLaunch) {
        memory = placeTile(function, tile.getLoc(), stored, placed);
        placed += sizeOf(stored);
      } else {
        memory = function.addWorkgroupAttribution(stored, tile.getLoc());
        // Else LLVM takes it for more than the assembler is told, or reads on behind the end of what is
        // aligned.
        function.setWorkgroupAttributionAttr(
            function.getNumWorkgroupAttributions() - 1, LLVM::LLVMDialect::getAlignAttrName(),
            IntegerAttr::get(
                IntegerType::get(&getContext(), 64),
                tile.getAlignment().value_or(llvm::divideCeil(type.getElementTypeBitWidth(), 8))));
      }
      if (stored.getShape() != type.getShape()) {
        Builder b(tile.getLoc(), tile);
        SmallVector<OpFoldResult> zeros(type.getRank(), b.getIndexAttr(0)),
            ones(type.getRank(), b.getIndexAttr(1));
        memory = memref::SubViewOp::create(b, memory, zeros,
                                           getAsIndexOpFoldResult(&getContext(), type.getShape()), ones);
      }
      bool isShared = hasSpace(type, gpu::AddressSpace::Workgroup);
      tile.getResult().replaceAllUsesWith(memory);
      tile.erase();
      if (!isShared && failed(retype(memory)))
        return failure();
    }
    if (isOfLaunch)
      function->setAttr(weir::kSharedAttr, IntegerAttr::get(IntegerType::get(&getContext(), 64), placed));
    return success();
  }

  /// The memory of a tile of known shape. Threads that take a row each read a column at a time: lines of a
  /// multiple of two words, of which several would begin in one bank, lie one word further apart. What has
  /// its layout already says that it is shared.
  MemRefType typeInMemory(memref::AllocaOp tile) {
    MemRefType type = tile.getType();
    if (hasSpace(type, gpu::AddressSpace::Workgroup))
      return type;
    SmallVector<int64_t> shape(type.getShape());
    constexpr int64_t word = 4;
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    if (shape.size() > 1 && bytes && shape.back() * bytes % (2 * word) == 0)
      shape.back() += std::max(word / bytes, int64_t(1));
    return MemRefType::get(shape, type.getElementType(), MemRefLayoutAttrInterface(),
                           gpu::AddressSpaceAttr::get(&getContext(), gpu::AddressSpace::Workgroup));
  }

  static uint64_t sizeOf(MemRefType type) {
    return llvm::alignTo(weir::fixedBytesOf(type), weir::kTileAlignment);
  }

  /// The memory whose size the launch says.
  static Value memoryOfLaunch(Builder &b, Attribute shared) {
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(), MemRefLayoutAttrInterface(), shared);
    return gpu::DynamicSharedMemoryOp::create(b, type);
  }

  /// A tile of known shape from a byte of the launch's memory on.
  Value placeTile(gpu::GPUFuncOp function, Location loc, MemRefType type, uint64_t at) {
    Builder b(loc, function.getContext());
    b.setInsertionPointToStart(&function.getBody().front());
    return memref::ViewOp::create(b, type, memoryOfLaunch(b, type.getMemorySpace()),
                                  arith::ConstantIndexOp::create(b, at), ValueRange());
  }

  /// Places a tile of open shape behind those before it and the `known` bytes of others, in the launch's
  /// memory.
  Value appendTile(memref::AllocaOp tile, Value &open, Value &used, uint64_t known, Attribute shared) {
    Builder b(tile.getLoc(), tile);
    if (!open) {
      open = memoryOfLaunch(b, shared);
      used = arith::ConstantIndexOp::create(b, known);
    }
    Value view =
        memref::ViewOp::create(b, withSpace(tile.getType(), shared), open, used, tile.getDynamicSizes());
    used = arith::AddIOp::create(b, used, weir::emitTileBytes(b, tile.getType(), tile.getDynamicSizes()));
    return view;
  }

  static bool hasSpace(MemRefType type, gpu::AddressSpace space) {
    auto own = dyn_cast_or_null<gpu::AddressSpaceAttr>(type.getMemorySpace());
    return own && own.getValue() == space;
  }

  static MemRefType withSpace(MemRefType type, Attribute space) {
    return MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(), space);
  }

  /// Views of memory that has another space and layout now.
  LogicalResult retype(Value memory) {
    auto type = cast<MemRefType>(memory.getType());
    for (Operation *user : memory.getUsers()) {
      if (isa<memref::LoadOp, memref::StoreOp, memref::DimOp>(user))
        continue;
      Value view = user->getNumResults() ? user->getResult(0) : Value();
      if (auto part = dyn_cast<memref::SubViewOp>(user))
        view.setType(memref::SubViewOp::inferRankReducedResultType(
            part.getType().getShape(), type, part.getMixedOffsets(), part.getMixedSizes(),
            part.getMixedStrides()));
      else if (auto cast = dyn_cast<memref::CastOp>(user))
        view.setType(MemRefType::get(llvm::cast<MemRefType>(view.getType()).getShape(), type.getElementType(),
                                     type.getLayout(), type.getMemorySpace()));
      else
        return user->emitOpError(
            "uses a tile; only loads, stores and views do after tile operations have become loops");
      if (failed(retype(view)))
        return failure();
    }
    return success();
  }
};

} // namespace
