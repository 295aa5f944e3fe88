//===- ElementType.h - the fourteen element types -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_SUPPORT_ELEMENTTYPE_H
#define WEIR_SUPPORT_ELEMENTTYPE_H
#include "mlir/IR/Types.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace weir {

/// Numbered as in the C interface (weir_runtime.h): the numbers are part of the ABI.
enum class ElementType { F64, F32, F16, BF16, F8E4M3, F8E5M2, I64, I32, I16, I8, I4, U32, U8, Bool };

llvm::StringRef getName(ElementType type);                                   ///< "bf16"
std::optional<ElementType> parseElementType(llvm::StringRef name);
unsigned getBits(ElementType type);                                          ///< 4 for i4, 8 for bool
bool isReal(ElementType type);
bool isInteger(ElementType type);                                            ///< neither real nor bool
mlir::Type toMLIR(ElementType type, mlir::MLIRContext *context);             ///< u8 is ui8, bool is i1
std::optional<ElementType> fromMLIR(mlir::Type type);

/// `value` rounded to `type`: reals to nearest even (f8e4m3 without infinities saturates to NaN as OCP says), a real to an integer toward zero, saturating, NaN to 0.
/// A bool is whether it is not 0.
long double roundTo(long double value, ElementType type);

/// The code of roundTo(value, type) in the low getBits(type) bits; NaN is the quiet one. And the value of a code: its other bits must be 0
/// for unsigned types and reals, and are ignored for signed integers.
uint64_t toBits(long double value, ElementType type);
long double fromBits(uint64_t bits, ElementType type);

} // namespace weir
#endif
