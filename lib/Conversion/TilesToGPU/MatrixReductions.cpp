//===- MatrixReductions.cpp - one value of a whole matrix -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether all values of a tile of keys are finite is asked in each tile that a mask cuts through, so all threads of a block take part: each in
// its own pieces, then in its warp, then in what the warps leave in shared memory.
#include "FragmentEmitter.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

void FragmentEmitter::reduceMatrix(Builder &b, linalg::GenericOp op) {
  constexpr unsigned lanesOfWarp = 32;
  SmallVector<Operation *> combiners;
  Value term = matchReduction(op.getRegionOutputArgs(), 0, combiners);
  Operation *combiner = combiners[0];
  TileView view = viewOf(op.getInputs()[0]);
  Value matrix = memories.lookup(view.tile), out = memories.lookup(viewOf(op.getOutputs()[0]).tile);
  auto type = cast<MemRefType>(matrix.getType());
  int64_t columns = view.tile.getType().getDimSize(1), piece = pieceOf(type.getElementType()), total = type.getDimSize(0) * columns / piece;
  Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), view.sizes[0]);
  Value thread = readThread(b);
  auto fold = [&](Value sum, Value element) {
    IRMapping values;
    if (!element.getType().isF32())
      element = arith::ExtFOp::create(b, b.getF32Type(), element);
    values.map(op.getBody()->getArgument(0), element);
    for (Operation &inside : op.getBody()->without_terminator())
      if (&inside != combiner)
        b.clone(inside, values);
    return combine(b, combiner, sum, values.lookupOrDefault(term));
  };
  Value all = arith::ConstantFloatOp::create(b, b.getF32Type(), APFloat(identityOf(combiner)));
  for (int64_t first = 0; first < total; first += threads) {
    Value at = arith::AddIOp::create(b, thread, constant(b, first));
    auto [line, column] = pieceAt(b, at, type);
    Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, line, count);
    auto branch = scf::IfOp::create(b, b.getF32Type(), isThere, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value some = vector::LoadOp::create(b, VectorType::get({piece}, type.getElementType()), matrix, ValueRange{line, column},
                                        /*nontemporal=*/false, llvm::MaybeAlign(16));
    Value sum = all;
    for (int64_t k = 0; k < piece; ++k)
      sum = fold(sum, vector::ExtractOp::create(b, some, k));
    scf::YieldOp::create(b, sum);
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, all);
    all = branch.getResult(0);
  }
  for (unsigned distance = 1; distance < lanesOfWarp; distance *= 2)
    all = combine(b, combiner, all, butterfly(b, all, distance));
  unsigned warps = threads / lanesOfWarp;
  auto shared = MemRefType::get({warps}, b.getF32Type(), MemRefLayoutAttrInterface(),
                                gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup));
  Value ofWarps = memref::AllocaOp::create(b, shared);
  gpu::BarrierOp::create(b); // some warp may still read what was there
  Value lane = arith::RemUIOp::create(b, thread, constant(b, lanesOfWarp));
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(b, 0));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(scf::IfOp::create(b, isFirst, /*withElseRegion=*/false).thenBlock());
    Value warp = arith::DivUIOp::create(b, thread, constant(b, lanesOfWarp));
    memref::StoreOp::create(b, all, ofWarps, warp);
  }
  gpu::BarrierOp::create(b);
  Value result = element(b, out, 0);
  for (unsigned warp = 0; warp < warps; ++warp)
    result = combine(b, combiner, result, element(b, ofWarps, warp));
  setElement(b, result, out, 0);
}
