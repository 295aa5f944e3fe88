//===- Options.cpp - weirc's command line as data -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table says which options there are, what follows each, and which subcommands have it; the help is
// printed from the same table.
#include "Options.h"
#include "weir/Support/ElementType.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <functional>
#include <thread>

using namespace weirc;
using llvm::StringRef;
using llvm::Twine;

llvm::StringMap<int64_t> Options::extents() const {
  llvm::StringMap<int64_t> known;
  for (const auto &[name, value] : defines)
    known[name] = value;
  return known;
}

unsigned Options::threadCount() const { return threads ? threads : std::thread::hardware_concurrency(); }

namespace {

llvm::Error wrong(const Twine &message) { return llvm::createStringError(message); }

using Setter = llvm::Error (*)(Options &, StringRef value);

struct Flag {
  const char *name;
  const char *argument; ///< null where none follows
  unsigned commands;
  const char *help;
  Setter set;
};

template <std::string Options::*member> llvm::Error text(Options &options, StringRef value) {
  options.*member = value.str();
  return llvm::Error::success();
}
template <bool Options::*member, bool to = true> llvm::Error flag(Options &options, StringRef) {
  options.*member = to;
  return llvm::Error::success();
}

/// NAME=VALUE, each name once.
template <std::vector<NamedText> Options::*member> llvm::Error named(Options &options, StringRef value) {
  auto [name, rest] = value.split('=');
  if (name.empty() || rest.empty())
    return wrong("expects NAME=VALUE, got '" + value + "'");
  for (const NamedText &given : options.*member)
    if (given.first == name)
      return wrong("'" + name + "' is given twice");
  (options.*member).emplace_back(name.str(), rest.str());
  return llvm::Error::success();
}

llvm::Error importDir(Options &options, StringRef value) {
  options.importDirs.push_back(value.str());
  return llvm::Error::success();
}

llvm::Error define(Options &options, StringRef value) {
  auto [name, rest] = value.split('=');
  int64_t number;
  if (name.empty() || rest.getAsInteger(0, number))
    return wrong("expects NAME=INTEGER, got '" + value + "'");
  for (const auto &given : options.defines)
    if (given.first == name)
      return wrong("'" + name + "' is given twice");
  options.defines.emplace_back(name.str(), number);
  return llvm::Error::success();
}

/// A whole number of at least `least`; only seeds may be above 10^9.
template <auto member, uint64_t least> llvm::Error number(Options &options, StringRef value) {
  auto &target = options.*member;
  uint64_t most = std::is_same_v<decltype(target), std::optional<uint64_t> &> ? UINT64_MAX : 1000000000;
  uint64_t parsed;
  if (value.getAsInteger(10, parsed) || parsed < least || parsed > most)
    return wrong("expects a whole number" +
                 (least ? " of at least " + std::to_string(least) : std::string()) + ", got '" + value + "'");
  target = parsed;
  return llvm::Error::success();
}

llvm::Error tolerance(Options &options, StringRef value) {
  double parsed;
  if (value.getAsDouble(parsed) || !(parsed >= 0))
    return wrong("expects a number that is not negative, got '" + value + "'");
  options.tolerance = parsed;
  return llvm::Error::success();
}

llvm::Error dtype(Options &options, StringRef value) {
  if (!llvm::is_contained({"f32", "bf16", "f16", "f64"}, value))
    return wrong("knows f32, bf16, f16 and f64, not '" + value + "'");
  options.dtype = value.str();
  return llvm::Error::success();
}

llvm::Error level(std::optional<Level> &to, StringRef value, StringRef known) {
  to = parseLevel(value);
  return to ? llvm::Error::success() : wrong("knows " + known + ", not '" + value + "'");
}
llvm::Error emit(Options &options, StringRef value) {
  return level(options.emit, value, "attn, cascade, streamed, tiled, cpu, llvm, asm, gpu, ptx and cubin");
}
llvm::Error from(Options &options, StringRef value) {
  if (value == "asm" || value == "ptx" || value == "cubin")
    return wrong("cannot begin at '" + value + "': it is the last level");
  if (value == "gpu")
    return wrong("'gpu' is not there yet: begin at 'tiled'");
  return level(options.from, value, "attn, cascade, streamed, tiled, cpu and llvm");
}

llvm::Error mapping(Options &options, StringRef added) {
  std::string whole = options.map.empty() ? added.str() : options.map + "," + added.str();
  StringRef value = whole;
  llvm::StringSet<> names;
  for (StringRef item : llvm::split(value, ',')) {
    auto [name, setting] = item.split('=');
    if (name.empty() || setting.empty())
      return wrong("expects NAME=VALUE,..., got '" + value + "'");
    if (!names.insert(name).second)
      return wrong("has '" + name + "' twice");
    if (name == "chunk")
      return wrong("'chunk' is not there yet");
    int64_t most = name == "split" ? 1024 : 65536, number;
    if (llvm::is_contained({"m", "n", "split"}, name)) {
      if (setting.getAsInteger(10, number) || number < 1 || number > most)
        return wrong("'" + name + "' is a number from 1 to " + Twine(most) + ", got '" + setting + "'");
    } else if (name != "resume" &&
               ((name != "fuse" && name != "tf32") || (setting != "on" && setting != "off"))) {
      return wrong("knows 'fuse=on', 'fuse=off', 'm', 'n', 'split', 'tf32=on' and 'resume=on', not '" + item +
                   "'");
    }
  }
  bool isOff = llvm::is_contained(llvm::split(value, ','), StringRef("fuse=off"));
  if (isOff && (names.count("m") || names.count("n") || names.count("split")))
    return wrong(
        "says with 'fuse=off' that there are no tiles; leave 'm', 'n' and 'split' out, or 'fuse=off'");
  options.map = whole;
  return llvm::Error::success();
}

constexpr unsigned program = Run | Compile | Explain | Verify | Bench | Draw | Tune;

const Flag flags[] = {
    {"--in", "NAME=FILE", Run | Verify | Bench | Tune | Explain | Draw,
     "an input tensor, as .npy; - is stdin (repeatable)", named<&Options::in>},
    {"--out", "NAME=FILE", Run, "a result, an output or any intermediate; - is stdout (repeatable)",
     named<&Options::out>},
    {"--raw", nullptr, Run, "write bf16 and f8 results as their bits (u2, u1), not as f32",
     flag<&Options::raw>},
    {"-o", "FILE", Run | Compile | Explain | Verify | Bench | Draw,
     "where the result goes; its suffix says what it is", text<&Options::output>},
    {"--inplace", "IN=OUT", Compile, "the output may share the input's memory (repeatable)",
     named<&Options::inplace>},
    {"--trials", "N", Verify, "how many sets of inputs are drawn (default 10)", number<&Options::trials, 1>},
    {"--trial", "N", Verify, "only trial N of them, counted from 0", number<&Options::trial, 0>},
    {"--seed", "S", Verify | Bench | Tune, "of the generator that draws inputs (default 0)",
     number<&Options::seed, 0>},
    {"--tol", "X", Verify, "allow |difference| <= X * max(1, |expected|), not the bound on rounding",
     tolerance},
    {"--runs", "N", Bench | Tune,
     "timed runs, of tune of each mapping (default: as many as fit a second, 5 to 1000)",
     number<&Options::runs, 1>},
    {"--json", nullptr, Explain | Verify | Bench | Tune | List, "one JSON object on stdout",
     flag<&Options::json>},
    {"--certificate", nullptr, Explain, "the proof of each rewrite as JSON", flag<&Options::certificate>},
    {"--cascade", "NAME", program, "the cascade to take (default: the file's last)", text<&Options::cascade>},
    {"-I", "DIR", program, "where imports are looked for (repeatable)", importDir},
    {"-D", "X=N", program, "fix an extent, a declared rank or a const (repeatable)", define},
    {"--set", "P=V", program, "a run-time param: a real, an integer, true or false (repeatable)",
     named<&Options::params>},
    {"--dtype", "TYPE", program,
     "f32, bf16, f16 or f64: of inputs and outputs without a written type (default f32)", dtype},
    {"--target", "T", program, "cpu, cpu:native, cpu:x86-64-v3, cpu:x86-64-v4, cpu:NAME, or interpret",
     text<&Options::target>},
    {"--threads", "N", program, "threads to compile and run on (default: all)", number<&Options::threads, 1>},
    {"--map", "K=V,...", program,
     "the mapping: fuse=off merges nothing, fuse=on what runs in tiles (default: by predicted cost); tiles "
     "of m rows and n keys, keys in split=K parts; tf32=on rounds factors of f32 to tf32, for a GPU's tensor "
     "cores; resume=on makes the state of traversals an input and an output (repeatable)",
     mapping},
    {"--grad", "NAMES", program, "the backward cascade with respect to these inputs", text<&Options::grad>},
    {"--emit", "LEVEL", program,
     "print the program at a level and stop: attn, cascade, streamed, tiled, cpu, llvm, asm, gpu, ptx, cubin",
     emit},
    {"--from", "LEVEL", program, "FILE is at this level: attn, cascade, streamed, tiled, cpu, llvm", from},
    {"--timing", nullptr, program, "say on stderr what took how long", flag<&Options::timing>},
    {"--trace-nonfinite", nullptr, program,
     "with --target interpret: say which equation first made a NaN or an infinity",
     flag<&Options::traceNonfinite>},
    {"--no-cache", nullptr, program, "neither read nor fill the cache of compiled kernels and tuned mappings",
     flag<&Options::cache, false>},
    {"--depfile", "FILE", program, "write the files that were read as a Makefile rule",
     text<&Options::depfile>},
    {"--crash-reproducer", "FILE", program,
     "where a failing pass leaves what weir-opt needs to show it again", text<&Options::crashReproducer>},
};

const Flag *findFlag(StringRef name) {
  for (const Flag &flag : flags)
    if (name == flag.name)
      return &flag;
  return nullptr;
}

llvm::Error unknown(StringRef name) {
  llvm::SmallVector<StringRef> candidates = {"--help"};
  for (const Flag &flag : flags)
    candidates.push_back(flag.name);
  StringRef guess = nearest(name, candidates);
  return wrong("unknown option '" + name + "'" +
               (guess.empty() ? Twine("") : "; did you mean '" + guess + "'?"));
}

llvm::Error misplaced(const Flag &flag, const Command &command) {
  std::string owners;
  for (const Command &other : commands())
    if (flag.commands & other.bit)
      owners += (owners.empty() ? "" : ", ") + std::string(other.name);
  return wrong(Twine("no option '") + flag.name + "' here; it belongs to " + owners);
}

/// Takes the option at arguments[0], and its value from the same argument (--name=value, -Xvalue) or the next
/// one.
llvm::Error takeOption(const Command &command, llvm::ArrayRef<const char *> &arguments, Options &options) {
  StringRef argument = arguments.front();
  arguments = arguments.drop_front();
  bool isShort = argument.size() > 1 && argument[1] != '-';
  size_t split = isShort ? (argument.size() > 2 ? 2 : StringRef::npos) : argument.find('=');
  StringRef name = argument.substr(0, split);
  std::optional<StringRef> value;
  if (split != StringRef::npos)
    value = argument.substr(isShort ? split : split + 1);
  const Flag *flag = findFlag(name);
  if (!flag)
    return unknown(isShort ? argument : name);
  if (!(flag->commands & command.bit))
    return misplaced(*flag, command);
  if (!flag->argument && value)
    return wrong("'" + name + "' takes no value");
  if (flag->argument && !value) {
    if (arguments.empty())
      return wrong("'" + name + "' needs a value: " + name + " " + flag->argument);
    value = arguments.front();
    arguments = arguments.drop_front();
  }
  if (llvm::Error error = flag->set(options, value.value_or("")))
    return wrong("'" + name + "' " + llvm::toString(std::move(error)));
  return llvm::Error::success();
}

} // namespace

