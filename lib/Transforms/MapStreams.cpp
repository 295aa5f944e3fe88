//===- MapStreams.cpp - streams that run in tiles, and how large these are ===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lanes of a vector are rows. With 32 registers a block of keys keeps 6 x 4 of them as sums, so 64 rows
// are four registers of 16 f32; with 16 registers it keeps 4 x 3, so 24 rows are three of 8. Fewer rows, if
// that is known, take as many vectors as they fill; up to four make a tile without vectors of rows
// (StreamCost.h). On a GPU all tiles of a block are in memory that its threads share, but for those
// of rows where these stay in registers.
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/StreamCost.h"
#include "weir/Analysis/StreamData.h"
#include "weir/Analysis/StreamSplit.h"
#include "weir/Support/GPURegisters.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_MAPSTREAMS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;

namespace {
constexpr int64_t kKeys =
    128; ///< keys at a time: scores of a block of rows then fit in the first two levels of cache

constexpr int64_t kKeysOfMatrixUnit = 64; ///< then what it reads stays in the first cache beside a strip of scores

constexpr int64_t kRowsInPieces = 192; ///< for which keys in pieces, too many for the second level of cache, are read once

constexpr int64_t kFrame = 1 << 20; ///< bytes that a thread's stack has for tiles

constexpr int64_t kOpenInner = 128; ///< for which open extents a tile of a GPU is made to fit

/// Whether right factors are read where they lie, as tiles of keys of an input.
bool isInPlace(const StreamTiles &plan, const StreamTiles::Product &product) {
  if (product.right.size() != 1 || !product.rightDivisors.empty() || product.partialRight)
    return false;
  auto read = product.right[0].getDefiningOp<attn::ReadOp>();
  return read && isa<BlockArgument>(read.getSource()) &&
         cast<RankedTensorType>(read.getSource().getType()).getElementType() == plan.real;
}

/// Bytes that the tiles of a block of m rows take, n keys at a time: of sums and equations one of row and key each, of weights and scaled
/// factors two of each accumulator, and what is packed, widened, accumulated, or kept of a row.
int64_t bytesOf(const StreamTiles &plan, int64_t m, int64_t n) {
  int64_t pairs = plan.sums.size() + plan.body.size() + 2 * plan.state.size(), ofRow = 6 * plan.state.size(), ofKey = 0;
  for (auto &[op, product] : plan.products) {
    int64_t inner = ShapedType::isDynamic(product.inner) ? kOpenInner : product.inner;
    ofRow += inner;
    if (!product.right.empty() && !isInPlace(plan, product))
      ofKey += inner;
  }
  return (m * n * pairs + m * ofRow + n * ofKey) * (plan.real.getIntOrFloatBitWidth() / 8);
}

bool hasShifted(const StreamTiles &plan) {
  return llvm::any_of(plan.products, [](auto &entry) { return !entry.second.shifted.empty(); });
}

/// The input of 16-bit elements that a factor is; null: it is none.
Type narrowInputOf(Value factor) {
  auto read = factor.getDefiningOp<attn::ReadOp>();
  if (!read || !isa<BlockArgument>(read.getSource()))
    return nullptr;
  Type element = cast<RankedTensorType>(read.getSource().getType()).getElementType();
  return element.isBF16() || element.isF16() ? element : Type();
}

/// Whether tensor cores take a product: its right factor is a matrix of 16-bit elements. Left factors of sums of the body are
/// such elements too, perhaps scaled; those of accumulators are rounded, and f16 holds them if they are at most 1.
bool isForTensorCores(const StreamTiles &plan, Operation *op, const StreamTiles::Product &product) {
  Type right = product.right.size() == 1 ? narrowInputOf(product.right[0]) : Type();
  if (!right || !product.rightDivisors.empty() || product.partialRight || ShapedType::isDynamic(product.inner) ||
      product.inner % 16 != 0 || product.inner > 256)
    return false;
  if (auto accumulate = dyn_cast<attn::AccumulateOp>(op))
    return right.isBF16() || (accumulate.getReference() && product.left.empty());
  auto isUniform = [&](Value factor) { return plan.isUniform(factor); };
  SmallVector<Value> own;
  llvm::copy_if(product.left, std::back_inserter(own), [&](Value factor) { return !isUniform(factor); });
  size_t scales = product.left.size() - own.size() + product.divisors.size();
  return own.size() == 1 && narrowInputOf(own[0]) == right && scales <= 1 && llvm::all_of(product.divisors, isUniform) &&
         !product.partialLeft;
}

bool isOfPair(const StreamTiles &plan, Value value) {
  return plan.dependsOn(value, StreamTiles::Role::Key) && plan.dependsOn(value, StreamTiles::Role::Row);
}

/// How many values an equation has for each score, beside the factors of its products, that are more than an instruction's work: those that it
/// reads (biases, data that masks ask), remainders and powers.
int64_t countReadsOfScores(const StreamTiles &plan) {
  auto isRead = [&](attn::ReadOp read) {
    return !plan.ownTensor(read) && (plan.dependsOn(read, StreamTiles::Role::Key) || plan.dependsOn(read, StreamTiles::Role::Row));
  };
  auto isLong = [&](attn::MapOp map) {
    return llvm::is_contained({attn::Fn::Mod, attn::Fn::Pow}, map.getFn()) && isOfPair(plan, map);
  };
  int64_t most = 0;
  for (attn::EinsumOp equation : plan.body)
    most = std::max<int64_t>(most, llvm::count_if(equation.getBody().getOps<attn::ReadOp>(), isRead) +
                                       llvm::count_if(equation.getBody().getOps<attn::MapOp>(), isLong));
  for (attn::AccumulateOp sum : plan.state) // of which right factors are read too
    most = std::max<int64_t>(most, llvm::count_if(sum.getBody().getOps<attn::MapOp>(), isLong));
  return most;
}

constexpr int64_t kMostKeys = 64, kLeastKeys = 16; ///< of a tile on tensor cores

/// How many keys a tile has at most where what is read for each score takes registers too.
int64_t keysForReads(const StreamTiles &plan) { return std::max(kMostKeys / (1 + countReadsOfScores(plan)), kLeastKeys); }

constexpr int64_t kWarps = 4; ///< of a block on tensor cores

/// Whether each score is asked whether it is there.
bool isMasked(const StreamTiles &plan) {
  auto asks = [&](Operation *op) {
    return op->walk([&](attn::WhereOp where) {
               return isOfPair(plan, where.getPredicate()) ? WalkResult::interrupt() : WalkResult::advance();
             }).wasInterrupted();
  };
  return llvm::any_of(plan.body, asks) || llvm::any_of(plan.state, asks);
}

/// How many quotients and remainders of keys an equation compares with something of a row: each is a number of 64 bits for each of a thread's keys.
int64_t countQuotientsOfKeys(const StreamTiles &plan) {
  auto isQuotient = [&](Operation *op) {
    auto map = dyn_cast<attn::MapOp>(op);
    return map && llvm::is_contained({attn::Fn::Floordiv, attn::Fn::Mod}, map.getFn()) && plan.dependsOn(map, StreamTiles::Role::Key) &&
           !plan.dependsOn(map, StreamTiles::Role::Row);
  };
  int64_t most = 0;
  for (attn::EinsumOp equation : plan.body)
    most = std::max<int64_t>(most, llvm::count_if(equation.getBody().getOps<attn::MapOp>(), [&](attn::MapOp map) {
                               return isQuotient(map) && !llvm::all_of(map->getUsers(), isQuotient);
                             }));
  return most;
}

/// Registers of a thread for them, where `lanesOfRow` threads share a row.
int64_t countRegistersOfQuotients(const StreamTiles &plan, int64_t keys, int64_t lanesOfRow) {
  constexpr int64_t ofNumber = 2;
  return countQuotientsOfKeys(plan) * ofNumber * keys / lanesOfRow;
}

/// Registers of a thread for its warp's rows: scores, sums, packed left factors, and what keys that may be absent leave behind: whether any was there,
/// and up to where they are; quotients of keys.
int64_t countRegisters(const StreamTiles &plan, int64_t rows, int64_t keys) {
  constexpr int64_t lanes = 32, lanesOfRow = 4, bounds = 2;
  int64_t rowsOfWarp = rows / kWarps, ofRow = 0, ofKeys = countRegistersOfQuotients(plan, keys, lanesOfRow);
  for (auto &[op, product] : plan.products)
    if (!product.right.empty())
      ofRow += isa<attn::AccumulateOp>(op) ? product.inner : keys + product.inner / 2;
  auto hasWhere = [](auto equation) { return !equation.getBody().template getOps<attn::WhereOp>().empty(); };
  bool isPartial = llvm::any_of(plan.body, hasWhere) || llvm::any_of(plan.state, hasWhere);
  return rowsOfWarp * ofRow / lanes + ofKeys + (isPartial ? rowsOfWarp * lanesOfRow / lanes + bounds : 0) + kOtherRegisters;
}

/// Whether a state is reduced along rows of scores, without what came first or where.
bool isReduced(attn::AccumulateOp op) {
  using attn::Accumulation;
  return llvm::is_contained({Accumulation::Sum, Accumulation::Max, Accumulation::Min, Accumulation::Ref}, op.getAccumulation());
}

/// Rows and keys of a tile for tensor cores: of four warps with 16 rows each or with 32, for which a right factor is read once, if nothing is asked
/// of single scores and registers are enough, perhaps for half as many keys; and as many keys as leave room for another tile of matrices in shared
/// memory, and for sums in registers. Nothing: products are not for them.
std::optional<std::pair<int64_t, int64_t>> shapeForTensorCores(const StreamTiles &plan, int64_t bytes) {
  constexpr int64_t few = 16 * kWarps, many = 32 * kWarps;
  int64_t ofKey = 0;
  for (auto &[op, product] : plan.products) {
    if (product.right.empty())
      continue;
    if (!isForTensorCores(plan, op, product))
      return std::nullopt;
    ofKey += 2 * (product.inner + 8); // lines lie a little further apart
  }
  if (!ofKey || !plan.real.isF32() || !llvm::all_of(plan.state, isReduced))
    return std::nullopt;
  bool isPlain = !isMasked(plan) && !countReadsOfScores(plan), isMany = isPlain && plan.countRowsOfClass().value_or(many) > few;
  for (int64_t m = isMany ? many : few; m >= few; m /= 2)
    for (int64_t n = kMostKeys; n >= (m == few ? kLeastKeys : kMostKeys / 2); n /= 2) {
      bool isLast = m == few && n == kLeastKeys;
      if (2 * n * ofKey <= bytes && n <= keysForReads(plan) && (isLast || countRegisters(plan, m, n) <= kRegistersOfThread))
        return std::pair(m, n);
    }
  return std::nullopt;
}

/// Whether a left factor is rounded for a matrix unit: the right one is bf16 already.
bool isRoundedForMatrixUnit(const StreamTiles &plan, Operation *op, const StreamTiles::Product &product) {
  return isForTensorCores(plan, op, product) && narrowInputOf(product.right[0]).isBF16();
}

/// Whether a processor's matrix unit takes all products: a step of it is 16 rows by 16 columns, over 32 terms. Cutting right factors into pieces
/// pays where many rows share them: not in windows and blocks that a mask leaves.
bool isForMatrixUnit(const StreamTiles &plan, int64_t rows) {
  constexpr int64_t fewRows = 64;
  bool isAny = false, isMuch = rows >= fewRows;
  for (auto &[op, product] : plan.products) {
    if (product.right.empty())
      continue;
    isAny = true;
    int64_t multiple = isa<attn::AccumulateOp>(op) ? 16 : 32;
    if (ShapedType::isDynamic(product.inner) || product.inner % multiple != 0 || product.inner > 256 || !product.shifted.empty() ||
        plan.hasRuns(op, rows) || (!isRoundedForMatrixUnit(plan, op, product) && !(isMuch && plan.sharedMatrixOf(op))))
      return false;
  }
  return isAny && rows % 16 == 0 && plan.real.isF32() && llvm::all_of(plan.state, isReduced);
}

/// Rows of a tile whose products are on the unit: more than those of a vector unit's tile where factors are in pieces and all rows have the same keys. What rows
/// share, and a small number of them, leave no choice; what is packed of them is in the frame, too.
int64_t rowsOnMatrixUnit(const StreamTiles &plan, int64_t rows) {
  constexpr int64_t most = 64;
  bool isInPieces = llvm::any_of(plan.products, [&](auto &entry) {
    return !entry.second.right.empty() && !isRoundedForMatrixUnit(plan, entry.first, entry.second);
  });
  bool isLarge = isInPieces && rows == most && plan.rows.size() == 1 && !plan.shared && !isMasked(plan);
  return isLarge && bytesOf(plan, kRowsInPieces, kKeysOfMatrixUnit) <= kFrame * 3 / 4 ? kRowsInPieces : rows;
}

/// Whether products of f32 may have their sums in registers: right factors lie in memory as matrices, of a multiple of so many columns.
bool hasProductsOfFloats(const StreamTiles &plan, int64_t multiple) {
  bool isAny = false;
  for (auto &[op, product] : plan.products) {
    if (product.right.empty())
      continue;
    if (!isInPlace(plan, product) || product.partialLeft || ShapedType::isDynamic(product.inner) || product.inner % multiple != 0 ||
        product.inner > 256)
      return false;
    isAny = true;
  }
  return isAny && plan.real.isF32() && llvm::all_of(plan.state, isReduced);
}

/// Registers of a thread of the eight that share a row: scores and sums, what is read of both factors at a time, addresses; where single scores
/// are asked something, the row's bounds and what they are asked, as ptxas says of masks and biases. What each score reads counts where there may be fewer
/// keys (`isFree`).
int64_t countRegistersOfMultiplyAdds(const StreamTiles &plan, int64_t rows, int64_t keys, bool isFree) {
  constexpr int64_t others = 64, rowsOfThread = 16, members = 8;
  int64_t ofRow = isMasked(plan) || countReadsOfScores(plan) ? 12 : 4;
  for (auto &[op, product] : plan.products)
    if (!product.right.empty())
      ofRow += (isa<attn::AccumulateOp>(op) ? product.inner : keys) / members;
  int64_t ofScores = isFree ? rows / rowsOfThread * countReadsOfScores(plan) * keys / members + countRegistersOfQuotients(plan, keys, members) : 0;
  return rows / rowsOfThread * ofRow + ofScores + others;
}

/// Bytes of shared memory: left factors, weights, and a tile of each matrix, with what lies between lines.
int64_t bytesOfMultiplyAdds(const StreamTiles &plan, int64_t rows, int64_t keys) {
  int64_t elements = rows * (keys + 8);
  for (auto &[op, product] : plan.products)
    if (!product.right.empty())
      elements += keys * (product.inner + 4) + (isa<attn::AccumulateOp>(op) ? 0 : rows * (product.inner + 8));
  return elements * sizeof(float);
}

constexpr int64_t kFewRows = 16 * kWarps;

/// The first of the shapes of tiles of f32 that `fits` in bytes of shared memory: in those of which two blocks fit on a multiprocessor of sm_80, or in all
/// that there are. `m` and `n`, unless 0, are given.
std::optional<std::pair<int64_t, int64_t>> firstShape(int64_t bytes, int64_t m, int64_t n,
                                                      function_ref<bool(int64_t rows, int64_t keys, int64_t most)> fits) {
  constexpr std::pair<int64_t, int64_t> shapes[] = {{128, 64}, {128, 32}, {64, 64}, {64, 32}, {64, 16}};
  constexpr int64_t half = 80 << 10;
  for (int64_t most : {std::min(half, bytes), bytes})
    for (auto [rows, keys] : shapes)
      if (int64_t asked = n ? n : keys; (!m || rows == m) && fits(rows, asked, most))
        return std::pair(rows, asked);
  return std::nullopt;
}

/// Rows and keys of a tile for multiply-adds: the more of each a thread has, the less it reads for one (docs/gpu.md). Two blocks should fit
/// on a multiprocessor, where one computes while the other waits; else one that fits at all. Nothing: products are not for them. `m` and `n`, unless 0,
/// are given.
std::optional<std::pair<int64_t, int64_t>> shapeForMultiplyAdds(const StreamTiles &plan, int64_t bytes, int64_t m, int64_t n) {
  if (!hasProductsOfFloats(plan, /*multiple=*/16) || n % 16 != 0)
    return std::nullopt;
  return firstShape(bytes, m, n, [&](int64_t rows, int64_t keys, int64_t most) {
    bool isMany = m || plan.countRows().value_or(rows) > kFewRows;
    return (rows == kFewRows || isMany) && countRegistersOfMultiplyAdds(plan, rows, keys, /*isFree=*/!n && keys > kLeastKeys) <= kRegistersOfThread &&
           bytesOfMultiplyAdds(plan, rows, keys) <= most;
  });
}

/// The same for tensor cores that take f32 as tf32. A left factor that is the same for all keys is in registers, or, where these are too few, in shared
/// memory; and there are two places for each matrix. Rows that masks ask of single scores are few, as in 16 bits.
std::optional<std::pair<int64_t, int64_t>> shapeForTensorFloats(const StreamTiles &plan, int64_t bytes, int64_t m, int64_t n) {
  if (!hasProductsOfFloats(plan, /*multiple=*/8) || n % 16 != 0)
    return std::nullopt;
  bool isPlain = !isMasked(plan) && !countReadsOfScores(plan);
  return firstShape(bytes, m, n, [&](int64_t rows, int64_t keys, int64_t most) {
    constexpr int64_t lanes = 32, lanesOfRow = 4, between = 4; // elements between lines
    int64_t ofRow = 0, ofLefts = 0, ofMatrices = 0;
    for (auto &[op, product] : plan.products) {
      if (product.right.empty())
        continue;
      ofMatrices += 2 * keys * (product.inner + between);
      bool isSum = isa<attn::AccumulateOp>(op);
      ofRow += isSum ? product.inner : keys;
      ofLefts += isSum ? 0 : product.inner;
    }
    int64_t others = (!n && keys > kLeastKeys ? countRegistersOfQuotients(plan, keys, lanesOfRow) : 0) + kOtherRegisters;
    auto registers = [&](int64_t columns) { return rows / kWarps * columns / lanes + others; };
    int64_t elements = ofMatrices + (registers(ofRow + ofLefts) <= kRegistersOfThread ? 0 : rows * (ofLefts + between));
    bool isMany = m || (isPlain && plan.countRowsOfClass().value_or(rows) > kFewRows);
    return (rows == kFewRows || isMany) && (n || keys <= keysForReads(plan)) && registers(ofRow) <= kRegistersOfThread && elements * int64_t(sizeof(float)) <= most;
  });
}

/// The largest tile of a GPU that fits, or the smallest there is.
std::pair<int64_t, int64_t> shapeFor(const StreamTiles &plan, int64_t bytes) {
  constexpr std::pair<int64_t, int64_t> shapes[] = {{16, 32}, {16, 16}, {8, 16}, {8, 8}, {4, 8}};
  for (auto [m, n] : shapes)
    if (bytesOf(plan, m, n) <= bytes)
      return {m, n};
  return shapes[std::size(shapes) - 1];
}

struct MapStreams : weir::impl::MapStreamsBase<MapStreams> {
  using MapStreamsBase::MapStreamsBase;
  void runOnOperation() override {
    func::FuncOp cascade = getOperation();
    if (!attn::isCascade(cascade))
      return;
    Extents extents(cascade);
    Dependence dependence;
    Presences presences(extents);
    TargetDescription target;
    target.vectorBytes = vectorBytes;
    target.vectorRegisters = vectorRegisters;
    for (auto stream : cascade.getOps<attn::StreamOp>()) {
      std::optional<StreamTiles> plan = StreamTiles::of(stream, extents, dependence, presences);
      bool isTuple = plan && (plan->rows.size() != 1 || plan->keys.size() != 1 || plan->isAlone);
      if (!plan || stream->hasAttr("mapping") || (sharedBytes && (hasShifted(*plan) || isTuple)))
        continue;
      auto rows = StringAttr::get(&getContext(), plan->nameOfRow());
      std::pair<int64_t, int64_t> shape(getRowsOfTile(*plan, extents, target), kKeys);
      auto inRegisters = sharedBytes ? shapeInRegisters(*plan) : std::nullopt;
      if (inRegisters)
        shape = *inRegisters;
      else if (sharedBytes)
        shape = shapeFor(*plan, sharedBytes);
      else if (int64_t lanes = vectorBytes * 8 / plan->real.getIntOrFloatBitWidth(); shape.first % lanes == 0)
        shape.first = StreamData(*plan).rowsFor(shape.first, lanes);
      if (m)
        shape.first = m;
      bool onMatrixUnit = matrixUnit && !sharedBytes && isForMatrixUnit(*plan, shape.first);
      if (onMatrixUnit)
        shape = {m ? shape.first : rowsOnMatrixUnit(*plan, shape.first), kKeysOfMatrixUnit};
      if (n)
        shape.second = n;
      if (!inRegisters && failed(checkGiven(stream, *plan, shape)))
        return signalPassFailure();
      if (inRegisters)
        noteProducts(*plan, shapeInTF32(*plan).has_value());
      else if (onMatrixUnit)
        noteMatrixUnit(*plan);
      stream->setAttr("mapping",
                      mapping::TilesAttr::get(&getContext(), rows, shape.first, shape.second, split,
                                              plan->stepsOfKeys()));
      if (sharedBytes)
        takeHeads(stream, *plan, inRegisters.has_value(), [&] { return StreamTiles::of(stream, extents, dependence, presences); }, extents);
    }
    auto isRounded = [](Operation *op) { return mapping::isRoundedToTF32(op) ? WalkResult::interrupt() : WalkResult::advance(); };
    if (tf32 && !cascade.walk(isRounded).wasInterrupted()) {
      auto error = cascade.emitError("has no products that 'tf32=on' is for; leave it out");
      error.attachNote() << (sharedBytes ? "of a traversal in tiles all right factors (keys, values) must be inputs of f32 with 8 to 256 features, a "
                                           "multiple of 8 that -D says, in tiles of 64 or 128 rows and a multiple of 16 keys that fit in shared memory"
                                         : "tf32 is what tensor cores of GPUs multiply, and the target is a processor");
      return signalPassFailure();
    }
    auto isMapped = [](attn::StreamOp stream) { return stream->hasAttr("mapping"); };
    if ((m || n || split) && llvm::none_of(cascade.getOps<attn::StreamOp>(), isMapped)) {
      cascade.emitError("no traversal of this cascade runs in tiles, which is what 'm', 'n' and 'split' of a "
                        "mapping are about");
      return signalPassFailure();
    }
  }

private:
  int64_t mostBytes() const { return std::max<int64_t>(sharedBytes, launchBytes); }
  /// Rows and keys of a tile whose products are rounded to tf32; nothing: they are not.
  std::optional<std::pair<int64_t, int64_t>> shapeInTF32(const StreamTiles &plan) const {
    return tf32 && sharedBytes ? shapeForTensorFloats(plan, mostBytes(), m, n) : std::nullopt;
  }

