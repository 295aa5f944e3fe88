//===- FaultsTest.cpp - what kernels must not do --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Kernel.h"
#include "gtest/gtest.h"

using namespace weir::ptx;
using weir::ptx::test::Kernel;

static const std::string tile = ".shared .align 16 .b8 tile[256]; mov.u64 %rd5, tile; mad.wide.u32 %rd6, "
                                "%r0, 4, 0; add.u64 %rd6, %rd6, %rd5;\n";

/// The kernel stops with a fault whose text has all of `parts`, and which names a place and a thread.
static void expectFault(Kernel kernel, std::initializer_list<const char *> parts) {
  kernel.run();
  EXPECT_TRUE(kernel.fault) << kernel.problem;
  for (const char *part : parts)
    EXPECT_NE(kernel.problem.find(part), std::string::npos) << kernel.problem << "\nhas no: " << part;
  EXPECT_EQ(kernel.problem.find("k.ptx:"), 0u);
}
static void expectRuns(Kernel kernel) {
  kernel.run();
  EXPECT_EQ(kernel.problem, "");
}

TEST(PTXFaults, GlobalBounds) {
  expectFault(Kernel("ld.global.u32 %r1, [%rd3+4000];"),
              {"k.ptx:13:", "ld.global.u32", "0 bytes behind the end of 'in' (4096 bytes)",
               "thread (24,0,0) of block (0,0,0)"});
  expectFault(Kernel("st.global.u32 [%rd2+-4], %r1;"), {"are in no buffer"});
  expectFault(Kernel("ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd1+4096];"), {"are in no buffer"});
  expectFault(Kernel("mov.u64 %rd5, 0; ld.global.u32 %r1, [%rd5];"), {"at 0x0 are in no buffer"});
  expectFault(Kernel("st.global.u32 [%rd1], %r1;"), {"a write to 'in', which may only be read"});
  Kernel odd("ld.global.u64 %rd5, [%rd1+8];");
  odd.in.resize(3);
  expectFault(odd, {"reach behind the end of 'in' (12 bytes)"});
}

TEST(PTXFaults, SharedBounds) {
  expectFault(Kernel(tile + "st.shared.u32 [%rd6+132], %r0;"),
              {"4 bytes behind the end of 'tile' (256 bytes)", "thread (31,0,0)"});
  expectFault(Kernel(tile + "st.shared.u32 [%rd6+8192], %r0;"), {"shared memory are out of bounds"});
  // Two variables lie apart: what runs out of the first is not in the second.
  expectFault(Kernel(".shared .b32 a[4]; .shared .b32 b[4]; mov.u64 %rd5, b; mov.u64 %rd5, a; st.shared.u32 "
                     "[%rd5+16], %r0;"),
              {"4 bytes behind the end of 'a' (16 bytes)"});
  Kernel dynamic("mov.u64 %rd5, dyn; st.shared.u32 [%rd5+64], %r0;");
  dynamic.outside = ".extern .shared .align 16 .b8 dyn[];";
  dynamic.launch.block = {1, 1, 1};
  expectFault(dynamic, {"out of bounds"});
  dynamic.launch.dynamicShared = 68;
  expectRuns(dynamic);
}

TEST(PTXFaults, Alignment) {
  expectFault(Kernel("ld.global.u32 %r1, [%rd1+2];"), {"is not a multiple of 4, the bytes of the access"});
  expectFault(Kernel("ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd1+8];"), {"is not a multiple of 16"});
  expectFault(Kernel(tile + "st.shared.v2.u32 [%rd6], {%r0, %r0};"),
              {"is not a multiple of 8", "thread (1,0,0)"});
}

