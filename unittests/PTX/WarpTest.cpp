//===- WarpTest.cpp - threads of a warp, warps of a block -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Kernel.h"
#include "gtest/gtest.h"

using namespace weir::ptx;
using weir::ptx::test::Kernel;

static std::vector<uint32_t> words(const std::string &body, uint64_t seed = 0) {
  Kernel kernel(body + "\nst.global.u32 [%rd4], %r1;");
  kernel.checks.seed = seed;
  kernel.run();
  EXPECT_EQ(kernel.problem, "") << body;
  return kernel.problem.empty() ? kernel.out : std::vector<uint32_t>(32, 0xdeadbeef);
}

/// shfl.sync by the table of the PTX manual; c is the clamp and the segments' mask.
TEST(PTXWarp, Shuffles) {
  struct Case {
    const char *mode;
    unsigned b, c;
    int (*from)(int lane);
  };
  const Case cases[] = {
      {"bfly", 1, 31, [](int lane) { return lane ^ 1; }},
      {"bfly", 16, 31, [](int lane) { return lane ^ 16; }},
      {"up", 3, 0, [](int lane) { return lane < 3 ? lane : lane - 3; }},
      {"down", 3, 31, [](int lane) { return lane + 3 > 31 ? lane : lane + 3; }},
      {"idx", 5, 31, [](int) { return 5; }},
      // Segments of 8: mask 0b11000.
      {"idx", 5, 0x181f, [](int lane) { return lane / 8 * 8 + 5; }},
      {"up", 2, 0x1800, [](int lane) { return lane % 8 < 2 ? lane : lane - 2; }},
      {"down", 2, 0x181f, [](int lane) { return lane % 8 + 2 > 7 ? lane : lane + 2; }},
      {"bfly", 4, 0x181f, [](int lane) { return lane ^ 4; }},
  };
  for (const Case &c : cases) {
    std::string shuffle = std::string("mul.lo.u32 %r2, %r0, 10; shfl.sync.") + c.mode +
                          ".b32 %r1|%p1, %r2, " + std::to_string(c.b) + ", " + std::to_string(c.c) +
                          ", -1; @!%p1 add.u32 %r1, %r1, 1;";
    std::vector<uint32_t> got = words(shuffle);
    for (int lane = 0; lane < 32; ++lane) {
      int from = c.from(lane);
      bool outside =
          from == lane && std::string(c.mode) != "idx"; // out of range: the own value, and no predicate
      EXPECT_EQ(got[lane], 10u * from + outside) << c.mode << " " << c.b << " " << c.c << " lane " << lane;
    }
  }
}

TEST(PTXWarp, VotesAndReductions) {
  EXPECT_EQ(words("setp.lt.u32 %p1, %r0, 5; vote.sync.ballot.b32 %r1, %p1, -1;")[9], 0x1fu);
  EXPECT_EQ(words("setp.lt.u32 %p1, %r0, 5; vote.sync.any.pred %p2, %p1, -1; selp.u32 %r1, 1, 0, %p2;")[9],
            1u);
  EXPECT_EQ(words("setp.lt.u32 %p1, %r0, 5; vote.sync.all.pred %p2, !%p1, -1; selp.u32 %r1, 1, 0, %p2;")[9],
            0u);
  EXPECT_EQ(words("setp.lt.u32 %p1, %r0, 50; vote.sync.uni.pred %p2, %p1, -1; selp.u32 %r1, 1, 0, %p2;")[9],
            1u);
  EXPECT_EQ(words("redux.sync.add.s32 %r1, %r0, -1;")[9], 496u);
  EXPECT_EQ(words("sub.s32 %r2, %r0, 4; redux.sync.min.s32 %r1, %r2, -1;")[9], uint32_t(-4));
  EXPECT_EQ(words("and.b32 %r2, %r0, 3; match.any.sync.b32 %r1, %r2, -1;")[9], 0x22222222u);
  EXPECT_EQ(words("mov.u32 %r2, 3; match.all.sync.b32 %r1|%p1, %r2, -1;")[9], 0xffffffffu);
  EXPECT_EQ(words("elect.sync %r1|%p1, -1; selp.u32 %r1, 1, 0, %p1;")[0], 1u);
  EXPECT_EQ(words("mov.u32 %r1, %lanemask_lt;")[5], 0x1fu);
  EXPECT_EQ(words("activemask.b32 %r1;")[5], 0xffffffffu);
}

