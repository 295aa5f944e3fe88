//===- Parser.h - PTX text to a tree --------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_PARSER_H
#define WEIR_LIB_PTX_PARSER_H
#include "Lexer.h"
#include "weir/PTX/Module.h"

namespace weir::ptx {

class Parser {
public:
  Parser(llvm::StringRef text, Module &module) : lexer(text), module(module) {}
  llvm::Error parse();

private:
  llvm::Error fail(const llvm::Twine &message);
  llvm::Error fail(unsigned line, const llvm::Twine &message);
  bool eat(llvm::StringRef text);
  llvm::Error expect(llvm::StringRef text);
  llvm::Error parseWord(std::string &word, llvm::StringRef what);
  llvm::Error parseInteger(uint64_t &value);
  llvm::Error parseDimensions(std::array<unsigned, 3> &dimensions);
  llvm::Error skipLine(unsigned line);
  llvm::Error skipBraces();

  // Declarations (Parser.cpp).
  llvm::Error parseTopLevel();
  llvm::Error parseFunction(bool entry);
  llvm::Error parseParameters(std::vector<Variable> &parameters);
  llvm::Error parseVariables(Space space, bool external, std::vector<Variable> &variables);
  llvm::Error parseInitial(Variable &variable);

  // Bodies (ParseBody.cpp).
  llvm::Error parseBody(Function &function);
  llvm::Error parseBodyItem(Function &function);
  llvm::Error parseRegisters(Function &function);
  llvm::Error parseLocals(Function &function, Space space);
  llvm::Error parseStatement(Function &function);
  llvm::Error parseOperand(Operand &operand);
  llvm::Error parsePlainOperand(Operand &operand);
  llvm::Error parseList(Operand &operand, llvm::StringRef end);
  llvm::Error parseAddress(Operand &operand);
  llvm::Error parseNumber(Operand &operand);
  llvm::Error parseName(Operand &operand);

  Lexer lexer;
  Module &module;
  /// What names mean in the scopes that are open, innermost last. A register's index, or a variable's unique
  /// name.
  struct Scope {
    llvm::StringMap<unsigned> registers;
    llvm::StringMap<std::string> variables;
  };
  std::vector<Scope> scopes;
  bool inAddress = false;
  unsigned scopeCount = 0; ///< of the function: makes names of nested scopes unique
};

} // namespace weir::ptx
#endif
