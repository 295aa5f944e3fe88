//===- MappingDialect.cpp - how a cascade is run --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Mapping/MappingDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Mapping/MappingAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Mapping/Mapping.cpp.inc"

mlir::Value weir::mapping::PackedOp::getViewSource() { return getSource(); }

bool weir::mapping::isRoundedToTF32(mlir::Operation *product) {
  auto rounded = product->getAttrOfType<mlir::TypeAttr>(kRoundedAttr);
  return rounded && llvm::isa<mlir::FloatTF32Type>(rounded.getValue());
}

int64_t weir::mapping::piecesOnMatrixUnit(mlir::Operation *product) {
  auto pieces = product->getAttrOfType<mlir::IntegerAttr>(kMatrixUnitAttr);
  return pieces ? pieces.getInt() : 0;
}

void weir::mapping::MappingDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Mapping/MappingAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Mapping/Mapping.cpp.inc"
      >();
}

// Each constraint `loops_cN` is stated in README.md and the name of its negative test.
mlir::LogicalResult weir::mapping::LoopsAttr::verify(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                                                     int64_t group, mlir::ArrayAttr shared,
                                                     mlir::StringAttr) {
  if (group < 0) // loops_c1
    return emitError() << "group " << group << " is negative";
  llvm::StringSet<> seen;
  for (mlir::Attribute coordinate : shared) {
    auto name = llvm::dyn_cast<mlir::StringAttr>(coordinate);
    if (!name || name.getValue().empty()) // loops_c2
      return emitError() << "'shared' is a list of coordinates' names, not " << shared;
    if (!seen.insert(name.getValue()).second) // loops_c3
      return emitError() << "'shared' has the coordinate '" << name.getValue() << "' twice";
  }
  return mlir::success();
}

// Each constraint `tiles_cN` likewise.
mlir::LogicalResult weir::mapping::TilesAttr::verify(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                                                     mlir::StringAttr rows, int64_t m, int64_t n, int64_t split,
                                                     llvm::ArrayRef<int64_t> steps) {
  if (rows.getValue().empty()) // tiles_c1
    return emitError() << "'rows' is empty, expected a coordinate's name";
  if (m <= 0 || n <= 0) // tiles_c2
    return emitError() << "tiles of " << m << " by " << n << ", expected positive sizes";
  if (split < 0) // tiles_c3
    return emitError() << "a split into " << split << " parts, expected 0 (chosen later) or more";
  for (int64_t step : steps)
    if (step <= 0) // tiles_c4
      return emitError() << "a step of " << step << " from key to key, expected 1 or more";
  return mlir::success();
}
