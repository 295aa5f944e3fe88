//===- Work.h - what a cascade has to do at given extents -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_WORK_H
#define WEIRC_WORK_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace weirc {

/// Floating-point operations inside the domains, and the bytes that any kernel must move. Nothing where the
/// analysis has no answer.
struct Work {
  std::optional<double> flops, bytes;
};
Work countWork(mlir::func::FuncOp cascade, llvm::ArrayRef<weir::HostTensor> inputs,
               llvm::ArrayRef<long double> params, const llvm::StringMap<int64_t> &extents);

} // namespace weirc
#endif
