//===- weir-random.cpp - random programs, compiled against interpreted ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/Compile.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Pipelines/RegisterAll.h"
#include "weir/Reference/Interpreter.h"
#include "weir/Reference/RandomCascade.h"
#include "weir/Support/ElementType.h"
#include "weir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;

static cl::opt<unsigned> count("count", cl::init(300), cl::desc("how many programs"));
static cl::opt<uint64_t> seed("seed", cl::init(1), cl::desc("of the first program; the others' follow"));
static cl::opt<unsigned> trials("trials", cl::init(2), cl::desc("inputs a program"));
static cl::opt<unsigned> batch("batch", cl::init(20), cl::desc("programs compiled together"));
static cl::opt<bool> shrink("shrink", cl::desc("make a failing program as small as it stays failing"));
static cl::opt<bool> print("print", cl::desc("print every program before it runs"));
static cl::opt<bool> rewriteOnly("rewrite", cl::desc("merge traversals, and run the interpreter before and after"));
static cl::opt<bool> interpretOnly("interpret-only", cl::desc("run the interpreter alone"));

static unsigned streams; ///< that --rewrite has made

static weir::HostTensor toHostTensor(const weir::PartialTensor &tensor) {
  weir::HostTensor result(*weir::fromMLIR(tensor.elementType), tensor.shape);
  for (auto [i, value] : llvm::enumerate(tensor.value))
    result.set(i, value);
  return result;
}

/// Levels 2 to 6 and into memory; kernels share the module's code.
static llvm::Expected<std::vector<weir::RandomKernel>> compile(mlir::ModuleOp module,
                                                               const weir::TargetDescription &target) {
  mlir::PassManager pm(module.getContext());
  weir::buildCascadeToStreamedPipeline(pm, target);
  weir::buildStreamedToTiledPipeline(pm, target);
  if (mlir::failed(pm.run(module)))
    return llvm::createStringError("the pipeline to the tiled level failed");
  weir::CompileOptions options;
  options.cache = false;
  auto kernels = weir::compileTiled(module, target, options);
  if (!kernels)
    return kernels.takeError();
  std::vector<weir::RandomKernel> result;
  for (const weir::Kernel &kernel : *kernels)
    result.push_back([kernel](auto inputs, auto params) -> llvm::Expected<std::vector<weir::HostTensor>> {
      auto outputs = kernel.makeOutputs(inputs, params);
      if (!outputs)
        return outputs.takeError();
      if (llvm::Error error = kernel.call(inputs, params, *outputs))
        return std::move(error);
      return std::move(*outputs);
    });
  return result;
}

/// The rewritten cascades, interpreted: the tiles of a stream are folded in an order that depends on the program.
static llvm::Expected<std::vector<weir::RandomKernel>> rewrite(mlir::ModuleOp module) {
  std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> owner =
      std::make_shared<mlir::OwningOpRef<mlir::ModuleOp>>(module.clone());
  mlir::PassManager pm(module.getContext());
  pm.addNestedPass<mlir::func::FuncOp>(weir::createMergeTraversals());
  if (mlir::failed(pm.run(**owner)))
    return llvm::createStringError("attn-merge-traversals failed");
  std::vector<weir::RandomKernel> result;
  for (auto function : (*owner)->getOps<mlir::func::FuncOp>()) {
    function.walk([](weir::attn::StreamOp) { ++streams; });
    weir::InterpreterOptions options;
    static const int64_t tiles[] = {0, 1, 3, 7};
    options.streams.tile = tiles[result.size() % 4];
    options.streams.fold = static_cast<weir::StreamOrder::Fold>(result.size() % 3);
    options.streams.lazyReferences = result.size() % 2;
    result.push_back([=](auto inputs, auto params) -> llvm::Expected<std::vector<weir::HostTensor>> {
      (void)owner; // holds the function
      auto run = weir::interpret(function, inputs, params, options);
      if (!run)
        return run.takeError();
      std::vector<weir::HostTensor> outputs;
      for (const weir::PartialTensor &output : run->outputs)
        outputs.push_back(toHostTensor(output));
      return outputs;
    });
  }
  return result;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv,
                              "Random programs: the compiled kernel against the reference interpreter\n");
  mlir::DialectRegistry registry;
  weir::registerAll(registry);
  weir::registerTargetDialects(registry);
  mlir::MLIRContext context(registry);
  weir::RandomRunOptions options{count, seed, trials, batch, shrink, print, interpretOnly};
  auto target = llvm::cantFail(weir::describeTarget("cpu:native"));
  auto compiler = [&](mlir::ModuleOp module) {
    return rewriteOnly ? rewrite(module) : compile(module, target);
  };
  unsigned failed = weir::runRandomCascades(options, context, compiler, llvm::outs());
  if (rewriteOnly)
    llvm::outs() << streams << " streams\n";
  return failed ? 1 : 0;
}
