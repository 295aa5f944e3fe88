//===- Describe.cpp - signatures, and how their args struct is laid out ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Describe.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include <cstddef>
#include <cstdlib>

using namespace llvm;
using namespace weir;

static KernelSignature::Tensor readTensor(mlir::DictionaryAttr entry) {
  KernelSignature::Tensor tensor;
  tensor.name = entry.getAs<mlir::StringAttr>("name").str();
  tensor.type = fromMLIR(entry.getAs<mlir::TypeAttr>("type").getValue()).value_or(ElementType::F32);
  for (auto rank : entry.getAs<mlir::ArrayAttr>("ranks").getAsRange<mlir::StringAttr>())
    tensor.ranks.push_back(rank.str());
  ArrayRef<int64_t> shape = entry.getAs<mlir::DenseI64ArrayAttr>("shape").asArrayRef();
  tensor.shape.assign(shape.begin(), shape.end());
  return tensor;
}

std::vector<KernelSignature> weir::readSignatures(mlir::ArrayAttr kernels) {
  std::vector<KernelSignature> signatures;
  for (auto whole : kernels.getAsRange<mlir::DictionaryAttr>()) {
    KernelSignature signature;
    signature.name = whole.getAs<mlir::StringAttr>("name").str();
    for (auto entry : whole.getAs<mlir::ArrayAttr>("inputs").getAsRange<mlir::DictionaryAttr>())
      signature.inputs.push_back(readTensor(entry));
    for (auto entry : whole.getAs<mlir::ArrayAttr>("outputs").getAsRange<mlir::DictionaryAttr>())
      signature.outputs.push_back(readTensor(entry));
    for (auto entry : whole.getAs<mlir::ArrayAttr>("params").getAsRange<mlir::DictionaryAttr>()) {
      KernelSignature::Param param;
      param.name = entry.getAs<mlir::StringAttr>("name").str();
      param.type = fromMLIR(entry.getAs<mlir::TypeAttr>("type").getValue()).value_or(ElementType::F32);
      param.storage = fromMLIR(entry.getAs<mlir::TypeAttr>("storage").getValue()).value_or(ElementType::F32);
      if (auto text = entry.getAs<mlir::StringAttr>("default"))
        param.defaultText = text.str();
      signature.params.push_back(param);
    }
    for (auto check : whole.getAs<mlir::ArrayAttr>("checks").getAsRange<mlir::StringAttr>())
      signature.checks.push_back(check.str());
    signature.hasWorkspace = whole.contains("has_workspace");
    signature.hasCheck = whole.contains("has_check");
    signature.hasExtents = whole.contains("has_extents");
    signature.hasPlan = whole.contains("has_plan_bytes");
    signatures.push_back(std::move(signature));
  }
  return signatures;
}

std::optional<long double> weir::defaultValue(const KernelSignature::Param &param) {
  if (!param.defaultText)
    return std::nullopt;
  StringRef text = StringRef(*param.defaultText).trim();
  if (text == "true" || text == "false")
    return text == "true";
  char *end = nullptr;
  std::string copy = text.str();
  // strtold would take 0xff for a hexadecimal floating-point number, which has the same value.
  long double value = std::strtold(copy.c_str(), &end);
  if (end == copy.c_str() || *end)
    return std::nullopt;
  return value;
}

static bool isReserved(StringRef name) {
  static const StringSet<> words = {
      "main",     "const",    "auto",   "break",     "case",      "char",     "continue", "default",
      "do",       "double",   "else",   "enum",      "extern",    "float",    "for",      "goto",
      "if",       "inline",   "int",    "long",      "register",  "restrict", "return",   "short",
      "signed",   "sizeof",   "static", "struct",    "switch",    "typedef",  "union",    "unsigned",
      "void",     "volatile", "while",  "class",     "new",       "delete",   "template", "this",
      "operator", "private",  "public", "protected", "namespace", "using",    "virtual",  "try",
      "catch",    "throw",    "bool",   "true",      "false",     "typename", "and",      "or",
      "not",      "xor",      "asm",    "export",    "friend",    "mutable",  "explicit", "NULL",
      "linux",    "unix"};
  return words.contains(name);
}

static std::string fieldName(StringRef name) {
  static const StringSet<> header = {
      "size",      "version",         "threads", "parallel_for", "parallel_context",
      "workspace", "workspace_bytes", "plan",    "stream",       "reserved"};
  return header.contains(name) || isReserved(name) ? (name + "_").str() : name.str();
}

std::string weir::symbolPrefix(const KernelSignature &signature) {
  return isReserved(signature.name) ? signature.name + "_" : signature.name;
}

ArgsLayout weir::layoutArgs(const KernelSignature &signature) {
  struct Header {
    WEIR_ARGS_HEADER
  };
  ArgsLayout layout;
  StringSet<> used;
  int32_t at = sizeof(Header);
  // A param and a tensor may have the same name; the later gets a mark.
  auto field = [&](StringRef name) {
    std::string unique = fieldName(name);
    while (!used.insert(unique).second)
      unique += "_";
    return unique;
  };
  for (const auto *list : {&signature.inputs, &signature.outputs})
    for (const KernelSignature::Tensor &tensor : *list) {
      layout.tensorFields.push_back(field(tensor.name));
      layout.tensorOffsets.push_back(at);
      at += sizeof(weir_tensor);
    }
  for (const KernelSignature::Param &param : signature.params) {
    int32_t bytes = param.storage == ElementType::F32 || param.storage == ElementType::Bool ? 4 : 8;
    at = alignTo(at, bytes);
    layout.paramFields.push_back(field(param.name));
    layout.paramOffsets.push_back(at);
    at += bytes;
  }
  layout.size = alignTo(at, alignof(weir_tensor));
  return layout;
}

