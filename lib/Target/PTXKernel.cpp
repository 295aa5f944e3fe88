//===- PTXKernel.cpp - a kernel as PTX, executed without a GPU ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/PTXKernel.h"
#include <cstring>

using namespace weir;
using llvm::Expected;

Expected<PTXKernel> PTXKernel::create(KernelSignature signature, llvm::StringRef text) {
  PTXKernel kernel;
  auto module = ptx::parseModule(text, signature.name + ".ptx");
  if (!module)
    return module.takeError();
  auto description = ptx::readDescription(text);
  if (!description)
    return description.takeError();
  assert(*description && "PTX of weirc says how it is launched");
  kernel.described = std::move(signature);
  kernel.module = std::make_shared<ptx::Module>(std::move(*module));
  kernel.description = std::move(**description);
  return kernel;
}

static std::vector<uint8_t> bytesOf(long double value, const KernelSignature::Param &param) {
  uint64_t bits = toBits(roundTo(value, param.type), param.storage);
  std::vector<uint8_t> bytes(getBits(param.storage) / 8);
  std::memcpy(bytes.data(), &bits, bytes.size());
  return bytes;
}

Expected<std::vector<HostTensor>> PTXKernel::run(llvm::ArrayRef<HostTensor> inputs,
                                                 llvm::ArrayRef<long double> params,
                                                 uint64_t schedule) const {
  std::vector<ptx::CallInput> bound;
  for (const HostTensor &tensor : inputs)
    bound.push_back({&tensor, {}});
  for (auto [value, param] : llvm::zip_equal(params, described.params))
    bound.push_back({nullptr, bytesOf(value, param)});
  ptx::Checks checks;
  checks.seed = schedule;
  auto result = ptx::call(*module, description, bound, checks);
  if (!result)
    return result.takeError();
  std::vector<HostTensor> outputs;
  for (ptx::CallResult::Output &output : result->outputs) {
    if (output.uninitialised)
      return llvm::createStringError("nothing was written to " + llvm::Twine(output.uninitialised) +
                                     " bytes of output '" + output.name + "'");
    outputs.push_back(std::move(output.tensor));
  }
  return outputs;
}
