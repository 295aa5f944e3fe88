//===- weir-random.cpp - random programs, compiled against interpreted ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "InCalls.h"
#include "RandomDomains.h"
#include "dialects/Attention/AttentionDialect.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/Compile.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Pipelines/RegisterAll.h"
#include "weir/Reference/Interpreter.h"
#include "weir/Reference/RandomCascade.h"
#include "weir/Support/ElementType.h"
#include "weir/Support/KernelContract.h"
#include "weir/Target/PTXKernel.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include <map>

namespace cl = llvm::cl;

static cl::opt<unsigned> count("count", cl::init(300), cl::desc("how many programs"));
static cl::opt<uint64_t> seed("seed", cl::init(1), cl::desc("of the first program; the others' follow"));
static cl::opt<unsigned> trials("trials", cl::init(2), cl::desc("inputs a program"));
static cl::opt<unsigned> batch("batch", cl::init(20), cl::desc("programs compiled together"));
static cl::opt<bool> shrink("shrink", cl::desc("make a failing program as small as it stays failing"));
static cl::opt<bool> print("print", cl::desc("print every program before it runs"));
static cl::opt<bool> rewriteOnly("rewrite",
                                 cl::desc("merge traversals, and run the interpreter before and after"));
static cl::opt<bool> attention("attention", cl::desc("attention variants, most of which merge into streams"));
static cl::opt<bool> resumed(
    "resume",
    cl::desc("call what is one traversal with a few keys at a time and the state of the call before"));
static cl::opt<std::string>
    targetName("target", cl::init("cpu:native"),
               cl::desc("what is compiled for; kernels for cuda:sm_80 run on a GPU, or are executed as PTX"));
static cl::opt<bool> tf32("tf32", cl::desc("with --attention: queries, keys and values are f32, and their products are "
                                           "rounded to tf32 where tensor cores of the target take them"));
static cl::opt<bool> domains("domains", cl::desc("random masks: their tiles and counts against brute force"));
static cl::opt<bool> interpretOnly("interpret-only", cl::desc("run the interpreter alone"));

static unsigned streams; ///< that were made
static unsigned tiled;   ///< of these, that run in tiles
static unsigned goOn;    ///< of these, that go on from a state
static unsigned rounded; ///< programs whose code has products in tf32

/// Those with an attribute, or all.
static unsigned countStreams(mlir::Operation *within, llvm::StringRef attribute) {
  unsigned number = 0;
  within->walk([&](weir::attn::StreamOp op) { number += attribute.empty() || op->hasAttr(attribute); });
  return number;
}

static weir::HostTensor toHostTensor(const weir::PartialTensor &tensor) {
  weir::HostTensor result(*weir::fromMLIR(tensor.elementType), tensor.shape);
  for (auto [i, value] : llvm::enumerate(tensor.value))
    result.set(i, value);
  return result;
}

/// With --resume: what goes on from a state, by the number of the cascade; the rank that it is called with
/// parts of.
using Resumed = std::map<unsigned, std::pair<weir::attn::Signature, std::string>>;

static Resumed resumeAll(mlir::ModuleOp module) {
  Resumed result;
  if (!resumed)
    return result;
  unsigned number = 0;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (resume(function)) {
      auto stream = *function.getOps<weir::attn::StreamOp>().begin();
      result[number] = {weir::attn::getSignature(function), stream.getRank().str()};
    }
    ++number;
  }
  goOn += result.size();
  return result;
}

/// Kernels of resumed cascades take parts of the keys.
static void callInParts(std::vector<weir::RandomKernel> &kernels, const Resumed &resumed) {
  for (auto &[number, what] : resumed)
    kernels[number] = inCalls(kernels[number], what.first, what.second, number + static_cast<unsigned>(seed));
}

