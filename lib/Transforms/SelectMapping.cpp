//===- SelectMapping.cpp - fused loop nests and vector coordinates --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs last on the attn level: it reads the final equations and only adds attributes. The lowering to loops obeys them.
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/Bodies.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_SELECTMAPPING
#include "weir/Transforms/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;
using namespace weir::attn;

namespace {
constexpr double kOpenExtent = 128; ///< what an extent that is not known is taken for

/// A coordinate of an equation's left side.
struct Coordinate {
  StringAttr name;
  std::string extent; ///< class of its extent
  bool operator==(const Coordinate &o) const { return name == o.name && extent == o.extent; }
};

/// What is grouped: an equation, a recurrence with all its equations, or the storing of an output.
struct Item {
  Operation *op;
  SmallVector<Operation *> equations;  ///< the einsums and argtopks in it
  SmallVector<Coordinate> coordinates; ///< that all of them have and no recurrence goes along
};

class Mapper {
public:
  Mapper(func::FuncOp cascade, unsigned lanes, bool fuse)
      : cascade(cascade), extents(cascade), lanes(lanes), fuse(fuse) {}
  void run();

private:
  void collect();
  SmallVector<Coordinate> coordinatesOf(Operation *equation);
  SmallVector<Coordinate> join(SmallVector<Coordinate> shared, unsigned first, unsigned last);
  bool readsAtCoordinate(Item &reader, Operation *producer, StringAttr name);
  double guess(StringRef extent) { return std::max<double>(1, Extents::constant(extent).value_or(kOpenExtent)); }
  double storage(unsigned first, unsigned last, ArrayRef<Coordinate> shared);
  bool isUsedOutside(Operation *equation, unsigned first, unsigned last);
  double work(Operation *equation, StringRef vector);
  std::pair<StringAttr, double> pickVector(Operation *equation, ArrayRef<Coordinate> shared);
  void assign(unsigned first, unsigned last, int64_t group);

  func::FuncOp cascade;
  Extents extents;
  Dependence dependence;
  unsigned lanes;
  bool fuse;
  std::vector<Item> items;
  DenseMap<Operation *, unsigned> itemOf; ///< equation -> item
};
} // namespace

SmallVector<Coordinate> Mapper::coordinatesOf(Operation *equation) {
  SmallVector<Coordinate> result;
  auto [names, ends] = getLeftSide(equation);
  for (auto [name, end] : llvm::zip(names.getAsRange<StringAttr>(), ends))
    result.push_back({name, extents.of(end)});
  if (isa<ArgtopkOp>(equation))
    result.pop_back(); // the list is made as a whole
  return result;
}

void Mapper::collect() {
  for (Operation &op : cascade.getBody().front()) {
    Item item{&op, {}, {}};
    if (isa<EinsumOp, ArgtopkOp, RecurrenceOp>(op)) {
      op.walk([&](Operation *inner) {
        if (isa<EinsumOp, ArgtopkOp>(inner))
          item.equations.push_back(inner);
      });
    } else if (auto materialize = dyn_cast<MaterializeOp>(op)) {
      Operation *source = getEquation(materialize.getSource());
      if (source)
        item.coordinates = coordinatesOf(source);
      // Two entries of an i4 output make a byte, so it is stored a whole row at a time.
      bool packed = getElementTypeOrSelf(materialize.getType()).isInteger(4);
      if (packed && isa_and_nonnull<EinsumOp>(source) && !item.coordinates.empty())
        item.coordinates.pop_back();
    } else {
      continue;
    }
    for (auto [i, equation] : llvm::enumerate(item.equations)) {
      auto own = coordinatesOf(equation);
      if (i == 0)
        item.coordinates = own;
      llvm::erase_if(item.coordinates, [&](Coordinate &c) { return !llvm::is_contained(own, c); });
      itemOf[equation] = items.size();
    }
    op.walk([&](RecurrenceOp recurrence) {
      llvm::erase_if(item.coordinates, [&](Coordinate &c) { return c.name == recurrence.getAlongAttr(); });
    });
    items.push_back(item);
  }
}

