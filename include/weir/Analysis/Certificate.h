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

/// Something that a derivation rests on.
struct Obligation {
  llvm::StringRef kind; ///< monoid homomorphism inverse finite factorisation distributivity
  std::string of;       ///< an accumulator, "$S4", or an equation
  std::string law;      ///< in words
  llvm::StringRef by;   ///< how it is discharged: table algebra guard
};

/// What the accumulators and the finishes of a derivation rest on, in their order.
std::vector<Obligation> obligationsOf(const Streaming &streaming, const CascadeModel &model);

/// The same in short, for the stream that carries the derivation out: {monoid = ["$R3", "$S4"], factorisation = ["O"], ...}, and with
/// it the inputs that it has assumed something of. For a derivation of one traversal.
mlir::DictionaryAttr toAttribute(const Streaming &streaming, const CascadeModel &model);

/// The certificate of one derivation; `cascade` is the JSON of `model`.
llvm::Expected<llvm::json::Value> toJson(const Streaming &streaming, const CascadeModel &model,
                                         const llvm::json::Value &cascade);

/// The document {"before", "after", "certificates"} of a cascade and of what rewriting has made of it (functions that
/// isCascade() accepts and that verify, without `attn.stream`), with a certificate for every rank that
/// is reduced and for which a derivation was found. Runs on a thread with a large stack.
llvm::Expected<llvm::json::Value> certify(mlir::func::FuncOp cascade, mlir::func::FuncOp rewritten);

} // namespace weir
#endif
