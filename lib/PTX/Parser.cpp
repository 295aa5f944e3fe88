//===- Parser.cpp - PTX text to a tree: modules and declarations ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace weir::ptx;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

const Function *Module::find(StringRef wanted) const {
  const Function *found = nullptr;
  for (const Function &function : functions)
    if (function.name == wanted && (!found || function.defined))
      found = &function;
  return found;
}

static std::optional<Space> spaceOf(StringRef directive) {
  return llvm::StringSwitch<std::optional<Space>>(directive)
      .Case(".global", Space::Global)
      .Case(".shared", Space::Shared)
      .Case(".local", Space::Local)
      .Case(".param", Space::Param)
      .Case(".const", Space::Const)
      .Default(std::nullopt);
}

Error Parser::fail(const Twine &message) { return fail(lexer.peek().line, message); }
Error Parser::fail(unsigned line, const Twine &message) {
  return llvm::createStringError(module.name + ":" + Twine(line) + ": error: " + message);
}

bool Parser::eat(StringRef text) {
  if (!lexer.peek().is(text))
    return false;
  lexer.next();
  return true;
}

Error Parser::expect(StringRef text) {
  if (eat(text))
    return Error::success();
  StringRef found = lexer.peek().text;
  return fail("expected '" + text + "', found " + (found.empty() ? "the end" : "'" + found.str() + "'"));
}

Error Parser::parseWord(std::string &word, StringRef what) {
  if (lexer.peek().form != Token::Form::Word)
    return fail("expected " + what + ", found '" + lexer.peek().text + "'");
  word = lexer.next().text.str();
  return Error::success();
}

Error Parser::parseInteger(uint64_t &value) {
  bool negative = eat("-");
  StringRef text = lexer.peek().text;
  text.consume_back("U");
  text.consume_back("L");
  if (lexer.peek().form != Token::Form::Number || text.getAsInteger(0, value))
    return fail("expected an integer, found '" + lexer.peek().text + "'");
  lexer.next();
  if (negative)
    value = -value;
  return Error::success();
}

Error Parser::parseDimensions(std::array<unsigned, 3> &dimensions) {
  dimensions = {1, 1, 1};
  for (unsigned &extent : dimensions) {
    uint64_t value = 0;
    if (Error error = parseInteger(value))
      return error;
    extent = value;
    if (!eat(","))
      break;
  }
  return Error::success();
}

/// `.align 16 .b8 name[64] = {1, 2}`, behind the space. Several names may share a type.
Error Parser::parseVariables(Space space, bool external, std::vector<Variable> &variables) {
  Variable pattern;
  pattern.space = space;
  pattern.external = external;
  bool typed = false;
  while (lexer.peek().form == Token::Form::Directive) {
    Token token = lexer.next();
    StringRef name = token.text.drop_front();
    if (token.is(".align")) {
      uint64_t align = 0;
      if (Error error = parseInteger(align))
        return error;
      if (!typed) // behind .ptr it is the alignment of what the pointer points at
        pattern.align = align;
    } else if (auto type = parseType(name)) {
      pattern.type = *type;
      typed = true;
    } else if (name == "v2" || name == "v4") {
      return fail(token.line, "vectors of registers as variables (" + token.text + ") are not known");
    } else if (name != "ptr" && !spaceOf(token.text)) {
      return fail(token.line, "unknown directive '" + token.text + "' in a declaration");
    }
  }
  if (!typed)
    return fail("expected a type in a declaration");
  do {
    Variable variable = pattern;
    variable.line = lexer.peek().line;
    if (Error error = parseWord(variable.name, "a name"))
      return error;
    uint64_t element = getBytes(variable.type);
    variable.align = std::max<uint64_t>(variable.align, element);
    variable.bytes = element;
    while (eat("[")) {
      uint64_t extent = 0;
      if (!lexer.peek().is("]"))
        if (Error error = parseInteger(extent))
          return error;
      if (Error error = expect("]"))
        return error;
      variable.bytes *= extent;
    }
    if (eat("="))
      if (Error error = parseInitial(variable))
        return error;
    variables.push_back(std::move(variable));
  } while (space != Space::Param && eat(","));
  return Error::success();
}

