//===- Kernel.cpp - kernels compiled in this process ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The object is made as for a file and handed to ORC for linking only; so a cached object takes the same way.
// The runtime is this process's own (lib/Runtime as a library), not a copy of it in each kernel.
#include "weir/Target/Kernel.h"
#include "Describe.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include <cstring>
#include <list>

using namespace llvm;
using namespace weir;

static Error fail(const Twine &text) { return createStringError(inconvertibleErrorCode(), text); }

struct Kernel::Impl {
  std::shared_ptr<orc::LLJIT> jit;
  KernelSignature signature;
  ArgsLayout layout;
  std::unique_ptr<Descriptor> descriptor;
  std::string target;
  weir_version version = {};
};

static Expected<std::shared_ptr<orc::LLJIT>> makeJit(StringRef object) {
  // LLJIT takes its triple and data layout from here; the code is there already.
  orc::JITTargetMachineBuilder machine{Triple("x86_64-unknown-linux-gnu")};
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  auto jit = orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(machine)).create();
  if (!jit)
    return jit.takeError();
  if (Error error = (*jit)->addObjectFile(MemoryBuffer::getMemBufferCopy(object, "kernel.o")))
    return std::move(error);
  return std::shared_ptr<orc::LLJIT>(std::move(*jit));
}

/// The function `name` as a pointer of type T, or null where `wanted` is false.
template <typename T> static Error find(orc::LLJIT &jit, const Twine &name, bool wanted, T &function) {
  function = nullptr;
  if (!wanted)
    return Error::success();
  auto address = jit.lookup(name.str());
  if (!address)
    return address.takeError();
  function = address->toPtr<T>();
  return Error::success();
}

Expected<std::vector<Kernel>> Kernel::load(mlir::ArrayAttr kernels, StringRef object,
                                           const TargetDescription &target, const CompileOptions &options) {
  uint64_t needs = requiredFeatures(target);
  auto jit = makeJit(object);
  if (!jit)
    return jit.takeError();
  std::vector<Kernel> result;
  for (KernelSignature &signature : readSignatures(kernels)) {
    auto impl = std::make_shared<Impl>();
    impl->jit = *jit;
    impl->signature = std::move(signature);
    impl->layout = layoutArgs(impl->signature);
    auto inplace = resolveInplace(impl->signature, options);
    if (!inplace)
      return inplace.takeError();
    impl->descriptor = std::make_unique<Descriptor>(impl->signature, *inplace);
    impl->target = target.cpu;
    weir_version &version = impl->version;
    version.needs = needs;
    version.target = impl->target.c_str();
    const std::string &name = impl->signature.name;
    Error error = find(**jit, name + kEntrySuffix, true, version.entry);
    error = joinErrors(std::move(error), find(**jit, name + kWorkspaceSuffix + kEntrySuffix,
                                              impl->signature.hasWorkspace, version.workspace));
    error = joinErrors(std::move(error), find(**jit, name + kCheckSuffix + kEntrySuffix,
                                              impl->signature.hasCheck, version.check));
    error = joinErrors(std::move(error), find(**jit, name + kExtentsSuffix + kEntrySuffix,
                                              impl->signature.hasExtents, version.extents));
    if (error)
      return std::move(error);
    impl->descriptor->kernel.versions = &version;
    impl->descriptor->kernel.num_versions = 1;
    result.emplace_back(std::move(impl));
  }
  return std::move(result);
}

Expected<std::vector<Kernel>> Kernel::compile(mlir::ModuleOp module, const TargetDescription &target,
                                              const CompileOptions &options) {
  auto kernels = module->getAttrOfType<mlir::ArrayAttr>(kKernelsAttr);
  if (!kernels)
    return fail("the module has no kernels: the attribute weir.kernels is missing");
  auto object = emitKernelObject(module, target, options);
  if (!object)
    return object.takeError();
  return load(kernels, *object, target, options);
}

const KernelSignature &Kernel::signature() const { return impl->signature; }

int Kernel::callRaw(const void *args) const {
  return weir_run(&impl->descriptor->kernel, args, weir_cpu_features());
}

namespace {

/// NAME_args filled from host tensors.
class Args {
public:
  Args(const ArgsLayout &layout, const KernelSignature &signature)
      : layout(layout), signature(signature), bytes(layout.size) {
    header().size = layout.size;
    header().version = WEIR_ABI_VERSION;
  }

