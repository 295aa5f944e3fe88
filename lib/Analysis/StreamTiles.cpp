//===- StreamTiles.cpp - streams that are products of matrices ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

constexpr int64_t kMaxInner = 512; ///< a longer inner coordinate would not fit the tiles of a thread

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

StreamTiles::Role StreamTiles::roleOf(BlockArgument coordinate) const {
  if (isa<ReduceOp>(coordinate.getOwner()->getParentOp()))
    return Role::Inner;
  StringRef name = getCoordinateName(coordinate);
  auto isOneOf = [&](const Coordinates &list) {
    return llvm::any_of(list, [&](auto &entry) { return entry.first == name; });
  };
  if (isOneOf(rows))
    return isAlone ? Role::Outer : Role::Row;
  return isOneOf(keys) ? Role::Key : isOneOf(outer) ? Role::Outer : Role::Inner;
}

bool StreamTiles::dependsOn(Value value, Role role) const {
  if (role == Role::Row && shared && !reachesRow(value))
    return false;
  return llvm::any_of(dependence->of(value), [&](Value c) { return roleOf(cast<BlockArgument>(c)) == role; });
}

bool StreamTiles::dependsOn(Value value, StringRef name) const {
  return llvm::any_of(dependence->of(value), [&](Value c) {
    auto coordinate = cast<BlockArgument>(c);
    return roleOf(coordinate) != Role::Inner && getCoordinateName(coordinate) == name;
  });
}

StreamTiles::Pieces StreamTiles::piecesOf(AccumulateOp op) const {
  bool isRef = op.getAccumulation() == Accumulation::Ref;
  bool isReference =
      isRef || llvm::any_of(state, [&](AccumulateOp other) { return other.getReference() == op.getResult(); });
  bool isAlwaysThere =
      llvm::all_of(op.getYield().getValues(), [&](Value v) { return presences->of(v).has_value(); });
  return {!isRef, !products.find(op)->second.right.empty(), isReference, !isAlwaysThere};
}

bool StreamTiles::readsOwn(Value value) const {
  Operation *op = value.getDefiningOp();
  if (!op || isa<TensorType>(value.getType()) || !isa<AttnDialect>(op->getDialect()))
    return false;
  if (auto read = dyn_cast<ReadOp>(op); read && ownTensor(read))
    return true;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return readsOwn(reduce.getYield().getValues()[0]);
  return llvm::any_of(op->getOperands(), [&](Value v) { return readsOwn(v); });
}

bool StreamTiles::isUniform(Value value) const {
  if (isAlone && readsOwn(value))
    return false;
  return llvm::none_of(ArrayRef<Role>{Role::Row, Role::Key, Role::Inner},
                       [&](Role role) { return dependsOn(value, role); });
}

Value StreamTiles::ownTensor(ReadOp read) const {
  Operation *op = read.getSource().getDefiningOp();
  return op && op->getParentOp() == stream ? read.getSource() : Value();
}

SetVector<Value> StreamTiles::sourcesOf(Value value) const {
  SetVector<Value> found, seen;
  std::function<void(Value)> visit = [&](Value v) {
    Operation *op = v.getDefiningOp();
    if (!op || isa<TensorType>(v.getType()) || !seen.insert(v))
      return;
    if (isa<ReduceOp>(op)) {
      if (!isUniform(v))
        found.insert(v);
      return;
    }
    if (auto read = dyn_cast<ReadOp>(op))
      if (Value tensor = ownTensor(read)) {
        found.insert(tensor);
        return;
      }
    for (Value operand : op->getOperands())
      visit(operand);
  };
  visit(value);
  return found;
}

bool StreamTiles::hasOuterAndRows(ArrayAttr names) const {
  auto has = [&](auto &entry) {
    return llvm::any_of(names, [&](Attribute a) { return cast<StringAttr>(a).getValue() == entry.first; });
  };
  return llvm::all_of(rows, has) && llvm::all_of(outer, has);
}

