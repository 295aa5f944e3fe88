//===- PictureMask.h - shades of a mask -----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_ANALYSIS_PICTUREMASK_H
#define WEIR_LIB_ANALYSIS_PICTUREMASK_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/CascadeModel.h"
#include "weir/Analysis/Picture.h"

namespace weir {

/// Rectangles, merged where neighbours are alike; beyond `most` as cells of a picture of rows by keys.
std::vector<ShadedRect> mergeShades(std::vector<ShadedRect> rects, int64_t rows, int64_t keys,
                                    bool &isCoarse);

/// Extents for ranks that are open and not given; returns what was assumed, as text.
std::string assumeOpenExtents(const CascadeModel &model, llvm::StringMap<int64_t> &extents);

/// The mask of the first stream in tiles, or of the first tensor that has a domain.
std::optional<MaskPicture> drawMask(mlir::func::FuncOp cascade, mlir::func::FuncOp streamed,
                                    const llvm::StringMap<int64_t> &extents, const KnownInputs &known);

DataflowPicture drawDataflow(mlir::func::FuncOp cascade, mlir::func::FuncOp streamed);

} // namespace weir
#endif
