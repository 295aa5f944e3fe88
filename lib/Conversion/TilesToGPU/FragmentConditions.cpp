//===- FragmentConditions.cpp - what is asked of a column's number --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `n <= m + w` compares integers of 64 bits for each score. Of the columns that a thread has in a row only a constant differs, so all that
// does not is brought to the other side, once for the row: there a bound of 32 bits, with which each score compares its constant.
#include "FragmentEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace weir;

namespace {
/// An integer as what all columns of a thread have in common, which is null for 0, and a number.
struct Offset {
  Value common;
  int64_t number = 0;
};

/// Takes values of a tile operation's region apart. Nothing where what is left over, which is read of data, changes with the column.
class OffsetFinder {
public:
  OffsetFinder(ImplicitLocOpBuilder &b, linalg::GenericOp op, unsigned row, function_ref<Offset(unsigned)> index, const IRMapping &values)
      : b(b), op(op), row(row), index(index), values(values) {}

  std::optional<Offset> find(Value value) {
    IntegerAttr number;
    if (matchPattern(value, m_Constant(&number)))
      return Offset{Value(), number.getInt()};
    Operation *def = op.getRegion().isAncestor(value.getParentRegion()) ? value.getDefiningOp() : nullptr;
    if (auto at = dyn_cast_or_null<linalg::IndexOp>(def))
      return widen(index(at.getDim()));
    if (auto cast = dyn_cast_or_null<arith::IndexCastOp>(def); cast && isWide(cast.getIn().getType()))
      return find(cast.getIn());
    if (auto product = dyn_cast_or_null<arith::MulIOp>(def); product && matchPattern(product.getRhs(), m_Constant(&number))) {
      std::optional<Offset> x = find(product.getLhs());
      return x ? multiply(*x, number.getInt()) : std::nullopt;
    }
    if (isa_and_nonnull<arith::AddIOp, arith::SubIOp>(def)) {
      std::optional<Offset> x = find(def->getOperand(0)), y = find(def->getOperand(1));
      if (!x || !y)
        return std::nullopt;
      return isa<arith::AddIOp>(def) ? add(*x, *y) : subtract(*x, *y);
    }
    if (!isOfRow(value))
      return std::nullopt;
    return widen({values.lookupOrDefault(value), 0});
  }

  Offset subtract(Offset x, Offset y) {
    if (y.common) {
      Value from = x.common ? x.common : Value(arith::ConstantIntOp::create(b, 0, 64));
      x.common = arith::SubIOp::create(b, from, y.common);
    }
    return {x.common, x.number - y.number};
  }

  static bool isWide(Type type) { return type.isIndex() || type.isInteger(64); }

private:
  /// Whether all columns have a value in common.
  bool isOfRow(Value value) {
    if (!op.getRegion().isAncestor(value.getParentRegion()))
      return true;
    if (auto element = dyn_cast<BlockArgument>(value)) {
      if (element.getOwner() != op.getBody())
        return false;
      AffineMap map = op.getMatchingIndexingMap(&op->getOpOperand(element.getArgNumber()));
      return llvm::all_of(llvm::seq(op.getNumLoops()), [&](unsigned loop) { return loop == row || !map.isFunctionOfDim(loop); });
    }
    Operation *def = value.getDefiningOp();
    if (auto at = dyn_cast<linalg::IndexOp>(def))
      return at.getDim() == row;
    return def->getNumRegions() == 0 && llvm::all_of(def->getOperands(), [&](Value operand) { return isOfRow(operand); });
  }
  Offset widen(Offset x) {
    if (x.common && x.common.getType().isIndex())
      x.common = arith::IndexCastOp::create(b, b.getI64Type(), x.common);
    return x;
  }
  Offset add(Offset x, Offset y) {
    Value sum = x.common && y.common ? arith::AddIOp::create(b, x.common, y.common).getResult()
                                     : (x.common ? x.common : y.common);
    return {sum, x.number + y.number};
  }

  std::optional<Offset> multiply(Offset x, int64_t by) {
    std::optional<int64_t> number = llvm::checkedMul(x.number, by);
    if (!number)
      return std::nullopt;
    Value common = x.common ? arith::MulIOp::create(b, x.common, arith::ConstantIntOp::create(b, by, 64)).getResult() : Value();
    return Offset{common, *number};
  }

  ImplicitLocOpBuilder &b;
  linalg::GenericOp op;
  unsigned row;
  function_ref<Offset(unsigned)> index;
  const IRMapping &values;
};
} // namespace

