//===- Compare.cpp - a kernel's outputs against the reference -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Reference/Compare.h"
#include "dialects/Mapping/MappingDialect.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <limits>

using namespace weir;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Half a unit in the last place of a real type at `value`, and the smallest normal number (which may be
/// flushed).
static double roundingOf(ElementType type, long double value) {
  if (!isReal(type))
    return 0;
  static constexpr int precision[] = {53, 24, 11, 8, 4, 3}; // in the order of ElementType
  static constexpr int exponent[] = {-1022, -126, -14, -126, -6, -14};
  int index = static_cast<int>(type);
  double half = std::ldexp(static_cast<double>(fabsl(value)), -precision[index]);
  return std::max(half, std::ldexp(1.0, exponent[index] - precision[index])) +
         std::numeric_limits<float>::min();
}

/// How far apart two numbers are in units of what is allowed: above 1 they differ.
static double ratioOf(long double expected, long double actual, double allowed) {
  if (std::isnan(expected) || std::isnan(actual))
    return std::isnan(expected) == std::isnan(actual) ? 0 : kInfinity;
  if (std::isinf(expected) || std::isinf(actual))
    return expected == actual ? 0 : kInfinity;
  long double distance = fabsl(expected - actual);
  return distance == 0 ? 0 : allowed == 0 ? kInfinity : static_cast<double>(distance / allowed);
}

static double errorOf(const PartialTensor &reference, int64_t i) {
  return reference.error.empty() ? 0 : reference.error[i];
}

static double allowedOf(const PartialTensor &reference, int64_t i, double error, ElementType type,
                        const CompareOptions &options) {
  if (options.tolerance > 0)
    return options.tolerance * std::max(1.0, static_cast<double>(fabsl(reference.value[i])));
  return options.factor * error + roundingOf(type, reference.value[i]);
}

/// `rewritten` is null, or decides where the reference is no real number and the output differs from it.
static void compareTensor(const attn::Signature::Tensor &tensor, const PartialTensor &reference,
                          const PartialTensor *rewritten, const HostTensor &output,
                          const CompareOptions &options, Comparison &result) {
  auto isWorst = [&](double ratio) { return result.tensor.empty() || ratio > result.worstRatio; };
  if (llvm::ArrayRef<int64_t>(reference.shape) != llvm::ArrayRef<int64_t>(output.shape)) {
    ++result.differences;
    result.worstRatio = kInfinity;
    result.tensor = tensor.name;
    return;
  }
  for (int64_t i = 0, e = output.size(); i < e; ++i) {
    long double actual = output.get(i);
    bool isRewritten = rewritten && !std::isfinite(reference.value[i]) && ratioOf(reference.value[i], actual, 0) > 0;
    const PartialTensor &decides = isRewritten ? *rewritten : reference;
    double error = errorOf(decides, i);
    if (rewritten && options.roundsFactors)
      error = std::max(error, errorOf(*rewritten, i));
    if (error == kInfinity) {
      ++result.undecided;
      continue;
    }
    long double expected = decides.value[i];
    double allowed = allowedOf(decides, i, error, output.type, options);
    double ratio = ratioOf(expected, actual, allowed);
    ++result.compared;
    result.differences += ratio > 1;
    if (!isWorst(ratio))
      continue;
    result.worstRatio = ratio;
    result.tensor = tensor.name;
    result.expected = expected;
    result.actual = actual;
    result.allowed = allowed;
    result.coordinates.assign(output.shape.size(), 0);
    int64_t rest = i;
    for (size_t d = output.shape.size(); d-- > 0; rest /= output.shape[d])
      result.coordinates[d] = rest % output.shape[d];
    result.coordinateNames.clear();
    for (const std::string &rank : tensor.ranks)
      result.coordinateNames.push_back(llvm::StringRef(rank).lower());
  }
}

Comparison weir::compare(const attn::Signature &signature, const InterpreterResult &reference,
                         llvm::ArrayRef<HostTensor> outputs, const CompareOptions &options) {
  Comparison result;
  for (auto [i, output] : llvm::enumerate(outputs))
    compareTensor(signature.outputs[i], reference.outputs[i],
                  options.rewritten ? &options.rewritten->outputs[i] : nullptr, output, options, result);
  return result;
}

/// Whether a kernel of these equations gives rounded factors to tensor cores.
static bool roundsFactors(mlir::func::FuncOp function) {
  auto isRounded = [](mlir::Operation *op) {
    return op->hasAttr(mapping::kRoundedAttr) ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
  };
  return function.walk(isRounded).wasInterrupted();
}

llvm::Expected<Comparison> weir::compareRewritten(const attn::Signature &signature, const InterpreterResult &reference,
                                                  llvm::ArrayRef<HostTensor> outputs, CompareOptions options,
                                                  llvm::function_ref<llvm::Expected<mlir::func::FuncOp>()> rewrite,
                                                  llvm::ArrayRef<HostTensor> inputs,
                                                  llvm::ArrayRef<long double> params) {
  Comparison asWritten = compare(signature, reference, outputs, options);
  if (asWritten.agrees())
    return asWritten;
  auto function = rewrite();
  if (!function)
    return function.takeError();
  InterpreterOptions interpreter;
  interpreter.errorBounds = true;
  auto rewritten = interpret(*function, inputs, params, interpreter);
  if (!rewritten)
    return rewritten.takeError();
  options.rewritten = &*rewritten;
  options.roundsFactors = roundsFactors(*function);
  return compare(signature, reference, outputs, options);
}

std::string Comparison::describe() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (tensor.empty()) {
    os << "nothing was compared (" << undecided << " entries undecided)";
    return text;
  }
  if (compared == 0) {
    os << tensor << " has another shape than the reference";
    return text;
  }
  os << tensor << '[';
  for (auto [i, at] : llvm::enumerate(coordinates))
    os << (i ? ", " : "") << (i < coordinateNames.size() ? coordinateNames[i] + "=" : "") << at;
  os << "] is " << llvm::format("%.9Lg", actual) << ", the reference is " << llvm::format("%.9Lg", expected)
     << " +- " << llvm::format("%.2g", allowed) << " (" << differences << " of " << compared
     << " entries differ, " << undecided << " undecided)";
  return text;
}
