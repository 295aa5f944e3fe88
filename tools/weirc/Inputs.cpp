//===- Inputs.cpp - tensors and params from the command line --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Inputs.h"
#include "dialects/Attention/AttentionDialect.h"
#include "dialects/Attention/Signature.h"
#include "weir/Support/Npy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace weirc;
using llvm::StringRef;
using llvm::Twine;
using weir::ElementType;
using weir::HostTensor;
using weir::KernelSignature;

static constexpr int64_t kOpen = mlir::ShapedType::kDynamic;

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

KernelSignature weirc::signatureOf(mlir::func::FuncOp cascade) {
  weir::attn::Signature source = weir::attn::getSignature(cascade);
  auto typeOf = [](mlir::Type type) {
    std::optional<ElementType> element = weir::fromMLIR(type);
    assert(element && "the dialect lets only the language's types through");
    return *element;
  };
  KernelSignature result;
  result.name = source.name;
  for (const auto &tensor : source.inputs)
    result.inputs.push_back(
        {tensor.name, typeOf(tensor.elementType), tensor.ranks, tensor.shape, tensor.defaultText});
  for (const auto &tensor : source.outputs)
    result.outputs.push_back({tensor.name, typeOf(tensor.elementType), tensor.ranks, tensor.shape});
  for (auto [index, param] : llvm::enumerate(source.params)) {
    mlir::Type passed = cascade.getArgumentTypes()[source.inputs.size() + index];
    result.params.push_back({param.name, typeOf(param.declaredType), typeOf(passed), param.defaultText});
  }
  return result;
}

std::string weirc::describe(const KernelSignature::Tensor &tensor) {
  return (Twine(tensor.name) + ": " + getName(tensor.type) + "[" + llvm::join(tensor.ranks, ",") + "]").str();
}

