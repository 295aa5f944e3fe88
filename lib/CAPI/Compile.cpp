//===- Compile.cpp - from a module to a kernel or bytes -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Pipelines/Compile.h"
#include "Failure.h"
#include "Handles.h"
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Runtime/weir_kernel.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weir::capi;

static Error refusal(const Twine &text) { return createStringError(inconvertibleErrorCode(), text); }

/// A copy of the module at level 4: a cascade is lowered for the target, tiled kernels are taken as they are.
static Expected<mlir::OwningOpRef<mlir::ModuleOp>> tiledCopy(mlir::ModuleOp module,
                                                             const weir::TargetDescription &target) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  auto functions = module.getOps<mlir::func::FuncOp>();
  if (any_of(functions, [](mlir::func::FuncOp function) { return weir::attn::isCascade(function); })) {
    mlir::PassManager passes(module.getContext());
    weir::buildCascadeToStreamedPipeline(passes, target);
    weir::buildStreamedToTiledPipeline(passes, target);
    if (failed(passes.run(*copy)))
      return refusal("the cascade could not be lowered to loops");
  } else if (none_of(functions,
                     [](mlir::func::FuncOp function) { return function->hasAttr(weir::kKernelAttr); })) {
    return refusal("the module holds no cascade (attn.cascade) and no tiled kernel (weir.kernel)");
  }
  return std::move(copy);
}

static Expected<weir::Kernel> compile(mlir::ModuleOp module, const char *name) {
  auto target = weir::describeTarget("cpu:native");
  if (!target)
    return target.takeError();
  auto tiled = tiledCopy(module, *target);
  if (!tiled)
    return tiled.takeError();
  weir::CompileOptions options;
  options.cache = false; // a library writes no files that nobody asked for
  auto kernels = weir::compileTiled(**tiled, *target, options);
  if (!kernels)
    return kernels.takeError();
  std::string names;
  for (const weir::Kernel &kernel : *kernels) {
    if (name ? kernel.signature().name == name : kernels->size() == 1)
      return kernel;
    names += (names.empty() ? "" : ", ") + kernel.signature().name;
  }
  return name ? refusal("there is no kernel '" + Twine(name) + "' in the module, which has " + names)
              : refusal("the module has several kernels, name one of them: " + names);
}

weirKernel *weirModuleCompile(const weirModule *module, const char *name) {
  if (missing(module, "a module"))
    return nullptr;
  mlir::ModuleOp op = module->op.get();
  Collector collector(op.getContext());
  auto kernel = compile(op, name);
  if (kernel)
    return new weirKernel{std::move(*kernel)};
  collector.publish(kernel.takeError());
  return nullptr;
}

void weirKernelDestroy(weirKernel *kernel) { delete kernel; }

int weirKernelCall(const weirKernel *kernel, const void *args) {
  if (missing(kernel, "a kernel") || missing(args, "the kernel's arguments"))
    return WEIR_E_NULL;
  int status = kernel->kernel.callRaw(args);
  if (status)
    setLastError(weir_last_error());
  return status;
}

/// `given` is null for what artifacts are for by default.
static Expected<std::string> emit(mlir::ModuleOp module, const char *given, StringRef suffix) {
  std::optional<weir::ArtifactKind> kind = weir::artifactKindOf(("x." + suffix).str());
  if (!kind)
    return refusal("there is no kind of file '" + suffix + "', expected so, o, s, ll, h or json");
  SmallVector<mlir::OwningOpRef<mlir::ModuleOp>> owned;
  SmallVector<weir::TargetModule> versions;
  StringRef targets = given ? given : weir::kArtifactTargets.data();
  for (StringRef name : split(targets, ',')) {
    if (name.empty())
      return refusal("a name is missing in the targets '" + targets + "'");
    auto target = weir::describeTarget(name);
    if (!target)
      return target.takeError();
    if (target->isGPU)
      return refusal("'" + name + "' is no processor; weirc makes PTX");
    auto tiled = tiledCopy(module, *target);
    if (!tiled)
      return tiled.takeError();
    if (!given && target->hasMatrixUnit && !weir::usesMatrixUnit(**tiled))
      continue;
    versions.push_back({**tiled, *target});
    owned.push_back(std::move(*tiled));
  }
  return weir::emitTiled(versions, *kind);
}

int weirModuleEmit(const weirModule *module, const char *targets, const char *kind, weirBytes *out) {
  if (missing(module, "a module") || missing(kind, "a kind of file") || missing(out, "a place for the bytes"))
    return 1;
  mlir::ModuleOp op = module->op.get();
  Collector collector(op.getContext());
  auto bytes = emit(op, targets, kind);
  if (!bytes) {
    collector.publish(bytes.takeError());
    return 1;
  }
  setBytes(out, *bytes);
  return 0;
}
