//===- Decoder.h - from a module to a program -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_DECODER_H
#define WEIR_LIB_PTX_DECODER_H
#include "Decoding.h"
#include <unordered_map>

namespace weir::ptx {

class Decoder {
public:
  Decoder(const Module &module, const Launch &launch, Memory &memory);
  llvm::Expected<Program> decode();

  /// What a name stands for in the function that is decoded.
  struct Symbol {
    Space space;
    uint64_t address; ///< in its space; of local memory and parameters of functions: the offset in the frame
    const Variable *variable;
  };
  const Symbol *find(llvm::StringRef name) const;
  const Function *findFunction(llvm::StringRef name) const { return module.find(name); }
  /// Parameters and results of a function that is called, in its frame.
  llvm::SmallVector<Symbol> formals(const Function &callee, bool results) const;

  uint32_t constantRow(uint64_t value);
  uint32_t specialRow(llvm::StringRef name); ///< `none` if there is none
  uint32_t registerRow(unsigned index) const { return rowsOf.lookup(function) + index; }
  uint32_t sinkRow();
  uint32_t newRow() { return program.rows++; }
  const Function &current() const { return *function; }
  void noteAccess(Space space, unsigned bytes);
  /// The instruction before the one that is decoded, which makes ready what it reads: row `to` = !row `from`.
  void invert(uint32_t from, uint32_t to, unsigned line);

private:
  llvm::Error fail(unsigned line, const llvm::Twine &message) const;
  llvm::Error reach(const Function &reached, llvm::SmallVectorImpl<const Function *> &path);
  void layOutShared();
  void layOutFrames();
  void layOutParameters();
  llvm::Error layOutGlobals();
  llvm::Error decodeFunction(const Function &decoded);
  llvm::Error decodeStatement(const Statement &statement);

  const Module &module;
  const Launch &launch;
  Memory &memory;
  Program program;
  InstructionTable table;
  const Function *function = nullptr;
  llvm::SmallVector<const Function *> functions; ///< the kernel, and what it calls
  llvm::StringMap<bool> mentioned;               ///< names in them
  llvm::DenseMap<const Function *, uint32_t> rowsOf, placesOf;
  llvm::StringMap<Symbol> ofModule;
  llvm::DenseMap<const Function *, llvm::StringMap<Symbol>> ofFunctions;
  std::unordered_map<uint64_t, uint32_t> constants; // any number may be a key, -1 too
  llvm::StringMap<uint32_t> specials;
  uint32_t sink = none;
};

} // namespace weir::ptx
#endif
