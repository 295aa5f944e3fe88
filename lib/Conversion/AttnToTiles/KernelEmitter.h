//===- KernelEmitter.h - one cascade as the functions of a kernel ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// @NAME computes, @NAME.plan lists the tiles that it visits where inputs say that, @NAME.plan_bytes and @NAME.workspace say how much
// memory both want, @NAME.check judges the promises on extents, @NAME.extents gives the outputs' shapes
// (weir/Support/KernelContract.h). All begin with the same prologue: the cascade's scalars and extents.
#ifndef WEIR_CONVERSION_ATTNTOTILES_KERNELEMITTER_H
#define WEIR_CONVERSION_ATTNTOTILES_KERNELEMITTER_H
#include "BodyEmitter.h"
#include "StreamEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "weir/Analysis/StreamSplit.h"
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/StringSet.h"

namespace weir::tiles {

/// Equations that run in one loop nest.
struct Group {
  llvm::SmallVector<mlir::Operation *> items;
  llvm::SmallVector<std::string> shared;        ///< names of the coordinates of the outer nest, outermost first
  llvm::SmallVector<mlir::Value> sharedExtents; ///< as the cascade has them
  mlir::Value scratch;                          ///< bytes of its scratch for one chunk; null: it has none
};

/// A piece of the workspace: what a tensor holds, its presence bits, the lists of a sort, tiles of a stream, or
/// slots for a component of its state, the states of parts of all rows, a summary of its data, what that says of steps of keys, or
/// lists of its tiles; or a packed copy of a product's keys, of `perBefore` rows a block and `per` keys, which are dimension `foldDim`.
struct Buffer {
  enum Role { Data, Bits, Keys, Positions, Tiles, Slots, States, Summary, Verdicts, Lists, Packed } role = Data;
  mlir::Value tensor;                     ///< the defining value; of a summary, what is summarised
  mlir::Operation *product = nullptr;     ///< whose tiles, slots or states these are; of verdicts and lists, the stream
  unsigned piece = 0;                     ///< the component that slots, or a summary, hold
  int64_t rows = 1;                       ///< elements for each setting of `extents`
  mlir::Type element;                     ///< in memory
  llvm::SmallVector<mlir::Value> extents; ///< of the kept dimensions, as the cascade has them
  int foldDim = -1;                       ///< the kept dimension of which only `fold` steps are stored
  int64_t fold = 0;
  int64_t per = 1;                        ///< elements of the last extent that one entry stands for
  int64_t perBefore = 1;                  ///< the same of the extent before
  int64_t more = 0;                       ///< entries along the last extent besides
  bool isPlanned = false;                 ///< in the plan, not in the workspace
  int group = -1;                         ///< scratch of a chunk of that group; -1: of the whole call
  mlir::Value offset;                     ///< bytes from the beginning of the workspace or of the chunk's scratch
};

/// One loop of a nest: an extent as the cascade has it, and the body argument that counts it (if any).
struct LoopDim {
  mlir::Value extent;
  mlir::BlockArgument coordinate;
  bool isVector = false;
};

/// How a stream's keys are split, and slots of a processor's workspace for the states of parts.
struct SlotPlan {
  std::optional<int64_t> parts; ///< of each block of rows; none: known when the kernel runs
  int64_t round;                ///< blocks of rows that are folded and merged at a time; 0: all
  int64_t slots;
};

/// Blocks of rows at all settings of the outer coordinates.
struct RowGrid {
  llvm::SmallVector<mlir::Value> lengths; ///< of each of the row's coordinates
  llvm::SmallVector<int64_t> heights;     ///< of a block along each
  llvm::SmallVector<int64_t> steps;       ///< how far apart the rows of a block are
  llvm::SmallVector<mlir::Value> shares;  ///< of which so many share a quotient, which no block may leave; null: they do not
  llvm::SmallVector<std::pair<llvm::StringRef, mlir::Value>> outer; ///< names and extents
  mlir::Value blocks;                     ///< how many there are
};

class KernelEmitter {
public:
  /// `chunks`: into how many parts the blocks of rows of a stream are split at most; 0: kMaxChunks.
  /// `allocated`: tiles of open extent are allocated where they are used, not taken from the workspace.
  /// `concurrent`: blocks that keep the machine busy; 0: kMaxChunks.
  KernelEmitter(mlir::func::FuncOp cascade, unsigned lanes, int64_t chunks, bool allocated, int64_t concurrent);
  /// Puts the functions before the cascade, which is left without its equations' givens and dead equations.
  void run();

private:
  using Builder = mlir::ImplicitLocOpBuilder;
  mlir::func::FuncOp makeFunction(llvm::StringRef suffix, llvm::ArrayRef<mlir::Type> extra,
                                  llvm::ArrayRef<mlir::Type> results);
  void clean();
  void prologue(Builder &b, mlir::func::FuncOp function);
  void emitScalar(Builder &b, mlir::Operation *op, mlir::func::FuncOp function);
  mlir::Value extentOf(mlir::Value extent);
  void emitChecks();
  void emitExtents();
  void emitPlan();

