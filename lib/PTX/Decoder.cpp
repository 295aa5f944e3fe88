//===- Decoder.cpp - from a module to a program ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"
#include "llvm/ADT/STLExtras.h"

using namespace weir::ptx;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

Decoder::Decoder(const Module &module, const Launch &launch, Memory &memory)
    : module(module), launch(launch), memory(memory) {
  addIntegerInstructions(table);
  addFloatInstructions(table);
  addCompareInstructions(table);
  addMoveInstructions(table);
  addConvertInstructions(table);
  addMemoryInstructions(table);
  addAtomicInstructions(table);
  addControlInstructions(table);
  addWarpInstructions(table);
  addAsyncInstructions(table);
  addMatrixInstructions(table);
}

llvm::Expected<Program> weir::ptx::decode(const Module &module, const Launch &launch, Memory &memory) {
  return Decoder(module, launch, memory).decode();
}

Error Decoder::fail(unsigned line, const Twine &message) const {
  return llvm::createStringError(module.name + ":" + Twine(line) + ": error: " + message);
}

const Decoder::Symbol *Decoder::find(StringRef name) const {
  if (auto local = ofFunctions.find(function); local != ofFunctions.end())
    if (auto found = local->second.find(name); found != local->second.end())
      return &found->second;
  auto found = ofModule.find(name);
  return found == ofModule.end() ? nullptr : &found->second;
}

llvm::SmallVector<Decoder::Symbol> Decoder::formals(const Function &callee, bool results) const {
  llvm::SmallVector<Symbol> symbols;
  for (const Variable &variable : results ? callee.results : callee.parameters)
    symbols.push_back(ofFunctions.find(&callee)->second.lookup(variable.name));
  return symbols;
}

uint32_t Decoder::constantRow(uint64_t value) {
  auto [found, inserted] = constants.try_emplace(value, program.rows);
  if (inserted)
    program.constants.push_back({newRow(), value});
  return found->second;
}

uint32_t Decoder::specialRow(StringRef name) {
  auto known = specials.find(name);
  if (known != specials.end())
    return known->second;
  SpecialRegister special = findSpecialRegister(name);
  if (!special)
    return none;
  program.specials.push_back({program.rows, special});
  return specials[name] = newRow();
}

uint32_t Decoder::sinkRow() {
  if (sink == none)
    sink = newRow();
  return sink;
}

void Decoder::noteAccess(Space space, unsigned bytes) {
  bytes = std::min(bytes, 16u);
  if (space == Space::Shared || space == Space::Generic)
    program.sharedGranule = std::min(program.sharedGranule, bytes);
  if (space == Space::Global || space == Space::Generic)
    program.globalGranule = std::min(program.globalGranule, bytes);
}

void Decoder::invert(uint32_t from, uint32_t to, unsigned line) {
  Instruction inverse;
  inverse.opcode = "not.pred";
  inverse.line = line;
  inverse.operands = {to, from};
  inverse.run = unary<uint8_t>([](uint8_t a) { return !a; });
  program.code.insert(program.code.end() - 1, std::move(inverse));
}

/// The function and those it calls, each once. Frames are static, so none may be entered twice.
Error Decoder::reach(const Function &reached, llvm::SmallVectorImpl<const Function *> &path) {
  if (llvm::is_contained(path, &reached))
    return fail(reached.line,
                "'" + reached.name + "' calls itself, perhaps through others; recursion is not known");
  if (llvm::is_contained(functions, &reached))
    return Error::success();
  functions.push_back(&reached);
  path.push_back(&reached);
  for (const Statement &statement : reached.body)
    for (const Operand &operand : statement.operands) {
      auto mention = [&](const Operand &part) {
        if (part.form == Operand::Form::Symbol)
          mentioned[part.name] = true;
      };
      mention(operand);
      llvm::for_each(operand.elements, mention);
      if (!StringRef(statement.opcode).starts_with("call") || operand.form != Operand::Form::Symbol)
        continue;
      const Function *callee = module.find(operand.name);
      if (!callee || !callee->defined)
        return fail(statement.line, "a call of '" + operand.name + "', which has no body");
      if (Error error = reach(*callee, path))
        return error;
    }
  path.pop_back();
  return Error::success();
}

/// Static variables one after the other with gaps, then what the launch gives.
void Decoder::layOutShared() {
  constexpr uint64_t gap = 16;
  uint64_t next = 0, packed = 0, dynamicAlign = 16;
  llvm::SmallVector<std::pair<const Variable *, llvm::StringMap<Symbol> *>> open;
  auto place = [&](const Variable &variable, llvm::StringMap<Symbol> &names) {
    if (variable.space != Space::Shared || !mentioned.count(variable.name))
      return;
    if (!variable.bytes) {
      dynamicAlign = std::max<uint64_t>(dynamicAlign, variable.align);
      open.push_back({&variable, &names});
      return;
    }
    next = llvm::alignTo(next, variable.align);
    packed = llvm::alignTo(packed, variable.align) + variable.bytes;
    names[variable.name] = {Space::Shared, next, &variable};
    program.sharedParts.push_back({next, next + variable.bytes, variable.name});
    next += variable.bytes + gap;
  };
  for (const Variable &variable : module.variables)
    place(variable, ofModule);
  for (const Function *reached : functions)
    for (const Variable &variable : reached->variables)
      place(variable, ofFunctions[reached]);
  next = llvm::alignTo(next, dynamicAlign);
  for (auto [variable, names] : open) // all begin where the launch's bytes begin
    (*names)[variable->name] = {Space::Shared, next, variable};
  if (launch.dynamicShared)
    program.sharedParts.push_back({next, next + launch.dynamicShared,
                                   open.empty() ? "dynamic shared memory" : open.front().first->name});
  program.sharedBytes = next + launch.dynamicShared;
  program.staticShared = packed;
  program.totalShared = llvm::alignTo(packed, launch.dynamicShared ? dynamicAlign : 1) + launch.dynamicShared;
}

