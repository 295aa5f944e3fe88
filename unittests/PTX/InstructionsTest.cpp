//===- InstructionsTest.cpp - what instructions of one thread compute -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Kernel.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace weir::ptx;
using weir::ptx::test::bits;
using weir::ptx::test::Kernel;
using weir::ptx::test::real;

/// %r1 after the body, where %r1, %r2, %r3 are a, b, c; 64-bit results are written to both words.
static uint32_t result(const std::string &body, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0) {
  Kernel kernel("ld.global.u32 %r1, [%rd1]; ld.global.u32 %r2, [%rd1+4]; ld.global.u32 %r3, [%rd1+8];\n" +
                body + "\nst.global.u32 [%rd4], %r1;");
  kernel.in = {a, b, c};
  kernel.run();
  EXPECT_EQ(kernel.problem, "") << body;
  return kernel.problem.empty() ? kernel.out[0] : 0xdeadbeef;
}
static float realResult(const std::string &body, float a, float b = 0, float c = 0) {
  return real(result("mov.b32 %f1, %r1; mov.b32 %f2, %r2; mov.b32 %f3, %r3;\n" + body + "\nmov.b32 %r1, %f1;",
                     bits(a), bits(b), bits(c)));
}

TEST(PTXInstructions, Integers) {
  EXPECT_EQ(result("add.s32 %r1, %r1, %r2;", 0xffffffff, 2), 1u);
  EXPECT_EQ(result("add.sat.s32 %r1, %r1, %r2;", 0x7fffffff, 2), 0x7fffffffu);
  EXPECT_EQ(result("sub.s32 %r1, %r1, %r2;", 1, 2), 0xffffffffu);
  EXPECT_EQ(result("mul.lo.u32 %r1, %r1, %r2;", 0x10001, 0x10001), 0x20001u);
  EXPECT_EQ(result("mul.hi.u32 %r1, %r1, %r2;", 0x80000000, 6), 3u);
  EXPECT_EQ(result("mul.hi.s32 %r1, %r1, %r2;", 0xffffffff, 6), 0xffffffffu);
  EXPECT_EQ(
      result("mul.wide.s32 %rd5, %r1, %r2; shr.u64 %rd5, %rd5, 32; cvt.u32.u64 %r1, %rd5;", uint32_t(-3), 5),
      0xffffffffu);
  EXPECT_EQ(result("mad.lo.s32 %r1, %r1, %r2, %r3;", uint32_t(-3), 5, 20), 5u);
  EXPECT_EQ(result("rem.s32 %r1, %r1, %r2;", uint32_t(-7), 2), uint32_t(-1));
  EXPECT_EQ(result("div.s32 %r1, %r1, %r2;", 0x80000000, uint32_t(-1)), 0x80000000u);
  EXPECT_EQ(result("min.s32 %r1, %r1, %r2;", uint32_t(-7), 2), uint32_t(-7));
  EXPECT_EQ(result("min.u32 %r1, %r1, %r2;", uint32_t(-7), 2), 2u);
  EXPECT_EQ(result("abs.s32 %r1, %r1;", uint32_t(-7)), 7u);
  EXPECT_EQ(result("neg.s32 %r1, %r1;", 7), uint32_t(-7));
}

