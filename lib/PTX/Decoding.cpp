//===- Decoding.cpp - from a statement to an instruction ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoding.h"
#include "Decoder.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace weir::ptx;
using llvm::StringRef;
using llvm::Twine;

bool Mnemonic::take(StringRef wanted) {
  auto found = llvm::find(modifiers, wanted);
  if (found == modifiers.end())
    return false;
  modifiers.erase(found);
  return true;
}

std::optional<unsigned> Mnemonic::takeOneOf(llvm::ArrayRef<StringRef> wanted) {
  for (const StringRef &modifier : modifiers)
    if (auto found = llvm::find(wanted, modifier); found != wanted.end()) {
      modifiers.erase(modifiers.begin() + (&modifier - modifiers.data()));
      return found - wanted.begin();
    }
  return std::nullopt;
}

std::optional<Type> Mnemonic::takeType() {
  for (const StringRef &modifier : modifiers)
    if (auto type = parseType(modifier)) {
      modifiers.erase(modifiers.begin() + (&modifier - modifiers.data()));
      return type;
    }
  return std::nullopt;
}

bool Decoding::fail(const Twine &message) {
  if (problem.empty())
    problem = message.str();
  return false;
}

unsigned Decoding::width(const Operand &operand) const {
  return operand.form == Operand::Form::Register ? getBits(decoder.current().registers[operand.index].type)
                                                 : 0;
}

std::optional<uint64_t> Decoding::constant(const Operand &operand) const {
  return operand.form == Operand::Form::Integer ? std::optional(operand.bits) : std::nullopt;
}

/// What an immediate is as a value of `type`. A number in hexadecimal digits of f64 is rounded where f32 is
/// wanted.
static uint64_t immediate(const Operand &operand, Type type) {
  if (operand.form == Operand::Form::Double && getBits(type) == 32)
    return toRow(static_cast<float>(llvm::bit_cast<double>(operand.bits)));
  if (operand.form == Operand::Form::Single && getBits(type) == 64)
    return toRow(static_cast<double>(llvm::bit_cast<float>(static_cast<uint32_t>(operand.bits))));
  if (type == Type::Pred) // true is written as 1 and as -1
    return operand.bits != 0;
  return operand.bits & llvm::maskTrailingOnes<uint64_t>(std::max(getBits(type), 8u));
}

void Decoding::read(const Operand &operand, Type type, bool wide) {
  uint32_t row = none;
  switch (operand.form) {
  case Operand::Form::Register: {
    unsigned bits = width(operand), wanted = std::max(getBits(type), type == Type::Pred ? 1u : 16u);
    if (wide ? bits < getBits(type) : bits != wanted && bits != getBits(type)) {
      fail("'" + operand.name + "' has " + Twine(bits) + " bits, expected " + Twine(wanted));
      return;
    }
    row = decoder.registerRow(operand.index);
    break;
  }
  case Operand::Form::Special:
    row = decoder.specialRow(operand.name);
    break;
  case Operand::Form::Integer:
  case Operand::Form::Single:
  case Operand::Form::Double:
    row = decoder.constantRow(immediate(operand, type));
    break;
  case Operand::Form::Symbol:
    if (const Decoder::Symbol *symbol = decoder.find(operand.name))
      row = decoder.constantRow(symbol->address + operand.bits);
    break;
  case Operand::Form::Address:
  case Operand::Form::List:
  case Operand::Form::Pair:
    fail("an operand is a list or an address where one value was expected");
    return;
  case Operand::Form::Sink:
    row = decoder.sinkRow();
    break;
  }
  if (row == none) {
    fail("unknown name '" + operand.name + "'");
    return;
  }
  if (operand.negated) {
    uint32_t inverse = decoder.newRow();
    decoder.invert(row, inverse, statement.line);
    row = inverse;
  }
  instruction.operands.push_back(row);
}

void Decoding::write(const Operand &operand, Type type, bool wide) {
  if (operand.form == Operand::Form::Register || operand.form == Operand::Form::Sink)
    read(operand, type, wide);
  else
    fail("expected a register to write to, found '" + operand.name + "'");
}

void Decoding::temporary() { instruction.operands.push_back(decoder.newRow()); }

bool Decoding::expect(size_t count) {
  return size() == count || fail(Twine(size()) + " operands, expected " + Twine(count));
}

bool Decoding::all(unsigned count, Type type) {
  if (!expect(count))
    return false;
  write((*this)[0], type);
  for (unsigned i = 1; i < count; ++i)
    read((*this)[i], type);
  return problem.empty();
}

int64_t Decoding::address(const Operand &operand, Space &space) {
  if (operand.form != Operand::Form::Address) {
    fail("expected an address in brackets");
    return 0;
  }
  int64_t offset = operand.bits;
  if (operand.elements.empty()) {
    instruction.operands.push_back(decoder.constantRow(0));
    return offset;
  }
  const Operand &base = operand.elements[0];
  if (base.form == Operand::Form::Symbol) {
    const Decoder::Symbol *symbol = decoder.find(base.name);
    if (!symbol) {
      fail("unknown name '" + base.name + "'");
      return 0;
    }
    instruction.operands.push_back(decoder.constantRow(symbol->address));
    if (space == Space::Param || space == Space::Generic)
      space = symbol->space;
    return offset;
  }
  unsigned bits = width(base);
  if (bits != 32 && bits != 64)
    fail("expected an address of 32 or 64 bits in '" + base.name + "'");
  else
    read(base, bits == 32 ? Type::B32 : Type::B64);
  return offset;
}

void Decoding::accesses(Space space, unsigned bytes) { decoder.noteAccess(space, bytes); }