/// Whether a read of one of the stream's tensors is at the reader's own coordinates of the same names.
bool StreamTiles::isOwnIdentity(ReadOp read) const {
  Operation *producer = read.getSource().getDefiningOp();
  auto [names, ends] = getLeftSide(producer);
  for (auto [index, name, end] : llvm::zip(read.getIndices(), names.getAsRange<StringAttr>(), ends)) {
    auto arg = dyn_cast<BlockArgument>(index);
    if (!arg || isa<ReduceOp>(arg.getOwner()->getParentOp()) || getCoordinateName(arg) != name.getValue() ||
        extents->of(getExtent(arg)) != extents->of(end))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Judgements
//===----------------------------------------------------------------------===//

/// Says why the stream does not run in tiles; the first answer to a question is the deepest one.
bool StreamTiles::refuse(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return false;
}

static std::string nameOf(Value tensor) {
  if (Operation *op = getEquation(tensor))
    return op->getAttrOfType<StringAttr>("name").str();
  auto argument = cast<BlockArgument>(tensor);
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto name =
      function ? function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kName) : StringAttr();
  return name ? name.str() : "an input";
}

/// Whether index k of a read lies inside for all coordinates.
bool StreamTiles::judgeInside(ReadOp read, unsigned k) {
  return presences->isInside(read, k) ||
         refuse("index " + Twine(k) + " of a read of " + nameOf(read.getSource()) + " may lie outside");
}

/// Elementwise in row and key. Where a value is present must not hang on the values of tiles: it is asked again where it is needed.
bool StreamTiles::judgeElementwise(Value value) {
  if (dependsOn(value, Role::Inner))
    return refuse("a value has one coordinate more than row and key");
  SetVector<Value> seen;
  std::function<bool(Value)> visit = [&](Value v) -> bool {
    Operation *op = v.getDefiningOp();
    if (!op || isa<TensorType>(v.getType()) || !isa<AttnDialect>(op->getDialect()) || !seen.insert(v) ||
        isUniform(v))
      return true;
    if (auto reduce = dyn_cast<ReduceOp>(op))
      return judgeSum(reduce);
    if (auto read = dyn_cast<ReadOp>(op)) {
      if (ownTensor(read))
        return (llvm::is_contained(body, read.getSource().getDefiningOp()) && isOwnIdentity(read)) ||
               refuse("a value reads " + nameOf(read.getSource()) + " at other coordinates than its own");
      for (Value index : read.getIndices())
        if (!sourcesOf(index).empty())
          return refuse("an index of a read of " + nameOf(read.getSource()) + " depends on scores");
      return llvm::all_of(read.getIndices(), visit);
    }
    if (auto where = dyn_cast<WhereOp>(op); where && !sourcesOf(where.getPredicate()).empty())
      return refuse("a condition depends on scores");
    if (auto select = dyn_cast<SelectOp>(op))
      if (!presences->of(v) && !sourcesOf(select.getCondition()).empty())
        return refuse("a choice between values that may be absent depends on scores");
    if (auto map = dyn_cast<MapOp>(op))
      if ((map.getFn() == Fn::Floordiv || map.getFn() == Fn::Mod) && !sourcesOf(map.getOperands_()[1]).empty())
        return refuse("a division of integers by scores may have no result");
    return llvm::all_of(op->getOperands(), visit);
  };
  return visit(value);
}

/// A factor of a product: of row or key and the inner coordinate. `partial` is set where it may be absent otherwise than
/// by an index that is the same in the whole block.
bool StreamTiles::judgeFactor(Value value, bool &partial) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<AttnDialect>(op->getDialect()) || isUniform(value))
    return true;
  if (isa<ReduceOp>(op))
    return refuse("a factor of a product is a reduction itself");
  if (auto read = dyn_cast<ReadOp>(op)) {
    if (ownTensor(read))
      return refuse("a factor reads " + nameOf(read.getSource()) + " of the same stream");
    partial |= !presences->ofTensor(read.getSource());
    for (unsigned k = 0; k < read.getIndices().size(); ++k) {
      Value index = read.getIndices()[k];
      if (isUniform(index) || presences->isInside(read, k))
        continue;
      partial = true;
      if (!judgeFactor(index, partial))
        return false;
    }
    return true;
  }
  auto map = dyn_cast<MapOp>(op);
  bool isTotal = (map && map.getFn() != Fn::Floordiv && map.getFn() != Fn::Mod) || isa<CastOp>(op);
  bool inside = false;
  if (!llvm::all_of(op->getOperands(), [&](Value v) { return judgeFactor(v, inside); }))
    return false;
  partial |= isTotal ? inside : !presences->of(value);
  return true;
}