TEST(PTXInstructions, Bits) {
  EXPECT_EQ(result("shl.b32 %r1, %r1, 31;", 3), 0x80000000u);
  EXPECT_EQ(result("shl.b32 %r1, %r1, 32;", 3), 0u);
  EXPECT_EQ(result("shr.s32 %r1, %r1, 40;", 0x80000000), 0xffffffffu);
  EXPECT_EQ(result("shr.u32 %r1, %r1, 4;", 0x80000000), 0x08000000u);
  EXPECT_EQ(result("not.b32 %r1, %r1;", 1), 0xfffffffeu);
  EXPECT_EQ(result("popc.b32 %r1, %r1;", 0xf0f), 8u);
  EXPECT_EQ(result("clz.b32 %r1, %r1;", 0x00ff0000), 8u);
  EXPECT_EQ(result("brev.b32 %r1, %r1;", 0x3), 0xc0000000u);
  EXPECT_EQ(result("bfind.u32 %r1, %r1;", 0x00ff0000), 23u);
  EXPECT_EQ(result("bfind.s32 %r1, %r1;", 0xfffffff0), 3u);
  EXPECT_EQ(result("bfe.u32 %r1, %r1, 4, 8;", 0x12345678), 0x67u);
  EXPECT_EQ(result("bfe.s32 %r1, %r1, 0, 4;", 0x12345678), 0xfffffff8u);
  EXPECT_EQ(result("bfi.b32 %r1, %r1, %r2, 8, 4;", 0xff, 0x12345678), 0x12345f78u);
  EXPECT_EQ(result("prmt.b32 %r1, %r1, %r2, 0x5410;", 0x33221100, 0x77665544), 0x55441100u);
  EXPECT_EQ(result("prmt.b32 %r1, %r1, %r2, 0x888b;", 0x80221100, 0), 0x000000ffu);
  EXPECT_EQ(result("lop3.b32 %r1, %r1, %r2, %r3, 0xea;", 0xf0, 0xcc, 0x01), 0xc1u) << "(a and b) or c";
  EXPECT_EQ(result("shf.l.wrap.b32 %r1, %r1, %r2, 8;", 0x11223344, 0xaabbccdd), 0xbbccdd11u);
  EXPECT_EQ(result("shf.r.clamp.b32 %r1, %r1, %r2, 40;", 0x11223344, 0xaabbccdd), 0xaabbccddu);
}

TEST(PTXInstructions, Floats) {
  EXPECT_EQ(realResult("add.f32 %f1, %f1, %f2;", 1, 0x1p-24f), 1);
  EXPECT_EQ(realResult("add.rp.f32 %f1, %f1, %f2;", 1, 0x1p-24f), 1 + 0x1p-23f);
  EXPECT_EQ(realResult("add.rz.f32 %f1, %f1, %f2;", 1, -0x1p-30f), 1 - 0x1p-24f);
  EXPECT_EQ(realResult("fma.rn.f32 %f1, %f1, %f2, %f3;", 1 + 0x1p-12f, 1 + 0x1p-12f, -1),
            0x1p-11f + 0x1p-24f);
  EXPECT_EQ(realResult("mul.ftz.f32 %f1, %f1, %f2;", 0x1p-100f, 0x1p-40f), 0);
  EXPECT_EQ(realResult("mul.f32 %f1, %f1, %f2;", 0x1p-100f, 0x1p-40f), 0x1p-140f);
  EXPECT_EQ(realResult("add.sat.f32 %f1, %f1, %f2;", 1, 1), 1);
  EXPECT_EQ(realResult("max.f32 %f1, %f1, %f2;", NAN, 2), 2);
  EXPECT_EQ(bits(realResult("max.NaN.f32 %f1, %f1, %f2;", NAN, 2)), 0x7fffffffu);
  EXPECT_EQ(bits(realResult("min.f32 %f1, %f1, %f2;", 0.f, -0.f)), 0x80000000u);
  EXPECT_EQ(realResult("div.rn.f32 %f1, %f1, %f2;", 1, 3), 1.f / 3);
  EXPECT_EQ(realResult("rcp.rn.f32 %f1, %f1;", 3), 1.f / 3);
  EXPECT_EQ(realResult("sqrt.rn.f32 %f1, %f1;", 2), std::sqrt(2.f));
  EXPECT_EQ(realResult("neg.f32 %f1, %f1;", 2), -2);
  EXPECT_EQ(realResult("abs.f32 %f1, %f1;", -2), 2);
  EXPECT_EQ(realResult("copysign.f32 %f1, %f1, %f2;", -1, 5), -5);
  // The bounds of the PTX manual: 2^-22 relative, but 2^-11 of tanh.
  EXPECT_NEAR(realResult("ex2.approx.ftz.f32 %f1, %f1;", 1.5f), 2.82842712, 2.83 * 0x1p-22);
  EXPECT_NEAR(realResult("lg2.approx.f32 %f1, %f1;", 10.f), 3.32192809, 3.33 * 0x1p-22);
  EXPECT_NEAR(realResult("rsqrt.approx.f32 %f1, %f1;", 3.f), 0.57735027, 0.58 * 0x1p-22);
  EXPECT_NEAR(realResult("tanh.approx.f32 %f1, %f1;", 0.5f), 0.46211716, 0.47 * 0x1p-11);
  EXPECT_EQ(realResult("ex2.approx.ftz.f32 %f1, %f1;", -INFINITY), 0);
}

