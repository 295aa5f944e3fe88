//===- RegisterAll.cpp - everything of Weir in one line -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A room that gains a pass needs no edit here: its generated registration function grows by itself. A new
// room adds its header and one line to registerPasses.
#include "weir/Pipelines/RegisterAll.h"
#include "dialects/Attention/AttentionDialect.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "weir/Analysis/Passes.h"
#include "weir/Conversion/AttnToTiles/Passes.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Conversion/TilesToGPU/Passes.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Transforms/Passes.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace {
struct TargetOptions : PassPipelineOptions<TargetOptions> {
  Option<std::string> target{*this, "target", llvm::cl::desc("the processor, cpu:NAME"),
                             llvm::cl::init("cpu:x86-64-v3")};
};
} // namespace

/// A pipeline of ours under a name; options that cannot be are an error that whoever reads the pipeline's text reports.
static void registerPipeline(StringRef name, StringRef description,
                             void (*build)(OpPassManager &, const weir::TargetDescription &)) {
  using ErrorHandler = llvm::function_ref<LogicalResult(const Twine &)>;
  registerPassPipeline(
      name, description,
      [build](OpPassManager &pm, StringRef text, ErrorHandler fail) -> LogicalResult {
        TargetOptions options;
        std::string wrong;
        llvm::raw_string_ostream os(wrong);
        if (failed(options.parseFromString(text, os)))
          return fail(StringRef(wrong).rtrim());
        auto target = weir::describeTarget(options.target);
        if (!target)
          return fail(llvm::toString(target.takeError()));
        build(pm, *target);
        return success();
      },
      [](llvm::function_ref<void(const mlir::detail::PassOptions &)> show) { show(TargetOptions()); });
}

static void registerPasses() {
  weir::registerAnalysisPasses();
  weir::registerTransformsPasses();
  weir::registerAttnToTilesPasses();
  weir::registerTilesToCPUPasses();
  weir::registerTilesToGPUPasses();
  registerPipeline("attn-to-streamed-pipeline", "level 2 to level 3",
                   [](OpPassManager &pm, const weir::TargetDescription &target) {
                     weir::buildCascadeToStreamedPipeline(pm, target);
                   });
  registerPipeline("streamed-to-tiles-pipeline", "level 3 to level 4", weir::buildStreamedToTiledPipeline);
  registerPipeline("attn-to-tiles-pipeline", "level 2 to level 4",
                   [](OpPassManager &pm, const weir::TargetDescription &target) {
                     weir::buildCascadeToStreamedPipeline(pm, target);
                     weir::buildStreamedToTiledPipeline(pm, target);
                   });
  registerPipeline("tiles-to-cpu-pipeline", "level 4 to level 5 for processors",
                   weir::buildTiledToCPUPipeline);
  registerPipeline("cpu-to-llvm-pipeline", "level 5 to level 6", weir::buildCPUToLLVMPipeline);
  registerPipeline("tiles-to-gpu-pipeline", "level 4 to level 5 for NVIDIA GPUs", weir::buildTiledToGPUPipeline);
  registerPipeline("tiles-to-llvm-pipeline", "level 4 to level 6 for processors",
                   weir::buildTiledToLLVMPipeline);
}

void weir::registerAll(DialectRegistry &registry) {
  registry.insert<attn::AttnDialect, mapping::MappingDialect>();
  registry.insert<affine::AffineDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
                  LLVM::LLVMDialect, linalg::LinalgDialect, math::MathDialect, memref::MemRefDialect,
                  scf::SCFDialect, tensor::TensorDialect, ub::UBDialect, vector::VectorDialect>();
  registerTargetDialects(registry);
  registerGPUDialects(registry);
  static const bool once = (registerPasses(), true);
  (void)once;
}
