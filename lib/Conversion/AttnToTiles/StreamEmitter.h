//===- StreamEmitter.h - a stream as operations on tiles ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One block of rows: its left factors are packed, the state is set to its identity, a loop over blocks of keys computes the body as tiles
// and takes them into the state, and the finish is written. Where keys are split, the loop covers a part of them and the state goes to a
// slot of the workspace; a second step merges the slots of a block of rows and writes the finish. Values of tiles that are absent hold
// anything; whether they are there is computed again, from coordinates and inputs alone, wherever they are read.
#ifndef WEIR_CONVERSION_ATTNTOTILES_STREAMEMITTER_H
#define WEIR_CONVERSION_ATTNTOTILES_STREAMEMITTER_H
#include "StreamSummaries.h"
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/MapVector.h"

namespace weir {
template <typename Algebra> class BlockJudge;
}

namespace weir::tiles {

/// A component of the state of one accumulator.
enum class Piece { Value, Reference, Bit };

/// Where in the workspace the slots of each component begin, in bytes.
using Slots = llvm::DenseMap<std::pair<mlir::Operation *, unsigned>, mlir::Value>;

/// The body in which a product stands: of a reduction, the equation's; of an accumulator, its own.
mlir::Block *bodyOf(mlir::Operation *product);

/// `count` settings of a coordinate from `begin` on, `step` apart.
struct Span {
  mlir::Value begin, count;
  int64_t step = 1;
  mlir::Value at(mlir::ImplicitLocOpBuilder &b, mlir::Value number) const;
};

/// The packed copy of the right factor of a product for a matrix unit.
struct PackedMatrix {
  mlir::Value memory, isUsed, blocks, keys; ///< blocks of keys of each of its matrices; `keys` of one
  int64_t elements;                         ///< of a block of keys
  llvm::SmallVector<unsigned> dims;         ///< of the tensor, that count its matrices
};
using PackedKeys = llvm::DenseMap<mlir::Operation *, PackedMatrix>;

/// Rows, a span of each of their coordinates, at outer coordinates (i64) by name.
struct RowBlock {
  llvm::SmallVector<Span> rows;
  llvm::StringMap<mlir::Value> outer;
};

/// The components of a state in their order; `inner` is the product whose inner coordinate one has, or null.
void forEachPiece(const StreamTiles &plan,
                  llvm::function_ref<void(attn::AccumulateOp, Piece, const StreamTiles::Product *inner)> visit);

/// States of all rows, in parts: a tensor of part, row by its number among all, and what a state has, side by side.
struct PartStates {
  mlir::Value parts, rows, width;
  llvm::SmallVector<mlir::Value> lengths; ///< of the row's coordinates
};

/// The lowest finite number: a reference begins at it and is finite, so that differences from it are numbers.
double lowestOf(mlir::Type real);
/// `value` where `present` (null: everywhere), else another.
mlir::Value selectPresent(mlir::ImplicitLocOpBuilder &b, mlir::Value present, mlir::Value value, double otherwise);

class Code;

class StreamEmitter {
public:
  using Builder = mlir::ImplicitLocOpBuilder;
  using Role = StreamTiles::Role;

  /// Tiles are made before `anchor`: those of a product with an entry in `places` at that byte of the workspace, others by
  /// allocation.
  StreamEmitter(BodyEmitter &emitter, Extents &extents, Presences &presences, const StreamTiles &plan, mapping::TilesAttr sizes,
                mlir::Operation *anchor, mlir::Value workspace,
                llvm::DenseMap<const StreamTiles::Product *, mlir::Value> places, const Slots &slots)
      : emitter(emitter), extents(extents), presences(presences), plan(plan), sizes(sizes), anchor(anchor),
        workspace(workspace), places(std::move(places)), slots(slots) {}

  /// Lets predicates that read tensors be judged by what these take on in blocks.
  void useData(const StreamData &known, const SummaryMemories &memory) {
    data = &known;
    summaries = &memory;
  }

  /// Lets right factors for a matrix unit be read where they are packed.
  void usePacked(const PackedKeys &packed) { packedKeys = &packed; }

  /// Lets all rows of a block be asked a question together: they are one thread's, in vectors of so many.
  void askRows(unsigned lanes) { lanesOfRows = lanes; }