/// Whether every read in `reader` of what `producer` makes is at the coordinate `name` itself.
bool Mapper::readsAtCoordinate(Item &reader, Operation *producer, StringAttr name) {
  ArrayAttr own = getLeftSide(producer).first;
  unsigned k = llvm::find(own, name) - own.begin();
  for (Operation *equation : reader.equations) {
    auto walk = equation->walk([&](ReadOp read) {
      if (getEquation(read.getSource()) != producer)
        return WalkResult::advance();
      auto arg = dyn_cast<BlockArgument>(read.getIndices()[k]);
      bool same = arg && arg.getOwner()->getParentOp() == equation && getCoordinateName(arg) == name.getValue();
      return same ? WalkResult::advance() : WalkResult::interrupt();
    });
    if (walk.wasInterrupted())
      return false;
  }
  return true; // attn.materialize reads at every coordinate
}

/// What is left of the coordinates that items first..last-1 share once item `last` joins them.
SmallVector<Coordinate> Mapper::join(SmallVector<Coordinate> shared, unsigned first, unsigned last) {
  llvm::erase_if(shared, [&](Coordinate &c) { return !llvm::is_contained(items[last].coordinates, c); });
  for (unsigned i = first; i <= last; ++i)
    for (Operation *producer : items[i].equations)
      llvm::erase_if(shared, [&](Coordinate &c) { return !readsAtCoordinate(items[last], producer, c.name); });
  return shared;
}

bool Mapper::isUsedOutside(Operation *equation, unsigned first, unsigned last) {
  return isReadOutside(equation->getResult(0), [&](Operation *op) {
    return llvm::any_of(ArrayRef(items).slice(first, last - first + 1), [&](const Item &item) { return item.op == op; });
  });
}

/// Elements that live while the group runs: of one iteration, or whole where others read them.
double Mapper::storage(unsigned first, unsigned last, ArrayRef<Coordinate> shared) {
  double total = 0;
  for (unsigned i = first; i <= last; ++i)
    for (Operation *equation : items[i].equations) {
      bool outside = isUsedOutside(equation, first, last);
      double size = 1;
      auto [names, ends] = getLeftSide(equation);
      for (unsigned k = 0; k < ends.size(); ++k) {
        Coordinate c{cast<StringAttr>(names[k]), extents.of(ends[k])};
        if (outside || !llvm::is_contained(shared, c))
          size *= guess(c.extent);
      }
      total += size;
    }
  return total;
}

//===----------------------------------------------------------------------===//
// Vector coordinates
//===----------------------------------------------------------------------===//

static double weigh(Operation *op) {
  if (isa<ReadOp, ReduceOp>(op))
    return 1;
  if (auto map = dyn_cast<MapOp>(op))
    return map.getFn() >= Fn::Exp && map.getFn() <= Fn::Silu && map.getFn() != Fn::Relu ? 8 : 0.5;
  return isa<LiteralOp, YieldOp>(op) ? 0 : 0.5;
}

/// Scalar operations that an equation costs if the coordinate called `vector` makes the lanes.
double Mapper::work(Operation *equation, StringRef vector) {
  double total = 0;
  Block *own = &equation->getRegion(0).front();
  equation->walk([&](Operation *op) {
    if (op == equation || op->getNumResults() != 1)
      return;
    double times = weigh(op);
    Dependence::Set set = dependence.of(op->getResult(0));
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      for (Value c : dependence.of(reduce.getYield().getValues()[0]))
        set.insert(c);
      for (Value c : reduce.getBody().getArguments())
        set.insert(c);
    }
    // What a reduction's loop holds runs for every setting of the left side, whether it depends on all of it or not.
    bool inLoop = llvm::any_of(set, [&](Value c) { return cast<BlockArgument>(c).getOwner() != own; });
    if (inLoop)
      for (Value c : own->getArguments())
        set.insert(c);
    for (Value c : set) {
      auto arg = cast<BlockArgument>(c);
      times *= guess(extents.of(getExtent(arg)));
      if (getCoordinateName(arg) != vector)
        continue;
      bool spread = false; // lanes that are not neighbours in memory
      if (auto read = dyn_cast<ReadOp>(op)) {
        unsigned n = read.getIndices().size();
        for (auto [k, index] : llvm::enumerate(read.getIndices())) {
          auto step = getStep(index, c, dependence);
          spread |= !step || (*step == 1 && k + 1 < n);
        }
        spread |= getElementTypeOrSelf(read.getSource().getType()).isInteger(4);
      }
      if (auto reduce = dyn_cast<ReduceOp>(op))
        spread |= arg.getOwner()->getParentOp() == reduce.getOperation() &&
                  givesCoordinate(reduce.getReduction());
      times *= spread ? 1.5 : 1.0 / lanes;
    }
    total += times;
  });
  return total;
}