/// Whether a factor may be there at some inner coordinates of a key and not at others.
bool StreamTiles::isPresentByInner(Value value) const {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<AttnDialect>(op->getDialect()) || !dependsOn(value, Role::Inner) || presences->of(value))
    return false;
  if (auto read = dyn_cast<ReadOp>(op)) {
    if (!presences->ofTensor(read.getSource()))
      return true;
    for (unsigned k = 0; k < read.getIndices().size(); ++k)
      if (!presences->isInside(read, k) && dependsOn(read.getIndices()[k], Role::Inner))
        return true;
    return false;
  }
  if (auto where = dyn_cast<WhereOp>(op); where && dependsOn(where.getPredicate(), Role::Inner))
    return true;
  if (auto select = dyn_cast<SelectOp>(op); select && dependsOn(select.getCondition(), Role::Inner))
    return true;
  return llvm::any_of(op->getOperands(), [&](Value v) { return isPresentByInner(v); });
}

/// Of row or key in an integer that is linear in them.
std::optional<int64_t> StreamTiles::coefficientOf(Value value, Role role) const {
  if (!dependsOn(value, Role::Row) && !dependsOn(value, Role::Key))
    return 0;
  if (auto argument = dyn_cast<BlockArgument>(value))
    return roleOf(argument) == role ? 1 : 0;
  auto map = value.getDefiningOp<MapOp>();
  if (!map || !value.getType().isInteger(64))
    return std::nullopt;
  auto of = [&](unsigned k) { return coefficientOf(map.getOperands_()[k], role); };
  if (map.getFn() == Fn::Neg)
    return of(0) ? std::optional<int64_t>(-*of(0)) : std::nullopt;
  if (map.getFn() != Fn::Add && map.getFn() != Fn::Sub)
    return std::nullopt;
  std::optional<int64_t> x = of(0), y = of(1);
  if (!x || !y || std::abs(*x) > 64 || std::abs(*y) > 64)
    return std::nullopt;
  return map.getFn() == Fn::Add ? *x + *y : *x - *y;
}

/// Whether row and key matter by their difference only.
bool StreamTiles::isOfDifference(Value value) const {
  if (rows.size() != 1 || keys.size() != 1)
    return false;
  if (!dependsOn(value, Role::Row) && !dependsOn(value, Role::Key))
    return true;
  std::optional<int64_t> ofRow = coefficientOf(value, Role::Row), ofKey = coefficientOf(value, Role::Key);
  if (ofRow && ofKey)
    return *ofRow == -*ofKey;
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<ReadOp, MapOp, CastOp, SelectOp, AndOp, OrOp, NotOp>(op) &&
         llvm::all_of(op->getOperands(),
                      [&](Value v) { return isa<TensorType>(v.getType()) || isOfDifference(v); });
}

SmallVector<std::pair<Value, std::string>> StreamTiles::shiftedIndices(const Product &product) const {
  SmallVector<std::pair<Value, std::string>> found;
  SetVector<Value> seen;
  std::function<void(Value)> visit = [&](Value v) {
    Operation *op = v.getDefiningOp();
    if (!op || isa<TensorType>(v.getType()) || !seen.insert(v))
      return;
    llvm::for_each(op->getOperands(), visit); // indices of indices come first
    if (auto read = dyn_cast<ReadOp>(op))
      for (unsigned k = 0; k < read.getIndices().size(); ++k)
        if (!presences->isInside(read, k) && !isUniform(read.getIndices()[k]))
          found.push_back({read.getIndices()[k], extents->ofDim(read.getSource(), k)});
  };
  llvm::for_each(product.shifted, visit);
  return found;
}

