//===- RandomGenerator.h - makes random programs --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Terms are made top down with the coordinates in scope and a depth (RandomTerms.cpp). Reads prefer tensors
// whose coordinates are in scope, so that programs look like attention: contractions, maps over tiles of
// scores, reductions of them. Values stay near 1 (arguments of exp are bounded, divisors mostly away from 0),
// or every comparison would end in "rounding decides". Equations are of a dozen sorts, recurrences of six
// (RandomGenerator.cpp).
#ifndef WEIR_LIB_REFERENCE_RANDOMGENERATOR_H
#define WEIR_LIB_REFERENCE_RANDOMGENERATOR_H
#include "lib/Reference/Random.h"
#include "lib/Reference/RandomProgram.h"
#include "llvm/ADT/STLExtras.h"

namespace weir::random_cascade {

using Scope = std::vector<std::string>; ///< ranks whose coordinates may be used

class Generator {
public:
  Generator(uint64_t seed, Program &program) : random(seed), program(program) {}
  void run();

private:
  // Declarations
  void makeRanks();
  void makeInputs();
  Tensor &addTensor(Kind kind, Scope ranks, std::string type = "");
  std::string typeFor(Kind kind, double typed);
  Scope someRanks(size_t least, size_t most, llvm::ArrayRef<std::string> without = {});
  void chooseOutputs();

  // Equations
  void addEquation(const Tensor &tensor, TermPtr value, TermPtr domain);
  void plainEquation();
  void disjointEquations();
  void mapEquation();
  void selection();
  void concatenation();
  void attention();
  void linearRecurrence();
  void startedRecurrence();
  void prefixRecurrence();
  void deltaRecurrence();
  void twoWayRecurrence();
  void parentRecurrence();

  // Terms
  TermPtr term(Kind kind, const Scope &scope, int depth);
  TermPtr real(const Scope &scope, int depth);
  TermPtr integer(const Scope &scope, int depth);
  TermPtr boolean(const Scope &scope, int depth);
  TermPtr realCall(const Scope &scope, int depth);
  TermPtr integerCall(const Scope &scope, int depth);
  TermPtr reduction(Kind kind, const Scope &scope, int depth);
  TermPtr leaf(Kind kind, const Scope &scope, int depth);
  TermPtr read(Kind kind, const Scope &scope, int depth);
  TermPtr readOf(const Tensor &tensor, const Scope &scope, int depth);
  TermPtr index(const std::string &rank, const Scope &scope, int depth);
  TermPtr domain(const Scope &scope);
  TermPtr small(const Scope &scope, int depth); ///< a real within -1 .. 1

  // Shorthands
  bool chance(double p) { return random.chance(p); }
  std::string pick(llvm::ArrayRef<std::string> from) { return random.pick(from); }
  TermPtr literal(int64_t value) {
    return atom(Kind::Integer, value < 0 ? "(" + std::to_string(value) + ")" : std::to_string(value));
  }
  TermPtr coordinate(llvm::StringRef rank) { return atom(Kind::Integer, coordinateOf(rank)); }
  TermPtr plainRead(const Tensor &tensor, llvm::StringRef along = "", TermPtr at = nullptr);

  weir::reference::Random random;
  Program &program;
  Scope bound, all; ///< ranks that inputs carry; those and the declared ones
  size_t names = 0;
  std::vector<std::string> hidden; ///< tensors not to be read (those being defined in a cycle)
};

} // namespace weir::random_cascade
#endif
