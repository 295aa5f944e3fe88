//===- RandomCascade.h - random programs, compiled against interpreted ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_REFERENCE_RANDOMCASCADE_H
#define WEIR_REFERENCE_RANDOMCASCADE_H
#include "mlir/IR/BuiltinOps.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir {

namespace random_cascade {
struct Program;
}

/// A well-typed program in the language, made from a seed: maps, reductions, domains (affine and of data),
/// disjoint equations, gathers, selection, recurrences, maps along a rank, casts and all element types. An
/// attention is of a family of its own: scores, a mask, weights in many spellings, weighted sums and statistics.
/// Its queries, keys and values are `factors` ("f32", "bf16", "f16"), with features in numbers that matrix units
/// take; empty: of any type, and of any number of features.
class RandomCascade {
public:
  explicit RandomCascade(uint64_t seed, bool attention = false, const std::string &factors = "");
  explicit RandomCascade(std::unique_ptr<random_cascade::Program> program);
  RandomCascade(const RandomCascade &other);
  RandomCascade &operator=(RandomCascade &&other);
  ~RandomCascade();

  /// The program as a file with one cascade of this name.
  std::string text(llvm::StringRef name) const;
  /// Of inputs and outputs without a written type: "f32" or "f64".
  llvm::StringRef dtype() const;
  /// Programs that are one step smaller: an output or an equation less, a subexpression replaced by one of
  /// its parts or a literal, a domain dropped. The ones that take most away come first; not all of them need
  /// compile.
  std::vector<RandomCascade> simplifications() const;

private:
  std::unique_ptr<random_cascade::Program> program;
};

/// A compiled cascade: outputs for inputs and params.
using RandomKernel = std::function<llvm::Expected<std::vector<HostTensor>>(llvm::ArrayRef<HostTensor>,
                                                                           llvm::ArrayRef<long double>)>;
/// Compiles every cascade of a module, in its order. The module may be changed.
using RandomCompiler = std::function<llvm::Expected<std::vector<RandomKernel>>(mlir::ModuleOp)>;

struct RandomRunOptions {
  unsigned count = 300;       ///< programs
  uint64_t seed = 1;          ///< of the first; the others' follow
  unsigned trials = 2;        ///< inputs a program
  unsigned batch = 20;        ///< programs a module
  bool shrink = false;        ///< minimise a failing program before it is printed
  bool print = false;         ///< print every program
  bool interpretOnly = false; ///< compile nothing: the frontend and the interpreter take every program
  bool attention = false;     ///< attention variants only, most of which one traversal computes
  std::string factors;        ///< of attention variants: the type of all queries, keys and values; empty: any
  /// The module of one cascade as the kernel's equations are, rewritten by laws of the real numbers; null: it cannot be.
  std::function<mlir::OwningOpRef<mlir::ModuleOp>(mlir::ModuleOp)> rewrite = nullptr;
};

/// Runs random programs, compiled against interpreted, and prints each difference (or refusal) on `os` with
/// its program, inputs and seed. Returns how many programs differ. `context` has every dialect that the
/// compiler needs.
unsigned runRandomCascades(const RandomRunOptions &options, mlir::MLIRContext &context,
                           const RandomCompiler &compiler, llvm::raw_ostream &os);

} // namespace weir
#endif