TEST(PTXFaults, Uninitialised) {
  expectFault(Kernel(tile + "ld.shared.u32 %r1, [%rd6];"),
              {"a read of byte 0 of shared memory, to which nothing was written"});
  expectFault(Kernel(tile + "st.shared.u8 [%rd6], %r0; ld.shared.u32 %r1, [%rd6];"),
              {"a read of byte 1 of shared memory"});
  expectFault(Kernel("ld.global.u32 %r1, [%rd4];"), {"a read of byte 0 of 'out'"});
  Kernel unchecked(tile + "ld.shared.u32 %r1, [%rd6]; st.global.u32 [%rd4], %r1;");
  unchecked.checks.uninitialised = false;
  unchecked.run();
  EXPECT_EQ(unchecked.problem, "");
  EXPECT_EQ(unchecked.out[0], 0xffffffffu);
}

TEST(PTXFaults, SharedMemoryOfTheTarget) {
  Kernel kernel("mov.u64 %rd5, dyn;");
  kernel.outside = ".extern .shared .align 16 .b8 dyn[]; .shared .b8 fixed[1024];";
  kernel.body += "mov.u64 %rd6, fixed;";
  kernel.launch.dynamicShared = 163 * 1024 - 1024;
  expectRuns(kernel);
  ++kernel.launch.dynamicShared;
  EXPECT_EQ(
      kernel.run().problem,
      "'k' needs 166913 bytes of shared memory (1024 static, 165889 dynamic); sm_80 has 166912 a block");
  Kernel fixed("mov.u64 %rd5, big;");
  fixed.outside = ".shared .b8 big[49153];";
  EXPECT_EQ(fixed.run().problem,
            "'k' has 49153 bytes of static shared memory; at most 49152 are possible, more must be dynamic");
  EXPECT_EQ(sharedLimit("sm_90a"), 227u * 1024);
  EXPECT_EQ(sharedLimit("sm_86"), 99u * 1024);
}

TEST(PTXFaults, DivisionByZeroAndTraps) {
  expectFault(Kernel("div.u32 %r1, 5, %r0;"), {"a division by 0", "thread (0,0,0)"});
  expectFault(Kernel("setp.eq.u32 %p1, %r0, 7; @%p1 trap;"), {"the kernel gives up", "thread (7,0,0)"});
  Kernel endless("loop: bra loop;");
  endless.checks.limit = 100000;
  expectFault(endless, {"has not ended after 100000 instructions"});
}

/// Each of 64 threads writes its word and reads the one of the thread 32 away, in the other warp.
static Kernel exchange(const std::string &between) {
  Kernel kernel(tile + "st.shared.u32 [%rd6], %r0; " + between +
                " xor.b32 %r1, %r0, 32; mad.wide.u32 %rd7, %r1, 4, %rd5; ld.shared.u32 %r2, [%rd7]; "
                "st.global.u32 [%rd4], %r2;");
  kernel.launch.block = {64, 1, 1};
  kernel.words = 64;
  return kernel;
}

TEST(PTXFaults, RacesBetweenWarps) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Kernel with = exchange("bar.sync 0;"), without = exchange("");
    with.checks.seed = without.checks.seed = seed;
    with.run();
    ASSERT_EQ(with.problem, "");
    EXPECT_EQ(with.out[3], 35u);
    without.checks.uninitialised = false; // the race is found in whatever order the warps ran
    expectFault(without, {"a data race on byte", "of shared memory", "are not ordered by a barrier"});
  }
  Kernel warps = exchange("bar.warp.sync -1;");
  warps.checks.uninitialised = false;
  expectFault(warps, {"a data race"});
  Kernel unchecked = exchange("");
  unchecked.checks.races = unchecked.checks.uninitialised = false;
  expectRuns(unchecked);
}

TEST(PTXFaults, RacesOfReadsWithLaterWrites) {
  // The second write needs a barrier behind the reads.
  Kernel kernel = exchange("bar.sync 0;");
  kernel.body += "st.shared.u32 [%rd6], %r2;";
  expectFault(kernel, {"a data race"});
  Kernel ordered = exchange("bar.sync 0;");
  ordered.body += "bar.sync 0; st.shared.u32 [%rd6], %r2;";
  expectRuns(ordered);
}

