//===- TiledToPTX.cpp - level 4 to PTX for NVIDIA GPUs --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GPULaunch.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Conversion/TilesToGPU/Passes.h"
#include "weir/Pipelines/Compile.h"
#include "weir/Pipelines/Pipelines.h"

using namespace mlir;

constexpr unsigned kThreads = 128; ///< of a block

void weir::buildTiledToGPUPipeline(OpPassManager &pm, const TargetDescription &target) {
  OutlineLaunchesOptions outline;
  outline.threads = kThreads;
  pm.addPass(createOutlineLaunches(outline));
  pm.addPass(createCSEPass());
  pm.addNestedPass<gpu::GPUModuleOp>(createSimplifyLaunches());
  MapTilesToFragmentsOptions fragments;
  fragments.threads = kThreads;
  pm.addNestedPass<gpu::GPUModuleOp>(createMapTilesToFragments(fragments));
  pm.addPass(createOrderTileLoops());
  pm.addPass(createConvertLinalgToParallelLoopsPass());
  MapTilesToThreadsOptions tiles;
  tiles.threads = kThreads;
  tiles.sharedMemory = target.sharedBytes;
  tiles.launchMemory = target.launchBytes;
  pm.addNestedPass<gpu::GPUModuleOp>(createMapTilesToThreads(tiles));
  MapIterationsToThreadsOptions iterations;
  iterations.threads = kThreads;
  pm.addNestedPass<gpu::GPUModuleOp>(createMapIterationsToThreads(iterations));
  pm.addNestedPass<gpu::GPUModuleOp>(createLocalizeAddresses());
  ExpandNarrowFloatsOptions narrow;
  narrow.hasBF16 = true; // sm_80 converts in hardware
  pm.addPass(createExpandNarrowFloats(narrow));
  pm.addPass(createExpandElementaryFunctions());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void weir::buildTiledToPlanPipeline(OpPassManager &pm) {
  OutlineLaunchesOptions outline;
  outline.threads = kThreads;
  outline.onlyPlan = true;
  pm.addPass(createOutlineLaunches(outline));
  buildTiledToLLVMPipeline(pm, plainProcessor());
}

void weir::buildGPUToPTXPipeline(OpPassManager &pm, const TargetDescription &target) {
  GpuNVVMAttachTargetOptions attach;
  attach.chip = target.cpu;
  pm.addPass(createGpuNVVMAttachTarget(attach));
  OpPassManager &device = pm.nest<gpu::GPUModuleOp>();
  device.addPass(memref::createExpandStridedMetadataPass());
  device.addPass(createLowerAffinePass());
  device.addPass(arith::createArithExpandOpsPass());
  device.addPass(createSCFToControlFlowPass());
  device.addPass(createConvertNVGPUToNVVMPass());
  device.addPass(createMathToIntrinsics());
  device.addPass(createConvertGpuOpsToNVVMOps());
  device.addPass(createDeclareLaunchMemory());
  device.addPass(createReconcileUnrealizedCastsPass());
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = "isa";
  pm.addPass(createGpuModuleToBinaryPass(binary));
}

llvm::Expected<std::string> weir::emitPTX(ModuleOp tiled, const TargetDescription &target) {
  OwningOpRef<ModuleOp> copy(tiled.clone());
  std::string first;
  ScopedDiagnosticHandler handler(tiled.getContext(), [&](Diagnostic &diagnostic) {
    if (first.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      first = diagnostic.str();
    return failure(); // the next handler prints it
  });
  auto lower = [&](auto build) {
    PassManager pm(tiled.getContext());
    build(pm, target);
    return pm.run(*copy);
  };
  auto refused = [&] {
    return llvm::createStringError("the tiled module cannot be lowered to PTX: " +
                                   (first.empty() ? "no reason given" : first));
  };
  if (failed(lower(buildTiledToGPUPipeline)))
    return refused();
  std::string launches = describeLaunches(tiled, *copy);
  if (failed(lower(buildGPUToPTXPipeline)))
    return refused();
  std::string text;
  for (auto binary : copy->getOps<gpu::BinaryOp>())
    for (auto object : binary.getObjects().getAsRange<gpu::ObjectAttr>())
      text += object.getObject().getValue();
  if (text.empty())
    return llvm::createStringError("the module has no kernel");
  while (!text.empty() && text.back() == '\0')
    text.pop_back();
  if (size_t at = text.find(".extern .func"); at != std::string::npos)
    return llvm::createStringError("the PTX calls '" + text.substr(at, text.find('\n', at) - at) +
                                   "', which nothing defines");
  return launches + text;
}

void weir::registerGPUDialects(DialectRegistry &registry) {
  registry.insert<gpu::GPUDialect, linalg::LinalgDialect, NVVM::NVVMDialect, nvgpu::NVGPUDialect>();
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  registerGPUDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}
