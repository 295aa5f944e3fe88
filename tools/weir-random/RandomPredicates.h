//===- RandomPredicates.h - random masks and what they mean ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The grammar stands in RandomDomains.h. What a mask means is computed score by score, by definition, so that
// nothing is shared with what is tested.
#ifndef WEIR_RANDOM_RANDOMPREDICATES_H
#define WEIR_RANDOM_RANDOMPREDICATES_H
#include "lib/Reference/Random.h"
#include "lib/Reference/RandomProgram.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <optional>

namespace weir::random_cascade {

/// Draws predicates of a row and a key, each one coordinate or, in a plane, two.
class PredicateGenerator {
public:
  PredicateGenerator(reference::Random &random, bool isPlane) : random(random), isPlane(isPlane) {}
  TermPtr predicate(int depth);
  bool readsData = false;

private:
  TermPtr integer(int depth);
  TermPtr shape();
  TermPtr data();
  TermPtr number(int64_t low, int64_t high) {
    return atom(Kind::Integer, std::to_string(random.integer(low, high)));
  }
  /// Of m, n, M, N in a plane: the coordinate or extent along the side at hand.
  TermPtr name(llvm::StringRef text) {
    size_t k = isPlane ? llvm::StringRef("mnMN").find(text) : llvm::StringRef::npos;
    return atom(Kind::Integer,
                k == llvm::StringRef::npos ? text.str() : std::string(1, (side ? "xrXR" : "yuYU")[k]));
  }
  static std::vector<TermPtr> one(TermPtr term) {
    std::vector<TermPtr> terms;
    terms.push_back(std::move(term));
    return terms;
  }
  TermPtr add(TermPtr a, TermPtr b) { return binary(Kind::Integer, "+", std::move(a), std::move(b)); }
  TermPtr sub(TermPtr a, TermPtr b) { return binary(Kind::Integer, "-", std::move(a), std::move(b)); }
  TermPtr call(const char *fn, TermPtr a, TermPtr b = nullptr) {
    return random_cascade::call(Kind::Integer, fn, std::move(a), std::move(b));
  }
  TermPtr compare(llvm::StringRef op, TermPtr a, TermPtr b) {
    return binary(Kind::Bool, op.str(), std::move(a), std::move(b));
  }
  TermPtr both(TermPtr a, TermPtr b) { return binary(Kind::Bool, "and", std::move(a), std::move(b)); }
  TermPtr read(const char *tensor, std::vector<llvm::StringRef> at, Kind kind = Kind::Integer) {
    std::vector<TermPtr> indices;
    for (llvm::StringRef index : at)
      indices.push_back(name(index));
    return readAt(tensor, std::move(indices), kind);
  }
  TermPtr readAt(const char *tensor, std::vector<TermPtr> at, Kind kind = Kind::Integer) {
    readsData = true;
    return make(Term::Read, kind, tensor, std::move(at));
  }

  reference::Random &random;
  bool isPlane;
  unsigned side = 0;
};

/// Lengths, data, and one score.
struct Setting {
  struct Data {
    std::vector<int64_t> shape, values;
  };
  struct Axis {
    char coordinate, rank;
    int64_t extent, value = 0;
  };
  Axis head{'h', 'H', 0};
  std::vector<Axis> rows, keys;
  std::map<std::string, Data> data;

  static int64_t countOf(const std::vector<Axis> &axes) {
    int64_t count = 1;
    for (const Axis &axis : axes)
      count *= axis.extent;
    return count;
  }
  /// Sets coordinates to a place in lexical order.
  static void set(std::vector<Axis> &axes, int64_t place) {
    for (Axis &axis : llvm::reverse(axes)) {
      axis.value = place % axis.extent;
      place /= axis.extent;
    }
  }
  /// Nothing: it is absent.
  std::optional<int64_t> valueOf(const Term &term) const;
  bool holds(const Term &predicate) const { return valueOf(predicate).value_or(0) != 0; }

private:
  std::optional<int64_t> entryOf(const Term &read) const;
  std::optional<int64_t> logicOf(const Term &term) const;
  int64_t atomOf(llvm::StringRef text) const;
  int64_t callOf(llvm::StringRef fn, int64_t a, int64_t b) const;
};

} // namespace weir::random_cascade
#endif
