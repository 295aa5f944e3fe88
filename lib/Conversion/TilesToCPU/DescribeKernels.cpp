//===- DescribeKernels.cpp - the signatures of a module's kernels ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "weir/Support/KernelContract.h"

using namespace mlir;

static DictionaryAttr describeArgument(func::FuncOp kernel, unsigned i) {
  Builder b(kernel.getContext());
  NamedAttrList entry;
  Type type = kernel.getArgumentTypes()[i];
  auto name = kernel.getArgAttrOfType<StringAttr>(i, weir::attn::kName);
  entry.set("name", name ? name : b.getStringAttr("arg" + Twine(i)));
  Type element = type;
  if (auto memref = dyn_cast<MemRefType>(type)) {
    element = memref.getElementType();
    Attribute ranks = kernel.getArgAttr(i, weir::attn::kRanks);
    entry.set("ranks", ranks ? ranks : b.getStrArrayAttr(SmallVector<StringRef>(memref.getRank(), "")));
    entry.set("shape", b.getDenseI64ArrayAttr(memref.getShape()));
  } else {
    entry.set("storage", TypeAttr::get(type));
    if (Attribute text = kernel.getArgAttr(i, weir::attn::kDefault))
      entry.set("default", text);
  }
  auto declared = kernel.getArgAttrOfType<TypeAttr>(i, weir::attn::kType);
  entry.set("type", declared ? declared : TypeAttr::get(element));
  return entry.getDictionary(kernel.getContext());
}

static DictionaryAttr describe(func::FuncOp kernel, SymbolTable &symbols) {
  Builder b(kernel.getContext());
  SmallVector<Attribute> inputs, outputs, params;
  unsigned count = kernel.getNumArguments();
  unsigned first = count && isa<LLVM::LLVMPointerType>(kernel.getArgumentTypes().front());
  for (unsigned i = first; i + 1 < count; ++i) {
    if (kernel.getArgAttr(i, weir::kPlanAttr))
      continue;
    auto &list = !isa<MemRefType>(kernel.getArgumentTypes()[i]) ? params
                 : kernel.getArgAttr(i, weir::kOutputAttr)      ? outputs
                                                                : inputs;
    list.push_back(describeArgument(kernel, i));
  }
  NamedAttrList whole;
  whole.set("name", kernel.getNameAttr());
  whole.set("inputs", b.getArrayAttr(inputs));
  whole.set("outputs", b.getArrayAttr(outputs));
  whole.set("params", b.getArrayAttr(params));
  Attribute checks = kernel->getAttr(weir::kChecksAttr);
  whole.set("checks", checks ? checks : b.getArrayAttr({}));
  for (StringRef suffix : weir::companionSuffixes)
    if (symbols.lookup((kernel.getName() + suffix).str()))
      whole.set("has_" + suffix.drop_front().str(), b.getUnitAttr());
  return whole.getDictionary(kernel.getContext());
}

ArrayAttr weir::describeKernels(ModuleOp module) {
  if (auto known = module->getAttrOfType<ArrayAttr>(kKernelsAttr))
    return known;
  SymbolTable symbols(module);
  SmallVector<Attribute> kernels;
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(kKernelAttr))
      kernels.push_back(describe(function, symbols));
  return ArrayAttr::get(module.getContext(), kernels);
}
