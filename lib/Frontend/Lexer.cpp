//===- Lexer.cpp - the words of an .attn file -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ConvertUTF.h"
#include <cmath>
#include <cstdlib>

using namespace llvm;
using namespace weir;

namespace {

bool isNameStart(char c) { return isAlpha(c) || c == '_'; }
bool isNameChar(char c) { return isAlnum(c) || c == '_'; }

class Lexer {
public:
  explicit Lexer(StringRef text) : text(text) {}
  std::vector<Token> run();

private:
  char at(size_t i) const { return i < text.size() ? text[i] : '\0'; }
  void skipBlanks();
  void add(Token::Kind kind, size_t length) {
    tokens.push_back({kind, startsLine, text.substr(pos, length)});
    startsLine = false;
    pos += length;
  }
  void lexNumber();
  void lexString();
  void lexOther();
  size_t characterLength() const;

  StringRef text;
  size_t pos = 0;
  bool startsLine = true;
  std::vector<Token> tokens;
};

} // namespace

void Lexer::skipBlanks() {
  for (; pos < text.size(); ++pos) {
    char c = text[pos];
    if (c == '\n') {
      startsLine = true;
    } else if (c == '/' && at(pos + 1) == '/') {
      pos = std::min(text.find('\n', pos), text.size()) - 1;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\v') {
      return;
    }
  }
}

/// Digits, with a fraction and an exponent for a real; whatever letters and points cling to them make it an
/// Error token.
void Lexer::lexNumber() {
  size_t i = pos;
  bool real = false, good = text[pos] != '.';
  if (text[i] == '0' && at(i + 1) == 'x') {
    i += 2;
    size_t digits = i;
    while (isHexDigit(at(i)))
      ++i;
    good = i > digits;
  } else {
    while (isDigit(at(i)))
      ++i;
    if (at(i) == '.' && isDigit(at(i + 1))) {
      real = true;
      for (++i; isDigit(at(i));)
        ++i;
    }
    size_t exponent = i + 1 + (at(i + 1) == '+' || at(i + 1) == '-');
    if ((at(i) == 'e' || at(i) == 'E') && isDigit(at(exponent))) {
      real = true;
      for (i = exponent; isDigit(at(i));)
        ++i;
    }
  }
  // `1...` stays a number and an ellipsis, so that its error is about the ellipsis.
  bool point = at(i) == '.' && !text.substr(i).starts_with("...");
  if (isNameChar(at(i)) || point) {
    good = false;
    while (isNameChar(at(i)) || at(i) == '.')
      ++i;
  }
  StringRef digits = text.slice(pos, i);
  if (good && !real) {
    uint64_t value;
    bool hex = digits.starts_with("0x");
    good = !digits.substr(hex ? 2 : 0).getAsInteger(hex ? 16 : 10, value) && (hex || value >> 63 == 0);
  } else if (good) {
    good = std::isfinite(std::strtod(digits.str().c_str(), nullptr));
  }
  add(!good ? Token::Error : real ? Token::Real : Token::Integer, i - pos);
}

void Lexer::lexString() {
  size_t i = text.find_first_of("\"\n", pos + 1);
  if (at(i) != '"')
    return add(Token::Error, std::min(i, text.size()) - pos);
  ++pos;
  add(Token::String, i - pos);
  ++pos;
}

/// Bytes of the character at `pos`; 1 for a byte that is no UTF-8.
size_t Lexer::characterLength() const {
  const UTF8 *begin = reinterpret_cast<const UTF8 *>(text.data() + pos);
  size_t length = getNumBytesForUTF8(*begin);
  return length <= text.size() - pos && isLegalUTF8Sequence(begin, begin + length) ? length : 1;
}

void Lexer::lexOther() {
  StringRef rest = text.substr(pos);
  if (rest.starts_with("..."))
    return add(Token::Ellipsis, 3);
  for (StringRef wrong : {"&&", "||", "**", "<>", "=>"})
    if (rest.starts_with(wrong))
      return add(Token::Error, 2);
  for (StringRef two : {"->", "==", "!=", "<=", ">="})
    if (rest.starts_with(two))
      return add(Token::Punctuation, 2);
  if (StringRef("()[]{},:?|=+-*/%^<>").contains(rest[0]))
    return add(Token::Punctuation, 1);
  add(Token::Error, characterLength());
}

std::vector<Token> Lexer::run() {
  if (text.starts_with("\xEF\xBB\xBF")) // a byte order mark
    pos = 3;
  for (skipBlanks(); pos < text.size(); skipBlanks()) {
    char c = text[pos];
    if (isNameStart(c)) {
      size_t i = pos;
      while (isNameChar(at(i)))
        ++i;
      add(Token::Name, i - pos);
    } else if (isDigit(c) || (c == '.' && isDigit(at(pos + 1)))) {
      lexNumber();
    } else if (c == '"') {
      lexString();
    } else {
      lexOther();
    }
  }
  add(Token::EndOfFile, 0);
  return std::move(tokens);
}

