//===- InCalls.h - a cascade in several calls -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_RANDOM_INCALLS_H
#define WEIR_RANDOM_INCALLS_H
#include "dialects/Attention/Signature.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Reference/RandomCascade.h"

/// Makes a cascade of one traversal that goes on from a state (attn-resume-streams), which is given the keys
/// of a call; where that cannot be, or an output has the keys' rank, leaves it and is false.
bool resume(mlir::func::FuncOp cascade);

/// A kernel of a cascade that has been resumed, called as the cascade that it was: keys go to it in a few
/// calls (one by one, in parts of any length, empty ones too, which follows from `seed`), states from call to
/// call.
weir::RandomKernel inCalls(weir::RandomKernel kernel, const weir::attn::Signature &resumed, std::string rank,
                           unsigned seed);
#endif
