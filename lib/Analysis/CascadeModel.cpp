//===- CascadeModel.cpp - a cascade as its analyses read it ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/CascadeModel.h"
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "weir/Analysis/Bodies.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;
namespace attn = weir::attn;

static ScalarKind kindOf(Type type) {
  return type.isInteger(1) ? ScalarKind::Bool : isa<FloatType>(type) ? ScalarKind::Real : ScalarKind::Integer;
}

static bool isRankName(StringRef text) {
  return !text.empty() && !llvm::isDigit(text[0]) &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

//===----------------------------------------------------------------------===//
// Reading the IR
//===----------------------------------------------------------------------===//

/// Walks the function once, top to bottom, and fills the model.
class CascadeModel::Reader {
public:
  explicit Reader(CascadeModel &model) : model(model), arena(*model.arena) {}
  void run();

private:
  void readArguments();
  void declareEquations(Block &block, std::vector<Loop> &loops);
  void readEquation(Equation &equation);
  void readStream(attn::StreamOp stream);
  void readGiven(attn::GivenOp given);
  void readOutputs();
  const Tree *scalar(Value value);
  const Tree *scalarOp(Operation *op);
  const Tree *extent(Value value);
  const Tree *body(Block &block);
  void bind(StringRef name, Value extentValue, Value argument, SmallVectorImpl<std::string> &bound);
  void addRank(StringRef rank, const Tree *extent);
  bool mentions(const Tree *tree, StringRef rank, llvm::SmallPtrSetImpl<const Tree *> &seen) const;
  std::string tensorName(Value value);
  std::string declareTensor(Value value, StringRef name);

  CascadeModel &model;
  TreeArena &arena;
  DenseMap<Value, const Tree *> values;
  DenseMap<Value, std::string> tensorNames;
  DenseMap<Value, const Tree *> extents;
  llvm::StringMap<unsigned> active; // coordinates in scope
};

std::string CascadeModel::Reader::declareTensor(Value value, StringRef name) {
  std::string unique = name.str();
  for (unsigned i = 2; model.tensors.count(unique); ++i)
    unique = (name + "_" + Twine(i)).str();
  tensorNames[value] = unique;
  Tensor &tensor = model.tensors[unique];
  tensor.name = unique;
  tensor.value = value;
  if (auto type = dyn_cast<RankedTensorType>(value.getType()))
    tensor.elementType = type.getElementType();
  return unique;
}

void CascadeModel::Reader::addRank(StringRef rank, const Tree *extentTree) {
  if (model.rankExtents.try_emplace(rank, extentTree).second)
    model.ranks.push_back(rank.str());
}

void CascadeModel::Reader::readArguments() {
  func::FuncOp function = model.function;
  for (BlockArgument arg : function.getArguments()) {
    auto nameAttr = function.getArgAttrOfType<StringAttr>(arg.getArgNumber(), attn::kName);
    std::string name = nameAttr ? nameAttr.str() : ("arg" + Twine(arg.getArgNumber())).str();
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    if (!type) {
      values[arg] = arena.get(TreeKind::Param, kindOf(arg.getType()), name);
      continue;
    }
    Tensor &tensor = model.tensors[declareTensor(arg, name)];
    model.inputs.push_back(tensor.name);
    auto ranks = function.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), attn::kRanks);
    for (int64_t i = 0; i < type.getRank(); ++i) {
      std::string rank = ranks && i < int64_t(ranks.size())
                             ? cast<StringAttr>(ranks[i]).str()
                             : ("size(" + Twine(name) + ", " + Twine(i) + ")").str();
      const Tree *size = type.isDynamicDim(i) ? arena.extent(rank) : arena.number(type.getDimSize(i));
      tensor.ranks.push_back(rank);
      tensor.extents.push_back(size);
      if (isRankName(rank))
        addRank(rank, size);
    }
  }
}

