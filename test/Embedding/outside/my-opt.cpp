//===- my-opt.cpp - another project's compiler, with Weir inside ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Pipelines/RegisterAll.h"
#include "llvm/Support/raw_ostream.h"

/// Reads a module, gives its cascades mappings, and says on stderr how many ops each dialect has in it.
int main(int argc, char **argv) {
  if (argc != 2)
    return llvm::errs() << "usage: my-opt FILE\n", 2;
  mlir::DialectRegistry registry;
  registry.insert<mlir::tosa::TosaDialect>();
  weir::registerAll(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  auto target = weir::describeTarget("cpu:x86-64-v3");
  if (!module || !target)
    return 1;
  mlir::PassManager passes(&context);
  weir::buildCascadeToStreamedPipeline(passes, *target);
  if (failed(passes.run(*module)))
    return 1;
  int ours = 0, theirs = 0;
  module->walk([&](mlir::Operation *op) {
    ours += llvm::isa<weir::attn::AttnDialect>(op->getDialect());
    theirs += llvm::isa<mlir::tosa::TosaDialect>(op->getDialect());
  });
  llvm::errs() << ours << " attn ops, " << theirs << " tosa ops\n";
  llvm::outs() << *module << "\n";
}
