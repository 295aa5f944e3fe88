//===- Parser.h - from tokens to the tree ---------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A recursive descent over the tokens of one file. Three things shape it:
//
// - Where a statement ends depends on brackets and on the two tokens round a line's end, so `ended` is kept
// for the current
//   token and every test of a token asks it first.
// - A parse function that meets a syntax error reports it and returns null, its callers return null at once,
// and the
//   statement's loop goes on at the next line that looks like the beginning of a statement. Faults that leave
//   the tree well formed (a comparison chain, a missing pair of parentheses) are reported without giving up
//   the statement.
// - Nothing recurses deeper than kMaxNesting, and chains of operators are loops; their trees stay below
// kMaxHeight.
#ifndef WEIR_LIB_FRONTEND_PARSER_H
#define WEIR_LIB_FRONTEND_PARSER_H
#include "Lexer.h"
#include "Names.h"
#include "weir/Frontend/AST.h"
#include "weir/Frontend/Frontend.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace weir {

class Parser {
public:
  Parser(std::vector<Token> tokens, ast::File &file, Diagnostics &diags)
      : tokens(std::move(tokens)), file(file), diags(diags) {}
  void parse();

private:
  using StringRef = llvm::StringRef;
  using Twine = llvm::Twine;

  // Tokens (Parser.cpp).
  const Token &current() const { return tokens[pos]; }
  const Token &previous() const { return tokens[pos - 1]; }
  const Token &ahead(size_t n) const { return tokens[std::min(pos + n, tokens.size() - 1)]; }
  bool is(StringRef spelling) const { return !ended && current().is(spelling); }
  bool isName() const { return !ended && current().kind == Token::Name; }
  /// True if the token `n` further on is `spelling` and the statement reaches it, given that it reaches the
  /// one before.
  bool aheadIs(size_t n, StringRef spelling) const;
  bool endsBefore(size_t index) const;
  void advance();
  bool consume(StringRef spelling);
  /// The current token must be `spelling`; `where` completes "expected `)` ...".
  bool expect(StringRef spelling, const Twine &where, const Twine &note = "");
  bool open(StringRef bracket, const Twine &where);
  bool close(StringRef bracket);
  void beginStatement();
  std::nullptr_t error(llvm::SMLoc loc, const Twine &message, const Twine &note = "");
  /// "expected WHAT, found ...", at the current token, or what its LexerError says.
  std::nullptr_t unexpected(const Twine &what, const Twine &note = "");
  std::string found() const;

  // The file and its statements (Parser.cpp, ParserStatements.cpp).
  bool looksLikeStatement(size_t index) const;
  void recover();
  void finishStatement(bool good);
  void parseItem();
  bool parseKeywordStatement(ast::Item &item, StringRef place);
  void parseStatement(ast::Cascade &cascade);
  bool parseCascade();
  bool parseHeader(ast::Cascade &cascade);
  bool parseTensorList(llvm::SmallVectorImpl<ast::TensorDecl> &list, StringRef what);
  bool parseTensorDecl(ast::TensorDecl &decl);
  bool parseDim(ast::Dim &dim, bool first);
  void parseBody(ast::Cascade &cascade);
  ast::Import *parseImport();
  ast::Const *parseConst();
  ast::Param *parseParam();
  ast::Fn *parseFn();
  ast::Let *parseLet();
  ast::Rank *parseRank();
  ast::Given *parseGiven();
  bool parseAssigned(ast::Expr *&value, StringRef context);
  bool parseType(StringRef &type, llvm::SMLoc &loc);
  enum class Letters { Any, Upper, Lower };
  bool parseNewName(StringRef &name, llvm::SMLoc &loc, StringRef what, Letters letters);
  bool checkNewName(const Token &token, StringRef what, Letters letters);
  bool parseTarget(ast::CallEquation::Result &target);
  bool checkTargetIndex();
  bool parseTargetIndices(ast::CallEquation::Result &target);
  bool parseEquationOrCall(ast::Statement &statement);
  bool looksLikeCascadeCall() const;
  ast::CallEquation *parseCallRight(ast::CallEquation &call);
  ast::CallEquation *parseCallOfSeveral();
  ast::Equation *parseEquationRight(const ast::CallEquation::Result &target);

  // Expressions (ParserExpressions.cpp, ParserReductions.cpp).
  enum Precedence : unsigned { None, Else, Or, And, Not, Comparison, Sum, Product };
  static Precedence precedenceOf(StringRef text);
  bool enterNesting();
  /// Counts one level while it lives; callers return null where `entered` is false.
  struct NestingScope {
    explicit NestingScope(Parser &parser) : parser(parser), entered(parser.enterNesting()) {}
    ~NestingScope() { parser.nesting -= entered; }
    Parser &parser;
    bool entered;
  };
  bool checkHeight(const ast::Expr &e);
  /// An expression of its own: resets what an enclosing one knows. `context` names a place where only numbers
  /// may stand, as in "a const's value"; empty: tensors and reductions may.
  ast::Expr *parseWhole(StringRef context);
  ast::Expr *parseExpr();
  ast::Expr *parseBinary(unsigned minimum);
  ast::Expr *parseOperand(unsigned minimum);
  ast::Expr *parseCasts(ast::Expr *operand);
  ast::Expr *parseSigned(bool underPower);
  ast::Expr *parsePower(bool underPower);
  ast::Expr *parsePrimary();
  ast::Expr *parseParenthesized();
  ast::Expr *parseLiteral();
  ast::Expr *parseNamed();
  ast::Expr *parseRead();
  ast::Expr *parseCall();
  bool parseArguments(StringRef closing, ast::Expr &call);
  ast::Expr *make(ast::ExprKind kind, llvm::SMLoc loc, llvm::SMLoc begin, StringRef text,
                  llvm::ArrayRef<ast::Expr *> args);
  ast::Expr *makeBinary(const Token &op, ast::Expr *left, ast::Expr *right);
  void checkElse(const ast::Expr &e);
  /// The text of `e` for a proposal, or "..." if it is long.
  std::string quote(const ast::Expr &e) const;
  std::string quote(llvm::SMLoc begin, llvm::SMLoc end) const;

  // Reductions (ParserReductions.cpp).
  bool beginsReduction() const;
  bool beginsBody(size_t index) const;
  ast::Expr *parseReduction();
  ast::Expr *parseReductionAt(const Token &op, llvm::function_ref<bool(ast::Expr &)> parseBody);
  bool parseReductionHead(ast::Expr &e);
  bool parseReductionArgument(ast::Expr &e);
  void explainReductionArgument(const ast::Expr &e, bool alone);
  bool checkReductionHead(const ast::Expr &e);
  bool parseReductionBody(ast::Expr &e);
  ast::Expr *parseComparableBody(const ast::Expr &reduction);
  ast::Expr *parseSelection();
  bool checkBodyBegins(const ast::Expr &e);
  void reportHidden();

  std::vector<Token> tokens;
  ast::File &file;
  Diagnostics &diags;
  size_t pos = 0, statementBegin = 0;
  bool ended = false;
  llvm::SmallVector<const Token *, 8> brackets; // open ones of this statement
  unsigned nesting = 0;
  StringRef numbersOnly; // the context of parseWhole

  /// Innermost reduction or map over each coordinate at this place.
  llvm::StringMap<ast::Expr *> enclosing;
  /// Reductions that reuse the index of an enclosing one, not yet seen in parentheses of their own.
  struct Hidden {
    ast::Expr *inner, *outer;
    StringRef coordinate;
    llvm::SMLoc loc;
  };
  std::vector<Hidden> hidden;
};

} // namespace weir
#endif