TEST(PTXFaults, RacesInsideAWarp) {
  std::string reads = " xor.b32 %r1, %r0, 1; mad.wide.u32 %rd7, %r1, 4, %rd5; ld.shared.u32 %r2, [%rd7];";
  expectFault(Kernel(tile + "st.shared.u32 [%rd6], %r0;" + reads), {"a data race", "thread (1,0,0)"});
  expectRuns(Kernel(tile + "st.shared.u32 [%rd6], %r0; bar.warp.sync -1;" + reads));
  // A shuffle exchanges registers, and orders no memory.
  expectFault(Kernel(tile + "st.shared.u32 [%rd6], %r0; shfl.sync.bfly.b32 %r3, %r0, 1, 31, -1;" + reads),
              {"a data race"});
  // Half a warp that synchronises teaches the other half nothing.
  expectFault(Kernel(tile +
                     "setp.lt.u32 %p1, %r0, 16; st.shared.u32 [%rd6], %r0; @%p1 bar.warp.sync 0xffff;"
                     "xor.b32 %r1, %r0, 16; mad.wide.u32 %rd7, %r1, 4, %rd5; ld.shared.u32 %r2, [%rd7];"),
              {"a data race"});
}

TEST(PTXFaults, RacesBetweenBlocks) {
  Kernel kernel("mov.u32 %r1, %ctaid.x; st.global.u32 [%rd4], %r1;");
  kernel.launch.grid = {2, 1, 1};
  expectFault(kernel, {"a data race on byte 0 of 'out'", "by thread (0,0,0) of block (0,0,0)",
                       "in thread (0,0,0) of block (1,0,0)"});
  Kernel atomic("mov.u32 %r1, %ctaid.x; red.global.max.u32 [%rd4], %r1;");
  atomic.checks.uninitialised = false;
  atomic.launch.grid = {3, 1, 1};
  expectRuns(atomic);
  Kernel mixed("mov.u32 %r1, %ctaid.x; setp.eq.u32 %p1, %r1, 2; @%p1 st.global.u32 [%rd4], %r1; @!%p1 "
               "red.global.max.u32 [%rd4], %r1;");
  mixed.checks.uninitialised = false;
  mixed.launch.grid = {3, 1, 1};
  expectFault(mixed, {"a data race"});
  // Of many blocks that read, each one races with a block that writes.
  Kernel many("mov.u32 %r1, %ctaid.x; setp.eq.u32 %p1, %r1, 1; @%p1 st.global.u32 [%rd2], %r1; @!%p1 "
              "ld.global.u32 %r2, [%rd2];");
  many.checks.uninitialised = false;
  many.launch.grid = {9, 1, 1};
  many.launch.block = {1, 1, 1};
  for (uint64_t seed = 0; seed < 10; ++seed) {
    many.checks.seed = seed;
    expectFault(many, {"a data race on byte 0 of 'out'"});
  }
}

TEST(PTXFaults, Barriers) {
  Kernel apart("setp.lt.u32 %p1, %r0, 5; @%p1 bra other; bar.sync 0; bra done; other: bar.sync 0; done:");
  expectFault(apart, {"the block waits for ever", "5 threads from (0,0,0)", "27 threads from (5,0,0)"});
  Kernel ended("setp.lt.u32 %p1, %r0, 5; @%p1 ret; bar.sync 0;");
  expectFault(ended, {"bar.sync", "lane 0 of the warp has ended without coming to the barrier"});
  Kernel missing("setp.lt.u32 %p1, %r0, 32; @%p1 bra done; bar.sync 0; done:");
  missing.launch.block = {64, 1, 1};
  expectFault(missing, {"warp 0 has ended", "warp 1 waits at a barrier"});
  Kernel counts(
      "setp.lt.u32 %p1, %r0, 32; @%p1 bra other; bar.sync 1, 64; bra done; other: bar.sync 1, 96; done:");
  counts.launch.block = {96, 1, 1};
  expectFault(counts, {"barrier 1 for", "threads; those that came to it at line", "expect"});
  expectFault(Kernel("bar.sync 16;"), {"barrier 16 does not exist"});
  expectFault(Kernel("bar.sync 0, 33;"), {"barrier for 33 threads"});
}

