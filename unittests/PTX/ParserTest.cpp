//===- ParserTest.cpp - PTX text to a tree --------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Kernel.h"
#include "gtest/gtest.h"

using namespace weir::ptx;
using weir::ptx::test::Kernel;

static std::string problemOf(const std::string &text) {
  auto module = parseModule(text, "x.ptx");
  return module ? "" : llvm::toString(module.takeError());
}

static const std::string head = ".version 8.0\n.target sm_80\n.address_size 64\n";

TEST(PTXParser, Module) {
  auto module = parseModule(head + R"(
    .extern .shared .align 128 .b8 dyn[];
    .global .align 4 .u32 table[4] = {1, 0x2, 3};
    .func (.param .b32 result) twice(.param .b32 x);
    .visible .entry k(.param .u64 .ptr .global .align 16 a, .param .align 8 .b8 s[24])
    .maxntid 128, 2
    { .reg .b32 %r<3>; .reg .pred %p; .shared .align 16 .b8 tile[64]; // comment
      /* another
         one */ loop: @!%p bra loop;
      mov.b64 {%r0, %r1}, 0d3FF0000000000000; ld.shared.v2.b32 {%r0, %r1}, [tile+-8]; ret; }
  )",
                            "x.ptx");
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  EXPECT_EQ(module->target, "sm_80");
  ASSERT_EQ(module->variables.size(), 2u);
  EXPECT_TRUE(module->variables[0].external);
  EXPECT_EQ(module->variables[0].align, 128u);
  EXPECT_EQ(module->variables[0].bytes, 0u);
  EXPECT_EQ(module->variables[1].initial,
            (std::vector<uint8_t>{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0}));
  const Function *kernel = module->find("k");
  ASSERT_TRUE(kernel && kernel->entry);
  EXPECT_FALSE(module->find("twice")->defined);
  EXPECT_EQ(kernel->parameters[0].bytes, 8u);
  EXPECT_EQ(kernel->parameters[1].bytes, 24u);
  EXPECT_EQ(kernel->maximalBlock, (std::array<unsigned, 3>{128, 2, 1}));
  EXPECT_EQ(kernel->registers.size(), 4u);
  EXPECT_EQ(kernel->labels.lookup("loop"), 0u);
  const Statement &branch = kernel->body[0];
  EXPECT_TRUE(branch.guarded && branch.guard.negated);
  const Operand &number = kernel->body[1].operands[1], &address = kernel->body[2].operands[1];
  EXPECT_EQ(number.form, Operand::Form::Double);
  EXPECT_EQ(number.bits, 0x3ff0000000000000u);
  EXPECT_EQ(address.elements[0].name, "tile");
  EXPECT_EQ(static_cast<int64_t>(address.bits), -8);
}

TEST(PTXParser, NestedScopesHaveTheirOwnNames) {
  Kernel kernel("mov.u32 %r1, 1;\n{ .reg .b32 %r1; mov.u32 %r1, 2; }\nst.global.u32 [%rd4], %r1;");
  kernel.run();
  EXPECT_EQ(kernel.problem, "");
  EXPECT_EQ(kernel.out[5], 1u);
}

TEST(PTXParser, Errors) {
  EXPECT_EQ(problemOf(".version 8.0\n"), "x.ptx:2: error: the directive .target is missing");
  EXPECT_EQ(problemOf(head + ".entry k() { bra nowhere; }"), "x.ptx:4: error: no label 'nowhere' in 'k'");
  EXPECT_EQ(problemOf(head + ".entry k() {\n mov.u32 %r1 2; }"), "x.ptx:5: error: expected ';', found '2'");
  EXPECT_EQ(problemOf(head + ".entry k() {\n ret;"), "x.ptx:5: error: the body of 'k' does not end");
  EXPECT_EQ(problemOf(head + ".entry k() {\n .reg .f128 %q; }"),
            "x.ptx:5: error: registers of type '.f128' are not known");
  EXPECT_EQ(problemOf(head + ".unheard"), "x.ptx:4: error: unknown directive '.unheard'");
}

TEST(PTXParser, UnknownInstructionsAreNamed) {
  EXPECT_EQ(Kernel("wgmma.fence.sync.aligned;").run().problem,
            "k.ptx:13: error: unknown instruction 'wgmma.fence.sync.aligned'");
  EXPECT_EQ(Kernel("add.wrong.s32 %r1, %r2, %r3;").run().problem,
            "k.ptx:13: error: unknown instruction 'add.wrong.s32'");
  EXPECT_EQ(Kernel("add.s32 %r1, %r2;").run().problem, "k.ptx:13: error: add.s32: 2 operands, expected 3");
  EXPECT_EQ(Kernel("add.s32 %r1, %rd2, %r3;").run().problem,
            "k.ptx:13: error: add.s32: '%rd2' has 64 bits, expected 32");
  EXPECT_EQ(Kernel("add.s32 %r1, %q, %r3;").run().problem, "k.ptx:13: error: add.s32: unknown name '%q'");
}

TEST(PTXParser, Launches) {
  Kernel kernel("");
  kernel.launch.block = {2048, 1, 1};
  EXPECT_EQ(kernel.run().problem, "a block of 2048 threads; at most 1024 are possible, and 64 in z");
  kernel.launch.block = {32, 1, 1};
  kernel.launch.kernel = "j";
  EXPECT_EQ(kernel.run().problem, "no kernel 'j' in k.ptx");
}