llvm::Expected<Options> weirc::parseOptions(const Command &command, llvm::ArrayRef<const char *> arguments) {
  Options options;
  options.command = command.name;
  bool optionsEnded = false;
  while (!arguments.empty()) {
    StringRef argument = arguments.front();
    if (argument == "--" && !optionsEnded) {
      optionsEnded = true;
      arguments = arguments.drop_front();
    } else if (!optionsEnded && argument.size() > 1 && argument[0] == '-') {
      if (llvm::Error error = takeOption(command, arguments, options))
        return error;
    } else if (!(command.bit & program) || !options.file.empty()) {
      return wrong("one argument too many: '" + argument + "'");
    } else if (argument.empty()) {
      return wrong("the name of FILE is empty");
    } else {
      options.file = argument.str();
      arguments = arguments.drop_front();
    }
  }
  if (command.bit & program && options.file.empty())
    return wrong("no FILE is given");
  return options;
}

void weirc::printHelp(const Command &command, llvm::raw_ostream &os) {
  os << "usage: weirc " << command.name << " " << command.arguments << "\n\n" << command.summary << "\n";
  if (*command.details)
    os << command.details << "\n";
  os << "\noptions:\n";
  for (const Flag &flag : flags)
    if (flag.commands & command.bit) {
      std::string left = flag.name + (flag.argument ? std::string(" ") + flag.argument : "");
      os << "  " << llvm::left_justify(left, 26) << flag.help << "\n";
    }
  os << "  " << llvm::left_justify("--help", 26) << "this text\n";
}

