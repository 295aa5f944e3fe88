//===- Lexer.cpp - words and signs of a PTX text --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"
#include "llvm/ADT/StringExtras.h"

using namespace weir::ptx;
using llvm::StringRef;

static bool isWordCharacter(char c) { return llvm::isAlnum(c) || c == '_' || c == '$' || c == '%'; }

void Lexer::skipBlanks() {
  while (!rest.empty()) {
    if (rest.front() == '\n')
      ++line;
    if (llvm::isSpace(rest.front())) {
      rest = rest.drop_front();
    } else if (rest.starts_with("//")) {
      rest = rest.drop_until([](char c) { return c == '\n'; });
    } else if (rest.starts_with("/*")) {
      size_t end = rest.find("*/", 2);
      StringRef comment = end == StringRef::npos ? rest : rest.take_front(end + 2);
      line += comment.count('\n');
      rest = rest.drop_front(comment.size());
    } else {
      return;
    }
  }
}

Token Lexer::next() {
  Token result = token;
  skipBlanks();
  token = {Token::Form::End, rest.take_front(0), line};
  if (rest.empty())
    return result;
  char first = rest.front();
  size_t length = 1;
  if (first == '"') {
    size_t end = rest.find('"', 1);
    size_t stop = end == StringRef::npos ? rest.size() : end;
    token.form = Token::Form::String;
    token.text = rest.slice(1, stop);
    rest = rest.drop_front(std::min(stop + 1, rest.size()));
    return result;
  }
  if (llvm::isDigit(first)) {
    // A sign belongs to a decimal number's exponent only: 0f3F80000E-... does not occur.
    token.form = Token::Form::Number;
    while (length < rest.size() && (llvm::isAlnum(rest[length]) || rest[length] == '.'))
      ++length;
    bool hexadecimal = rest.take_front(2).lower() == "0x" || rest.take_front(2).lower() == "0f" ||
                       rest.take_front(2).lower() == "0d";
    if (!hexadecimal && llvm::toLower(rest[length - 1]) == 'e' && length < rest.size() &&
        (rest[length] == '-' || rest[length] == '+'))
      for (++length; length < rest.size() && llvm::isDigit(rest[length]);)
        ++length;
  } else if (isWordCharacter(first)) {
    token.form = Token::Form::Word;
    while (length < rest.size() && isWordCharacter(rest[length]))
      ++length;
  } else if (first == '.' && rest.size() > 1 && isWordCharacter(rest[1])) {
    token.form = Token::Form::Directive;
    while (length < rest.size() &&
           (isWordCharacter(rest[length]) || rest.substr(length).starts_with("::") || rest[length] == ':')) {
      if (rest[length] == ':' && !rest.substr(length).starts_with("::") && rest[length - 1] != ':')
        break;
      ++length;
    }
  } else {
    token.form = Token::Form::Sign;
  }
  token.text = rest.take_front(length);
  rest = rest.drop_front(length);
  return result;
}
