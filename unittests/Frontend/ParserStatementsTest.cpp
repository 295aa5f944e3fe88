//===- ParserStatementsTest.cpp -------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ParseHelper.h"
#include "llvm/ADT/StringExtras.h"
#include <gtest/gtest.h>

using namespace weir;
using namespace weir::testing;
using llvm::StringRef;

namespace {

std::string left(StringRef name, StringRef type, bool ellipsis, llvm::ArrayRef<StringRef> indices) {
  return (name + (type.empty() ? "" : ":") + type + "[" + (ellipsis ? "... " : "") +
          llvm::join(indices, " ") + "]")
      .str();
}

/// One line for each statement of the cascade's body.
std::string show(const ast::Statement &statement) {
  if (const ast::Equation *e = statement.equation)
    return left(e->name, e->type, e->ellipsis, e->indices) + " = " + weir::testing::show(e->value) +
           (e->where ? " where " + weir::testing::show(e->where) : "");
  if (const ast::CallEquation *c = statement.call) {
    std::string s = c->asEquation ? "call?" : "call";
    for (const ast::CallEquation::Result &r : c->results)
      s += " " + left(r.name, r.type, r.ellipsis, r.indices);
    return s + " = " + c->callee.str() + "(" + llvm::join(c->arguments, " ") + ")";
  }
  if (statement.let)
    return "let " + statement.let->name.str() + " = " + weir::testing::show(statement.let->value);
  if (statement.rank)
    return "rank " + statement.rank->name.str() + " = " + weir::testing::show(statement.rank->value);
  return "given " + weir::testing::show(statement.given->value);
}

/// The body of a cascade, one line a statement, after the messages.
std::string body(StringRef text) {
  Parsed parsed(("cascade f(A[M]) -> (O[M]) {\n" + text + "\n}").str());
  std::string s = parsed.messages;
  if (!parsed.file->cascades.empty())
    for (const ast::Statement &statement : parsed.file->cascades.front().body)
      s += show(statement) + "\n";
  return s;
}

/// Only the first lines of the messages: `LINE:COLUMN: message`.
std::string errors(StringRef text) {
  Parsed parsed(text);
  std::string s;
  llvm::SmallVector<StringRef, 16> lines;
  StringRef(parsed.messages).split(lines, '\n');
  for (StringRef line : lines)
    if (line.consume_front("test.attn:") && !line.contains(" note: "))
      s += line.str() + "\n";
  return s;
}

} // namespace

TEST(ParserStatements, Items) {
  Parsed parsed("import \"a.attn\"\n"
                "const W = 2 * 3\n"
                "param cap: f32 = -50.0\n"
                "param n\n"
                "param on: bool = true\n"
                "fn f(x, y) = x * y\n"
                "rank C = N + 1\n"
                "let s = 3.0\n"
                "given N > 0 and W < N\n"
                "cascade g(Q: bf16[B, H, 2*W+1], E[...,M], T[]) -> (O: f32[...,M], P[M]) { O[...,m] = 1 }\n"
                "cascade Empty() -> (O[]) {\n}");
  EXPECT_EQ(parsed.messages, "");
  ASSERT_EQ(parsed.file->items.size(), 11u);
  EXPECT_EQ(parsed.file->items[0].import->path, "a.attn");
  EXPECT_EQ(show(parsed.file->items[1].constant->value), "(* 2 3)");
  EXPECT_EQ(parsed.file->items[2].param->type, "f32");
  EXPECT_EQ(show(parsed.file->items[2].param->value), "(- 50.0)");
  EXPECT_EQ(parsed.file->items[3].param->value, nullptr);
  EXPECT_EQ(parsed.file->items[5].fn->parameters.size(), 2u);
  EXPECT_EQ(StringRef(parsed.file->items[8].given->begin.getPointer(),
                      parsed.file->items[8].given->end.getPointer() -
                          parsed.file->items[8].given->begin.getPointer()),
            "N > 0 and W < N");
  const ast::Cascade &g = *parsed.file->items[9].cascade;
  EXPECT_EQ(g.inputs[0].type, "bf16");
  EXPECT_EQ(g.inputs[0].dims[0].rank, "B");
  EXPECT_EQ(show(g.inputs[0].dims[2].expr), "(+ (* 2 W) 1)");
  EXPECT_TRUE(g.inputs[1].dims[0].ellipsis);
  EXPECT_TRUE(g.inputs[2].dims.empty());
  EXPECT_EQ(g.outputs.size(), 2u);
  EXPECT_EQ(g.body.size(), 1u);
}

