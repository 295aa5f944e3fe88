//===- Header.cpp - the C header and the manifest of a kernel -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Describe.h"
#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "weir/Runtime/Embedded.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace weir;

StringRef weir::runtimeHeader() {
  std::string_view text = runtimeHeaderText();
  return StringRef(text.data(), text.size());
}

static std::string describe(const KernelSignature::Tensor &tensor) {
  std::string text = getName(tensor.type).str() + " [";
  for (auto [i, rank] : enumerate(tensor.ranks)) {
    text += i ? ", " : "";
    text += rank;
    if (int64_t extent = tensor.shape[i]; !mlir::ShapedType::isDynamic(extent) && rank != itostr(extent))
      text += "=" + itostr(extent);
  }
  return text + "]";
}

static const char *cType(ElementType storage) {
  switch (storage) {
  case ElementType::F32:
    return "float";
  case ElementType::F64:
    return "double";
  case ElementType::Bool:
    return "int32_t";
  default:
    return "int64_t";
  }
}

/// A C literal of the default, or nothing where there is none that C can write.
static std::string cDefault(const KernelSignature::Param &param) {
  std::optional<long double> value = defaultValue(param);
  if (!value)
    return "";
  if (param.storage == ElementType::Bool)
    return *value != 0 ? "1" : "0";
  if (param.storage == ElementType::I64) {
    int64_t integer = int64_t(*value);
    return integer == INT64_MIN ? "INT64_MIN" : "INT64_C(" + itostr(integer) + ")";
  }
  if (*value != *value)
    return "";
  if (*value - *value != 0)
    return *value < 0 ? "-HUGE_VAL" : "HUGE_VAL";
  std::string text;
  raw_string_ostream(text) << format("%.17g", double(*value));
  if (text.find_first_of(".e") == std::string::npos)
    text += ".0";
  return text + (param.storage == ElementType::F32 ? "f" : "");
}

static void printInit(raw_ostream &os, const KernelSignature &signature, const ArgsLayout &layout) {
  const std::string name = symbolPrefix(signature);
  os << "/* Zeroes `args`, then sets its size and version, the tensors' types and ranks, and the params that "
        "have a default.\n"
        "   Data, extents and strides, and the other params, are the caller's. */\n"
     << "static inline void " << name << "_args_init(" << name << "_args *args) {\n"
     << "  memset(args, 0, sizeof *args);\n  args->size = sizeof *args;\n  args->version = "
        "WEIR_ABI_VERSION;\n";
  size_t field = 0;
  for (const auto *list : {&signature.inputs, &signature.outputs})
    for (const KernelSignature::Tensor &tensor : *list) {
      const std::string &member = layout.tensorFields[field++];
      os << "  args->" << member << ".dtype = WEIR_" << StringRef(getName(tensor.type)).upper()
         << ";\n  args->" << member << ".rank = " << tensor.shape.size() << ";\n";
    }
  for (auto [i, param] : enumerate(signature.params))
    if (std::string text = cDefault(param); !text.empty())
      os << "  args->" << layout.paramFields[i] << " = " << (StringRef(text).contains("HUGE_VAL") ? "(" : "")
         << (StringRef(text).contains("HUGE_VAL") ? std::string(cType(param.storage)) + ")(" + text + ")"
                                                  : text)
         << ";\n";
  os << "}\n\n";
}

