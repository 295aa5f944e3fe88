//===- TileLayouts.cpp - which threads hold which elements of a tile ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TileLayouts.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace weir;

TileView weir::viewOf(Value operand) {
  if (auto tile = operand.getDefiningOp<memref::AllocaOp>()) {
    Builder b(tile.getContext());
    SmallVector<OpFoldResult> sizes;
    for (int64_t extent : tile.getType().getShape())
      sizes.push_back(b.getIndexAttr(extent));
    return {tile, sizes};
  }
  auto view = operand.getDefiningOp<memref::SubViewOp>();
  if (!view)
    return {};
  auto tile = view.getSource().getDefiningOp<memref::AllocaOp>();
  if (tile)
    return {tile, view.getMixedSizes()};
  SmallVector<OpFoldResult> sizes;
  llvm::SmallBitVector dropped = view.getDroppedDims();
  for (auto [k, size] : llvm::enumerate(view.getMixedSizes()))
    if (!dropped[k])
      sizes.push_back(size);
  return {nullptr, sizes};
}

SmallVector<Operation *> weir::usersOf(memref::AllocaOp tile) {
  SmallVector<Operation *> users(tile->getUsers());
  for (size_t k = 0; k < users.size(); ++k)
    if (isa<memref::SubViewOp>(users[k]))
      llvm::append_range(users, users[k]->getUsers());
  return users;
}

bool weir::writesTo(linalg::LinalgOp op, memref::AllocaOp tile) {
  return llvm::any_of(op.getDpsInits(), [&](Value out) { return viewOf(out).tile == tile; });
}

bool weir::isCopy(linalg::LinalgOp op) {
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic || generic.getNumDpsInputs() != 1 || generic.getNumDpsInits() != 1 ||
      !llvm::all_of(generic.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }))
    return false;
  Value yielded = generic.getBody()->getTerminator()->getOperand(0), element = generic.getBody()->getArgument(0);
  if (!yielded.getType().isF32())
    return false;
  auto widened = yielded.getDefiningOp<arith::ExtFOp>();
  bool isNarrow = element.getType().isBF16() || element.getType().isF16();
  return yielded == element || (widened && isNarrow && widened.getIn() == element);
}

std::optional<NarrowSource> weir::narrowSourceOf(linalg::GenericOp op) {
  Value yielded = op.getBody()->getTerminator()->getOperand(0);
  NarrowSource source{Type(), yielded, nullptr, Value()};
  auto isOutside = [&](Value v) { return !op.getRegion().isAncestor(v.getParentRegion()); };
  if (Operation *def = yielded.getDefiningOp(); isa_and_nonnull<arith::DivFOp, arith::MulFOp>(def)) {
    unsigned at = isa<arith::MulFOp>(def) && isOutside(def->getOperand(0)) ? 0 : 1;
    if (!isOutside(def->getOperand(at)))
      return std::nullopt;
    source.scaling = def;
    source.scale = def->getOperand(at);
    source.wide = def->getOperand(1 - at);
  }
  auto widened = source.wide.getDefiningOp<arith::ExtFOp>();
  if (!widened || !widened.getType().isF32())
    return std::nullopt;
  source.element = widened.getIn().getType();
  if (!source.element.isBF16() && !source.element.isF16())
    return std::nullopt;
  return source;
}

linalg::GenericOp weir::narrowFillOf(memref::AllocaOp tile) {
  linalg::GenericOp found;
  for (Operation *user : tile->getUsers()) {
    auto op = dyn_cast<linalg::LinalgOp>(user);
    if (!op)
      return nullptr;
    if (!llvm::is_contained(op.getDpsInits(), tile.getResult()))
      continue;
    auto generic = dyn_cast<linalg::GenericOp>(user);
    if (found || !generic || generic.getNumReductionLoops() || !narrowSourceOf(generic))
      return nullptr;
    found = generic;
  }
  return found;
}

bool TileLayouts::isInnerFirst(linalg::ContractOp op) {
  AffineMap left = op.getIndexingMapsArray()[0], right = op.getIndexingMapsArray()[1];
  return left.getResult(1) == right.getResult(0);
}

bool TileLayouts::refuse(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return false;
}

/// Dimensions of tiles that one loop counts through are the same.
void TileLayouts::unite(linalg::LinalgOp op) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    TileView view = viewOf(operand.get());
    if (!view.tile)
      continue;
    for (auto [k, result] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(result))
        classes.unionSets({view.tile, k}, {op, dim.getPosition()});
  }
}

