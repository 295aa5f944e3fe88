//===- ParseBody.cpp - PTX text to a tree: bodies of functions ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"

using namespace weir::ptx;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

Error Parser::parseBody(Function &function) {
  if (Error error = expect("{"))
    return error;
  scopes.assign(1, Scope());
  scopeCount = 0;
  while (!scopes.empty())
    if (Error error = parseBodyItem(function))
      return error;
  for (const Statement &statement : function.body)
    if (StringRef(statement.opcode).starts_with("bra"))
      for (const Operand &operand : statement.operands)
        if (operand.form == Operand::Form::Symbol && !function.labels.count(operand.name))
          return fail(statement.line, "no label '" + operand.name + "' in '" + function.name + "'");
  return Error::success();
}

Error Parser::parseBodyItem(Function &function) {
  const Token token = lexer.peek();
  if (token.form == Token::Form::End)
    return fail("the body of '" + function.name + "' does not end");
  if (eat("{"))
    return scopes.emplace_back(), ++scopeCount, Error::success();
  if (eat("}"))
    return scopes.pop_back(), Error::success();
  if (eat(";"))
    return Error::success();
  if (token.form != Token::Form::Directive)
    return parseStatement(function);
  lexer.next();
  if (token.is(".reg"))
    return parseRegisters(function);
  if (token.is(".shared"))
    return parseLocals(function, Space::Shared);
  if (token.is(".local"))
    return parseLocals(function, Space::Local);
  if (token.is(".param"))
    return parseLocals(function, Space::Param);
  if (token.is(".loc") || token.is(".file"))
    return skipLine(token.line);
  if (token.is(".pragma"))
    return lexer.next(), expect(";");
  return fail(token.line, "unknown directive '" + token.text + "' in a body");
}

Error Parser::parseRegisters(Function &function) {
  Token token = lexer.next();
  auto type = token.text.starts_with(".") ? parseType(token.text.drop_front()) : std::nullopt;
  if (!type)
    return fail(token.line, "registers of type '" + token.text + "' are not known");
  do {
    std::string name;
    if (Error error = parseWord(name, "a register's name"))
      return error;
    auto add = [&](const std::string &own) {
      scopes.back().registers[own] = function.registers.size();
      function.registers.push_back({own, *type});
    };
    if (!eat("<")) {
      add(name);
      continue;
    }
    uint64_t count = 0;
    if (Error error = parseInteger(count))
      return error;
    for (uint64_t i = 0; i < count; ++i)
      add(name + std::to_string(i));
    if (Error error = expect(">"))
      return error;
  } while (eat(","));
  return expect(";");
}

Error Parser::parseLocals(Function &function, Space space) {
  size_t first = function.variables.size();
  if (Error error = parseVariables(space, /*external=*/false, function.variables))
    return error;
  for (Variable &variable : llvm::MutableArrayRef(function.variables).drop_front(first)) {
    std::string unique =
        scopes.size() == 1 ? variable.name : variable.name + "@" + std::to_string(scopeCount);
    scopes.back().variables[variable.name] = unique;
    variable.name = unique;
  }
  return expect(";");
}

Error Parser::parseStatement(Function &function) {
  Statement statement;
  statement.line = lexer.peek().line;
  if (eat("@")) {
    statement.guarded = true;
    bool negated = eat("!");
    if (Error error = parseName(statement.guard))
      return error;
    statement.guard.negated = negated;
  }
  if (Error error = parseWord(statement.opcode, "an instruction"))
    return error;
  if (!statement.guarded && eat(":")) {
    function.labels[statement.opcode] = function.body.size();
    return Error::success();
  }
  while (lexer.peek().form == Token::Form::Directive)
    statement.opcode += lexer.next().text.str();
  while (!lexer.peek().is(";")) {
    if (Error error = parseOperand(statement.operands.emplace_back()))
      return error;
    if (!eat(",") && !lexer.peek().is(";"))
      return expect(";");
  }
  lexer.next();
  function.body.push_back(std::move(statement));
  return Error::success();
}

Error Parser::parseOperand(Operand &operand) {
  if (Error error = parsePlainOperand(operand))
    return error;
  if (!eat("|"))
    return Error::success();
  Operand pair;
  pair.form = Operand::Form::Pair;
  pair.elements.push_back(std::move(operand));
  if (Error error = parsePlainOperand(pair.elements.emplace_back()))
    return error;
  operand = std::move(pair);
  return Error::success();
}