/// Whether the extent of `rank` occurs, declared ranks opened: a rank that is defined by itself would have no end.
bool CascadeModel::Reader::mentions(const Tree *tree, StringRef rank,
                                    llvm::SmallPtrSetImpl<const Tree *> &seen) const {
  if (!tree || !seen.insert(tree).second)
    return false;
  if (tree->is(TreeKind::Extent))
    return tree->text == rank || mentions(model.definitions.lookup(tree->text), rank, seen);
  return llvm::any_of(tree->args, [&](const Tree *arg) { return mentions(arg, rank, seen); });
}

const Tree *CascadeModel::Reader::extent(Value value) {
  if (auto known = extents.find(value); known != extents.end())
    return known->second;
  const Tree *tree = nullptr;
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    tree = arena.number(constant.getSExtValue());
  else if (auto dim = value.getDefiningOp<tensor::DimOp>()) {
    auto index = dim.getConstantIndex();
    auto found = tensorNames.find(dim.getSource());
    if (index && *index >= 0 && found != tensorNames.end() &&
        *index < int64_t(model.tensors[found->second].extents.size()))
      tree = model.tensors[found->second].extents[*index];
  } else if (auto rank = value.getDefiningOp<attn::RankOp>()) {
    const Tree *definition = scalar(rank.getValue());
    tree = definition->getInteger() ? definition : arena.extent(rank.getName());
    llvm::SmallPtrSet<const Tree *, 16> seen;
    if (!definition->getInteger() && !mentions(definition, rank.getName(), seen))
      model.definitions[rank.getName()] = definition;
    addRank(rank.getName(), tree);
  } else if (auto cast = value.getDefiningOp<arith::IndexCastOp>()) {
    tree = scalar(cast.getIn());
  }
  if (!tree)
    tree = arena.get(TreeKind::Opaque, ScalarKind::Integer, ("extent" + Twine(extents.size())).str());
  return extents[value] = tree;
}

const Tree *CascadeModel::Reader::scalar(Value value) {
  if (auto known = values.find(value); known != values.end())
    return known->second;
  Operation *op = value.getDefiningOp();
  const Tree *tree = op ? scalarOp(op) : nullptr;
  if (!tree)
    tree = arena.get(TreeKind::Opaque, kindOf(value.getType()), ("value" + Twine(values.size())).str());
  return values[value] = tree;
}

const Tree *CascadeModel::Reader::scalarOp(Operation *op) {
  ScalarKind kind = kindOf(op->getResult(0).getType());
  SmallVector<const Tree *> args;
  auto all = [&](ValueRange operands) {
    for (Value operand : operands)
      args.push_back(scalar(operand));
    return ArrayRef<const Tree *>(args);
  };
  if (auto literal = dyn_cast<attn::LiteralOp>(op)) {
    StringRef text = literal.getText();
    return arena.get(kind == ScalarKind::Bool ? TreeKind::Bool : TreeKind::Number, kind, text);
  }
  if (auto read = dyn_cast<attn::ReadOp>(op))
    return arena.get(TreeKind::Read, kind, tensorName(read.getSource()), all(read.getIndices()));
  if (auto map = dyn_cast<attn::MapOp>(op)) {
    const Tree *tree =
        arena.get(TreeKind::Function, kind, attn::stringifyFn(map.getFn()), all(map.getOperands()));
    if (kind != ScalarKind::Integer)
      return tree;
    if (tree->text == "floordiv" && args[1]->getInteger() == 1)
      return args[0];
    auto value = model.evaluate(tree, {}); // consts: `7/2` is 3
    return value ? arena.number(*value) : tree;
  }
  if (auto cast = dyn_cast<attn::CastOp>(op)) {
    std::string type;
    llvm::raw_string_ostream(type) << cast.getTo();
    return arena.get(TreeKind::Cast, kind, type, all(op->getOperands()));
  }
  if (auto reduce = dyn_cast<attn::ReduceOp>(op)) {
    SmallVector<std::string> bound;
    for (auto [name, size, arg] : llvm::zip(reduce.getCoords().getAsRange<StringAttr>(), reduce.getExtents(),
                                            reduce.getBody().getArguments()))
      bind(name.getValue(), size, arg, bound);
    const Tree *inner = body(reduce.getBody().front());
    SmallVector<StringRef> coords(bound.begin(), bound.end());
    for (StringRef coord : coords)
      --active[coord];
    return arena.get(TreeKind::Reduce, kind, attn::stringifyReduction(reduce.getReduction()), {inner},
                     coords);
  }
  if (isa<arith::IndexCastOp>(op)) {
    return op->getOperand(0).getType().isIndex() ? extent(op->getOperand(0)) : scalar(op->getOperand(0));
  }
  APInt constant;
  if (matchPattern(op, m_ConstantInt(&constant)))
    return kind == ScalarKind::Bool ? arena.boolean(constant.isOne()) : arena.number(constant.getSExtValue());
  std::optional<TreeKind> plain = llvm::TypeSwitch<Operation *, std::optional<TreeKind>>(op)
                                      .Case([](attn::WhereOp) { return TreeKind::Where; })
                                      .Case([](attn::ElseOp) { return TreeKind::Else; })
                                      .Case([](attn::SelectOp) { return TreeKind::Select; })
                                      .Case([](attn::IsabsentOp) { return TreeKind::IsAbsent; })
                                      .Case([](attn::AndOp) { return TreeKind::And; })
                                      .Case([](attn::OrOp) { return TreeKind::Or; })
                                      .Case([](attn::NotOp) { return TreeKind::Not; })
                                      .Default([](Operation *) { return std::nullopt; });
  if (!plain)
    return nullptr;
  return arena.get(*plain, kind, "", all(op->getOperands()));
}