bool TileLayouts::findRow(ArrayRef<linalg::ContractOp> products) {
  if (products.empty())
    return refuse("it has no product of matrices");
  for (linalg::ContractOp op : products) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (maps[0].getNumResults() != 2 || maps[1].getNumResults() != 2 || maps[2].getNumResults() != 2 ||
        maps[0].getResult(0) != maps[2].getResult(0) || maps[1].isFunctionOfDim(maps[0].getDimPosition(0)))
      return refuse("a product is none of a matrix of rows");
    Dim own{op, maps[0].getDimPosition(0)};
    if (!row.first)
      row = own;
    classes.unionSets(row, own); // also of products that have nothing to do with each other
  }
  return true;
}

/// The elements of what is copied into a tile; null: nothing is.
static Type copiedInto(memref::AllocaOp tile) {
  for (Operation *user : tile ? usersOf(tile) : SmallVector<Operation *>())
    if (auto copy = dyn_cast<linalg::LinalgOp>(user); copy && writesTo(copy, tile) && isCopy(copy))
      return cast<MemRefType>(copy.getDpsInputs()[0].getType()).getElementType();
  return nullptr;
}

/// What computes products follows from the elements of a right factor, of f32 from whether they are rounded; checkProduct asks for the same of all.
void TileLayouts::findUnit(ArrayRef<linalg::ContractOp> products) {
  Type right = copiedInto(viewOf(products[0]->getOperand(1)).tile);
  if (!right || !right.isF32())
    return;
  bool isRounded = llvm::all_of(products, [](linalg::ContractOp op) { return mapping::isRoundedToTF32(op); });
  unitOfProducts = isRounded ? Unit::TensorFloat : Unit::MultiplyAdd;
  for (linalg::ContractOp op : products) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    Dim columns(op, maps[2].getDimPosition(1));
    if (memref::AllocaOp out = viewOf(op->getOperand(2)).tile; !isRounded && out && isInnerFirst(op)) // a right factor is read along the sums' columns
      longRuns.push_back({columns, out.getType().getDimSize(1) % 32 == 0 ? 4u : 2u});
    if (isRounded) // as mma.sync has sums, and these are left factors
      longRuns.push_back({columns, 2});
    if (isRounded && isInnerFirst(op))
      longRuns.push_back({{op, maps[0].getDimPosition(1)}, 2});
  }
}

unsigned TileLayouts::runOf(Operation *op, unsigned dim) const {
  for (auto [along, run] : longRuns)
    if (classes.isEquivalent({op, dim}, along))
      return run;
  return runs().front();
}

ArrayRef<unsigned> TileLayouts::runs() const {
  static constexpr unsigned two[] = {2}, all[] = {1, 2, 4};
  if (unitOfProducts == Unit::TensorCores)
    return two;
  return unitOfProducts == Unit::TensorFloat ? ArrayRef(all).drop_back() : ArrayRef(all);
}

/// A tile that is only ever filled with elements of an argument; products take these as they are.
bool TileLayouts::isMatrix(memref::AllocaOp tile) {
  bool isFilled = false;
  for (Operation *user : usersOf(tile)) {
    if (isa<memref::SubViewOp>(user))
      continue;
    auto op = dyn_cast<linalg::LinalgOp>(user);
    if (!op)
      return false;
    if (!writesTo(op, tile))
      continue;
    TileView from = isCopy(op) ? viewOf(op.getDpsInputs()[0]) : TileView();
    if (from.tile || from.sizes.size() != 2)
      return false;
    Type element = cast<MemRefType>(op.getDpsInputs()[0].getType()).getElementType();
    if ((isFilled && elements.lookup(tile) != element) || element.isF32() != (unitOfProducts != Unit::TensorCores))
      return false;
    elements[tile] = element;
    isFilled = true;
  }
  return isFilled && tile.getType().getDimSize(1) % multipleOfColumns() == 0 && tile.getType().getDimSize(0) % 16 == 0;
}

static bool isCombiner(Operation *op) {
  return isa<arith::AddFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp, arith::MulFOp>(op);
}

