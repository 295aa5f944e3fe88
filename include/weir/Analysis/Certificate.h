//===- Certificate.h - a derivation, written for an independent checker ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The JSON of docs/certificates.md, which scripts/check_certificate.py reads.
#ifndef WEIR_ANALYSIS_CERTIFICATE_H
#define WEIR_ANALYSIS_CERTIFICATE_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/CascadeModel.h"
#include "weir/Analysis/Streaming.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace weir {

/// A tree as JSON. An error where it is too large to be written out, or holds a value that no equation makes.
llvm::Expected<llvm::json::Value> toJson(const Tree *tree);

/// A literal ("3", "-2.5e-3", "3/2", "inf") as {"num", "den"}; the denominator of an infinity is 0. Parts
/// beyond 64 bits are strings of digits. An error for other text.
llvm::Expected<llvm::json::Value> rationalToJson(llvm::StringRef text);

/// A cascade: ranks, inputs, params, outputs and equations. Errors are those of its trees.
llvm::Expected<llvm::json::Value> toJson(const CascadeModel &model);

/// SHA-256, in lower-case hexadecimal digits, of a cascade's JSON with sorted keys and no blanks.
std::string digestOf(const llvm::json::Value &cascade);

/// The certificate of one derivation; `cascade` is the JSON of `model`.
llvm::Expected<llvm::json::Value> toJson(const Streaming &streaming, const CascadeModel &model,
                                         const llvm::json::Value &cascade);

/// The document {"before", "after", "certificates"} of a cascade and of what rewriting has made of it (functions that
/// isCascade() accepts and that verify, without `attn.stream`), with a certificate for every rank that
/// is reduced and for which a derivation was found. Runs on a thread with a large stack.
llvm::Expected<llvm::json::Value> certify(mlir::func::FuncOp cascade, mlir::func::FuncOp rewritten);

} // namespace weir
#endif