TEST(PTXWarp, BranchesPartAndJoin) {
  // Each lane adds 1 as often as its number says; then all meet in the shuffle, which would wait for ever
  // otherwise.
  const char *loop = R"(
    mov.u32 %r1, 0;
    head: setp.ge.u32 %p1, %r1, %r0;
    @%p1 bra out;
    add.u32 %r1, %r1, 1;
    bra head;
    out: shfl.sync.bfly.b32 %r1, %r1, 31, 31, -1;)";
  for (uint64_t seed = 0; seed < 5; ++seed) {
    std::vector<uint32_t> got = words(loop, seed);
    for (unsigned lane = 0; lane < 32; ++lane)
      EXPECT_EQ(got[lane], 31 - lane);
  }
  // Halves that each name themselves need not wait for each other.
  std::vector<uint32_t> halves = words(R"(
    setp.lt.u32 %p1, %r0, 16;
    selp.b32 %r2, 0xffff, 0xffff0000, %p1;
    @%p1 bra low;
    shfl.sync.idx.b32 %r1, %r0, 31, 31, %r2;
    bra out;
    low: shfl.sync.idx.b32 %r1, %r0, 3, 31, %r2;
    out:)");
  EXPECT_EQ(halves[1], 3u);
  EXPECT_EQ(halves[20], 31u);
  EXPECT_EQ(words("shr.u32 %r2, %r0, 4; mov.u32 %r3, 0xffff; shl.b32 %r4, %r2, 4; shl.b32 %r3, %r3, %r4;"
                  "shfl.sync.bfly.b32 %r1, %r0, 1, 31, %r3;")[20],
            21u)
      << "two sets of members at one place";
}

TEST(PTXWarp, BarriersOfSomeWarps) {
  // Warp 0 makes, warp 1 uses; warp 2 does not take part.
  Kernel kernel(R"(
    .shared .align 4 .b8 tile[128];
    mov.u64 %rd5, tile;
    and.b32 %r3, %r0, 31;
    mad.wide.u32 %rd6, %r3, 4, %rd5;
    setp.ge.u32 %p1, %r0, 64;
    @%p1 bra out;
    setp.ge.u32 %p1, %r0, 32;
    @%p1 bra use;
    st.shared.u32 [%rd6], %r0;
    bar.arrive 3, 64;
    bra out;
    use: bar.sync 3, 64;
    ld.shared.u32 %r1, [%rd6];
    st.global.u32 [%rd4], %r1;
    out:)");
  kernel.launch.block = {96, 1, 1};
  kernel.words = 96;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    kernel.checks.seed = seed;
    kernel.run();
    ASSERT_EQ(kernel.problem, "");
    EXPECT_EQ(kernel.out[32 + 7], 7u);
  }
}

TEST(PTXWarp, ReductionsAtBarriers) {
  Kernel kernel("setp.lt.u32 %p1, %r0, 40; bar.red.popc.u32 %r1, 0, %p1; bar.red.and.pred %p2, 0, %p1; "
                "bar.red.or.pred %p3, 0, %p1;"
                "@%p2 add.u32 %r1, %r1, 1000; @%p3 add.u32 %r1, %r1, 100; st.global.u32 [%rd4], %r1;");
  kernel.launch.block = {64, 1, 1};
  kernel.words = 64;
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.out[50], 140u);
}

TEST(PTXWarp, SpecialRegistersAndPartialWarps) {
  Kernel kernel(R"(
    mov.u32 %r1, %tid.y; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mad.lo.u32 %r4, %r1, %r2, %r3;
    mov.u32 %r5, %ctaid.y; mov.u32 %r6, %nctaid.y; mad.lo.u32 %r7, %r5, 20, %r4; mad.wide.u32 %rd5, %r7, 4, %rd2;
    redux.sync.add.u32 %r8, 1, -1;
    mad.lo.u32 %r8, %r6, 1000, %r8;
    st.global.u32 [%rd5], %r8;)");
  kernel.launch.block = {5, 4, 1};
  kernel.launch.grid = {1, 2, 1};
  kernel.words = 40;
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.out[39], 2020u) << "two blocks in y, 20 threads in the warp";
}

TEST(PTXWarp, Statistics) {
  Kernel kernel(".shared .align 16 .b8 tile[4096]; mov.u64 %rd5, tile; mad.wide.u32 %rd6, %r0, 128, %rd5; "
                "st.shared.u32 [%rd6], %r0;"
                "mad.wide.u32 %rd6, %r0, 4, %rd5; st.shared.u32 [%rd6+0], %r0;");
  kernel.checks.races = false;
  kernel.run();
  ASSERT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.statistics.sharedAccesses, 2u);
  EXPECT_EQ(kernel.statistics.sharedWavefronts, 33u) << "all in one bank, then each in its own";
  EXPECT_EQ(kernel.statistics.staticShared, 4096u);
  EXPECT_EQ(kernel.statistics.byOpcode["st.shared.u32"], 2u);
}
