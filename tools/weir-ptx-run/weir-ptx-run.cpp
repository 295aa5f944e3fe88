//===- weir-ptx-run.cpp - runs a kernel in PTX without a GPU --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Arguments.h"
#include "weir/PTX/Call.h"
#include "weir/PTX/Profile.h"
#include "weir/Support/Npy.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstring>

using namespace llvm;
using namespace weir;

enum ExitStatus { Success = 0, Fault = 1, Usage = 2 };

static cl::OptionCategory category("weir-ptx-run");
static cl::opt<std::string> file(cl::Positional, cl::Required, cl::desc("FILE.ptx"), cl::cat(category));
static cl::opt<std::string> kernelName("kernel", cl::desc("the entry"), cl::value_desc("NAME"),
                                       cl::cat(category));
static cl::opt<std::string>
    gridText("grid", cl::desc("blocks (of a kernel of weirc: X of each launch, else as planned)"),
             cl::value_desc("X,Y,Z"), cl::cat(category));
static cl::opt<std::string> blockText("block", cl::desc("threads of a block"), cl::value_desc("X,Y,Z"),
                                      cl::cat(category));
static cl::opt<uint64_t> shared("shared", cl::desc("dynamic shared memory"), cl::value_desc("BYTES"),
                                cl::cat(category));
static cl::list<std::string> argumentTexts(
    "arg",
    cl::desc("an argument, in the kernel's order: i32:5, f32:0.5 (also f16, bf16, i64, ...); in:f32=q.npy, a "
             "buffer to read;\n"
             "out:f32:8x64=o.npy, one to write, uninitialised; inout:f32=x.npy=y.npy; scratch:BYTES; null"),
    cl::value_desc("ARGUMENT"), cl::cat(category));
static cl::list<std::string>
    tensorTexts("tensor",
                cl::desc("of a kernel of weirc: NAME=FILE.npy of an input or output, NAME=NUMBER of a param"),
                cl::value_desc("NAME=FILE"), cl::cat(category));
static cl::opt<uint64_t> seed("schedule-seed",
                              cl::desc("0: blocks and warps in order; else a random schedule"),
                              cl::value_desc("S"), cl::cat(category));
static cl::opt<unsigned>
    schedules("schedules", cl::init(1),
              cl::desc("run so many schedules, seeds S, S+1, ..., and compare their results"),
              cl::value_desc("N"), cl::cat(category));
static cl::opt<std::string> checkText(
    "check", cl::init("races,uninitialised"),
    cl::desc("what is checked besides bounds, alignment, barriers and copies: races, uninitialised, none"),
    cl::value_desc("LIST"), cl::cat(category));
static cl::opt<uint64_t> limit("limit", cl::init(uint64_t(1) << 32),
                               cl::desc("instructions of warps, after which a kernel is endless"),
                               cl::value_desc("N"), cl::cat(category));
static cl::opt<bool>
    listLoops("loops",
              cl::desc("run nothing: say of each function's loops what they consist of, and which "
                       "accesses to shared memory meet in a bank"),
              cl::cat(category));
static cl::opt<bool> stats("statistics", cl::desc("print what was executed"), cl::cat(category));

static int fail(Error error) {
  bool fault = error.isA<ptx::KernelFault>();
  std::string message = toString(std::move(error));
  errs() << (StringRef(message).contains(": error: ") ? "" : "weir-ptx-run: error: ") << message << "\n";
  return fault ? Fault : Usage;
}

static Error parseDimensions(StringRef option, StringRef text, ptx::Dimensions &dimensions) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (auto [i, part] : enumerate(parts))
    if (i > 2 || part.getAsInteger(10, dimensions[i]) || !dimensions[i])
      return createStringError(option + "=" + text + ": expected one to three numbers greater than 0");
  return Error::success();
}

static Error parseChecks(ptx::Checks &checks) {
  checks = {false, false, seed, limit};
  for (StringRef name : split(checkText.getValue(), ',')) {
    if (name != "races" && name != "uninitialised" && name != "none")
      return createStringError("--check: unknown check '" + name +
                               "'; there are races, uninitialised and none");
    checks.races |= name == "races";
    checks.uninitialised |= name == "uninitialised";
  }
  return Error::success();
}

namespace {
/// Launches the kernel, perhaps several times, and keeps the first results.
class Runner {
public:
  Runner(const ptx::Module &module, std::optional<ptx::Description> description)
      : module(module), description(std::move(description)) {}

