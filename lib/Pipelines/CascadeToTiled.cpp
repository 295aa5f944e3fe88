//===- CascadeToTiled.cpp - from equations to loops over buffers ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Pipelines/Pipelines.h"

using namespace mlir;

void weir::buildCascadeToStreamedPipeline(OpPassManager &pm, const TargetDescription &target, llvm::StringRef mapping) {}

void weir::buildStreamedToTiledPipeline(OpPassManager &pm, const TargetDescription &target) {}
