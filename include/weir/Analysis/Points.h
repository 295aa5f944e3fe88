//===- Points.h - the points that satisfy a formula, at given extents -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A formula over integer coordinates, compiled for one setting of the extents, and two questions about it:
// which values of its last coordinate (the key) satisfy it where the others are set, as spans; and how many
// points satisfy it.
//
// Spans: over a span of keys every integer is piecewise affine, so a comparison holds on spans, which and,
// or, not combine.
//
// A tensor that is given (KnownInputs.h) is a number on each run of equal entries.
//
// Counts are exact. Conjuncts that share no coordinate are counted apart. Of the last two coordinates, row
// and key, rows are summed one by one, rows that differ in nothing that the formula reads of them once; or,
// where remainders and quotients have small divisors, all rows and keys of equal residues at once: there
// every comparison is the sign of a*row + b*key + c, the keys of a row lie between bounds that are affine in
// the row, and the number of keys is affine between rows at which bounds cross. So a causal window over 10^6
// by 10^6 points costs a few additions.
#ifndef WEIR_ANALYSIS_POINTS_H
#define WEIR_ANALYSIS_POINTS_H
#include "weir/Analysis/KnownInputs.h"
#include "weir/Analysis/Tree.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace weir {

class CascadeModel;

class Points {
public:
  struct Coordinate {
    llvm::StringRef name;
    int64_t extent;
  };
  /// Keys low to high - 1.
  struct Span {
    int64_t low, high;
    bool operator==(const Span &other) const { return low == other.low && high == other.high; }
  };
  using Spans = llvm::SmallVector<Span, 4>;
  /// How rows are counted: as is cheaper, or one way where it can be (tests ask for each).
  enum class Method { Cheaper, Rows, Residues };

  /// `coordinates` are the free ones of the formula, and perhaps more; `extents` are by rank. Nothing where
  /// the formula reads an extent or a tensor that is not given. A read outside its tensor is 0: formulas say
  /// beside a read where it is present, and any number will do where it is not.
  static std::optional<Points> of(const Tree *formula, llvm::ArrayRef<Coordinate> coordinates,
                                  const CascadeModel &model, const llvm::StringMap<int64_t> &extents);

  /// The number of points; nothing where integers overflow or more than `budget` steps were needed (a step
  /// takes some ten nanoseconds). Reduces the budget by what it took.
  std::optional<int64_t> count(uint64_t &budget, Method method = Method::Cheaper);

  /// The values of the last coordinate, ascending, that satisfy the formula where the others are set. Nothing
  /// as for count.
  std::optional<Spans> keysAt(llvm::ArrayRef<int64_t> others, uint64_t &budget);

  /// The least and the greatest number that the formula, which may be an integer, takes on at keys of a span
  /// where the others are set; nothing as for count, and where the span is empty.
  std::optional<std::pair<int64_t, int64_t>> rangeAt(llvm::ArrayRef<int64_t> others, Span keys,
                                                     uint64_t &budget);

  /// What the formula, which may be an integer, is where all coordinates but the last are set and it does not
  /// depend on that.
  std::optional<int64_t> valueAt(llvm::ArrayRef<int64_t> others);

private:
  enum class Op : uint8_t {
    Number,
    Slot,
    Add,
    Sub,
    Mul,
    Neg,
    Abs,
    Sign,
    Min,
    Max,
    Floordiv,
    Mod,
    BitAnd,
    BitOr,
    BitXor,
    Select,
    Count,
    Read,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Not,
    Any,
  };
  struct Node {
    Op op;
    int64_t number = 0; ///< or slot; of a comparison, the node of its operands' difference
    llvm::SmallVector<unsigned, 2> args;
    uint64_t slots = 0;                                       ///< the free coordinates, as bits
    llvm::SmallVector<std::pair<unsigned, int64_t>, 1> bound; ///< slot and extent
    const KnownInput *table = nullptr;                        ///< of a read, whose arguments are indices
  };
  /// slope * key + offset on a span.
  struct Piece {
    Span span;
    int64_t slope, offset;
  };
  using Pieces = llvm::SmallVector<Piece, 4>;
  /// row * i + key * k + constant.
  struct Affine {
    int64_t row, key, constant;
    bool operator==(const Affine &o) const { return row == o.row && key == o.key && constant == o.constant; }
  };
  class Compiler;
  class Residues;

  // One setting of all coordinates.
  int64_t value(unsigned node);
  bool holds(unsigned node);
  static std::optional<int64_t> apply(Op op, int64_t a, int64_t b);
  // All keys of a span.
  void spansOf(unsigned node, Span within, Spans &out);
  void atLeast(unsigned node, int64_t v, bool isMost, Span within, Spans &out);
  void compare(const Node &node, Span within, Spans &out);
  void piecesOf(unsigned node, Span within, Pieces &out);
  void pairPieces(const Node &node, Span within, Pieces &out);
  void combine(Op op, const Piece &a, const Piece &b, Pieces &out);
  void divide(Op op, const Piece &a, int64_t by, Pieces &out);
  void pointwise(unsigned node, Span within, Pieces &out);
  static std::optional<int64_t> entryOf(const KnownInput &table, llvm::ArrayRef<int64_t> indices);
  void readRuns(unsigned node, Span within, Pieces &out);
  // Counts.
  int64_t countAll(Method method);
  int64_t countOver(llvm::ArrayRef<unsigned> coordinates, unsigned formula, Method method);
  int64_t countRows(unsigned row, unsigned formula);
  int64_t countKeys(unsigned formula);
  void collectRowParts(unsigned node, unsigned row, llvm::SmallVectorImpl<unsigned> &parts);

  bool isOnKey(unsigned node) const { return nodes[node].slots >> key & 1; }
  bool spend(uint64_t steps = 1) {
    if (left < steps)
      failed = true;
    else
      left -= steps;
    return !failed;
  }
  int64_t fail() {
    failed = true;
    return 0;
  }
  unsigned add(Node node) {
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }

  std::vector<Node> nodes;
  unsigned root = 0;
  llvm::SmallVector<int64_t> extents; ///< of the free coordinates, the first slots
  llvm::SmallVector<int64_t> point;   ///< by slot
  unsigned key = 0;                   ///< the slot that spans are of
  uint64_t left = 0;
  bool failed = false;
};

} // namespace weir
#endif