std::vector<Token> weir::tokenize(StringRef text) { return Lexer(text).run(); }

static LexerError explainNumber(StringRef text) {
  std::string shown = text.size() > 40 ? (text.take_front(40) + "...").str() : text.str();
  if (text.starts_with("."))
    return {"`" + shown + "` is no number", "a digit stands before the point: write `0" + shown + "`"};
  if (text.ends_with(".") && text.drop_back().find_first_not_of("0123456789") == StringRef::npos)
    return {"`" + shown + "` is no number", "a digit stands after the point: write `" + shown + "0`"};
  uint64_t value;
  if (text.starts_with("0x")
          ? text.find_first_not_of("0123456789abcdefABCDEF", 2) == StringRef::npos && text.size() > 2
          : text.find_first_not_of("0123456789") == StringRef::npos)
    return {"the integer `" + shown + "` does not fit 64 bits",
            text.starts_with("0x") ? "sixteen hexadecimal digits are the most"
                                   : "9223372036854775807 is the largest; a real is written `" +
                                         (text.size() > 40 ? std::string("1e30") : shown + ".0") + "`"};
  StringRef tail = text.drop_while([](char c) { return isDigit(c); });
  if (!text.starts_with("0x") && !tail.empty() && isNameStart(tail[0]) && tail.find('.') == StringRef::npos &&
      !text.drop_back(tail.size()).getAsInteger(10, value) && !isDigit(tail.back()) && tail.size() < 20)
    return {"`" + shown + "` is no number", ("a name begins with a letter; a product is written `" +
                                             text.drop_back(tail.size()) + " * " + tail + "`")
                                                .str()};
  if (text.find_first_not_of("0123456789.eE+-") == StringRef::npos && text.count('.') < 2 &&
      !std::isfinite(std::strtod(text.str().c_str(), nullptr)))
    return {"the real `" + shown + "` is beyond the range of f64", "write `inf` for infinity"};
  return {"`" + shown + "` is no number", "numbers are written `3`, `0xff`, `3.0` or `1e-6`"};
}

LexerError weir::explainError(const Token &token) {
  StringRef text = token.text;
  unsigned char first = text[0];
  if (isDigit(first) || (first == '.' && text.size() > 1))
    return explainNumber(text);
  if (first == '"')
    return {"the string has no closing `\"`", "a path stands on one line between two `\"`"};
  if (first == 0 || (first < 0x80 && !isPrint(first)))
    return {"the file holds the control character 0x" + utohexstr(first, true, 2),
            "an .attn file is UTF-8 text"};
  if (first == 0xC2 && text.size() == 2 && static_cast<unsigned char>(text[1]) < 0xA0)
    return {"the file holds the control character 0x" + utohexstr(uint8_t(text[1]), true),
            "an .attn file is UTF-8 text"};
  if (first >= 0x80 && text.size() == 1)
    return {"the byte 0x" + utohexstr(first, true) + " is no UTF-8", "an .attn file is UTF-8 text"};
  StringRef instead = StringSwitch<StringRef>(text)
                          .Cases({"&&", "&", "\u2227"}, "and")
                          .Cases({"||", "\u2228"}, "or")
                          .Cases({"!", "~", "\u00ac"}, "not")
                          .Case("**", "^")
                          .Cases({"<>", "\u2260"}, "!=")
                          .Case("\u2264", "<=")
                          .Case("\u2265", ">=")
                          .Cases({"\u2212", "\u2013", "\u2014"}, "-")
                          .Cases({"\u00d7", "\u00b7", "\u22c5", "\u2217"}, "*")
                          .Cases({"\u00f7", "\u2215"}, "/")
                          .Cases({"\u2192", "=>"}, "->")
                          .Case("\u221e", "inf")
                          .Cases({"\u2211", "\u03a3"}, "sum(n)")
                          .Case("\u220f", "prod(n)")
                          .Case("\u221a", "sqrt(x)")
                          .Case("\u2026", "...")
                          .Default("");
  std::string message = ("`" + text + "` is no part of the language").str();
  if (!instead.empty())
    return {message, ("write `" + instead + "`").str()};
  if (text == ";")
    return {message, "a statement ends with its line"};
  if (text == "#")
    return {message, "a comment begins with `//`"};
  return {message, first >= 0x80 ? "names are of the letters a to z and A to Z, digits and `_`" : ""};
}
