//===- Kernel.h - kernels compiled in this process ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_KERNEL_H
#define WEIR_TARGET_KERNEL_H
#include "mlir/IR/BuiltinOps.h"
#include "weir/Runtime/weir_runtime.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TargetDescription.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// What a kernel takes and gives: read off a level-4 or level-6 module (TilesToCPU keeps it as an attribute
/// of the module).
struct KernelSignature {
  struct Tensor {
    std::string name;
    ElementType type = ElementType::F32;
    std::vector<std::string> ranks; ///< a rank's name, or the text of an expression
    std::vector<int64_t> shape;     ///< ShapedType::kDynamic where it is open
    std::optional<std::string> defaultText = std::nullopt; ///< what all elements of an input are that is not given, to who compiles
  };
  struct Param {
    std::string name;
    ElementType type = ElementType::F32;    ///< as declared in the language
    ElementType storage = ElementType::F32; ///< as passed: F32, F64, I64 or Bool
    std::optional<std::string> defaultText; ///< a literal: "50.0", "true"
  };
  std::string name;
  std::vector<Tensor> inputs, outputs;
  std::vector<Param> params;
  std::vector<std::string> checks; ///< the promises on extents, as the user wrote them
  bool hasWorkspace = false, hasCheck = false, hasExtents = false, hasPlan = false; ///< which companions the module has
};

struct CompileOptions {
  unsigned optLevel = 2; ///< of code generation, 1 to 3; 0: 1, and nothing is simplified before
  unsigned threads = 0;  ///< that generate a kernel's code; 0: as many as the machine has
  bool cache = true;     ///< keep objects in $XDG_CACHE_HOME/weir (or ~/.cache/weir)
  /// Pairs (input, output) that may share their memory, as `--inplace S0=SN` says.
  std::vector<std::pair<std::string, std::string>> inplace;
};

/// A kernel's code for a GPU, which the driver takes.
struct DeviceCode {
  std::string ptx;   ///< with the line that says how it is launched, as emitPTX (weir/Pipelines/Compile.h) gives it
  std::string cubin; ///< the same assembled; may be empty
};

/// Any x86-64 processor, of which nothing is asked: that beside a GPU, and any until it is known which one it is.
TargetDescription plainProcessor();

struct CallOptions {
  unsigned threads = 0; ///< 0: as many as the machine has
  weir_parallel_for parallelFor = nullptr;
  void *parallelContext = nullptr;
};

/// A kernel in memory, ready to be called; copies share the code. Calls from several threads at once are
/// fine.
class Kernel {
public:
  /// All kernels of a module at level 6 (llvm dialect, as buildTiledToLLVMPipeline leaves it), in the order
  /// of the module. The module is not changed. weir/Pipelines/Compile.h has the same for level 4.
  static llvm::Expected<std::vector<Kernel>> compile(mlir::ModuleOp module, const TargetDescription &target,
                                                     const CompileOptions &options = {});

  /// The same from an object that emitKernelObject made of it; `kernels` is the module's attribute
  /// weir.kernels.
  static llvm::Expected<std::vector<Kernel>> load(mlir::ArrayAttr kernels, llvm::StringRef object,
                                                  const TargetDescription &target,
                                                  const CompileOptions &options = {});

  /// A kernel for a GPU, launched from this process: `object` is of its plan (TargetModule of Artifact.h).
  static llvm::Expected<Kernel> loadForGPU(mlir::ArrayAttr kernels, llvm::StringRef object,
                                           const TargetDescription &gpu, const DeviceCode &code);

  const KernelSignature &signature() const;

  /// Zero-filled outputs of the extents that these inputs and params give. Params are in the signature's
  /// order.
  llvm::Expected<std::vector<HostTensor>> makeOutputs(llvm::ArrayRef<HostTensor> inputs,
                                                      llvm::ArrayRef<long double> params) const;

  /// Runs on `inputs` and overwrites `outputs`. The error's text is the runtime's. An i64 or bool param is
  /// given exactly, a real one rounded to its type.
  llvm::Error call(llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<long double> params,
                   llvm::MutableArrayRef<HostTensor> outputs, const CallOptions &options = {}) const;

  /// The same again and again, as long as `again` says of the seconds that the last call took. To and from a
  /// GPU, whose launches a call waits for, data are copied once.
  llvm::Error callRepeatedly(llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<long double> params,
                             llvm::MutableArrayRef<HostTensor> outputs, const CallOptions &options,
                             llvm::function_ref<bool(double seconds)> again) const;

  /// The same on the caller's own NAME_args (weir_runtime.h): a weir_status.
  int callRaw(const void *args) const;

  struct Impl;
  explicit Kernel(std::shared_ptr<const Impl> impl) : impl(std::move(impl)) {}

private:
  static llvm::Expected<std::vector<std::shared_ptr<Impl>>> loadAll(mlir::ArrayAttr kernels, llvm::StringRef object,
                                                                    const TargetDescription &target,
                                                                    const CompileOptions &options);
  std::shared_ptr<const Impl> impl;
};

/// The object file that Kernel::load takes, or an archive of several that belong together. An error where a kernel needs a function that nobody has (a call
/// of libm, say). `module` is at level 6, or where `lower` brings modules there: it is called from several threads, with the functions of each.
llvm::Expected<std::string> emitKernelObject(mlir::OwningOpRef<mlir::ModuleOp> module, const TargetDescription &target,
                                             const CompileOptions &options = {},
                                             llvm::function_ref<llvm::Error(mlir::ModuleOp)> lower = nullptr);

/// Whether this machine has a GPU that runs code for `gpu`: sm_80 runs on later ones too, sm_90a on no other.
bool hasGPUFor(const TargetDescription &gpu);

/// From the attribute weir.kernels, as describeKernels (KernelContract.h) and level 5 have it.
std::vector<KernelSignature> readSignatures(mlir::ArrayAttr kernels);

/// The declared default of a param as a number, or nothing where it has none: "50.0", "-inf", "0xff", "true".
std::optional<long double> defaultValue(const KernelSignature::Param &param);

} // namespace weir
#endif
