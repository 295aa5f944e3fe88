//===- RandomCascade.cpp - runs random programs and minimises failures ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Reference/RandomCascade.h"
#include "lib/Reference/Drawing.h"
#include "lib/Reference/RandomProgram.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "weir/Frontend/Frontend.h"
#include "weir/Reference/Compare.h"
#include "weir/Reference/Draw.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace weir;

RandomCascade::RandomCascade(uint64_t seed, bool attention, const std::string &factors)
    : program(attention ? random_cascade::generateAttention(seed, factors) : random_cascade::generate(seed)) {}
RandomCascade::RandomCascade(std::unique_ptr<random_cascade::Program> program)
    : program(std::move(program)) {}
RandomCascade::RandomCascade(const RandomCascade &other) : program(other.program->clone()) {}
RandomCascade &RandomCascade::operator=(RandomCascade &&other) = default;
RandomCascade::~RandomCascade() = default;

std::string RandomCascade::text(llvm::StringRef name) const {
  std::string result;
  llvm::raw_string_ostream os(result);
  program->print(name, os);
  return result;
}

llvm::StringRef RandomCascade::dtype() const { return program->dtype; }

std::vector<RandomCascade> RandomCascade::simplifications() const {
  std::vector<RandomCascade> result;
  for (auto &simpler : random_cascade::simplify(*program))
    result.emplace_back(std::move(simpler));
  return result;
}

namespace {
/// What became of a program; `text` explains all but the first.
struct Outcome {
  enum Kind { Agrees, Empty, Refused, NotCompiled, NotRun, Differs } kind = Agrees;
  std::string text;
  int64_t compared = 0, undecided = 0;
};

/// A program between frontend and kernel.
struct Candidate {
  uint64_t seed;
  RandomCascade program;
  OwningOpRef<ModuleOp> module;
  std::optional<RandomKernel> kernel;
  Outcome outcome;
};

class RandomRun {
public:
  RandomRun(const RandomRunOptions &options, MLIRContext &context, const RandomCompiler &compiler,
            llvm::raw_ostream &os)
      : options(options), context(context), compiler(compiler), os(os) {}
  unsigned run();

private:
  void parse(Candidate &candidate);
  void compile(llvm::MutableArrayRef<Candidate> candidates);
  void execute(Candidate &candidate, unsigned trials);
  Outcome runOne(uint64_t seed, const RandomCascade &program, unsigned trials);
  RandomCascade shrink(uint64_t seed, RandomCascade program, Outcome &outcome);
  void report(Candidate &candidate);

  const RandomRunOptions &options;
  MLIRContext &context;
  const RandomCompiler &compiler;
  llvm::raw_ostream &os;
  int64_t compared = 0, undecided = 0;
  unsigned failures = 0, empty = 0;
};
} // namespace

static std::string nameOf(uint64_t seed) { return "random" + std::to_string(seed); }

static func::FuncOp cascadeOf(ModuleOp module) { return *module.getOps<func::FuncOp>().begin(); }

void RandomRun::parse(Candidate &candidate) {
  std::string errors;
  llvm::raw_string_ostream stream(errors);
  FrontendOptions frontend;
  frontend.dtype = candidate.program.dtype().str();
  std::string name = nameOf(candidate.seed), text = candidate.program.text(name);
  candidate.module = compileToCascade(text, name + ".attn", frontend, context, stream);
  // The one thing that the frontend may refuse: an equation that happens to define nothing.
  bool empty = llvm::StringRef(errors).contains("is empty whatever the extents are");
  if (!candidate.module)
    candidate.outcome = {empty ? Outcome::Empty : Outcome::Refused, errors};
}