/// x of a value that is x, or where x is below 0 its negative; null: it is something else.
static Value magnitudeOf(Value value) {
  auto choice = value.getDefiningOp<arith::SelectOp>();
  auto isNegative = choice ? choice.getCondition().getDefiningOp<arith::CmpIOp>() : arith::CmpIOp();
  auto negative = choice ? choice.getTrueValue().getDefiningOp<arith::SubIOp>() : arith::SubIOp();
  bool isMagnitude = isNegative && negative && isNegative.getPredicate() == arith::CmpIPredicate::slt && matchPattern(isNegative.getRhs(), m_Zero()) &&
                     matchPattern(negative.getLhs(), m_Zero()) && isNegative.getLhs() == choice.getFalseValue() &&
                     negative.getRhs() == choice.getFalseValue();
  return isMagnitude ? choice.getFalseValue() : Value();
}

/// Whether a value of a region depends on the number of a column.
static bool asksColumn(Value value, linalg::GenericOp op, unsigned row) {
  if (Value own = magnitudeOf(value))
    value = own;
  Operation *def = op.getRegion().isAncestor(value.getParentRegion()) ? value.getDefiningOp() : nullptr;
  if (auto at = dyn_cast_or_null<linalg::IndexOp>(def))
    return at.getDim() != row;
  return isa_and_nonnull<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::IndexCastOp>(def) &&
         llvm::any_of(def->getOperands(), [&](Value operand) { return asksColumn(operand, op, row); });
}

static bool isUnsigned(arith::CmpIPredicate predicate) {
  using Predicate = arith::CmpIPredicate;
  return llvm::is_contained({Predicate::ult, Predicate::ule, Predicate::ugt, Predicate::uge}, predicate);
}

Value FragmentEmitter::compareWithBound(Builder &b, arith::CmpIOp compare, linalg::GenericOp op, const Place &place,
                                        const IRMapping &values) {
  using Predicate = arith::CmpIPredicate;
  unsigned row = *layouts.rowOf(op);
  if (op.getNumReductionLoops() && op.getNumLoops() == 3)
    return nullptr; // a column comes from another thread
  if (!OffsetFinder::isWide(compare.getLhs().getType()) || isUnsigned(compare.getPredicate()) ||
      !(asksColumn(compare.getLhs(), op, row) || asksColumn(compare.getRhs(), op, row)))
    return nullptr;
  auto index = [&](unsigned loop) -> Offset {
    if (loop == row)
      return {place.indices[loop], 0};
    unsigned run = layouts.runOf(op, loop);
    return {lanes.columnBases.at(run), columnsBefore(place.columns[loop], run)};
  };
  OffsetFinder finder(b, op, row, index, values);
  Value magnitude = magnitudeOf(compare.getLhs());
  bool isBelow = llvm::is_contained({Predicate::slt, Predicate::sle}, compare.getPredicate());
  if (magnitude && !isBelow && !llvm::is_contained({Predicate::sgt, Predicate::sge}, compare.getPredicate()))
    return nullptr;
  std::optional<Offset> left = finder.find(magnitude ? magnitude : compare.getLhs()), right = finder.find(compare.getRhs());
  if (!left || !right)
    return nullptr;
  auto ask = [&](const Offset &left, unsigned side) -> Value {
    int64_t number = left.number - right->number;
    Value &bound = bounds[{compare, 2 * place.half + side}];
    if (!bound) {
      auto orZero = [&](Value x) { return x ? x : Value(arith::ConstantIntOp::create(b, 0, 64)); };
      // Both saturate: a bound that 32 bits do not hold is behind, or before, all columns.
      Value wide = LLVM::SSubSat::create(b, orZero(right->common), orZero(left.common));
      bound = LLVM::InlineAsmOp::create(b, b.getI32Type(), wide, "cvt.sat.s32.s64 $0, $1;", "=r,l",
                                        /*has_side_effects=*/false, /*is_align_stack=*/false,
                                        LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
                  .getResult(0);
    }
    return arith::CmpIOp::create(b, compare.getPredicate(), arith::ConstantIntOp::create(b, number, 32), bound);
  };
  auto isNarrow = [](int64_t number) { return llvm::isInt<32>(number); };
  if (!isNarrow(left->number - right->number) || (magnitude && !isNarrow(-left->number - right->number)))
    return nullptr;
  Value one = ask(*left, 0);
  if (!magnitude)
    return one;
  Value other = ask(finder.subtract({}, *left), 1); // below: x and -x are, above: one of them is
  return isBelow ? arith::AndIOp::create(b, one, other).getResult() : arith::OrIOp::create(b, one, other).getResult();
}
