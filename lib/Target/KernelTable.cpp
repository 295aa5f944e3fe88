//===- KernelTable.cpp - a weir_kernel as LLVM constants ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelTable.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"

using namespace llvm;
using namespace weir;

KernelTable::KernelTable(Module &module, const weir_kernel &kernel, StringRef prefix)
    : module(module), context(module.getContext()), kernel(kernel), prefix(prefix),
      ptr(PointerType::getUnqual(context)) {}

Constant *KernelTable::number(int32_t value) {
  return ConstantInt::getSigned(Type::getInt32Ty(context), value);
}

Constant *KernelTable::text(StringRef value) {
  Constant *bytes = ConstantDataArray::getString(context, value);
  auto *global =
      new GlobalVariable(module, bytes->getType(), true, GlobalValue::PrivateLinkage, bytes, "weir.text");
  global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return global;
}

/// A constant array of entries of one type; null where there is none.
Constant *KernelTable::array(StringRef name, ArrayRef<Constant *> entries) {
  if (entries.empty())
    return ConstantPointerNull::get(ptr);
  auto *type = ArrayType::get(entries.front()->getType(), entries.size());
  return new GlobalVariable(module, type, true, GlobalValue::PrivateLinkage,
                            ConstantArray::get(type, entries), "weir." + name + "." + kernel.name);
}

Constant *KernelTable::pointerOrNull(Function *function) {
  return function ? static_cast<Constant *>(function) : ConstantPointerNull::get(ptr);
}

Constant *KernelTable::tensorTable() {
  std::vector<Constant *> entries;
  for (int t = 0; t < kernel.num_inputs + kernel.num_outputs; ++t) {
    const weir_tensor_info &info = kernel.tensors[t];
    std::vector<Constant *> ranks, shape;
    for (int d = 0; d < info.rank; ++d) {
      ranks.push_back(text(info.ranks[d]));
      shape.push_back(ConstantInt::getSigned(Type::getInt64Ty(context), info.shape[d]));
    }
    entries.push_back(ConstantStruct::getAnon({text(info.name), array("ranks", ranks), array("shape", shape),
                                               number(info.dtype), number(info.rank), number(info.offset),
                                               number(info.inplace)}));
  }
  return array("tensors", entries);
}

Constant *KernelTable::paramTable() {
  std::vector<Constant *> entries;
  for (int p = 0; p < kernel.num_params; ++p) {
    const weir_param_info &info = kernel.params[p];
    entries.push_back(ConstantStruct::getAnon({text(info.name), number(info.dtype), number(info.offset)}));
  }
  return array("params", entries);
}

void KernelTable::addVersion(uint64_t needs, StringRef target, Function *entry, Function *workspace,
                             Function *check, Function *extents, Function *planBytes, Function *plan,
                             Constant *device) {
  versions.push_back(
      ConstantStruct::getAnon({ConstantInt::get(Type::getInt64Ty(context), needs), text(target),
                               pointerOrNull(entry), pointerOrNull(workspace), pointerOrNull(check),
                               pointerOrNull(extents), pointerOrNull(planBytes), pointerOrNull(plan),
                               device ? device : ConstantPointerNull::get(ptr)}));
}

/// What the driver loads; it reads words of machine code.
Constant *KernelTable::image(StringRef bytes) {
  auto *global = cast<GlobalVariable>(text(bytes));
  global->setAlignment(Align(16));
  return global;
}

Constant *KernelTable::addDevice(const DeviceCode &code, const ptx::Description &description) {
  Type *i32 = Type::getInt32Ty(context), *i64 = Type::getInt64Ty(context);
  std::vector<Constant *> images, launches;
  if (!code.cubin.empty())
    images.push_back(image(code.cubin));
  images.push_back(image(code.ptx));
  for (const ptx::Description::Function &launch : description.launches)
    launches.push_back(ConstantStruct::getAnon(
        {text(launch.kernel), number(launch.block), ConstantInt::get(i64, launch.shared)}));
  FunctionCallee run =
      module.getOrInsertFunction("weir_run_on_cuda", FunctionType::get(i32, {ptr, ptr, ptr, ptr}, false));
  auto *loaded = new GlobalVariable(module, ptr, false, GlobalValue::PrivateLinkage,
                                    ConstantPointerNull::get(ptr), Twine("weir.loaded.") + kernel.name);
  Constant *device = ConstantStruct::getAnon({cast<Constant>(run.getCallee()), array("images", images),
                                              array("launches", launches), loaded, number(images.size()),
                                              number(launches.size())});
  return new GlobalVariable(module, device->getType(), true, GlobalValue::PrivateLinkage, device,
                            Twine("weir.device.") + kernel.name);
}

