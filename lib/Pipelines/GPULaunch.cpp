//===- GPULaunch.cpp - how a kernel for GPUs is launched ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GPULaunch.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
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

/// {"bytes": 64, "extents": [[0, 3]]}: a tile of so many bytes times the extent of argument 0's dimension 3.
static Expected<json::Value> describe(mlir::memref::AllocaOp tile, mlir::func::FuncOp kernel) {
  json::Array extents;
  for (mlir::Value size : tile.getDynamicSizes()) {
    auto dim = size.getDefiningOp<mlir::memref::DimOp>();
    auto argument = dim ? dyn_cast<mlir::BlockArgument>(dim.getSource()) : mlir::BlockArgument();
    std::optional<int64_t> at = dim ? dim.getConstantIndex() : std::nullopt;
    if (!argument || argument.getOwner()->getParentOp() != kernel || !at)
      return createStringError("a tile has an extent that is computed from others; give it a value with -D");
    extents.push_back(json::Array{int64_t(argument.getArgNumber()), *at});
  }
  return json::Object{{"bytes", fixedBytesOf(tile.getType())}, {"extents", std::move(extents)}};
}

Expected<std::string> weir::describeLaunches(mlir::ModuleOp tiled, unsigned threads) {
  std::string text;
  raw_string_ostream os(text);
  for (const KernelSignature &signature : readSignatures(describeKernels(tiled))) {
    auto kernel = tiled.lookupSymbol<mlir::func::FuncOp>(signature.name);
    if (!kernel)
      continue;
    json::Array shared;
    Error failed = Error::success();
    kernel.walk([&](mlir::memref::AllocaOp tile) {
      if (tile.getType().hasStaticShape())
        return mlir::WalkResult::advance();
      auto one = describe(tile, kernel);
      if (!one) {
        failed = joinErrors(std::move(failed), one.takeError());
        return mlir::WalkResult::interrupt();
      }
      shared.push_back(std::move(*one));
      return mlir::WalkResult::advance();
    });
    if (failed)
      return std::move(failed);
    os << "// weir: "
       << json::Value(json::Object{{"kernel", signature.name},
                                   {"block", int64_t(threads)},
                                   {"shared", std::move(shared)},
                                   {"arguments", describeArguments(signature)}})
       << "\n";
  }
  return text;
}