template <typename Named> static std::string namesOf(const std::vector<Named> &all) {
  std::string result;
  for (const Named &one : all)
    result += (result.empty() ? "" : ", ") + one.name;
  return result.empty() ? "none" : result;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// The place of the one with this name, or the number of all.
template <typename Named> static size_t placeOf(const std::vector<Named> &all, StringRef name) {
  return llvm::find_if(all, [&](const Named &one) { return one.name == name; }) - all.begin();
}

/// Whether the text of a dimension is the name of a rank, not an expression.
static bool isRank(StringRef dimension) {
  return !dimension.empty() && !llvm::isDigit(dimension[0]) &&
         llvm::all_of(dimension, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

/// Where an extent is known from.
struct Source {
  int64_t extent;
  std::string where;
};

static llvm::Error bindShape(const KernelSignature::Tensor &declared, const HostTensor &tensor,
                             StringRef file, llvm::StringMap<Source> &extents) {
  if (tensor.shape.size() != declared.ranks.size())
    return llvm::createStringError(Twine("'") + declared.name + "' has " + Twine(tensor.shape.size()) +
                                   " dimensions in " + file + ", declared is " + describe(declared));
  for (auto [dim, extent] : llvm::enumerate(tensor.shape)) {
    StringRef rank = declared.ranks[dim];
    if (isRank(rank)) {
      Source &known = extents.try_emplace(rank, Source{extent, "'" + declared.name + "'"}).first->second;
      if (known.extent != extent)
        return llvm::createStringError(
            known.where.front() == '\''
                ? "rank " + rank + " is " + Twine(known.extent) + " in " + known.where + " and " +
                      Twine(extent) + " in '" + declared.name + "'"
                : "rank " + rank + " of '" + declared.name + "' is " + Twine(extent) + ", in " + known.where +
                      " it is " + Twine(known.extent));
    } else if (declared.shape[dim] != kOpen && declared.shape[dim] != extent) {
      return llvm::createStringError("dimension " + rank + " of '" + declared.name + "' is " +
                                     Twine(declared.shape[dim]) + ", " + file + " has " + Twine(extent));
    }
  }
  return llvm::Error::success();
}

static llvm::Error onlyOneStdin(const Options &options) {
  auto isStdin = [](const NamedText &in) { return in.second == "-"; };
  if (llvm::count_if(options.in, isStdin) + (options.file == "-") > 1)
    return llvm::createStringError("stdin can be read for one thing only");
  return llvm::Error::success();
}

llvm::Expected<GivenInputs> weirc::loadInputs(const KernelSignature &signature, const Options &options) {
  if (llvm::Error error = onlyOneStdin(options))
    return error;
  llvm::StringMap<Source> extents;
  for (const auto *tensors : {&signature.inputs, &signature.outputs})
    for (const KernelSignature::Tensor &tensor : *tensors)
      for (auto [rank, extent] : llvm::zip_equal(tensor.ranks, tensor.shape))
        if (isRank(rank) && extent != kOpen)
          extents.try_emplace(rank, Source{extent, "the compiled program"});
  for (const auto &[name, value] : options.defines)
    if (name != "...")
      extents[name] = {value, "-D"};
  GivenInputs given;
  for (const auto &[name, path] : options.in) {
    size_t place = placeOf(signature.inputs, name);
    if (place == signature.inputs.size())
      return llvm::createStringError("'" + signature.name + "' has no input '" + name + "'; its inputs are " +
                                     namesOf(signature.inputs));
    auto tensor = weir::readNpy(path, signature.inputs[place].type, llvm::errs());
    if (!tensor)
      return llvm::createStringError("input '" + name + "': " + llvm::toString(tensor.takeError()));
    if (llvm::Error error = bindShape(signature.inputs[place], *tensor, path, extents))
      return error;
    given.tensors.emplace(place, std::move(*tensor));
  }
  for (const auto &entry : extents)
    given.extents[entry.getKey()] = entry.getValue().extent;
  return given;
}

weir::KnownInputs GivenInputs::known(const KernelSignature &signature) const {
  weir::KnownInputs known;
  for (auto &[place, tensor] : tensors)
    if (weir::KnownInput::isOfInterest(tensor))
      known.try_emplace(signature.inputs[place].name, tensor);
  return known;
}

/// An input that is its default everywhere; nothing without one, or where its shape is not known.
static std::optional<HostTensor> defaultOf(const KernelSignature::Tensor &tensor,
                                           const llvm::StringMap<int64_t> &extents) {
  KernelSignature::Param element;
  element.defaultText = tensor.defaultText;
  std::optional<long double> value = weir::defaultValue(element);
  llvm::SmallVector<int64_t> shape;
  for (auto [rank, extent] : llvm::zip_equal(tensor.ranks, tensor.shape)) {
    auto known = extents.find(rank);
    if (extent == kOpen && known == extents.end())
      return std::nullopt;
    shape.push_back(extent == kOpen ? known->second : extent);
  }
  if (!value)
    return std::nullopt;
  HostTensor result(tensor.type, shape);
  for (int64_t i = 0, end = result.size(); i < end; ++i)
    result.set(i, *value);
  return result;
}

llvm::Expected<std::vector<HostTensor>> weirc::requireAll(const KernelSignature &signature,
                                                          GivenInputs &&given) {
  std::string missing;
  std::vector<HostTensor> result;
  for (auto [index, tensor] : llvm::enumerate(signature.inputs)) {
    auto found = given.tensors.find(index);
    if (found != given.tensors.end())
      result.push_back(std::move(found->second));
    else if (auto whole = defaultOf(tensor, given.extents))
      result.push_back(std::move(*whole));
    else
      missing += "\n  --in " + tensor.name + "=FILE.npy   (" + describe(tensor) + ")";
  }
  if (!missing.empty())
    return llvm::createStringError("inputs are missing; add" + missing);
  return result;
}

//===----------------------------------------------------------------------===//
// Params
//===----------------------------------------------------------------------===//

/// A value as it may be written behind --set. Nothing where the text is not of the param's kind.
static std::optional<long double> parseValue(StringRef text, ElementType type) {
  if (type == ElementType::Bool) {
    if (text == "true" || text == "1")
      return 1;
    if (text == "false" || text == "0")
      return 0;
    return std::nullopt;
  }
  if (weir::isInteger(type)) {
    int64_t value;
    if (text.getAsInteger(0, value))
      return std::nullopt;
    return static_cast<long double>(value);
  }
  std::string whole = text.str();
  char *end = nullptr;
  long double value = std::strtold(whole.c_str(), &end);
  if (whole.empty() || *end != 0)
    return std::nullopt;
  return value;
}

llvm::Expected<std::map<size_t, long double>> weirc::readParams(const KernelSignature &signature,
                                                                const Options &options) {
  std::map<size_t, long double> result;
  for (const auto &[name, text] : options.params) {
    size_t place = placeOf(signature.params, name);
    if (place == signature.params.size())
      return llvm::createStringError("'" + signature.name + "' has no param '" + name + "'; its params are " +
                                     namesOf(signature.params));
    ElementType type = signature.params[place].type;
    std::optional<long double> value = parseValue(text, type);
    if (!value)
      return llvm::createStringError("param '" + name + "' is " + getName(type) + ", got '" + text + "'");
    long double rounded = weir::roundTo(*value, type);
    if (!weir::isReal(type) && rounded != *value)
      return llvm::createStringError("param '" + name + "' is " + getName(type) + ", which cannot hold " +
                                     text);
    result[place] = rounded;
  }
  return result;
}

llvm::Expected<std::vector<long double>> weirc::requireParams(const KernelSignature &signature,
                                                              const Options &options) {
  auto given = readParams(signature, options);
  if (!given)
    return given.takeError();
  std::string missing;
  std::vector<long double> result;
  for (auto [index, param] : llvm::enumerate(signature.params)) {
    std::optional<long double> value = weir::defaultValue(param);
    if (auto found = given->find(index); found != given->end())
      value = found->second;
    if (!value)
      missing += "\n  --set " + param.name + "=VALUE   (" + getName(param.type).str() + ")";
    result.push_back(value.value_or(0));
  }
  if (!missing.empty())
    return llvm::createStringError("params without a default are missing; add" + missing);
  return result;
}