/// Blocks of fewer keys, so that short inputs have several, keys in parts, and tiles of few rows, in a part of
/// the programs.
static void varyTiles(mlir::ModuleOp module, const weir::TargetDescription &target) {
  unsigned number = 0;
  if (target.isGPU) // the only one, which is the same when it is shrunk
    for (auto function : module.getOps<mlir::func::FuncOp>())
      function.getName().drop_while([](char c) { return !llvm::isDigit(c); }).getAsInteger(10, number);
  module.walk([&](weir::attn::StreamOp stream) {
    static const int64_t keys[] = {0, 16, 8, 36}, parts[] = {0, 3, 1, 0, 8, 2, 0}, few[] = {0, 0, 3, 0, 1};
    auto sizes = stream->getAttrOfType<weir::mapping::TilesAttr>("mapping");
    int64_t m = few[number % 5], n = keys[number % 4], split = parts[number % 7];
    if (tf32) // what tensor cores take
      m = 0, n = n ? 16 : 0;
    if (sizes)
      stream->setAttr("mapping",
                      weir::mapping::TilesAttr::get(stream.getContext(), sizes.getRows(),
                                                    m ? m : sizes.getM(), n ? n : sizes.getN(), split, sizes.getSteps()));
    ++number;
  });
}

static llvm::Expected<std::vector<weir::HostTensor>> call(const weir::Kernel &kernel,
                                                          llvm::ArrayRef<weir::HostTensor> inputs,
                                                          llvm::ArrayRef<long double> params) {
  auto outputs = kernel.makeOutputs(inputs, params);
  if (!outputs)
    return outputs.takeError();
  if (llvm::Error error = kernel.call(inputs, params, *outputs))
    return std::move(error);
  return std::move(*outputs);
}

/// The one kernel of a tiled module, run by the GPU where there is one, else executed as PTX, every call with
/// another schedule.
static llvm::Expected<std::vector<weir::RandomKernel>> compilePTX(mlir::ModuleOp tiled,
                                                                  const weir::TargetDescription &target) {
  auto signatures = weir::readSignatures(weir::describeKernels(tiled));
  assert(signatures.size() == 1 && "a batch of one");
  auto text = weir::emitPTX(tiled, target);
  if (!text)
    return text.takeError();
  rounded += llvm::StringRef(*text).contains(".tf32");
  if (weir::hasGPUFor(target)) {
    auto kernel = weir::compileTiledForGPU(tiled, target, {std::move(*text), ""});
    if (!kernel)
      return kernel.takeError();
    return std::vector<weir::RandomKernel>{
        [kernel = std::move(*kernel)](auto inputs, auto params) { return call(kernel, inputs, params); }};
  }
  auto kernel = weir::PTXKernel::create(signatures.front(), *text);
  if (!kernel)
    return kernel.takeError();
  auto schedule = std::make_shared<uint64_t>(0);
  return std::vector<weir::RandomKernel>{[kernel = std::move(*kernel), schedule](auto inputs, auto params) {
    return kernel.run(inputs, params, (*schedule)++);
  }};
}

/// Level streamed; few rows run in tiles too, since it is tiles that are tried. With --tf32 products are rounded, but of a
/// program that has none which may be.
static llvm::LogicalResult lowerToStreamed(mlir::ModuleOp module, const weir::TargetDescription &target) {
  auto run = [&](mlir::ModuleOp what, llvm::StringRef mapping) {
    mlir::PassManager pm(module.getContext());
    weir::buildCascadeToStreamedPipeline(pm, target, mapping);
    return pm.run(what);
  };
  if (!tf32)
    return run(module, "fuse=on");
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  bool hasNone = false;
  {
    mlir::ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
      hasNone |= llvm::StringRef(diagnostic.str()).contains("has no products that 'tf32=on' is for");
      return llvm::success(hasNone);
    });
    if (mlir::failed(run(*copy, "fuse=on,tf32=on")) && !hasNone)
      return llvm::failure();
  }
  if (hasNone)
    return run(module, "fuse=on");
  module.getBodyRegion().takeBody(copy->getBodyRegion());
  return llvm::success();
}

