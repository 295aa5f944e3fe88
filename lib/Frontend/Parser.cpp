//===- Parser.cpp - tokens, statement ends, recovery ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weir;
using namespace weir::ast;

//===----------------------------------------------------------------------===//
// Where a statement ends
//===----------------------------------------------------------------------===//

/// A statement cannot end with this token, so it goes on with the next line.
static bool cannotEnd(const Token &token) {
  switch (token.kind) {
  case Token::Punctuation:
    return !token.is(")") && !token.is("]") && !token.is("}");
  case Token::Name:
    return names::classify(token.text) == names::Word::Keyword && !token.is("true") && !token.is("false") &&
           !token.is("inf");
  case Token::Ellipsis:
    return true;
  default:
    return false;
  }
}

/// No statement begins with this token, so its line goes on with the one before.
static bool cannotBegin(const Token &token) {
  if (token.kind == Token::Punctuation)
    return !token.is("(") && !token.is("[") && !token.is("{") && !token.is("}");
  return token.is("where") || token.is("else") || token.is("as") || token.is("and") || token.is("or");
}

/// True if the statement does not reach the token at `index`, given that it reaches the one before.
bool Parser::endsBefore(size_t index) const {
  const Token &token = tokens[index];
  if (token.kind == Token::EndOfFile || token.is("}"))
    return true;
  return token.startsLine && brackets.empty() && index > statementBegin && !cannotEnd(tokens[index - 1]) &&
         !cannotBegin(token);
}

bool Parser::aheadIs(size_t n, StringRef spelling) const {
  return !ended && pos + n < tokens.size() && tokens[pos + n].is(spelling) && !endsBefore(pos + n);
}

void Parser::advance() {
  if (pos + 1 < tokens.size())
    ++pos;
  ended = endsBefore(pos);
}

void Parser::beginStatement() {
  statementBegin = pos;
  brackets.clear();
  hidden.clear();
  if (!enclosing.empty()) // clear() would take time with the largest statement so far
    enclosing = StringMap<Expr *>();
  ended = endsBefore(pos);
}

bool Parser::consume(StringRef spelling) {
  if (!is(spelling))
    return false;
  advance();
  return true;
}

bool Parser::expect(StringRef spelling, const Twine &where, const Twine &note) {
  if (consume(spelling))
    return true;
  unexpected("`" + spelling + "`" + where, note);
  return false;
}

bool Parser::open(StringRef bracket, const Twine &where) {
  if (!is(bracket)) {
    unexpected("`" + bracket + "`" + where);
    return false;
  }
  brackets.push_back(&current());
  advance();
  return true;
}

