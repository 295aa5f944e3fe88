//===- Codegen.cpp - from the llvm dialect to machine code ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Codegen.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Analysis/AssumptionCache.h"
#include "llvm/Analysis/InstructionSimplify.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Transforms/Utils/LoopRotationUtils.h"
#include "llvm/Transforms/Utils/LoopSimplify.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

using namespace llvm;
using namespace weir;

static Error fail(const Twine &text) { return createStringError(inconvertibleErrorCode(), text); }

Expected<std::unique_ptr<TargetMachine>> weir::makeTargetMachine(const TargetDescription &target,
                                                                 unsigned optLevel) {
  static const bool once = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // the runtime has inline assembly
    return true;
  }();
  (void)once;
  const Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const Target *x86 = TargetRegistry::lookupTarget(triple, error);
  if (!x86)
    return fail("this build of LLVM cannot compile for x86-64: " + error);
  auto level = static_cast<CodeGenOptLevel>(std::clamp(optLevel, 1u, 3u));
  std::unique_ptr<TargetMachine> machine(x86->createTargetMachine(
      triple, target.cpu, target.features, TargetOptions(), Reloc::PIC_, CodeModel::Small, level));
  if (!machine)
    return fail("no code generator for target '" + target.cpu + "'");
  return std::move(machine);
}

/// Loops of tile operations hold as many vectors side by side as pay; more of them only cost time to compile.
static void keepBlocks(Module &module) {
  for (Function &function : module) {
    if (!function.hasFnAttribute(kBlockedAttr) || function.isDeclaration())
      continue;
    DominatorTree dominators(function);
    LoopInfo loops(dominators);
    for (Loop *loop : loops.getLoopsInPreorder())
      loop->setLoopAlreadyUnrolled();
  }
}

namespace {

/// Rotates loops as LLVM's own pass does, but before anything has been asked about how often they turn: with
/// nests as deep as tiles make them, forgetting such answers again takes longer than to rotate.
struct RotateLoops : PassInfoMixin<RotateLoops> {
  static constexpr StringLiteral kName = "rotate-loops";

  PreservedAnalyses run(Function &function, FunctionAnalysisManager &analyses) {
    auto &loops = analyses.getResult<LoopAnalysis>(function);
    auto &dominators = analyses.getResult<DominatorTreeAnalysis>(function);
    auto &assumptions = analyses.getResult<AssumptionAnalysis>(function);
    auto &target = analyses.getResult<TargetIRAnalysis>(function);
    SimplifyQuery query(function.getDataLayout(), nullptr, &dominators, &assumptions);
    for (Loop *loop : to_vector(loops)) {
      simplifyLoop(loop, &dominators, &loops, nullptr, &assumptions, nullptr, /*PreserveLCSSA=*/false);
      formLCSSARecursively(*loop, dominators, &loops, nullptr);
    }
    auto order = loops.getLoopsInPreorder();
    for (Loop *loop : reverse(order))
      LoopRotation(loop, &loops, &target, &assumptions, &dominators, nullptr, nullptr, query,
                   /*RotationOnly=*/false, kHeader, /*IsUtilMode=*/false);
    PreservedAnalyses kept;
    kept.preserve<LoopAnalysis>();
    kept.preserve<DominatorTreeAnalysis>();
    return kept;
  }

private:
  static constexpr unsigned kHeader = 16; ///< instructions that may be copied before the loop, LLVM's default
};

} // namespace

/// What is left to do: tiles come as vectors side by side, with nothing to inline. LLVM's own pipelines take
/// twice as long for the same speed (docs/performance.md); most of that is analysing loops again that nobody
/// changes.
static constexpr StringLiteral kPasses =
    "function<eager-inv>(sroa<modify-cfg>,early-cse<memssa>,simplifycfg,rotate-loops,"
    "instcombine<no-verify-fixpoint>,loop-mssa(licm<allowspeculation>),loop(loop-unroll-full),gvn,"
    "instcombine<no-verify-fixpoint>,simplifycfg),globaldce";

void weir::optimize(Module &module, TargetMachine &machine, unsigned level) {
  if (level == 0)
    return; // explicit vector code does without
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  keepBlocks(module);
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.registerPipelineParsingCallback([](StringRef name, FunctionPassManager &passes, auto) {
    if (name == RotateLoops::kName)
      passes.addPass(RotateLoops());
    return name == RotateLoops::kName;
  });
  ModulePassManager passes;
  cantFail(builder.parsePassPipeline(passes, kPasses));
  passes.run(module, modules);
}

Expected<std::unique_ptr<Module>> weir::translate(mlir::ModuleOp module, LLVMContext &context,
                                                  const TargetMachine &machine, bool whole) {
  std::unique_ptr<Module> code = mlir::translateModuleToLLVMIR(module, context, "weir");
  if (!code)
    return fail("the module is not at level 6: it holds ops that have no translation to LLVM IR");
  code->setTargetTriple(machine.getTargetTriple());
  code->setDataLayout(machine.createDataLayout());
  code->setPICLevel(PICLevel::BigPIC);
  for (Function &function : *code) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr(Attribute::NoUnwind);
    function.setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
    if (whole && !function.getName().ends_with(kEntrySuffix))
      function.setLinkage(GlobalValue::InternalLinkage);
  }
  return std::move(code);
}

Expected<std::string> weir::generate(Module &module, TargetMachine &machine, CodeGenFileType type) {
  SmallString<0> bytes;
  raw_svector_ostream os(bytes);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr, type))
    return fail("the target cannot emit this kind of file");
  passes.run(module);
  return std::string(bytes);
}

Error weir::checkExternals(StringRef object, function_ref<bool(StringRef)> allowed) {
  auto file = object::ObjectFile::createObjectFile(MemoryBufferRef(object, "kernel.o"));
  if (!file)
    return file.takeError();
  SmallVector<std::string> missing;
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    auto flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    if (!(*flags & object::SymbolRef::SF_Undefined))
      continue;
    auto name = symbol.getName();
    if (!name)
      return name.takeError();
    if (name->empty() || *name == "memcpy" || *name == "memmove" || *name == "memset" || *name == "memcmp" ||
        *name == "_GLOBAL_OFFSET_TABLE_" || allowed(*name))
      continue;
    missing.push_back(name->str());
  }
  if (missing.empty())
    return Error::success();
  return fail("the kernel calls " + join(missing, ", ") +
              ", which no kernel may: elementary functions and narrow types are expanded before this level");
}