  /// Rows and keys of a tile whose rows stay in registers from the first product to the result; nothing: they do not.
  std::optional<std::pair<int64_t, int64_t>> shapeInRegisters(const StreamTiles &plan) {
    if (auto inTF32 = shapeInTF32(plan))
      return inTF32;
    auto shape = shapeForTensorCores(plan, sharedBytes);
    if (!shape)
      return launchBytes ? shapeForMultiplyAdds(plan, launchBytes, m, n) : std::nullopt;
    bool isGiven = (!m || m == 16 * kWarps || m == 32 * kWarps) && (!n || (n % 16 == 0 && n <= shape->second));
    return isGiven ? shape : std::nullopt;
  }

  /// Where right factors are copied, and where factors are rounded: left ones to the type of the right one, or both to tf32.
  static void noteProducts(const StreamTiles &plan, bool isInTF32) {
    for (auto &[op, product] : plan.products) {
      if (product.right.empty())
        continue;
      Type narrow = narrowInputOf(product.right[0]);
      if (isInTF32)
        op->setAttr(mapping::kRoundedAttr, TypeAttr::get(FloatTF32Type::get(op->getContext())));
      if (!narrow)
        op->setAttr(mapping::kCopiedAttr, Builder(op->getContext()).getI64IntegerAttr(product.inner));
      else if (isa<attn::AccumulateOp>(op))
        op->setAttr(mapping::kRoundedAttr, TypeAttr::get(narrow));
    }
  }

