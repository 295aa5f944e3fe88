//===- MatrixTest.cpp - who holds which element ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The maps below are those of "Matrix Fragments for mma" and "ldmatrix" in the PTX manual, element by element
// as they are printed there.
//===----------------------------------------------------------------------===//
#include "Kernel.h"
#include "gtest/gtest.h"

using namespace weir::ptx;
using weir::ptx::test::bits;
using weir::ptx::test::Kernel;
using weir::ptx::test::real;

namespace {
struct Place {
  unsigned row, column;
};
/// A shape: where element i of a thread's fragments lies, with group = lane / 4 and four = lane % 4.
struct Shape {
  const char *opcode;
  unsigned k, perRegister, elementsOfA, elementsOfB;
  uint32_t (*encode)(int);
  Place (*a)(unsigned group, unsigned four, unsigned i);
  Place (*b)(unsigned group, unsigned four, unsigned i);
};
} // namespace

static uint32_t asHalf(int value) { // small whole numbers
  static const uint32_t codes[] = {0xc400, 0xc200, 0xc000, 0xbc00, 0, 0x3c00, 0x4000, 0x4200, 0x4400};
  return codes[value + 4];
}
static uint32_t asBFloat(int value) { return bits(float(value)) >> 16; }
static uint32_t asTF32(int value) { return bits(float(value)) | 0x1fff; } // the low bits count for nothing
static uint32_t asByte(int value) { return value & 0xff; }

static Place k16A(unsigned group, unsigned four, unsigned i) {
  return {i < 2 || (i >= 4 && i < 6) ? group : group + 8,
          i < 4 ? four * 2 + (i & 1) : four * 2 + (i & 1) + 8};
}
static Place k16B(unsigned group, unsigned four, unsigned i) {
  return {i < 2 ? four * 2 + (i & 1) : four * 2 + (i & 1) + 8, group};
}
static Place k8A(unsigned group, unsigned four, unsigned i) {
  return {i < 2 ? group : group + 8, four * 2 + (i & 1)};
}
static Place k8B(unsigned group, unsigned four, unsigned i) { return {four * 2 + i, group}; }
static Place k8A32(unsigned group, unsigned four, unsigned i) {
  return {i == 0 || i == 2 ? group : group + 8, i < 2 ? four : four + 4};
}
static Place k8B32(unsigned group, unsigned four, unsigned i) { return {i == 0 ? four : four + 4, group}; }
static Place k32A(unsigned group, unsigned four, unsigned i) {
  return {i < 4 || (i >= 8 && i < 12) ? group : group + 8,
          i < 8 ? four * 4 + (i & 3) : four * 4 + (i & 3) + 16};
}
static Place k32B(unsigned group, unsigned four, unsigned i) {
  return {i < 4 ? four * 4 + (i & 3) : four * 4 + (i & 3) + 16, group};
}

static const Shape shapes[] = {
    {"m16n8k16.row.col.f32.f16.f16.f32", 16, 2, 8, 4, asHalf, k16A, k16B},
    {"m16n8k16.row.col.f32.bf16.bf16.f32", 16, 2, 8, 4, asBFloat, k16A, k16B},
    {"m16n8k8.row.col.f32.f16.f16.f32", 8, 2, 4, 2, asHalf, k8A, k8B},
    {"m16n8k8.row.col.f32.tf32.tf32.f32", 8, 1, 4, 2, asTF32, k8A32, k8B32},
    {"m16n8k32.row.col.s32.s8.s8.s32", 32, 4, 16, 8, asByte, k32A, k32B},
};

static std::string list(const char *prefix, unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", " : "") + std::string(prefix) + std::to_string(first + i);
  return text + "}";
}