  /// The tiles of each block of rows are in `memory`, at settings of these outer coordinates.
  void useLists(mlir::Value memory, StreamTiles::Coordinates coordinates) {
    lists = memory;
    listed = std::move(coordinates);
  }
  /// What predicates say of each step of keys is in `memory`, or will be; null: it is asked as tiles are listed.
  void useVerdicts(mlir::Value memory) { verdicts = memory; }
  /// Writes that of a block of rows and step number `step`.
  void writeVerdict(Builder &b, const RowBlock &rows, mlir::Value step);
  /// Lists the tiles of a block of rows.
  void listTiles(Builder &b, const RowBlock &rows);

  /// Takes the keys of part `part` of `parts` (null: all there are) into the state, for a block of at most sizes.m rows; then emits
  /// `then`, which may keep() or finish() it.
  void fold(Builder &b, const RowBlock &rows, mlir::Value part, mlir::Value parts, llvm::function_ref<void()> then);
  /// Puts the state into a slot.
  void keep(Builder &b, mlir::Value slot);
  /// Merges `parts` slots in their order, and finishes.
  void merge(Builder &b, const RowBlock &rows, mlir::Value firstSlot, mlir::Value parts);
  /// Puts the state into those of a part, in which the first row at hand has number `first` of the rows of all parts.
  void keepPart(Builder &b, const PartStates &states, mlir::Value first);
  /// Merges what the parts of one row hold, which has that number, and finishes.
  void mergeParts(Builder &b, const RowBlock &row, const PartStates &states, mlir::Value number);
  /// Writes the rows of all results.
  void finish(Builder &b);

private:
  /// Memory and what its dimensions are.
  struct View {
    mlir::Value memory;
    llvm::SmallVector<Role> axes;
  };
  /// One component of the state.
  struct Component {
    View value;              ///< null for a reference
    View reference, moved;   ///< of a reference: before and after the block of keys
    View bit;                ///< 1 where something took part; null where the body is always there
    bool sharesBit = false;  ///< with an accumulator before it
  };
  /// Exponentials against a reference, shared by the sums that have them.
  struct Weights {
    View tile, correction, bit;
    attn::AccumulateOp first;
  };
  /// What a line of keys that are tuples, along the innermost of their coordinates, has of the block at hand.
  struct Line {
    mlir::Value number;                ///< in all of `keyRange`
    mlir::Value column, count;         ///< its keys' places in tiles
    llvm::SmallVector<mlir::Value> at; ///< each of the first key's coordinates
  };
  using Space = llvm::ArrayRef<Role>;
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(Builder &, mlir::ValueRange)>;

  void emitUniform(Builder &b);
  void emitShared(Builder &b);
  void takeResidues(Builder &b);
  /// Emits `inside` for a block of rows, with what is the same in all of it before.
  void inBlockOf(Builder &b, const RowBlock &rows, llvm::function_ref<void()> inside);

  // StreamOps.cpp: tile operations.
  /// Of `element`s; null: of the kernel's reals.
  View makeTile(llvm::ArrayRef<Role> axes, const StreamTiles::Product *product = nullptr, mlir::Type element = {});
  mlir::Value placeTile(Builder &b, llvm::ArrayRef<Role> axes, const StreamTiles::Product &product);
  /// The extent of a product's inner coordinate.
  mlir::OpFoldResult innerOf(Builder &b, const StreamTiles::Product &product);
  View inBlock(Builder &b, const View &tile);
  void generic(Builder &b, Space space, llvm::ArrayRef<View> ins, llvm::ArrayRef<View> outs, Body body);
  void fill(Builder &b, const View &tile, double value);
  void copy(Builder &b, const View &from, const View &to);
  mlir::Operation *contract(Builder &b, mlir::Operation *product, const View &left, const View &right, const View &out);
  mlir::Value index(Builder &b, Space space, Role role);
  mlir::Value placeOf(Builder &b, Space space, Role role);
  mlir::Value rowAt(Builder &b, mlir::Value place, llvm::StringRef coordinate);
  mlir::Value coordinateAt(Builder &b, Space space, mlir::BlockArgument coordinate);
  void bindCoordinates(Builder &b, mlir::Block *block, Space space);
  void guarded(Builder &b, mlir::Value condition, llvm::function_ref<void()> inside,
               llvm::function_ref<void()> otherwise = nullptr);

