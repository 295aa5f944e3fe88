//===- BankAnalysis.cpp - shared memory's banks, without running ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each register gets one value for the whole function: what its lanes hold, up to an unknown multiple of a
// step that is added to all of them. That is enough: such an addend turns the banks of a whole access around.
// Where definitions of a register differ by more, and where lanes depend on memory, nothing is known. Values
// go up from "none yet" until nothing changes.
#include "Banks.h"
#include "weir/PTX/Loops.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace weir::ptx;
using llvm::StringRef;

namespace {
struct LaneValue {
  enum class Form : uint8_t {
    None, ///< no definition was seen yet
    Some, ///< `lanes`, and an unknown multiple of `step` that is added to all; 0: nothing is
    Unknown
  };
  using Lanes = std::array<int64_t, warpSize>;
  Form form = Form::None;
  Lanes lanes{};
  int64_t step = 0;

  static LaneValue constant(int64_t value) {
    LaneValue result{Form::Some, {}};
    result.lanes.fill(value);
    return result;
  }
  /// The same in all lanes.
  static LaneValue uniform() { return {Form::Some, {}, 1}; }
  static LaneValue unknown() { return {Form::Unknown, {}}; }
  bool isUniform() const { return form == Form::Some && llvm::all_equal(lanes); }
  bool isKnown() const { return form == Form::Some && step == 0; }
  std::optional<int64_t> asConstant() const {
    return isUniform() && isKnown() ? std::optional(lanes[0]) : std::nullopt;
  }
  /// Among lanes that mean the same, those whose first is at least 0 and less than the step.
  LaneValue normal() const {
    LaneValue result = *this;
    if (step)
      for (int64_t &lane : result.lanes)
        lane -= llvm::divideFloorSigned(lanes[0], step) * step;
    return result;
  }
  bool operator==(const LaneValue &other) const {
    return form == other.form && lanes == other.lanes && step == other.step;
  }
};

LaneValue join(const LaneValue &a, const LaneValue &b) {
  if (a.form == LaneValue::Form::None || a == b)
    return b;
  if (b.form == LaneValue::Form::None)
    return a;
  if (a.form == LaneValue::Form::Unknown || b.form == LaneValue::Form::Unknown)
    return LaneValue::unknown();
  int64_t apart = b.lanes[0] - a.lanes[0];
  for (auto [x, y] : llvm::zip_equal(a.lanes, b.lanes))
    if (y - x != apart)
      return LaneValue::unknown();
  return LaneValue{a.form, a.lanes, std::gcd(std::gcd(a.step, b.step), apart)}.normal();
}

/// a + b, b times a factor.
LaneValue add(const LaneValue &a, const LaneValue &b, int64_t factor = 1) {
  if (a.form == LaneValue::Form::Unknown || b.form == LaneValue::Form::Unknown)
    return LaneValue::unknown();
  LaneValue result{a.form, a.lanes, std::gcd(a.step, factor * b.step)};
  for (auto [lane, own] : llvm::zip_equal(result.lanes, b.lanes))
    lane += factor * own;
  return result.normal();
}

LaneValue multiply(const LaneValue &a, const LaneValue &b) {
  if (auto factor = a.asConstant())
    return add(LaneValue::constant(0), b, *factor);
  if (auto factor = b.asConstant())
    return add(LaneValue::constant(0), a, *factor);
  return a.isUniform() && b.isUniform() ? LaneValue::uniform() : LaneValue::unknown();
}

/// Rounded down. What is added goes through where it is a multiple of the divisor.
LaneValue divide(LaneValue value, int64_t by) {
  if (value.form != LaneValue::Form::Some || by <= 0 || value.step % by)
    return value.isUniform() ? LaneValue::uniform() : LaneValue::unknown();
  for (int64_t &lane : value.lanes)
    lane = llvm::divideFloorSigned(lane, by);
  value.step /= by;
  return value;
}

LaneValue remainder(const LaneValue &value, int64_t by) { return add(value, divide(value, by), -by); }

/// What a bitwise operation gives of values that are known; nothing for other operations.
std::optional<LaneValue> combineBits(StringRef name, const LaneValue &a, const LaneValue &b) {
  if (!llvm::is_contained({"and", "or", "xor"}, name) || !a.isKnown() || !b.isKnown())
    return std::nullopt;
  LaneValue result = a;
  for (auto [lane, own] : llvm::zip_equal(result.lanes, b.lanes))
    lane = name == "and" ? lane & own : name == "or" ? lane | own : lane ^ own;
  return result;
}

/// Bits and a mask: those below the lowest that is set fall away, and above the highest too.
LaneValue maskBits(const LaneValue &value, int64_t mask) {
  uint64_t bits = mask;
  int64_t low = llvm::countr_zero(bits), high = 64 - llvm::countl_zero(bits);
  if (!llvm::isShiftedMask_64(bits) || low > 62)
    return value.isUniform() ? LaneValue::uniform() : LaneValue::unknown();
  LaneValue rest = high >= 32 ? value : remainder(value, int64_t(1) << high);
  return low ? add(LaneValue::constant(0), divide(rest, int64_t(1) << low), int64_t(1) << low) : rest;
}
} // namespace

