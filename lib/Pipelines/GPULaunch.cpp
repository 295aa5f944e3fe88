//===- GPULaunch.cpp - how a kernel for GPUs is launched ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GPULaunch.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "weir/Conversion/TilesToGPU/Passes.h"
#include "weir/Support/KernelContract.h"
#include "weir/Target/Kernel.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace weir;

static json::Value describe(const KernelSignature::Tensor &tensor, StringRef kind) {
  json::Array shape;
  for (int64_t extent : tensor.shape)
    shape.push_back(mlir::ShapedType::isDynamic(extent) ? json::Value(nullptr) : json::Value(extent));
  return json::Object{{"name", tensor.name},
                      {"kind", kind},
                      {"type", getName(tensor.type)},
                      {"ranks", json::Array(tensor.ranks)},
                      {"shape", std::move(shape)}};
}

/// Inputs, params, outputs, the workspace: the order of the kernel's arguments.
static json::Array describeArguments(const KernelSignature &signature) {
  json::Array list;
  for (const auto &tensor : signature.inputs)
    list.push_back(describe(tensor, "input"));
  for (const auto &param : signature.params)
    list.push_back(json::Object{
        {"name", param.name},
        {"kind", "param"},
        {"type", getName(param.storage)},
        {"default", param.defaultText ? json::Value(*param.defaultText) : json::Value(nullptr)}});
  for (const auto &tensor : signature.outputs)
    list.push_back(describe(tensor, "output"));
  list.push_back(json::Object{
      {"name", ""}, {"kind", "workspace"}, {"type", "i8"}, {"ranks", json::Array{""}}, {"shape", json::Array{nullptr}}});
  return list;
}

/// The functions of a kernel but its plan, in order: {"kernel": "attention", "block": 128, "shared": 0}.
static json::Array describeFunctions(mlir::gpu::GPUModuleOp module, StringRef plan) {
  json::Array list;
  for (auto function : module.getOps<mlir::gpu::GPUFuncOp>()) {
    if (function.getName() == plan)
      continue;
    int64_t threads = 1;
    for (int32_t size : function.getKnownBlockSizeAttr().asArrayRef())
      threads *= size;
    auto shared = function->getAttrOfType<mlir::IntegerAttr>(kSharedAttr);
    list.push_back(json::Object{
        {"kernel", function.getName()}, {"block", threads}, {"shared", shared ? shared.getInt() : 0}});
  }
  return list;
}

std::string weir::describeLaunches(mlir::ModuleOp tiled, mlir::ModuleOp mapped) {
  std::string text;
  raw_string_ostream os(text);
  for (const KernelSignature &signature : readSignatures(describeKernels(tiled))) {
    auto module = mapped.lookupSymbol<mlir::gpu::GPUModuleOp>(signature.name + ".gpu");
    if (!module)
      continue;
    std::string plan = signature.name + kPlanSuffix.str();
    os << "// weir: "
       << json::Value(json::Object{{"kernel", signature.name},
                                   {"plan", plan},
                                   {"promises", json::Array(signature.checks)},
                                   {"launches", describeFunctions(module, plan)},
                                   {"arguments", describeArguments(signature)}})
       << "\n";
  }
  return text;
}
