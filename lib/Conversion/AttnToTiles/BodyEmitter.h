//===- BodyEmitter.h - bodies of equations as scalar or vector code -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A body is an expression of optional scalars. It is emitted on demand, from its yield backwards, for one setting of the
// coordinates or for W consecutive settings of one of them (lanes). A value is a pair: what it is, and a bit that says
// whether it is there. Whatever is the same in every lane stays scalar; an i64 that grows by one from lane to lane is kept as its first
// lane, so that reads at it are contiguous.
#ifndef WEIR_CONVERSION_ATTNTOTILES_BODYEMITTER_H
#define WEIR_CONVERSION_ATTNTOTILES_BODYEMITTER_H
#include "weir/Analysis/Bodies.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/ScopeExit.h"
#include <utility>

namespace weir::tiles {

/// An optional scalar in every lane.
struct Lane {
  mlir::Value value;   ///< scalar, or vector of W; null if only `base` is known
  mlir::Value present; ///< i1, or vector of W x i1; null: always
  mlir::Value base;    ///< of an i64 that is base, base+1, ... over the lanes; else null
  bool varies() const { return base || (value && llvm::isa<mlir::VectorType>(value.getType())); }
};

/// Where a tensor lives. Dimensions that the surrounding loops have fixed are not stored.
struct Storage {
  mlir::Value data;               ///< memref of the storage type; only the kept dimensions
  mlir::Value presence;           ///< memref of i8 with the same dimensions; null where `domain` says it all
  Presence domain;                ///< see Presences
  mlir::Type elementType;         ///< of the language
  bool packed = false;            ///< two i4 in a byte along the last dimension
  llvm::SmallVector<bool> kept;   ///< one a dimension of the tensor
  int foldDim = -1;               ///< a recurrence's rank of which only the last `fold` steps are kept, step t at t mod fold
  int64_t fold = 0;               ///< a power of two
};

/// How the body of one equation becomes code. One emitter serves a whole kernel.
class BodyEmitter {
public:
  BodyEmitter(Extents &extents, Presences &presences, Dependence &dependence)
      : extents(extents), presences(presences), dependence(dependence) {}

