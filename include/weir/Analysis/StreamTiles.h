//===- StreamTiles.h - streams that are products of matrices --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A stream runs in tiles if one of its outer coordinates, the row, can be taken many at a time: every sum in its body splits into a factor
// with the row and a factor with the key (the stream's coordinate) or with the difference of both, every sum over keys into a part of row and
// key times a part of key and feature, and all else is elementwise in row and key or the same for all rows. Factors may be absent at some
// rows and keys, tables may be read outside. Where the state is reduced over several coordinates a key is a tuple of them, and so may a row
// be: two dimensions of an image, say. What keys are may also depend on the row by a quotient, `K[LIST[m/64, j]]`, `K[h*G/H]`: then a block
// of rows has one value of it; or by the row itself, `K[IDX[m, j]]`: then a block is one row. Only algebraic form counts, never what a
// program is called.
#ifndef WEIR_ANALYSIS_STREAMTILES_H
#define WEIR_ANALYSIS_STREAMTILES_H
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/Bodies.h"
#include "llvm/ADT/StringMap.h"
#include <map>

namespace weir {

class StreamTiles {
public:
  /// Inner: bound by a reduction, or a kept coordinate that only one factor has. Shift: key minus row, of tiles only.
  enum class Role { Outer, Row, Key, Inner, Shift };

  /// A sum of products over one coordinate.
  struct Product {
    llvm::SmallVector<mlir::Value> left;       ///< factors of row (and key, if the key is summed)
    llvm::SmallVector<mlir::Value> divisors;   ///< of a sum in the body only, of the left factors
    llvm::SmallVector<mlir::Value> rightDivisors; ///< and of the right ones
    llvm::SmallVector<mlir::Value> right;      ///< factors of key and inner; empty: a sum along a row
    llvm::SmallVector<mlir::Value> conditions; ///< predicates of `where` around factors, without the inner coordinate
    /// Instead of right factors: factors of inner and the difference of key and row, as a table of relative positions
    /// has them. A product of row and difference is taken, of which scores are the skewed elements.
    llvm::SmallVector<mlir::Value> shifted;
    bool partialLeft = false, partialRight = false; ///< whether factors may be absent at some rows, or keys
    int64_t inner = 1;                         ///< extent of the inner coordinate; kDynamic: that of `innerExtent`, open
    mlir::Value innerExtent;
  };

  /// How the stream runs in tiles, or nothing if it does not; `why` then says what stands against it.
  static std::optional<StreamTiles> of(attn::StreamOp stream, Extents &extents, Dependence &dependence,
                                       Presences &presences, std::string *why = nullptr);

  /// How many differences of key and row there may be in a block, and one more.
  static int64_t shiftsOf(mapping::TilesAttr sizes) { return sizes.getM() + sizes.getN(); }
  /// Rows of inner extent that the tiles of one product take together: of rows, of keys or differences, and one line.
  static int64_t rowsOf(mapping::TilesAttr sizes) { return sizes.getM() + shiftsOf(sizes) + 1; }
  /// How many of each of the row's coordinates a block of `m` rows has; their product is m.
  llvm::SmallVector<int64_t> shapeOf(int64_t m) const;
  /// How many rows there are, if that is known.
  std::optional<int64_t> countRows() const { return count(rows, /*ofClass=*/false); }
  /// How many rows, or keys, a residue class has at most; where there are none, all that there are.
  std::optional<int64_t> countRowsOfClass() const { return count(rows, /*ofClass=*/true); }
  std::optional<int64_t> countKeysOfClass() const { return count(keys, /*ofClass=*/true); }
  /// Whether a block is a single row, whose coordinate is the same in all of the block like those around it.
  bool isAlone = false;
  /// Whether an integer is a quotient of the row that all rows of a block share.
  bool isShared(mlir::Value value) const;
  /// Such quotients are equal in as many rows at a time; if that is known.
  std::optional<int64_t> getShare() const;
  /// One of the quotients; null: there is none.
  attn::MapOp shared;
  /// floor(m / B) of a coordinate m of the row, or floor(m * A / B).
  struct Quotient {
    llvm::StringRef row;
    mlir::Value factor, divisor; ///< A (null: there is none) and B
  };
  std::optional<Quotient> quotientOf(attn::MapOp map) const;
  /// The row's coordinates in one text.
  std::string nameOfRow() const;

