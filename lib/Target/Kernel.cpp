//===- Kernel.cpp - kernels compiled in this process ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The object is made as for a file and handed to ORC for linking only; so a cached object takes the same way.
// The runtime is this process's own (lib/Runtime as a library), not a copy of it in each kernel.
#include "weir/Target/Kernel.h"
#include "Describe.h"
#include "weir/PTX/Description.h"
#include "weir/Support/KernelContract.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Object/Archive.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include <chrono>
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
  // Of a kernel for a GPU, what `device` points to.
  DeviceCode code;
  ptx::Description description;
  std::vector<const char *> images;
  std::vector<weir_launch> launches;
  void *loaded = nullptr;
  weir_device device = {};

  void setDevice();
};

void Kernel::Impl::setDevice() {
  for (const std::string *image : {&code.cubin, &code.ptx})
    if (!image->empty())
      images.push_back(image->c_str());
  for (const ptx::Description::Function &launch : description.launches)
    launches.push_back({launch.kernel.c_str(), int32_t(launch.block), int64_t(launch.shared)});
  device = {weir_run_on_cuda, images.data(),          launches.data(),
            &loaded,          int32_t(images.size()), int32_t(launches.size())};
  version.device = &device;
}

/// An object, or all of an archive.
static Error addObjects(orc::LLJIT &jit, StringRef bytes) {
  if (identify_magic(bytes) != file_magic::archive)
    return jit.addObjectFile(MemoryBuffer::getMemBufferCopy(bytes, "kernel.o"));
  auto archive = object::Archive::create(MemoryBufferRef(bytes, "kernel.a"));
  if (!archive)
    return archive.takeError();
  Error error = Error::success();
  for (const object::Archive::Child &child : (*archive)->children(error)) {
    auto object = child.getBuffer();
    if (Error own = object ? addObjects(jit, *object) : object.takeError())
      return joinErrors(std::move(error), std::move(own));
  }
  return error;
}

static Expected<std::shared_ptr<orc::LLJIT>> makeJit(StringRef object) {
  // LLJIT takes its triple and data layout from here; the code is there already.
  orc::JITTargetMachineBuilder machine{Triple("x86_64-unknown-linux-gnu")};
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  auto jit = orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(machine)).create();
  if (!jit)
    return jit.takeError();
  if (Error error = addObjects(**jit, object))
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
  auto loaded = loadAll(kernels, object, target, options);
  if (!loaded)
    return loaded.takeError();
  std::vector<Kernel> result;
  for (std::shared_ptr<Impl> &impl : *loaded)
    result.emplace_back(std::move(impl));
  return std::move(result);
}

Expected<Kernel> Kernel::loadForGPU(mlir::ArrayAttr kernels, StringRef object, const TargetDescription &gpu,
                                    const DeviceCode &code) {
  auto description = ptx::readDescription(code.ptx);
  if (!description)
    return description.takeError();
  auto loaded = loadAll(kernels, object, plainProcessor(), {});
  if (!loaded)
    return loaded.takeError();
  if (loaded->size() != 1 || !*description || (*description)->kernel != loaded->front()->signature.name)
    return fail("the PTX is not of the kernel whose plan this is");
  std::shared_ptr<Impl> impl = std::move(loaded->front());
  impl->target = gpu.cpu;
  impl->version.target = impl->target.c_str();
  impl->code = code;
  impl->description = std::move(**description);
  impl->setDevice();
  return Kernel(std::move(impl));
}

bool weir::hasGPUFor(const TargetDescription &gpu) {
  StringRef version = gpu.cpu;
  int wanted, has = weir_cuda_capability();
  if (!version.consume_front("sm_") || version.consumeInteger(10, wanted))
    return false;
  return version.empty() ? has >= wanted : has == wanted;
}