/// One module for all that the frontend took; where it fails, one for each.
void RandomRun::compile(llvm::MutableArrayRef<Candidate> candidates) {
  OwningOpRef<ModuleOp> together = ModuleOp::create(UnknownLoc::get(&context));
  std::vector<Candidate *> members;
  for (Candidate &candidate : candidates) {
    if (!candidate.module)
      continue;
    Operation *copy = cascadeOf(*candidate.module)->clone();
    together->push_back(copy);
    members.push_back(&candidate);
  }
  if (members.empty())
    return;
  std::string errors;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    errors += diagnostic.str() + "\n";
    return success();
  });
  auto kernels = compiler(*together);
  if (kernels) {
    for (auto [member, kernel] : llvm::zip(members, *kernels))
      member->kernel = kernel;
    return;
  }
  errors += llvm::toString(kernels.takeError());
  if (members.size() == 1) {
    members[0]->outcome = {Outcome::NotCompiled, errors};
    return;
  }
  for (Candidate *member : members)
    compile(llvm::MutableArrayRef<Candidate>(member, 1));
}

/// The extents and params of a trial, for a message.
static std::string describe(const DrawnInputs &drawn, const attn::Signature &signature, unsigned trial) {
  std::string text = "trial " + std::to_string(trial) + ":";
  std::map<std::string, int64_t> extents;
  for (const auto &entry : drawn.extents)
    extents[entry.getKey().str()] = entry.getValue();
  for (const auto &[rank, extent] : extents)
    text += " " + rank + "=" + std::to_string(extent);
  for (auto [param, value] : llvm::zip(signature.params, drawn.params))
    text += " " + param.name + "=" + std::to_string(static_cast<double>(value));
  return text;
}

/// Some trials have many keys and few queries, some the other way round: blocks are full, cut and several.
static void drawLengths(DrawOptions &draw) {
  reference::Random random(draw.seed * 31 + draw.trial);
  int64_t few = random.integer(1, 9), many = random.pick<int64_t>({24, 63, 65, 127, 128, 129, 190, 257});
  double kind = random.uniform();
  if (kind < 0.5)
    draw.extents["M"] = kind < 0.35 ? few : many;
  if (kind < 0.5)
    draw.extents["N"] = kind < 0.35 ? many : few;
}

void RandomRun::execute(Candidate &candidate, unsigned trials) {
  func::FuncOp cascade = cascadeOf(*candidate.module);
  attn::Signature signature = attn::getSignature(cascade);
  for (unsigned trial = 0; trial < trials && candidate.outcome.kind == Outcome::Agrees; ++trial) {
    DrawOptions draw;
    draw.seed = candidate.seed;
    draw.trial = static_cast<unsigned>((candidate.seed * 3 + trial * 5) % 24);
    draw.work = 2e5;
    if (options.attention)
      drawLengths(draw);
    auto drawn = weir::draw(cascade, draw);
    if (!drawn || !drawn->unmet.empty()) {
      candidate.outcome = {Outcome::NotRun, drawn ? "a promise was not kept: " + drawn->unmet[0]
                                                  : llvm::toString(drawn.takeError())};
      return;
    }
    std::string place = describe(*drawn, signature, draw.trial);
    InterpreterOptions interpreter;
    interpreter.errorBounds = true;
    auto reference = interpret(cascade, drawn->inputs, drawn->params, interpreter);
    if (!reference) {
      candidate.outcome = {Outcome::NotRun,
                           place + "\ninterpreter: " + llvm::toString(reference.takeError())};
      return;
    }
    if (!candidate.kernel)
      continue;
    auto outputs = (*candidate.kernel)(drawn->inputs, drawn->params);
    if (!outputs) {
      candidate.outcome = {Outcome::NotRun, place + "\nkernel: " + llvm::toString(outputs.takeError())};
      return;
    }
    OwningOpRef<ModuleOp> rewritten;
    auto rewrite = [&]() -> llvm::Expected<func::FuncOp> {
      rewritten = options.rewrite(*candidate.module);
      if (!rewritten)
        return llvm::createStringError("the equations cannot be rewritten");
      return cascadeOf(*rewritten);
    };
    auto result = compareRewritten(signature, *reference, *outputs, {}, rewrite, drawn->inputs, drawn->params);
    if (!result) {
      candidate.outcome = {Outcome::NotRun, place + "\nrewritten: " + llvm::toString(result.takeError())};
      return;
    }
    const Comparison &comparison = *result;
    candidate.outcome.compared += comparison.compared;
    candidate.outcome.undecided += comparison.undecided;
    if (!comparison.agrees()) {
      candidate.outcome.kind = Outcome::Differs;
      candidate.outcome.text = place + "\n" + comparison.describe();
    }
  }
}

