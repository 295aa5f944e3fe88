//===- LexerTest.cpp ------------------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Frontend/Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include <gtest/gtest.h>

using namespace weir;
using llvm::StringRef;

/// The tokens with `|` between them; `$` marks the first of a line, `!` one that is no token.
static std::string lex(StringRef text) {
  std::string s;
  for (const Token &token : tokenize(text)) {
    if (token.kind == Token::EndOfFile)
      break;
    s += s.empty() ? "" : "|";
    s += token.startsLine ? "$" : "";
    s += token.kind == Token::Error ? "!" : "";
    s += token.text;
  }
  return s;
}

static std::string explain(StringRef text) {
  LexerError e = explainError(tokenize(text).front());
  return e.message + "; " + e.note;
}

TEST(Lexer, Words) {
  EXPECT_EQ(lex("S[b,m1] = x_2 ^ -3"), "$S|[|b|,|m1|]|=|x_2|^|-|3");
  EXPECT_EQ(lex("a<=b<c->d!=e==f>=g>h?i:j|k"), "$a|<=|b|<|c|->|d|!=|e|==|f|>=|g|>|h|?|i|:|j|||k");
  EXPECT_EQ(lex("[...,m] {}"), "$[|...|,|m|]|{|}");
  EXPECT_EQ(lex("import \"lib/a.attn\""), "$import|lib/a.attn");
}

TEST(Lexer, LinesAndBlanks) {
  EXPECT_EQ(lex("a // b\n\n  // c\n\td e\r\nf"), "$a|$d|e|$f");
  EXPECT_EQ(lex(""), "");
  EXPECT_EQ(lex("// only"), "");
  EXPECT_EQ(lex("\xEF\xBB\xBF"
                "a"),
            "$a")
      << "a byte order mark is skipped";
  EXPECT_EQ(lex("a // \xff and \xe4"), "$a") << "comments may hold anything";
}

TEST(Lexer, Numbers) {
  for (StringRef good : {"0", "9223372036854775807", "0xff", "0xFFFFFFFFFFFFFFFF"}) {
    EXPECT_EQ(tokenize(good).front().kind, Token::Integer) << good.str();
    EXPECT_EQ(tokenize(good).front().text, good);
  }
  for (StringRef good : {"3.0", "1e6", "1E-6", "2.5e+3", "0.0000001", "1e-400"})
    EXPECT_EQ(tokenize(good).front().kind, Token::Real) << good.str();
  for (StringRef bad : {"3.", ".5", "3m", "0x", "0xfg", "1.2.3", "1e400", "9223372036854775808",
                        "0x1FFFFFFFFFFFFFFFF", "1e", "3.m"}) {
    EXPECT_EQ(tokenize(bad).front().kind, Token::Error) << bad.str();
    EXPECT_EQ(tokenize(bad).front().text, bad) << "the whole of it is one error";
  }
  EXPECT_EQ(explain("3."), "`3.` is no number; a digit stands after the point: write `3.0`");
  EXPECT_EQ(explain(".5"), "`.5` is no number; a digit stands before the point: write `0.5`");
  EXPECT_EQ(explain("3m"), "`3m` is no number; a name begins with a letter; a product is written `3 * m`");
  EXPECT_EQ(explain("1e400"), "the real `1e400` is beyond the range of f64; write `inf` for infinity");
  EXPECT_EQ(explain("9223372036854775808"),
            "the integer `9223372036854775808` does not fit 64 bits; 9223372036854775807 is the largest; "
            "a real is written `9223372036854775808.0`");
}

TEST(Lexer, WhatIsNoToken) {
  EXPECT_EQ(explain("&& b"), "`&&` is no part of the language; write `and`");
  EXPECT_EQ(explain("! b"), "`!` is no part of the language; write `not`");
  EXPECT_EQ(explain("** 2"), "`**` is no part of the language; write `^`");
  EXPECT_EQ(explain("\u2264 2"), "`\u2264` is no part of the language; write `<=`");
  EXPECT_EQ(explain("# c"), "`#` is no part of the language; a comment begins with `//`");
  EXPECT_EQ(explain(StringRef("\0", 1)),
            "the file holds the control character 0x00; an .attn file is UTF-8 text");
  EXPECT_EQ(explain("\xff"), "the byte 0xff is no UTF-8; an .attn file is UTF-8 text");
  EXPECT_EQ(explain("\xe2\x89"), "the byte 0xe2 is no UTF-8; an .attn file is UTF-8 text");
  EXPECT_EQ(explain("\"a\nb\""),
            "the string has no closing `\"`; a path stands on one line between two `\"`");
  EXPECT_EQ(
      explain("\u00e9"),
      "`\u00e9` is no part of the language; names are of the letters a to z and A to Z, digits and `_`");
}