  // StreamFactors.cpp: the two sides of a product.
  mlir::Value conditionOf(Builder &b, mlir::Operation *op);
  void packLeft(Builder &b, attn::ReduceOp reduce);
  mlir::Value packForMatrixUnit(Builder &b, attn::ReduceOp reduce, const View &tile);
  /// The right factors as a matrix; `contracted`: nothing but a contraction reads it.
  View openRight(Builder &b, mlir::Operation *op, bool contracted);
  View packShifted(Builder &b, mlir::Operation *op);
  /// Factors that may be absent into `tile`, 0 where one is; and into `bits`, of its first axis, where there is something.
  void packPartial(Builder &b, mlir::Operation *op, llvm::ArrayRef<mlir::Value> factors,
                   llvm::ArrayRef<mlir::Value> divisors, const View &tile, View &bits);
  mlir::Value isInside(Builder &b, mlir::Value index, llvm::StringRef extent);
  /// Whether the factors of a product are there at the row and key of the region.
  mlir::Value presenceOfFactors(Builder &b, mlir::Operation *op, Space space);
  const Storage *storageOfMatrix(mlir::Operation *op) const;
  View openInPlace(Builder &b, mlir::Operation *op, mlir::Value first, mlir::Value count);
  mlir::Value widen(Builder &b, mlir::Value element);
  mlir::Value orPacked(Builder &b, mlir::Operation *op, mlir::Value memory); // StreamPacking.cpp
  mlir::Value multiply(Builder &b, llvm::ArrayRef<mlir::Value> factors);
  mlir::Value divide(Builder &b, mlir::Value value, llvm::ArrayRef<mlir::Value> divisors);
  void bindInner(Builder &b, mlir::Operation *op, Space space);

  // StreamState.cpp: what a block of keys does to the state.
  llvm::SmallVector<View> openSources(Builder &b, mlir::Value value);
  void bindSources(Builder &b, mlir::Value value, Space space, mlir::ValueRange args);
  mlir::Value presenceOf(Builder &b, mlir::Value tensor, Space space);
  void emitKeys(Builder &b, mlir::Value part, mlir::Value parts);
  void emitBlockOfKeys(Builder &b);
  // StreamWalk.cpp: keys of which some blocks are left out.
  llvm::SmallVector<mlir::Value> placeOfList(Builder &b);
  Span askKeys(Builder &b);
  void takeListed(Builder &b, mlir::Value part, mlir::Value parts);
  void summariseRows(Builder &b);
  std::optional<Summary> summaryOf(Builder &b, mlir::Value value);
  llvm::SmallVector<mlir::Value> nextTile(Builder &b, mlir::Value at, mlir::Value end);
  llvm::SmallVector<mlir::Value> judgeStep(Builder &b, mlir::Value at, mlir::Value end);
  llvm::SmallVector<mlir::Value> readVerdict(Builder &b, mlir::Value at);
  void emitSum(Builder &b, attn::ReduceOp reduce);
  void emitShiftedSum(Builder &b, attn::ReduceOp reduce, const View &out);
  void emitEquation(Builder &b, attn::EinsumOp einsum);
  void emitReferences(Builder &b);
  void emitExtremum(Builder &b, attn::AccumulateOp op, const View &out);
  Weights &weightsOf(Builder &b, attn::AccumulateOp op);
  void collectSources(Builder &b, llvm::ArrayRef<mlir::Value> values, llvm::SmallVectorImpl<View> &ins,
                      llvm::SmallVectorImpl<unsigned> &counts);
  mlir::Value presenceOfParts(Builder &b, attn::AccumulateOp op, llvm::ArrayRef<unsigned> counts, mlir::ValueRange args,
                              Space space);
  void emitAddition(Builder &b, attn::AccumulateOp op);
  mlir::Value isFinite(Builder &b, attn::AccumulateOp op, const View &right, const StreamTiles::Product &product);
  void addProduct(Builder &b, attn::AccumulateOp op, const View &side, const View &right, const View &out);
  void addWhereThere(Builder &b, attn::AccumulateOp op, const View &side, const View &right, const View &out);
  bool isMasked(mlir::Value v) const;
  mlir::Value onlyAsks(attn::AccumulateOp op);
  // StreamBits.cpp.
  attn::AccumulateOp witnessOf(attn::AccumulateOp op);
  mlir::Value takeFromReference(Builder &b, attn::AccumulateOp reference, const View &bit);
  void emitBit(Builder &b, attn::AccumulateOp op);
  void makeState(Builder &b, llvm::ArrayRef<Role> axes);
  mlir::Value power(Builder &b, attn::AccumulateOp op, mlir::Value exponent, mlir::Value reference);
  mlir::Value extremum(Builder &b, attn::AccumulateOp op, mlir::Value x, mlir::Value y);
  bool isAlwaysPresent(mlir::Value value) { return presences.of(value).has_value(); }

