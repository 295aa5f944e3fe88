//===- Lexer.h - the words of an .attn file -------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_FRONTEND_LEXER_H
#define WEIR_LIB_FRONTEND_LEXER_H
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"
#include <string>
#include <vector>

namespace weir {

struct Token {
  enum Kind : uint8_t {
    Name, // any word, reserved ones included
    Integer,
    Real,
    String,      // `"..."`: text without the quotes
    Ellipsis,    // `...`
    Punctuation, // one of ( ) [ ] { } , : ? | = -> + - * / % ^ == != < <= > >=
    Error,       // no token of the language: see LexerError
    EndOfFile,
  };
  Kind kind;
  bool startsLine; // nothing but blanks and comments before it on its line
  llvm::StringRef text;

  llvm::SMLoc loc() const { return llvm::SMLoc::getFromPointer(text.begin()); }
  llvm::SMLoc end() const { return llvm::SMLoc::getFromPointer(text.end() + (kind == String ? 1 : 0)); }
  bool is(llvm::StringRef spelling) const {
    return (kind == Name || kind == Punctuation) && text == spelling;
  }
};

/// What is wrong with the text of an Error token, and the way out.
struct LexerError {
  std::string message, note;
};

/// The tokens of `text`, the last one EndOfFile. Never fails: what is no token becomes an Error token, whose
/// LexerError is made by explainError when the parser comes to it, so that errors appear in the order of the
/// text.
std::vector<Token> tokenize(llvm::StringRef text);
LexerError explainError(const Token &token);

} // namespace weir
#endif
