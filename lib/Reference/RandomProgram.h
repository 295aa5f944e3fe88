//===- RandomProgram.h - the tree of a random program ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tree of its own, not the frontend's: it knows the kind of every term, so that a part of it can be
// replaced by another of that kind, and it prints every pair of parentheses, so that no rule of precedence
// stands between what is meant and what is read.
#ifndef WEIR_LIB_REFERENCE_RANDOMPROGRAM_H
#define WEIR_LIB_REFERENCE_RANDOMPROGRAM_H
#include "lib/Reference/Random.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <string>
#include <vector>

namespace weir::random_cascade {

enum class Kind { Real, Integer, Bool };

struct Term;
using TermPtr = std::unique_ptr<Term>;

struct Term {
  enum Form { Atom, Read, Call, Unary, Binary, Select, Cast, Reduce };
  Form form = Atom;
  Kind kind = Kind::Real;
  std::string text;                ///< the atom, tensor, function, operator, type or reduction
  std::vector<TermPtr> args;       ///< Read: indices
  std::vector<std::string> coords; ///< Reduce
  TermPtr predicate;               ///< Reduce

  TermPtr clone() const;
  void print(llvm::raw_ostream &os) const;
};

TermPtr atom(Kind kind, std::string text);
TermPtr make(Term::Form form, Kind kind, std::string text, std::vector<TermPtr> args);
TermPtr unary(Kind kind, const std::string &op, TermPtr a);
TermPtr binary(Kind kind, const std::string &op, TermPtr a, TermPtr b);
TermPtr call(Kind kind, const std::string &fn, TermPtr a, TermPtr b = nullptr, TermPtr c = nullptr);
TermPtr cast(Kind kind, const std::string &type, TermPtr a);
TermPtr choose(Kind kind, TermPtr condition, TermPtr a, TermPtr b);
TermPtr reduce(Kind kind, const std::string &op, std::vector<std::string> coords, TermPtr predicate,
               TermPtr body);

struct Tensor {
  std::string name, type; ///< type may be empty
  Kind kind = Kind::Real;
  std::vector<std::string> ranks;
  bool input = false, output = false;
};

/// `tensor[coords] = map(along | predicate) (value) where domain`.
struct Equation {
  std::string tensor;
  std::string map, along; ///< "softmax", "argtopk"; empty for a plain equation
  TermPtr value, predicate, domain;

  /// Its terms that are there.
  std::vector<TermPtr *> terms();
  Equation clone() const;
};

struct Program {
  std::vector<std::pair<std::string, std::string>> ranks; ///< declared: name, expression
  std::vector<std::string> params;                        ///< as written
  std::vector<std::string> givens;                        ///< promises about extents, as written
  std::vector<Tensor> tensors;
  std::vector<Equation> equations;
  std::string dtype = "f32"; ///< of what has no written type

  std::unique_ptr<Program> clone() const;
  Tensor *find(llvm::StringRef name);
  Tensor &add(std::string name, Kind kind, std::vector<std::string> ranks, std::string type = "");
  /// Drops equations, tensors, ranks and params that nothing needs. False if an output is left without an
  /// equation or a rank unbound.
  bool prune();
  void print(llvm::StringRef name, llvm::raw_ostream &os) const;
};

/// "kv" of "KV".
std::string coordinateOf(llvm::StringRef rank);

std::unique_ptr<Program> generate(uint64_t seed);
std::unique_ptr<Program> generateAttention(uint64_t seed, const std::string &factors);
std::vector<std::unique_ptr<Program>> simplify(const Program &program);

} // namespace weir::random_cascade
#endif