  // StreamTuples.cpp: rows and keys that are tuples of coordinates.
  mlir::Value tableOf(llvm::StringRef coordinate, int64_t length);
  void fillRowTables(Builder &b);
  void fillKeyTables(Builder &b);
  llvm::SmallVector<mlir::Value> lineAt(Builder &b, mlir::Value number);
  /// Emits `inside` for each line of the keys at hand. A state, if there is one, goes from line to line; what it comes to.
  mlir::Value forKeyLines(Builder &b, mlir::Value state, llvm::function_ref<mlir::Value(const Line &line, mlir::Value state)> inside);
  /// Emits `inside` for each line of the rows at hand, along the innermost of their coordinates: how many rows it has, and of
  /// each coordinate, where it is.
  void forRowLines(Builder &b, llvm::function_ref<void(mlir::Value count, llvm::ArrayRef<mlir::Value> at)> inside);

  // StreamRuns.cpp: keys that are tuples, where they lie.
  bool takesRuns(mlir::Operation *op) const;
  mlir::Value coordinateOfRun(llvm::StringRef key);
  /// Emits `inside` for each run of the keys at hand. What is in block is in the run then.
  mlir::Value inRuns(Builder &b, mlir::Value state, llvm::function_ref<mlir::Value(mlir::Value state)> inside);
  /// Emits `inside` for each run of the keys at hand with a product's right factors, where these are there, and `absent` (null:
  /// nothing) where they are not. If they may not be, sets the bits that say so.
  void forRuns(Builder &b, mlir::Operation *op, llvm::function_ref<void(const View &right)> inside,
               llvm::function_ref<void()> absent = nullptr);
  void fetchRun(Builder &b, mlir::Operation *op);
  /// Whether the right factors of a product are there in the run at hand, so far as its block does not say so; null: certainly.
  mlir::Value conditionOfRun(Builder &b, mlir::Operation *op);
  /// isThereEverywhere, asked run by run.
  mlir::Value isThereInRuns(Builder &b, attn::AccumulateOp op);

  // StreamBounds.cpp: which keys a block of rows needs.
  /// The first setting of each of a key's coordinates, and how many there are from it to the last.
  llvm::SmallVector<Span> keyRanges(Builder &b);
  bool doBoundsMove(Builder &b);
  /// Whether the block of keys at hand can matter; null: it is visited.
  mlir::Value mayMatter(Builder &b);
  void withJudge(Builder &b, llvm::ArrayRef<Span> spans, bool asksData,
                 llvm::function_ref<void(BlockJudge<Code> &)> ask);
  void askData(Builder &b, BlockJudge<Code> &judge);
  mlir::Value judgeMust(Builder &b, attn::AccumulateOp op);
  /// The same of the run at hand.
  mlir::Value judgeRun(Builder &b, attn::AccumulateOp op);
  /// Whether what an accumulator takes in, if that hangs on predicates and the block alone, is there wherever its predicates hold.
  mlir::Value isThereBesidePredicates(Builder &b, const StreamTiles::Needs &needs);
  /// Whether what an accumulator takes in is there in all of the block; null: perhaps not.
  mlir::Value isThereEverywhere(Builder &b, attn::AccumulateOp op);
  /// The same of all accumulators; null also where nothing can be absent.
  mlir::Value isWhole(Builder &b);
  /// Emits `inside` twice where the block may be wholly inside all predicates: without them, and with them.
  void inVersions(Builder &b, llvm::function_ref<void()> inside);

  // StreamHalves.cpp: products of half of the rows.
  /// What the halves of the rows at hand need.
  struct Halves {
    mlir::Value begin, end;    ///< the keys that both need, if there are any
    mlir::Value before, after; ///< the first row in the tile of the half that needs the keys before, and after them
    mlir::Value bounds;        ///< of the sections of the tile at hand
  };
  void splitRows(Builder &b);
  void placeSections(Builder &b);
  View sectionOf(Builder &b, const View &tile, const Span &keys, mlir::Value firstRow);
  void contractNeeded(Builder &b, mlir::Operation *op, const View &left, const View &right, const View &out, bool isNew);

  // StreamSplit.cpp: states in slots.
  View slotOf(Builder &b, attn::AccumulateOp op, Piece piece, mlir::Value slot);
  void mergeSlot(Builder &b, mlir::Value slot);