Outcome RandomRun::runOne(uint64_t seed, const RandomCascade &program, unsigned trials) {
  std::vector<Candidate> one;
  one.push_back({seed, program, {}, {}, {}});
  parse(one[0]);
  if (!options.interpretOnly)
    compile(one);
  if (one[0].module && one[0].outcome.kind == Outcome::Agrees)
    execute(one[0], trials);
  return one[0].outcome;
}

/// The first line of an error without its place and numbers: what makes two refusals the same.
static std::string gist(const Outcome &outcome) {
  if (outcome.kind != Outcome::Refused && outcome.kind != Outcome::NotCompiled)
    return "";
  llvm::StringRef line = llvm::StringRef(outcome.text).split('\n').first;
  return line.substr(line.find(" ")).take_front(40).str();
}

/// Takes the first simplification that still fails in the same way, again and again.
RandomCascade RandomRun::shrink(uint64_t seed, RandomCascade program, Outcome &outcome) {
  unsigned budget = 400; // programs tried
  for (bool smaller = true; smaller && budget;) {
    smaller = false;
    for (RandomCascade &simpler : program.simplifications()) {
      if (!budget)
        break;
      --budget;
      Outcome other = runOne(seed, simpler, options.trials + 6);
      if (other.kind != outcome.kind || gist(other) != gist(outcome))
        continue;
      program = std::move(simpler);
      outcome = other;
      smaller = true;
      break;
    }
  }
  return program;
}

void RandomRun::report(Candidate &candidate) {
  static const char *what[] = {"agrees",          "is empty",     "is refused by the frontend",
                               "is not compiled", "does not run", "differs"};
  RandomCascade program = candidate.program;
  Outcome outcome = candidate.outcome;
  if (options.shrink)
    program = shrink(candidate.seed, std::move(program), outcome);
  os << "seed " << candidate.seed << ' ' << what[outcome.kind] << "\n"
     << outcome.text << "\n"
     << program.text(nameOf(candidate.seed)) << "\n";
  os.flush();
}

unsigned RandomRun::run() {
  for (unsigned first = 0; first < options.count; first += options.batch) {
    std::vector<Candidate> batch;
    for (unsigned i = first; i < std::min(first + options.batch, options.count); ++i) {
      uint64_t seed = options.seed + i;
      batch.push_back({seed, RandomCascade(seed, options.attention, options.factors), {}, {}, {}});
      if (options.print) {
        os << "// seed " << seed << '\n' << batch.back().program.text(nameOf(seed)) << '\n';
        os.flush(); // the last one printed is the one that crashed
      }
      parse(batch.back());
    }
    if (!options.interpretOnly)
      compile(batch);
    for (Candidate &candidate : batch) {
      if (candidate.outcome.kind == Outcome::Agrees)
        execute(candidate, options.trials);
      compared += candidate.outcome.compared;
      undecided += candidate.outcome.undecided;
      empty += candidate.outcome.kind == Outcome::Empty;
      if (candidate.outcome.kind <= Outcome::Empty)
        continue;
      ++failures;
      report(candidate);
    }
  }
  os << options.count << " programs from seed " << options.seed << ": " << failures << " failed, " << empty
     << " with an empty equation, " << compared << " values compared, " << undecided
     << " undecided by rounding\n";
  return failures;
}

unsigned weir::runRandomCascades(const RandomRunOptions &options, MLIRContext &context,
                                 const RandomCompiler &compiler, llvm::raw_ostream &os) {
  return RandomRun(options, context, compiler, os).run();
}