  /// A congruence that all accumulators need, (m - n)%4 == 0 or n%4 == m%4: the rows of one class have the keys of one class, and what lies
  /// between them has no part. So both are taken as many apart as the modulus says, and the congruence is not asked any more.
  struct Residue {
    unsigned key;     ///< number of the key's coordinate
    int64_t modulus;  ///< at least 2
    /// Keys are congruent to the constant and the sum of terms: coordinates and extents by name, each with its factor.
    int64_t constant;
    std::map<std::string, std::pair<mlir::Value, int64_t>> terms;
    llvm::SetVector<llvm::StringRef> rows;   ///< coordinates of the row among them
    llvm::SetVector<mlir::Value> predicates; ///< that say so, in what each accumulator needs
  };
  llvm::SmallVector<Residue> residues; ///< one or none for each of the key's coordinates
  /// How far apart the rows or the keys of a block are along that coordinate.
  int64_t stepOf(llvm::StringRef coordinate) const { return std::max<int64_t>(1, steps.lookup(coordinate)); }
  /// The same of each of the key's coordinates, as a mapping lists them; empty: all are side by side.
  llvm::SmallVector<int64_t> stepsOfKeys() const;
  /// Whether a predicate holds for all rows and keys that are taken together.
  bool isResidue(mlir::Value predicate) const;
  /// How many blocks of `height` there are among `length` rows of which a block has each `step`-th.
  static int64_t countBlocks(int64_t length, int64_t height, int64_t step) {
    return length / (height * step) * step + std::min(length % (height * step), step);
  }

  /// What the state holds of an accumulator: a value a row, or one a row and feature; a reference a row; a bit a row.
  struct Pieces {
    bool value, features, reference, bit;
  };
  Pieces piecesOf(attn::AccumulateOp op) const;

  Role roleOf(mlir::BlockArgument coordinate) const;
  bool dependsOn(mlir::Value value, Role role) const;
  /// Whether a value depends on the row's or key's coordinate of that name.
  bool dependsOn(mlir::Value value, llvm::StringRef name) const;
  /// Whether a value is the same in a whole block of rows: it is computed before the block, whatever it is made of.
  bool isUniform(mlir::Value value) const;
  /// Whether a factor may be there at some inner coordinates of a key and not at others.
  bool isPresentByInner(mlir::Value value) const;
  /// A product's only right factor, where it is a matrix in memory of the keys that differ in their innermost coordinate alone: that is index
  /// `keyAt` of the read, the inner coordinate is its last, and all others are the same for such keys, whatever they are made of.
  struct Matrix {
    attn::ReadOp read;
    unsigned keyAt;
  };
  std::optional<Matrix> matrixOf(mlir::Operation *product) const;
  /// The same of an input of which many blocks of rows read the same blocks: its keys lie side by side and are taken in from the first on.
  std::optional<Matrix> sharedMatrixOf(mlir::Operation *product) const;
  /// Whether a contraction of so many rows takes a matrix of such 16-bit elements as it is. It widens them once for each block of rows that reads
  /// them; with few rows that is cheaper than a tile that is stored and read again.
  bool widens(mlir::Type element, int64_t rows) const;
  /// Whether a processor's tiles of so many rows take keys that are tuples from where they lie, a run of such keys at a time.
  bool hasRuns(mlir::Operation *product, int64_t rows) const;
  /// Whether a tensor of this stream goes into a value.
  bool readsOwn(mlir::Value value) const;
  /// The tensor of this stream that a read reads, else null.
  mlir::Value ownTensor(attn::ReadOp read) const;
  /// Values of tiles that an elementwise value is made of: sums of the body, and tensors of the stream. Uniform
  /// reductions are none.
  llvm::SetVector<mlir::Value> sourcesOf(mlir::Value value) const;
  /// The indices of reads in a product's shifted factors that may lie outside, and the extents that they index.
  llvm::SmallVector<std::pair<mlir::Value, std::string>> shiftedIndices(const Product &product) const;