  Error prepare() {
    if (!tensorTexts.empty()) {
      if (!description)
        return createStringError(
            "--tensor is for kernels of weirc, whose first line says how they are launched; use --arg");
      if (!kernelName.empty() || !blockText.empty() || shared.getNumOccurrences() || !argumentTexts.empty())
        return createStringError(
            "of a kernel of weirc, with --tensor, --kernel, --block, --shared and --arg are known");
      auto bound = bindTensors(*description, tensorTexts);
      if (!bound)
        return bound.takeError();
      tensors = std::move(*bound);
      return Error::success();
    }
    if (kernelName.empty())
      return createStringError("--kernel is missing");
    for (StringRef text : argumentTexts) {
      auto argument = parseArgument(text);
      if (!argument)
        return argument.takeError();
      arguments.push_back(std::move(*argument));
    }
    return Error::success();
  }

  Error run(ptx::Checks checks) { return tensorTexts.empty() ? launch(checks) : call(checks); }

  Error write() {
    for (auto &[name, file] : tensors.results)
      if (Error error = writeNpy(file, results[name]))
        return error;
    for (Argument &argument : arguments)
      if (!argument.result.empty())
        if (Error error = writeNpy(argument.result, results[argument.name]))
          return error;
    return Error::success();
  }

private:
  Error call(ptx::Checks checks) {
    std::vector<ptx::CallInput> inputs;
    for (const Argument &input : tensors.inputs) {
      bool isParam = input.form == Argument::Form::Value;
      inputs.push_back({isParam ? nullptr : &input.tensor, input.value});
    }
    ptx::Dimensions grid = {0, 1, 1};
    if (!gridText.empty())
      if (Error error = parseDimensions("--grid", gridText, grid))
        return error;
    auto result = ptx::call(module, *description, inputs, checks, grid[0]);
    if (!result)
      return result.takeError();
    for (ptx::CallResult::Output &output : result->outputs) {
      warn(output.uninitialised, output.name, checks);
      if (Error error = keep(output.name, std::move(output.tensor), checks.seed))
        return error;
    }
    if (stats)
      for (const ptx::Statistics &statistics : result->launches)
        print(statistics);
    return Error::success();
  }

  static void warn(uint64_t missing, StringRef name, ptx::Checks checks) {
    if (missing && checks.uninitialised)
      errs() << "weir-ptx-run: warning: nothing was written to " << missing << " bytes of " << name << "\n";
  }

  Error launch(ptx::Checks checks) {
    ptx::Machine machine(module);
    SmallVector<uint64_t> addresses;
    for (const Argument &argument : arguments)
      addresses.push_back(allocate(machine, argument));
    auto launch = makeLaunch(addresses);
    if (!launch)
      return launch.takeError();
    auto statistics = machine.run(*launch, checks);
    if (!statistics)
      return statistics.takeError();
    for (auto [i, argument] : enumerate(arguments)) {
      if (argument.form != Argument::Form::Out && argument.form != Argument::Form::InOut)
        continue;
      HostTensor result = argument.tensor;
      ArrayRef<uint8_t> bytes = machine.contents(addresses[i]);
      result.data.assign(bytes.begin(), bytes.end());
      warn(machine.uninitialisedBytes(addresses[i]), argument.name, checks);
      if (Error error = keep(argument.name, std::move(result), checks.seed))
        return error;
    }
    if (stats)
      print(*statistics);
    return Error::success();
  }

  static uint64_t allocate(ptx::Machine &machine, const Argument &argument) {
    if (argument.form == Argument::Form::Value)
      return 0;
    const HostTensor &tensor = argument.tensor;
    uint64_t bytes = HostTensor::bytesOf(tensor.type, tensor.shape);
    ArrayRef<uint8_t> initial(reinterpret_cast<const uint8_t *>(tensor.data.data()), tensor.data.size());
    return machine.allocate(argument.name, bytes,
                            argument.form == Argument::Form::In ? ptx::Machine::Access::Read
                                                                : ptx::Machine::Access::ReadWrite,
                            initial);
  }

  Expected<ptx::Launch> makeLaunch(ArrayRef<uint64_t> addresses) {
    ptx::Launch launch;
    launch.kernel = kernelName;
    for (auto [address, argument] : zip(addresses, arguments)) {
      std::vector<uint8_t> &bytes = launch.arguments.emplace_back(argument.value);
      if (argument.form != Argument::Form::Value) {
        bytes.resize(8);
        std::memcpy(bytes.data(), &address, 8);
      }
    }
    if (shared.getNumOccurrences())
      launch.dynamicShared = shared;
    if (!gridText.empty())
      if (Error error = parseDimensions("--grid", gridText, launch.grid))
        return error;
    if (!blockText.empty())
      if (Error error = parseDimensions("--block", blockText, launch.block))
        return error;
    return launch;
  }

