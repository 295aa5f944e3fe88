//===- OutlineLaunches.cpp - a kernel as launches one after another -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A GPU has no barrier between blocks but the end of a launch, so what stands between two parallel loops of a
// kernel parts two launches. What is computed before a loop from arguments is computed again in its launch.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "weir/Conversion/TilesToGPU/Passes.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/SetVector.h"

namespace weir {
#define GEN_PASS_DEF_OUTLINELAUNCHES
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

using Builder = ImplicitLocOpBuilder;

/// Operations of the kernel's block that run in one launch: a parallel loop alone, or what one thread does.
using Launch = SmallVector<Operation *>;

bool isParallel(const Launch &launch) { return isa<scf::ForallOp>(launch.front()); }

/// Whether an operation, or what is in it, does more than compute and read.
bool writes(Operation *op) {
  auto effects = getEffectsRecursively(op);
  return !effects || llvm::any_of(*effects, [](const MemoryEffects::EffectInstance &effect) {
    bool isLocal = isa<SideEffects::AutomaticAllocationScopeResource>(effect.getResource());
    return !isLocal && !isa<MemoryEffects::Read>(effect.getEffect());
  });
}

struct OutlineLaunches : weir::impl::OutlineLaunchesBase<OutlineLaunches> {
  using OutlineLaunchesBase::OutlineLaunchesBase;

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
    FailureOr<SmallVector<Launch>> launches = findLaunches(kernel);
    if (failed(launches))
      return failure();
    Builder b(kernel.getLoc(), &getContext());
    if (onlyPlan)
      return keepPlan(b, kernel, *launches);
    b.setInsertionPointToEnd(getOperation().getBody());
    auto module = gpu::GPUModuleOp::create(b, (kernel.getName() + ".gpu").str());
    b.setInsertionPointToStart(module.getBody());
    for (auto [i, launch] : llvm::enumerate(*launches)) {
      gpu::GPUFuncOp function = makeFunction(b, kernel, i ? "$" + Twine(i) : Twine());
      IRMapping mapping;
      OpBuilder::InsertionGuard guard(b);
      if (failed(copyInto(b, kernel, function, launch, mapping)))
        return failure();
    }
    gpu::GPUFuncOp plan = makeFunction(b, kernel, weir::kPlanSuffix);
    b.setInsertionPointToStart(&plan.getBody().front());
    if (failed(makePlan(b, kernel, plan.getBody().front(), *launches)))
      return failure();
    gpu::ReturnOp::create(b);
    for (StringRef suffix : weir::companionSuffixes)
      if (auto companion = getOperation().lookupSymbol<func::FuncOp>((kernel.getName() + suffix).str()))
        companion.erase();
    kernel.erase();
    return success();
  }

  /// The kernel with its plan as the body.
  LogicalResult keepPlan(Builder &b, func::FuncOp kernel, ArrayRef<Launch> launches) {
    b.setInsertionPoint(kernel);
    auto plan = cast<func::FuncOp>(b.cloneWithoutRegions(*kernel.getOperation()));
    b.setInsertionPointToStart(plan.addEntryBlock());
    if (failed(makePlan(b, kernel, plan.getBody().front(), launches)))
      return failure();
    func::ReturnOp::create(b);
    kernel.erase();
    return success();
  }

  FailureOr<SmallVector<Launch>> findLaunches(func::FuncOp kernel) {
    if (!kernel.getBody().hasOneBlock())
      return kernel.emitOpError("has several blocks; a GPU kernel is made of structured control flow");
    SmallVector<Launch> launches;
    for (Operation &op : kernel.getBody().front().without_terminator()) {
      if (auto forall = dyn_cast<scf::ForallOp>(op)) {
        if (!forall.getOutputs().empty())
          return op.emitOpError("has results; a parallel loop of a kernel writes to memory");
        launches.push_back({&op});
        continue;
      }
      if (!writes(&op))
        continue;
      bool repeats = op.walk([](scf::ForallOp) { return WalkResult::interrupt(); }).wasInterrupted();
      if (repeats)
        return op.emitOpError("repeats a parallel loop; a launch cannot be repeated by a GPU kernel");
      if (launches.empty() || isParallel(launches.back()))
        launches.emplace_back();
      launches.back().push_back(&op);
    }
    return launches;
  }