Expected<std::vector<int32_t>> weir::resolveInplace(const KernelSignature &signature,
                                                    const CompileOptions &options) {
  std::vector<int32_t> inplace(signature.outputs.size(), -1);
  auto find = [](const std::vector<KernelSignature::Tensor> &list, StringRef name) {
    for (auto [i, tensor] : enumerate(list))
      if (tensor.name == name)
        return int32_t(i);
    return -1;
  };
  for (const auto &[inputName, outputName] : options.inplace) {
    int32_t input = find(signature.inputs, inputName), output = find(signature.outputs, outputName);
    if (input < 0 || output < 0)
      return createStringError(inconvertibleErrorCode(), "--inplace %s=%s: %s has no %s of this name",
                               inputName.c_str(), outputName.c_str(), signature.name.c_str(),
                               input < 0 ? "input" : "output");
    const KernelSignature::Tensor &from = signature.inputs[input], &to = signature.outputs[output];
    if (from.type != to.type || from.shape.size() != to.shape.size())
      return createStringError(inconvertibleErrorCode(),
                               "--inplace %s=%s: the tensors differ in type or number of ranks",
                               inputName.c_str(), outputName.c_str());
    inplace[output] = input;
  }
  return inplace;
}

Descriptor::Descriptor(const KernelSignature &signature, std::vector<int32_t> inplace) {
  ArgsLayout layout = layoutArgs(signature);
  size_t count = signature.inputs.size() + signature.outputs.size();
  ranks.reserve(count);
  shapes.reserve(count);
  for (size_t t = 0; t < count; ++t) {
    bool output = t >= signature.inputs.size();
    const auto &tensor = output ? signature.outputs[t - signature.inputs.size()] : signature.inputs[t];
    auto &names = ranks.emplace_back();
    for (const std::string &rank : tensor.ranks)
      names.push_back(rank.c_str());
    auto &shape = shapes.emplace_back();
    for (int64_t extent : tensor.shape)
      shape.push_back(mlir::ShapedType::isDynamic(extent) ? -1 : extent);
    tensors.push_back({tensor.name.c_str(), names.data(), shape.data(), int32_t(tensor.type),
                       int32_t(tensor.shape.size()), layout.tensorOffsets[t],
                       output ? inplace[t - signature.inputs.size()] : -1});
  }
  for (auto [i, param] : enumerate(signature.params))
    params.push_back({param.name.c_str(), int32_t(param.storage), layout.paramOffsets[i]});
  for (const std::string &check : signature.checks)
    checks.push_back(check.c_str());
  kernel = {signature.name.c_str(),
            tensors.data(),
            params.data(),
            checks.data(),
            nullptr,
            layout.size,
            int32_t(signature.inputs.size()),
            int32_t(signature.outputs.size()),
            int32_t(params.size()),
            int32_t(checks.size()),
            0};
}

uint64_t weir::requiredFeatures(const TargetDescription &target) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  std::string error;
  const Triple triple("x86_64-unknown-linux-gnu");
  const Target *x86 = TargetRegistry::lookupTarget(triple, error);
  std::unique_ptr<MCSubtargetInfo> info(x86->createMCSubtargetInfo(triple, target.cpu, target.features));
  StringSet<> enabled; // checkFeatures would abort on a name that this version of LLVM does not know
  for (const SubtargetFeatureKV &feature : info->getEnabledProcessorFeatures())
    enabled.insert(feature.Key);
  auto has = [&](StringRef feature) { return enabled.contains(feature); };
  static const std::pair<const char *, uint64_t> bits[] = {{"avx2", WEIR_CPU_V3},
                                                           {"avx512f", WEIR_CPU_V4},
                                                           {"avx512bf16", WEIR_CPU_AVX512_BF16},
                                                           {"avx512fp16", WEIR_CPU_AVX512_FP16},
                                                           {"avx512vnni", WEIR_CPU_AVX512_VNNI},
                                                           {"avx512vbmi", WEIR_CPU_AVX512_VBMI},
                                                           {"avx512vbmi2", WEIR_CPU_AVX512_VBMI2},
                                                           {"avx512bitalg", WEIR_CPU_AVX512_BITALG},
                                                           {"avx512vpopcntdq", WEIR_CPU_AVX512_VPOPCNTDQ},
                                                           {"avx512ifma", WEIR_CPU_AVX512_IFMA},
                                                           {"gfni", WEIR_CPU_GFNI},
                                                           {"avxvnni", WEIR_CPU_AVX_VNNI},
                                                           {"avxifma", WEIR_CPU_AVX_IFMA},
                                                           {"amx-tile", WEIR_CPU_AMX_TILE},
                                                           {"amx-bf16", WEIR_CPU_AMX_BF16}};
  uint64_t mask = 0;
  for (auto [name, bit] : bits)
    if (has(name))
      mask |= bit;
  // Instructions that LLVM may pick by itself and the runtime cannot ask for.
  for (const char *name : {"avx512er", "avx512pf", "xop", "fma4", "tbm", "avxvnniint8", "avxneconvert",
                           "avx10.2", "egpr", "ndd"})
    if (has(name))
      mask |= WEIR_CPU_UNKNOWN;
  return mask;
}
