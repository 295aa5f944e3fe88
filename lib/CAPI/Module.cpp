//===- Module.cpp - contexts, modules, pipelines --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Failure.h"
#include "Handles.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "weir/Frontend/Frontend.h"
#include "weir/Pipelines/RegisterAll.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <cstring>

using namespace llvm;
using namespace weir::capi;

void weir::capi::setBytes(weirBytes *out, StringRef text) {
  out->data = static_cast<char *>(safe_malloc(text.size() + 1));
  std::memcpy(out->data, text.data(), text.size());
  out->data[text.size()] = 0;
  out->length = text.size();
}

void weirBytesFree(weirBytes *bytes) {
  if (!bytes)
    return;
  std::free(bytes->data);
  *bytes = {nullptr, 0};
}

weirContext *weirContextCreate(void) {
  static const bool once = (mlir::registerTransformsPasses(), true); // canonicalize, cse and their like
  (void)once;
  mlir::DialectRegistry registry;
  weir::registerAll(registry);
  auto *context = new weirContext(registry);
  context->context.printOpOnDiagnostic(false); // a user sees the place in the text, not the IR
  return context;
}

void weirContextDestroy(weirContext *context) { delete context; }

weirModule *weirModuleParseAttn(weirContext *context, const char *text, size_t length, const char *name,
                                const char *cascade) {
  if (missing(context, "a context") || missing(text, "a text") || missing(name, "a name"))
    return nullptr;
  weir::FrontendOptions options;
  options.cascade = cascade ? cascade : "";
  std::string said;
  raw_string_ostream os(said);
  Collector collector(&context->context);
  auto module = weir::compileToCascade(StringRef(text, length), name, options, context->context, os);
  if (module)
    return new weirModule{std::move(module)};
  if (said.empty())
    collector.publish("the text could not be read");
  else
    setLastError(said);
  return nullptr;
}

weirModule *weirModuleParseMLIR(weirContext *context, const char *text, size_t length, const char *name) {
  if (missing(context, "a context") || missing(text, "a text") || missing(name, "a name"))
    return nullptr;
  SourceMgr sources;
  // A copy, because the parser wants a zero byte behind the text and bytecode an aligned beginning.
  sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(StringRef(text, length), name), SMLoc());
  Collector collector(&context->context);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context->context);
  if (module)
    return new weirModule{std::move(module)};
  collector.publish("the module could not be read");
  return nullptr;
}

weirModule *weirModuleClone(const weirModule *module) {
  if (missing(module, "a module"))
    return nullptr;
  return new weirModule{mlir::OwningOpRef<mlir::ModuleOp>(mlir::ModuleOp(module->op.get()).clone())};
}

void weirModuleDestroy(weirModule *module) { delete module; }

int weirModulePrint(const weirModule *module, weirBytes *out) {
  if (missing(module, "a module") || missing(out, "a place for the text"))
    return 1;
  std::string text;
  raw_string_ostream os(text);
  mlir::ModuleOp(module->op.get()).print(os);
  os << "\n";
  setBytes(out, text);
  return 0;
}

int weirModuleRunPipeline(weirModule *module, const char *pipeline) {
  if (missing(module, "a module") || missing(pipeline, "a pipeline"))
    return 1;
  mlir::ModuleOp op = module->op.get();
  Collector collector(op.getContext());
  std::string said;
  raw_string_ostream os(said);
  auto parsed = mlir::parsePassPipeline(pipeline, os);
  if (failed(parsed)) {
    setLastError(said);
    return 1;
  }
  if (parsed->getOpAnchorName() != mlir::ModuleOp::getOperationName()) {
    setLastError("the pipeline is for '" + parsed->getOpAnchorName().str() +
                 "', expected one for a module: builtin.module(...)");
    return 1;
  }
  mlir::PassManager passes(op.getContext(), mlir::ModuleOp::getOperationName());
  static_cast<mlir::OpPassManager &>(passes) = std::move(*parsed);
  if (succeeded(passes.run(op)))
    return 0;
  collector.publish("a pass failed without a reason");
  return 1;
}