/// Levels 2 to 6 and into memory; kernels share the module's code.
static llvm::Expected<std::vector<weir::RandomKernel>> compile(mlir::ModuleOp module,
                                                               const weir::TargetDescription &target) {
  mlir::PassManager toTiles(module.getContext());
  weir::buildStreamedToTiledPipeline(toTiles, target);
  Resumed parts = resumeAll(module);
  if (mlir::failed(lowerToStreamed(module, target)))
    return llvm::createStringError("the pipeline to the streamed level failed");
  tiled += countStreams(module, "mapping");
  varyTiles(module, target);
  if (mlir::failed(toTiles.run(module)))
    return llvm::createStringError("the pipeline to the tiled level failed");
  if (target.isGPU) {
    auto kernel = compilePTX(module, target);
    if (kernel)
      callInParts(*kernel, parts);
    return kernel;
  }
  weir::CompileOptions options;
  options.cache = false;
  auto kernels = weir::compileTiled(module, target, options);
  if (!kernels)
    return kernels.takeError();
  std::vector<weir::RandomKernel> result;
  for (const weir::Kernel &kernel : *kernels)
    result.push_back([kernel](auto inputs, auto params) { return call(kernel, inputs, params); });
  callInParts(result, parts);
  return result;
}

/// First what saves traversals, then what needs one anyway and is merged for its tiles.
static llvm::LogicalResult mergeAll(mlir::ModuleOp module) {
  for (bool tiled : {false, true})
    for (auto function : llvm::to_vector(module.getOps<mlir::func::FuncOp>())) {
      if (!function.getOps<weir::attn::StreamOp>().empty())
        continue;
      weir::MergeTraversalsOptions merge;
      merge.tiled = tiled;
      mlir::PassManager pm(module.getContext(), mlir::func::FuncOp::getOperationName());
      pm.addPass(weir::createMergeTraversals(merge));
      if (mlir::failed(pm.run(function)))
        return llvm::failure();
    }
  return llvm::success();
}

/// The equations that compile() and rewrite() make kernels of, in one call with all keys.
static mlir::OwningOpRef<mlir::ModuleOp> equationsOf(mlir::ModuleOp module, const weir::TargetDescription &target) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  if (rewriteOnly)
    return mlir::failed(mergeAll(*copy)) ? nullptr : std::move(copy);
  return mlir::failed(lowerToStreamed(*copy, target)) ? nullptr : std::move(copy);
}

/// The rewritten cascades, interpreted: the tiles of a stream are folded in an order that depends on the
/// program.
static llvm::Expected<std::vector<weir::RandomKernel>> rewrite(mlir::ModuleOp module) {
  std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> owner =
      std::make_shared<mlir::OwningOpRef<mlir::ModuleOp>>(module.clone());
  Resumed parts = resumeAll(**owner);
  if (mlir::failed(mergeAll(**owner)))
    return llvm::createStringError("attn-merge-traversals failed");
  std::vector<weir::RandomKernel> result;
  for (auto function : (*owner)->getOps<mlir::func::FuncOp>()) {
    streams += countStreams(function, "");
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
  callInParts(result, parts);
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
  if (domains)
    return runRandomDomains(count, seed, print, context, llvm::outs()) ? 1 : 0;
  weir::RandomRunOptions options{count, seed, trials, batch, shrink, print, interpretOnly, attention, tf32 ? "f32" : ""};
  auto target = weir::describeTarget(targetName);
  if (!target) {
    llvm::errs() << "weir-random: error: " << llvm::toString(target.takeError()) << "\n";
    return 2;
  }
  if (tf32 && !(attention && target->isGPU)) {
    llvm::errs() << "weir-random: error: --tf32 needs --attention and --target cuda:sm_80\n";
    return 2;
  }
  if (target->isGPU)
    options.batch = 1;
  options.rewrite = [&](mlir::ModuleOp module) { return equationsOf(module, *target); };
  auto compiler = [&](mlir::ModuleOp module) {
    return rewriteOnly ? rewrite(module) : compile(module, *target);
  };
  unsigned failed = weir::runRandomCascades(options, context, compiler, llvm::outs());
  if (rewriteOnly)
    llvm::outs() << streams << " streams\n";
  else if (!interpretOnly)
    llvm::outs() << tiled << " streams in tiles\n";
  if (tf32)
    llvm::outs() << rounded << " programs with products in tf32\n";
  if (resumed)
    llvm::outs() << goOn << " go on from a state\n";
  return failed ? 1 : 0;
}