Expected<std::vector<std::shared_ptr<Kernel::Impl>>> Kernel::loadAll(mlir::ArrayAttr kernels,
                                                                     StringRef object,
                                                                     const TargetDescription &target,
                                                                     const CompileOptions &options) {
  uint64_t needs = requiredFeatures(target);
  auto jit = makeJit(object);
  if (!jit)
    return jit.takeError();
  std::vector<std::shared_ptr<Impl>> result;
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
    error = joinErrors(std::move(error), find(**jit, name + kPlanBytesSuffix + kEntrySuffix,
                                              impl->signature.hasPlan, version.plan_bytes));
    error = joinErrors(std::move(error), find(**jit, name + kPlannerSuffix + kEntrySuffix,
                                              impl->signature.hasPlan, version.plan));
    if (error)
      return std::move(error);
    impl->descriptor->kernel.versions = &version;
    impl->descriptor->kernel.num_versions = 1;
    result.push_back(std::move(impl));
  }
  return std::move(result);
}

Expected<std::vector<Kernel>> Kernel::compile(mlir::ModuleOp module, const TargetDescription &target,
                                              const CompileOptions &options) {
  auto kernels = module->getAttrOfType<mlir::ArrayAttr>(kKernelsAttr);
  if (!kernels)
    return fail("the module has no kernels: the attribute weir.kernels is missing");
  auto object = emitKernelObject(module.clone(), target, options);
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
    setTensor(index, tensor, const_cast<char *>(tensor.data.data()));
  }

  /// The tensor's data are at `data`.
  void setTensor(size_t index, const HostTensor &tensor, void *data) {
    auto &strideList = strides.emplace_back(tensor.strides());
    weir_tensor view = {data, int32_t(tensor.type), int32_t(tensor.shape.size()), tensor.shape.data(),
                        strideList.data()};
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

namespace {

/// Tensors of a call in a GPU's memory.
class DeviceTensors {
public:
  explicit DeviceTensors(const weir_kernel &kernel) : kernel(kernel) {}
  ~DeviceTensors() {
    for (void *place : places)
      weir_cuda_release(&kernel, place);
  }

  /// Nothing is copied of an output.
  Error place(Args &args, size_t index, const HostTensor &tensor, bool isInput) {
    void *memory = nullptr;
    int64_t bytes = tensor.data.size();
    if (weir_cuda_allocate(&kernel, bytes, &memory))
      return fail(weir_last_error());
    places.push_back(memory);
    if (isInput && weir_cuda_upload(&kernel, memory, tensor.data.data(), bytes))
      return fail(weir_last_error());
    args.setTensor(index, tensor, memory);
    return Error::success();
  }

  Error fetch(size_t index, HostTensor &tensor) {
    if (weir_cuda_download(&kernel, tensor.data.data(), places[index], tensor.data.size()))
      return fail(weir_last_error());
    return Error::success();
  }

private:
  const weir_kernel &kernel;
  std::vector<void *> places;
};

} // namespace

Error Kernel::call(ArrayRef<HostTensor> inputs, ArrayRef<long double> params,
                   MutableArrayRef<HostTensor> outputs, const CallOptions &options) const {
  return callRepeatedly(inputs, params, outputs, options, [](double) { return false; });
}

Error Kernel::callRepeatedly(ArrayRef<HostTensor> inputs, ArrayRef<long double> params,
                             MutableArrayRef<HostTensor> outputs, const CallOptions &options,
                             function_ref<bool(double)> again) const {
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
  const weir_kernel &kernel = impl->descriptor->kernel;
  bool onGPU = impl->version.device;
  DeviceTensors placed(kernel);
  if (onGPU) {
    for (auto [i, tensor] : enumerate(inputs))
      if (Error error = placed.place(args, i, tensor, /*isInput=*/true))
        return error;
    for (auto [i, tensor] : enumerate(outputs))
      if (Error error = placed.place(args, inputs.size() + i, tensor, /*isInput=*/false))
        return error;
  }
  using Clock = std::chrono::steady_clock;
  Clock::time_point start;
  do {
    start = Clock::now();
    if (callRaw(args.data()) || (onGPU && weir_cuda_wait(&kernel)))
      return fail(weir_last_error());
  } while (again(std::chrono::duration<double>(Clock::now() - start).count()));
  for (auto [i, tensor] : enumerate(outputs))
    if (Error error = onGPU ? placed.fetch(inputs.size() + i, tensor) : Error::success())
      return error;
  return Error::success();
}
