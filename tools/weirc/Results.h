//===- Results.h - which tensors are computed, and where they go ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_RESULTS_H
#define WEIRC_RESULTS_H
#include "Options.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Reference/Interpreter.h"
#include "weir/Support/HostTensor.h"

namespace weirc {

/// Makes the named tensors, outputs or intermediates, the results of a cascade, in this order, and removes
/// the equations that none of them needs. Refuses a name that no equation defines.
llvm::Error selectResults(mlir::func::FuncOp cascade, llvm::ArrayRef<std::string> names);

/// What the interpreter gives, in the type that it is stored in.
weir::HostTensor toHostTensor(const weir::PartialTensor &tensor);

/// Writes results[i] to out[i].second, all of them or none.
llvm::Error writeResults(llvm::ArrayRef<NamedText> out, llvm::ArrayRef<weir::HostTensor> results, bool raw);

/// "O: f32[2,16,64]  min -1.2  max 3.4  mean 0.01" for a user who asked for no file.
void summarize(llvm::StringRef name, const weir::HostTensor &tensor, llvm::raw_ostream &os);

} // namespace weirc
#endif
