//===- KernelContract.h - what a level-4 kernel looks like ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module holds for each kernel NAME the functions
//   @NAME(inputs, params, outputs, %ws: memref<?xi8>)       attribute weir.kernel; every output argument has weir.output
//   @NAME.workspace(inputs, params, outputs) -> i64         bytes of %ws               (may be left out: 0)
//   @NAME.check(inputs, params, outputs) -> i64             0, or 1 + index into weir.checks of the broken promise
//                                                           (may be left out: no promises)
//   @NAME.extents(inputs, params, outputs, %out: memref<?xi64>)   stores the extents of all outputs, one output after
//                                                           another (may be left out: then every rank of an output must
//                                                           have the name of an input's rank or be static). The runtime
//                                                           uses it to allocate and to check outputs.
// and, where run-time predicates are decided for whole tiles from inputs alone,
//   @NAME.plan_bytes(inputs, params, outputs) -> i64        bytes of a plan
//   @NAME.plan(inputs, params, outputs, %plan: memref<?xi8>)   attribute weir.plan; fills it
// in which case @NAME takes a plan, marked weir.plan, between its outputs and its workspace.
// In functions that return or store numbers the data pointers may be null, and in @NAME.extents the outputs' extents are not known yet: only
// memref.dim of inputs, and params, may be read. Arguments carry attn.name, attn.ranks (tensors), attn.type (a TypeAttr of
// the element type in the language: i1, ui8, i4, f8E4M3FN where the storage is i8), attn.default.
#ifndef WEIR_SUPPORT_KERNELCONTRACT_H
#define WEIR_SUPPORT_KERNELCONTRACT_H
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace weir {

inline constexpr llvm::StringLiteral kKernelAttr = "weir.kernel";   ///< unit, on @NAME
inline constexpr llvm::StringLiteral kOutputAttr = "weir.output";   ///< unit, on an output argument of @NAME
inline constexpr llvm::StringLiteral kPlanAttr = "weir.plan";       ///< unit, on @NAME.plan and on the argument of @NAME that it fills
inline constexpr llvm::StringLiteral kBlockedAttr = "weir.blocked"; ///< unit, on a parallel loop and the function made of it: LLVM shall not unroll its loops
inline constexpr llvm::StringLiteral kBlocksOfAttr = "weir.blocks_of"; ///< index, on a contraction: its extents are multiples of it
inline constexpr llvm::StringLiteral kMatrixUnitAttr = "weir.matrix_unit"; ///< i64, on a contraction: of how many bf16 a left factor is: 1 (rounded) or 3
inline constexpr llvm::StringLiteral kRowsAttr = "weir.rows"; ///< unit, on a tile beside a matrix unit: its lines are rows side by side
inline constexpr llvm::StringLiteral kStripAttr = "weir.strip"; ///< unit, on a tile operation: it is for a vector of rows, and runs several chains
inline constexpr llvm::StringLiteral kWarpsAttr = "weir.warps";     ///< i32, on @NAME: its code says what each thread of so many warps does
inline constexpr llvm::StringLiteral kChecksAttr = "weir.checks";   ///< array of strings, on @NAME
inline constexpr llvm::StringLiteral kKernelsAttr = "weir.kernels"; ///< array of dictionaries, on the module, from level 5 on
inline constexpr llvm::StringLiteral kWorkspaceSuffix = ".workspace", kCheckSuffix = ".check", kExtentsSuffix = ".extents",
                                     kPlanBytesSuffix = ".plan_bytes", kPlannerSuffix = ".plan", kEntrySuffix = ".entry";
/// Of the functions that say numbers.
inline constexpr llvm::StringLiteral companionSuffixes[] = {kWorkspaceSuffix, kCheckSuffix, kExtentsSuffix, kPlanBytesSuffix};

/// The signatures of a module's kernels, at level 4 or later: one dictionary {name, inputs, outputs, params, checks, has_workspace,
/// has_check, has_extents, has_plan_bytes} each, a tensor {name, type, ranks, shape}, a param {name, type, storage, default}. What
/// add-kernel-entries keeps as weir.kernels.
mlir::ArrayAttr describeKernels(mlir::ModuleOp module);

} // namespace weir
#endif
