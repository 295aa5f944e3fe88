//===- LoopsTest.cpp - loops and their banks, without running -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Kernel.h"
#include "weir/PTX/Profile.h"
#include "gtest/gtest.h"

using namespace weir::ptx;
using weir::ptx::test::Kernel;

namespace {

const char *kTile = ".shared .align 128 .b8 tile[32768];";

/// What the banks are asked for by the loops of a kernel, all together, and by the interpreter when it runs.
struct Banks {
  BankUse use;
  Statistics statistics;
  std::string problem;
};

/// Of accesses in a loop that goes round four times. %rd5 is the tile, %rd6 the thread's number, %r1 what
/// the loop has counted, %r2 an even number that is known at run time only. As in what a compiler writes, a
/// register is set in one place.
Banks banksOf(std::string accesses, unsigned threads = 32, bool runs = true) {
  Kernel kernel("mov.b64 %rd5, tile; cvt.u64.u32 %rd6, %r0; ld.global.u32 %r2, [%rd1]; mov.u32 %r1, 0;\n"
                "AGAIN:\n" +
                accesses + "\nadd.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 4; @%p1 bra AGAIN;");
  kernel.outside = kTile;
  kernel.launch.block = {threads, 1, 1};
  kernel.in[0] = 256;
  kernel.checks.uninitialised = kernel.checks.races = false;
  kernel.words = 0;
  Banks banks;
  auto module = parseModule(kernel.text(), "k.ptx");
  if (!module) {
    banks.problem = llvm::toString(module.takeError());
    return banks;
  }
  for (const LoopProfile &loop : profile(*module->find("k"), threads).loops) {
    banks.use.accesses += loop.banks.accesses;
    banks.use.conflicts += loop.banks.conflicts;
    banks.use.unknown += loop.banks.unknown;
  }
  if (runs) {
    kernel.words = 1;
    banks.problem = kernel.run().problem;
    banks.statistics = kernel.statistics;
  }
  return banks;
}

/// Accesses that all need `least` turns at best: the analysis says what the interpreter counts.
void expectConflicts(std::string accesses, unsigned conflicts, unsigned least = 1, unsigned threads = 32) {
  Banks banks = banksOf(accesses, threads);
  EXPECT_EQ(banks.problem, "") << accesses;
  EXPECT_EQ(banks.use.unknown, 0u) << accesses;
  EXPECT_EQ(banks.use.conflicts, conflicts) << accesses;
  ASSERT_GT(banks.use.accesses, 0u) << accesses;
  EXPECT_EQ(banks.statistics.sharedAccesses, 4 * banks.use.accesses * (threads / 32)) << accesses;
  EXPECT_EQ(banks.statistics.sharedWavefronts, 4 * (threads / 32) * (banks.use.accesses * least + conflicts))
      << accesses;
}

/// An access of `bytes` a thread, `apart` bytes from each other.
std::string strided(unsigned apart, std::string opcode, std::string values) {
  return "mad.lo.u64 %rd7, %rd6, " + std::to_string(apart) + ", %rd5;\n" + opcode + " " + values +
         ", [%rd7+64];";
}

TEST(Banks, OfStrides) {
  expectConflicts(strided(4, "ld.shared.b32", "%r9"), 0);
  expectConflicts(strided(8, "ld.shared.b32", "%r9"), 1);
  expectConflicts(strided(128, "ld.shared.b32", "%r9"), 31);
  expectConflicts(strided(132, "ld.shared.b32", "%r9"), 0);
  expectConflicts(strided(2, "ld.shared.b16", "%h9"), 0);
  expectConflicts(strided(16, "ld.shared.v4.b32", "{%r9, %r10, %r11, %r12}"), 0, 4);
  expectConflicts(strided(144, "ld.shared.v4.b32", "{%r9, %r10, %r11, %r12}"), 0, 4);
  expectConflicts(strided(128, "ld.shared.v4.b32", "{%r9, %r10, %r11, %r12}"), 28, 4);
  expectConflicts(strided(132, "ld.shared.b32", "%r9"), 0, 1, 128);
}

TEST(Banks, OfMatrices) {
  std::string load = "and.b64 %rd8, %rd6, 15; shr.u64 %rd9, %rd6, 4; shl.b64 %rd10, %rd9, 4;\n"
                     "mad.lo.u64 %rd11, %rd8, APART, %rd5; add.s64 %rd7, %rd11, %rd10;\n"
                     "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r9, %r10, %r11, %r12}, [%rd7+32];";
  auto apart = [&](std::string bytes) { return std::string(load).replace(load.find("APART"), 5, bytes); };
  expectConflicts(apart("144"), 0, 4);
  expectConflicts(apart("128"), 28, 4);
}

/// A read at `scale` times a register, which `place` sets.
std::string readAt(std::string place, unsigned scale) {
  return place + " mad.lo.u64 %rd20, %rd7, " + std::to_string(scale) + ", %rd5; ld.shared.b32 %r9, [%rd20];";
}

/// Where a thread's place is taken apart, put together with "or", and masked by bits that are not side by
/// side.
TEST(Banks, OfBits) {
  expectConflicts(
      readAt(
          "and.b64 %rd8, %rd6, 7; shr.u64 %rd9, %rd6, 3; shl.b64 %rd10, %rd9, 3; or.b64 %rd7, %rd8, %rd10;",
          4),
      0);
  expectConflicts(readAt("and.b64 %rd7, %rd6, 21;", 128), 7);
  expectConflicts(readAt("rem.u64 %rd7, %rd6, 3;", 128), 2);
  expectConflicts(readAt("div.u64 %rd7, %rd6, 3;", 128), 10);
  expectConflicts(readAt("xor.b64 %rd7, %rd6, 5;", 4), 0);
}

/// What is the same in all lanes turns the banks around: a counter, and a number from memory.
TEST(Banks, OfUnknownOffsets) {
  expectConflicts(readAt("cvt.u64.u32 %rd8, %r1; mad.lo.u64 %rd7, %rd8, 32, %rd6;", 4), 0);
  expectConflicts(readAt("cvt.u64.u32 %rd8, %r2; mad.lo.u64 %rd7, %rd6, 16, %rd8;", 4), 15);
  // Thread and counter in one number, which is taken apart again.
  expectConflicts(readAt("mad.lo.u32 %r3, %r1, 128, %r0; shr.u32 %r4, %r3, 3; and.b32 %r5, %r3, 7;\n"
                         "mad.lo.u32 %r6, %r4, 9, %r5; cvt.u64.u32 %rd7, %r6;",
                         4),
                  1);
}

TEST(Banks, OfDataAreNotKnown) {
  for (const char *place :
       {"ld.global.u32 %r4, [%rd3]; cvt.u64.u32 %rd7, %r4;",
        "mul.lo.u32 %r4, %r0, %r2; cvt.u64.u32 %rd7, %r4;"}) { // lines as far apart as memory says
    Banks banks = banksOf(readAt(place, 4), 32, /*runs=*/false);
    EXPECT_EQ(banks.problem, "");
    EXPECT_EQ(banks.use.accesses, 1u);
    EXPECT_EQ(banks.use.unknown, 1u);
    EXPECT_EQ(banks.use.conflicts, 0u);
  }
}

TEST(Loops, HaveTheirOwnStatements) {
  Kernel kernel("mov.u32 %r1, 0;\n"
                "OUTER:\nmov.u32 %r2, 0; setp.eq.u32 %p2, %r0, 99; @%p2 bra COLD;\n"
                "INNER:\nadd.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, 4; @%p1 bra INNER;\n"
                "JOIN:\nadd.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 4; @%p1 bra OUTER;\nbra.uni END;\n"
                "COLD:\nmov.u32 %r5, 7; bra.uni JOIN;\n" // of the outer loop, behind it in the text
                "END:");
  auto module = parseModule(kernel.text(), "k.ptx");
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  const Function &function = *module->find("k");
  std::vector<Loop> loops = findLoops(function);
  ASSERT_EQ(loops.size(), 2u);
  EXPECT_EQ(loops[0].size(), 3u + 3u + 2u);
  EXPECT_EQ(loops[1].size(), 3u);
  EXPECT_EQ(function.body[loops[0].back()].opcode, "bra.uni");
  EXPECT_EQ(function.labels.lookup("INNER"), loops[1].front());
}

TEST(Loops, StraightCodeHasNone) {
  Kernel kernel("st.global.u32 [%rd4], %r0;");
  auto module = parseModule(kernel.text(), "k.ptx");
  ASSERT_TRUE(bool(module));
  EXPECT_TRUE(findLoops(*module->find("k")).empty());
}

} // namespace
