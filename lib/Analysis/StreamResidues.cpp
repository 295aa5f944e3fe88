//===- StreamResidues.cpp - rows and keys of one residue class ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of a mask like (m - n)%4 == 0 each block of neighbouring rows and keys has a quarter. Rows whose remainders are
// equal have the same keys, whose remainders are equal too: renamed by their quotients both lie side by side, and the
// congruence is gone. What it says of a key is n = constant + a sum of multiples of coordinates and extents, modulo a
// number, which is the same for rows of one class because sums and multiples of what is congruent are congruent.
#include "weir/Analysis/StreamData.h"
#include "weir/Analysis/StreamTiles.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>
#include <utility>

using namespace mlir;
using namespace weir;
using namespace weir::attn;

constexpr int64_t kLargestModulus = 1 << 20; ///< products of two remainders stay far inside 64 bits

static int64_t modulo(int64_t v, int64_t by) { return (v % by + by) % by; }

/// Adds factor * value to a sum; false: it is no sum of coordinates and extents.
bool StreamTiles::addTo(Residue &sum, Value value, int64_t factor) const {
  factor = modulo(factor, sum.modulus);
  auto addConstant = [&](int64_t number) {
    sum.constant = modulo(sum.constant + factor * modulo(number, sum.modulus), sum.modulus);
    return true;
  };
  auto addTerm = [&](std::string name) {
    auto &[own, before] = sum.terms[name];
    own = value;
    before = modulo(before + factor, sum.modulus);
    return true;
  };
  if (auto literal = getLiteral(value))
    return addConstant(*literal);
  if (auto argument = dyn_cast<BlockArgument>(value)) // a param may be any number
    return !isa<func::FuncOp>(argument.getOwner()->getParentOp()) && roleOf(argument) != Role::Inner &&
           addTerm(getCoordinateName(argument).str());
  if (isa<func::FuncOp>(value.getDefiningOp()->getParentOp())) {
    std::string name = extents->of(value);
    if (auto constant = Extents::constant(name))
      return addConstant(*constant);
    return !StringRef(name).contains("value ") && addTerm(name);
  }
  auto map = value.getDefiningOp<MapOp>();
  if (!map)
    return false;
  ValueRange operands = map.getOperands_();
  switch (map.getFn()) {
  case Fn::Neg:
    return addTo(sum, operands[0], -factor);
  case Fn::Add:
    return addTo(sum, operands[0], factor) && addTo(sum, operands[1], factor);
  case Fn::Sub:
    return addTo(sum, operands[0], factor) && addTo(sum, operands[1], -factor);
  case Fn::Mul:
    for (unsigned k : {0u, 1u})
      if (auto c = getLiteral(operands[k]))
        return addTo(sum, operands[1 - k], factor * modulo(*c, sum.modulus));
    return false;
  default:
    return false;
  }
}

/// What `x%d == r` or `x%d == y%d` says of a key, if that is all it says.
std::optional<StreamTiles::Residue> StreamTiles::residueOf(Value predicate) const {
  auto equal = predicate.getDefiningOp<MapOp>();
  if (!equal || equal.getFn() != Fn::Eq)
    return std::nullopt;
  Residue sum{}; // is congruent to 0
  for (Value side : equal.getOperands_()) {
    auto map = side.getDefiningOp<MapOp>();
    if (!map || map.getFn() != Fn::Mod)
      continue;
    int64_t modulus = getLiteral(map.getOperands_()[1]).value_or(0);
    if (modulus < 2 || modulus > kLargestModulus || (sum.modulus && sum.modulus != modulus))
      return std::nullopt;
    sum.modulus = modulus;
  }
  if (!sum.modulus)
    return std::nullopt;
  int64_t sign = 1;
  for (Value side : equal.getOperands_()) {
    auto map = side.getDefiningOp<MapOp>();
    bool isMod = map && map.getFn() == Fn::Mod;
    auto remainder = getLiteral(side);
    bool isRemainder = remainder && *remainder >= 0 && *remainder < sum.modulus;
    if ((!isMod && !isRemainder) || !addTo(sum, isMod ? map.getOperands_()[0] : side, std::exchange(sign, -1)))
      return std::nullopt;
  }
  std::optional<unsigned> own;
  int64_t factor = 0;
  for (auto [k, key] : llvm::enumerate(keys)) {
    auto term = sum.terms.find(key.first.str());
    if (term == sum.terms.end() || !term->second.second)
      continue;
    if (own)
      return std::nullopt; // of two coordinates of the key neither follows from the row
    own = k;
    factor = term->second.second;
  }
  if (!own || std::gcd(factor, sum.modulus) != 1)
    return std::nullopt;
  int64_t inverse = 1;
  while (inverse * factor % sum.modulus != 1)
    ++inverse;
  Residue residue{*own, sum.modulus, modulo(-inverse * sum.constant, sum.modulus), {}, {}, {}};
  for (auto &[name, term] : sum.terms)
    if (term.second && name != keys[*own].first)
      residue.terms[name] = {term.first, modulo(-inverse * term.second, sum.modulus)};
  for (auto &[name, extent] : rows)
    if (!isAlone && residue.terms.count(name.str()))
      residue.rows.insert(name);
  return residue;
}

