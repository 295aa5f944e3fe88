//===- Compare.h - a kernel's outputs against the reference ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_REFERENCE_COMPARE_H
#define WEIR_REFERENCE_COMPARE_H
#include "dialects/Attention/Signature.h"
#include "weir/Reference/Interpreter.h"

namespace weir {

struct CompareOptions {
  /// How many times the interpreter's first-order bound a kernel may be away: rewrites add steps that the
  /// bound does not count.
  double factor = 4;
  /// If positive, replaces the bound: |actual - expected| <= tolerance * max(1, |expected|).
  double tolerance = 0;
  /// If given, a run of the equations as they were rewritten by laws of the real numbers: where the reference is none,
  /// NaN from -inf - -inf or an infinity from a step that overflows as written, an output may also agree with this one.
  const InterpreterResult *rewritten = nullptr;
  /// Whether that run's bounds count where they are larger, because it knows of factors that the kernel rounds to 16 bits.
  bool roundsFactors = false;
};

/// The verdict on all outputs of one run. An entry whose value rounding decides is counted and not compared.
struct Comparison {
  int64_t compared = 0, undecided = 0, differences = 0;
  double worstRatio =
      0; ///< the largest |actual - expected| / allowed; infinite where a NaN or an infinity differs
  /// The worst entry; `tensor` is empty if nothing was compared.
  std::string tensor;
  llvm::SmallVector<std::string> coordinateNames; ///< "m", or "" for a bracket that is no rank
  llvm::SmallVector<int64_t> coordinates;
  long double expected = 0, actual = 0;
  double allowed = 0;

  bool agrees() const { return differences == 0; }
  /// "O[m=3, f=1] is 0.5, the reference is 0.25 +- 1e-06 (2 of 64 entries differ, 3 undecided)".
  std::string describe() const;
};

/// Compares outputs (in signature order, in their declared types) with a run under
/// InterpreterOptions::errorBounds. Allowed is factor * bound, the rounding to the output's type and the
/// smallest normal number. NaN agrees with NaN, an infinity with the same infinity. A shape that differs is a
/// difference.
Comparison compare(const attn::Signature &signature, const InterpreterResult &reference,
                   llvm::ArrayRef<HostTensor> outputs, const CompareOptions &options = {});

/// The same of a kernel that may have been made of rewritten equations. They are asked for where the reference does not decide,
/// and run on the inputs.
llvm::Expected<Comparison> compareRewritten(const attn::Signature &signature, const InterpreterResult &reference,
                                            llvm::ArrayRef<HostTensor> outputs, CompareOptions options,
                                            llvm::function_ref<llvm::Expected<mlir::func::FuncOp>()> rewrite,
                                            llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<long double> params);

} // namespace weir
#endif