void weirc::printHelp(llvm::raw_ostream &os) {
  os << "usage: weirc COMMAND FILE [options]\n\nCompiles attention written as a cascade of Einsums, and runs "
        "it.\n\ncommands:\n";
  for (const Command &command : commands())
    os << "  " << llvm::left_justify(command.name, 9) << command.summary << "\n";
  os << "\n'weirc COMMAND --help' has the options of each; 'weirc --emit=LEVEL FILE' prints a program at a "
        "level of the\n"
        "compiler; 'weirc --version' says which version this is. Exit status: 0, 1 where the answer is no\n"
        "(verification failed, input refused), 2 where the command line is wrong.\n";
}

llvm::StringRef weirc::nearest(StringRef name, llvm::ArrayRef<StringRef> candidates) {
  StringRef best;
  unsigned distance = std::max<unsigned>(1, name.size() / 3) + 1;
  for (StringRef candidate : candidates) {
    unsigned edits = name.edit_distance(candidate, true, distance);
    if (edits < distance) {
      distance = edits;
      best = candidate;
    }
  }
  return best;
}

static int complain(const Twine &message, ExitStatus status) {
  llvm::outs().flush();
  llvm::errs() << "weirc: error: " << message << "\n";
  return status;
}
int weirc::usageError(const Twine &message) { return complain(message, Usage); }
int weirc::refuse(const Twine &message) { return complain(message, Refused); }
int weirc::refuse(llvm::Error error) { return refuse(llvm::toString(std::move(error))); }