  /// The code of a value of a body at the builder's place, for the lanes in force.
  Lane emit(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
  /// Emits now what does not depend on coordinates still unbound, so that it stands outside their loops.
  void hoist(mlir::ImplicitLocOpBuilder &b, mlir::Value root);

  /// A region of code: values emitted in it are forgotten at its end.
  [[nodiscard]] auto scope() {
    scopes.emplace_back();
    return llvm::scope_exit([this] { scopes.pop_back(); });
  }
  void bind(mlir::Value value, Lane lane) { scopes.back()[value] = lane; }
  bool isBound(mlir::Value value) const;
  void setLanes(unsigned w) { lanes = w; }
  unsigned getLanes() const { return lanes; }

  /// The lanes of a coordinate whose first is `base` (an i64).
  Lane coordinate(mlir::Value base, bool isVector) const;
  /// `base` as an i64 scalar or vector of all lanes.
  mlir::Value materialize(mlir::ImplicitLocOpBuilder &b, const Lane &lane);
  mlir::Value broadcast(mlir::ImplicitLocOpBuilder &b, mlir::Value v);
  /// The presence bit, as a constant where there is none.
  mlir::Value presenceBit(mlir::ImplicitLocOpBuilder &b, const Lane &lane);
  /// Whether all of the named extents are positive; null where that is certain here.
  mlir::Value arePositive(mlir::ImplicitLocOpBuilder &b, const std::set<std::string> &names);

  /// `value` (a scalar of the language) as stored in `type`; reals round to nearest even, integers saturate.
  mlir::Value toStorage(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Type elementType);
  mlir::Value fromStorage(mlir::ImplicitLocOpBuilder &b, mlir::Value stored, mlir::Type elementType);
  /// Where a tensor with folded steps keeps index `lane` of dimension k; the same lane for any other.
  Lane foldIndex(mlir::ImplicitLocOpBuilder &b, const Storage &storage, unsigned k, Lane lane);
  /// A tensor's entry at the kept dimensions `at`, where `inside` (null: everywhere) says that they lie in memory.
  Lane load(mlir::ImplicitLocOpBuilder &b, const Storage &storage, llvm::ArrayRef<Lane> at, mlir::Value inside);
  /// The code of `map`; both operands are all scalars or all vectors.
  mlir::Value emitFunction(mlir::ImplicitLocOpBuilder &b, attn::MapOp map, llvm::ArrayRef<mlir::Value> operands);
  mlir::Value emitCast(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Type to);

  llvm::DenseMap<mlir::Value, Storage> storages; ///< by defining tensor (getDefinition)
  llvm::StringMap<mlir::Value> extentValues;      ///< index values of the extents, by class
  /// The name of the coordinate whose consecutive values are lanes where a reduction runs over it; empty: none.
  std::string vectorName;
  unsigned maxLanes = 1;
  /// Tensors whose equations run in a loop around, so that not all of their entries are written yet. Without vectors such an
  /// entry is read only where a condition asks for it: memory checkers look for reads of what was never written.
  llvm::DenseSet<mlir::Value> unfinished;
  /// For the bodies of tile operations: no branches but those that guard reads. All operands are computed.
  bool branchless = false;

private:
  Lane compute(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
  Lane emitRead(mlir::ImplicitLocOpBuilder &b, attn::ReadOp read);
  Lane emitMap(mlir::ImplicitLocOpBuilder &b, attn::MapOp map);
  Lane emitReduce(mlir::ImplicitLocOpBuilder &b, attn::ReduceOp reduce);
  /// Whether a value is read from entries that may not be written yet.
  bool readsUnfinished(mlir::Value body);
  /// Whether a value is computed only where it is asked for.
  bool isLazy(mlir::Value body);
  Lane emitGuarded(mlir::ImplicitLocOpBuilder &b, mlir::Value condition, mlir::Value body);
  Lane emitSelect(mlir::ImplicitLocOpBuilder &b, mlir::Value condition, mlir::Value a, mlir::Value other);
  Lane emitLogic(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op);
  mlir::Value loadLanes(mlir::ImplicitLocOpBuilder &b, mlir::Value memref, llvm::ArrayRef<Lane> indices,
                        mlir::Value inside, bool packed);
  friend class ReductionLoops;

  Extents &extents;
  Presences &presences;
  Dependence &dependence;
  llvm::SmallVector<llvm::DenseMap<mlir::Value, Lane>> scopes;
  llvm::SmallVector<std::string> boundExtents; ///< classes of the extents of loops around the builder: positive here
  unsigned lanes = 1;
  bool trusted = false;

public:
  /// Says that what the code inside reads lies in memory: no read is guarded.
  [[nodiscard]] auto trusting() {
    return llvm::scope_exit([this, before = std::exchange(trusted, true)] { trusted = before; });
  }
  /// Says that the code inside runs in a loop over an extent.
  [[nodiscard]] auto insideLoopOver(mlir::Value extent) {
    boundExtents.push_back(extents.of(extent));
    return llvm::scope_exit([this] { boundExtents.pop_back(); });
  }
  /// Or over several, of coordinates by name.
  [[nodiscard]] auto insideLoopOver(llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Value>> coordinates) {
    for (auto &[name, extent] : coordinates)
      boundExtents.push_back(extents.of(extent));
    return llvm::scope_exit([this, n = coordinates.size()] { boundExtents.resize(boundExtents.size() - n); });
  }
};

/// The number of lanes of each loop that together cover an extent: wide ones first, 1 last.
llvm::SmallVector<unsigned> getStrips(std::optional<int64_t> extent, unsigned lanes);

/// The type in which elements of a type are kept in memory.
mlir::Type getStorageType(mlir::Type elementType);

// Short forms of what the emitters write over and over.
mlir::Value constantLike(mlir::ImplicitLocOpBuilder &b, mlir::Type type, double value);
mlir::Value constantInt(mlir::ImplicitLocOpBuilder &b, mlir::Type type, int64_t value);
mlir::Value constantIndex(mlir::ImplicitLocOpBuilder &b, int64_t value);
mlir::Value toIndex(mlir::ImplicitLocOpBuilder &b, mlir::Value v);
mlir::Value toInt(mlir::ImplicitLocOpBuilder &b, mlir::Value v);
/// `a and b` where either may be null (true).
mlir::Value conjunction(mlir::ImplicitLocOpBuilder &b, BodyEmitter &e, mlir::Value x, mlir::Value y);

} // namespace weir::tiles
#endif