/// One warp of the block.
struct BankAnalysis::Warp {
  Warp(const Function &function, unsigned number, unsigned threads)
      : first(number * warpSize), threads(threads) {
    values.resize(function.registers.size());
    for (bool changed = true; changed;) {
      changed = false;
      for (const Statement &statement : function.body)
        changed |= visit(statement);
    }
  }

  LaneValue valueOf(const Operand &operand) const {
    switch (operand.form) {
    case Operand::Form::Register:
      return values[operand.index];
    case Operand::Form::Integer:
      return LaneValue::constant(operand.bits);
    case Operand::Form::Special:
      return special(operand.name);
    case Operand::Form::Address:
      return operand.elements.empty() ? LaneValue::constant(operand.bits)
                                      : add(valueOf(operand.elements[0]), LaneValue::constant(operand.bits));
    default: // a variable's place, which is a multiple of what is accessed there, and constants of other
             // types
      return LaneValue::uniform();
    }
  }

  uint32_t lanes() const {
    return threads - first >= warpSize ? ~uint32_t(0) : (1u << (threads - first)) - 1;
  }

private:
  LaneValue special(StringRef name) const {
    LaneValue lane{LaneValue::Form::Some, {}};
    for (auto [i, value] : llvm::enumerate(lane.lanes))
      value = i;
    if (name == "%laneid")
      return lane;
    if (name == "%tid.x")
      return add(lane, LaneValue::constant(first));
    if (name == "%tid.y" || name == "%tid.z")
      return LaneValue::constant(0);
    return name == "%ntid.x" ? LaneValue::constant(threads) : LaneValue::uniform();
  }

  bool visit(const Statement &statement) {
    if (statement.operands.empty())
      return false;
    bool changed = false;
    const Operand &result = statement.operands[0];
    bool isList = result.form == Operand::Form::List || result.form == Operand::Form::Pair;
    llvm::ArrayRef<Operand> parts = isList ? llvm::ArrayRef(result.elements) : llvm::ArrayRef(result);
    auto isRegister = [](const Operand &part) { return part.form == Operand::Form::Register; };
    if (llvm::none_of(parts, isRegister))
      return false;
    LaneValue made = evaluate(statement);
    for (const Operand &part : llvm::make_filter_range(parts, isRegister)) {
      LaneValue &value = values[part.index], now = join(value, made);
      changed |= !(now == value);
      value = now;
    }
    return changed;
  }