std::string weir::emitHeader(const KernelSignature &signature, bool isForGPU) {
  const std::string name = symbolPrefix(signature);
  ArgsLayout layout = layoutArgs(signature);
  std::string text;
  raw_string_ostream os(text);
  os << "/* " << name << ".h - the C interface of kernel " << name
     << ", made by weirc. weir_runtime.h explains it. */\n"
     << "#ifndef WEIR_KERNEL_" << name << "_H\n#define WEIR_KERNEL_" << name
     << "_H\n#include \"weir_runtime.h\"\n"
     << "#include <math.h>\n#include <string.h>\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << "typedef struct " << name << "_args {\n  WEIR_ARGS_HEADER\n";
  size_t field = 0;
  for (const KernelSignature::Tensor &tensor : signature.inputs)
    os << "  weir_tensor " << layout.tensorFields[field++] << "; /* input, " << describe(tensor) << " */\n";
  for (const KernelSignature::Tensor &tensor : signature.outputs)
    os << "  weir_tensor " << layout.tensorFields[field++] << "; /* output, " << describe(tensor) << " */\n";
  for (auto [i, param] : enumerate(signature.params)) {
    os << "  " << cType(param.storage) << " " << layout.paramFields[i] << "; /* param, "
       << getName(param.type);
    if (param.defaultText)
      os << ", default " << *param.defaultText;
    os << " */\n";
  }
  os << "} " << name << "_args;\n\n";
  printInit(os, signature, layout);
  auto function = [&](StringRef comment, StringRef result, StringRef suffix, StringRef arguments) {
    os << "/* " << comment << " */\n" << result << name << suffix << "(" << arguments << ");\n";
  };
  std::string args = "const " + name + "_args *args";
  function(
      isForGPU
          ? "Launches the kernel on args->stream and does not wait for it: a weir_status. Data and workspace "
            "are the GPU's\n   memory. Thread-safe and re-entrant."
          : "Runs the kernel: a weir_status. Thread-safe and re-entrant.",
      "int ", "", args);
  function("What was wrong with this thread's last call that failed.", "const char *", "_last_error", "void");
  function("The size of a workspace for these extents, or minus a weir_status. Data pointers may be null.",
           "int64_t ", "_workspace_bytes", args);
  function("The extents of all outputs, one output after another, from the inputs' and the params; -1 where "
           "nothing says.\n"
           "   Outputs and data pointers are not read.",
           "int ", "_output_extents", args + ", int64_t *extents");
  function(signature.hasPlan
               ? "Lists the tiles that masks made of the inputs leave, into `buffer`, at a multiple of 8 bytes, for "
                 "calls\n   with the same extents, params and masks (args->plan). The bytes it takes, or minus a "
                 "weir_status. A null\n   buffer asks for these only, and data may be null; else all is as for a call."
               : "Plans for run-time predicates: this kernel has none, so 0 bytes.",
           "int64_t ", "_plan", args + ", void *buffer");
  function("What this processor can do, WEIR_CPU_* bits; asked once.", "uint64_t ", "_cpu_features", "void");
  function("The version that a processor with these features gets: an index, best first, or -1 for none.",
           "int ", "_version_for", "uint64_t features");
  function("Runs the version for `features`, less what this processor has not.", "int ", "_with_features",
           args + ", uint64_t features");
  os << "/* The interface as JSON. */\nextern const char " << name << "_manifest[];\n"
     << "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

std::string weir::emitManifest(const KernelSignature &signature, ArrayRef<TargetDescription> targets,
                               const CompileOptions &options) {
  ArgsLayout layout = layoutArgs(signature);
  std::vector<int32_t> inplace(signature.outputs.size(), -1);
  if (auto resolved = resolveInplace(signature, options))
    inplace = *resolved;
  else
    consumeError(resolved.takeError());
  json::Array tensors, params, checks, versions;
  for (size_t t = 0, count = signature.inputs.size(); t < count + signature.outputs.size(); ++t) {
    bool output = t >= count;
    const auto &tensor = output ? signature.outputs[t - count] : signature.inputs[t];
    json::Array shape;
    for (int64_t extent : tensor.shape)
      shape.push_back(mlir::ShapedType::isDynamic(extent) ? json::Value(nullptr) : json::Value(extent));
    int32_t shares = output ? inplace[t - count] : -1;
    tensors.push_back(json::Object{
        {"name", tensor.name},
        {"field", layout.tensorFields[t]},
        {"dtype", getName(tensor.type)},
        {"code", int64_t(tensor.type)},
        {"ranks", json::Array(tensor.ranks)},
        {"shape", std::move(shape)},
        {"offset", layout.tensorOffsets[t]},
        {"output", output},
        {"inplace", shares < 0 ? json::Value(nullptr) : json::Value(signature.inputs[shares].name)}});
  }
  for (auto [i, param] : enumerate(signature.params)) {
    std::optional<long double> value = defaultValue(param);
    params.push_back(
        json::Object{{"name", param.name},
                     {"field", layout.paramFields[i]},
                     {"type", getName(param.type)},
                     {"storage", getName(param.storage)},
                     {"offset", layout.paramOffsets[i]},
                     {"default", value ? json::Value(*param.defaultText) : json::Value(nullptr)}});
  }
  for (const std::string &check : signature.checks)
    checks.push_back(check);
  for (const TargetDescription &target : targets)
    versions.push_back(target.cpu);
  json::Object whole{{"kernel", signature.name},
                     {"symbol", symbolPrefix(signature)},
                     {"abi", WEIR_ABI_VERSION},
                     {"args_size", layout.size},
                     {"tensors", std::move(tensors)},
                     {"params", std::move(params)},
                     {"checks", std::move(checks)},
                     {"versions", std::move(versions)},
                     {"plan", signature.hasPlan},
                     {"device", !targets.empty() && targets.front().isGPU ? "cuda" : "cpu"}};
  std::string text;
  raw_string_ostream(text) << json::Value(std::move(whole));
  return text;
}