/// A single value that is filled, and reduced of whole matrices element by element.
bool TileLayouts::isCommon(memref::AllocaOp tile) {
  auto isReduction = [&](linalg::GenericOp op) {
    SmallVector<Operation *> combiners;
    return op && op.getNumLoops() == 2 && op.getNumReductionLoops() == 2 && op.getNumDpsInputs() == 1 &&
           op.getNumDpsInits() == 1 && op.getIndexingMapsArray()[0].isIdentity() && !op.hasIndexSemantics() &&
           viewOf(op.getDpsInputs()[0]).tile && isMatrix(viewOf(op.getDpsInputs()[0]).tile) &&
           matchReduction(op.getRegionOutputArgs(), 0, combiners) && combiners.size() == 1 && isCombiner(combiners[0]) &&
           op.getRegionOutputArgs()[0].hasOneUse();
  };
  return tile.getType().getElementType().isF32() && llvm::all_of(tile->getUsers(), [&](Operation *user) {
    return isa<linalg::FillOp>(user) || (isa<memref::LoadOp>(user) && !user->getParentOfType<linalg::LinalgOp>()) ||
           isReduction(dyn_cast<linalg::GenericOp>(user));
  });
}

bool TileLayouts::assign(memref::AllocaOp tile) {
  MemRefType type = tile.getType();
  if (!type.hasStaticShape() || !type.getLayout().isIdentity())
    return refuse("a tile's extents are not known");
  for (int64_t k = 0; k < type.getRank(); ++k) {
    if (!isRow({tile, k}))
      continue;
    if (k != 0 || type.getRank() > 2 || type.getDimSize(0) != rowsOfTile || !type.getElementType().isF32())
      return refuse("a tile of rows has another shape or type");
    if (type.getRank() == 2 && type.getDimSize(1) % multipleOfColumns() != 0)
      return refuse("a tile has a number of columns that " + Twine(multipleOfColumns()) + " does not divide");
    kinds[tile] = type.getRank() == 2 ? Kind::Fragment : Kind::Row;
  }
  if (type.getRank() == 0 && isCommon(tile))
    kinds[tile] = Kind::Common;
  if (!kinds.count(tile))
    kinds[tile] = type.getRank() == 2 && isMatrix(tile) ? Kind::Matrix : Kind::Plain;
  return true;
}

bool TileLayouts::isInRegisters(memref::AllocaOp tile) const {
  auto it = kinds.find(tile);
  return it != kinds.end() && it->second != Kind::Matrix && it->second != Kind::Plain;
}

bool TileLayouts::isInRegisters(linalg::LinalgOp op) const {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    TileView view = isa<MemRefType>(operand.getType()) ? viewOf(operand) : TileView();
    return view.tile && isInRegisters(view.tile);
  });
}

OpFoldResult TileLayouts::firstRowOf(Value operand) const {
  auto view = operand.getDefiningOp<memref::SubViewOp>();
  memref::AllocaOp tile = view ? viewOf(operand).tile : memref::AllocaOp();
  if (!tile || !isInRegisters(tile) || isConstantIntValue(view.getMixedOffsets()[0], 0))
    return {};
  return view.getMixedOffsets()[0];
}

std::optional<unsigned> TileLayouts::rowOf(linalg::LinalgOp op) const {
  for (unsigned k = 0; k < op.getNumLoops(); ++k)
    if (isRow({op, k}))
      return k;
  return std::nullopt;
}

/// Tensor cores take 16-bit elements. Widened ones lose nothing; their scale is applied to the sums. Over
/// keys left factors are weights, which are rounded. Of f32 any left factor is taken.
bool TileLayouts::checkProduct(linalg::ContractOp op) {
  TileView left = viewOf(op->getOperand(0)), right = viewOf(op->getOperand(1)),
           out = viewOf(op->getOperand(2));
  if (!left.tile || !right.tile || !out.tile || kindOf(left.tile) != Kind::Fragment ||
      kindOf(right.tile) != Kind::Matrix || kindOf(out.tile) != Kind::Fragment)
    return refuse("a product has a right factor that is no matrix of an argument");
  if (isInnerFirst(op) || unitOfProducts != Unit::TensorCores)
    return true;
  linalg::GenericOp fill = narrowFillOf(left.tile);
  if (!fill || narrowSourceOf(fill)->element != elementOf(right.tile))
    return refuse("a left factor is not of the same 16-bit elements as the right one");
  return true;
}

