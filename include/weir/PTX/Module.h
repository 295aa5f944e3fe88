//===- Module.h - a PTX text as a tree ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_PTX_MODULE_H
#define WEIR_PTX_MODULE_H
#include "weir/PTX/Types.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <array>
#include <string>
#include <vector>

namespace weir::ptx {

struct Operand {
  enum class Form : uint8_t {
    Register, ///< `index` of the function's registers
    Special,  ///< `name`: "%tid.x"
    Integer,  ///< `bits`
    Single,   ///< 0f3F800000: the bits of an f32
    Double,   ///< 0d..., or a decimal number: the bits of an f64
    Symbol,   ///< `name` of a variable or function
    Address,  ///< [elements[0] + bits]; without elements, [bits]
    List,     ///< {a, b} and (a, b): elements
    Pair,     ///< a|b: elements
    Sink      ///< _
  };
  Form form = Form::Sink;
  bool negated = false; ///< !a
  unsigned index = 0;
  uint64_t bits = 0;
  std::string name;
  std::vector<Operand> elements;
};

/// One instruction as it is written. Labels are in Function::labels.
struct Statement {
  unsigned line = 0;
  std::string opcode; ///< with its modifiers: "setp.lt.f32"
  bool guarded = false;
  Operand guard; ///< a register, perhaps negated
  std::vector<Operand> operands;
};

struct Variable {
  std::string name;
  Space space = Space::Global;
  Type type = Type::B8;
  uint64_t bytes = 0; ///< 0: an array of open length, whose size the launch gives
  unsigned align = 1;
  bool external = false;
  std::vector<uint8_t> initial; ///< as long as `bytes`, or empty: nothing was said
  unsigned line = 0;
};

struct Register {
  std::string name;
  Type type = Type::B32;
};

struct Function {
  std::string name;
  bool entry = false;
  bool defined = false;
  unsigned line = 0;
  std::vector<Variable> results, parameters; ///< in space Param
  std::vector<Register> registers;
  std::vector<Variable> variables; ///< shared, local, param and others declared in the body
  std::vector<Statement> body;
  llvm::StringMap<unsigned> labels;                  ///< the index of the statement behind the label
  std::array<unsigned, 3> maximalBlock = {0, 0, 0};  ///< .maxntid; 0: not said
  std::array<unsigned, 3> requiredBlock = {0, 0, 0}; ///< .reqntid
};

struct Module {
  std::string name; ///< of the file, for messages
  std::vector<std::string> lines;
  std::string version, target; ///< "7.0", "sm_80"
  std::vector<Variable> variables;
  std::vector<Function> functions;

  const Function *find(llvm::StringRef name) const; ///< a defined one, else a declared one, else null
};

/// Errors are `NAME:LINE: error: ...`. Names in nested scopes are made unique, so a function's registers and
/// variables are flat.
llvm::Expected<Module> parseModule(llvm::StringRef text, llvm::StringRef name);

} // namespace weir::ptx
#endif
