//===- VerifyLevel.cpp - the contracts between the levels -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs at every boundary between levels. The dialects' own verifiers say that an op is well formed; this pass
// says that it may still be (or be already) there. Each clause of a contract is one sentence, and one example
// in test/Analysis/verify-level.mlir breaks it.
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "weir/Analysis/Passes.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/StringSet.h"

namespace weir {
#define GEN_PASS_DEF_VERIFYLEVEL
#include "weir/Analysis/Passes.h.inc"
} // namespace weir

using namespace mlir;
namespace attn = weir::attn;

namespace {

/// Reports what breaks a contract. After `limit` reports it counts on in silence.
class Judge {
public:
  explicit Judge(StringRef level) : level(level) {}
  void breaks(Operation *op, const Twine &clause, const Twine &suspect) {
    if (++broken > limit)
      return;
    InFlightDiagnostic error = op->emitError()
                               << "breaks the contract of level '" << level << "': " << clause;
    error.attachNote() << "suspect: " << suspect;
  }
  bool failed() const { return broken != 0; }

private:
  static constexpr unsigned limit = 10;
  StringRef level;
  unsigned broken = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// cascade, streamed
//===----------------------------------------------------------------------===//

static void judgeSignature(func::FuncOp cascade, Judge &judge) {
  bool scalars = false;
  for (BlockArgument arg : cascade.getArguments()) {
    unsigned i = arg.getArgNumber();
    bool tensor = isa<RankedTensorType>(arg.getType());
    std::string which = "argument " + std::to_string(i);
    if (!cascade.getArgAttrOfType<StringAttr>(i, attn::kName))
      judge.breaks(cascade, which + " has no " + attn::kName,
                   "the frontend, or a pass that rebuilt the signature");
    if (tensor && !cascade.getArgAttrOfType<ArrayAttr>(i, attn::kRanks))
      judge.breaks(cascade, which + " is a tensor without " + attn::kRanks,
                   "the frontend, or a pass that rebuilt the signature");
    if (!tensor && !cascade.getArgAttrOfType<TypeAttr>(i, attn::kType))
      judge.breaks(cascade, which + " is a param without " + attn::kType,
                   "the frontend, or a pass that rebuilt the signature");
    if (tensor && scalars)
      judge.breaks(cascade, which + " is a tensor after a param; inputs come first",
                   "the frontend, or a pass that rebuilt the signature");
    scalars |= !tensor;
  }
  auto ret = dyn_cast<func::ReturnOp>(cascade.getBody().back().getTerminator());
  if (!ret || cascade.getBody().getBlocks().size() != 1)
    return judge.breaks(cascade, "a cascade is one block that ends in func.return",
                        "a pass that made branches");
  for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
    if (!value.getDefiningOp<attn::MaterializeOp>())
      judge.breaks(ret,
                   "result " + Twine(i) + " is no attn.materialize, so absent entries would reach the caller",
                   "the frontend, or a rewrite that replaced an output");
    if (!cascade.getResultAttrOfType<StringAttr>(i, attn::kName))
      judge.breaks(cascade, "result " + Twine(i) + " has no " + attn::kName,
                   "the frontend, or a pass that rebuilt the signature");
  }
}

/// What tells extents, and the end of the function.
static bool isOfExtents(Operation *op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> at = dim.getConstantIndex();
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    auto type = dyn_cast<RankedTensorType>(dim.getSource().getType());
    return argument && type && at && *at >= 0 && *at < type.getRank();
  }
  if (auto cast = dyn_cast<arith::IndexCastOp>(op))
    return (cast.getIn().getType().isIndex() && cast.getType().isInteger(64)) ||
           (cast.getIn().getType().isInteger(64) && cast.getType().isIndex());
  if (isa<arith::ConstantOp>(op))
    return op->getResult(0).getType().isIntOrIndexOrFloat();
  return isa<func::ReturnOp>(op);
}