Error Parser::parsePlainOperand(Operand &operand) {
  if (eat("{"))
    return parseList(operand, "}");
  if (eat("("))
    return parseList(operand, ")");
  if (eat("["))
    return parseAddress(operand);
  if (eat("!")) {
    Error error = parseName(operand);
    operand.negated = true;
    return error;
  }
  if (lexer.peek().form == Token::Form::Number || lexer.peek().is("-"))
    return parseNumber(operand);
  return parseName(operand);
}

Error Parser::parseList(Operand &operand, StringRef end) {
  operand.form = Operand::Form::List;
  while (!eat(end)) {
    if (Error error = parsePlainOperand(operand.elements.emplace_back()))
      return error;
    if (!eat(",") && !lexer.peek().is(end))
      return expect(end);
  }
  return Error::success();
}

/// [a], [a+4], [a+-4], [16].
Error Parser::parseAddress(Operand &operand) {
  operand.form = Operand::Form::Address;
  if (lexer.peek().form == Token::Form::Word) {
    inAddress = true;
    if (Error error = parseName(operand.elements.emplace_back()))
      return error;
    inAddress = false;
    if (eat("]"))
      return Error::success();
    if (!lexer.peek().is("-"))
      if (Error error = expect("+"))
        return error;
  }
  if (Error error = parseInteger(operand.bits))
    return error;
  return expect("]");
}

Error Parser::parseNumber(Operand &operand) {
  bool negative = eat("-");
  StringRef text = lexer.peek().text;
  if (lexer.peek().form != Token::Form::Number)
    return fail("expected a number, found '" + text + "'");
  bool single = text.starts_with_insensitive("0f"), wide = text.starts_with_insensitive("0d");
  double value = 0;
  if (single || wide) {
    operand.form = single ? Operand::Form::Single : Operand::Form::Double;
    if (text.size() != (single ? 10u : 18u) || text.drop_front(2).getAsInteger(16, operand.bits))
      return fail("'" + text + "' is no " + (single ? "f32" : "f64") + " in hexadecimal digits");
    lexer.next();
    if (negative)
      operand.bits ^= uint64_t(1) << (single ? 31 : 63);
    return Error::success();
  }
  if (text.find_first_of(".eE") == StringRef::npos || text.starts_with_insensitive("0x")) {
    operand.form = Operand::Form::Integer;
    Error error = parseInteger(operand.bits);
    if (negative)
      operand.bits = -operand.bits;
    return error;
  }
  operand.form = Operand::Form::Double;
  if (text.getAsDouble(value))
    return fail("'" + text + "' is no number");
  lexer.next();
  operand.bits = llvm::bit_cast<uint64_t>(negative ? -value : value);
  return Error::success();
}

Error Parser::parseName(Operand &operand) {
  if (Error error = parseWord(operand.name, "an operand"))
    return error;
  if (operand.name == "_") {
    operand.form = Operand::Form::Sink;
    return Error::success();
  }
  for (const Scope &scope : llvm::reverse(scopes)) {
    if (auto found = scope.registers.find(operand.name); found != scope.registers.end()) {
      operand.form = Operand::Form::Register;
      operand.index = found->second;
      return Error::success();
    }
    if (auto found = scope.variables.find(operand.name); found != scope.variables.end()) {
      operand.form = Operand::Form::Symbol;
      operand.name = found->second;
      return !inAddress && eat("+") ? parseInteger(operand.bits) : Error::success();
    }
  }
  if (StringRef(operand.name).starts_with("%")) {
    operand.form = Operand::Form::Special;
    while (lexer.peek().form == Token::Form::Directive)
      operand.name += lexer.next().text.str();
    return Error::success();
  }
  operand.form = operand.name == "WARP_SZ" ? Operand::Form::Integer : Operand::Form::Symbol;
  operand.bits = operand.name == "WARP_SZ" ? 32 : 0;
  if (operand.form == Operand::Form::Symbol && !inAddress && eat("+")) // mov d, a+4
    return parseInteger(operand.bits);
  return Error::success();
}
