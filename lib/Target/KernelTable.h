//===- KernelTable.h - a weir_kernel as LLVM constants --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TARGET_KERNELTABLE_H
#define WEIR_LIB_TARGET_KERNELTABLE_H
#include "weir/PTX/Description.h"
#include "weir/Runtime/weir_kernel.h"
#include "weir/Target/Artifact.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"

namespace weir {

/// Writes the structs of weir_kernel.h, field by field as C lays them out, and the public functions of a
/// kernel into a module.
class KernelTable {
public:
  KernelTable(llvm::Module &module, const weir_kernel &kernel, llvm::StringRef prefix);
  void addVersion(uint64_t needs, llvm::StringRef target, llvm::Function *entry, llvm::Function *workspace,
                  llvm::Function *check, llvm::Function *extents, llvm::Function *planBytes,
                  llvm::Function *plan, llvm::Constant *device = nullptr);
  /// The code of a version for a GPU, for addVersion.
  llvm::Constant *addDevice(const DeviceCode &code, const ptx::Description &description);
  void finish(llvm::StringRef manifest);
  /// "" for the kernel itself, "_last_error", ...
  static llvm::ArrayRef<llvm::StringRef> publicSuffixes();

private:
  llvm::Constant *number(int32_t value);
  llvm::Constant *text(llvm::StringRef value);
  llvm::Constant *image(llvm::StringRef bytes);
  llvm::Constant *array(llvm::StringRef name, llvm::ArrayRef<llvm::Constant *> entries);
  llvm::Constant *pointerOrNull(llvm::Function *function);
  llvm::Constant *tensorTable();
  llvm::Constant *paramTable();
  void addFunction(llvm::StringRef suffix, llvm::StringRef callee, llvm::Type *result,
                   llvm::ArrayRef<llvm::Type *> arguments, bool takesKernel, bool addsFeatures = false);

  llvm::Module &module;
  llvm::LLVMContext &context;
  const weir_kernel &kernel;
  std::string prefix; ///< of the public names
  llvm::PointerType *ptr;
  std::vector<llvm::Constant *> versions;
  llvm::GlobalVariable *table = nullptr;
};

} // namespace weir
#endif
