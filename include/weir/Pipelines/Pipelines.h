//===- Pipelines.h - the pipelines between the levels ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PIPELINES_PIPELINES_H
#define WEIR_PIPELINES_PIPELINES_H
#include "weir/Support/TargetDescription.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringRef.h"

namespace weir {

/// Level 2 to level 3: mappings chosen. `mapping` is what --map says, as "fuse=on,m=64,n=128,split=8"; what it leaves out the cost models choose.
void buildCascadeToStreamedPipeline(mlir::OpPassManager &pm, const TargetDescription &target, llvm::StringRef mapping = "");
/// What --map says of `resume`: the ranks over which the cascade is to be resumed, `N+P`, empty for the first of
/// which traversals are merged and others that can be; nothing where it is not asked for.
std::optional<llvm::StringRef> getResumedRanks(llvm::StringRef mapping);
/// Level 2, streams for it included: the cascade of one call that goes on from a state
/// (attn-resume-streams). Goes before everything else, since it changes what the cascade takes and gives.
void buildResumePipeline(mlir::OpPassManager &pm, llvm::StringRef ranks);

/// Level 3 to level 4: equations become loops over buffers.
void buildStreamedToTiledPipeline(mlir::OpPassManager &pm, const TargetDescription &target);

/// Level 4 to level 5: elementary functions and narrow types expanded, parallel loops outlined, entries made.
void buildTiledToCPUPipeline(mlir::OpPassManager &pm, const TargetDescription &target);
/// Level 4 to level 6: level 5, then everything to the llvm dialect.
void buildTiledToLLVMPipeline(mlir::OpPassManager &pm, const TargetDescription &target);
/// The same from level 5.
void buildCPUToLLVMPipeline(mlir::OpPassManager &pm, const TargetDescription &target);

/// Level 4 to level 5 for NVIDIA GPUs: blocks, threads, shared memory.
void buildTiledToGPUPipeline(mlir::OpPassManager &pm, const TargetDescription &target);
/// Level 4 to level 6 for the processor beside a GPU: a kernel's plan and its companions.
void buildTiledToPlanPipeline(mlir::OpPassManager &pm);
/// Level 5 to PTX, as a gpu.binary.
void buildGPUToPTXPipeline(mlir::OpPassManager &pm, const TargetDescription &target);
/// What these two need in a context.
void registerGPUDialects(mlir::DialectRegistry &registry);

/// What the level-4 and lower pipelines need in a context: dialects, conversion interfaces, translations to LLVM IR.
void registerTargetDialects(mlir::DialectRegistry &registry);

} // namespace weir
#endif