  gpu::GPUFuncOp makeFunction(Builder &b, func::FuncOp kernel, const Twine &suffix) {
    auto function = gpu::GPUFuncOp::create(b, (kernel.getName() + suffix).str(), kernel.getFunctionType());
    function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
    return function;
  }

  /// What `roots` need of the kernel's block, in order; an error where that writes.
  FailureOr<llvm::SetVector<Operation *>> sliceOf(func::FuncOp kernel, ArrayRef<Operation *> roots) {
    Block &block = kernel.getBody().front();
    llvm::SetVector<Operation *> needed(roots.begin(), roots.end());
    for (size_t i = 0; i < needed.size(); ++i) {
      Operation *user = needed[i];
      llvm::SetVector<Value> values(user->operand_begin(), user->operand_end());
      getUsedValuesDefinedAbove(user->getRegions(), values);
      for (Value value : values) {
        Operation *op = value.getDefiningOp();
        if (!op || op->getBlock() != &block || !needed.insert(op))
          continue;
        if (writes(op))
          return op->emitOpError(
              "has a result that another launch of the GPU kernel needs, and writes to memory");
      }
    }
    llvm::SetVector<Operation *> ordered;
    for (Operation &op : block)
      if (needed.contains(&op))
        ordered.insert(&op);
    return ordered;
  }

  /// The body of a launch's function. What one thread does becomes a parallel loop of one iteration.
  LogicalResult copyInto(Builder &b, func::FuncOp kernel, gpu::GPUFuncOp function, const Launch &launch,
                         IRMapping &mapping) {
    auto slice = sliceOf(kernel, launch);
    if (failed(slice))
      return failure();
    mapping.map(kernel.getArguments(), function.getArguments());
    b.setInsertionPointToStart(&function.getBody().front());
    if (isParallel(launch)) {
      for (Operation *op : *slice)
        b.clone(*op, mapping);
    } else {
      auto once =
          scf::ForallOp::create(b, ArrayRef<OpFoldResult>{b.getIndexAttr(1)}, ValueRange{}, std::nullopt);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(once.getTerminator());
      for (Operation *op : *slice)
        b.clone(*op, mapping);
    }
    gpu::ReturnOp::create(b);
    return success();
  }

  /// What who launches has to know, as 64-bit integers in the workspace. `body` has the kernel's arguments.
  LogicalResult makePlan(Builder &b, func::FuncOp kernel, Block &body, ArrayRef<Launch> launches) {
    Value bytes = body.getArguments().back();
    auto type = MemRefType::get({ShapedType::kDynamic}, b.getI64Type());
    int64_t written = 0;
    auto index = [&](int64_t i) { return arith::ConstantIndexOp::create(b, i); };
    Value many = index(int64_t(1) << 20); // a view's length is not looked at
    Value list = memref::ViewOp::create(b, type, bytes, index(0), ValueRange{many});
    auto write = [&](Value value) {
      if (value.getType().isIndex())
        value = arith::IndexCastOp::create(b, b.getI64Type(), value);
      memref::StoreOp::create(b, value, list, ValueRange{index(written++)});
    };
    auto ask = [&](StringRef suffix) -> LogicalResult {
      FailureOr<Value> value = inlineCompanion(b, kernel, suffix, body, Value());
      if (succeeded(value))
        write(*value ? *value : arith::ConstantIntOp::create(b, 0, 64));
      return value;
    };
    if (failed(ask(weir::kCheckSuffix)) || failed(ask(weir::kWorkspaceSuffix)))
      return failure();
    for (const Launch &launch : launches) {
      FailureOr<std::pair<Value, Value>> need = countNeeds(b, kernel, body, launch);
      if (failed(need))
        return failure();
      write(need->first);
      write(need->second);
    }
    Value rest = memref::ViewOp::create(b, type, bytes, index(8 * written), ValueRange{many});
    return inlineCompanion(b, kernel, weir::kExtentsSuffix, body, rest);
  }