/// Tiles in registers that are read inside are read at the loops' indices.
bool TileLayouts::checkRegion(linalg::GenericOp op) {
  WalkResult result = op.getRegion().walk([&](memref::LoadOp load) {
    auto tile = load.getMemRef().getDefiningOp<memref::AllocaOp>();
    if (!tile || !isInRegisters(tile))
      return WalkResult::advance();
    for (auto [k, index] : llvm::enumerate(load.getIndices())) {
      auto loop = index.getDefiningOp<linalg::IndexOp>();
      if (!loop || isRow({op, loop.getDim()}) != (k == 0))
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return !result.wasInterrupted() || refuse("a tile of rows is read at computed places");
}

bool TileLayouts::check(linalg::LinalgOp op) {
  if (!isInRegisters(op))
    return true;
  if (isa<linalg::FillOp>(op) || op.getNumReductionLoops() == op.getNumLoops()) // see isCommon
    return true;
  if (auto product = dyn_cast<linalg::ContractOp>(op.getOperation()))
    return checkProduct(product);
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  std::optional<unsigned> rowLoop = rowOf(op);
  if (!generic || !rowLoop || generic.getNumLoops() > 3)
    return refuse("a tile operation has another form");
  if (generic.getNumReductionLoops() > 1 ||
      (generic.getNumLoops() == 3 && generic.getNumReductionLoops() != 1) ||
      generic.getIteratorTypesArray()[*rowLoop] != utils::IteratorType::parallel)
    return refuse("a tile operation reduces over several dimensions, or over rows");
  for (Value out : generic.getOutputs()) {
    memref::AllocaOp tile = viewOf(out).tile;
    if (tile && !isInRegisters(tile))
      return refuse("values of rows go into a tile without rows");
    if (generic.getNumReductionLoops() && (!tile || generic.getNumDpsInits() != 1))
      return refuse("a reduction goes into an argument, or into several tiles");
  }
  std::optional<OpFoldResult> first;
  for (Value operand : generic->getOperands()) {
    TileView view = isa<MemRefType>(operand.getType()) ? viewOf(operand) : TileView();
    if (!view.tile || !isInRegisters(view.tile))
      continue;
    if (first && *first != firstRowOf(operand))
      return refuse("the rows of a tile operation begin at different places of tiles");
    first = firstRowOf(operand);
  }
  for (AffineMap map : generic.getIndexingMapsArray())
    if (!map.isProjectedPermutation())
      return refuse("a tile operation indexes in another way than by its loops");
  if (generic.getNumReductionLoops()) {
    SmallVector<Operation *> combiners;
    Value term = matchReduction(generic.getRegionOutputArgs(), 0, combiners);
    if (!term || combiners.size() != 1 || !generic.getRegionOutputArgs()[0].hasOneUse() ||
        !isCombiner(combiners[0]))
      return refuse("a reduction along rows is no sum, product, maximum or minimum");
  }
  return checkRegion(generic);
}

std::optional<TileLayouts> TileLayouts::of(gpu::GPUFuncOp kernel, unsigned warps, std::string &why) {
  TileLayouts result;
  SmallVector<linalg::LinalgOp> ops;
  SmallVector<linalg::ContractOp> products;
  SmallVector<memref::AllocaOp> tiles;
  kernel.walk([&](Operation *op) {
    if (auto product = dyn_cast<linalg::ContractOp>(op))
      products.push_back(product);
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      ops.push_back(linalgOp);
    if (auto tile = dyn_cast<memref::AllocaOp>(op))
      tiles.push_back(tile);
  });
  for (linalg::LinalgOp op : ops)
    result.unite(op);
  auto isOutside = [&](memref::AllocaOp tile) { // read or written one by one, by every thread alike
    return result.isInRegisters(tile) && result.kindOf(tile) != Kind::Common && llvm::any_of(tile->getUsers(), [](Operation *user) {
             return isa<memref::LoadOp, memref::StoreOp>(user) && !user->getParentOfType<linalg::LinalgOp>();
           });
  };
  bool fits = result.findRow(products);
  if (fits) {
    result.findUnit(products);
    memref::AllocaOp left = viewOf(products[0]->getOperand(0)).tile;
    result.rowsOfTile = left ? left.getType().getDimSize(0) : 0;
    if (result.rowsOfTile != 16 * warps && result.rowsOfTile != 32 * warps)
      fits = result.refuse("a tile has another number of rows");
  }
  fits = fits &&
              llvm::all_of(tiles, [&](memref::AllocaOp tile) { return result.assign(tile); }) &&
              llvm::all_of(ops, [&](linalg::LinalgOp op) { return result.check(op); });
  if (fits && llvm::any_of(tiles, isOutside))
    fits = result.refuse("a tile of rows is read outside of tile operations");
  why = result.reason;
  if (!fits)
    return std::nullopt;
  return result;
}
