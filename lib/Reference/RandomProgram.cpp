//===- RandomProgram.cpp - prints, prunes and simplifies random programs --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/RandomProgram.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include <functional>

using namespace weir::random_cascade;
using llvm::StringRef;

std::string weir::random_cascade::coordinateOf(StringRef rank) { return rank.lower(); }

TermPtr weir::random_cascade::atom(Kind kind, std::string text) {
  auto term = std::make_unique<Term>();
  term->kind = kind;
  term->text = std::move(text);
  return term;
}

TermPtr weir::random_cascade::make(Term::Form form, Kind kind, std::string text, std::vector<TermPtr> args) {
  TermPtr term = atom(kind, std::move(text));
  term->form = form;
  term->args = std::move(args);
  return term;
}

TermPtr Term::clone() const {
  TermPtr copy = atom(kind, text);
  copy->form = form;
  copy->coords = coords;
  for (const TermPtr &arg : args)
    copy->args.push_back(arg->clone());
  if (predicate)
    copy->predicate = predicate->clone();
  return copy;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static void printList(llvm::raw_ostream &os, const std::vector<TermPtr> &args) {
  llvm::interleaveComma(args, os, [&](const TermPtr &arg) { arg->print(os); });
}

void Term::print(llvm::raw_ostream &os) const {
  switch (form) {
  case Atom:
    os << text;
    return;
  case Read:
    os << text << '[';
    printList(os, args);
    os << ']';
    return;
  case Call:
    os << text << '(';
    printList(os, args);
    os << ')';
    return;
  case Unary:
    os << '(' << text << (text == "not" ? " " : "");
    args[0]->print(os);
    os << ')';
    return;
  case Binary:
    os << '(';
    args[0]->print(os);
    os << ' ' << text << ' ';
    args[1]->print(os);
    os << ')';
    return;
  case Select:
    os << '(';
    args[0]->print(os);
    os << " ? ";
    args[1]->print(os);
    os << " : ";
    args[2]->print(os);
    os << ')';
    return;
  case Cast:
    os << '(';
    args[0]->print(os);
    os << " as " << text << ')';
    return;
  case Reduce:
    os << '(' << text << '(' << llvm::join(coords, ", ");
    if (predicate) {
      os << " | ";
      predicate->print(os);
    }
    os << ") (";
    args[0]->print(os);
    os << "))";
    return;
  }
}

static void printTensor(llvm::raw_ostream &os, const Tensor &tensor, const std::string &type) {
  os << tensor.name;
  if (!type.empty())
    os << ": " << type;
  os << '[' << llvm::join(tensor.ranks, ",") << ']';
}

void Program::print(StringRef name, llvm::raw_ostream &os) const {
  if (dtype != "f32")
    os << "// --dtype " << dtype << '\n';
  for (const std::string &param : params)
    os << "param " << param << '\n';
  auto list = [&](bool outputs) {
    bool first = true;
    for (const Tensor &tensor : tensors) {
      if (!(outputs ? tensor.output : tensor.input))
        continue;
      os << (first ? "" : ", ");
      printTensor(os, tensor, tensor.type);
      first = false;
    }
  };
  os << "cascade " << name << '(';
  list(false);
  os << ") -> (";
  list(true);
  os << ") {\n";
  for (const auto &[rank, value] : ranks)
    os << "  rank " << rank << " = " << value << '\n';
  for (const std::string &given : givens)
    os << "  given " << given << '\n';
  llvm::StringSet<> typed;
  for (const Equation &equation : equations) {
    const Tensor &tensor = *const_cast<Program *>(this)->find(equation.tensor);
    os << "  " << tensor.name;
    if (!tensor.output && !tensor.type.empty() && typed.insert(tensor.name).second)
      os << ": " << tensor.type;
    os << '[';
    llvm::interleave(tensor.ranks, os, [&](const std::string &rank) { os << coordinateOf(rank); }, ",");
    os << "] = ";
    if (!equation.map.empty()) {
      os << equation.map << '(' << equation.along;
      if (equation.predicate) {
        os << " | ";
        equation.predicate->print(os);
      }
      os << ") (";
    }
    equation.value->print(os);
    os << (equation.map.empty() ? "" : ")");
    if (equation.domain) {
      os << " where ";
      equation.domain->print(os);
    }
    os << '\n';
  }
  os << "}\n";
}

//===----------------------------------------------------------------------===//
// Pruning
//===----------------------------------------------------------------------===//

Equation Equation::clone() const {
  Equation copy;
  copy.tensor = tensor;
  copy.map = map;
  copy.along = along;
  copy.value = value->clone();
  if (predicate)
    copy.predicate = predicate->clone();
  if (domain)
    copy.domain = domain->clone();
  return copy;
}

std::vector<TermPtr *> Equation::terms() {
  std::vector<TermPtr *> result = {&value};
  for (TermPtr *term : {&predicate, &domain})
    if (*term)
      result.push_back(term);
  return result;
}

std::unique_ptr<Program> Program::clone() const {
  auto copy = std::make_unique<Program>();
  copy->ranks = ranks;
  copy->params = params;
  copy->givens = givens;
  copy->dtype = dtype;
  copy->tensors = tensors;
  for (const Equation &equation : equations)
    copy->equations.push_back(equation.clone());
  return copy;
}

Tensor *Program::find(StringRef name) {
  auto found = llvm::find_if(tensors, [&](const Tensor &t) { return t.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

Tensor &Program::add(std::string name, Kind kind, std::vector<std::string> ranks, std::string type) {
  Tensor &tensor = tensors.emplace_back();
  tensor.name = std::move(name);
  tensor.kind = kind;
  tensor.ranks = std::move(ranks);
  tensor.type = std::move(type);
  return tensor;
}

static void visit(const Term &term, llvm::function_ref<void(const Term &)> callback) {
  callback(term);
  for (const TermPtr &arg : term.args)
    visit(*arg, callback);
  if (term.predicate)
    visit(*term.predicate, callback);
}

/// Whole words of a text: names of ranks and params in a declaration.
static bool mentions(StringRef text, StringRef word) {
  for (size_t at = text.find(word); at != StringRef::npos; at = text.find(word, at + 1)) {
    auto isName = [&](size_t i) { return i < text.size() && (llvm::isAlnum(text[i]) || text[i] == '_'); };
    if (!(at > 0 && isName(at - 1)) && !isName(at + word.size()))
      return true;
  }
  return false;
}

/// The tensors that the outputs are made of.
static llvm::StringSet<> liveTensors(Program &program) {
  llvm::StringSet<> live;
  for (const Tensor &tensor : program.tensors)
    if (tensor.output)
      live.insert(tensor.name);
  for (bool changed = true; changed;) {
    changed = false;
    auto note = [&](const Term &term) {
      changed |= term.form == Term::Read && live.insert(term.text).second;
    };
    for (Equation &equation : program.equations)
      if (live.contains(equation.tensor))
        for (TermPtr *term : equation.terms())
          visit(**term, note);
  }
  return live;
}

/// Drops ranks and params that no text mentions, and inputs that only bind a rank which another binds or
/// nothing uses.
static void pruneDeclarations(Program &program, const llvm::StringSet<> &live) {
  std::string body;
  llvm::raw_string_ostream os(body);
  for (Equation &equation : program.equations)
    for (TermPtr *term : equation.terms())
      (*term)->print(os << ' ' << equation.along << ' ');
  auto &ranks = program.ranks;
  auto &tensors = program.tensors;
  auto used = [&](StringRef rank) {
    bool carried = llvm::any_of(tensors, [&](const Tensor &t) {
      return (live.contains(t.name) || t.output) && llvm::is_contained(t.ranks, rank);
    });
    bool declared =
        llvm::any_of(ranks, [&](const auto &r) { return r.first != rank && mentions(r.second, rank); });
    return carried || declared || mentions(body, rank) || mentions(body, coordinateOf(rank));
  };
  for (bool changed = true; changed;) {
    size_t before = ranks.size();
    llvm::erase_if(ranks, [&](const auto &r) { return !used(r.first); });
    changed = ranks.size() != before;
  }
  llvm::erase_if(program.params, [&](const std::string &p) {
    StringRef name = StringRef(p).take_until([](char c) { return c == ':' || c == ' '; });
    return !mentions(body, name) &&
           llvm::none_of(ranks, [&](const auto &r) { return mentions(r.second, name); });
  });
  for (size_t i = tensors.size(); i-- > 0;) {
    if (!tensors[i].input || live.contains(tensors[i].name))
      continue;
    bool needed = llvm::any_of(tensors[i].ranks, [&](const std::string &rank) {
      bool declared = llvm::any_of(ranks, [&](const auto &r) { return r.first == rank; });
      bool elsewhere = llvm::any_of(tensors, [&](const Tensor &t) {
        return t.input && t.name != tensors[i].name && llvm::is_contained(t.ranks, rank);
      });
      return !declared && !elsewhere && used(rank);
    });
    if (!needed)
      tensors.erase(tensors.begin() + i);
  }
}

/// Whether every rank of a promise has an extent still.
static bool speaksOfBoundRanks(const Program &program, StringRef given) {
  auto isBound = [&](StringRef rank) {
    return llvm::any_of(program.ranks, [&](const auto &r) { return r.first == rank; }) ||
           llvm::any_of(program.tensors,
                        [&](const Tensor &t) { return t.input && llvm::is_contained(t.ranks, rank); });
  };
  while (!given.empty()) {
    StringRef word = given.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
    if (!word.empty() && llvm::isUpper(word[0]) && !isBound(word))
      return false;
    given = given.drop_front(std::max<size_t>(word.size(), 1));
  }
  return true;
}

bool Program::prune() {
  llvm::StringSet<> live = liveTensors(*this);
  llvm::erase_if(equations, [&](const Equation &e) { return !live.contains(e.tensor); });
  llvm::erase_if(tensors, [&](const Tensor &t) { return !t.input && !live.contains(t.name); });
  for (const Tensor &tensor : tensors)
    if (!tensor.input && llvm::none_of(equations, [&](const Equation &e) { return e.tensor == tensor.name; }))
      return false;
  pruneDeclarations(*this, live);
  llvm::erase_if(givens, [&](const std::string &given) { return !speaksOfBoundRanks(*this, given); });
  return llvm::any_of(tensors, [](const Tensor &t) { return t.output; });
}

//===----------------------------------------------------------------------===//
// Simplifying
//===----------------------------------------------------------------------===//

static void collectSlots(TermPtr &slot, std::vector<TermPtr *> &out) {
  out.push_back(&slot);
  for (TermPtr &arg : slot->args)
    collectSlots(arg, out);
  if (slot->predicate)
    collectSlots(slot->predicate, out);
}

/// Every term of a program, in one order.
static std::vector<TermPtr *> slotsOf(Program &program) {
  std::vector<TermPtr *> slots;
  for (Equation &equation : program.equations)
    for (TermPtr *term : equation.terms())
      collectSlots(*term, slots);
  return slots;
}

static TermPtr simplest(Kind kind) {
  return atom(kind, kind == Kind::Real ? "1.0" : kind == Kind::Integer ? "1" : "true");
}

static size_t sizeOf(const Term &term) {
  size_t size = 0;
  visit(term, [&](const Term &) { ++size; });
  return size;
}

namespace {
class Simplifier {
public:
  explicit Simplifier(const Program &program) : program(program) {}
  std::vector<std::unique_ptr<Program>> run();

private:
  template <typename F> void attempt(F change) {
    auto copy = program.clone();
    if (change(*copy) && copy->prune())
      found.push_back(std::move(copy));
  }
  void dropOutputs();
  void cutEquations();
  void replaceTerms();
  const Program &program;
  std::vector<std::unique_ptr<Program>> found;
};
} // namespace

void Simplifier::dropOutputs() {
  for (const Tensor &tensor : program.tensors)
    if (tensor.output)
      attempt([&](Program &copy) {
        copy.find(tensor.name)->output = false;
        return true;
      });
}

/// An equation's tensor becomes an input, or the output itself; a domain, a map along a rank, a branch or a
/// type goes.
void Simplifier::cutEquations() {
  for (size_t i = 0; i < program.equations.size(); ++i) {
    const Equation &equation = program.equations[i];
    attempt([&](Program &copy) { // what is computed there becomes an input
      Tensor &tensor = *copy.find(equation.tensor);
      if (tensor.output)
        return false;
      llvm::erase_if(copy.equations, [&](const Equation &e) { return e.tensor == equation.tensor; });
      tensor.input = true;
      if (tensor.type.empty() && tensor.kind != Kind::Real)
        tensor.type = tensor.kind == Kind::Bool ? "bool" : "i64";
      return true;
    });
    attempt([&](Program &copy) { // stop here: this becomes the only output
      Tensor &tensor = *copy.find(equation.tensor);
      bool already =
          tensor.output && llvm::count_if(copy.tensors, [](const Tensor &t) { return t.output; }) == 1;
      for (Tensor &other : copy.tensors)
        other.output = false;
      tensor.output = true;
      if (tensor.type.empty() && tensor.kind != Kind::Real)
        tensor.type = tensor.kind == Kind::Bool ? "bool" : "i64";
      return !already;
    });
    attempt([&](Program &copy) {
      bool several =
          llvm::count_if(copy.equations, [&](const Equation &e) { return e.tensor == equation.tensor; }) > 1;
      if (several)
        copy.equations.erase(copy.equations.begin() + i);
      else
        copy.equations[i].domain = nullptr;
      return several || equation.domain;
    });
    attempt([&](Program &copy) {
      copy.equations[i].predicate = nullptr;
      return equation.predicate != nullptr;
    });
    attempt([&](Program &copy) {
      bool map = !equation.map.empty() && !StringRef(equation.map).starts_with("arg");
      copy.equations[i].map.clear();
      copy.equations[i].predicate = nullptr;
      return map;
    });
  }
  for (const Tensor &tensor : program.tensors)
    attempt([&](Program &copy) {
      bool typed = !tensor.type.empty() && tensor.kind == Kind::Real;
      copy.find(tensor.name)->type.clear();
      return typed;
    });
}

void Simplifier::replaceTerms() {
  auto original = program.clone();
  std::vector<TermPtr *> slots = slotsOf(*original);
  std::vector<std::pair<size_t, size_t>> order; // larger terms first
  for (size_t i = 0; i < slots.size(); ++i)
    order.push_back({sizeOf(**slots[i]), i});
  llvm::sort(order,
             [](auto a, auto b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  for (auto [size, index] : order) {
    const Term &term = **slots[index];
    if (size > 1 ||
        (term.form == Term::Atom && term.text != simplest(term.kind)->text && !llvm::isDigit(term.text[0])))
      attempt([&, index = index](Program &copy) {
        TermPtr &slot = *slotsOf(copy)[index];
        slot = simplest(slot->kind);
        return true;
      });
    for (size_t k = 0; k < term.args.size() && term.form != Term::Read; ++k)
      if (term.args[k]->kind == term.kind)
        attempt([&, index = index](Program &copy) {
          TermPtr &slot = *slotsOf(copy)[index];
          slot = std::move(slot->args[k]);
          return true;
        });
    if (term.predicate)
      attempt([&, index = index](Program &copy) {
        (*slotsOf(copy)[index])->predicate = nullptr;
        return true;
      });
  }
}

std::vector<std::unique_ptr<Program>> Simplifier::run() {
  dropOutputs();
  cutEquations();
  replaceTerms();
  return std::move(found);
}

std::vector<std::unique_ptr<Program>> weir::random_cascade::simplify(const Program &program) {
  return Simplifier(program).run();
}