  // StreamParts.cpp: states of all rows.
  View stateOf(Builder &b, attn::AccumulateOp op, Piece piece, const PartStates &states, mlir::Value row, mlir::Value count,
               bool ofAll);

  // StreamFinish.cpp.
  void emitFinish(Builder &b, mlir::Value tensor);
  unsigned countResults(mlir::Value accumulator);
  llvm::SmallVector<mlir::Value> finishElement(Builder &in, mlir::Value tensor, llvm::ArrayRef<mlir::Value> state, mlir::Value own,
                                               const Storage &storage, Space space, mlir::ValueRange args);
  View lineOf(Builder &b, const View &tile, mlir::Value count);
  View lineOf(Builder &b, mlir::Value memory, mlir::Value tensor, mlir::Value count, llvm::ArrayRef<mlir::Value> at);
  Lane emitTensor(Builder &b, mlir::Value tensor, Space space);

  BodyEmitter &emitter;
  Extents &extents;
  Presences &presences;
  const StreamTiles &plan;
  mapping::TilesAttr sizes;
  mlir::Operation *anchor;
  mlir::Value workspace;
  llvm::DenseMap<const StreamTiles::Product *, mlir::Value> places;
  const Slots &slots;

  llvm::SmallVector<Span> rows;      ///< at hand
  llvm::SmallVector<Span> keyRange;  ///< all keys that the rows at hand need, and perhaps others, in lexical order
  llvm::SmallVector<Span> keys;      ///< a range that the block of keys at hand lies in
  mlir::Value keyBegin, keyCount;    ///< the block of keys at hand; of tuples by their number in `keyRange`
  mlir::Value rowOffset;             ///< of the rows of an operation in the tile; null: 0
  std::optional<Line> run;           ///< what is taken of the block of keys; none: all
  llvm::DenseMap<mlir::Operation *, Lane> sharedLanes; ///< quotients that the rows at hand share
  llvm::StringMap<mlir::Value> tables; ///< the coordinates of the rows and keys at hand, where these are tuples
  mlir::Value whole;    ///< whether all of the block at hand is inside all predicates; null: nothing to gain
  bool inside = false; ///< the code at hand is for such blocks
  const StreamData *data = nullptr;            ///< null: nothing is known of tensors
  const SummaryMemories *summaries = nullptr;
  unsigned lanesOfRows = 0; ///< of a vector; 0: a row is a thread's
  std::optional<Halves> halves;
  const PackedKeys *packedKeys = nullptr;
  mlir::Value lists;                           ///< of tiles; null: tiles are found as they are visited
  mlir::Value verdicts;                        ///< of steps of keys; null: they are judged as tiles are listed
  StreamTiles::Coordinates listed;
  llvm::DenseMap<mlir::Value, Summary> ofRows; ///< of data of the rows at hand
  llvm::DenseMap<mlir::Value, Summary> ofStep; ///< of data of these rows and of the step of keys at hand
  mlir::Value askedBlock;                      ///< number of the block of keys that summaries are asked for; null: of none
  llvm::SmallVector<mlir::Value> musts;        ///< whether all of allNeeded[i] hold in the keys at hand, if they are listed
  bool mustAsk = false; ///< the range of keys does not say all that the predicates do
  llvm::SmallVector<llvm::SmallVector<mlir::Value>> allNeeded; ///< the predicates that accumulators need, each set once
  llvm::DenseMap<mlir::Operation *, mlir::Value> everywhere;   ///< isThereEverywhere of accumulators, for the block at hand
  const llvm::StringMap<mlir::Value> *outer = nullptr;
  llvm::DenseMap<mlir::Value, View> values;                  ///< tiles of sums and of the body's equations
  llvm::DenseMap<mlir::Operation *, View> packed, rights, scaled, skewed;
  llvm::DenseMap<mlir::Operation *, mlir::Value> restOfScale; ///< by which the sums of a matrix unit are multiplied; null: by nothing
  llvm::DenseMap<mlir::Operation *, View> leftBits, rightBits; ///< of products whose factors may be absent
  llvm::DenseMap<mlir::Operation *, mlir::Value> conditions; ///< whether a product's factors are there in this block; null: they are
  llvm::MapVector<mlir::Operation *, Component> components;
  llvm::SmallVector<std::pair<std::string, Weights>> weights; ///< of this block of keys, by what they are
  llvm::DenseMap<mlir::Value, Lane> stateLanes;               ///< in a finish's region
};

} // namespace weir::tiles
#endif