/// Binds a coordinate: a name that is in scope gets a prime, one whose rank has another extent elsewhere a
/// number.
void CascadeModel::Reader::bind(StringRef name, Value extentValue, Value argument,
                                SmallVectorImpl<std::string> &bound) {
  const Tree *size = extent(extentValue);
  std::string fresh = name.str();
  for (unsigned i = 2;; ++i) {
    addRank(rankOf(fresh), size);
    if (model.equalExtents(model.rankExtents[rankOf(fresh)], size))
      break;
    fresh = (name + "_" + Twine(i)).str();
  }
  while (active.lookup(fresh))
    fresh += '\'';
  ++active[fresh];
  bound.push_back(fresh);
  if (argument)
    values[argument] = arena.coordinate(fresh);
}

/// Reads the ops in order, so that the depth of an expression costs no stack here.
const Tree *CascadeModel::Reader::body(Block &block) {
  for (Operation &op : block.without_terminator())
    if (op.getNumResults() == 1)
      scalar(op.getResult(0));
  return scalar(block.getTerminator()->getOperand(0));
}

std::string CascadeModel::Reader::tensorName(Value value) {
  auto found = tensorNames.find(value);
  return found != tensorNames.end() ? found->second : declareTensor(value, "tensor");
}

void CascadeModel::Reader::declareEquations(Block &block, std::vector<Loop> &loops) {
  for (Operation &op : block) {
    if (auto recurrence = dyn_cast<attn::RecurrenceOp>(op)) {
      bool backward = recurrence.getDirection() == attn::Direction::Backward;
      loops.push_back({&op, recurrence.getAlong().str(), backward});
      declareEquations(recurrence.getBody().front(), loops);
      loops.pop_back();
      for (auto [outer, inner] : llvm::zip(recurrence.getResults(), recurrence.getYield().getValues()))
        tensorNames[outer] = tensorNames[inner];
    } else if (auto stream = dyn_cast<attn::StreamOp>(op)) {
      for (auto [result, inner] : llvm::zip(stream.getResults(), stream.getYield().getValues())) {
        auto name = inner.getDefiningOp()->getAttrOfType<StringAttr>("name");
        model.streamed.push_back(declareTensor(result, name ? name.getValue() : "tensor"));
      }
    } else if (isa<attn::EinsumOp, attn::ArgtopkOp>(op)) {
      Equation equation;
      equation.op = &op;
      equation.loops = loops;
      equation.name = declareTensor(op.getResult(0), op.getAttrOfType<StringAttr>("name").getValue());
      model.tensors[equation.name].equation = int(model.equations.size());
      model.equations.push_back(std::move(equation));
    }
  }
}

