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

/// One comment line a kernel of a level-4 module, "// weir: {...}": its name, arguments in order, and the functions of `mapped`, its
/// gpu.modules once all is dealt out to threads, that are launched one after another (docs/gpu.md).
std::string describeLaunches(mlir::ModuleOp tiled, mlir::ModuleOp mapped);

} // namespace weir
#endif