/// Level 2: equations and the scalars they need, nothing of how they run. With `mapped`, level 3: all
/// equations say how they run, or none does and each is a loop nest of its own.
static void judgeCascade(func::FuncOp cascade, bool mapped, Judge &judge) {
  judgeSignature(cascade, judge);
  bool anyMapping = cascade
                        .walk([](Operation *op) {
                          return op->hasAttr("mapping") ? WalkResult::interrupt() : WalkResult::advance();
                        })
                        .wasInterrupted();
  cascade.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == cascade)
      return;
    StringRef dialect = op->getName().getDialectNamespace();
    if (llvm::is_contained(ArrayRef<StringRef>{"func", "arith", "tensor"}, dialect) && !isOfExtents(op))
      judge.breaks(op,
                   "extents come from tensor.dim of an argument at a constant, arith.constant and "
                   "arith.index_cast of i64, not from this " +
                       op->getName().getStringRef(),
                   "a host's op, which belongs in a function of its own");
    if (auto output = dyn_cast<attn::MaterializeOp>(op))
      if (!isa_and_nonnull<attn::EinsumOp, attn::ArgtopkOp, attn::RecurrenceOp, attn::StreamOp>(
              output.getSource().getDefiningOp()))
        judge.breaks(op, "what is materialized is an equation's",
                     "a rewrite that replaced an equation by what it copies");
    bool inBody = op->getParentOp() != cascade && dialect != "attn";
    if (inBody)
      judge.breaks(op, "a body holds attn ops only, not " + op->getName().getStringRef(),
                   "a pass that moved function-level code into an equation");
    else if (!llvm::is_contained(ArrayRef<StringRef>{"attn", "func", "arith", "tensor"}, dialect))
      judge.breaks(
          op, "a cascade holds attn, arith, tensor and func ops only, not " + op->getName().getStringRef(),
          "a lowering that ran too early");
    if (!mapped && isa<attn::StreamOp>(op))
      judge.breaks(op, "equations are not merged into streams yet",
                   "attn-merge-traversals ran before this level's end");
    // A stream says for all of its body how it runs, or is dissolved before anybody asks.
    bool equation = isa<attn::EinsumOp, attn::ArgtopkOp>(op) && !isa<attn::StreamOp>(op->getParentOp());
    if (!mapped && op->hasAttr("mapping"))
      judge.breaks(op, "no mapping is chosen yet", "attn-select-mapping ran before this level's end");
    auto isMapped = [](Operation *around) { return around && around->hasAttr("mapping"); };
    bool covered = isMapped(op) || isMapped(op->getParentOfType<attn::RecurrenceOp>()) ||
                   isMapped(op->getParentOfType<attn::StreamOp>());
    if (mapped && anyMapping && equation && !covered)
      judge.breaks(op, "every equation has a mapping if one has",
                   "a pass after attn-select-mapping made or rebuilt the equation");
  });
}

//===----------------------------------------------------------------------===//
// tiled, cpu
//===----------------------------------------------------------------------===//

static bool isTiledDialect(StringRef dialect) {
  return llvm::is_contained(ArrayRef<StringRef>{"scf", "memref", "arith", "math", "vector", "func"}, dialect);
}

/// Elementary functions that level 4 may name; lib/Conversion/TilesToCPU has a kernel for each.
static bool isTiledMath(StringRef op) {
  static const llvm::StringSet<> known = {"exp",   "exp2",  "log",  "log2",      "log1p", "expm1",   "sqrt",
                                          "rsqrt", "tanh",  "erf",  "sin",       "cos",   "atan2",   "powf",
                                          "absf",  "floor", "ceil", "roundeven", "fma",   "copysign"};
  return known.contains(op);
}
/// Those that are one instruction (or two) on every processor we compile for.
static bool isNativeMath(StringRef op) {
  static const llvm::StringSet<> known = {"sqrt", "absf", "floor", "ceil", "roundeven", "fma", "copysign"};
  return known.contains(op);
}

static void judgeTypes(Operation *op, Judge &judge, StringRef suspect) {
  auto judgeType = [&](Type type) {
    if (isa<TensorType>(type))
      judge.breaks(op, "no tensor is left, everything is a buffer or a scalar", suspect);
    else if (auto vector = dyn_cast<VectorType>(type);
             vector && (vector.getRank() != 1 || vector.isScalable()))
      judge.breaks(op, "vectors have one fixed dimension", suspect);
  };
  for (Type type : op->getResultTypes())
    judgeType(type);
  for (Region &region : op->getRegions())
    for (BlockArgument arg : region.getArguments())
      judgeType(arg.getType());
}

static void judgeTiled(func::FuncOp function, Judge &judge) {
  StringRef suspect = "attn-to-tiles-pipeline did not finish";
  if (function->hasAttr(weir::kKernelAttr)) {
    auto last =
        function.getNumArguments() ? dyn_cast<MemRefType>(function.getArgumentTypes().back()) : MemRefType();
    if (!last || last.getRank() != 1 || !last.getElementType().isInteger(8))
      judge.breaks(function, "a kernel's last argument is its workspace, memref<?xi8>", suspect);
    for (unsigned i = 0; i + 1 < function.getNumArguments(); ++i)
      if (!function.getArgAttr(i, attn::kName) && !function.getArgAttr(i, weir::kPlanAttr))
        judge.breaks(function, "argument " + Twine(i) + " of a kernel has no " + attn::kName, suspect);
    if (function.getNumResults())
      judge.breaks(function, "a kernel returns nothing, outputs are arguments", suspect);
  }
  judgeTypes(function, judge, suspect);
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == function)
      return;
    StringRef dialect = op->getName().getDialectNamespace(), name = op->getName().stripDialect();
    if (dialect == "attn")
      return judge.breaks(op, "no attn op is left",
                          "attn-to-tiles has no lowering for this op, or did not run");
    if (!isTiledDialect(dialect) && dialect != "linalg" && dialect != "mapping")
      return judge.breaks(
          op, "only scf, memref, arith, math, vector, linalg, mapping and func ops, not " + op->getName().getStringRef(),
          "a target's lowering ran too early");
    if (dialect == "math" && !isTiledMath(name))
      return judge.breaks(op, "math." + name + " is not among the functions that every target has",
                          "attn-to-tiles emitted it");
    if (auto forall = dyn_cast<scf::ForallOp>(op)) {
      Operation *around = op->getParentOp();
      while (isa<scf::ForOp>(around))
        around = around->getParentOp();
      if (around != function || forall.getNumResults())
        return judge.breaks(
            op, "scf.forall stands at the function's top level, or in loops there, and has no results",
            suspect);
    }
    judgeTypes(op, judge, suspect);
  });
}

