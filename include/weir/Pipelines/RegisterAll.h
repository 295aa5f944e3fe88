//===- RegisterAll.h - everything of Weir in one line ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PIPELINES_REGISTERALL_H
#define WEIR_PIPELINES_REGISTERALL_H
#include "mlir/IR/DialectRegistry.h"

namespace weir {

/// Adds to `registry` the dialects that a cascade meets on its way down (ours and the upstream ones they are
/// lowered to), and registers every pass of every room and the named pipelines with MLIR's global pass
/// registry. May be called several times.
void registerAll(mlir::DialectRegistry &registry);

} // namespace weir
#endif