std::pair<StringAttr, double> Mapper::pickVector(Operation *equation, ArrayRef<Coordinate> shared) {
  auto none = StringAttr::get(cascade.getContext(), "");
  std::pair<StringAttr, double> best{none, work(equation, "")};
  auto consider = [&](StringAttr name) {
    double cost = work(equation, name);
    if (cost < best.second)
      best = {name, cost};
  };
  for (Coordinate &c : coordinatesOf(equation))
    if (!llvm::is_contained(shared, c))
      consider(c.name);
  if (auto topk = dyn_cast<ArgtopkOp>(equation))
    consider(cast<StringAttr>(topk.getOver()[0]));
  equation->walk([&](ReduceOp reduce) {
    for (auto name : reduce.getCoords().getAsRange<StringAttr>())
      if (llvm::none_of(coordinatesOf(equation), [&](Coordinate &c) { return c.name == name; }))
        consider(name);
  });
  return best;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// Attaches the mapping of one group. One shared coordinate may be given up as the lanes, where that saves much.
void Mapper::assign(unsigned first, unsigned last, int64_t group) {
  SmallVector<Coordinate> all = items[first].coordinates;
  for (unsigned i = first; i <= last; ++i)
    all = join(all, first, i);
  SmallVector<Coordinate> best = all;
  auto cost = [&](ArrayRef<Coordinate> shared) {
    double total = 0;
    for (unsigned i = first; i <= last; ++i)
      for (Operation *equation : items[i].equations)
        total += pickVector(equation, shared).second;
    return total;
  };
  double bestCost = cost(all) * 0.7;
  for (Coordinate &c : all) {
    SmallVector<Coordinate> fewer = all;
    llvm::erase_if(fewer, [&](Coordinate &o) { return o == c; });
    double now = cost(fewer);
    if (now < bestCost)
      bestCost = now, best = fewer;
  }
  MLIRContext *context = cascade.getContext();
  SmallVector<Attribute> names;
  for (Coordinate &c : best)
    names.push_back(c.name);
  auto shared = ArrayAttr::get(context, names);
  auto make = [&](StringAttr vector) { return mapping::LoopsAttr::get(context, group, shared, vector); };
  for (unsigned i = first; i <= last; ++i) {
    for (Operation *equation : items[i].equations)
      equation->setAttr("mapping", make(pickVector(equation, best).first));
    if (items[i].equations.empty() || items[i].op != items[i].equations[0])
      items[i].op->setAttr("mapping", make(StringAttr::get(context, "")));
  }
}

void Mapper::run() {
  collect();
  unsigned n = items.size();
  // best[i]: the least storage of items 0..i-1; from[i]: where its last group begins.
  std::vector<double> best(n + 1, std::numeric_limits<double>::infinity());
  std::vector<unsigned> from(n + 1, 0);
  best[0] = 0;
  for (unsigned i = 0; i < n; ++i) {
    SmallVector<Coordinate> shared = items[i].coordinates;
    for (unsigned j = i; j < n; ++j) {
      shared = join(shared, i, j);
      if (j > i && (!fuse || shared.empty()))
        break;
      double cost = best[i] + storage(i, j, shared) + 1; // of equal ones, fewer groups
      if (cost < best[j + 1])
        best[j + 1] = cost, from[j + 1] = i;
    }
  }
  SmallVector<std::pair<unsigned, unsigned>> groups;
  for (unsigned end = n; end > 0; end = from[end])
    groups.push_back({from[end], end - 1});
  for (auto [i, group] : llvm::enumerate(llvm::reverse(groups)))
    assign(group.first, group.second, i);
}

namespace {
struct SelectMapping : weir::impl::SelectMappingBase<SelectMapping> {
  using SelectMappingBase::SelectMappingBase;
  void runOnOperation() override {
    if (isCascade(getOperation()))
      Mapper(getOperation(), lanes, fuse).run();
  }
};
} // namespace
