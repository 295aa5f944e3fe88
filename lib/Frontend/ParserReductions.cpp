//===- ParserReductions.cpp - op(coordinates | predicate) body ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

using namespace llvm;
using namespace weir;
using namespace weir::ast;

/// What may follow the head of a reduction: a name, a number, `(` or `not`; never a sign.
bool Parser::beginsBody(size_t index) const {
  const Token &token = tokens[index];
  if (endsBefore(index))
    return false;
  if (token.kind == Token::Integer || token.kind == Token::Real || token.is("(") || token.is("not") ||
      token.is("true") || token.is("false") || token.is("inf"))
    return true;
  return token.kind == Token::Name && names::classify(token.text) != names::Word::Keyword;
}

/// `max` and `min` are reductions if a list of names, closed, is followed by a body, or if a predicate stands
/// in the list.
bool Parser::beginsReduction() const {
  const Token &token = current();
  if (token.kind != Token::Name || !aheadIs(1, "(") || !names::isReductionLike(names::classify(token.text)))
    return false;
  if (!names::isReductionOrFunction(token.text))
    return true;
  size_t n = 2;
  while (ahead(n).kind == Token::Name && ahead(n + 1).is(","))
    n += 2;
  if (ahead(n).kind == Token::Name && names::classify(ahead(n).text) == names::Word::None)
    ++n;
  else
    return false;
  return ahead(n).is("|") || (ahead(n).is(")") && pos + n + 1 < tokens.size() && beginsBody(pos + n + 1));
}

//===----------------------------------------------------------------------===//
// The head
//===----------------------------------------------------------------------===//

bool Parser::parseReductionArgument(Expr &e) {
  const Token &token = current();
  if (!ended && token.kind == Token::Ellipsis) {
    error(token.loc(), "`...` does not stand inside `" + e.text + "(...)`",
          "write the coordinates it is about");
    return false;
  }
  bool alone = ahead(1).is(",") || ahead(1).is(")") || ahead(1).is("|");
  if (isName() && alone && names::isLowerName(token.text) &&
      names::classify(token.text) == names::Word::None) {
    if (e.eps) {
      explainReductionArgument(e, alone);
      return false;
    }
    e.coords.push_back(token.text);
    e.coordLocs.push_back(token.loc());
    advance();
    return true;
  }
  if (names::takesEps(e.text) && !e.coords.empty() && !e.eps)
    return (e.eps = parseExpr());
  explainReductionArgument(e, alone);
  return false;
}

/// Says why the current token, which is neither a coordinate nor an eps in its place, does not belong in the
/// list.
void Parser::explainReductionArgument(const Expr &e, bool alone) {
  const Token &token = current();
  if (ended || token.kind == Token::Error)
    unexpected("a coordinate");
  else if (isName() && alone && names::isUpperName(token.text))
    error(token.loc(), "`" + e.text + "` goes over coordinates, `" + token.text + "` is an extent",
          "the coordinate of rank `" + token.text + "` is `" + names::coordinateOf(token.text) + "`");
  else if (names::takesEps(e.text))
    error(token.loc(), "`" + e.text + "` takes its coordinates and then one eps, found " + found(),
          "write `" + e.text + "(d, 1e-6) x`");
  else if (token.kind == Token::Real)
    error(token.loc(), "`" + e.text + "` goes over coordinates and takes no eps, found " + found(),
          "only `rmsnorm`, `layernorm` and `l2norm` take one");
  else
    error(token.loc(), "`" + e.text + "` goes over coordinates, found " + found(),
          "write `" + e.text + "(n) ...`, with parentheses round a body that is a sum");
}

/// `op(i, j, eps | p)`; with the predicate parsed as inside the reduction.
bool Parser::parseReductionHead(Expr &e) {
  advance();
  open("(", "");
  for (bool more = !is(")") && !is("|"); more; more = consume(",")) {
    if (!parseReductionArgument(e))
      return false;
  }
  if (e.coords.empty()) {
    error(e.loc, "`" + e.text + "` needs a coordinate to go over", "write `" + e.text + "(n) ...`");
    return false;
  }
  return true;
}