/// Whether two congruences say the same.
static bool isSame(const StreamTiles::Residue &x, const StreamTiles::Residue &y) {
  auto isSameTerm = [](auto &p, auto &q) { return p.first == q.first && p.second.second == q.second.second; };
  return x.key == y.key && x.modulus == y.modulus && x.constant == y.constant && x.terms.size() == y.terms.size() &&
         std::equal(x.terms.begin(), x.terms.end(), y.terms.begin(), isSameTerm);
}

static void addConjuncts(Value predicate, SmallVectorImpl<Value> &found) {
  if (auto both = predicate.getDefiningOp<AndOp>())
    for (Value part : both->getOperands())
      addConjuncts(part, found);
  else
    found.push_back(predicate);
}

/// The congruences that can be taken, the first of each coordinate of the key.
void StreamTiles::findResidues() {
  SmallVector<SmallVector<Value>> conjunctions;
  for (ArrayRef<Value> predicates : needed()) {
    auto &own = conjunctions.emplace_back();
    for (Value predicate : predicates)
      addConjuncts(predicate, own);
  }
  for (Value predicate : conjunctions.front()) {
    std::optional<Residue> residue = residueOf(predicate);
    auto isTaken = [&](const Residue &other) { return residue->key == other.key; };
    if (!residue || llvm::any_of(residues, isTaken))
      continue;
    bool isOfAll = true;
    for (ArrayRef<Value> others : conjunctions) {
      bool isOfThese = false;
      for (Value other : others)
        if (auto own = residueOf(other); own && isSame(*residue, *own)) {
          residue->predicates.insert(other);
          isOfThese = true;
        }
      isOfAll &= isOfThese;
    }
    // Rows of one class by two numbers would be of one class by a multiple of both.
    auto isFree = [&](StringRef row) {
      bool isOfShared = shared && quotientOf(shared)->row == row;
      return !isOfShared && llvm::is_contained({int64_t(1), residue->modulus}, stepOf(row));
    };
    // A table of differences has lines for those of rows and keys that are equally far apart.
    bool isShifted = llvm::any_of(products, [](auto &entry) { return !entry.second.shifted.empty(); });
    if (!isOfAll || !llvm::all_of(residue->rows, isFree) || (isShifted && residue->rows.empty()))
      continue;
    for (StringRef row : residue->rows)
      steps[row] = residue->modulus;
    steps[keys[residue->key].first] = residue->modulus;
    residues.push_back(*residue);
  }
}

/// Classes are taken where a mapping says so, or has not been chosen; but not where data say of blocks of rows and keys that lie side by side
/// which of them matter.
bool StreamTiles::chooseSteps() {
  StreamData data(*this);
  bool isOfData = !data.ofRows.empty() || data.asksKeys();
  auto given = stream->getAttrOfType<mapping::TilesAttr>("mapping");
  if (given ? !given.getSteps().empty() : !isOfData)
    findResidues();
  if (!given || ArrayRef<int64_t>(stepsOfKeys()) == given.getSteps())
    return true;
  reason.clear();
  return refuse("its mapping takes keys by steps that follow from no congruence that it needs");
}

SmallVector<int64_t> StreamTiles::stepsOfKeys() const {
  SmallVector<int64_t> found;
  if (!residues.empty())
    for (auto &[name, extent] : keys)
      found.push_back(stepOf(name));
  return found;
}

bool StreamTiles::isResidue(Value predicate) const {
  return llvm::any_of(residues,
                      [&](const Residue &residue) { return residue.predicates.contains(predicate); });
}
