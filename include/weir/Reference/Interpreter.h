//===- Interpreter.h - the meaning of a cascade, executable ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_REFERENCE_INTERPRETER_H
#define WEIR_REFERENCE_INTERPRETER_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <map>
#include <string>
#include <vector>

namespace weir {

/// A partial tensor: a value, whether it is present, and a bound on how far a kernel may be from it.
struct PartialTensor {
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  std::vector<long double> value; ///< row-major; 0 where absent
  std::vector<char> present;
  std::vector<double>
      error; ///< empty unless InterpreterOptions::errorBounds; infinity: undecided by rounding
};

/// How the tiles of a stream's rank are folded. A cascade's values do not depend on it; that they do not is what
/// running one cascade in several orders tests.
struct StreamOrder {
  enum Fold { Forward, Backward, Tree };
  int64_t tile = 0; ///< coordinates a tile; 0: one tile of them all
  Fold fold = Forward;
  /// Move a reference only when an exponent is more than 8 above it, rather than to each new maximum.
  bool lazyReferences = false;
};

struct InterpreterOptions {
  /// Check every promise; a broken one is an error that quotes it with the coordinates at which it fails.
  bool checkGivens = true;
  /// Report on `trace` which equation first made a NaN or an infinity out of finite operands, and at which
  /// coordinates.
  llvm::raw_ostream *traceNonfinite = nullptr;
  /// Carry beside each value a first-order bound on the rounding error of a kernel that evaluates the
  /// equations as written in their scalar types (f32 or f64), sums in any order. Where a comparison, a
  /// selection or a rounding to integers could go the other way within the bound, what depends on it gets an
  /// infinite bound. This is the tolerance of `weirc verify`.
  bool errorBounds = false;
  /// If set, receives for each input which of its entries were read (1) by the equations or a promise.
  std::vector<std::vector<char>> *touched = nullptr;
  /// Check the promises and compute nothing but what they read.
  bool promisesOnly = false;
  /// With `errorBounds`, bounds are those of one tile: a kernel's order is not known.
  StreamOrder streams;
};

struct InterpreterResult {
  std::vector<PartialTensor> outputs;                 ///< as stored: whole, rounded to the declared type
  std::map<std::string, PartialTensor> intermediates; ///< every equation's tensor by name, unrounded
};

/// Runs a cascade on inputs (one HostTensor an input, in signature order) and params (one value a param).
/// Shapes that disagree, a negative rank and a broken promise are errors.
llvm::Expected<InterpreterResult> interpret(mlir::func::FuncOp cascade, llvm::ArrayRef<HostTensor> inputs,
                                            llvm::ArrayRef<long double> params,
                                            const InterpreterOptions &options = {});

} // namespace weir
#endif