TEST(ParserStatements, Continuation) {
  EXPECT_EQ(body("S[m] = a\n  + b\n  - c\n  where m < 3\n  and m > 1\nT[m] = d"),
            "S[m] = (- (+ a b) c) where (and (< m 3) (> m 1))\nT[m] = d\n");
  EXPECT_EQ(body("S[m] = a +\n\n // comment\n b\nT[m] =\n  c"), "S[m] = (+ a b)\nT[m] = c\n");
  EXPECT_EQ(body("S[m] = (a\n  b)"), "test.attn:3:3: error: expected `)`, found `b`\n  b)\n  ^\n"
                                     "test.attn:3:3: note: the `(` of line 2 is still open\n");
  EXPECT_EQ(body("S[m] = f(a,\n b\n )\nT[m]\n = c"), "call? S[m] = f(a b)\nT[m] = c\n");
  EXPECT_EQ(body("S[m] = c\n ? a\n : b\nT[m] = a\n else b\n as f32"),
            "S[m] = (? c a b)\nT[m] = (else a (as b f32))\n");
  EXPECT_EQ(body("S[m] = a not\n"),
            "test.attn:2:10: error: expected an operator or the end of the statement, found `not`\n"
            "S[m] = a not\n         ^\ntest.attn:2:10: note: a statement ends with its line\nS[m] = a\n")
      << "what was read of it stays for the name checks";
  Parsed oneLine("cascade f(A[M])\n\n ->\n (O[M])\n{ O[m] = A[m] }");
  EXPECT_EQ(oneLine.messages, "");
}

TEST(ParserStatements, Equations) {
  EXPECT_EQ(body("P: bf16[...,m,n] = x\nT[] = 3 where c\nlet y = 3\nrank C = 2\ngiven m < 3"),
            "P:bf16[... m n] = x\nT[] = 3 where c\nlet y = 3\nrank C = 2\ngiven (< m 3)\n");
  EXPECT_EQ(body("I[m,j] = argtopk(n | p) S[m,n] + 1 else 0 where m < 3"),
            "I[m j] = (argtopk n | p : (else (+ S[m n] 1) 0)) where (< m 3)\n");
}

TEST(ParserStatements, CascadeCalls) {
  EXPECT_EQ(body("(O[b,m], L: f32[m]) = windowed(Q, K, V)"), "call O[b m] L:f32[m] = windowed(Q K V)\n");
  EXPECT_EQ(body("O[b,m] = windowed(Q, K)\nX[m] = g()"), "call? O[b m] = windowed(Q K)\ncall? X[m] = g()\n");
  EXPECT_EQ(body("O[b] = f(Q)\n  + 1\nP[b] = exp(Q)\nR[b] = f(a, 3)"),
            "O[b] = (+ (call f Q) 1)\nP[b] = (call exp Q)\nR[b] = (call f a 3)\n");
  Parsed parsed("cascade f(A[M]) -> (O[M]) { O[m] = g(A, b) }");
  const ast::CallEquation &call = *parsed.file->cascades[0].body[0].call;
  EXPECT_EQ(weir::testing::show(call.asEquation->value), "(call g A b)");
}

TEST(ParserStatements, SeveralErrorsInOneRun) {
  EXPECT_EQ(errors("const w = 1\n"
                   "param Cap = 2\n"
                   "cascade f(Q[B,AS]) -> (O[B]) {\n"
                   "  S[m] = (a + b[m]\n"
                   "  T[m,m] = 1\n"
                   "  U[m+1] = 1\n"
                   "  V = 1\n"
                   "  W[m] = 1 + + 2\n"
                   "  fn g(x) = x\n"
                   "  X[m] = 1\n"
                   "}\n"
                   "Y[m] = 1\n"
                   "let z = q as int"),
            "1:7: error: the name of a const is written without lower-case letters, `w` is not\n"
            "2:7: error: the name of a param begins with a lower-case letter, `Cap` does not\n"
            "3:15: error: `AS` cannot name a rank: its coordinate `as` is a keyword\n"
            "5:3: error: expected `)`, found `T`\n"
            "5:7: error: the index `m` stands twice on the left\n"
            "6:5: error: an index on the left is a coordinate, no expression\n"
            "7:5: error: the tensor `V` has no indices here\n"
            "8:14: error: expected an expression, found `+`\n"
            "9:3: error: `fn` stands at file level, not in a cascade\n"
            "12:1: error: an equation stands in a cascade\n"
            "13:14: error: expected an element type, found `int`\n");
}

