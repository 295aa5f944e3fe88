//===- ParserExpressions.cpp - operators, reads, calls --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operator precedence, loosest first: `? :`, `else`, `or`, `and`, `not`, comparisons, `+ -`, `* / %` and
// reductions, `as`, unary minus, `^`. `where` belongs to equations.
#include "Parser.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace weir;
using namespace weir::ast;

Parser::Precedence Parser::precedenceOf(StringRef text) {
  return StringSwitch<Precedence>(text)
      .Case("else", Else)
      .Case("or", Or)
      .Case("and", And)
      .Cases({"==", "!=", "<", "<=", ">", ">="}, Comparison)
      .Cases({"+", "-"}, Sum)
      .Cases({"*", "/", "%"}, Product)
      .Default(None);
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

bool Parser::enterNesting() {
  if (nesting < kMaxNesting) {
    ++nesting;
    return true;
  }
  error(current().loc(), "the expression nests more than " + Twine(kMaxNesting) + " levels deep",
        "give a part of it a name: an equation or a `let`");
  return false;
}

/// The new expression ends with the token before the current one. Null, with an error, if it would be too
/// high.
Expr *Parser::make(ExprKind kind, SMLoc loc, SMLoc begin, StringRef text, ArrayRef<Expr *> args) {
  Expr &e = file.exprs.emplace_back();
  e.kind = kind;
  e.loc = loc;
  e.begin = begin;
  e.end = previous().end();
  e.text = text;
  e.args.append(args.begin(), args.end());
  for (Expr *arg : args)
    e.height = std::max(e.height, arg->height + 1);
  return checkHeight(e) ? &e : nullptr;
}

bool Parser::checkHeight(const Expr &e) {
  if (e.height <= kMaxHeight)
    return true;
  error(e.loc, "the expression is more than " + Twine(kMaxHeight) + " operators high",
        "give a part of it a name: an equation or a `let`");
  return false;
}

std::string Parser::quote(SMLoc begin, SMLoc end) const {
  StringRef text(begin.getPointer(), end.getPointer() - begin.getPointer());
  constexpr size_t kLongest = 60;
  return text.size() <= kLongest && !text.contains('\n') ? text.str() : "...";
}

std::string Parser::quote(const Expr &e) const { return quote(e.begin, e.end); }

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Expr *Parser::parseWhole(StringRef context) {
  StringRef outer = numbersOnly;
  numbersOnly = context;
  Expr *e = parseExpr();
  numbersOnly = outer;
  reportHidden();
  return e;
}

Expr *Parser::parseExpr() {
  NestingScope scope(*this);
  if (!scope.entered)
    return nullptr;
  Expr *condition = parseBinary(Else);
  if (!condition || !is("?"))
    return condition;
  const Token &question = current();
  advance();
  Expr *yes = parseExpr();
  if (!yes || !expect(":", " and the other case of `? :`"))
    return nullptr;
  Expr *no = parseExpr();
  if (!no)
    return nullptr;
  if (condition->kind == ExprKind::Binary && condition->text == "else" && !condition->parenthesized) {
    std::string x = quote(*condition->args[0]), c = quote(*condition->args[1]), a = quote(*yes),
                b = quote(*no);
    error(question.loc(), "`else` before `? :` needs parentheses",
          "write `" + x + " else (" + c + " ? " + a + " : " + b + ")` or `(" + x + " else " + c + ") ? " + a +
              " : " + b + "`");
  }
  return make(ExprKind::Ternary, question.loc(), condition->begin, "?", {condition, yes, no});
}

/// Binary operators that bind at least as tightly as `minimum`; all of them group to the left.
Expr *Parser::parseBinary(unsigned minimum) {
  Expr *left = parseOperand(minimum);
  while (left && !ended) {
    const Token &op = current();
    Precedence precedence = op.kind == Token::String ? None : precedenceOf(op.text);
    if (precedence == None || precedence < minimum)
      break;
    advance();
    Expr *right = parseBinary(precedence + 1);
    if (!right)
      return nullptr;
    left = makeBinary(op, left, right);
  }
  return left;
}

Expr *Parser::makeBinary(const Token &op, Expr *left, Expr *right) {
  Precedence precedence = precedenceOf(op.text);
  auto compares = [](const Expr &e) {
    return e.kind == ExprKind::Binary && !e.parenthesized && precedenceOf(e.text) == Comparison;
  };
  if (precedence == Comparison && compares(*left) &&
      !compares(*left->args[0])) // of a longer chain the first place
    error(op.loc(), "comparisons do not chain",
          "write `" + quote(*left) + " and " + quote(*left->args[1]) + " " + op.text + " " + quote(*right) +
              "`");
  Expr *e = make(ExprKind::Binary, op.loc(), left->begin, op.text, {left, right});
  if (e && precedence == Else)
    checkElse(*e);
  return e;
}

/// `S[t-1] else 0 + x` reads as if the start were 0 and x were added to either.
void Parser::checkElse(const Expr &e) {
  const Expr &right = *e.args[1];
  if (right.kind != ExprKind::Binary || right.parenthesized || (right.text != "+" && right.text != "-"))
    return;
  std::string x = quote(*e.args[0]), start = quote(*right.args[0]), rest = quote(*right.args[1]);
  diags.warning(e.loc, "`else` takes all of `" + quote(right) + "`",
                "write `" + x + " else (" + quote(right) + ")` if that is meant, or `(" + x + " else " +
                    start + ") " + right.text + " " + rest + "`");
}

Expr *Parser::parseOperand(unsigned minimum) {
  if (!is("not"))
    return parseCasts(parseSigned(false));
  const Token &op = current();
  NestingScope scope(*this);
  if (!scope.entered)
    return nullptr;
  if (minimum > Not) {
    advance();
    Expr *operand = parseBinary(Not);
    return operand ? error(op.loc(), "`not` binds less tightly than the operator before it",
                           "write `(not " + quote(*operand) + ")`")
                   : nullptr;
  }
  advance();
  Expr *operand = parseBinary(Not);
  return operand ? make(ExprKind::Unary, op.loc(), op.loc(), "not", {operand}) : nullptr;
}

Expr *Parser::parseCasts(Expr *operand) {
  while (operand && is("as")) {
    const Token &op = current();
    advance();
    StringRef type;
    SMLoc loc;
    if (!parseType(type, loc))
      return nullptr;
    operand = make(ExprKind::Cast, op.loc(), operand->begin, type, {operand});
  }
  return operand;
}

Expr *Parser::parseSigned(bool underPower) {
  if (!is("-"))
    return parsePower(underPower);
  const Token &sign = current();
  NestingScope scope(*this);
  if (!scope.entered)
    return nullptr;
  advance();
  Expr *operand = parseSigned(underPower);
  return operand ? make(ExprKind::Unary, sign.loc(), sign.loc(), "-", {operand}) : nullptr;
}

/// A reduction, or an operand with its power; `underPower` in an exponent, where a reduction needs
/// parentheses.
Expr *Parser::parsePower(bool underPower) {
  if (!ended && beginsReduction()) {
    Expr *reduction = parseReduction();
    if (reduction && underPower)
      error(reduction->loc, "a reduction under `^` needs parentheses", "write `(" + quote(*reduction) + ")`");
    return reduction;
  }
  Expr *base = parsePrimary();
  if (!base || !is("^"))
    return base;
  const Token &op = current();
  NestingScope scope(*this);
  if (!scope.entered)
    return nullptr;
  advance();
  Expr *exponent = parseSigned(true);
  return exponent ? make(ExprKind::Binary, op.loc(), base->begin, "^", {base, exponent}) : nullptr;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Expr *Parser::parsePrimary() {
  if (is("("))
    return parseParenthesized();
  if (ended)
    return unexpected("an expression");
  const Token &token = current();
  if (token.kind == Token::Integer || token.kind == Token::Real || token.is("true") || token.is("false") ||
      token.is("inf"))
    return parseLiteral();
  if (token.is("where"))
    return error(token.loc(), "`where` stands at the end of an equation",
                 "inside an expression write `sum(n | p) x` or `p ? x : y`");
  if (token.kind == Token::Name && names::classify(token.text) != names::Word::Keyword)
    return parseNamed();
  return unexpected("an expression", token.is("=")   ? "equality is written `==`"
                                     : token.is("+") ? "there is no sign `+`"
                                                     : "");
}

Expr *Parser::parseParenthesized() {
  SMLoc begin = current().loc();
  open("(", "");
  Expr *e = parseExpr();
  if (!e)
    return nullptr;
  if (is("where"))
    return error(current().loc(), "`where` stands at the end of an equation",
                 "inside an expression write `sum(n | p) x` or `p ? x : y`");
  if (!close(")"))
    return nullptr;
  if (!hidden.empty() && hidden.back().inner == e)
    hidden.pop_back();
  e->parenthesized = true;
  e->begin = begin;
  e->end = previous().end();
  return e;
}

Expr *Parser::parseLiteral() {
  const Token &token = current();
  advance();
  ExprKind kind = token.kind == Token::Integer                   ? ExprKind::Integer
                  : token.kind == Token::Real || token.is("inf") ? ExprKind::Real
                                                                 : ExprKind::Bool;
  return make(kind, token.loc(), token.loc(), token.text, {});
}

/// A read, a call or a plain name. Reductions have been seen to before.
Expr *Parser::parseNamed() {
  const Token &token = current();
  names::Word word = names::classify(token.text);
  if (aheadIs(1, "[")) {
    if (word != names::Word::None)
      return error(token.loc(), "`" + token.text + "` is reserved: it is " + names::describe(word),
                   "choose another name for the tensor");
    return parseRead();
  }
  if (aheadIs(1, "(") && word != names::Word::ElementType)
    return parseCall();
  switch (word) {
  case names::Word::None:
    advance();
    return make(ExprKind::Name, token.loc(), token.loc(), token.text, {});
  case names::Word::ElementType:
    return error(token.loc(), "`" + token.text + "` is an element type, no value",
                 "a conversion is written `x as " + token.text + "`");
  case names::Word::Function:
    return error(token.loc(), "`" + token.text + "` is a function and needs its arguments",
                 "write `" + token.text + "(...)`");
  default:
    return error(token.loc(),
                 "`" + token.text + "` is " + names::describe(word) + " and needs its coordinates",
                 "write `" + token.text + "(n) ...`");
  }
}

Expr *Parser::parseRead() {
  const Token &name = current();
  Expr *read = make(ExprKind::Read, name.loc(), name.loc(), name.text, {});
  if (!numbersOnly.empty())
    error(name.loc(), numbersOnly + " reads no tensor", "pass the element as a param, or write an equation");
  advance();
  open("[", "");
  if (!ended && current().kind == Token::Ellipsis) {
    read->ellipsis = true;
    advance();
    if (!is("]") && !expect(",", " after `...`"))
      return nullptr;
  }
  return parseArguments("]", *read) ? read : nullptr;
}

Expr *Parser::parseCall() {
  const Token &name = current();
  Expr *call = make(ExprKind::Call, name.loc(), name.loc(), name.text, {});
  advance();
  open("(", "");
  if (!parseArguments(")", *call))
    return nullptr;
  if (names::isReductionOrFunction(call->text) && call->args.size() < 2) {
    std::string head = quote(*call);
    if (is("-"))
      return error(current().loc(), "a sign does not begin the body of `" + call->text + "`",
                   "write `" + head + " (-x)` or `-" + head + " x`");
    return error(call->loc, "`" + head + "` has no body",
                 "a reduction is written `" + call->text + "(n) x`, a function's call `" + call->text +
                     "(x, y)`");
  }
  return call;
}

/// Arguments or indices and the closing bracket; completes `e`.
bool Parser::parseArguments(StringRef closing, Expr &e) {
  for (bool more = !is(closing); more; more = consume(",")) {
    if (!ended && current().kind == Token::Ellipsis) {
      error(current().loc(),
            closing == "]" ? "`...` stands for leading ranks" : "`...` stands in brackets only",
            closing == "]" ? "write it first in the bracket" : "");
      return false;
    }
    Expr *argument = parseExpr();
    if (!argument)
      return false;
    e.args.push_back(argument);
    e.height = std::max(e.height, argument->height + 1);
  }
  if (is("|")) {
    error(current().loc(), "a predicate `| p` belongs to a reduction over coordinates",
          "write `sum(n | p) x`");
    return false;
  }
  if (!close(closing))
    return false;
  e.end = previous().end();
  return checkHeight(e);
}