TEST(PTXInstructions, SmallFloats) {
  // 1 + 2^-11 is half way between two f16; 0x3c00 is 1.
  EXPECT_EQ(result("mov.b32 {%h1, %h2}, %r1; add.f16 %h1, %h1, %h2; mov.b32 %r1, {%h1, %h1};", 0x10003c00),
            0x3c003c00u);
  EXPECT_EQ(result("mul.f16x2 %r1, %r1, %r2;", 0x3c004000, 0x42003800), 0x42003c00u)
      << "1 * 3 above, 2 * 0.5 below";
  EXPECT_EQ(result("fma.rn.bf16x2 %r1, %r1, %r2, %r3;", 0x3f804000, 0x40404000, 0x3f803f80), 0x408040a0u);
  EXPECT_EQ(result("max.f16x2 %r1, %r1, %r2;", 0x3c00c000, 0x40003c00), 0x40003c00u);
  EXPECT_EQ(result("neg.bf16x2 %r1, %r1;", 0x3f80bf80), 0xbf803f80u);
}

TEST(PTXInstructions, Comparisons) {
  auto holds = [](const std::string &how, float a, float b) {
    return realResult("setp." + how + ".f32 %p1, %f1, %f2; selp.f32 %f1, 0f3F800000, 0f00000000, %p1;", a,
                      b) == 1;
  };
  EXPECT_TRUE(holds("lt", 1, 2));
  EXPECT_FALSE(holds("lt", NAN, 2));
  EXPECT_TRUE(holds("ltu", NAN, 2));
  EXPECT_FALSE(holds("ne", NAN, 2));
  EXPECT_TRUE(holds("neu", NAN, NAN));
  EXPECT_TRUE(holds("nan", NAN, 2));
  EXPECT_TRUE(holds("num", 1, 2));
  EXPECT_TRUE(holds("ge", 0.f, -0.f));
  EXPECT_EQ(result("setp.lt.s32 %p1, %r1, %r2; selp.b32 %r1, 1, 0, %p1;", uint32_t(-1), 1), 1u);
  EXPECT_EQ(result("setp.lt.u32 %p1, %r1, %r2; selp.b32 %r1, 1, 0, %p1;", uint32_t(-1), 1), 0u);
  EXPECT_EQ(result("setp.hi.u32 %p1, %r1, %r2; selp.b32 %r1, 1, 0, %p1;", uint32_t(-1), 1), 1u);
  // True is written as 1 and as -1.
  EXPECT_EQ(
      result("mov.pred %p1, -1; setp.eq.s32 %p2, %r1, 1; xor.pred %p3, %p1, %p2; selp.b32 %r1, 7, 8, %p3;",
             1),
      8u);
  EXPECT_EQ(result("setp.eq.s32 %p2, %r1, 1; xor.pred %p3, %p2, -1; selp.b32 %r1, 7, 8, %p3;", 1), 8u);
  EXPECT_EQ(result("setp.eq.s32 %p1, %r1, 1; setp.gt.and.s32 %p2|%p3, %r2, 5, !%p1; selp.b32 %r1, 1, 0, %p2;"
                   "@%p3 add.s32 %r1, %r1, 2;",
                   0, 9),
            1u);
  EXPECT_EQ(
      result("setp.eq.s32 %p1, %r1, 1; or.pred %p2, %p1, %p1; not.pred %p2, %p2; selp.b32 %r1, 7, 8, %p2;",
             0),
      7u);
}