  /// That the matrix unit takes all products, and where left factors are rounded for it.
  static void noteMatrixUnit(const StreamTiles &plan) {
    for (auto &[op, product] : plan.products) {
      if (product.right.empty())
        continue;
      bool isRounded = isRoundedForMatrixUnit(plan, op, product);
      op->setAttr(mapping::kMatrixUnitAttr, Builder(op->getContext()).getI64IntegerAttr(isRounded ? 1 : 3));
      if (isRounded && isa<attn::AccumulateOp>(op))
        op->setAttr(mapping::kRoundedAttr, TypeAttr::get(narrowInputOf(product.right[0])));
    }
  }

  /// Queries that are too few for a tile are its rows with those of other heads whose keys are the same, where that makes fewer blocks.
  void takeHeads(attn::StreamOp stream, const StreamTiles &plan, bool inRegisters,
                 function_ref<std::optional<StreamTiles>()> planAgain, Extents &extents) {
    auto best = stream->getAttrOfType<mapping::TilesAttr>("mapping");
    int64_t least = StreamSplit::of(plan, best, extents, /*concurrent=*/1).leastBlocks;
    for (auto &[name, extent] : plan.outer) {
      auto rows = StringAttr::get(&getContext(), name + ", " + plan.nameOfRow());
      auto sizes = mapping::TilesAttr::get(&getContext(), rows, best.getM(), best.getN(), split, best.getSteps());
      stream->setAttr("mapping", sizes);
      std::optional<StreamTiles> tuples = planAgain();
      bool isKnown = tuples && tuples->countRows() && (!tuples->shared || tuples->getShare());
      if (!isKnown || tuples->rows.size() != 2 || hasShifted(*tuples) ||
          (inRegisters && !shapeInRegisters(*tuples)))
        continue;
      int64_t blocks = StreamSplit::of(*tuples, sizes, extents, /*concurrent=*/1).leastBlocks;
      if (blocks < least) {
        least = blocks;
        best = mapping::TilesAttr::get(&getContext(), StringAttr::get(&getContext(), tuples->nameOfRow()), best.getM(),
                                       best.getN(), split, best.getSteps());
      }
    }
    stream->setAttr("mapping", best);
  }

  /// Whether sizes that were asked for can be.
  LogicalResult checkGiven(attn::StreamOp stream, const StreamTiles &plan, std::pair<int64_t, int64_t> shape) {
    if (!m && !n && !split)
      return success();
    int64_t lanes = vectorBytes * 8 / plan.real.getIntOrFloatBitWidth();
    if (!sharedBytes && shape.first > lanes && shape.first % lanes)
      return stream.emitOpError("cannot have tiles of ")
             << shape.first << " rows: a vector holds " << lanes << " of them, expected a multiple or fewer";
    int64_t bytes = bytesOf(plan, shape.first, shape.second), most = sharedBytes ? sharedBytes : kFrame;
    if (bytes > most)
      return stream.emitOpError("has tiles of ")
             << shape.first << " rows and " << shape.second << " keys that take about " << bytes
             << " bytes, more than the " << most << " that there are for them; make 'm' or 'n' smaller";
    return success();
  }
};
} // namespace
