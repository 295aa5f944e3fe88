//===- DeclareLaunchMemory.cpp - shared memory that the launch gives ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// convert-gpu-to-nvvm makes it internal. LLVM's backend then places it in the kernel, as one byte among the kernel's own shared memory.
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "weir/Conversion/TilesToGPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_DECLARELAUNCHMEMORY
#include "weir/Conversion/TilesToGPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct DeclareLaunchMemory : weir::impl::DeclareLaunchMemoryBase<DeclareLaunchMemory> {
  void runOnOperation() override {
    for (auto global : getOperation().getOps<LLVM::GlobalOp>()) {
      auto array = dyn_cast<LLVM::LLVMArrayType>(global.getGlobalType());
      if (array && array.getNumElements() == 0 &&
          global.getAddrSpace() == static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared))
        global.setLinkage(LLVM::Linkage::External);
    }
  }
};
} // namespace