bool Parser::close(StringRef bracket) {
  if (!is(bracket)) {
    const Token &opener = *brackets.back();
    unexpected("`" + bracket + "`", "the `" + opener.text + "` of line " +
                                        Twine(diags.lineAndColumn(opener.loc()).first) + " is still open");
    return false;
  }
  brackets.pop_back();
  advance();
  return true;
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

std::nullptr_t Parser::error(SMLoc loc, const Twine &message, const Twine &note) {
  diags.error(loc, message, note);
  return nullptr;
}

std::string Parser::found() const {
  const Token &token = current();
  if (token.kind == Token::EndOfFile)
    return "the end of the file";
  if (ended && token.startsLine && !token.is("}"))
    return "the end of the statement";
  if (token.kind == Token::String)
    return "a string";
  return ("`" + token.text.take_front(40) + (token.text.size() > 40 ? "..." : "") + "`").str();
}

std::nullptr_t Parser::unexpected(const Twine &what, const Twine &note) {
  const Token &token = current();
  if (token.kind == Token::Error && !ended) {
    LexerError e = explainError(token);
    return error(token.loc(), e.message, e.note);
  }
  // At a line's end the place to look at is the end of what was written.
  bool atLineEnd = ended && pos > statementBegin && (token.startsLine || token.kind == Token::EndOfFile);
  SMLoc loc = atLineEnd ? previous().end() : token.loc();
  return error(loc, "expected " + what + ", found " + found(), note);
}

/// Only a guess for the way back after an error: a keyword that begins statements, `NAME[...] =`, `NAME:
/// type[`, `NAME =`, or
/// `(NAME[`, at the beginning of a line.
bool Parser::looksLikeStatement(size_t index) const {
  const Token &token = tokens[index];
  auto next = [&](size_t n) -> const Token & { return tokens[std::min(index + n, tokens.size() - 1)]; };
  if (!token.startsLine)
    return false;
  for (StringRef word : {"let", "rank", "given", "const", "param", "fn", "cascade", "import"})
    if (token.is(word))
      return true;
  if (token.is("("))
    return next(1).kind == Token::Name && (next(2).is("[") || next(2).is(":"));
  if (token.kind != Token::Name || names::classify(token.text) != names::Word::None)
    return false;
  if (next(1).is("=") || (next(1).is(":") && next(2).kind == Token::Name && next(3).is("[")))
    return true;
  constexpr size_t kLookAhead = 64;
  for (size_t n = 1; next(1).is("[") && n < kLookAhead; ++n)
    if (next(n).is("]"))
      return next(n + 1).is("=");
  return false;
}

/// Blanks before the first token of a line.
static size_t indentation(const Token &token, StringRef text) {
  size_t begin = token.text.begin() - text.begin(), i = begin;
  while (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t'))
    --i;
  return begin - i;
}

/// Skips to what looks like a statement, or to a line that is no deeper than the statement that failed, its
/// brackets closed.
void Parser::recover() {
  StringRef text(tokens.front().text.begin(), tokens.back().text.end() - tokens.front().text.begin());
  const Token &first = tokens[statementBegin];
  for (; current().kind != Token::EndOfFile && !current().is("}"); ++pos) {
    const Token &token = current();
    if (pos != statementBegin && token.startsLine &&
        (looksLikeStatement(pos) || (brackets.empty() && first.startsLine && !cannotBegin(token) &&
                                     indentation(token, text) <= indentation(first, text))))
      return;
    if (token.is("(") || token.is("["))
      brackets.push_back(&token);
    else if ((token.is(")") || token.is("]")) && !brackets.empty())
      brackets.pop_back();
  }
}

/// After a statement: nothing else may stand on its line.
void Parser::finishStatement(bool good) {
  if (good && !ended) {
    StringRef note;
    if (current().kind == Token::Name || current().is("("))
      note = "a statement ends with its line";
    if (is("where"))
      note = "join predicates by `and`";
    if (is("="))
      note = "equality is written `==`";
    unexpected("an operator or the end of the statement", note);
    good = false;
  }
  if (!good)
    recover();
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

void Parser::parse() {
  beginStatement();
  while (current().kind != Token::EndOfFile) {
    if (current().is("}")) {
      error(current().loc(), "this `}` closes nothing");
      advance();
    } else {
      parseItem();
    }
    beginStatement();
  }
}

void Parser::parseItem() {
  Item item;
  if (is("cascade")) {
    parseCascade();
    return;
  }
  if (parseKeywordStatement(item, "")) {
    file.items.push_back(item);
    return finishStatement(true);
  }
  if (item.import || pos > statementBegin) // a keyword's statement that failed
    return finishStatement(false);
  if (looksLikeStatement(pos))
    error(current().loc(), "an equation stands in a cascade",
          "write `cascade name(inputs) -> (outputs) { ... }` round it");
  else
    unexpected("`cascade`, `const`, `param`, `fn`, `rank`, `let`, `given` or `import`");
  finishStatement(false);
}

/// The statements that begin with a keyword, except cascades. `place`, if not empty, is where `const param fn
/// import` are an error. False with nothing consumed if there is none.
bool Parser::parseKeywordStatement(Item &item, StringRef place) {
  if (!place.empty())
    for (StringRef word : {"const", "param", "fn", "import"})
      if (is(word))
        error(current().loc(), "`" + word + "` stands at file level, not in " + place,
              "move it before the cascade");
  if (is("import"))
    return (item.import = parseImport());
  if (is("const"))
    return (item.constant = parseConst());
  if (is("param"))
    return (item.param = parseParam());
  if (is("fn"))
    return (item.fn = parseFn());
  if (is("let"))
    return (item.let = parseLet());
  if (is("rank"))
    return (item.rank = parseRank());
  if (is("given"))
    return (item.given = parseGiven());
  return false;
}

std::unique_ptr<File> weir::parseFile(unsigned bufferId, StringRef path, Diagnostics &diags) {
  auto file = std::make_unique<File>();
  file->path = path.str();
  Parser(tokenize(diags.sources.getMemoryBuffer(bufferId)->getBuffer()), *file, diags).parse();
  return file;
}