TEST(PTXInstructions, Conversions) {
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rzi.s32.f32 %r1, %f1;", bits(-2.7f)), uint32_t(-2));
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rni.s32.f32 %r1, %f1;", bits(2.5f)), 2u);
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rmi.s32.f32 %r1, %f1;", bits(-2.1f)), uint32_t(-3));
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rzi.s32.f32 %r1, %f1;", bits(1e20f)), 0x7fffffffu);
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rzi.u32.f32 %r1, %f1;", bits(-5.f)), 0u);
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rzi.s32.f32 %r1, %f1;", bits(NAN)), 0u);
  EXPECT_EQ(result("cvt.rn.f32.s32 %f1, %r1; mov.b32 %r1, %f1;", uint32_t(-16777217)), bits(-16777216.f));
  EXPECT_EQ(result("cvt.rn.f32.u32 %f1, %r1; mov.b32 %r1, %f1;", 0xffffffff), bits(0x1p32f));
  EXPECT_EQ(result("cvt.s64.s32 %rd5, %r1; shr.u64 %rd5, %rd5, 32; cvt.u32.u64 %r1, %rd5;", uint32_t(-1)),
            0xffffffffu);
  EXPECT_EQ(result("cvt.s32.s8 %r1, %r1;", 0x1ff), 0xffffffffu);
  EXPECT_EQ(result("cvt.u32.u8 %r1, %r1;", 0x1ff), 0xffu);
  EXPECT_EQ(result("cvt.sat.u8.s32 %r1, %r1;", 300), 255u);
  EXPECT_EQ(result("cvt.sat.s8.s32 %r1, %r1;", uint32_t(-300)), uint32_t(-128));
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rn.f16.f32 %h1, %f1; cvt.u32.u16 %r1, %h1;", bits(65519.f)),
            0x7bffu);
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rn.f16.f32 %h1, %f1; cvt.u32.u16 %r1, %h1;", bits(65520.f)),
            0x7c00u);
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rn.f16.f32 %h1, %f1; cvt.u32.u16 %r1, %h1;", bits(0x1.8p-24f)), 2u);
  EXPECT_EQ(result("mov.b32 {%h1, %h2}, %r1; cvt.f32.f16 %f1, %h1; mov.b32 %r1, %f1;", 1), bits(0x1p-24f));
  EXPECT_EQ(result("mov.b32 %f1, %r1; mov.b32 %f2, %r2; cvt.rn.bf16x2.f32 %r1, %f1, %f2;", bits(1), bits(3)),
            0x3f804040u);
  EXPECT_EQ(result("mov.b32 %f1, %r1; mov.b32 %f2, %r2; cvt.rn.f16x2.f32 %r1, %f1, %f2;", bits(1), bits(3)),
            0x3c004200u);
  // To the nearest of 10 bits of fraction, of two away from zero; what is no number stays so.
  for (auto [from, to] : {std::pair(0x3f801000u, 0x3f802000u), {0xbf801000u, 0xbf802000u}, {0x3f800fffu, 0x3f800000u}, {0x3fffffffu, 0x40000000u},
                          {0x7f7fffffu, 0x7f800000u}, {0x7f800000u, 0x7f800000u}})
    EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.rna.tf32.f32 %r1, %f1;", from), to) << from;
  EXPECT_TRUE(std::isnan(real(result("mov.b32 %f1, %r1; cvt.rna.tf32.f32 %r1, %f1;", 0x7fffffff))));
  EXPECT_EQ(result("mov.b32 %f1, %r1; cvt.f64.f32 %fd1, %f1; add.f64 %fd1, %fd1, 0d3FF0000000000000; "
                   "cvt.rn.f32.f64 %f1, %fd1;"
                   "mov.b32 %r1, %f1;",
                   bits(2)),
            bits(3));
  EXPECT_EQ(Kernel("cvt.s32.f32 %r1, %f1;").run().problem,
            "k.ptx:13: error: cvt.s32.f32: a conversion that rounds must say how");
}