static void judgeCPU(func::FuncOp function, Judge &judge) {
  StringRef suspect = "tiles-to-cpu-pipeline did not finish";
  judgeTypes(function, judge, suspect);
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op == function)
      return;
    StringRef dialect = op->getName().getDialectNamespace(), name = op->getName().stripDialect();
    if (dialect == "attn")
      return judge.breaks(op, "no attn op is left",
                          "attn-to-tiles has no lowering for this op, or did not run");
    if (!isTiledDialect(dialect) &&
        !llvm::is_contained(ArrayRef<StringRef>{"llvm", "cf", "index", "ub", "x86vector", "amx", "builtin"},
                            dialect))
      return judge.breaks(op, "only what a CPU lowering takes, not " + op->getName().getStringRef(),
                          "a pass of another target ran");
    if (isa<scf::ForallOp>(op))
      return judge.breaks(op, "parallel loops are outlined, no scf.forall is left",
                          "outline-parallel-loops did not run");
    if (dialect == "math" && !isNativeMath(name))
      return judge.breaks(op, "elementary functions are expanded, no math." + name + " is left",
                          "the expansion of elementary functions did not run, or has none for this type");
    judgeTypes(op, judge, suspect);
  });
}

//===----------------------------------------------------------------------===//
// llvm
//===----------------------------------------------------------------------===//

static void judgeLLVM(Operation *function, Judge &judge) {
  if (!isa<LLVM::LLVMFuncOp>(function))
    return judge.breaks(function, "every function is an llvm.func",
                        "the conversion of functions did not run");
  function->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getName().getDialectNamespace() == "llvm")
      return;
    if (isa<UnrealizedConversionCastOp>(op))
      return judge.breaks(op, "only llvm ops; a cast between type systems is left",
                          "a conversion left an operand of a type that nobody converts");
    judge.breaks(op, "only llvm ops, not " + op->getName().getStringRef(),
                 "no conversion of this op to llvm ran");
  });
}

//===----------------------------------------------------------------------===//
// Who is judged
//===----------------------------------------------------------------------===//

/// The names of the module's kernels, by attribute of the functions (level 4) or of the module (from level 5
/// on).
static llvm::StringSet<> kernelNames(ModuleOp module) {
  llvm::StringSet<> names;
  for (Operation &op : *module.getBody())
    if (op.hasAttr(weir::kKernelAttr))
      if (auto symbol = dyn_cast<SymbolOpInterface>(op))
        names.insert(symbol.getName());
  if (auto kernels = module->getAttrOfType<ArrayAttr>(weir::kKernelsAttr))
    for (Attribute kernel : kernels)
      if (auto dictionary = dyn_cast<DictionaryAttr>(kernel))
        if (auto name = dictionary.getAs<StringAttr>("name"))
          names.insert(name.getValue());
  return names;
}

/// Kernels and the functions that belong to them, `NAME.check`; all functions of a module that names no
/// kernel.
static SmallVector<Operation *> kernelFunctions(ModuleOp module) {
  llvm::StringSet<> kernels = kernelNames(module);
  SmallVector<Operation *> functions;
  for (Operation &op : *module.getBody()) {
    auto function = dyn_cast<FunctionOpInterface>(op);
    if (!function || function.isExternal())
      continue;
    if (kernels.empty() || kernels.contains(function.getName()) ||
        kernels.contains(function.getName().split('.').first))
      functions.push_back(&op);
  }
  return functions;
}

namespace {
struct VerifyLevel : weir::impl::VerifyLevelBase<VerifyLevel> {
  using VerifyLevelBase::VerifyLevelBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    markAllAnalysesPreserved();
    Judge judge(level);
    if (level == "cascade" || level == "streamed") {
      module.walk([&](func::FuncOp function) {
        if (attn::isCascade(function) && !function.isExternal())
          judgeCascade(function, level == "streamed", judge);
      });
    } else if (level == "tiled" || level == "cpu") {
      for (Operation *op : kernelFunctions(module))
        if (auto function = dyn_cast<func::FuncOp>(op))
          level == "tiled" ? judgeTiled(function, judge) : judgeCPU(function, judge);
    } else if (level == "llvm") {
      for (Operation *op : kernelFunctions(module))
        judgeLLVM(op, judge);
    } else {
      module.emitError() << "there is no level '" << level
                         << "'; the levels are cascade, streamed, tiled, cpu and llvm";
      return signalPassFailure();
    }
    if (judge.failed())
      signalPassFailure();
  }
};
} // namespace
