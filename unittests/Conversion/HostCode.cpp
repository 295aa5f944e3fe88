//===- HostCode.cpp - MLIR functions called in a test ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostCode.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "weir/Pipelines/RegisterAll.h"
#include "llvm/Support/TargetSelect.h"
#include <xmmintrin.h>

using namespace mlir;
using namespace weir::test;

struct HostCode::Impl {
  MLIRContext context;
  std::unique_ptr<ExecutionEngine> engine;
};

static const char *toLLVM = "convert-scf-to-cf,convert-vector-to-llvm,expand-strided-metadata,"
                            "convert-math-to-llvm,convert-to-llvm,reconcile-unrealized-casts";

HostCode::HostCode(const std::string &text, const std::string &passes) : impl(std::make_unique<Impl>()) {
  static const bool once = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    registerAllPasses();
    return true;
  }();
  (void)once;
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerAllToLLVMIRTranslations(registry);
  weir::registerAll(registry);
  impl->context.appendDialectRegistry(registry);
  auto module = parseSourceString<ModuleOp>(text, &impl->context);
  PassManager manager(&impl->context);
  std::string pipeline = passes.empty() ? toLLVM : passes + "," + toLLVM;
  if (!module || failed(parsePassPipeline(pipeline, manager)) || failed(manager.run(*module)))
    llvm::report_fatal_error("the test's module does not compile");
  ExecutionEngineOptions options;
  options.jitCodeGenOptLevel = llvm::CodeGenOptLevel::Default;
  auto engine = ExecutionEngine::create(*module, options);
  if (!engine)
    llvm::report_fatal_error(engine.takeError());
  impl->engine = std::move(*engine);
}

HostCode::~HostCode() = default;

void HostCode::callRaw(const std::string &name, std::vector<Array> arrays) {
  struct Descriptor {
    void *allocated, *aligned;
    int64_t offset, size, stride;
  };
  std::vector<Descriptor> descriptors;
  for (Array array : arrays)
    descriptors.push_back({array.data, array.data, 0, array.size, 1});
  std::vector<void *> pointers, arguments;
  for (Descriptor &descriptor : descriptors)
    pointers.push_back(&descriptor);
  for (void *&pointer : pointers)
    arguments.push_back(&pointer);
  if (llvm::Error error = impl->engine->invokePacked("_mlir_ciface_" + name, arguments))
    llvm::report_fatal_error(std::move(error));
}

DenormalsOff::DenormalsOff() : saved(_mm_getcsr()) { _mm_setcsr(saved | 0x8040); }
DenormalsOff::~DenormalsOff() { _mm_setcsr(saved); }
