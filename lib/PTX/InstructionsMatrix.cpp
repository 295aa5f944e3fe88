//===- InstructionsMatrix.cpp - ldmatrix, stmatrix, mma -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who holds which element, with group = lane / 4 and four = lane % 4, and P elements of A and B in a register
// (f16, bf16 2, tf32 1, int8 4):
//
//   A, 16 x K   register r, element e:   row group + 8 * (r % 2),  column four * P + e + 4 * P * (r / 2)
//   B, K x 8    register r, element e:   row four * P + e + 4 * P * r,  column group
//   C, D 16 x 8 element i:               row group + 8 * (i / 2),  column 2 * four + i % 2
//   ldmatrix    matrix r, element e:     row group, column 2 * four + e; with .trans row and column change
//   places
//
// A product's terms are exact in f64; they and C are added in f64 and rounded once. A GPU adds in an order
// and a precision of its own, so its result may differ by some units of the last place of the largest term.
//===----------------------------------------------------------------------===//
#include "Float.h"
#include "Instructions.h"

using namespace weir::ptx;

/// The rows' addresses come from lanes 0-7 for the first matrix, 8-15 for the second, and so on.
static bool decodeMatrixAccess(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  bool loads = mnemonic.name == "ldmatrix";
  if (!mnemonic.take("sync") || !mnemonic.take("aligned") || !mnemonic.take("m8n8"))
    return false;
  auto count = mnemonic.takeOneOf({"x1", "x2", "x4"});
  bool transposed = mnemonic.take("trans");
  Space space = takeSpace(mnemonic);
  if (!count || !mnemonic.take("b16") || !decoding.expect(2))
    return false;
  unsigned matrices = 1u << *count;
  int64_t offset = decoding.address(decoding[loads ? 1 : 0], space);
  if (space != Space::Shared && space != Space::Generic)
    return false;
  llvm::ArrayRef<Operand> elements = elementsOf(decoding[loads ? 0 : 1]);
  if (elements.size() != matrices)
    return decoding.fail("expected " + llvm::Twine(matrices) + " registers");
  for (const Operand &element : elements)
    loads ? decoding.write(element, Type::B32) : decoding.read(element, Type::B32);
  decoding.accesses(space, 16);
  decoding.instruction.flow = Flow::Collective;
  decoding.instruction.run = [=](Step &step) {
    std::array<uint64_t, warpSize> addresses;
    std::copy_n(step[0], warpSize, addresses.begin());
    if (space == Space::Shared)
      step.countTurns(turnsOfMatrices(addresses.data(), offset, matrices));
    for (unsigned matrix = 0; matrix < matrices; ++matrix) {
      std::array<uint8_t *, 8> rows;
      for (unsigned i = 0; i < 8; ++i) {
        unsigned lane = 8 * matrix + i;
        rows[i] = step.access(lane, space, addresses[lane] + offset, 16, loads ? Mode::Read : Mode::Write);
        if (!rows[i])
          return;
      }
      uint64_t *registers = step[1 + matrix];
      for (unsigned lane = 0; lane < warpSize; ++lane) {
        uint32_t value = loads ? 0 : registers[lane];
        for (unsigned e = 0; e < 2; ++e) {
          unsigned row = lane / 4, column = 2 * (lane % 4) + e;
          uint8_t *at = transposed ? rows[column] + 2 * row : rows[row] + 2 * column;
          uint16_t element = value >> (16 * e);
          if (!loads)
            std::memcpy(at, &element, 2);
          else
            std::memcpy(&element, at, 2), value |= uint32_t(element) << (16 * e);
        }
        if (loads)
          registers[lane] = value;
      }
    }
  };
  return true;
}

namespace {
/// One of the shapes of mma.sync: 16 x 8 x K.
struct Product {
  unsigned k = 0, perRegister = 1;
  Type a, b, accumulator;
  unsigned aRegisters() const { return k / perRegister / 2; }
  unsigned bRegisters() const { return k / perRegister / 4; }
  unsigned accumulators() const { return accumulator == Type::F16 ? 2 : 4; }
};
} // namespace

static unsigned elementsPerRegister(Type type) {
  return type == Type::TF32 ? 1 : type == Type::F16 || type == Type::BF16 ? 2 : 4;
}

static double element(Type type, uint32_t bits, unsigned e) {
  switch (type) {
  case Type::F16:
    return fromHalf(bits >> (16 * e));
  case Type::BF16:
    return fromBFloat(bits >> (16 * e));
  case Type::S8:
    return static_cast<int8_t>(bits >> (8 * e));
  case Type::U8:
    return static_cast<uint8_t>(bits >> (8 * e));
  default: // tf32: the hardware does not look at the low bits
    return llvm::bit_cast<float>(bits & ~uint32_t(0x1fff));
  }
}