bool Parser::checkReductionHead(const Expr &e) {
  if (names::takesOneIndex(e.text) && e.coords.size() != 1) {
    error(e.coordLocs[1], "`" + e.text + "` goes over one coordinate");
    return false;
  }
  StringSet<> seen;
  for (auto [name, loc] : zip(e.coords, e.coordLocs))
    if (!seen.insert(name).second)
      error(loc, "`" + e.text + "` names the coordinate `" + name + "` twice");
  return true;
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

bool Parser::checkBodyBegins(const Expr &e) {
  if (beginsBody(pos))
    return true;
  std::string head = quote(e.begin, previous().end());
  if (is("-")) {
    error(current().loc(), "a sign does not begin the body of `" + e.text + "`",
          "write `" + head + " (-x)` or `-" + head + " x`");
    return false;
  }
  if (current().kind == Token::Error && !ended) {
    unexpected("");
    return false;
  }
  bool nextLine = current().kind == Token::Name || current().is("(");
  error(previous().end(), "`" + head + "` has no body",
        ended && nextLine ? "a statement ends with its line; open a bracket before the line's end"
                          : "write what it goes over behind it, as in `" + head + " x`");
  return false;
}

/// The body of any, all and count: a product or two products compared, perhaps after `not`.
Expr *Parser::parseComparableBody(const Expr &reduction) {
  if (is("not")) {
    const Token &op = current();
    NestingScope scope(*this);
    if (!scope.entered)
      return nullptr;
    advance();
    Expr *operand = parseComparableBody(reduction);
    return operand ? make(ExprKind::Unary, op.loc(), op.loc(), "not", {operand}) : nullptr;
  }
  auto isComparison = [&] { return !ended && precedenceOf(current().text) == Comparison; };
  Expr *left = parseBinary(Product);
  if (!left || !isComparison())
    return left;
  while (left && isComparison()) { // more than one is the error of a chain
    const Token &op = current();
    advance();
    Expr *right = parseBinary(Product);
    if (!right)
      return nullptr;
    left = makeBinary(op, left, right);
  }
  if (!left || !(is("+") || is("-")))
    return left;
  const Token &sign = current();
  Expr *sum = left->args[1];
  advance();
  Expr *rest = parseBinary(Product);
  if (!rest)
    return nullptr;
  std::string whole = quote(sum->begin, previous().end());
  error(sign.loc(), "the body of `" + reduction.text + "` ends before `" + sign.text + "`",
        "write `" + quote(reduction.begin, left->args[0]->end) + " " + left->text + " (" + whole + ")`");
  return left;
}

bool Parser::parseReductionBody(Expr &e) {
  if (!checkBodyBegins(e))
    return false;
  if (names::takesComparison(e.text)) {
    Expr *body = parseComparableBody(e);
    if (body)
      e.args.push_back(body);
    return body;
  }
  if (is("not")) {
    error(current().loc(), "`not` in the body of `" + e.text + "` needs parentheses",
          "write `" + quote(e.begin, previous().end()) + " (not ...)`");
    return false;
  }
  Expr *body = parseBinary(Product);
  if (body)
    e.args.push_back(body);
  return body;
}

Expr *Parser::parseReduction() {
  NestingScope scope(*this);
  if (!scope.entered)
    return nullptr;
  const Token &op = current();
  if (names::classify(op.text) == names::Word::Selection)
    return error(op.loc(), "`" + op.text + "` stands alone as the whole right-hand side of an equation",
                 "define a tensor by it, `I[m,j] = " + op.text + "(n) S[m,n]`, and read that");
  if (!numbersOnly.empty())
    error(op.loc(), numbersOnly + " holds no reduction", "write an equation");
  return parseReductionAt(op, [&](Expr &e) { return parseReductionBody(e); });
}

/// `argtopk(n) x`, x being all that follows.
Expr *Parser::parseSelection() {
  if (!aheadIs(1, "("))
    return parseWhole("");
  Expr *e = parseReductionAt(current(), [&](Expr &e) {
    if (ended)
      return checkBodyBegins(e);
    Expr *body = parseExpr();
    if (body)
      e.args.push_back(body);
    return body != nullptr;
  });
  reportHidden();
  return e;
}

/// Head and body of the reduction at the current token, its coordinates being known while predicate and body
/// are read.
Expr *Parser::parseReductionAt(const Token &op, function_ref<bool(Expr &)> parseBody) {
  Expr *e = make(ExprKind::Reduction, op.loc(), op.loc(), op.text, {});
  if (!parseReductionHead(*e))
    return nullptr;
  bool hides = names::classify(op.text) == names::Word::Reduction;
  SmallVector<std::pair<StringRef, Expr *>, 2> outer;
  std::optional<Hidden> hiding;
  for (auto [name, loc] : zip(e->coords, e->coordLocs)) {
    Expr *&innermost = enclosing[name];
    if (hides && innermost && innermost != e && !hiding)
      hiding = {e, innermost, name, loc};
    outer.push_back({name, innermost});
    innermost = e;
  }
  bool good = true;
  if (consume("|"))
    good = (e->predicate = parseExpr());
  good = good && close(")") && checkReductionHead(*e) && parseBody(*e);
  for (auto &[name, before] : reverse(outer))
    enclosing[name] = before;
  if (!good)
    return nullptr;
  if (hiding) // after those in its body, so that the closing parenthesis finds it last
    hidden.push_back(*hiding);
  e->end = previous().end();
  for (Expr *part : {e->args[0], e->predicate, e->eps})
    if (part)
      e->height = std::max(e->height, part->height + 1);
  return checkHeight(*e) ? e : nullptr;
}

/// Proposes parentheses for each reduction that reuses an index around it.
void Parser::reportHidden() {
  llvm::sort(hidden,
             [](const Hidden &a, const Hidden &b) { return a.loc.getPointer() < b.loc.getPointer(); });
  for (const Hidden &h : hidden) {
    std::string inner = quote(*h.inner), note = "write `(" + inner + ")`";
    const Expr *body = h.outer->args.empty() ? nullptr : h.outer->args[0];
    if (body && body->kind == ExprKind::Binary && body->args[1] == h.inner && !body->parenthesized)
      note = "write `(" + quote(h.outer->begin, body->args[0]->end) + ") " + body->text.str() + " (" + inner +
             ")`";
    error(h.loc,
          "`" + h.inner->text + "` reuses the coordinate `" + h.coordinate + "` of the `" + h.outer->text +
              "` around it and needs parentheses of its own",
          note);
  }
  hidden.clear();
}
