//===- OutlineParallelLoops.cpp - parallel loops become functions ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs at level 4, when everything that a body does is still visible, and before entries are made, because it
// changes the kernels' signature. Assumes that a scf.forall of a kernel has no results (the level contract
// says so). Leaves scf.for only.
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Support/KernelContract.h"

namespace weir {
#define GEN_PASS_DEF_OUTLINEPARALLELLOOPS
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

/// `value` as `type`, its counterpart in the llvm dialect, or the other way round.
Value castTo(ImplicitLocOpBuilder &b, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
}

/// One loop on its way out of its function.
class Outliner {
public:
  Outliner(func::FuncOp kernel, scf::ForallOp loop, const LLVMTypeConverter &types, std::string name)
      : kernel(kernel), loop(loop), types(types), name(std::move(name)) {}

  LogicalResult run() {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    countIterations(b);
    if (failed(collectCaptures()))
      return failure();
    func::FuncOp body = makeBody();
    callBody(b, body);
    loop.erase();
    return success();
  }

private:
  /// The number of iterations of each dimension, and of all.
  void countIterations(ImplicitLocOpBuilder &b) {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    for (auto [lower, upper, step] :
         llvm::zip_equal(loop.getMixedLowerBound(), loop.getMixedUpperBound(), loop.getMixedStep())) {
      Value count = getValueOrCreateConstantIndexOp(b, loop.getLoc(), upper);
      if (!isConstantIntValue(lower, 0))
        count = arith::SubIOp::create(b, count, getValueOrCreateConstantIndexOp(b, loop.getLoc(), lower));
      if (!isConstantIntValue(step, 1))
        count = arith::CeilDivSIOp::create(b, count, getValueOrCreateConstantIndexOp(b, loop.getLoc(), step));
      count = arith::MaxSIOp::create(b, count, zero);
      counts.push_back(count);
      lowers.push_back(lower);
      steps.push_back(step);
      total = total ? arith::MulIOp::create(b, total, count).getResult() : count;
    }
  }

  /// What the body needs from above: what the loop's region uses, and what recovers the coordinates of
  /// several dimensions.
  LogicalResult collectCaptures() {
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    for (auto [lower, step] : llvm::zip_equal(lowers, steps))
      for (OpFoldResult bound : {lower, step})
        if (auto value = dyn_cast<Value>(bound))
          used.insert(value);
    for (Value count : ArrayRef<Value>(counts).drop_front())
      used.insert(count);
    for (Value value : used) {
      if (matchPattern(value, m_Constant())) {
        constants.push_back(value);
        continue;
      }
      Type type = types.convertType(value.getType());
      if (!type)
        return loop.emitOpError("uses a value of type ")
               << value.getType() << " from outside, which cannot be handed to a thread";
      captures.push_back(value);
      fields.push_back(type);
    }
    return success();
  }

  LLVM::LLVMStructType contextType() { return LLVM::LLVMStructType::getLiteral(loop.getContext(), fields); }