void CascadeModel::Reader::readEquation(Equation &equation) {
  auto einsum = dyn_cast<attn::EinsumOp>(equation.op);
  auto argtopk = dyn_cast<attn::ArgtopkOp>(equation.op);
  ArrayAttr coords = einsum ? einsum.getCoords() : argtopk.getCoords();
  ValueRange sizes = einsum ? ValueRange(einsum.getExtents()) : ValueRange(argtopk.getExtents());
  Block &block = equation.op->getRegion(0).front();
  SmallVector<std::string> bound, over;
  for (auto [i, name] : llvm::enumerate(coords.getAsRange<StringAttr>())) {
    bool list = argtopk && i + 1 == coords.size();
    bind(name.getValue(), sizes[i], list ? Value() : Value(block.getArgument(i)), bound);
  }
  if (argtopk)
    bind(cast<StringAttr>(argtopk.getOver()[0]).getValue(), argtopk.getOverExtent(),
         block.getArguments().back(), over);
  equation.coords.assign(bound.begin(), bound.end());
  Tensor &tensor = model.tensors[equation.name];
  for (auto [coord, size] : llvm::zip(bound, sizes)) {
    tensor.ranks.push_back(rankOf(coord));
    tensor.extents.push_back(extent(size));
  }
  equation.body = body(block);
  if (argtopk)
    equation.body =
        arena.get(TreeKind::Selection, ScalarKind::Integer, "argtopk", {equation.body}, {over[0]});
  active.clear();
}

/// What a stream gives is taken as an input is: its equations are not the cascade's any more.
void CascadeModel::Reader::readStream(attn::StreamOp stream) {
  Extents classes(model.function);
  Presences presences(classes);
  for (auto [result, inner] : llvm::zip(stream.getResults(), stream.getYield().getValues())) {
    Tensor &tensor = model.tensors[tensorNames[result]];
    auto [names, sizes] = getLeftSide(inner.getDefiningOp());
    SmallVector<std::string> bound;
    for (auto [name, size] : llvm::zip(names.getAsRange<StringAttr>(), sizes)) {
      bind(name.getValue(), size, Value(), bound);
      tensor.ranks.push_back(rankOf(bound.back()));
      tensor.extents.push_back(extent(size));
    }
    active.clear();
    Presence presence = presences.ofTensor(result);
    if (!presence)
      tensor.needed.reset();
    for (StringRef name : presence ? *presence : std::set<std::string>()) {
      const Tree *size = name.consume_front("rank ") ? model.rankExtents.lookup(name) : nullptr;
      if (size && tensor.needed)
        tensor.needed->push_back(size);
      else
        tensor.needed.reset();
    }
  }
}

void CascadeModel::Reader::readGiven(attn::GivenOp given) {
  SmallVector<std::string> bound;
  for (auto [name, size, arg] : llvm::zip(given.getCoords().getAsRange<StringAttr>(), given.getExtents(),
                                          given.getBody().getArguments()))
    bind(name.getValue(), size, arg, bound);
  const Tree *promise = body(given.getBody().front());
  SmallVector<StringRef> coords(bound.begin(), bound.end());
  if (!coords.empty())
    promise = arena.get(TreeKind::Reduce, ScalarKind::Bool, "all", {promise}, coords);
  model.givens.push_back(promise);
  active.clear();
}

void CascadeModel::Reader::readOutputs() {
  func::FuncOp function = model.function;
  auto ret = dyn_cast<func::ReturnOp>(function.getBody().back().getTerminator());
  if (!ret)
    return;
  for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
    auto name = function.getResultAttrOfType<StringAttr>(i, attn::kName);
    Value source = value;
    if (auto whole = value.getDefiningOp<attn::MaterializeOp>())
      source = whole.getSource();
    model.outputs.push_back({name ? name.str() : ("out" + Twine(i)).str(), tensorName(source),
                             cast<RankedTensorType>(value.getType()).getElementType()});
  }
}

