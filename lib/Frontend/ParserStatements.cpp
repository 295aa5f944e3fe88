//===- ParserStatements.cpp - definitions, signatures, equations ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"

using namespace llvm;
using namespace weir;
using namespace weir::ast;

//===----------------------------------------------------------------------===//
// Names and types
//===----------------------------------------------------------------------===//

bool Parser::checkNewName(const Token &token, StringRef what, Letters letters) {
  StringRef name = token.text;
  names::Word word = names::classify(name);
  if (word != names::Word::None) {
    error(token.loc(), "`" + name + "` is reserved: it is " + names::describe(word), "choose another name");
    return false;
  }
  if (letters == Letters::Upper && !names::isUpperName(name)) {
    error(token.loc(),
          "the name of " + what + " is written without lower-case letters, `" + name + "` is not",
          names::isUpperName(name.upper()) ? "write `" + Twine(name.upper()) + "`"
                                           : Twine("it begins with a letter"));
    return false;
  }
  if (letters == Letters::Lower && !names::isLowerName(name)) {
    error(token.loc(), "the name of " + what + " begins with a lower-case letter, `" + name + "` does not",
          names::isLowerName(name.lower()) ? "write `" + Twine(name.lower()) + "`"
                                           : Twine("it begins with a letter"));
    return false;
  }
  return true;
}

bool Parser::parseNewName(StringRef &name, SMLoc &loc, StringRef what, Letters letters) {
  if (!isName()) {
    unexpected("the name of " + what);
    return false;
  }
  if (!checkNewName(current(), what, letters))
    return false;
  name = current().text;
  loc = current().loc();
  advance();
  return true;
}

/// A rank's coordinate is its name in lower case, which must not be a word of the language.
static void checkCoordinate(StringRef rank, SMLoc loc, Diagnostics &diags) {
  std::string coordinate = names::coordinateOf(rank);
  names::Word word = names::classify(coordinate);
  if (word != names::Word::None)
    diags.error(loc,
                "`" + rank + "` cannot name a rank: its coordinate `" + coordinate + "` is " +
                    names::describe(word),
                "choose another name");
}