void StreamTiles::flatten(Value value, Product &product, bool quotients) const {
  if (auto map = value.getDefiningOp<MapOp>(); map && map.getFn() == Fn::Mul && isa<FloatType>(value.getType())) {
    flatten(map.getOperands_()[0], product, quotients);
    flatten(map.getOperands_()[1], product, quotients);
    return;
  }
  if (auto map = value.getDefiningOp<MapOp>(); map && map.getFn() == Fn::Div && quotients) {
    flatten(map.getOperands_()[0], product, quotients);
    product.divisors.push_back(map.getOperands_()[1]);
    return;
  }
  if (auto where = value.getDefiningOp<WhereOp>()) {
    product.conditions.push_back(where.getPredicate());
    flatten(where.getValue(), product, quotients);
    return;
  }
  product.left.push_back(value);
}

bool StreamTiles::judgeInner(Value extent, Product &product) {
  auto constant = Extents::constant(extents->of(extent));
  product.inner = constant.value_or(ShapedType::kDynamic);
  product.innerExtent = extent;
  return !constant || (*constant >= 1 && *constant <= kMaxInner) ||
         refuse("a product has an inner extent of " + Twine(*constant) + ", tiles hold 1 to " + Twine(kMaxInner));
}

bool StreamTiles::judgeSum(ReduceOp reduce) {
  if (products.count(reduce))
    return true;
  Product all, split;
  if (reduce.getReduction() != Reduction::Sum || reduce.getExtents().size() != 1 || reduce.getType() != real)
    return refuse("a score reduces otherwise than by a real sum over one coordinate");
  if (!judgeInner(reduce.getExtents()[0], split))
    return false;
  flatten(reduce.getYield().getValues()[0], all, /*quotients=*/true);
  if (!all.conditions.empty())
    return refuse("a sum in a score has a condition");
  // Factors of neither row nor key go with the first that is of one of them, so that another stream whose rows are
  // the keys of this one computes the same bits.
  bool neutralRight = false;
  for (Value factor : llvm::reverse(all.left))
    if (!isAlone && dependsOn(factor, Role::Key) != dependsOn(factor, Role::Row))
      neutralRight = dependsOn(factor, Role::Key);
  auto sort = [&](Value factor, SmallVectorImpl<Value> &left, SmallVectorImpl<Value> &right) {
    bool ofKey = dependsOn(factor, Role::Key), ofRow = dependsOn(factor, Role::Row);
    if (ofKey && ofRow && (!isOfDifference(factor) || &right != &split.right))
      return refuse("a factor of a product depends on row and key");
    if (ofKey && ofRow) {
      bool partial = false;
      split.shifted.push_back(factor);
      if (!judgeFactor(factor, partial))
        return false;
      SetVector<Value> seen;
      std::function<bool(Value)> isPlain = [&](Value v) { // present where its indices are inside
        Operation *op = v.getDefiningOp();
        if (!op || isa<TensorType>(v.getType()) || !seen.insert(v) || isUniform(v) || presences->of(v))
          return true;
        auto read = dyn_cast<ReadOp>(op);
        return (read ? presences->ofTensor(read.getSource()).has_value() : isa<MapOp, CastOp>(op)) &&
               llvm::all_of(op->getOperands(), isPlain);
      };
      if (!isPlain(factor))
        return refuse("a factor of row minus key may be absent");
      for (auto &[index, extent] : shiftedIndices(split))
        if (dependsOn(index, Role::Inner))
          return refuse("an index of row minus key depends on the summed coordinate");
      return true;
    }
    bool isRight = ofKey || (neutralRight && !ofRow);
    (isRight ? right : left).push_back(factor);
    return judgeFactor(factor, isRight ? split.partialRight : split.partialLeft);
  };
  for (Value factor : all.left)
    if (!sort(factor, split.left, split.right))
      return false;
  for (Value divisor : all.divisors)
    if (!sort(divisor, split.divisors, split.rightDivisors))
      return false;
  if (!split.shifted.empty() && (split.left.empty() || !split.right.empty() || !split.rightDivisors.empty()))
    return refuse("a sum in a score has factors of the key and of row minus key");
  if (split.left.empty() || (split.right.empty() && split.shifted.empty()))
    return refuse("a sum in a score is no product of a factor of the row and one of the key");
  products[reduce] = split;
  sums.push_back(reduce);
  return true;
}