static bool isKnown(const Product &product) {
  bool integers =
      (product.a == Type::S8 || product.a == Type::U8) && (product.b == Type::S8 || product.b == Type::U8);
  if (integers)
    return product.accumulator == Type::S32 && (product.k == 16 || product.k == 32);
  if (product.a != product.b)
    return false;
  bool f32 = product.accumulator == Type::F32;
  if (product.a == Type::TF32)
    return f32 && (product.k == 4 || product.k == 8);
  return (product.a == Type::F16 || (product.a == Type::BF16 && f32)) &&
         (f32 || product.accumulator == Type::F16) && (product.k == 8 || product.k == 16);
}

static void multiply(Step &step, const Product &product) {
  double a[16][32], b[32][8];
  unsigned p = product.perRegister, first = 2 * product.accumulators(); // operands: D, C, A, B
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    unsigned group = lane / 4, four = lane % 4;
    for (unsigned e = 0; e < p; ++e) {
      for (unsigned r = 0; r < product.aRegisters(); ++r)
        a[group + 8 * (r % 2)][four * p + e + 4 * p * (r / 2)] = element(product.a, step[first + r][lane], e);
      for (unsigned r = 0; r < product.bRegisters(); ++r)
        b[four * p + e + 4 * p * r][group] =
            element(product.b, step[first + product.aRegisters() + r][lane], e);
    }
  }
  bool halves = product.accumulator == Type::F16, integers = product.accumulator == Type::S32;
  std::array<std::array<uint32_t, 4>, warpSize> results; // C's registers may be A's or B's too
  for (unsigned lane = 0; lane < warpSize; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
      uint32_t bits = step[product.accumulators() + (halves ? i / 2 : i)][lane];
      double sum = halves     ? fromHalf(bits >> (16 * (i % 2)))
                   : integers ? static_cast<int32_t>(bits)
                              : static_cast<double>(llvm::bit_cast<float>(bits));
      for (unsigned k = 0; k < product.k; ++k)
        sum += a[row][k] * b[k][column];
      results[lane][i] = halves     ? toHalf(static_cast<float>(sum))
                         : integers ? static_cast<uint32_t>(static_cast<int64_t>(sum))
                                    : llvm::bit_cast<uint32_t>(canonical(static_cast<float>(sum)));
    }
  for (unsigned lane = 0; lane < warpSize; ++lane)
    for (unsigned i = 0; i < product.accumulators(); ++i)
      step[i][lane] = halves ? results[lane][2 * i] | results[lane][2 * i + 1] << 16 : results[lane][i];
}

/// mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {d..}, {a..}, {b..}, {c..}
static bool decodeMultiply(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  Product product;
  auto shape = mnemonic.takeOneOf({"m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32"});
  if (!shape || !mnemonic.take("sync") || !mnemonic.take("aligned") || !mnemonic.take("row") ||
      !mnemonic.take("col"))
    return false;
  product.k = 4u << *shape;
  auto d = mnemonic.takeType(), a = mnemonic.takeType(), b = mnemonic.takeType(), c = mnemonic.takeType();
  if (!d || !a || !b || !c || *d != *c)
    return false;
  product.a = *a, product.b = *b, product.accumulator = *d;
  product.perRegister = elementsPerRegister(*a);
  if (!isKnown(product) || !decoding.expect(4))
    return false;
  auto list = [&](const Operand &operand, unsigned count, Type type, bool writes) {
    llvm::ArrayRef<Operand> elements = elementsOf(operand);
    if (elements.size() != count)
      decoding.fail("expected " + llvm::Twine(count) + " registers, found " + llvm::Twine(elements.size()));
    for (const Operand &element : elements)
      writes ? decoding.write(element, type) : decoding.read(element, type);
  };
  list(decoding[0], product.accumulators(), Type::B32, /*writes=*/true);
  list(decoding[3], product.accumulators(), Type::B32, /*writes=*/false);
  list(decoding[1], product.aRegisters(), Type::B32, /*writes=*/false);
  list(decoding[2], product.bRegisters(), Type::B32, /*writes=*/false);
  decoding.instruction.flow = Flow::Collective;
  decoding.instruction.run = [product](Step &step) { multiply(step, product); };
  return true;
}

void weir::ptx::addMatrixInstructions(InstructionTable &table) {
  table["ldmatrix"] = table["stmatrix"] = decodeMatrixAccess;
  table["mma"] = decodeMultiply;
}