bool Parser::parseType(StringRef &type, SMLoc &loc) {
  if (!isName() || names::classify(current().text) != names::Word::ElementType) {
    unexpected("an element type", "they are f64 f32 f16 bf16 f8e4m3 f8e5m2 i64 i32 i16 i8 i4 u32 u8 bool");
    return false;
  }
  type = current().text;
  loc = current().loc();
  advance();
  return true;
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

bool Parser::parseAssigned(Expr *&value, StringRef context) {
  return expect("=", "") && (value = parseWhole(context));
}

Import *Parser::parseImport() {
  advance();
  if (ended || current().kind != Token::String)
    return unexpected("the path of a file between two `\"`");
  Import &import = file.imports.emplace_back();
  import.path = current().text;
  import.loc = current().loc();
  advance();
  return &import;
}

Const *Parser::parseConst() {
  advance();
  Const &constant = file.consts.emplace_back();
  if (!parseNewName(constant.name, constant.loc, "a const", Letters::Upper) ||
      !parseAssigned(constant.value, "the value of a const"))
    return nullptr;
  return &constant;
}

static bool isLiteral(const Expr &e) {
  return e.kind == ExprKind::Integer || e.kind == ExprKind::Real || e.kind == ExprKind::Bool;
}

Param *Parser::parseParam() {
  advance();
  Param &param = file.params.emplace_back();
  if (!parseNewName(param.name, param.loc, "a param", Letters::Lower))
    return nullptr;
  if (consume(":") && !parseType(param.type, param.typeLoc))
    return nullptr;
  if (!is("="))
    return &param;
  if (!parseAssigned(param.value, "the default of a param"))
    return nullptr;
  const Expr &value = *param.value;
  bool negated = value.kind == ExprKind::Unary && value.text == "-" && isLiteral(*value.args[0]) &&
                 value.args[0]->kind != ExprKind::Bool;
  if (!isLiteral(value) && !negated)
    error(value.begin, "the default of a param is a literal",
          "a value that is computed is a `const` or a `let`");
  return &param;
}

Fn *Parser::parseFn() {
  advance();
  Fn &fn = file.fns.emplace_back();
  if (!parseNewName(fn.name, fn.loc, "a function", Letters::Lower) ||
      !open("(", " after the function's name"))
    return nullptr;
  StringSet<> seen;
  for (bool more = !is(")"); more; more = consume(",")) {
    StringRef name;
    SMLoc loc;
    if (!parseNewName(name, loc, "a function's parameter", Letters::Lower))
      return nullptr;
    if (!seen.insert(name).second)
      error(loc, "the function has two parameters `" + name + "`");
    fn.parameters.push_back(name);
    fn.parameterLocs.push_back(loc);
  }
  if (!close(")") || !parseAssigned(fn.value, "the body of a function"))
    return nullptr;
  return &fn;
}

Let *Parser::parseLet() {
  advance();
  Let &let = file.lets.emplace_back();
  if (!parseNewName(let.name, let.loc, "a let", Letters::Lower))
    return nullptr;
  if (is("["))
    return error(current().loc(), "a let takes no indices",
                 "its coordinates are bound where it is used; a tensor is defined without `let`");
  return parseAssigned(let.value, "") ? &let : nullptr;
}

Rank *Parser::parseRank() {
  advance();
  Rank &rank = file.ranks.emplace_back();
  if (!parseNewName(rank.name, rank.loc, "a rank", Letters::Upper))
    return nullptr;
  checkCoordinate(rank.name, rank.loc, diags);
  return parseAssigned(rank.value, "the extent of a rank") ? &rank : nullptr;
}

Given *Parser::parseGiven() {
  Given &given = file.givens.emplace_back();
  given.loc = current().loc();
  advance();
  if (!(given.value = parseWhole("")))
    return nullptr;
  given.begin = given.value->begin;
  given.end = given.value->end;
  return &given;
}

//===----------------------------------------------------------------------===//
// Cascades
//===----------------------------------------------------------------------===//

/// The keywords of statements that stand at file level only.
static bool beginsItemOnly(const Token &token) {
  return token.is("cascade") || token.is("const") || token.is("param") || token.is("fn") ||
         token.is("import");
}

bool Parser::parseCascade() {
  advance();
  Cascade &cascade = file.cascades.emplace_back();
  Item item;
  item.cascade = &cascade;
  file.items.push_back(item);
  bool good = parseHeader(cascade);
  if (good && !is("{")) {
    unexpected("`{` and the cascade's equations");
    good = false;
  }
  // Also after a bad header the equations are worth reading, unless another item comes first.
  brackets.clear();
  while (!good && current().kind != Token::EndOfFile && !current().is("{") && !current().is("}") &&
         !looksLikeStatement(pos))
    ++pos;
  if (current().is("{"))
    advance();
  else if (current().kind == Token::EndOfFile || beginsItemOnly(current()))
    return false;
  parseBody(cascade);
  return true;
}

bool Parser::parseHeader(Cascade &cascade) {
  // A header runs to its `{` over as many lines as it likes, as if a bracket were open.
  brackets.push_back(&previous());
  ended = endsBefore(pos);
  if (!parseNewName(cascade.name, cascade.loc, "a cascade", Letters::Any) ||
      !parseTensorList(cascade.inputs, "inputs") || !expect("->", " and the outputs") ||
      !parseTensorList(cascade.outputs, "outputs"))
    return false;
  if (cascade.outputs.empty())
    error(cascade.loc, "the cascade `" + cascade.name + "` has no output");
  brackets.pop_back();
  ended = false;
  return true;
}

bool Parser::parseTensorList(SmallVectorImpl<TensorDecl> &list, StringRef what) {
  if (!is("(")) {
    unexpected("`(` before the " + what, "both lists stand in parentheses: `(Q[M]) -> (O[M])`");
    return false;
  }
  open("(", "");
  for (bool more = !is(")"); more; more = consume(",")) {
    TensorDecl decl;
    if (!parseTensorDecl(decl))
      return false;
    list.push_back(std::move(decl));
  }
  return close(")");
}

bool Parser::parseTensorDecl(TensorDecl &decl) {
  if (!parseNewName(decl.name, decl.loc, "a tensor", Letters::Any) ||
      (consume(":") && !parseType(decl.type, decl.typeLoc)))
    return false;
  if (!is("[")) {
    unexpected("`[` and the ranks of `" + decl.name + "`",
               "a tensor of no ranks is declared `" + decl.name + "[]`");
    return false;
  }
  open("[", "");
  for (bool more = !is("]"); more; more = consume(",")) {
    Dim dim;
    if (!parseDim(dim, decl.dims.empty()))
      return false;
    decl.dims.push_back(std::move(dim));
  }
  return close("]");
}

bool Parser::parseDim(Dim &dim, bool first) {
  dim.loc = current().loc();
  if (!ended && current().kind == Token::Ellipsis) {
    if (!first) {
      error(dim.loc, "`...` stands for leading ranks", "write it first in the bracket");
      return false;
    }
    dim.ellipsis = true;
    advance();
    return true;
  }
  if (isName() && names::isUpperName(current().text) && (ahead(1).is(",") || ahead(1).is("]"))) {
    dim.rank = current().text;
    checkCoordinate(dim.rank, dim.loc, diags);
    advance();
    return true;
  }
  return (dim.expr = parseWhole("the bracket of a signature"));
}

void Parser::parseBody(Cascade &cascade) {
  for (beginStatement(); !current().is("}"); beginStatement()) {
    if (current().kind == Token::EndOfFile || (current().is("cascade") && current().startsLine)) {
      error(current().loc(), "the cascade `" + cascade.name + "` is not closed",
            "write `}` after its last equation");
      return;
    }
    parseStatement(cascade);
  }
  advance();
  beginStatement();
  // `}` ends the cascade; what follows on its line would be another item.
  if (current().kind != Token::EndOfFile && !current().startsLine && !current().is("}")) {
    unexpected("the end of the line after `}`");
    recover();
  }
}

void Parser::parseStatement(Cascade &cascade) {
  Item item;
  Statement statement;
  bool good = false;
  if (parseKeywordStatement(item, "a cascade")) {
    statement.let = item.let;
    statement.rank = item.rank;
    statement.given = item.given;
    good = true;
    if (!item.let && !item.rank && !item.given)
      return finishStatement(true); // it was reported as out of place
  } else if (pos == statementBegin) {
    good = parseEquationOrCall(statement);
  }
  if (good)
    cascade.body.push_back(statement);
  finishStatement(good);
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

/// `NAME: type[indices]`, left of `=`.
bool Parser::parseTarget(CallEquation::Result &target) {
  if (!parseNewName(target.name, target.loc, "a tensor", Letters::Any) ||
      (consume(":") && !parseType(target.type, target.typeLoc)))
    return false;
  if (is("=")) {
    error(current().loc(), "the tensor `" + target.name + "` has no indices here",
          "write `" + target.name + "[] = ...` for a tensor of no ranks, `let " +
              StringRef(target.name.lower()) + " = ...` for a name of an expression");
    return false;
  }
  if (!is("[")) {
    unexpected("`[` and the indices of `" + target.name + "`");
    return false;
  }
  open("[", "");
  return parseTargetIndices(target) && close("]");
}

/// Refuses what is no coordinate, in the terms of what it is.
bool Parser::checkTargetIndex() {
  const Token &token = current();
  bool number = !ended && token.kind == Token::Integer;
  if ((number || isName()) && !ahead(1).is(",") && !ahead(1).is("]")) {
    error(token.loc(), "an index on the left is a coordinate, no expression",
          "write a coordinate here and restrict it by `where`");
    return false;
  }
  if (number) {
    error(token.loc(), "an index on the left is a coordinate, `" + token.text + "` is a number",
          "write a coordinate and restrict it, as in `... where t == " + token.text + "`");
    return false;
  }
  if (isName() && names::isUpperName(token.text)) {
    error(token.loc(), "an index on the left is a coordinate, `" + token.text + "` is an extent",
          "the coordinate of rank `" + token.text + "` is `" + names::coordinateOf(token.text) + "`");
    return false;
  }
  if (isName())
    return checkNewName(token, "a coordinate", Letters::Lower);
  unexpected("a coordinate");
  return false;
}

bool Parser::parseTargetIndices(CallEquation::Result &target) {
  StringSet<> seen;
  for (bool more = !is("]"); more; more = consume(",")) {
    const Token &token = current();
    if (!ended && token.kind == Token::Ellipsis) {
      if (!seen.empty() || target.ellipsis) {
        error(token.loc(), "`...` stands for leading ranks", "write it first in the bracket");
        return false;
      }
      target.ellipsis = true;
    } else {
      if (!checkTargetIndex())
        return false;
      if (!seen.insert(token.text).second)
        error(token.loc(), "the index `" + token.text + "` stands twice on the left",
              "a second coordinate over the same extent is a rank of its own: `rank L = N`");
      target.indices.push_back(token.text);
      target.indexLocs.push_back(token.loc());
    }
    advance();
  }
  return true;
}

/// `f(Q, K, V)` up to the end of the statement, where `f` is no word of the language.
bool Parser::looksLikeCascadeCall() const {
  if (!isName() || names::classify(current().text) != names::Word::None || !aheadIs(1, "("))
    return false;
  size_t n = 2;
  for (; ahead(n).kind == Token::Name && ahead(n + 1).is(","); n += 2)
    if (names::classify(ahead(n).text) != names::Word::None)
      return false;
  if (ahead(n).kind == Token::Name && names::classify(ahead(n).text) == names::Word::None)
    ++n;
  return ahead(n).is(")") && pos + n + 1 < tokens.size() && endsBefore(pos + n + 1);
}

bool Parser::parseEquationOrCall(Statement &statement) {
  if (is("("))
    return (statement.call = parseCallOfSeveral());
  if (!isName() || names::classify(current().text) == names::Word::Keyword) {
    unexpected("an equation");
    return false;
  }
  CallEquation::Result target;
  if (!parseTarget(target) ||
      !expect("=", " after the left side", is("==") ? "an equation is written with one `=`" : ""))
    return false;
  if (!looksLikeCascadeCall())
    return (statement.equation = parseEquationRight(target));
  size_t right = pos;
  Equation *equation = parseEquationRight(target);
  if (!equation)
    return false;
  pos = right;
  ended = false;
  CallEquation &call = file.calls.emplace_back();
  call.loc = target.loc;
  call.results.push_back(std::move(target));
  call.asEquation = equation;
  return (statement.call = parseCallRight(call));
}

CallEquation *Parser::parseCallOfSeveral() {
  CallEquation &call = file.calls.emplace_back();
  call.loc = current().loc();
  open("(", "");
  for (bool more = !is(")"); more; more = consume(",")) {
    CallEquation::Result target;
    if (!parseTarget(target))
      return nullptr;
    call.results.push_back(std::move(target));
  }
  if (!close(")") || !expect("=", " after the results"))
    return nullptr;
  if (call.results.empty())
    return error(call.loc, "a call of a cascade has at least one result");
  return parseCallRight(call);
}

/// `windowed(Q, K, V)`
CallEquation *Parser::parseCallRight(CallEquation &call) {
  StringRef howTo = "results in parentheses come from a cascade: `(O[m], L[m]) = name(Q, K)`";
  if (!isName() || names::classify(current().text) != names::Word::None || !aheadIs(1, "("))
    return unexpected("the call of a cascade", howTo);
  call.callee = current().text;
  call.calleeLoc = current().loc();
  advance();
  open("(", "");
  for (bool more = !is(")"); more; more = consume(",")) {
    if (!isName() || names::classify(current().text) != names::Word::None)
      return unexpected("the name of a tensor",
                        "a cascade is called with tensors; define one first for an expression");
    call.arguments.push_back(current().text);
    call.argumentLocs.push_back(current().loc());
    advance();
    if (is("["))
      return error(current().loc(), "a cascade is called with whole tensors, without indices",
                   "write `" + call.arguments.back() + "`");
  }
  if (!close(")"))
    return nullptr;
  if (is("where"))
    return error(current().loc(), "the call of a cascade takes no `where`",
                 "restrict its result by an equation of its own");
  return &call;
}

Equation *Parser::parseEquationRight(const CallEquation::Result &target) {
  Equation &equation = file.equations.emplace_back();
  equation.name = target.name;
  equation.type = target.type;
  equation.loc = target.loc;
  equation.typeLoc = target.typeLoc;
  equation.ellipsis = target.ellipsis;
  equation.indices = target.indices;
  equation.indexLocs = target.indexLocs;
  if (isName() && names::classify(current().text) == names::Word::Selection)
    equation.value = parseSelection();
  else
    equation.value = parseWhole("");
  if (!equation.value)
    return nullptr;
  if (is("where")) {
    equation.whereLoc = current().loc();
    advance();
    if (!(equation.where = parseWhole("")))
      return nullptr;
  }
  return &equation;
}