  // Buffers.cpp: what lives where.
  void planGroups();
  void planBuffers();
  void planTensor(mlir::Operation *equation, int group);
  bool isUsedOutside(mlir::Value tensor, const Group &group);
  void planTiles(attn::StreamOp stream, int group);
  mlir::Value countChunks(Builder &b, const Group &group);
  /// Into how many parts `count` items are split: on a GPU, whose blocks are many, each is one.
  mlir::Value countPieces(Builder &b, mlir::Value count);
  mlir::Value countIterations(Builder &b, const Group &group);
  mlir::Value layOut(Builder &b);
  mlir::Value layOutPlan(Builder &b);
  mlir::Value place(Builder &b, int group, bool isPlanned);
  mlir::Value sizeOf(Builder &b, const Buffer &buffer, unsigned k);
  mlir::Value bytesOf(Builder &b, const Buffer &buffer);
  void openBuffers(Builder &b, int group, mlir::Value from);
  void openScratch(Builder &b, int group, mlir::Value chunk);

  // Steps.cpp: what a recurrence keeps, and what runs in its loop.
  void planSteps();
  bool runsInLoop(attn::RecurrenceOp recurrence, mlir::Operation *op);
  int64_t countKeptSteps(attn::RecurrenceOp recurrence, mlir::Operation *equation, const Group &group);

  // Loops.cpp: what runs in which order.
  void emitGroup(Builder &b, unsigned index);
  /// The numbers 0 to `count` in `parts` chunks that threads take: `open` emits what a chunk's numbers share.
  /// The builder is left in the loop over a chunk's numbers, which is returned.
  mlir::scf::ForOp emitChunks(Builder &b, mlir::Value count, mlir::Value parts,
                              llvm::function_ref<void(mlir::Value)> open);
  void emitItem(Builder &b, mlir::Operation *op);
  void emitEinsum(Builder &b, attn::EinsumOp einsum);
  void emitMaterialize(Builder &b, attn::MaterializeOp op);
  void emitPacked(Builder &b, attn::MaterializeOp op, Storage &source, mlir::Value output);
  void emitRecurrence(Builder &b, attn::RecurrenceOp op);
  void emitSteps(Builder &b, attn::RecurrenceOp op);
  // StreamLoops.cpp.
  SlotPlan planSplit(const StreamTiles &plan, mapping::TilesAttr sizes);
  mlir::Value countShare(Builder &b, const StreamTiles &plan);
  /// `m` rows a block, at all settings of `outer`.
  RowGrid countRows(Builder &b, const StreamTiles &plan, int64_t m, const StreamTiles::Coordinates &outer);
  RowBlock blockAt(Builder &b, const StreamTiles &plan, const RowGrid &grid, mlir::Value number);
  mlir::Value countParts(Builder &b, const StreamTiles &plan, mapping::TilesAttr sizes, mlir::Value units);
  void planSlots(const StreamTiles &plan, int64_t rows);
  void emitItems(Builder &b, attn::StreamOp op, const StreamTiles &plan, mapping::TilesAttr sizes, mlir::Value count,
                 llvm::function_ref<void(mlir::Value, StreamEmitter &)> body);
  void emitStream(Builder &b, attn::StreamOp op);
  // StreamPacking.cpp: keys packed for a matrix unit.
  struct Packing;
  void planPacking(attn::StreamOp stream, const StreamTiles &plan, mapping::TilesAttr sizes);
  Packing openPacking(Builder &b, const Buffer &buffer);
  mlir::Value countPackings(Builder &b, const Buffer &buffer);
  void emitPackings(Builder &b, attn::StreamOp stream);
  // StreamParts.cpp: parts of keys on a GPU.
  mlir::Value countWidth(Builder &b, const StreamTiles &plan);
  mlir::Value countStates(Builder &b, attn::StreamOp op);
  void emitParts(Builder &b, attn::StreamOp op, const StreamTiles &plan, mapping::TilesAttr sizes, const RowGrid &grid,
                 mlir::Value parts);
  // StreamSummaries.cpp.
  void planLists(attn::StreamOp stream, const StreamTiles &plan, mapping::TilesAttr sizes);
  const Buffer *listsOf(attn::StreamOp stream) const;
  void emitLists(Builder &b, attn::StreamOp stream);
  void emitSummaries(Builder &b, const StreamTiles &plan, const StreamData &data, int64_t step);
  llvm::DenseMap<const StreamTiles::Product *, mlir::Value> placeTiles(Builder &b, attn::StreamOp op,
                                                                      const StreamTiles &plan, mlir::Value chunk);
  void emitArgtopk(Builder &b, attn::ArgtopkOp op); // Selection.cpp
  void emitLoops(Builder &b, llvm::ArrayRef<LoopDim> dims, mlir::Value body,
                 llvm::function_ref<void(llvm::ArrayRef<Lane>)> inner);
  void store(Builder &b, const Lane &lane, const Storage &storage, llvm::ArrayRef<Lane> at, bool zeroWhereAbsent);
  /// The coordinates of a tensor: those that loops around have bound, by name, and the rest as loops to make.
  llvm::SmallVector<LoopDim> openLoops(mlir::ArrayAttr names, mlir::ValueRange extents, mlir::Block *body,
                                       llvm::StringRef vector);

