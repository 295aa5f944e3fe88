//===- ShareTiles.cpp - what is done to tiles more than once, once --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product of tiles is hundreds of instructions, in register blocks of several heights. Where several are alike but for their memory, all
// are calls of one function, which is compiled once. It makes views and constants by itself: then LowerTiles knows there what it would
// know in place. Runs before LowerTiles, when a tile operation is one operation.
#include "Tiles.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Support/KernelContract.h"

namespace weir {
#define GEN_PASS_DEF_SHARETILES
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

/// A tile operation, with the fill before it, as a function.
class Outlined {
public:
  explicit Outlined(linalg::LinalgOp op) : op(op), b(op.getContext()) {
    if (auto contraction = dyn_cast<linalg::ContractOp>(op.getOperation()))
      fill = weir::fillBefore(contraction);
    body = func::FuncOp::create(op.getLoc(), "tile", b.getFunctionType({}, {}));
    b.setInsertionPointToStart(body->addEntryBlock());
    for (Operation *own : {fill.getOperation(), op.getOperation()})
      if (own)
        copy(own);
    func::ReturnOp::create(b, op.getLoc());
    body->setType(b.getFunctionType(body->getBody().getArgumentTypes(), {}));
  }

  bool isLike(Outlined &other) {
    return OperationEquivalence::isRegionEquivalentTo(&body->getBody(), &other.body->getBody(),
                                                      OperationEquivalence::IgnoreLocations);
  }

  void callInstead(func::FuncOp function) {
    OpBuilder at(op);
    func::CallOp::create(at, op.getLoc(), function, arguments);
    op->erase();
    if (fill)
      fill->erase();
  }

  OwningOpRef<func::FuncOp> body;

private:
  void copy(Operation *own) {
    llvm::SetVector<Value> used(own->operand_begin(), own->operand_end());
    getUsedValuesDefinedAbove(own->getRegions(), used);
    for (Value value : used)
      bring(value);
    b.clone(*own, inside);
  }

  /// Makes a value from outside known inside.
  void bring(Value value) {
    if (inside.contains(value))
      return;
    Operation *def = value.getDefiningOp();
    if (def && (matchPattern(def, m_Constant()) || isa<ViewLikeOpInterface>(def)))
      return copy(def);
    arguments.push_back(value);
    inside.map(value, body->getBody().addArgument(value.getType(), value.getLoc()));
  }

  linalg::LinalgOp op;
  linalg::FillOp fill;
  OpBuilder b;
  IRMapping inside;
  SmallVector<Value> arguments;
};

/// Whether an operation runs for longer than a call takes: what has two dimensions, but no strip of rows beside a matrix unit. How that unit
/// multiplies hangs on what is around.
bool isWorthCall(linalg::LinalgOp op) {
  return isa<linalg::ContractOp, linalg::GenericOp>(op.getOperation()) && op.getNumLoops() >= 2 &&
         !op->hasAttr(weir::kStripAttr) && !op->hasAttr(weir::kMatrixUnitAttr);
}

struct ShareTiles : weir::impl::ShareTilesBase<ShareTiles> {
  void runOnOperation() override {
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (function->hasAttr(weir::kKernelAttr))
        share(function);
  }

  void share(func::FuncOp kernel) {
    std::vector<std::vector<std::unique_ptr<Outlined>>> groups;
    kernel.walk([&](linalg::LinalgOp op) {
      if (!isWorthCall(op))
        return;
      auto own = std::make_unique<Outlined>(op);
      auto group = llvm::find_if(groups, [&](auto &group) { return group.front()->isLike(*own); });
      if (group == groups.end())
        group = groups.emplace(groups.end());
      group->push_back(std::move(own));
    });
    unsigned count = 0;
    SymbolTable symbols(getOperation());
    Block::iterator behind = std::next(kernel->getIterator());
    for (auto &group : groups) {
      if (group.size() < 2)
        continue;
      func::FuncOp function = group.front()->body.release();
      function.setName((kernel.getName() + ".tile" + Twine(count++)).str());
      function.setPrivate();
      function->setAttr("passthrough", Builder(function).getStrArrayAttr({weir::kBlockedAttr}));
      symbols.insert(function, behind);
      for (auto &own : group)
        own->callInstead(function);
    }
    kernel.walk<WalkOrder::PostOrder, ReverseIterator>([](ViewLikeOpInterface view) {
      if (isOpTriviallyDead(view)) // the function has its own
        view->erase();
    });
  }
};

} // namespace