bool StreamTiles::judgeState(AccumulateOp op) {
  if (!op.getFrom().empty())
    return refuse(op.getName() + " goes on from a state");
  if (!hasOuterAndRows(op.getCoords()))
    return refuse(op.getName() + " lacks a coordinate that scores have");
  if (op.getOver().size() != keys.size() ||
      !llvm::all_of(llvm::enumerate(op.getOver()), [&](auto entry) {
        return llvm::any_of(keys, [&](auto &key) {
          return key.first == cast<StringAttr>(entry.value()).getValue() &&
                 extents->of(key.second) == extents->of(op.getOverExtents()[entry.index()]);
        });
      }))
    return refuse(op.getName() + " reduces over other coordinates than the rest of the state");
  if (cast<RankedTensorType>(op.getType()).getElementType() != real)
    return refuse(op.getName() + " is no real number");
  Value value = op.getYield().getValues()[0];
  SmallVector<Value> features;
  for (BlockArgument arg : op.getBody().getArguments())
    if (roleOf(arg) == Role::Inner)
      features.push_back(arg);
  if (op.getReference()) {
    Value exponent = op.getYield().getValues()[1];
    for (auto [name, own] : llvm::zip(*op.getReferenceCoords(), op.getReference().getDefiningOp<AccumulateOp>().getCoords()))
      if (name != own)
        return refuse("the reference of " + op.getName() + " is of another row");
    if (exponent.getType() != real || sourcesOf(exponent).empty())
      return refuse("the exponent of " + op.getName() + " has no scores");
    if (!judgeElementwise(exponent))
      return false;
  } else if (sourcesOf(value).empty()) {
    return refuse(op.getName() + " takes in no scores");
  }
  using A = Accumulation;
  if (!llvm::is_contained({A::Sum, A::Ref, A::Max, A::Min}, op.getAccumulation()))
    return refuse(op.getName() + " accumulates by " + stringifyAccumulation(op.getAccumulation()) +
                  "; tiles know sum, max and min");
  if (features.size() > 1)
    return refuse(op.getName() + " keeps more than one coordinate beside its row");
  Product all, split;
  if (features.empty()) {
    split.left.push_back(value);
    products[op] = split;
    return judgeElementwise(value);
  }
  if (op.getAccumulation() != A::Sum)
    return refuse(op.getName() + " is the extremum of values with a coordinate beside their row");
  if (!judgeInner(getExtent(cast<BlockArgument>(features[0])), split))
    return false;
  flatten(value, all, /*quotients=*/false);
  split.conditions = all.conditions;
  for (Value factor : all.left) {
    bool right = dependsOn(factor, Role::Inner);
    if (right && dependsOn(factor, Role::Row))
      return refuse("a factor of " + op.getName() + " depends on row, key and feature");
    if (right ? !judgeFactor(factor, split.partialRight) : !judgeElementwise(factor))
      return false;
    if (right && split.partialRight && isPresentByInner(factor))
      return refuse("a factor of " + op.getName() + " is absent at some features of a key");
    (right ? split.right : split.left).push_back(factor);
  }
  for (Value condition : split.conditions)
    if (!sourcesOf(condition).empty() || !judgeElementwise(condition))
      return refuse("a condition in " + op.getName() + " depends on scores");
  bool hasTile = op.getReference() || llvm::any_of(split.left, [&](Value v) { return !sourcesOf(v).empty(); });
  products[op] = split;
  return (hasTile && !split.right.empty()) ||
         refuse(op.getName() + " is no product of weights of row and key and a factor of the key");
}

/// Scalars of a row (and a feature) that read the state at its own coordinates.
bool StreamTiles::judgeFinish(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<TensorType>(value.getType()) || !isa<AttnDialect>(op->getDialect()))
    return true;
  if (isUniform(value))
    return true;
  if (isa<ReduceOp>(op))
    return refuse("the finish reduces over a coordinate");
  if (auto read = dyn_cast<ReadOp>(op)) {
    if (ownTensor(read))
      return isOwnIdentity(read) ||
             refuse("the finish reads " + nameOf(read.getSource()) + " at other coordinates than its own");
    for (Value index : read.getIndices())
      if (!sourcesOf(index).empty())
        return refuse("an index in the finish depends on the state");
  }
  return llvm::all_of(op->getOperands(), [&](Value v) { return judgeFinish(v); });
}