  mlir::func::FuncOp cascade;
  unsigned lanes;
  int64_t chunks;
  bool allocated;
  int64_t concurrent;
  Extents extents;
  Presences presences;
  Dependence dependence;
  BodyEmitter emitter;
  std::vector<Group> groups;
  std::vector<Buffer> buffers;
  llvm::SmallVector<mlir::Operation *> checks;           ///< attn.given and attn.rank that speak of extents only
  llvm::DenseMap<mlir::Value, Storage> shapes;            ///< storages before their memory is known
  llvm::DenseMap<mlir::Value, unsigned> direct;           ///< tensors that are computed straight into an output
  llvm::DenseMap<mlir::Operation *, mlir::Value> tiles;   ///< where the tiles of a product begin in the workspace
  Slots slots;
  SummaryMemories summaries;
  PackedKeys packedKeys;                                  ///< of the stream being emitted
  llvm::DenseMap<mlir::Operation *, mlir::Value> tileLists, verdicts; ///< by stream
  llvm::DenseMap<mlir::Value, mlir::Value> indices;       ///< index values of the prologue
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> lists; ///< the four lists of a sort
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Operation *>> followers; ///< equations run in a recurrence's loop
  llvm::DenseSet<mlir::Operation *> following;            ///< all of them
  llvm::DenseMap<mlir::Operation *, int64_t> keptSteps;   ///< equations of recurrences of which only some steps are kept
  llvm::StringMap<mlir::Value> bound;                     ///< i64 of the coordinates that loops around have bound
  llvm::SmallVector<mlir::Value> outputs;                 ///< memrefs of the function being emitted
  mlir::Value workspace, planMemory, scratchBegin;
};

/// The lists of a sort: keys, keys, positions, positions.
inline constexpr unsigned kSortLists = 4;
/// Into how many parts a loop nest is split: fixed, so that results do not depend on the number of threads.
inline constexpr int64_t kMaxChunks = 64;
/// The same for the threads of a GPU where each has scratch memory of its own; others are as many as there are iterations.
inline constexpr int64_t kMaxScratches = 4096;

/// The extent that a recurrence goes along.
mlir::Value getExtentAlong(attn::RecurrenceOp recurrence);

/// The mapping's vector coordinate of an op, or "".
llvm::StringRef getVector(mlir::Operation *op);

} // namespace weir::tiles
#endif
