//===- SemaNames.cpp - files, imports, what stands at file level ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All files of a program share one scope, the file level. Names in it are one namespace: a function and a
// cascade of one name could not be told apart where they are called.
#include "Names.h"
#include "Sema.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

void World::error(SMLoc loc, const Twine &message, const Twine &note) {
  if (quiet) {
    ++quietErrors;
    return;
  }
  std::string text = message.str();
  if (reported.insert({loc.getPointer(), text}).second)
    diags.error(loc, text, note);
}

void World::warning(SMLoc loc, const Twine &message, const Twine &note) {
  std::string text = message.str();
  if (!quiet && reported.insert({loc.getPointer(), text}).second)
    diags.warning(loc, text, note);
}

std::string World::textOf(SMLoc begin, SMLoc end) const {
  if (!begin.isValid() || !end.isValid())
    return "";
  StringRef text(begin.getPointer(), end.getPointer() - begin.getPointer());
  // One blank for each run of blanks, without comments: the text may go over lines.
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("//")) {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    bool blank = isSpace(text[i]);
    if (!blank)
      out += text[i];
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return StringRef(out).rtrim().str();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// Deep enough for any library, and not deep enough to run out of stack.
static constexpr unsigned kMaxImportDepth = 200;

static std::string realPath(StringRef path) {
  SmallString<256> real;
  return sys::fs::real_path(path, real) ? path.str() : real.str().str();
}

bool World::load(unsigned bufferId, StringRef path) {
  bool main = files.empty();
  if (main)
    loaded[realPath(path)] = true;
  unsigned before = diags.errorCount();
  files.push_back(parseFile(bufferId, path, diags));
  bool parsed = diags.errorCount() == before, whole = parsed;
  const ast::File &file = *files.back();
  for (const ast::Item &item : file.items) {
    if (item.import)
      whole &= loadImport(*item.import, path);
    else if (parsed) // otherwise names may be missing
      define(item, main);
  }
  return whole;
}

bool World::loadImport(const ast::Import &import, StringRef from) {
  if (import.path.empty()) {
    error(import.loc, "the path of an import is empty");
    return false;
  }
  std::vector<std::string> places;
  if (sys::path::is_absolute(import.path)) {
    places.push_back(import.path.str());
  } else {
    places.push_back(sys::path::parent_path(from).str());
    places.insert(places.end(), options.importDirs.begin(), options.importDirs.end());
    for (std::string &place : places) {
      SmallString<256> path(place);
      sys::path::append(path, import.path);
      place = path.str().str();
    }
  }
  for (const std::string &path : places) {
    if (!sys::fs::exists(path))
      continue;
    if (sys::fs::is_directory(path)) {
      error(import.loc, "cannot read `" + import.path + "`: it is a folder");
      return false;
    }
    if (!loaded.try_emplace(realPath(path), true).second)
      return true;
    if (importDepth >= kMaxImportDepth) {
      error(import.loc, "imports nest more than " + Twine(kMaxImportDepth) + " deep");
      return false;
    }
    auto buffer = MemoryBuffer::getFile(path);
    if (!buffer) {
      error(import.loc, "cannot read `" + import.path + "`: " + buffer.getError().message());
      return false;
    }
    if (options.filesRead)
      options.filesRead->push_back(path);
    unsigned id = sources.AddNewSourceBuffer(std::move(*buffer), SMLoc());
    ++importDepth;
    bool whole = load(id, path);
    --importDepth;
    return whole;
  }
  error(import.loc, "no file `" + import.path + "` to import",
        "it is looked for beside the importing file and in the folders of -I");
  return false;
}

bool World::claim(StringRef name, SMLoc loc, StringRef what) {
  auto [it, isNew] = claimed.try_emplace(name, loc);
  if (isNew)
    return true;
  unsigned buffer = sources.FindBufferContainingLoc(it->second);
  StringRef file = sources.getMemoryBuffer(buffer)->getBufferIdentifier();
  error(loc, "`" + name + "` is defined twice",
        "its first definition is at " + file + ":" + Twine(diags.lineAndColumn(it->second).first) +
            "; choose another name for this " + what);
  return false;
}

void World::define(const ast::Item &item, bool main) {
  ++order;
  if (item.constant && claim(item.constant->name, item.constant->loc, "const"))
    consts[item.constant->name] = {item.constant, std::nullopt};
  if (item.let && claim(item.let->name, item.let->loc, "let"))
    lets[item.let->name] = {item.let, order};
  if (item.rank && claim(item.rank->name, item.rank->loc, "rank"))
    ranks[item.rank->name] = {item.rank, order};
  if (item.fn && claim(item.fn->name, item.fn->loc, "function"))
    fns[item.fn->name] = {item.fn};
  if (item.given)
    givens.push_back({item.given, order});
  if (item.param && claim(item.param->name, item.param->loc, "param")) {
    ElementType type = item.param->type.empty() ? dtype : *parseElementType(item.param->type);
    params[item.param->name] = {Param{item.param, type, order}};
    if (const ast::Expr *value = item.param->value) {
      const ast::Expr *literal = value->kind == ast::ExprKind::Unary ? value->args[0] : value;
      bool isBool = literal->kind == ast::ExprKind::Bool;
      if (isBool != (type == ElementType::Bool))
        error(value->begin,
              "the param `" + item.param->name + "` is " + describe(kindOf(type)) + " and its default is " +
                  (isBool ? "a bool" : "a number"),
              isBool ? "write `param " + item.param->name + ": bool = ...`" : "");
      else if (literal->kind == ast::ExprKind::Real && isInteger(type))
        error(value->begin, "the param `" + item.param->name + "` is an integer and its default is a real",
              "write a whole number, or a real type");
    }
  }
  if (item.cascade && claim(item.cascade->name, item.cascade->loc, "cascade")) {
    CascadeEntry &entry = cascades[item.cascade->name];
    entry = {item.cascade, order, main};
    cascadeOrder.push_back(&entry);
  }
}

//===----------------------------------------------------------------------===//
// Consts and -D
//===----------------------------------------------------------------------===//

int64_t weir::sema::floorDivide(int64_t a, int64_t b) {
  if (b == -1) // the one quotient that does not fit wraps
    return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
  int64_t q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

int64_t weir::sema::floorModulo(int64_t a, int64_t b) {
  if (b == -1 || b == 1)
    return 0;
  int64_t r = a % b;
  return r < 0 ? (b < 0 ? r - b : r + b) : r;
}

std::optional<int64_t> World::define(StringRef name) const {
  auto it = options.defines.find(name);
  return it == options.defines.end() ? std::nullopt : std::optional<int64_t>(it->second);
}

std::optional<int64_t> World::constValue(StringRef name) {
  auto it = consts.find(name);
  if (it == consts.end())
    return std::nullopt;
  ConstEntry &entry = it->second;
  if (entry.done)
    return entry.value;
  if (entry.active) {
    error(entry.declaration->loc, "the const `" + name + "` is defined by itself");
    return std::nullopt;
  }
  entry.active = true;
  std::optional<int64_t> value = evaluate(*entry.declaration->value);
  entry.active = false;
  entry.done = true;
  entry.value = define(name) ? define(name) : value;
  return entry.value;
}

static std::optional<int64_t> parseInteger(StringRef text) {
  uint64_t value = 0;
  bool hex = text.consume_front("0x") || text.consume_front("0X");
  if (text.getAsInteger(hex ? 16 : 10, value))
    return std::nullopt;
  return static_cast<int64_t>(value);
}

/// A const's value, by the rules of integers. Reports what is no integer expression of consts.
std::optional<int64_t> World::evaluate(const ast::Expr &e) {
  switch (e.kind) {
  case ast::ExprKind::Integer:
    return parseInteger(e.text);
  case ast::ExprKind::Name: {
    if (consts.count(e.text))
      return constValue(e.text);
    StringRef what = params.count(e.text) ? "a param" : lets.count(e.text) ? "a let" : "no const";
    error(e.loc, "a const is made of literals and consts, `" + e.text + "` is " + what,
          names::isUpperName(e.text) ? "a `rank` may use extents" : "");
    return std::nullopt;
  }
  case ast::ExprKind::Unary:
    if (e.text == "-") {
      auto value = evaluate(*e.args[0]);
      return value ? std::optional<int64_t>(static_cast<int64_t>(0 - static_cast<uint64_t>(*value)))
                   : std::nullopt;
    }
    break;
  case ast::ExprKind::Binary:
  case ast::ExprKind::Call:
    if (e.text != "and" && e.text != "or" && e.text != "else")
      return evaluateBinary(e);
    break;
  case ast::ExprKind::Ternary: {
    auto condition = evaluate(*e.args[0]);
    return condition ? evaluate(*e.args[*condition ? 1 : 2]) : std::nullopt;
  }
  default:
    break;
  }
  error(e.loc, "the value of a const is an integer",
        e.kind == ast::ExprKind::Real ? "a real is written where it is used, or is a param" : "");
  return std::nullopt;
}

static uint64_t power(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1)
      result *= base;
  return result;
}

std::optional<int64_t> weir::sema::foldInteger(StringRef op, ArrayRef<int64_t> v) {
  auto wrap = [](uint64_t x) { return std::optional<int64_t>(static_cast<int64_t>(x)); };
  int64_t a = v.empty() ? 0 : v[0], b = v.size() > 1 ? v[1] : 0;
  uint64_t ua = a, ub = b;
  if (v.size() == 1) {
    if (op == "abs")
      return wrap(a < 0 ? 0 - ua : ua);
    if (op == "sign")
      return a > 0 ? 1 : a < 0 ? -1 : 0;
    return std::nullopt;
  }
  if (op == "clamp" && v.size() == 3)
    return std::min(std::max(a, b), v[2]);
  if (v.size() != 2)
    return std::nullopt;
  if (op == "/" || op == "floordiv")
    return b == 0 ? std::nullopt : std::optional<int64_t>(floorDivide(a, b));
  if (op == "%" || op == "mod")
    return b == 0 ? std::nullopt : std::optional<int64_t>(floorModulo(a, b));
  if (op == "^")
    return b < 0 ? std::nullopt : wrap(power(ua, ub));
  bool shifts = b >= 0 && b <= 63;
  return StringSwitch<std::optional<int64_t>>(op)
      .Case("+", wrap(ua + ub))
      .Case("-", wrap(ua - ub))
      .Case("*", wrap(ua * ub))
      .Case("min", std::min(a, b))
      .Case("max", std::max(a, b))
      .Case("bitand", a & b)
      .Case("bitor", a | b)
      .Case("bitxor", a ^ b)
      .Case("shl", shifts ? wrap(ua << ub) : 0)
      .Case("shr", shifts ? wrap(ua >> ub) : 0)
      .Case("==", a == b)
      .Case("!=", a != b)
      .Case("<", a < b)
      .Case("<=", a <= b)
      .Case(">", a > b)
      .Case(">=", a >= b)
      .Default(std::nullopt);
}

std::optional<int64_t> World::evaluateBinary(const ast::Expr &e) {
  SmallVector<int64_t, 2> values;
  for (const ast::Expr *arg : e.args) {
    auto value = evaluate(*arg);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  if (auto result = foldInteger(e.text, values))
    return result;
  bool division = values.size() == 2 && values[1] == 0;
  error(e.loc, division ? Twine("the value of a const divides by 0")
                        : "`" + e.text + "` does not make an integer of these");
  return std::nullopt;
}

/// Every name after -D must be one that can be fixed.
void World::checkDefines() {
  StringSet<> extents;
  for (const CascadeEntry *entry : cascadeOrder) {
    for (const auto *list : {&entry->declaration->inputs, &entry->declaration->outputs})
      for (const ast::TensorDecl &decl : *list)
        for (const ast::Dim &dim : decl.dims)
          if (!dim.rank.empty())
            extents.insert(dim.rank);
    for (const ast::Statement &statement : entry->declaration->body)
      if (statement.rank)
        extents.insert(statement.rank->name);
  }
  std::vector<StringRef> names;
  for (const auto &entry : options.defines)
    names.push_back(entry.getKey());
  llvm::sort(names);
  for (StringRef name : names) {
    int64_t value = *define(name);
    bool isConst = consts.count(name);
    if (!isConst && name != "..." && !extents.contains(name) && !ranks.count(name))
      error(SMLoc(),
            "-D " + name + "=" + Twine(value) + ": the file has no extent, declared rank or const `" + name +
                "`",
            params.count(name) ? "a param is set by --set" : "");
    else if (!isConst && value < 0)
      error(SMLoc(), "-D " + name + "=" + Twine(value) + ": an extent is not negative");
    else if (name == "..." && value > 16)
      error(SMLoc(), "-D ...=" + Twine(value) + ": at most 16 ranks");
  }
  for (const ast::Item &item : allItems())
    if (item.constant)
      constValue(item.constant->name);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Calls that lead back to their function, and what a body must not hold, also in functions that nothing
/// calls.
void World::checkFns() {
  StringMap<int> state; // 1 active, 2 done
  std::function<void(StringRef)> visitFn;
  std::function<void(const ast::Fn &, const ast::Expr &)> visit = [&](const ast::Fn &fn, const ast::Expr &e) {
    if (e.kind == ast::ExprKind::Call && fns.count(e.text)) {
      if (state.lookup(e.text) == 1)
        error(e.loc, "the function `" + e.text + "` calls itself",
              "functions do not recur; an equation may, along a rank");
      else
        visitFn(e.text);
    } else if (e.kind == ast::ExprKind::Call && names::classify(e.text) == names::Word::None) {
      error(e.loc, "there is no function `" + e.text + "`");
    } else if (e.kind == ast::ExprKind::Name && names::isLowerName(e.text) &&
               !is_contained(fn.parameters, e.text) && !params.count(e.text)) {
      error(e.loc,
            "a function's body uses its parameters, params, consts and extents, `" + e.text +
                "` is none of them",
            "make `" + e.text + "` a parameter");
    }
    for (const ast::Expr *arg : e.args)
      visit(fn, *arg);
  };
  visitFn = [&](StringRef name) {
    auto found = fns.find(name); // a function whose name was taken defines nothing
    if (found == fns.end() || !found->second.declaration || state.lookup(name))
      return;
    state[name] = 1;
    const ast::Fn &fn = *found->second.declaration;
    visit(fn, *fn.value);
    state[name] = 2;
  };
  for (const ast::Item &item : allItems())
    if (item.fn && fns.count(item.fn->name)) // another definition may have the name
      visitFn(item.fn->name);
}

std::vector<ast::Item> World::allItems() const {
  std::vector<ast::Item> items;
  for (const std::unique_ptr<ast::File> &file : files)
    items.insert(items.end(), file->items.begin(), file->items.end());
  return items;
}

void World::warnUnused() {
  for (const ast::Item &item : files.front()->items) {
    if (item.let && !lets[item.let->name].used)
      warning(item.let->loc, "nothing uses the let `" + item.let->name + "`");
    if (item.param && !params[item.param->name].param.used)
      warning(item.param->loc, "nothing uses the param `" + item.param->name + "`");
    if (item.rank && !ranks[item.rank->name].used)
      warning(item.rank->loc, "nothing uses the rank `" + item.rank->name + "`");
  }
}