/// D = A B + C with small whole numbers, exact in every format: an element in a wrong place shows.
TEST(PTXMatrix, ProductsByTheManualsMaps) {
  for (const Shape &shape : shapes) {
    int a[16][32], b[32][8], c[16][8];
    unsigned state = 1;
    auto next = [&] { return int((state = state * 1103515245 + 12345) >> 16 & 7) - 4; };
    for (unsigned i = 0; i < 16; ++i)
      for (unsigned k = 0; k < 32; ++k)
        a[i][k] = next(), b[k][i % 8] = next(), c[i][k % 8] = next();
    unsigned registersA = shape.elementsOfA / shape.perRegister,
             registersB = shape.elementsOfB / shape.perRegister, width = 32 / shape.perRegister;
    bool integers = std::string(shape.opcode).find("s32") != std::string::npos;
    unsigned perLane = registersA + registersB + 4;
    Kernel kernel("");
    kernel.in.assign(32 * perLane, 0);
    kernel.words = 128;
    for (unsigned lane = 0; lane < 32; ++lane) {
      uint32_t *own = &kernel.in[lane * perLane];
      for (unsigned i = 0; i < shape.elementsOfA; ++i) {
        Place at = shape.a(lane / 4, lane % 4, i);
        own[i / shape.perRegister] |= shape.encode(a[at.row][at.column])
                                      << (i % shape.perRegister * width % 32);
      }
      for (unsigned i = 0; i < shape.elementsOfB; ++i) {
        Place at = shape.b(lane / 4, lane % 4, i);
        own[registersA + i / shape.perRegister] |= shape.encode(b[at.row][at.column])
                                                   << (i % shape.perRegister * width % 32);
      }
      for (unsigned i = 0; i < 4; ++i) {
        int value = c[i < 2 ? lane / 4 : lane / 4 + 8][lane % 4 * 2 + (i & 1)];
        own[registersA + registersB + i] = integers ? uint32_t(value) : bits(float(value));
      }
    }
    kernel.body = "mad.wide.u32 %rd5, %r0, " + std::to_string(4 * perLane) +
                  ", %rd1; mad.wide.u32 %rd6, %r0, 16, %rd2;\n";
    for (unsigned i = 0; i < perLane; ++i)
      kernel.body +=
          "ld.global.b32 %r" + std::to_string(10 + i) + ", [%rd5+" + std::to_string(4 * i) + "];\n";
    unsigned firstC = 10 + registersA + registersB;
    kernel.body += std::string("mma.sync.aligned.") + shape.opcode + " " + list("%r", 1, 4) + ", " +
                   list("%r", 10, registersA) + ", " + list("%r", 10 + registersA, registersB) + ", " +
                   list("%r", firstC, 4) + ";\nst.global.v4.b32 [%rd6], " + list("%r", 1, 4) + ";";
    kernel.run();
    ASSERT_EQ(kernel.problem, "") << shape.opcode;
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < 4; ++i) {
        unsigned row = i < 2 ? lane / 4 : lane / 4 + 8, column = lane % 4 * 2 + (i & 1);
        int want = c[row][column];
        for (unsigned k = 0; k < shape.k; ++k)
          want += a[row][k] * b[k][column];
        uint32_t got = kernel.out[4 * lane + i];
        EXPECT_EQ(integers ? int(got) : int(real(got)), want)
            << shape.opcode << " lane " << lane << " element " << i;
      }
  }
}

TEST(PTXMatrix, AccumulatorsOfSixteenBits) {
  // A is 1 everywhere, B is 1, C is lane-wise 2 and 3: D = 16 + C.
  Kernel kernel("mov.u32 %r1, 0x3c003c00; mov.u32 %r2, 0x42004000;\n"
                "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%r3, %r4}, {%r1, %r1, %r1, %r1}, {%r1, "
                "%r1}, {%r2, %r2};\n"
                "st.global.u32 [%rd4], %r3;");
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.out[5], 0x4cc04c80u) << "19 above, 18 below";
}

/// Element (row, column) of matrix m is 64 m + 8 row + column; rows lie in shared memory where lane 8 m + row
/// says.
static std::vector<uint32_t> loadMatrices(const std::string &modifier, unsigned count,
                                          const std::string &space = ".shared") {
  std::string targets = list("%r", 10, count);
  Kernel kernel(R"(
    .shared .align 16 .b8 tile[1024];
    mov.u64 %rd5, tile;
    mad.wide.u32 %rd6, %r0, 4, %rd5;
    mad.wide.u32 %rd7, %r0, 4, %rd1;
    ld.global.u32 %r1, [%rd7]; st.shared.u32 [%rd6], %r1;
    ld.global.u32 %r1, [%rd7+128]; st.shared.u32 [%rd6+128], %r1;
    ld.global.u32 %r1, [%rd7+256]; st.shared.u32 [%rd6+256], %r1;
    ld.global.u32 %r1, [%rd7+384]; st.shared.u32 [%rd6+384], %r1;
    bar.warp.sync -1;
    // Rows are stored from last to first.
    sub.u32 %r2, 31, %r0;
    mad.wide.u32 %rd6, %r2, 16, %rd5;
    )" + std::string(space.empty() ? "cvta.shared.u64 %rd6, %rd6;\n" : "") +
                "ldmatrix.sync.aligned.m8n8.x" + std::to_string(count) + modifier + space + ".b16 " +
                targets + ", [%rd6];\nmad.wide.u32 %rd8, %r0, 16, %rd2;\n");
  for (unsigned i = 0; i < 4; ++i)
    kernel.body += "st.global.u32 [%rd8+" + std::to_string(4 * i) + "], %r" +
                   std::to_string(i < count ? 10 + i : 0) + ";\n";
  kernel.in.assign(128, 0);
  kernel.words = 128;
  for (unsigned number = 0; number < 32; ++number)
    for (unsigned column = 0; column < 8; ++column)
      kernel.in[(31 - number) * 4 + column / 2] |= (8 * number + column) << (16 * (column % 2));
  kernel.run();
  EXPECT_EQ(kernel.problem, "") << modifier;
  return kernel.problem.empty() ? kernel.out : std::vector<uint32_t>(128, 0);
}