TEST(PTXInstructions, SixteenBitsToNearestAgreeWithExactRounding) {
  // Every f16 survives; numbers half way between two go to the even one, and next to the middle to the closer
  // one.
  for (uint32_t half = 0; half < 0x7c00; half += 97) {
    Kernel kernel(
        "ld.global.u32 %r1, [%rd3]; mov.b32 %f1, %r1; cvt.rn.f16.f32 %h1, %f1; cvt.rz.f16.f32 %h2, %f1;"
        "mov.b32 %r1, {%h1, %h2}; st.global.u32 [%rd4], %r1;");
    float at =
        std::ldexp(float(half & 0x3ff) + (half >> 10 ? 1024 : 0), int(half >> 10 ? half >> 10 : 1) - 25);
    float next = std::ldexp(float((half + 1) & 0x3ff) + ((half + 1) >> 10 ? 1024 : 0),
                            int((half + 1) >> 10 ? (half + 1) >> 10 : 1) - 25);
    float middle = (at + next) / 2;
    float values[] = {at, std::nextafter(middle, 0.f), middle, std::nextafter(middle, 1e9f)};
    for (unsigned i = 0; i < 4; ++i)
      kernel.in[i] = bits(values[i]);
    kernel.run();
    ASSERT_EQ(kernel.problem, "");
    uint32_t even = half & 1 ? half + 1 : half;
    EXPECT_EQ(kernel.out[0], half | half << 16);
    EXPECT_EQ(kernel.out[1], half | half << 16);
    EXPECT_EQ(kernel.out[2], even | half << 16);
    EXPECT_EQ(kernel.out[3], (half + 1) | half << 16);
  }
}

TEST(PTXInstructions, Memory) {
  EXPECT_EQ(result("ld.global.s8 %r1, [%rd1];", 0x80), 0xffffff80u);
  EXPECT_EQ(result("ld.global.u8 %r1, [%rd1];", 0x80), 0x80u);
  EXPECT_EQ(result("ld.global.nc.L1::no_allocate.v2.u32 {%r1, %r2}, [%rd1]; mov.u32 %r1, %r2;", 1, 2), 2u);
  EXPECT_EQ(result(".local .align 8 .b8 depot[16]; mov.b64 %rd5, depot; cvta.local.u64 %rd6, %rd5; st.u64 "
                   "[%rd6+8], %rd5;"
                   "st.local.u32 [depot+8], %r2; ld.u32 %r1, [%rd6+8];",
                   1, 2),
            2u);
  EXPECT_EQ(result(".shared .align 8 .b8 tile[128]; mad.wide.u32 %rd5, %r0, 4, 0; mov.u64 %rd6, tile; "
                   "add.u64 %rd5, %rd5, %rd6;"
                   "cvta.shared.u64 %rd7, %rd5; st.u32 [%rd7], %r2; ld.shared.u32 %r1, [%rd5];",
                   1, 2),
            2u);
  EXPECT_EQ(result("mov.b64 %rd5, {%r1, %r2}; mov.b64 {%r3, %r4}, %rd5; mov.u32 %r1, %r4;", 1, 2), 2u);
}

TEST(PTXInstructions, ModuleVariablesAndFunctions) {
  Kernel kernel(R"(
    ld.const.u32 %r1, [table+4];
    { .param .b32 argument; .param .b32 result;
      st.param.b32 [argument], %r1;
      call.uni (result), twice, (argument);
      ld.param.b32 %r1, [result]; }
    setp.gt.u32 %p1, %r0, 3;
    @%p1 bra done;
    { .param .b32 argument; .param .b32 result;
      st.param.b32 [argument], %r1;
      call (result), twice, (argument);
      ld.param.b32 %r1, [result]; }
    done: st.global.u32 [%rd4], %r1;)");
  kernel.outside = R"(
    .const .align 4 .u32 table[2] = {3, 5};
    .func (.param .b32 out) twice(.param .b32 x)
    { .reg .b32 %a<2>; ld.param.b32 %a0, [x]; add.s32 %a0, %a0, %a0; st.param.b32 [out], %a0; ret; })";
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.out[0], 20u);
  EXPECT_EQ(kernel.out[9], 10u);
  kernel.outside = ".func twice() { call.uni twice; ret; }";
  kernel.body = "call.uni twice;";
  EXPECT_NE(kernel.run().problem.find("'twice' calls itself"), std::string::npos) << kernel.problem;
}

TEST(PTXInstructions, Atomics) {
  Kernel kernel(R"(
    st.global.u32 [%rd4], %r0;
    bar.warp.sync -1;
    atom.global.add.u32 %r1, [%rd2], 1;
    red.global.max.u32 [%rd2+4], %r0;
    atom.global.cas.b32 %r2, [%rd2+8], 2, %r0;)");
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.out[0], 32u);
  EXPECT_EQ(kernel.out[1], 31u);
  EXPECT_EQ(kernel.out[2], 0u) << "lane 0 came first";
}