ArrayRef<StringRef> KernelTable::publicSuffixes() {
  static const StringRef suffixes[] = {"",         "_last_error",   "_workspace_bytes", "_output_extents",
                                       "_plan",    "_cpu_features", "_version_for",     "_with_features",
                                       "_manifest"};
  return suffixes;
}

/// A function NAMEsuffix that hands its arguments to the runtime's `callee`, the kernel before them where it
/// takes one.
void KernelTable::addFunction(StringRef suffix, StringRef callee, Type *result, ArrayRef<Type *> arguments,
                              bool takesKernel, bool addsFeatures) {
  std::vector<Type *> inner(arguments);
  Type *i64 = Type::getInt64Ty(context);
  if (takesKernel)
    inner.insert(inner.begin(), ptr);
  if (addsFeatures)
    inner.push_back(i64);
  FunctionCallee target = module.getOrInsertFunction(callee, FunctionType::get(result, inner, false));
  auto *function = Function::Create(FunctionType::get(result, arguments, false), GlobalValue::ExternalLinkage,
                                    prefix + suffix, module);
  function->addFnAttr("target-cpu", "x86-64");
  function->addFnAttr(Attribute::NoUnwind);
  IRBuilder<> b(BasicBlock::Create(context, "", function));
  std::vector<Value *> values;
  if (takesKernel)
    values.push_back(table);
  for (Argument &argument : function->args())
    values.push_back(&argument);
  if (addsFeatures || suffix == "_with_features") {
    Value *has = b.CreateCall(module.getOrInsertFunction("weir_cpu_features", FunctionType::get(i64, false)));
    if (addsFeatures)
      values.push_back(has);
    else
      values.back() = b.CreateAnd(values.back(), has);
  }
  b.CreateRet(b.CreateCall(target, values));
}

void KernelTable::finish(StringRef manifest) {
  std::vector<Constant *> checks;
  for (int i = 0; i < kernel.num_checks; ++i)
    checks.push_back(text(kernel.checks[i]));
  Constant *whole = ConstantStruct::getAnon(
      {text(kernel.name), tensorTable(), paramTable(), array("checks", checks), array("versions", versions),
       number(kernel.args_size), number(kernel.num_inputs), number(kernel.num_outputs),
       number(kernel.num_params), number(kernel.num_checks), number(int32_t(versions.size()))});
  table = new GlobalVariable(module, whole->getType(), true, GlobalValue::PrivateLinkage, whole,
                             Twine("weir.kernel.") + kernel.name);
  Type *i32 = Type::getInt32Ty(context), *i64 = Type::getInt64Ty(context);
  addFunction("", "weir_run", i32, {ptr}, true, /*addsFeatures=*/true);
  addFunction("_with_features", "weir_run", i32, {ptr, i64}, true);
  addFunction("_last_error", "weir_last_error", ptr, {}, false);
  addFunction("_workspace_bytes", "weir_workspace_bytes", i64, {ptr}, true);
  addFunction("_output_extents", "weir_output_extents", i32, {ptr, ptr}, true);
  addFunction("_plan", "weir_plan", i64, {ptr, ptr}, true);
  addFunction("_cpu_features", "weir_cpu_features", i64, {}, false);
  addFunction("_version_for", "weir_choose", i32, {i64}, true);

  Constant *json = ConstantDataArray::getString(context, manifest);
  new GlobalVariable(module, json->getType(), true, GlobalValue::ExternalLinkage, json,
                     prefix + StringRef("_manifest"));
  // The first kernel's, under a name that a loader knows. Weak: several objects may meet in one library.
  if (!module.getNamedValue("weir_manifest"))
    new GlobalVariable(module, json->getType(), true, GlobalValue::WeakAnyLinkage, json, "weir_manifest");
}
