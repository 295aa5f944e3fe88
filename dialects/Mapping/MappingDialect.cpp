//===- MappingDialect.cpp - how a cascade is run --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Mapping/MappingDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Mapping/MappingAttrs.cpp.inc"

void weir::mapping::MappingDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Mapping/MappingAttrs.cpp.inc"
      >();
}
