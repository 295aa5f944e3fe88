//===- Draw.h - inputs that keep a cascade's promises ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_REFERENCE_DRAW_H
#define WEIR_REFERENCE_DRAW_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace weir {

struct DrawOptions {
  uint64_t seed = 0;
  /// 0: ordinary values (what `bench` runs on). Otherwise the kind of trial of `verify`: each number mixes in
  /// its own adversity (ids outside their rank, empty rows, equal maxima, huge and tiny scores, lengths 0 and
  /// 1, remainders, infinities).
  unsigned trial = 0;
  llvm::StringMap<int64_t> extents; ///< ranks fixed by -D or by given tensors
  int64_t defaultExtent = 0;        ///< extent of open ranks; 0: drawn (0 to about 150)
  int64_t defaultContracted = 0; ///< extent of open ranks that are only contracted (the last dimension of an
                                 ///< operand of a sum); 0: drawn
  double work =
      2e7; ///< drawn extents are such that interpreting takes about so many operations (2e7: a second)
};

struct DrawnInputs {
  std::vector<HostTensor> inputs;
  std::vector<long double> params;  ///< defaults where there are, else drawn
  llvm::StringMap<int64_t> extents; ///< every rank of the signature
  std::vector<std::string> unmet;   ///< promises that could not be kept, as written
};

/// Draws every input of a cascade so that every `given` holds. The same seed gives the same inputs on every
/// machine.
llvm::Expected<DrawnInputs> draw(mlir::func::FuncOp cascade, const DrawOptions &options);

} // namespace weir
#endif
