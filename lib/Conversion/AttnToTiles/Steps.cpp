//===- Steps.cpp - what a recurrence keeps, and what runs in its loop -----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state of a recurrence has the rank that it goes along, S[t,d,f], but mostly only the step before is read. An equation
// of the same group that reads the state at its own t (O[t,f] = sum(d) Q[t,d] * S[t,d,f]) runs in the loop too. What is then
// read only at t - c, and after the loop only at the last step, is kept for the last steps alone: step t lies at t mod 2^k.
#include "KernelEmitter.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

constexpr int64_t kMaxLag = 15; ///< a longer memory is kept whole

/// The dimension of an equation's tensor that a recurrence goes along.
static unsigned dimAlong(Operation *equation, StringRef along) {
  ArrayAttr names = getLeftSide(equation).first;
  return llvm::find_if(names, [&](Attribute a) { return cast<StringAttr>(a).getValue() == along; }) - names.begin();
}

/// How many steps before its own an equation reads, if the index says so: t is 0, t - c is c (t + c where time runs backward).
static std::optional<int64_t> getLag(Value index, Operation *equation, RecurrenceOp recurrence) {
  auto isOwn = [&](Value v) {
    auto arg = dyn_cast<BlockArgument>(v);
    return arg && arg.getOwner()->getParentOp() == equation && getCoordinateName(arg) == recurrence.getAlong();
  };
  if (isOwn(index))
    return 0;
  auto map = index.getDefiningOp<MapOp>();
  Fn step = recurrence.getDirection() == Direction::Forward ? Fn::Sub : Fn::Add;
  if (!map || map.getFn() != step || !isOwn(map.getOperands_()[0]))
    return std::nullopt;
  auto lag = getLiteral(map.getOperands_()[1]);
  return lag && *lag >= 1 && *lag <= kMaxLag ? lag : std::nullopt;
}

static Operation *equationAround(Operation *op) {
  while (!isa<EinsumOp, ArgtopkOp, GivenOp>(op))
    op = op->getParentOp();
  return op;
}

/// The extent that a recurrence goes along, of any of its equations.
Value tiles::getExtentAlong(RecurrenceOp recurrence) {
  Value extent;
  recurrence.walk([&](Operation *op) {
    if (isa<EinsumOp, ArgtopkOp>(op))
      extent = getLeftSide(op).second[dimAlong(op, recurrence.getAlong())];
  });
  return extent;
}

/// Whether an item that stands after a recurrence may run in its loop, at the end of each step: an equation that reads the state, or
/// another recurrence that goes the same way.
bool KernelEmitter::runsInLoop(RecurrenceOp recurrence, Operation *op) {
  std::string steps = extents.of(getExtentAlong(recurrence));
  bool readsState = false;
  if (auto einsum = dyn_cast<EinsumOp>(op)) {
    if (!llvm::is_contained(einsum.getCoords(), recurrence.getAlongAttr()) ||
        extents.of(einsum.getExtents()[dimAlong(op, recurrence.getAlong())]) != steps)
      return false;
  } else if (auto other = dyn_cast<RecurrenceOp>(op)) {
    if (other.getAlong() != recurrence.getAlong() || other.getDirection() != recurrence.getDirection() ||
        extents.of(getExtentAlong(other)) != steps)
      return false;
    readsState = true; // it has one of its own
  } else {
    return false;
  }
  auto walk = op->walk([&](ReadOp read) {
    Operation *producer = getEquation(read.getSource());
    Operation *item = producer ? getItem(producer) : nullptr;
    if (!item || item == op || item->isBeforeInBlock(recurrence))
      return WalkResult::advance();
    if (item != recurrence && !llvm::is_contained(followers.lookup(recurrence), item))
      return WalkResult::interrupt();
    unsigned dim = dimAlong(producer, recurrence.getAlong());
    if (!getLag(read.getIndices()[dim], equationAround(read), recurrence))
      return WalkResult::interrupt();
    readsState = true;
    return WalkResult::advance();
  });
  return readsState && !walk.wasInterrupted();
}

/// The steps of an equation that must be kept, or 0: all.
int64_t KernelEmitter::countKeptSteps(RecurrenceOp recurrence, Operation *equation, const Group &group) {
  Value tensor = equation->getResult(0);
  if (isUsedOutside(tensor, group))
    return 0;
  unsigned dim = dimAlong(equation, recurrence.getAlong());
  int64_t most = 0;
  std::optional<int64_t> size = Extents::constant(extents.ofDim(tensor, dim));
  bool forward = recurrence.getDirection() == Direction::Forward;
  auto isLastStep = [&](Value index) {
    if (auto literal = getLiteral(index))
      return forward ? size && *literal == *size - 1 : *literal == 0;
    auto map = index.getDefiningOp<MapOp>();
    return forward && map && map.getFn() == Fn::Sub && getLiteral(map.getOperands_()[1]) == 1 &&
           extents.of(map.getOperands_()[0]) == extents.ofDim(tensor, dim);
  };
  auto walk = cascade.walk([&](Operation *op) {
    if (auto materialize = dyn_cast<MaterializeOp>(op))
      return getDefinition(materialize.getSource()) == tensor ? WalkResult::interrupt() : WalkResult::advance();
    auto read = dyn_cast<ReadOp>(op);
    if (!read || getDefinition(read.getSource()) != tensor)
      return WalkResult::advance();
    Operation *reader = equationAround(read);
    Value index = read.getIndices()[dim];
    Operation *item = getItem(reader);
    if (item != recurrence && !llvm::is_contained(followers.lookup(recurrence), item))
      return isLastStep(index) ? WalkResult::advance() : WalkResult::interrupt();
    auto lag = getLag(index, reader, recurrence);
    if (!lag)
      return WalkResult::interrupt();
    most = std::max(most, *lag);
    return WalkResult::advance();
  });
  return walk.wasInterrupted() ? 0 : int64_t(llvm::PowerOf2Ceil(most + 1));
}

void KernelEmitter::planSteps() {
  for (Group &group : groups)
    for (Operation *item : group.items) {
      auto recurrence = dyn_cast<RecurrenceOp>(item);
      if (!recurrence || following.contains(item))
        continue;
      for (Operation *later : group.items)
        if (recurrence->isBeforeInBlock(later) && !following.contains(later) && runsInLoop(recurrence, later)) {
          followers[recurrence].push_back(later);
          following.insert(later);
        }
      SmallVector<Operation *> loop{recurrence};
      loop.append(followers[recurrence]);
      for (Operation *inLoop : loop)
        if (auto any = dyn_cast<RecurrenceOp>(inLoop))
          for (Operation &equation : any.getBody().front().without_terminator())
            if (isa<EinsumOp>(equation))
              if (int64_t steps = countKeptSteps(recurrence, &equation, group))
                keptSteps[&equation] = steps;
    }
}
