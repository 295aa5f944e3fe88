//===- Tree.h - expressions and formulas that analyses reason about -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An immutable tree of what a cascade's bodies say, in the user's names: coordinates, extents, params,
// tensors. Trees are hash-consed in an arena, so pointer equality is structural equality, and they are
// printed as the language writes them. IR is read into trees once (CascadeModel) and never written back.
#ifndef WEIR_ANALYSIS_TREE_H
#define WEIR_ANALYSIS_TREE_H
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/FoldingSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir {

enum class TreeKind : uint8_t {
  Number,     ///< text: its decimal spelling
  Bool,       ///< text: "true" or "false"
  Coordinate, ///< text: `n`; a reduction that hides an outer coordinate binds `n'`
  Extent,     ///< text: a rank's name
  Param,      ///< text: its name
  Read,       ///< text: the tensor; args: the indices
  Function,   ///< text: the mnemonic of an attn.map function; args
  Cast,       ///< text: an element type; args[0]
  And,        ///< args; in a formula any number of them, flattened
  Or,
  Not,
  Else,      ///< args[0] else args[1]
  Select,    ///< args[0] ? args[1] : args[2]
  Where,     ///< args[0] where args[1]
  IsAbsent,  ///< args[0]
  Reduce,    ///< text: the reduction; coords; args[0] the body
  Selection, ///< argtopk: coords[0] is listed; args[0] the body
  Present,   ///< formula only: the read args[0] is present
  Any,       ///< formula only: args[0] holds for some setting of coords
  Opaque,    ///< a value that no equation makes; text names it
};

enum class ScalarKind : uint8_t { Integer, Real, Bool };

class Tree : public llvm::FoldingSetNode {
public:
  TreeKind kind;
  ScalarKind scalar;
  llvm::StringRef text;
  llvm::ArrayRef<const Tree *> args;
  llvm::ArrayRef<llvm::StringRef> coords;
  unsigned id;   ///< order of creation, for orders that do not depend on addresses
  unsigned size; ///< nodes of the tree written out, saturating

  bool is(TreeKind k) const { return kind == k; }
  bool isTrue() const { return kind == TreeKind::Bool && text == "true"; }
  bool isFalse() const { return kind == TreeKind::Bool && text == "false"; }
  bool isFunction(llvm::StringRef name) const { return kind == TreeKind::Function && text == name; }
  bool isComparison() const;
  std::optional<int64_t> getInteger() const;
  void Profile(llvm::FoldingSetNodeID &id) const;

private:
  friend class TreeArena;
  Tree() = default;
};

/// Owns trees. A tree is valid as long as its arena.
class TreeArena {
public:
  const Tree *get(TreeKind kind, ScalarKind scalar, llvm::StringRef text,
                  llvm::ArrayRef<const Tree *> args = {}, llvm::ArrayRef<llvm::StringRef> coords = {});
  const Tree *number(int64_t value);
  const Tree *boolean(bool value);
  const Tree *coordinate(llvm::StringRef name);
  const Tree *extent(llvm::StringRef rank);
  const Tree *function(llvm::StringRef name, llvm::ArrayRef<const Tree *> args, ScalarKind scalar);
  /// a + b, a - b, a * b of integers, with literal zeros and ones folded.
  const Tree *add(const Tree *a, const Tree *b);
  const Tree *sub(const Tree *a, const Tree *b);
  const Tree *mul(const Tree *a, const Tree *b);
  /// `tree` with every free coordinate replaced that `to` has; bound coordinates that would capture one are
  /// primed.
  const Tree *substitute(const Tree *tree, const llvm::StringMap<const Tree *> &to);

private:
  llvm::StringRef save(llvm::StringRef text);
  llvm::BumpPtrAllocator allocator;
  llvm::FoldingSet<Tree> trees;
  llvm::StringMap<char> names;
  unsigned next = 0;
};

/// The negation of a formula, down to its literals: `join` makes conjunctions and disjunctions of what is
/// left of them, `negate` the negation of a literal.
const Tree *pushNegation(const Tree *formula, TreeArena &arena,
                         llvm::function_ref<const Tree *(TreeKind, llvm::ArrayRef<const Tree *>)> join,
                         llvm::function_ref<const Tree *(const Tree *)> negate);

/// The text of the largest finite number, of f64 or of f32.
inline llvm::StringRef getLargestFinite(bool isDouble) {
  return isDouble ? "1.7976931348623157e308" : "3.4028234663852886e38";
}

/// Whether a coordinate, read or extent of that name occurs free in the tree.
bool dependsOn(const Tree *tree, llvm::StringRef coordinate);
/// The free coordinates, in order of first occurrence.
std::vector<llvm::StringRef> freeCoordinates(const Tree *tree);
/// Whether the tree reads any tensor or param, so that it has a value at run time only.
bool readsData(const Tree *tree);
/// `n'` -> `n`; and the rank of a coordinate, `N`.
llvm::StringRef unprimed(llvm::StringRef coordinate);
std::string rankOf(llvm::StringRef coordinate);

/// The tree as the language writes it. `index`: integer division prints as `/`, as it may in an index and in
/// a comparison of integers.
std::string toText(const Tree *tree, bool index = false);
/// The tensors that a tree reads, in the order of their first reads.
llvm::SetVector<llvm::StringRef> tensorsReadBy(const Tree *tree);

/// An integer polynomial over atoms (coordinates, extents, params, reads, and whatever is no sum or product).
class Polynomial {
public:
  using Monomial = std::vector<const Tree *>; // sorted by id, with repetition
  struct Less {
    bool operator()(const Monomial &a, const Monomial &b) const;
  };
  std::map<Monomial, int64_t, Less> terms; // no zero coefficients

  static Polynomial constant(int64_t c);
  static Polynomial atom(const Tree *tree);
  std::optional<int64_t> asConstant() const;
  int64_t constantTerm() const;
  bool operator==(const Polynomial &other) const;
  Polynomial operator+(const Polynomial &other) const;
  Polynomial operator-(const Polynomial &other) const;
  Polynomial operator*(const Polynomial &other) const;
  /// The factor of `atom` where it occurs at most linearly, and the rest; nullopt where it has a square.
  std::optional<std::pair<Polynomial, Polynomial>> split(const Tree *atom) const;
  /// Whether a coordinate occurs free in an atom.
  bool dependsOn(llvm::StringRef coordinate) const;
  bool overflowed = false; ///< a coefficient left 64 bits: nothing may be concluded
};

/// The polynomial of an integer tree. `definitions` opens declared ranks (`rank L = N`): extents by name.
Polynomial toPolynomial(const Tree *tree, const llvm::StringMap<const Tree *> &definitions);
/// A tree that prints as a sum would be written: positive terms first.
const Tree *toTree(const Polynomial &polynomial, TreeArena &arena);

} // namespace weir
#endif
