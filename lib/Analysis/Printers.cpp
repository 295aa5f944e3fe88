//===- Printers.cpp - what the printers of analyses share -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Printers.h"
#include "dialects/Attention/AttentionDialect.h"
#include "weir/Analysis/Explain.h"

using namespace mlir;

void weir::printCascades(ModuleOp module, function_ref<void(func::FuncOp)> print) {
  module.walk([&](func::FuncOp function) {
    if (attn::isCascade(function) && !function.isExternal())
      print(function);
  });
}

LogicalResult
weir::printCascadesAt(ArrayRef<std::string> extents, ModuleOp module,
                      function_ref<void(func::FuncOp, const llvm::StringMap<int64_t> &)> print) {
  auto sizes = parseExtents(extents);
  if (!sizes)
    return module.emitError(llvm::toString(sizes.takeError()));
  printCascades(module, [&](func::FuncOp function) { print(function, *sizes); });
  return success();
}
