//===- Call.cpp - calls kernels of weirc on the interpreter ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Call.h"
#include "llvm/ADT/STLExtras.h"
#include <cstring>

using namespace weir::ptx;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

namespace {

class Caller {
public:
  Caller(const Module &module, const Description &description, const Checks &checks)
      : description(description), checks(checks), machine(module) {}

  Expected<CallResult> call(ArrayRef<CallInput> inputs, unsigned blocks) {
    if (Error error = bind(inputs))
      return std::move(error);
    auto plan = askPlan();
    if (!plan)
      return plan.takeError();
    if (Error error = allocateResults(*plan))
      return std::move(error);
    CallResult result;
    for (auto [i, function] : llvm::enumerate(description.launches)) {
      int64_t planned = (*plan)[2 + 2 * i];
      if (planned == 0)
        continue;
      Launch launch = launchOf(function.kernel, blocks ? blocks : planned, function.block);
      launch.dynamicShared = function.shared + (*plan)[3 + 2 * i];
      auto statistics = machine.run(launch, checks);
      if (!statistics)
        return statistics.takeError();
      result.launches.push_back(std::move(*statistics));
    }
    for (auto [described, bound] : llvm::zip_equal(description.arguments, arguments)) {
      if (described.kind != "output")
        continue;
      CallResult::Output &output = result.outputs.emplace_back();
      output.name = described.name;
      output.tensor = weir::HostTensor(*weir::parseElementType(described.type), bound.extents);
      ArrayRef<uint8_t> bytes = machine.contents(bound.address);
      output.tensor.data.assign(bytes.begin(), bytes.end());
      output.uninitialised = machine.uninitialisedBytes(bound.address);
    }
    return result;
  }

private:
  /// A contiguous tensor at an address, or the bytes of a param.
  struct Bound {
    uint64_t address = 0;
    llvm::SmallVector<int64_t> extents;
    std::vector<uint8_t> param;
  };

  Error bind(ArrayRef<CallInput> inputs) {
    for (const Description::Argument &described : description.arguments) {
      Bound &bound = arguments.emplace_back();
      if (described.kind == "output" || described.kind == "workspace") {
        bound.extents.assign(described.ranks.size(), 0);
        if (!weir::parseElementType(described.type))
          return llvm::createStringError("'" + described.name + "' has the unknown type " + described.type);
        continue;
      }
      assert(!inputs.empty() && "an input for each that is described");
      const CallInput &input = inputs.front();
      inputs = inputs.drop_front();
      bound.param = input.param;
      if (!input.tensor)
        continue;
      bound.extents = input.tensor->shape;
      const std::vector<char> &data = input.tensor->data;
      bound.address = machine.allocate(described.name, data.size(), Machine::Access::Read,
                                       {reinterpret_cast<const uint8_t *>(data.data()), data.size()});
    }
    return Error::success();
  }

  /// Broken promise, bytes of the workspace, blocks and shared memory of each launch, extents of outputs.
  Expected<std::vector<int64_t>> askPlan() {
    size_t count = 2 + 2 * description.launches.size();
    for (const Description::Argument &described : description.arguments)
      if (described.kind == "output")
        count += described.ranks.size();
    Bound &workspace = arguments.back();
    workspace.address = machine.allocate("the plan", 8 * count, Machine::Access::ReadWrite, {});
    workspace.extents = {int64_t(8 * count)};
    auto statistics = machine.run(launchOf(description.plan, 1, 1), checks);
    if (!statistics)
      return statistics.takeError();
    std::vector<int64_t> plan(count);
    std::memcpy(plan.data(), machine.contents(workspace.address).data(), 8 * count);
    if (plan[0] < 0 || plan[0] > int64_t(description.promises.size()))
      return llvm::createStringError("the plan speaks of promise " + Twine(plan[0]) + ", and there are " +
                                     Twine(description.promises.size()));
    if (plan[0])
      return llvm::make_error<KernelFault>("these extents break a promise: " +
                                           description.promises[plan[0] - 1]);
    return plan;
  }

  Error allocateResults(ArrayRef<int64_t> plan) {
    ArrayRef<int64_t> extents = plan.drop_front(2 + 2 * description.launches.size());
    for (auto [described, bound] : llvm::zip_equal(description.arguments, arguments)) {
      if (described.kind == "workspace") {
        bound.address = machine.allocate("the workspace", plan[1], Machine::Access::ReadWrite, {});
        bound.extents = {plan[1]};
      } else if (described.kind == "output") {
        bound.extents.assign(extents.begin(), extents.begin() + described.ranks.size());
        extents = extents.drop_front(described.ranks.size());
        int64_t bytes = weir::HostTensor::bytesOf(*weir::parseElementType(described.type), bound.extents);
        bound.address = machine.allocate(described.name, bytes, Machine::Access::ReadWrite, {});
      }
    }
    return Error::success();
  }

  Launch launchOf(llvm::StringRef kernel, int64_t blocks, unsigned threads) {
    Launch launch;
    launch.kernel = kernel.str();
    launch.grid = {static_cast<unsigned>(blocks), 1, 1};
    launch.block = {threads, 1, 1};
    for (auto [described, bound] : llvm::zip_equal(description.arguments, arguments)) {
      if (described.kind == "param") {
        launch.arguments.push_back(bound.param);
        continue;
      }
      auto append = [&](uint64_t value) { std::memcpy(launch.arguments.emplace_back(8).data(), &value, 8); };
      // Twice the address, the offset, the extents, the strides; those of i4 are in bytes.
      append(bound.address);
      append(bound.address);
      append(0);
      llvm::SmallVector<int64_t> strides(bound.extents.size(), 1);
      for (size_t i = strides.size(); i-- > 1;) {
        bool packed = described.type == "i4" && i + 1 == strides.size();
        strides[i - 1] = strides[i] * (packed ? (bound.extents[i] + 1) / 2 : bound.extents[i]);
      }
      llvm::for_each(bound.extents, append);
      llvm::for_each(strides, append);
    }
    return launch;
  }

  const Description &description;
  const Checks &checks;
  Machine machine;
  std::vector<Bound> arguments;
};

} // namespace

Expected<CallResult> weir::ptx::call(const Module &module, const Description &description,
                                     ArrayRef<CallInput> inputs, const Checks &checks, unsigned blocks) {
  return Caller(module, description, checks).call(inputs, blocks);
}
