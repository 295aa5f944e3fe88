//===- weir-plugin.cpp - dialects and passes for a stock mlir-opt ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Not linked to MLIR: what it needs comes from the tool that loads it. A second copy of MLIR in one process
// would register everything twice.
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "weir/Pipelines/RegisterAll.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Compiler.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Weir", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) { weir::registerAll(*registry); }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "WeirPasses", LLVM_VERSION_STRING, [] {
            mlir::DialectRegistry passesOnly; // the tool takes dialects from the other function
            weir::registerAll(passesOnly);
          }};
}
