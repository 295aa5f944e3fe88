//===- MatrixCopies.cpp - matrices of arguments into shared memory --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All threads of a block copy, 8 elements (16 bytes) at a time, neighbours along a line. An argument whose
// lines do not begin at multiples of 16 bytes is copied element by element.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

constexpr int64_t kPiece = 8; ///< elements that are copied at a time

/// Whether all lines of the argument that `view` is part of begin at multiples of 16 bytes.
Value FragmentEmitter::isAligned(Value view) {
  auto part = view.getDefiningOp<memref::SubViewOp>();
  Value argument = part ? part.getSource() : view;
  if (Value known = alignments.lookup(argument))
    return known;
  Builder b(kernel.getLoc(), kernel.getContext());
  if (isa<BlockArgument>(argument))
    b.setInsertionPointAfter(columnBase.getDefiningOp());
  else
    b.setInsertionPointAfterValue(argument);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, argument);
  Value bits = memref::ExtractAlignedPointerAsIndexOp::create(b, argument);
  Value two = constant(b, 2);
  SmallVector<Value> steps(metadata.getStrides().drop_back());
  steps.push_back(metadata.getOffset());
  for (Value step : steps)
    bits = arith::OrIOp::create(b, bits, arith::MulIOp::create(b, step, two));
  Value low = arith::AndIOp::create(b, bits, constant(b, 2 * kPiece - 1));
  Value aligned = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, low, constant(b, 0));
  alignments[argument] = aligned;
  return aligned;
}

/// Lines of `from` into those of `to`; zeros into those behind `count`.
void FragmentEmitter::copyLines(Builder &b, Value from, Value to, Value count, Value aligned) {
  auto type = cast<MemRefType>(to.getType());
  int64_t lines = type.getDimSize(0), length = type.getDimSize(1) - kPiece, pieces = length / kPiece;
  auto vector = VectorType::get({kPiece}, type.getElementType());
  auto loop = scf::ForOp::create(b, thread, constant(b, lines * pieces), constant(b, threads));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value at = loop.getInductionVar(), width = constant(b, pieces);
  Value line = arith::DivUIOp::create(b, at, width);
  Value column = arith::MulIOp::create(b, arith::RemUIOp::create(b, at, width), constant(b, kPiece));
  Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, line, count);
  auto branch = scf::IfOp::create(b, vector, isThere, /*withElseRegion=*/true);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, Value(arith::ConstantOp::create(b, b.getZeroAttr(vector))));
  b.setInsertionPointToStart(branch.thenBlock());
  auto choice = scf::IfOp::create(b, vector, aligned, /*withElseRegion=*/true);
  scf::YieldOp::create(b, choice.getResults());
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, Value(vector::LoadOp::create(b, vector, from, ValueRange{line, column}, false,
                                                       llvm::MaybeAlign(2 * kPiece))));
  b.setInsertionPointToStart(choice.elseBlock());
  SmallVector<Value> elements;
  for (int64_t k = 0; k < kPiece; ++k)
    elements.push_back(
        memref::LoadOp::create(b, from, ValueRange{line, arith::AddIOp::create(b, column, constant(b, k))}));
  scf::YieldOp::create(b, Value(vector::FromElementsOp::create(b, vector, elements)));
  b.setInsertionPointAfter(branch);
  vector::StoreOp::create(b, branch.getResult(0), to, ValueRange{line, column}, false,
                          llvm::MaybeAlign(2 * kPiece));
}

void FragmentEmitter::copyMatrix(Builder &b, linalg::GenericOp op) {
  Value from = op.getInputs()[0];
  TileView to = viewOf(op.getOutputs()[0]);
  Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), to.sizes[0]);
  Value aligned = isAligned(from);
  gpu::BarrierOp::create(b); // some warp may still read what was there
  copyLines(b, from, memories.lookup(to.tile), count, aligned);
  gpu::BarrierOp::create(b);
}