void CascadeModel::Reader::run() {
  readArguments();
  std::vector<Loop> loops;
  for (Block &block : model.function.getBody())
    declareEquations(block, loops);
  for (auto stream : model.function.getOps<attn::StreamOp>())
    readStream(stream);
  for (Equation &equation : model.equations)
    readEquation(equation);
  for (auto given : model.function.getOps<attn::GivenOp>())
    readGiven(given);
  readOutputs();
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

CascadeModel::CascadeModel(func::FuncOp cascade) : function(cascade) {
  assert(attn::isCascade(cascade) && !cascade.isExternal() && "not a cascade");
  Reader(*this).run();
}

void CascadeModel::addReadByStreams(StringRef rank) {
  llvm::DenseSet<Operation *> read;
  for (auto stream : function.getOps<attn::StreamOp>()) {
    if (stream.getRank() == rank)
      continue;
    stream.walk([&](attn::ReadOp op) {
      if (auto einsum = op.getSource().getDefiningOp<attn::EinsumOp>(); einsum && einsum->getParentOp() == function)
        read.insert(einsum);
    });
  }
  for (const Equation &equation : equations)
    if (read.contains(equation.op) &&
        llvm::none_of(outputs, [&](const Output &output) { return output.tensor == equation.name; }))
      outputs.push_back({equation.name, equation.name, getTensor(equation.name)->elementType});
}

const CascadeModel::Tensor *CascadeModel::getTensor(StringRef name) const {
  auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

const Tree *CascadeModel::getExtent(StringRef coordinate) const {
  return rankExtents.lookup(rankOf(coordinate));
}

bool CascadeModel::equalExtents(const Tree *a, const Tree *b) const {
  return a == b || polynomial(a) == polynomial(b);
}

std::optional<int64_t> CascadeModel::evaluate(const Tree *tree,
                                              const llvm::StringMap<int64_t> &extents) const {
  if (auto value = tree->getInteger())
    return value;
  if (tree->is(TreeKind::Extent)) {
    if (auto found = extents.find(tree->text); found != extents.end())
      return found->second;
    if (const Tree *fixed = rankExtents.lookup(tree->text); fixed && fixed->getInteger())
      return fixed->getInteger();
    const Tree *definition = definitions.lookup(tree->text);
    return definition ? evaluate(definition, extents) : std::nullopt;
  }
  if (!tree->is(TreeKind::Function) || tree->scalar != ScalarKind::Integer)
    return std::nullopt;
  SmallVector<int64_t> args;
  for (const Tree *arg : tree->args) {
    auto value = evaluate(arg, extents);
    if (!value)
      return std::nullopt;
    args.push_back(*value);
  }
  StringRef name = tree->text;
  if (args.size() == 1)
    return name == "neg"   ? std::optional(-args[0])
           : name == "abs" ? std::optional(std::abs(args[0]))
                           : std::nullopt;
  if (args.size() != 2)
    return std::nullopt;
  int64_t a = args[0], b = args[1], r;
  if (name == "add")
    return llvm::AddOverflow(a, b, r) ? std::nullopt : std::optional(r);
  if (name == "sub")
    return llvm::SubOverflow(a, b, r) ? std::nullopt : std::optional(r);
  if (name == "mul")
    return llvm::MulOverflow(a, b, r) ? std::nullopt : std::optional(r);
  if (name == "min" || name == "max")
    return name == "min" ? std::min(a, b) : std::max(a, b);
  if ((name == "floordiv" || name == "mod") && b != 0 && b != -1) {
    int64_t r = a % b < 0 ? a % b + std::abs(b) : a % b;
    return name == "mod" ? r : a / b - (a % b != 0 && (a % b < 0) != (b < 0));
  }
  return std::nullopt;
}

std::string CascadeModel::lineOf(Operation *op) const {
  Location loc = op->getLoc();
  while (auto name = dyn_cast<NameLoc>(loc))
    loc = name.getChildLoc();
  if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getLocations().empty())
    loc = fused.getLocations().front();
  auto file = dyn_cast<FileLineColLoc>(loc);
  return file ? std::to_string(file.getLine()) : "";
}