  /// The first results, or a comparison with them: schedules must not change a bit.
  Error keep(StringRef name, HostTensor result, uint64_t ofSeed) {
    auto [kept, first] = results.try_emplace(name, result);
    for (auto [i, byte] : enumerate(result.data))
      if (byte != kept->second.data[i])
        return make_error<ptx::KernelFault>((module.name + ": error: schedule " + Twine(ofSeed) +
                                             " gives another result than schedule " + Twine(seed.getValue()) +
                                             ": byte " + Twine(i) + " of " + name + " differs")
                                                .str());
    return Error::success();
  }

  static void print(const ptx::Statistics &statistics) {
    outs() << "instructions of warps    " << statistics.warpInstructions << "\n"
           << "threads that took part   "
           << format("%.2f", double(statistics.threadInstructions) / double(statistics.warpInstructions))
           << " of 32\n"
           << "static shared memory     " << statistics.staticShared << " bytes\n"
           << "barriers                 " << statistics.barriers << "\n"
           << "shared memory            " << statistics.sharedAccesses << " accesses of warps, "
           << statistics.sharedWavefronts << " turns of its banks\n";
    std::vector<std::pair<StringRef, uint64_t>> sorted(statistics.byOpcode.begin(),
                                                       statistics.byOpcode.end());
    sort(sorted, [](auto &a, auto &b) { return std::tie(b.second, a.first) < std::tie(a.second, b.first); });
    for (auto [opcode, count] : sorted)
      outs() << format("%12llu  ", static_cast<unsigned long long>(count)) << opcode << "\n";
  }

  const ptx::Module &module;
  std::optional<ptx::Description> description;
  std::vector<Argument> arguments; ///< with --arg
  Tensors tensors;                 ///< with --tensor
  StringMap<HostTensor> results;
};
} // namespace

/// Of the functions that weirc's description launches, else of all entries with blocks of --block.
static Error printLoops(const ptx::Module &module, const std::optional<ptx::Description> &description) {
  StringMap<unsigned> threads;
  if (description)
    for (const ptx::Description::Function &launch : description->launches)
      threads[launch.kernel] = launch.block;
  ptx::Dimensions block = {0, 1, 1};
  if (!blockText.empty())
    if (Error error = parseDimensions("--block", blockText, block))
      return error;
  for (const ptx::Function &function : module.functions) {
    if (!function.entry || !function.defined || (description && !threads.count(function.name)))
      continue;
    unsigned count = block[0] ? block[0] : threads.lookup(function.name);
    if (!count || block[1] * block[2] != 1)
      return createStringError("--loops needs --block X, how many threads a block of '" + function.name +
                               "' has");
    outs() << function.name << "\n";
    for (const ptx::LoopProfile &loop : ptx::profile(function, count).loops) {
      outs() << "  ";
      ptx::print(loop, outs());
      outs() << "\n";
    }
  }
  return Error::success();
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Runs a kernel in PTX on this processor and stops at what has no meaning: see docs/gpu.md.\n\n"
          "  weir-ptx-run add.ptx --kernel add --grid 4 --block 128 --arg in:f32=x.npy --arg "
          "out:f32:512=y.npy --arg i32:512\n"
          "  weirc compile softmax.attn --target cuda:sm_80 --emit=ptx -o softmax.ptx\n"
          "  weir-ptx-run softmax.ptx --tensor Q=q.npy --tensor K=k.npy --tensor V=v.npy --tensor O=o.npy\n\n"
          "Exit status: 0 it ran; 1 a thread did what has no meaning, or schedules differ; 2 wrong usage, or "
          "PTX that is not known.\n",
          &errs()))
    return Usage;
  auto buffer = MemoryBuffer::getFileOrSTDIN(file, /*IsText=*/true);
  if (!buffer)
    return fail(createStringError(file + ": " + buffer.getError().message()));
  auto module = ptx::parseModule((*buffer)->getBuffer(), file == "-" ? "<stdin>" : StringRef(file));
  if (!module)
    return fail(module.takeError());
  auto description = ptx::readDescription((*buffer)->getBuffer());
  if (!description)
    return fail(description.takeError());
  if (listLoops) {
    if (Error error = printLoops(*module, *description))
      return fail(std::move(error));
    return Success;
  }
  Runner runner(*module, std::move(*description));
  ptx::Checks checks;
  if (Error error = joinErrors(parseChecks(checks), runner.prepare()))
    return fail(std::move(error));
  for (unsigned i = 0; i < schedules; ++i, ++checks.seed)
    if (Error error = runner.run(checks))
      return fail(std::move(error));
  if (Error error = runner.write())
    return fail(std::move(error));
  return Success;
}
