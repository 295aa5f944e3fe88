//===- Codegen.h - from the llvm dialect to machine code ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TARGET_CODEGEN_H
#define WEIR_LIB_TARGET_CODEGEN_H
#include "weir/Target/Kernel.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace weir {

/// Position-independent code for `target`; code generation is at least -O1, without which vector code is
/// several times slower.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> makeTargetMachine(const TargetDescription &target,
                                                                       unsigned optLevel);

/// `module` (llvm dialect) as LLVM IR. If it is a `whole` one, all functions but the kernels' entries are local.
llvm::Expected<std::unique_ptr<llvm::Module>> translate(mlir::ModuleOp module, llvm::LLVMContext &context,
                                                        const llvm::TargetMachine &machine, bool whole = true);

/// Runs LLVM's passes, function by function; at level 0 none.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned level);

llvm::Expected<std::string> generate(llvm::Module &module, llvm::TargetMachine &machine,
                                     llvm::CodeGenFileType type);

/// An error that names what `object` needs from elsewhere, beyond memcpy and its kin and what `allowed` says.
llvm::Error checkExternals(llvm::StringRef object, llvm::function_ref<bool(llvm::StringRef)> allowed);

} // namespace weir
#endif