void Decoder::layOutFrames() {
  for (const Function *reached : functions) {
    llvm::StringMap<Symbol> &names = ofFunctions[reached];
    auto place = [&](const Variable &variable) {
      if (variable.space != Space::Local && variable.space != Space::Param)
        return;
      uint64_t offset = llvm::alignTo(program.frameBytes, std::max(variable.align, 16u));
      names[variable.name] = {Space::Local, offset, &variable};
      program.frameBytes = offset + variable.bytes;
    };
    llvm::for_each(reached->variables, place);
    if (reached->entry)
      continue;
    llvm::for_each(reached->parameters, place);
    llvm::for_each(reached->results, place);
  }
}

void Decoder::layOutParameters() {
  for (const Variable &parameter : program.kernel->parameters) {
    uint64_t offset = llvm::alignTo(program.parameterBytes, parameter.align);
    program.parameterOffsets.push_back(offset);
    program.parameterBytes = offset + parameter.bytes;
    ofFunctions[program.kernel][parameter.name] = {Space::Param, offset, &parameter};
  }
}

/// Variables of the module keep their memory from one launch to the next.
Error Decoder::layOutGlobals() {
  for (const Variable &variable : module.variables) {
    if ((variable.space != Space::Global && variable.space != Space::Const) ||
        !mentioned.count(variable.name))
      continue;
    if (variable.external || !variable.bytes)
      return fail(variable.line, "'" + variable.name + "' is defined elsewhere; there is one module only");
    Storage *existing = nullptr;
    for (Storage &storage : memory.all())
      if (storage.name == variable.name && storage.size() == variable.bytes)
        existing = &storage;
    // What is not initialised is 0: PTX ISA, "Initializers".
    std::vector<uint8_t> initial = variable.initial;
    initial.resize(variable.bytes, 0);
    uint64_t address =
        existing ? existing->base
                 : memory.allocate(variable.name, variable.bytes, variable.space == Space::Const, initial);
    ofModule[variable.name] = {variable.space, address, &variable};
  }
  return Error::success();
}

llvm::Expected<Program> Decoder::decode() {
  program.kernel = module.find(launch.kernel);
  llvm::SmallVector<const Function *> path;
  if (Error error = reach(*program.kernel, path))
    return error;
  if (Error error = layOutGlobals())
    return error;
  layOutParameters();
  layOutShared();
  layOutFrames();
  for (const Function *reached : functions) {
    rowsOf[reached] = program.rows;
    program.rows += reached->registers.size();
  }
  for (const Function *reached : functions)
    if (Error error = decodeFunction(*reached))
      return error;
  for (Instruction &instruction : program.code)
    if (instruction.flow == Flow::Call)
      instruction.target = placesOf.lookup(functions[instruction.target]);
  return std::move(program);
}

Error Decoder::decodeFunction(const Function &decoded) {
  function = &decoded;
  placesOf[function] = program.code.size();
  std::vector<uint32_t> places; // of each statement
  std::vector<std::pair<uint32_t, const Statement *>> branches;
  for (const Statement &statement : decoded.body) {
    places.push_back(program.code.size());
    if (Error error = decodeStatement(statement))
      return error;
    if (program.code.back().flow == Flow::Branch)
      branches.push_back({program.code.size() - 1, &statement});
  }
  // A label may stand behind the last statement; running into the end is a return.
  places.push_back(program.code.size());
  Instruction end;
  end.opcode = "ret";
  end.flow = Flow::Return;
  end.line = decoded.body.empty() ? decoded.line : decoded.body.back().line;
  program.code.push_back(std::move(end));
  for (auto [place, statement] : branches)
    program.code[place].target = places[decoded.labels.lookup(statement->operands[0].name)];
  return Error::success();
}

Error Decoder::decodeStatement(const Statement &statement) {
  Instruction instruction;
  instruction.line = statement.line;
  instruction.opcode = statement.opcode;
  program.code.emplace_back(); // the place; invert() puts others before it
  Decoding decoding(*this, statement, instruction);
  auto known = table.find(decoding.mnemonic.name);
  bool decoded = known != table.end() && known->second(decoding);
  if (!decoding.problem.empty())
    return fail(statement.line, statement.opcode + ": " + decoding.problem);
  if (!decoded || !decoding.mnemonic.isDone())
    return fail(statement.line, "unknown instruction '" + statement.opcode + "'");
  if (statement.guarded) {
    if (statement.guard.form != Operand::Form::Register)
      return fail(statement.line, "no register '" + statement.guard.name + "'");
    instruction.guard = registerRow(statement.guard.index);
    instruction.guardNegated = statement.guard.negated;
  }
  Handler after = std::move(decoding.after);
  if (instruction.flow == Flow::Call) // the function's place is not known yet; its number is
    instruction.target = llvm::find(functions, decoding.callee) - functions.begin();
  program.code.back() = std::move(instruction);
  if (program.code.back().flow == Flow::Call) {
    Instruction fetch;
    fetch.opcode = statement.opcode;
    fetch.line = statement.line;
    fetch.run = std::move(after);
    program.code.push_back(std::move(fetch));
  }
  return Error::success();
}
