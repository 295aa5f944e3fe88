//===- Arguments.cpp - a kernel's arguments from the command line ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Arguments.h"
#include "weir/Support/Npy.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include <cstring>

using namespace weir;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static llvm::Error wrong(StringRef text, const Twine &message) {
  return llvm::createStringError("--arg " + text + ": " + message);
}

static Expected<std::vector<uint8_t>> parseValue(StringRef text, ElementType type) {
  double real = 0;
  int64_t whole = 0;
  uint64_t positive = 0;
  std::vector<uint8_t> bytes(getBits(type) / 8);
  uint64_t bits = 0;
  if (isReal(type) && !text.getAsDouble(real))
    bits = toBits(real, type);
  else if (!isReal(type) && !text.getAsInteger(0, whole))
    bits = whole;
  else if (!isReal(type) && !text.getAsInteger(0, positive))
    bits = positive;
  else
    return llvm::createStringError("'" + text + "' is no number of type " + getName(type));
  std::memcpy(bytes.data(), &bits, bytes.size());
  return bytes;
}

/// i32 and its like, and u64, which tensors do not have.
static Expected<Argument> parseScalar(StringRef text, StringRef kind, StringRef value) {
  Argument argument;
  argument.name = text.str();
  auto type = parseElementType(kind == "u64" ? "i64" : kind == "u16" ? "i16" : kind);
  if (!type || *type == ElementType::I4)
    return wrong(text, "expected a type (i32, f32, ...), in, out, inout, scratch or null before ':'");
  auto bytes = parseValue(value, *type);
  if (!bytes)
    return wrong(text, llvm::toString(bytes.takeError()));
  argument.value = std::move(*bytes);
  return argument;
}

Expected<Argument> parseArgument(StringRef text) {
  if (text == "null")
    return parseScalar(text, "i64", "0");
  auto [kind, rest] = text.split(':');
  Argument argument;
  argument.name = text.str();
  if (kind == "scratch") {
    uint64_t bytes = 0;
    if (rest.getAsInteger(0, bytes))
      return wrong(text, "expected a number of bytes");
    argument.form = Argument::Form::Scratch;
    argument.tensor.type = ElementType::U8;
    argument.tensor.shape = {static_cast<int64_t>(bytes)};
    return argument;
  }
  if (kind != "in" && kind != "out" && kind != "inout")
    return parseScalar(text, kind, rest);
  auto [what, files] = rest.split('=');
  auto [typeName, extents] = what.split(':');
  auto type = parseElementType(typeName);
  if (!type || files.empty())
    return wrong(text, "expected TYPE=FILE behind 'in:', TYPE:EXTENTS=FILE behind 'out:'");
  if (kind == "out") {
    argument.form = Argument::Form::Out;
    argument.result = files.str();
    argument.tensor.type = *type;
    for (StringRef extent : llvm::split(extents, 'x'))
      if (extent.getAsInteger(10, argument.tensor.shape.emplace_back()))
        return wrong(text, "expected extents like 8x64");
    return argument;
  }
  argument.form = kind == "in" ? Argument::Form::In : Argument::Form::InOut;
  auto [source, result] = files.split('=');
  argument.result = result.str();
  if (argument.form == Argument::Form::InOut && result.empty())
    return wrong(text, "expected TYPE=FILE=RESULT behind 'inout:'");
  auto tensor = readNpy(source, *type, llvm::errs());
  if (!tensor)
    return tensor.takeError();
  argument.tensor = std::move(*tensor);
  return argument;
}

namespace {
/// Extents by their names, from inputs first; what a kernel was compiled for must agree.
class Extents {
public:
  llvm::Error bind(const ptx::Description::Argument &described, llvm::ArrayRef<int64_t> shape) {
    if (shape.size() != described.ranks.size())
      return llvm::createStringError("'" + described.name + "' has " + Twine(described.ranks.size()) +
                                     " dimensions, not " + Twine(shape.size()));
    for (auto [i, rank, extent] : llvm::enumerate(described.ranks, shape)) {
      auto [known, inserted] = values.try_emplace(rank, extent);
      int64_t wanted = i < described.shape.size() && described.shape[i] ? *described.shape[i] : known->second;
      if (known->second != extent || wanted != extent)
        return llvm::createStringError("rank " + rank + " of '" + described.name + "' is " + Twine(extent) +
                                       ", not " + Twine(known->second != extent ? known->second : wanted));
    }
    return llvm::Error::success();
  }

private:
  llvm::StringMap<int64_t> values;
};
} // namespace

static Expected<Argument> bindOne(const ptx::Description::Argument &described, StringRef file,
                                  Extents &extents) {
  Argument argument;
  argument.name = described.name;
  auto type = parseElementType(described.type);
  if (!type)
    return llvm::createStringError("'" + described.name + "' has the unknown type " + described.type);
  argument.tensor.type = *type;
  if (described.kind == "param") {
    auto value = parseValue(file, *type);
    if (!value)
      return value.takeError();
    argument.value = std::move(*value);
    return argument;
  }
  auto tensor = readNpy(file, *type, llvm::errs());
  if (!tensor)
    return tensor.takeError();
  argument.form = Argument::Form::In;
  argument.tensor = std::move(*tensor);
  if (llvm::Error error = extents.bind(described, argument.tensor.shape))
    return error;
  return argument;
}

Expected<Tensors> bindTensors(const ptx::Description &description, llvm::ArrayRef<std::string> texts) {
  llvm::StringMap<std::string> given;
  for (StringRef text : texts) {
    auto [name, file] = text.split('=');
    auto has = [name = name](const ptx::Description::Argument &described) {
      return described.name == name && described.kind != "workspace";
    };
    if (file.empty() || llvm::none_of(description.arguments, has))
      return llvm::createStringError("--tensor " + text + ": '" + name + "' is no argument of the kernel");
    given[name] = file.str();
  }
  Extents extents;
  Tensors tensors;
  for (const ptx::Description::Argument &described : description.arguments) {
    std::string file = given.lookup(described.name);
    if (described.kind == "output" && !file.empty())
      tensors.results.push_back({described.name, file});
    if (described.kind == "output" || described.kind == "workspace")
      continue;
    if (file.empty())
      return llvm::createStringError("--tensor " + described.name + "=... is missing");
    auto argument = bindOne(described, file, extents);
    if (!argument)
      return argument.takeError();
    tensors.inputs.push_back(std::move(*argument));
  }
  return tensors;
}
