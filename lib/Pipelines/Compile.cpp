//===- Compile.cpp - from a tiled module to running code or bytes ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Pipelines/Compile.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Support/KernelContract.h"
#include "weir/Target/ObjectCache.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Threading.h"

using namespace llvm;
using namespace weir;

/// Brings `module` down by what `build` makes. What the passes say goes to the context's diagnostics; the error repeats the first of it.
/// Other threads may do the same in this context.
static Error lowerInPlace(mlir::ModuleOp module, function_ref<void(mlir::OpPassManager &)> build) {
  mlir::PassManager pm(module.getContext());
  pm.enableVerifier(false); // level 4 has been verified, and each upstream conversion is all or nothing
  build(pm);
  std::string first;
  uint64_t thread = get_threadid(); // handlers hear all threads of a context
  mlir::ScopedDiagnosticHandler handler(module.getContext(), [&](mlir::Diagnostic &diagnostic) {
    if (get_threadid() == thread && first.empty() && diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      first = diagnostic.str();
    return mlir::failure(); // the next handler prints it
  });
  if (failed(pm.run(module)))
    return createStringError(inconvertibleErrorCode(), "the tiled module cannot be lowered to LLVM: " +
                                                           (first.empty() ? "no reason given" : first));
  return Error::success();
}

/// A copy of `tiled`, brought down.
static Expected<mlir::OwningOpRef<mlir::ModuleOp>> lower(mlir::ModuleOp tiled,
                                                         function_ref<void(mlir::OpPassManager &)> build) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(tiled.clone());
  if (Error error = lowerInPlace(*copy, build))
    return std::move(error);
  return std::move(copy);
}

/// The object of a copy of `tiled`. What the second half of the passes needs is in the context before threads run it, since none may add to that.
static Expected<std::string> emitObject(mlir::ModuleOp tiled, const TargetDescription &target,
                                        const CompileOptions &options) {
  auto cpu = lower(tiled, [&](mlir::OpPassManager &pm) { buildTiledToCPUPipeline(pm, target); });
  if (!cpu)
    return cpu.takeError();
  auto build = [&](mlir::OpPassManager &pm) { buildCPUToLLVMPipeline(pm, target); };
  mlir::MLIRContext *context = tiled.getContext();
  mlir::PassManager pm(context);
  build(pm);
  mlir::DialectRegistry needed;
  pm.getDependentDialects(needed);
  context->appendDialectRegistry(needed);
  for (StringRef name : needed.getDialectNames())
    context->getOrLoadDialect(name);
  return emitKernelObject(std::move(*cpu), target, options,
                          [&](mlir::ModuleOp part) { return lowerInPlace(part, build); });
}

static Expected<mlir::OwningOpRef<mlir::ModuleOp>> lower(mlir::ModuleOp tiled,
                                                         const TargetDescription &target) {
  return lower(tiled, [&](mlir::OpPassManager &pm) { buildTiledToLLVMPipeline(pm, target); });
}

static std::string print(mlir::ModuleOp module) {
  std::string text;
  raw_string_ostream os(text);
  module.print(os);
  return text;
}

Expected<std::vector<Kernel>> weir::compileTiled(mlir::ModuleOp tiled, const TargetDescription &target,
                                                 const CompileOptions &options) {
  mlir::ArrayAttr kernels = describeKernels(tiled);
  std::optional<ObjectCache> cache;
  if (options.cache) {
    std::string text = print(tiled), level = utostr(options.optLevel), bytes = utostr(target.vectorBytes);
    cache.emplace(ArrayRef<StringRef>{text, target.cpu, target.features, bytes, level});
    if (auto object = cache->find()) {
      auto loaded = Kernel::load(kernels, *object, target, options);
      if (loaded)
        return loaded;
      consumeError(loaded.takeError()); // a damaged file: as if it were not there
    }
  }
  auto object = emitObject(tiled, target, options);
  if (!object)
    return object.takeError();
  if (cache)
    cache->store(*object);
  return Kernel::load(kernels, *object, target, options);
}

bool weir::usesMatrixUnit(mlir::ModuleOp tiled) {
  auto isForIt = [](mlir::Operation *op) { return op->hasAttr(kMatrixUnitAttr) ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance(); };
  return tiled.walk(isForIt).wasInterrupted();
}

Expected<std::string> weir::emitTiled(ArrayRef<TargetModule> versions, ArtifactKind kind,
                                      const CompileOptions &options) {
  SmallVector<mlir::OwningOpRef<mlir::ModuleOp>> owned;
  SmallVector<TargetModule> lowered;
  for (const TargetModule &version : versions) {
    auto module = lower(version.module, version.target);
    if (!module)
      return module.takeError();
    lowered.push_back({**module, version.target});
    owned.push_back(std::move(*module));
  }
  return emitArtifact(lowered, kind, options);
}

Expected<Kernel> weir::compileTiledForGPU(mlir::ModuleOp tiled, const TargetDescription &target,
                                          const DeviceCode &code) {
  auto module = lower(tiled, buildTiledToPlanPipeline);
  if (!module)
    return module.takeError();
  auto kernels = (*module)->getOperation()->getAttrOfType<mlir::ArrayAttr>(kKernelsAttr);
  auto object = emitKernelObject(std::move(*module), plainProcessor());
  if (!object)
    return object.takeError();
  return Kernel::loadForGPU(kernels, *object, target, code);
}

Expected<std::string> weir::emitTiledForGPU(mlir::ModuleOp tiled, const TargetDescription &target,
                                            const DeviceCode &code, ArtifactKind kind,
                                            const CompileOptions &options) {
  auto module = lower(tiled, buildTiledToPlanPipeline);
  if (!module)
    return module.takeError();
  TargetModule version = {**module, target, &code};
  return emitArtifact(version, kind, options);
}