  func::FuncOp makeBody() {
    MLIRContext *context = loop.getContext();
    Type ptr = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
    OpBuilder outer(kernel);
    outer.setInsertionPointAfter(kernel);
    auto body =
        func::FuncOp::create(outer, loop.getLoc(), name, FunctionType::get(context, {ptr, i64, i64}, {}));
    body.setPrivate();
    if (loop->hasAttr(weir::kBlockedAttr))
      body->setAttr("passthrough", outer.getStrArrayAttr({weir::kBlockedAttr}));
    Block *entry = body.addEntryBlock();
    ImplicitLocOpBuilder b = ImplicitLocOpBuilder::atBlockBegin(loop.getLoc(), entry);

    IRMapping inside;
    for (Value constant : constants)
      inside.map(constant,
                 b.clone(*constant.getDefiningOp())->getResult(cast<OpResult>(constant).getResultNumber()));
    for (auto [i, value] : llvm::enumerate(captures)) {
      Value field = LLVM::GEPOp::create(b, ptr, contextType(), entry->getArgument(0),
                                        ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      inside.map(value, castTo(b, LLVM::LoadOp::create(b, fields[i], field), value.getType()));
    }
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value begin = arith::IndexCastOp::create(b, b.getIndexType(), entry->getArgument(1));
    Value end = arith::IndexCastOp::create(b, b.getIndexType(), entry->getArgument(2));
    auto iterations = scf::ForOp::create(b, begin, end, one);
    func::ReturnOp::create(b);
    moveIterations(iterations, inside);
    return body;
  }

  /// Moves the loop's body into `iterations`, whose index counts all dimensions, the last the fastest.
  void moveIterations(scf::ForOp iterations, IRMapping &inside) {
    ImplicitLocOpBuilder b = ImplicitLocOpBuilder::atBlockBegin(loop.getLoc(), iterations.getBody());
    auto within = [&](OpFoldResult bound) {
      auto value = dyn_cast<Value>(bound);
      return value ? inside.lookup(value) : getValueOrCreateConstantIndexOp(b, loop.getLoc(), bound);
    };
    Value rest = iterations.getInductionVar();
    SmallVector<Value> coordinates(counts.size());
    for (int64_t dim = counts.size() - 1; dim >= 0; --dim) {
      Value at = rest;
      if (dim > 0) {
        Value count = inside.lookup(counts[dim]);
        at = arith::RemSIOp::create(b, rest, count);
        rest = arith::DivSIOp::create(b, rest, count);
      }
      if (!isConstantIntValue(steps[dim], 1))
        at = arith::MulIOp::create(b, at, within(steps[dim]));
      if (!isConstantIntValue(lowers[dim], 0))
        at = arith::AddIOp::create(b, at, within(lowers[dim]));
      coordinates[dim] = at;
    }
    Block *from = loop.getBody();
    from->getTerminator()->erase();
    for (auto [variable, coordinate] : llvm::zip_equal(loop.getInductionVars(), coordinates))
      variable.replaceAllUsesWith(coordinate);
    Operation *yield = iterations.getBody()->getTerminator();
    iterations.getBody()->getOperations().splice(yield->getIterator(), from->getOperations());
    for (Value outside : llvm::concat<Value>(captures, constants))
      outside.replaceUsesWithIf(inside.lookup(outside),
                                [&](OpOperand &use) { return iterations->isProperAncestor(use.getOwner()); });
  }

  void callBody(ImplicitLocOpBuilder &b, func::FuncOp body) {
    Type ptr = LLVM::LLVMPointerType::get(b.getContext()), i64 = b.getI64Type();
    Value context;
    {
      // At the top, where LLVM takes it for part of the frame.
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&kernel.getBody().front());
      Value one = LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(1));
      context = LLVM::AllocaOp::create(b, ptr, contextType(), one, /*alignment=*/64);
    }
    for (auto [i, value] : llvm::enumerate(captures)) {
      Value field =
          LLVM::GEPOp::create(b, ptr, contextType(), context, ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(b, castTo(b, value, fields[i]), field);
    }
    Value function = func::ConstantOp::create(b, body.getFunctionType(), SymbolRefAttr::get(body));
    Value address = castTo(b, function, ptr);
    Value n = arith::IndexCastOp::create(b, i64, total);
    Value runtime = kernel.getArgument(0);
    Value fork = LLVM::LoadOp::create(b, ptr, runtime);
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {ptr, ptr, ptr, i64});
    LLVM::CallOp::create(b, type, ValueRange{fork, runtime, address, context, n});
  }

  func::FuncOp kernel;
  scf::ForallOp loop;
  const LLVMTypeConverter &types;
  std::string name;
  SmallVector<Value> counts, captures, constants;
  SmallVector<OpFoldResult> lowers, steps;
  SmallVector<Type> fields;
  Value total;
};

struct OutlineParallelLoops : weir::impl::OutlineParallelLoopsBase<OutlineParallelLoops> {
  void runOnOperation() override {
    LLVMTypeConverter types(&getContext());
    for (auto kernel : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if ((kernel->hasAttr(weir::kKernelAttr) || kernel->hasAttr(weir::kPlanAttr)) && !kernel.isExternal() &&
          failed(outline(kernel, types)))
        return signalPassFailure();
  }

  LogicalResult outline(func::FuncOp kernel, const LLVMTypeConverter &types) {
    if (failed(kernel.insertArgument(0, LLVM::LLVMPointerType::get(&getContext()), {}, kernel.getLoc())))
      return failure();
    SmallVector<scf::ForallOp> loops, nested;
    kernel.walk([&](scf::ForallOp loop) {
      Operation *around = loop->getParentOp();
      while (isa<scf::ForOp>(around)) // rounds, one after another
        around = around->getParentOp();
      (around == kernel ? loops : nested).push_back(loop);
    });
    for (scf::ForallOp loop : llvm::concat<scf::ForallOp>(loops, nested))
      if (loop->getNumResults())
        return loop.emitOpError("has results; a kernel's parallel loop stores what it makes");
    IRRewriter rewriter(&getContext());
    for (scf::ForallOp loop : nested) {
      rewriter.setInsertionPoint(loop);
      if (failed(scf::forallToForLoop(rewriter, loop)))
        return failure();
    }
    for (auto [i, loop] : llvm::enumerate(loops))
      if (failed(Outliner(kernel, loop, types, (kernel.getName() + ".body" + Twine(i)).str()).run()))
        return failure();
    return success();
  }
};

} // namespace
