//===- Lexer.h - words and signs of a PTX text ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_LEXER_H
#define WEIR_LIB_PTX_LEXER_H
#include "llvm/ADT/StringRef.h"

namespace weir::ptx {

struct Token {
  enum class Form : uint8_t {
    Word,      ///< name, %r1, $L__BB0_2
    Directive, ///< .reg
    Number,    ///< 12, 0x1f, 0f3F800000, 0d..., 1.5
    String,    ///< "...": without the quotes
    Sign,      ///< one character
    End
  };
  Form form = Form::End;
  llvm::StringRef text;
  unsigned line = 1;
  bool is(llvm::StringRef expected) const { return form != Form::String && text == expected; }
};

/// Gives one token after another and looks one ahead. Comments and white space are skipped.
class Lexer {
public:
  explicit Lexer(llvm::StringRef text) : rest(text) { next(); }
  const Token &peek() const { return token; }
  Token next();

private:
  void skipBlanks();
  llvm::StringRef rest;
  unsigned line = 1;
  Token token;
};

} // namespace weir::ptx
#endif