  /// The body of a companion function; its result, or null where it has none or is left out. `list` is its
  /// last argument.
  FailureOr<Value> inlineCompanion(Builder &b, func::FuncOp kernel, StringRef suffix, Block &body,
                                   Value list) {
    auto companion = getOperation().lookupSymbol<func::FuncOp>((kernel.getName() + suffix).str());
    if (!companion)
      return Value();
    if (!companion.getBody().hasOneBlock())
      return companion.emitOpError("has several blocks; a GPU kernel is made of structured control flow");
    Block &block = companion.getBody().front();
    IRMapping mapping;
    for (BlockArgument argument : block.getArguments())
      mapping.map(argument, list && argument.getArgNumber() + 1 == block.getNumArguments()
                                ? list
                                : body.getArgument(argument.getArgNumber()));
    for (Operation &op : block.without_terminator())
      b.clone(op, mapping);
    Operation *end = block.getTerminator();
    return end->getNumOperands() ? mapping.lookupOrDefault(end->getOperand(0)) : Value();
  }

  /// The blocks of a launch, and the bytes of its tiles of open shape.
  FailureOr<std::pair<Value, Value>> countNeeds(Builder &b, func::FuncOp kernel, Block &body,
                                                const Launch &launch) {
    auto constant = [&](int64_t i) -> Value { return arith::ConstantIndexOp::create(b, i); };
    if (!isParallel(launch))
      return std::pair(constant(1), constant(0));
    auto forall = cast<scf::ForallOp>(launch.front());
    SmallVector<memref::AllocaOp> tiles;
    forall.walk([&](memref::AllocaOp tile) { tiles.push_back(tile); });
    SmallVector<Operation *> roots;
    auto need = [&](Value value) -> LogicalResult {
      Operation *op = value.getDefiningOp();
      if (op && forall->isAncestor(op->getParentOp()))
        return op->emitOpError("is the extent of a tile and not known before the kernel's parallel loop");
      if (op && op->getBlock() == &kernel.getBody().front())
        roots.push_back(op);
      return success();
    };
    for (Value value : forall->getOperands())
      (void)need(value);
    for (memref::AllocaOp tile : tiles)
      for (Value size : tile.getDynamicSizes())
        if (failed(need(size)))
          return failure();
    auto slice = sliceOf(kernel, roots);
    if (failed(slice))
      return failure();
    IRMapping mapping;
    mapping.map(kernel.getArguments(), body.getArguments());
    for (Operation *op : *slice)
      b.clone(*op, mapping);
    auto here = [&](OpFoldResult folded) {
      Value value = getValueOrCreateConstantIndexOp(b, b.getLoc(), folded);
      return mapping.lookupOrDefault(value);
    };
    Value blocks = constant(1), shared = constant(0);
    for (auto [low, high, step] :
         llvm::zip_equal(forall.getMixedLowerBound(), forall.getMixedUpperBound(), forall.getMixedStep())) {
      Value from = here(low);
      Value span = arith::SubIOp::create(b, arith::MaxSIOp::create(b, here(high), from), from);
      blocks = arith::MulIOp::create(b, blocks, arith::CeilDivUIOp::create(b, span, here(step)));
    }
    if (!weir::isTiled(forall)) // threads take iterations
      blocks = arith::CeilDivUIOp::create(b, blocks, constant(threads));
    blocks = arith::MinUIOp::create(b, blocks, constant(std::numeric_limits<int32_t>::max()));
    for (memref::AllocaOp tile : tiles) {
      if (tile.getType().hasStaticShape())
        continue;
      SmallVector<Value> sizes;
      for (Value size : tile.getDynamicSizes())
        sizes.push_back(mapping.lookupOrDefault(size));
      shared = arith::AddIOp::create(b, shared, weir::emitTileBytes(b, tile.getType(), sizes));
    }
    return std::pair(blocks, shared);
  }
};

} // namespace
