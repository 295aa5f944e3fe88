//===- Compile.h - from a tiled module to running code or bytes -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PIPELINES_COMPILE_H
#define WEIR_PIPELINES_COMPILE_H
#include "weir/Target/Artifact.h"
#include "weir/Target/Kernel.h"

namespace weir {

/// Compiles every kernel of a level-4 module for this process; `target` should be what
/// describeTarget("cpu:native") gives. The module is not changed. With options.cache an object made before
/// from the same text, target and version is taken.
llvm::Expected<std::vector<Kernel>> compileTiled(mlir::ModuleOp tiled, const TargetDescription &target,
                                                 const CompileOptions &options = {});

/// What an artifact is for unless somebody says otherwise. It holds no version for the last, which has a matrix unit, where usesMatrixUnit() is false.
inline constexpr llvm::StringLiteral kArtifactTargets = "cpu:x86-64-v3,x86-64-v4,sapphirerapids";

/// Whether a level-4 module multiplies on a matrix unit.
bool usesMatrixUnit(mlir::ModuleOp tiled);

/// The bytes of an artifact that holds one version a (module, target) pair, each module at level 4 for its
/// own target and with the same kernels. At run time the best that the processor can do is taken.
llvm::Expected<std::string> emitTiled(llvm::ArrayRef<TargetModule> versions, ArtifactKind kind,
                                      const CompileOptions &options = {});

/// The kernel of a level-4 module for a GPU of this machine, on which the driver assembles the PTX.
llvm::Expected<Kernel> compileTiledForGPU(mlir::ModuleOp tiled, const TargetDescription &target, const DeviceCode &code);

/// The bytes of an artifact with a kernel for a GPU: `code` is what was made of `tiled` for `target`, cubin and PTX.
llvm::Expected<std::string> emitTiledForGPU(mlir::ModuleOp tiled, const TargetDescription &target, const DeviceCode &code,
                                            ArtifactKind kind, const CompileOptions &options = {});

/// The kernels of a level-4 module as PTX for target.cpu ("sm_80"). Its first lines, one a kernel, say how it is launched
/// (docs/gpu.md).
llvm::Expected<std::string> emitPTX(mlir::ModuleOp tiled, const TargetDescription &target);

} // namespace weir
#endif