  LaneValue evaluate(const Statement &statement) const {
    llvm::SmallVector<StringRef, 8> parts;
    StringRef(statement.opcode).split(parts, '.');
    StringRef name = parts.front();
    llvm::SmallVector<LaneValue, 3> in;
    for (const Operand &operand : llvm::drop_begin(statement.operands)) {
      in.push_back(valueOf(operand));
      if (in.back().form == LaneValue::Form::None)
        return {};
    }
    if (llvm::is_contained({"mov", "cvt", "cvta"}, name) && in.size() == 1)
      return in[0];
    if (name == "add" && in.size() == 2)
      return add(in[0], in[1]);
    if (name == "sub" && in.size() == 2)
      return add(in[0], in[1], -1);
    if (name == "mul" && parts[1] != "hi" && in.size() == 2)
      return multiply(in[0], in[1]);
    if (name == "mad" && parts[1] != "hi" && in.size() == 3)
      return add(multiply(in[0], in[1]), in[2]);
    bool same = llvm::all_of(in, [](const LaneValue &value) { return value.isUniform(); });
    if (name == "selp" && in[2].isUniform())
      return join(in[0], in[1]);
    if (in.size() == 2) {
      if (auto bits = combineBits(name, in[0], in[1]))
        return *bits;
      if (auto known = in[1].asConstant()) {
        bool isPlace = *known >= 0 && *known < 63;
        if (name == "shl" && isPlace)
          return multiply(in[0], LaneValue::constant(int64_t(1) << *known));
        if (name == "shr" && isPlace) // addresses and the numbers of threads are not negative
          return divide(in[0], int64_t(1) << *known);
        if (name == "div")
          return divide(in[0], *known);
        if (name == "rem" && *known > 0)
          return remainder(in[0], *known);
        if (name == "and")
          return maskBits(in[0], *known);
      }
    }
    if (name == "bfe" && in.size() == 3)
      if (auto low = in[1].asConstant(), length = in[2].asConstant(); low && length && *low + *length < 63)
        return remainder(divide(in[0], int64_t(1) << *low), int64_t(1) << *length);
    if (name == "or") // where bits may be common, the compiler does not write an addition so
      return add(in[0], in[1]);
    bool ofLanes = llvm::is_contained({"shfl", "ldmatrix", "mma", "atom"}, name);
    return same && !ofLanes ? LaneValue::uniform() : LaneValue::unknown();
  }

  unsigned first, threads;
  std::vector<LaneValue> values; ///< of each register
};

BankAnalysis::BankAnalysis(const Function &function, unsigned threads) : function(function) {
  for (unsigned warp = 0; warp * warpSize < threads; ++warp)
    warps.emplace_back(function, warp, threads);
}
BankAnalysis::~BankAnalysis() = default;

/// The address of an access to shared memory, and the bytes that a lane accesses: 0 for ldmatrix and its
/// like.
static const Operand *sharedAccess(const Statement &statement, unsigned &bytes, unsigned &matrices) {
  llvm::SmallVector<StringRef, 8> parts;
  StringRef(statement.opcode).split(parts, '.');
  auto isShared = [](StringRef part) { return part == "shared" || part == "shared::cta"; };
  if (llvm::none_of(parts, isShared))
    return nullptr;
  bytes = matrices = 0;
  if (parts[0] == "ldmatrix" || parts[0] == "stmatrix") {
    matrices = llvm::is_contained(parts, "x4") ? 4 : llvm::is_contained(parts, "x2") ? 2 : 1;
    return &statement.operands[parts[0] == "ldmatrix" ? 1 : 0];
  }
  if (parts[0] == "cp" && statement.operands.size() >= 3) {
    bytes = statement.operands[2].bits;
    return &statement.operands[0];
  }
  auto type = parseType(parts.back());
  if ((parts[0] != "ld" && parts[0] != "st") || !type)
    return nullptr;
  bytes = getBytes(*type) * (llvm::is_contained(parts, "v4") ? 4 : llvm::is_contained(parts, "v2") ? 2 : 1);
  return &statement.operands[parts[0] == "ld" ? 1 : 0];
}

BankUse BankAnalysis::of(const Loop &statements) const {
  BankUse use;
  for (unsigned index : statements) {
    unsigned bytes, matrices, worst = 0;
    const Operand *address = sharedAccess(function.body[index], bytes, matrices);
    if (!address)
      continue;
    ++use.accesses;
    bool isUnknown = false;
    for (const Warp &warp : warps) {
      LaneValue value = warp.valueOf(*address);
      if (value.form == LaneValue::Form::Unknown) {
        isUnknown = true;
        continue;
      }
      // Not below 0, by what turns all banks around.
      std::array<uint64_t, warpSize> addresses;
      llvm::transform(value.lanes, addresses.begin(), [](int64_t lane) { return lane + (int64_t(1) << 40); });
      Turns turns = matrices ? turnsOfMatrices(addresses.data(), 0, matrices)
                             : turnsOf(addresses.data(), warp.lanes(), 0, bytes);
      worst = std::max(worst, turns.needed - turns.least);
    }
    use.conflicts += worst;
    use.unknown += isUnknown;
  }
  return use;
}
