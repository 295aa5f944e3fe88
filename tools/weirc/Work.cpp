//===- Work.cpp - what a cascade has to do at given extents ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Work.h"

using namespace weirc;

Work weirc::countWork(mlir::func::FuncOp cascade, llvm::ArrayRef<weir::HostTensor> inputs,
                      llvm::ArrayRef<long double> params, const llvm::StringMap<int64_t> &extents) {
  return {};
}
