//===- TiledToLLVM.cpp - level 4 to levels 5 and 6 for processors ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Pipelines/Pipelines.h"

using namespace mlir;

void weir::buildTiledToCPUPipeline(OpPassManager &pm, const TargetDescription &target) {
  LayOutTilesOptions layout;
  layout.vectorBytes = target.vectorBytes;
  pm.addPass(createLayOutTiles(layout));
  if (target.hasMatrixUnit) {
    StripRowsOptions strips;
    strips.vectorBytes = target.vectorBytes;
    pm.addPass(createStripRows(strips));
  }
  pm.addPass(createShareTiles());
  LowerTilesOptions tiles;
  tiles.vectorBytes = target.vectorBytes;
  tiles.vectorRegisters = target.vectorRegisters;
  pm.addPass(createLowerTiles(tiles));
  ExpandNarrowFloatsOptions narrow;
  narrow.hasBF16 = target.hasBF16;
  pm.addPass(createExpandNarrowFloats(narrow));
  ExpandElementaryFunctionsOptions functions;
  functions.hasScale = target.hasMatrixUnit; // then exponentials are the largest part
  pm.addPass(createExpandElementaryFunctions(functions));
  pm.addPass(createOutlineParallelLoops());
  pm.addPass(createAddKernelEntries());
  pm.addNestedPass<func::FuncOp>(createPlaceFrame());
  SetTargetOptions options;
  options.cpu = target.cpu;
  options.features = target.features;
  options.vectorBytes = target.vectorBytes;
  pm.addPass(createSetTarget(options));
}

// Strided accesses become linear before loops become branches; scf has no interface for convert-to-llvm, so
// it goes first. All are passes of a module: several of them may run in one context, each on a thread.
void weir::buildCPUToLLVMPipeline(OpPassManager &pm, const TargetDescription &target) {
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createConvertVectorToSCFPass(VectorTransferToSCFOptions().enableFullUnroll()));
  pm.addPass(createLowerAffinePass());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createLowerWideVectors());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCarryBF16AsInteger());
}

void weir::buildTiledToLLVMPipeline(OpPassManager &pm, const TargetDescription &target) {
  buildTiledToCPUPipeline(pm, target);
  buildCPUToLLVMPipeline(pm, target);
}

void weir::registerTargetDialects(DialectRegistry &registry) {
  registry.insert<LLVM::LLVMDialect>();
  registerConvertAMXToLLVMInterface(registry);
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  ub::registerConvertUBToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  index::registerConvertIndexToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  registerConvertMemRefToLLVMInterface(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}
