//===- PTXRunner.cpp - a program as PTX, executed without a GPU -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PTXRunner.h"
#include <cstring>

using namespace weirc;
using llvm::Expected;

Expected<PTXRunner> PTXRunner::create(weir::KernelSignature signature, llvm::StringRef text) {
  PTXRunner runner;
  auto module = weir::ptx::parseModule(text, signature.name + ".ptx");
  if (!module)
    return module.takeError();
  auto description = weir::ptx::readDescription(text);
  if (!description)
    return description.takeError();
  assert(*description && "PTX of weirc says how it is launched");
  runner.described = std::move(signature);
  runner.module = std::make_shared<weir::ptx::Module>(std::move(*module));
  runner.description = std::move(**description);
  return runner;
}

static std::vector<uint8_t> bytesOf(long double value, const weir::KernelSignature::Param &param) {
  uint64_t bits = weir::toBits(weir::roundTo(value, param.type), param.storage);
  std::vector<uint8_t> bytes(weir::getBits(param.storage) / 8);
  std::memcpy(bytes.data(), &bits, bytes.size());
  return bytes;
}

Expected<std::vector<weir::HostTensor>> PTXRunner::run(llvm::ArrayRef<weir::HostTensor> inputs,
                                                       llvm::ArrayRef<long double> params,
                                                       uint64_t schedule) const {
  std::vector<weir::ptx::CallInput> bound;
  for (const weir::HostTensor &tensor : inputs)
    bound.push_back({&tensor, {}});
  for (auto [value, param] : llvm::zip_equal(params, described.params))
    bound.push_back({nullptr, bytesOf(value, param)});
  weir::ptx::Checks checks;
  checks.seed = schedule;
  auto result = weir::ptx::call(*module, description, bound, checks);
  if (!result)
    return result.takeError();
  std::vector<weir::HostTensor> outputs;
  for (weir::ptx::CallResult::Output &output : result->outputs) {
    if (output.uninitialised)
      return llvm::createStringError("nothing was written to " + llvm::Twine(output.uninitialised) +
                                     " bytes of output '" + output.name + "'");
    outputs.push_back(std::move(output.tensor));
  }
  return outputs;
}