TEST(PTXFaults, MembersOfCollectives) {
  expectFault(Kernel("shfl.sync.idx.b32 %r1, %r0, 0, 31, 0xffff;"),
              {"not in the mask of members", "thread (16,0,0)"});
  expectFault(Kernel("setp.eq.u32 %p1, %r0, 3; @%p1 exit; shfl.sync.idx.b32 %r1, %r0, 0, 31, -1;"),
              {"lane 3 has ended"});
  expectFault(Kernel("setp.lt.u32 %p1, %r0, 16; @%p1 shfl.sync.bfly.b32 %r1, %r0, 16, 31, 0xffff;"),
              {"reads from lane 16, which does not take part"});
  expectFault(
      Kernel(
          "setp.lt.u32 %p1, %r0, 16; @!%p1 bra other; bar.warp.sync -1; bra done; other: bar.sync 0; done:"),
      {"threads that wait for each other"});
}

/// Each thread copies 16 bytes; then `behind`, then it reads its own.
static Kernel copy(const std::string &behind, const std::string &reads = "ld.shared.u32 %r1, [%rd7];") {
  return Kernel(".shared .align 16 .b8 tile[512]; mov.u64 %rd5, tile; mad.wide.u32 %rd7, %r0, 16, %rd5; "
                "mad.wide.u32 %rd8, %r0, 16, %rd1;\n"
                "cp.async.cg.shared.global [%rd7], [%rd8], 16;\n" +
                behind + "\n" + reads + "\nst.global.u32 [%rd4], %r1;");
}

TEST(PTXFaults, CopiesThatWereNotWaitedFor) {
  expectRuns(copy("cp.async.commit_group; cp.async.wait_group 0;"));
  expectRuns(copy("cp.async.wait_all;"));
  expectFault(
      copy(""),
      {"k.ptx:16:",
       "byte 0 of shared memory belongs to the cp.async of line 14, for which its thread has not waited"});
  expectFault(copy("cp.async.wait_group 0;"), {"not waited"}); // it is in no group
  expectFault(copy("cp.async.commit_group; cp.async.wait_group 1;"), {"not waited"});
  expectRuns(copy("cp.async.commit_group; cp.async.commit_group; cp.async.wait_group 1;"));
  expectFault(copy("st.shared.u32 [%rd7], %r0; cp.async.wait_all;"), {"not waited"}); // nor may it be written
  // What another thread copied needs a barrier as well.
  std::string neighbour = "xor.b32 %r2, %r0, 1; mad.wide.u32 %rd9, %r2, 16, %rd5; ld.shared.u32 %r1, [%rd9];";
  expectFault(copy("cp.async.wait_all;", neighbour), {"a data race"});
  expectRuns(copy("cp.async.wait_all; bar.warp.sync -1;", neighbour));
  expectRuns(copy("cp.async.wait_all; bar.sync 0;", neighbour));
}

TEST(PTXFaults, PlacesOfCopies) {
  expectFault(Kernel(tile + "cp.async.ca.shared.global [%rd5], [%rd1+4096], 4;"), {"are in no buffer"});
  expectFault(Kernel(tile + "cp.async.ca.shared.global [%rd5+256], [%rd1], 4;"), {"out of bounds"});
  expectFault(Kernel(tile + "cp.async.cg.shared.global [%rd5], [%rd1+8], 16;"), {"is not a multiple of 16"});
  EXPECT_EQ(Kernel(tile + "cp.async.cg.shared.global [%rd5], [%rd1], 8;").run().problem,
            "k.ptx:14: error: cp.async.cg.shared.global: cp.async.cg copies 16 bytes");
  expectFault(Kernel(tile + "cp.async.ca.shared.global [%rd5], [%rd1], 4, 5;"),
              {"it reads 5 bytes to copy 4"});
}
