//===- Drawing.h - the parts of drawing inputs ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs are drawn in three steps: extents and params that keep the promises about them (DrawExtents.cpp),
// values in the range that each tensor's uses suggest (DrawValues.cpp), and repairs until the promises about
// values hold (DrawPromises.cpp).
#ifndef WEIR_LIB_REFERENCE_DRAWING_H
#define WEIR_LIB_REFERENCE_DRAWING_H
#include "dialects/Attention/Signature.h"
#include "lib/Reference/Machine.h"
#include "lib/Reference/Random.h"
#include "weir/Reference/Draw.h"

namespace weir::reference {

/// What is adverse about a trial.
struct Adversity {
  bool ones = false, zeros = false, remainders = false; ///< of extents
  bool equal = false, huge = false, tiny = false, infinities = false;
  bool emptyRows = false, outside = false, unread = false;
  explicit Adversity(unsigned trial);
};

/// A comparison that must hold, or a bool that must be true, out of a promise's conjunction.
struct Conjunct {
  mutable attn::GivenOp given; ///< accessors of ops are not const
  mlir::Value condition;
  bool readsTensors = false;
};
std::vector<Conjunct> conjunctsOf(mlir::func::FuncOp cascade);

/// The function-level scalars of a cascade, for extents and params that are still being chosen.
class Environment {
public:
  explicit Environment(mlir::func::FuncOp cascade)
      : cascade(cascade), signature(attn::getSignature(cascade)), machine(options) {}
  /// Evaluates every scalar outside bodies. `shapes` has one shape an input.
  void evaluate(llvm::ArrayRef<llvm::SmallVector<int64_t>> shapes, llvm::ArrayRef<long double> params);
  Value evaluate(mlir::Value value);
  /// The extent of a tensor's dimension, whatever defines the tensor.
  int64_t extentOf(mlir::Value tensor, unsigned dim) const;

  mutable mlir::func::FuncOp cascade;
  attn::Signature signature;
  llvm::DenseMap<mlir::Value, Value> scalars;
  std::vector<llvm::SmallVector<int64_t>> shapes;

private:
  InterpreterOptions options;
  Machine machine;
};

/// Extents and params.
struct DrawnExtents {
  std::vector<llvm::SmallVector<int64_t>> shapes;
  std::vector<long double> params;
  llvm::StringMap<int64_t> ranks;
  std::vector<std::string> unmet;
};
DrawnExtents drawExtents(Environment &environment, const DrawOptions &options, const Adversity &adversity,
                         Random &random);

/// A rough number of elementary operations that interpreting takes, with the environment's extents.
double costOf(const Environment &environment);

/// Fills the inputs. `environment` is evaluated for their shapes.
void drawValues(const Environment &environment, const Adversity &adversity, Random &random,
                std::vector<HostTensor> &inputs);

/// Changes entries until the promises about values hold, as far as it can.
void keepPromises(const Environment &environment, llvm::ArrayRef<Conjunct> conjuncts, Random &random,
                  std::vector<HostTensor> &inputs);

} // namespace weir::reference
#endif