TEST(ParserStatements, BrokenFrames) {
  EXPECT_EQ(
      errors("cascade f(Q[B]) -> (O[B])\n  O[b] = Q[b]\n}\ncascade g(Q[B) -> (O[B]) {\n  O[b] = 1 1\n}\n"),
      "2:3: error: expected `{` and the cascade's equations, found `O`\n"
      "4:14: error: expected `]`, found `)`\n"
      "5:12: error: expected an operator or the end of the statement, found `1`\n");
  EXPECT_EQ(errors("cascade f(Q[B]) -> (O[B]) {\n  O[b] = Q[b]\ncascade g(Q[B]) -> (O[B]) {\n  O[b] = Q[b]"),
            "3:1: error: the cascade `f` is not closed\n"
            "4:14: error: the cascade `g` is not closed\n");
  EXPECT_EQ(errors("}"), "1:1: error: this `}` closes nothing\n");
  EXPECT_EQ(errors("cascade f(Q[B]) -> (O[B]) { O[b] = 1 } let x = 3"),
            "1:40: error: expected the end of the line after `}`, found `let`\n");
  EXPECT_EQ(errors("cascade"), "1:8: error: expected the name of a cascade, found the end of the file\n");
  EXPECT_EQ(errors("cascade f(Q[M]) -> () {\n}"), "1:9: error: the cascade `f` has no output\n");
}

TEST(ParserStatements, NoTrailingCommas) {
  EXPECT_EQ(errors("cascade f(Q[B,]) -> (O[B]) {\n  O[b,] = 1\n  O[b] = Q[b,]\n  O[b] = exp(b,)\n  O[b] = "
                   "sum(n,) x\n}\n"
                   "fn g(x,) = x"),
            "1:15: error: expected an expression, found `]`\n"
            "2:7: error: expected a coordinate, found `]`\n"
            "3:14: error: expected an expression, found `]`\n"
            "4:16: error: expected an expression, found `)`\n"
            "5:16: error: `sum` goes over coordinates, found `)`\n"
            "7:8: error: expected the name of a function's parameter, found `)`\n");
}

TEST(ParserStatements, OddText) {
  EXPECT_EQ(
      errors(StringRef("let x = 3\0\r\nlet y = \xff\r\nlet z = 1", 32)),
      "1:10: error: the file holds the control character 0x00\n2:9: error: the byte 0xff is no UTF-8\n");
  EXPECT_EQ(errors("let x = 3 // no line end"), "");
  EXPECT_EQ(errors("let x = 3\r\n\r\nlet y = 4\r\n"), "");
  EXPECT_EQ(errors(""), "");
}

/// Whatever its size, text is refused or parsed at once: nothing recurses or backtracks with it.
TEST(ParserStatements, DeepAndLongText) {
  constexpr unsigned n = 100000;
  auto times = [](StringRef part) {
    std::string s;
    for (unsigned i = 0; i < n; ++i)
      s += part;
    return s;
  };
  for (StringRef part :
       {"(", "-", "exp(", "a^", "a ? b : ", "sum(n) ", "not ", "A[", "max(n,", "any(n) not "}) {
    std::string found = errors("let x = " + times(part) + "1\nlet y = 3 3");
    EXPECT_NE(found.find("nests more than 1000 levels deep"), std::string::npos) << part.str() << found;
    EXPECT_NE(found.find("2:11: error"), std::string::npos) << "it goes on behind " << part.str();
  }
  for (StringRef part : {"a + ", "a * ", "a and ", "a else "}) {
    std::string found = errors("let x = " + times(part) + "1\nlet y = 3 3");
    EXPECT_NE(found.find("more than 4000 operators high"), std::string::npos) << part.str() << found;
  }
  std::string nested = std::string(990, '(') + "1" + std::string(990, ')');
  EXPECT_EQ(errors("let x = " + nested), "");
  std::string sum = "1";
  for (int i = 0; i < 3998; ++i)
    sum += " + 1";
  EXPECT_EQ(errors("let x = " + sum), "");
  EXPECT_EQ(errors("let x = f(" + times("a, ") + "1)"), "") << "a line of some hundred kilobytes";
  EXPECT_EQ(errors("let x = sum(" + times("a,") + "b) 1").substr(0, 40),
            "1:15: error: `sum` names the coordinate ");
  for (StringRef part : {"cascade ", "}", "(A[", "A[(", "let x = (\n", "S[m] = 1\n", "\xff", "\"", "3m "})
    EXPECT_NE(errors(times(part)), "") << part.str();
}
