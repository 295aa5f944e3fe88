//===- ExpandNarrowFloats.cpp - conversions that processors lack -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs on a tiled kernel before any conversion to the llvm dialect, which has no 8-bit floats and makes a
// call per lane of a rounding to bf16. Every conversion goes through f32. From f64 that step rounds to odd
// (below), so that the whole rounds once. Leaves conversions between f32 and f16 (F16C), f32 and f64, and
// with has-bf16 those between f32 and bf16; leaves no value of an 8-bit float type.
#include "ArithBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include <cmath>

namespace weir {
#define GEN_PASS_DEF_EXPANDNARROWFLOATS
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;

static bool isFloat8(Type type) { return isa<Float8E4M3FNType, Float8E5M2Type>(getElementTypeOrSelf(type)); }

//===----------------------------------------------------------------------===//
// To f32
//===----------------------------------------------------------------------===//

/// bf16 is the upper half of f32.
static Real widenBF16(Bits code, FloatType f32) { return code.zeroExtend(32).shl(16).asFloat(f32); }

/// f8E5M2 is the upper half of f16.
static Real widenE5M2(Bits code, FloatType f16, FloatType f32) {
  return code.zeroExtend(16).shl(8).asFloat(f16).to(f32);
}

/// The fields of f8E4M3FN fit those of f16, whose exponent bias is 8 larger: f16 reads 2^-8 of the value, for
/// denormals too. The one NaN (0x7f, 0xff) has a number's fields.
static Real widenE4M3FN(Bits code, FloatType f16, FloatType f32) {
  Real value = (code.signExtend(16).shl(7) & 0xBFFF).asFloat(f16).to(f32) * 256;
  return select((code & 0x7F) == 0x7F, value.c(NAN), value);
}

/// f64 to f32 rounded to odd: what f32 cannot hold is cut off, and the last bit set. With two bits more than
/// the final format needs, rounding that to nearest gives what rounding the f64 would: the set bit breaks
/// what would look like a tie.
static Real roundToOdd(Real x, FloatType f32) {
  Real nearest = x.to(f32);
  Real back = nearest.to(x.elementType());
  Bits bits = nearest.bits();
  bits = select(abs(back) > abs(x), bits - 1, bits); // was rounded away from zero
  return select(back != x, bits | 1, bits).asFloat(f32);
}

static Real toF32(Real x) {
  MLIRContext *context = x.elementType().getContext();
  FloatType f16 = Float16Type::get(context), f32 = Float32Type::get(context), from = x.elementType();
  if (isa<BFloat16Type>(from))
    return widenBF16(x.bits(), f32);
  if (isa<Float8E5M2Type>(from))
    return widenE5M2(x.bits(), f16, f32);
  if (isa<Float8E4M3FNType>(from))
    return widenE4M3FN(x.bits(), f16, f32);
  return from.isF64() ? roundToOdd(x, f32) : x.to(f32);
}

//===----------------------------------------------------------------------===//
// From f32, to nearest even
//===----------------------------------------------------------------------===//

/// Adding just under half a unit of the last place that stays, and one more where that place is odd, carries
/// exactly when rounding up is right.
static Bits roundAt(Bits magnitude, unsigned place) {
  return magnitude + ((int64_t(1) << (place - 1)) - 1) + (magnitude.shr(place) & 1);
}

static Real narrowToBF16(Real x, FloatType bf16) {
  Bits rounded = roundAt(x.bits(), 16);
  return select(x.isNaN(), rounded.c(0x7FC00000), rounded).shr(16).truncate(16).asFloat(bf16);
}

namespace {
/// An 8-bit float: sign, exponent with `bias`, `mantissa` bits. Codes from `overflow` on are what too large a
/// number becomes.
struct Format8 {
  unsigned mantissa;
  int bias;
  int64_t overflow; ///< infinity (f8E5M2); the NaN of a format without infinities (f8E4M3FN)
  static constexpr int64_t nan = 0x7F;
};
} // namespace

static Real narrowTo8(Real x, FloatType type, Format8 format) {
  unsigned place = 23 - format.mantissa;
  Bits bits = x.bits();
  Bits magnitude = bits & 0x7FFFFFFF;
  Bits normal = roundAt(magnitude, place).shr(place) - (int64_t(127 - format.bias) << format.mantissa);
  // Below the smallest normal number codes count units of 2^(1 - bias - mantissa). That is the last place of
  // 2^(24 - bias - mantissa), so adding that number rounds to them, and the sum's low bits are the count.
  Real unit = x.c(std::ldexp(1.0, 24 - format.bias - int(format.mantissa)));
  Bits denormal = (magnitude.asFloat(x.elementType()) + unit).bits() - unit.bits();
  int64_t smallestNormal = int64_t(127 + 1 - format.bias) << 23;
  Bits code = select(magnitude < smallestNormal, denormal, normal).minUnsigned(format.overflow);
  if (format.overflow != Format8::nan)
    code = select(x.isNaN(), code.c(Format8::nan), code);
  return (code | (bits.shr(24) & 0x80)).truncate(8).asFloat(type);
}

static Real fromF32(Real x, FloatType to) {
  if (isa<BFloat16Type>(to))
    return narrowToBF16(x, to);
  if (isa<Float8E5M2Type>(to))
    return narrowTo8(x, to, {2, 15, 0x7C});
  if (isa<Float8E4M3FNType>(to))
    return narrowTo8(x, to, {3, 7, Format8::nan});
  return x.to(to);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Whether a processor with F16C (and AVX512-BF16 where `hasBF16`) converts so, in one rounding.
static bool isNative(Type from, Type to, bool hasBF16) {
  bool wide = from.isF32() || to.isF32();
  if (from.isF16() || to.isF16())
    return wide || to.isF64(); // f16 to f64 is two exact steps
  if (from.isBF16() || to.isBF16())
    return wide && hasBF16;
  return !isFloat8(from) && !isFloat8(to);
}

namespace {
struct ExpandNarrowFloats : weir::impl::ExpandNarrowFloatsBase<ExpandNarrowFloats> {
  using Base = weir::impl::ExpandNarrowFloatsBase<ExpandNarrowFloats>;
  using Base::Base;

  void runOnOperation() override {
    SmallVector<Operation *> conversions;
    getOperation()->walk([&](Operation *op) {
      if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
        return;
      Type from = op->getOperand(0).getType();
      auto vector = dyn_cast<VectorType>(from);
      if ((!vector || vector.getRank() == 1) &&
          !isNative(getElementTypeOrSelf(from), getElementTypeOrSelf(op->getResult(0).getType()), hasBF16))
        conversions.push_back(op);
    });
    for (Operation *op : conversions) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      auto to = cast<FloatType>(getElementTypeOrSelf(op->getResult(0).getType()));
      op->getResult(0).replaceAllUsesWith(fromF32(toF32(Real(b, op->getOperand(0))), to).value());
      op->erase();
    }
    removeBitcastPairs();
    if (failed(checkNoFloat8()))
      signalPassFailure();
  }

  /// i8 -> f8 -> i8, which is how codes get in and out.
  void removeBitcastPairs() {
    SmallVector<arith::BitcastOp> bitcasts;
    getOperation()->walk([&](arith::BitcastOp op) {
      if (isFloat8(op.getIn().getType()) || isFloat8(op.getType()))
        bitcasts.push_back(op);
    });
    for (arith::BitcastOp op : bitcasts)
      if (auto inner = op.getIn().getDefiningOp<arith::BitcastOp>();
          inner && inner.getIn().getType() == op.getType())
        op.replaceAllUsesWith(inner.getIn());
    for (arith::BitcastOp op : llvm::reverse(bitcasts))
      if (op.use_empty())
        op.erase();
  }

  LogicalResult checkNoFloat8() {
    WalkResult found = getOperation()->walk([](Operation *op) {
      auto isHeld = [](Type type) { return isFloat8(type); };
      if (llvm::none_of(op->getOperandTypes(), isHeld) && llvm::none_of(op->getResultTypes(), isHeld))
        return WalkResult::advance();
      op->emitOpError("holds a value of an 8-bit float type, which no processor computes with").attachNote()
          << "keep the code as an i8; arith.bitcast it beside arith.extf and arith.truncf only";
      return WalkResult::interrupt();
    });
    return failure(found.wasInterrupted());
  }
};
} // namespace