  /// What an accumulator takes in is there where all of these are: its conditions, its left factors, and its exponent.
  llvm::SmallVector<mlir::Value> partsOf(attn::AccumulateOp op) const;
  /// The predicates without which an accumulator takes nothing in.
  llvm::SmallVector<mlir::Value> neededBy(attn::AccumulateOp op) const;
  /// The same of all accumulators; those that need the same are listed once.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> needed() const;
  /// Whether each row that takes in keys takes them in from the first on, to one that it and data may say: a mask bounds keys from above only.
  bool startsAtFirstKey() const;
  /// What has to be for what an accumulator takes in to be there wherever its predicates hold; none: it may be absent all the same.
  struct Needs {
    llvm::SetVector<mlir::Operation *> products; ///< whose factors have to be there
    std::set<std::string> positive;              ///< extents, as Presence names them
  };
  /// Right factors of a product for which `isAsked` says so may be absent: they are asked for apart.
  std::optional<Needs> needsBeside(attn::AccumulateOp op, llvm::function_ref<bool(mlir::Operation *)> isAsked = nullptr) const;

  attn::StreamOp stream;
  using Coordinates = llvm::SmallVector<std::pair<llvm::StringRef, mlir::Value>>; ///< names and extents
  Coordinates rows, keys, outer; ///< outermost first
  mlir::Type real;                                                  ///< f32 or f64, of every tile
  llvm::SmallVector<attn::EinsumOp> body, finish;
  llvm::SmallVector<attn::AccumulateOp> state;
  llvm::SmallVector<attn::ReduceOp> sums;               ///< of the body and of accumulators, in order
  llvm::DenseMap<mlir::Operation *, Product> products;  ///< of `sums` and of accumulators

private:
  bool choose(const Coordinates &all, llvm::ArrayRef<unsigned> asRows);
  std::optional<int64_t> count(const Coordinates &coordinates, bool ofClass) const;
  bool findKeys();
  bool chooseShared(const Coordinates &all, llvm::ArrayRef<unsigned> asRows);
  bool chooseGiven(const Coordinates &all, llvm::StringRef names);
  bool reachesRow(mlir::Value value) const;
  bool judgeElementwise(mlir::Value value);
  bool judgeFactor(mlir::Value value, bool &partial);
  bool isOfDifference(mlir::Value value) const;
  std::optional<int64_t> coefficientOf(mlir::Value value, Role role) const;
  bool judgeInner(mlir::Value extent, Product &product);
  bool judgeSum(attn::ReduceOp reduce);
  bool judgeState(attn::AccumulateOp accumulate);
  bool judgeFinish(mlir::Value value);
  bool hasOuterAndRows(mlir::ArrayAttr names) const;
  bool isOwnIdentity(attn::ReadOp read) const;
  void flatten(mlir::Value value, Product &product, bool quotients) const;
  bool judgeInside(attn::ReadOp read, unsigned k);
  void collectNeeded(mlir::Value value, llvm::SetVector<mlir::Value> &found) const;
  bool isThereButForPredicates(mlir::Value value, Needs &needs, llvm::function_ref<bool(mlir::Operation *)> isAsked) const;
  attn::EinsumOp ownEquation(mlir::Operation *read) const;
  std::optional<int> slopeOf(mlir::Value value) const;
  bool reachesFirstKey(mlir::Value predicate) const;
  bool refuse(const llvm::Twine &why);
  bool chooseRows();
  std::optional<Residue> residueOf(mlir::Value predicate) const;
  bool addTo(Residue &sum, mlir::Value value, int64_t factor) const;
  void findResidues();
  bool chooseSteps();

  std::string reason; ///< why not
  llvm::StringMap<int64_t> steps;

  Extents *extents = nullptr;
  Dependence *dependence = nullptr;
  Presences *presences = nullptr;
};

} // namespace weir
#endif