TEST(PTXMatrix, LoadsByTheManualsMap) {
  for (const char *space : {".shared", ""})
    for (unsigned count : {1u, 2u, 4u})
      for (bool transposed : {false, true}) {
        std::vector<uint32_t> got = loadMatrices(transposed ? ".trans" : "", count, space);
        for (unsigned lane = 0; lane < 32; ++lane)
          for (unsigned matrix = 0; matrix < count; ++matrix)
            for (unsigned e = 0; e < 2; ++e) {
              unsigned row = lane / 4,
                       column = 2 * (lane % 4) +
                                e; // thread 0 holds (0,0) and (0,1), thread 1 (0,2) and (0,3), ...
              if (transposed)
                std::swap(row, column);
              EXPECT_EQ(got[4 * lane + matrix] >> (16 * e) & 0xffff, 64 * matrix + 8 * row + column)
                  << count << (transposed ? " trans" : "") << " lane " << lane << " matrix " << matrix;
            }
      }
}

TEST(PTXMatrix, StoresAreTheInverseOfLoads) {
  Kernel kernel(R"(
    .shared .align 16 .b8 tile[512];
    mov.u64 %rd5, tile;
    mad.wide.u32 %rd6, %r0, 16, %rd5;
    mul.lo.u32 %r1, %r0, 3; mul.lo.u32 %r2, %r0, 5; mul.lo.u32 %r3, %r0, 7; mul.lo.u32 %r4, %r0, 9;
    stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%rd6], {%r1, %r2, %r3, %r4};
    ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%r5, %r6, %r7, %r8}, [%rd6];
    st.global.u32 [%rd4], %r7;)");
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  for (unsigned lane = 0; lane < 32; ++lane)
    EXPECT_EQ(kernel.out[lane], 7 * lane);
}

TEST(PTXMatrix, WholeWarpsOnly) {
  Kernel kernel("setp.eq.u32 %p1, %r0, 31; @%p1 exit; mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%r1, "
                "%r2, %r3, %r4}, {%r5, %r6}, {%r7}, {%r1, %r2, %r3, %r4};");
  kernel.run();
  EXPECT_TRUE(kernel.fault);
  EXPECT_NE(kernel.problem.find("that of lane 31 has ended"), std::string::npos) << kernel.problem;
  EXPECT_EQ(
      Kernel("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%r7, "
             "%r8}, {%r1, %r2, %r3, %r4};")
          .run()
          .problem,
      "k.ptx:13: error: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32: expected 4 registers, found 2");
}

TEST(PTXMatrix, CopiesFillWithZeros) {
  Kernel kernel(R"(
    .shared .align 16 .b8 tile[512];
    mov.u64 %rd5, tile;
    mad.wide.u32 %rd6, %r0, 16, %rd5;
    mad.wide.u32 %rd7, %r0, 16, %rd1;
    setp.lt.u32 %p1, %r0, 4;
    selp.b32 %r1, 16, 6, %p1;
    cp.async.cg.shared.global.L2::128B [%rd6], [%rd7], 16, %r1;
    cp.async.wait_all;
    ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [%rd6];
    mad.wide.u32 %rd8, %r0, 16, %rd2;
    st.global.v4.u32 [%rd8], {%r2, %r3, %r4, %r5};)");
  kernel.words = 128;
  for (unsigned i = 0; i < 128; ++i)
    kernel.in[i] = 0x01010101 * (i + 1);
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.out[15], kernel.in[15]);
  EXPECT_EQ(kernel.out[16], kernel.in[16]);
  EXPECT_EQ(kernel.out[17], kernel.in[17] & 0xffff);
  EXPECT_EQ(kernel.out[18], 0u);
}