  struct Header {
    WEIR_ARGS_HEADER
  };
  Header &header() { return *reinterpret_cast<Header *>(bytes.data()); }
  const void *data() const { return bytes.data(); }

  void setTensor(size_t index, const HostTensor &tensor) {
    auto &strideList = strides.emplace_back(tensor.strides());
    weir_tensor view = {const_cast<char *>(tensor.data.data()), int32_t(tensor.type),
                        int32_t(tensor.shape.size()), tensor.shape.data(), strideList.data()};
    std::memcpy(bytes.data() + layout.tensorOffsets[index], &view, sizeof view);
  }

  void setParams(ArrayRef<long double> values) {
    for (auto [i, param] : enumerate(signature.params)) {
      long double value = roundTo(values[i], param.type);
      char *at = bytes.data() + layout.paramOffsets[i];
      switch (param.storage) {
      case ElementType::F32:
        store(at, float(value));
        break;
      case ElementType::F64:
        store(at, double(value));
        break;
      case ElementType::Bool:
        store(at, int32_t(value != 0));
        break;
      default:
        store(at, int64_t(value));
        break;
      }
    }
  }

private:
  template <typename T> static void store(char *at, T value) { std::memcpy(at, &value, sizeof value); }

  const ArgsLayout &layout;
  const KernelSignature &signature;
  std::vector<char> bytes;
  std::list<SmallVector<int64_t>> strides;
};

} // namespace

static Error checkCounts(const KernelSignature &signature, size_t inputs, size_t params) {
  if (inputs != signature.inputs.size() || params != signature.params.size())
    return fail(signature.name + " takes " + Twine(signature.inputs.size()) + " inputs and " +
                Twine(signature.params.size()) + " params, given are " + Twine(inputs) + " and " +
                Twine(params));
  return Error::success();
}

Expected<std::vector<HostTensor>> Kernel::makeOutputs(ArrayRef<HostTensor> inputs,
                                                      ArrayRef<long double> params) const {
  const KernelSignature &signature = impl->signature;
  if (Error error = checkCounts(signature, inputs.size(), params.size()))
    return std::move(error);
  Args args(impl->layout, signature);
  for (auto [i, tensor] : enumerate(inputs))
    args.setTensor(i, tensor);
  args.setParams(params);
  size_t total = 0;
  for (const auto &output : signature.outputs)
    total += output.shape.size();
  std::vector<int64_t> extents(total + 1, 0);
  if (weir_output_extents(&impl->descriptor->kernel, args.data(), extents.data()))
    return fail(weir_last_error());
  std::vector<HostTensor> outputs;
  const int64_t *next = extents.data();
  for (const auto &output : signature.outputs) {
    SmallVector<int64_t> shape(next, next + output.shape.size());
    next += output.shape.size();
    for (auto [extent, rank] : zip_equal(shape, output.ranks))
      if (extent < 0)
        return fail("extent " + rank + " of output " + output.name + " is " +
                    (signature.hasExtents ? "negative" : "not known from the inputs"));
    outputs.emplace_back(output.type, shape);
  }
  return std::move(outputs);
}

Error Kernel::call(ArrayRef<HostTensor> inputs, ArrayRef<long double> params,
                   MutableArrayRef<HostTensor> outputs, const CallOptions &options) const {
  const KernelSignature &signature = impl->signature;
  if (Error error = checkCounts(signature, inputs.size(), params.size()))
    return error;
  if (outputs.size() != signature.outputs.size())
    return fail(signature.name + " has " + Twine(signature.outputs.size()) + " outputs, given are " +
                Twine(outputs.size()));
  Args args(impl->layout, signature);
  args.header().threads = int32_t(options.threads);
  args.header().parallel_for = options.parallelFor;
  args.header().parallel_context = options.parallelContext;
  for (auto [i, tensor] : enumerate(inputs))
    args.setTensor(i, tensor);
  for (auto [i, tensor] : enumerate(outputs))
    args.setTensor(inputs.size() + i, tensor);
  args.setParams(params);
  if (callRaw(args.data()))
    return fail(weir_last_error());
  return Error::success();
}
