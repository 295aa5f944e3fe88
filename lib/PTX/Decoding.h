//===- Decoding.h - from a statement to an instruction --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each family of instructions has a file, Instructions*.cpp, that adds its names and their decoders to a
// table. A decoder takes the modifiers it knows, names the operands, and sets the handler. Modifiers that
// nobody took make an instruction unknown.
//===----------------------------------------------------------------------===//
#ifndef WEIR_LIB_PTX_DECODING_H
#define WEIR_LIB_PTX_DECODING_H
#include "Execution.h"
#include "Program.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/bit.h"
#include <cstring>

namespace weir::ptx {

/// "mad.lo.s32": its name, and modifiers that are taken one by one.
class Mnemonic {
public:
  explicit Mnemonic(llvm::StringRef opcode) {
    opcode.split(modifiers, '.');
    name = modifiers.front();
    modifiers.erase(modifiers.begin());
  }
  llvm::StringRef name;
  /// Takes the first modifier that is `wanted`.
  bool take(llvm::StringRef wanted);
  /// The first modifier that is one of `wanted`, as its index.
  std::optional<unsigned> takeOneOf(llvm::ArrayRef<llvm::StringRef> wanted);
  /// The first modifier that is a type.
  std::optional<Type> takeType();
  bool isDone() const { return modifiers.empty(); }

private:
  llvm::SmallVector<llvm::StringRef, 8> modifiers;
};

class Decoder;

/// One statement that becomes an instruction.
class Decoding {
public:
  Decoding(Decoder &decoder, const Statement &statement, Instruction &instruction)
      : decoder(decoder), statement(statement), instruction(instruction), mnemonic(statement.opcode) {}

  Decoder &decoder;
  const Statement &statement;
  Instruction &instruction;
  Mnemonic mnemonic;

  size_t size() const { return statement.operands.size(); }
  const Operand &operator[](size_t i) const { return statement.operands[i]; }
  /// Appends the row of an operand that is read or written as `type`. With `wide`, a register may be wider
  /// than the type.
  void read(const Operand &operand, Type type, bool wide = false);
  void write(const Operand &operand, Type type, bool wide = false);
  /// Appends a row that nobody else has.
  void temporary();
  /// Operand 0 is written and the others are read, all as `type`.
  bool all(unsigned count, Type type);
  bool expect(size_t count);
  /// Appends the row of an address's base. Variables of parameters and local memory change the space to where
  /// they are.
  int64_t address(const Operand &operand, Space &space);
  /// The bits of a register; 0 for what is none.
  unsigned width(const Operand &operand) const;
  std::optional<uint64_t> constant(const Operand &operand) const;
  /// The smallest access that the instruction makes to a space.
  void accesses(Space space, unsigned bytes);
  bool fail(const llvm::Twine &message);

  std::string problem;              ///< empty if none was found
  const Function *callee = nullptr; ///< Flow::Call: whom it calls, and what is done when it has returned
  Handler after;
};

/// The values of a list {a, b}, or the one value that an operand is.
inline llvm::ArrayRef<Operand> elementsOf(const Operand &operand) {
  return operand.form == Operand::Form::List ? llvm::ArrayRef(operand.elements) : operand;
}

/// False if it does not know the modifiers; what else is wrong stands in Decoding::problem.
using Decode = bool (*)(Decoding &);
using InstructionTable = llvm::StringMap<Decode>;

void addIntegerInstructions(InstructionTable &table);
void addFloatInstructions(InstructionTable &table);
void addCompareInstructions(InstructionTable &table);
void addMoveInstructions(InstructionTable &table);
void addConvertInstructions(InstructionTable &table);
void addMemoryInstructions(InstructionTable &table);
void addAtomicInstructions(InstructionTable &table);
void addControlInstructions(InstructionTable &table);
void addWarpInstructions(InstructionTable &table);
void addAsyncInstructions(InstructionTable &table);
void addMatrixInstructions(InstructionTable &table);

/// A register's low bits as a T, and back: registers hold the bits of their type, zeros above.
template <class T> inline T fromRow(uint64_t value) {
  T result;
  std::memcpy(&result, &value, sizeof(T)); // the machine is little-endian, as PTX is
  return result;
}
template <class T> inline uint64_t toRow(T value) {
  uint64_t result = 0;
  std::memcpy(&result, &value, sizeof(T));
  return result;
}

/// Handlers of operands d = f(a), f(a, b), f(a, b, c), all of type T.
template <class T, class F> Handler unary(F f) {
  return [f](Step &step) {
    uint64_t *d = step[0], *a = step[1];
    eachLane(step.lanes, [&](unsigned lane) { d[lane] = toRow<T>(f(fromRow<T>(a[lane]))); });
  };
}
template <class T, class F> Handler binary(F f) {
  return [f](Step &step) {
    uint64_t *d = step[0], *a = step[1], *b = step[2];
    eachLane(step.lanes,
             [&](unsigned lane) { d[lane] = toRow<T>(f(fromRow<T>(a[lane]), fromRow<T>(b[lane]))); });
  };
}
template <class T, class F> Handler ternary(F f) {
  return [f](Step &step) {
    uint64_t *d = step[0], *a = step[1], *b = step[2], *c = step[3];
    eachLane(step.lanes, [&](unsigned lane) {
      d[lane] = toRow<T>(f(fromRow<T>(a[lane]), fromRow<T>(b[lane]), fromRow<T>(c[lane])));
    });
  };
}

/// Calls f with a zero of the C++ type of an integer or bit type; an empty handler for other types.
template <class F> Handler withInteger(Type type, F f) {
  bool isSigned = getKind(type) == Kind::Signed;
  if (!isSigned && getKind(type) != Kind::Unsigned && getKind(type) != Kind::Bits)
    return nullptr;
  switch (getBits(type)) {
  case 8:
    return isSigned ? f(int8_t()) : f(uint8_t());
  case 16:
    return isSigned ? f(int16_t()) : f(uint16_t());
  case 32:
    return isSigned ? f(int32_t()) : f(uint32_t());
  default:
    return isSigned ? f(int64_t()) : f(uint64_t());
  }
}

} // namespace weir::ptx
#endif
