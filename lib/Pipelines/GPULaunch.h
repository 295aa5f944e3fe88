//===- GPULaunch.h - how a kernel for GPUs is launched --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PIPELINES_GPULAUNCH_H
#define WEIR_PIPELINES_GPULAUNCH_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>

namespace weir {

/// One comment line a kernel of a level-4 module, "// weir: {...}": name, threads of a block, arguments in order, and the tiles of open
/// shape that the launch must give shared memory to (docs/gpu.md). An error where the size of such a tile is no extent of an argument.
llvm::Expected<std::string> describeLaunches(mlir::ModuleOp tiled, unsigned threads);

} // namespace weir
#endif