Error Parser::parseInitial(Variable &variable) {
  unsigned element = getBytes(variable.type);
  variable.initial.reserve(variable.bytes);
  unsigned depth = 0;
  do {
    while (eat("{"))
      ++depth;
    Operand number;
    if (lexer.peek().form == Token::Form::Word)
      return fail("addresses in initial values are not known");
    if (Error error = parseNumber(number))
      return error;
    for (unsigned byte = 0; byte < element; ++byte)
      variable.initial.push_back(number.bits >> (8 * byte) & 0xff);
    while (depth && eat("}"))
      --depth;
  } while (depth && eat(","));
  if (depth || variable.initial.size() > variable.bytes)
    return fail("'" + variable.name + "' has more initial values than room");
  variable.initial.resize(variable.bytes, 0);
  return Error::success();
}

Error Parser::parseParameters(std::vector<Variable> &parameters) {
  if (!eat("("))
    return Error::success();
  while (!eat(")")) {
    if (eat(".reg"))
      return fail("parameters in registers (.reg) are not known");
    if (Error error = expect(".param"))
      return error;
    if (Error error = parseVariables(Space::Param, /*external=*/false, parameters))
      return error;
    if (!eat(",") && !lexer.peek().is(")"))
      return expect(")");
  }
  return Error::success();
}

Error Parser::parseFunction(bool entry) {
  Function function;
  function.entry = entry;
  function.line = lexer.peek().line;
  if (!entry)
    if (Error error = parseParameters(function.results))
      return error;
  if (Error error = parseWord(function.name, "a function's name"))
    return error;
  if (Error error = parseParameters(function.parameters))
    return error;
  while (lexer.peek().form == Token::Form::Directive) {
    Token directive = lexer.next();
    std::array<unsigned, 3> ignored;
    if (directive.is(".maxntid") || directive.is(".reqntid")) {
      if (Error error =
              parseDimensions(directive.is(".maxntid") ? function.maximalBlock : function.requiredBlock))
        return error;
    } else if (directive.is(".minnctapersm") || directive.is(".maxnctapersm") || directive.is(".maxnreg") ||
               directive.is(".maxclusterrank")) {
      if (Error error = parseDimensions(ignored))
        return error;
    } else if (directive.is(".pragma")) {
      lexer.next();
      if (Error error = expect(";"))
        return error;
    } else if (!directive.is(".noreturn")) {
      return fail(directive.line, "unknown directive '" + directive.text + "' of a function");
    }
  }
  if (!eat(";")) {
    function.defined = true;
    if (Error error = parseBody(function))
      return error;
  }
  module.functions.push_back(std::move(function));
  return Error::success();
}

Error Parser::parseTopLevel() {
  Token token = lexer.next();
  if (token.is(".version")) {
    module.version = lexer.next().text.str();
    return Error::success();
  }
  if (token.is(".target")) {
    module.target = lexer.next().text.str();
    while (eat(","))
      lexer.next();
    return Error::success();
  }
  if (token.is(".address_size")) {
    uint64_t bits = 0;
    if (Error error = parseInteger(bits))
      return error;
    return bits == 64 ? Error::success()
                      : fail(token.line, "addresses of 64 bits are known, not of " + Twine(bits));
  }
  if (token.is(".file"))
    return skipLine(token.line);
  if (token.is(".section"))
    return skipBraces();
  if (token.is(".pragma"))
    return lexer.next(), expect(";");
  bool external = token.is(".extern");
  if (external || token.is(".visible") || token.is(".weak") || token.is(".common"))
    token = lexer.next();
  if (token.is(".entry") || token.is(".func"))
    return parseFunction(token.is(".entry"));
  if (auto space = spaceOf(token.text)) {
    if (Error error = parseVariables(*space, external, module.variables))
      return error;
    return expect(";");
  }
  return fail(token.line, "unknown directive '" + token.text + "'");
}

/// What belongs to debuggers stands on one line each and ends with it.
Error Parser::skipLine(unsigned line) {
  while (lexer.peek().line == line && lexer.peek().form != Token::Form::End)
    lexer.next();
  return Error::success();
}

Error Parser::skipBraces() {
  while (!lexer.peek().is("{") && lexer.peek().form != Token::Form::End)
    lexer.next();
  while (!lexer.peek().is("}") && lexer.peek().form != Token::Form::End)
    lexer.next();
  return expect("}");
}

Error Parser::parse() {
  while (lexer.peek().form != Token::Form::End)
    if (Error error = parseTopLevel())
      return error;
  if (module.target.empty())
    return fail("the directive .target is missing");
  return Error::success();
}

llvm::Expected<Module> weir::ptx::parseModule(StringRef text, StringRef name) {
  Module module;
  module.name = name.str();
  llvm::SmallVector<StringRef> lines;
  text.split(lines, '\n');
  module.lines.assign(lines.begin(), lines.end());
  Parser parser(text, module);
  if (Error error = parser.parse())
    return error;
  return module;
}
