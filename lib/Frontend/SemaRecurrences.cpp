//===- SemaRecurrences.cpp - equations that read each other ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A strongly connected group is a recurrence along a rank if no read in it goes ahead along that rank and
// what is left without the reads that go strictly back has no cycle, or is a recurrence along another rank in
// turn:
//
//   S[t,j] = S[t,j-1] else S[t-1,J-1]     along t the second read goes back, the first stays; along j the
//   first goes back
//
// Taking such a rank never spoils a later choice, since all reads agree with it, so the first that fits is
// taken. Whether a read goes back is asked of Proof, with all that holds where the value of the read matters:
// the equation's `where`, the predicates of reductions round it, the other factors of its product.
#include "Names.h"
#include "Proof.h"
#include "SemaGraph.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

namespace {

/// A read inside the group, with what holds where it matters.
struct Edge {
  Tensor *reader, *read;
  const Equation *equation;
  const Node *node;
  std::vector<Fact> facts;
  std::vector<std::pair<const Node *, Coordinate *>>
      equalities;       ///< along the ranks of the recurrences around
  bool reduced = false; ///< it stands in a reduction
};

enum class Step { Back, Stays, Unknown };

class GroupSolver {
public:
  GroupSolver(Program &program, World &world, ProofBudget &budget, ArrayRef<Tensor *> tensors)
      : program(program), world(world), budget(budget), members(tensors.begin(), tensors.end()) {
    for (Tensor *tensor : tensors)
      set.insert(tensor);
  }

  Group solve() {
    collectEdges();
    std::vector<Edge *> all;
    for (Edge &edge : edges)
      all.push_back(&edge);
    Group group;
    if (tooLarge) {
      world.error(firstEquation()->loc,
                  "the cycle through `" + members[0]->name + "` is too large to be understood",
                  "give a part of its expressions a name by an equation");
      program.failed = true;
    } else if (!build(members, all, group)) {
      reportCycle();
    } else {
      reportNeverStarts(group);
      warnHoles(group);
    }
    return group;
  }

private:
  const Equation *firstEquation() {
    const Equation *first = nullptr;
    for (Tensor *tensor : members)
      for (const Equation *equation : tensor->equations)
        if (!first ||
            std::pair(equation->expanded, equation->order) < std::pair(first->expanded, first->order))
          first = equation;
    return first;
  }

  //===--- Edges ---===//

  bool reaches(const Node *node) {
    auto it = reachesGroup.find(node);
    if (it != reachesGroup.end())
      return it->second;
    bool result = node->op == Op::Read && set.contains(node->tensor);
    for (const Node *arg : node->args)
      result |= reaches(arg);
    return reachesGroup[node] = result;
  }

  void collectEdges() {
    for (Tensor *tensor : members)
      for (const Equation *equation : tensor->equations) {
        current = equation;
        facts.clear();
        reductions = 0;
        if (equation->where) {
          walk(equation->where);
          facts.push_back({Fact::True, equation->where});
        }
        walk(equation->value);
      }
  }

  void with(Fact::Kind kind, const Node *fact, const Node *node) {
    facts.push_back({kind, fact});
    walk(node);
    facts.pop_back();
  }

  void walk(const Node *node) {
    constexpr unsigned kMaxVisits = 100000;
    if (tooLarge || !reaches(node))
      return;
    if (++visits > kMaxVisits) {
      tooLarge = true;
      return;
    }
    switch (node->op) {
    case Op::Else:
    case Op::And:
    case Op::Or:
    case Op::Not:
    case Op::IsAbsent:
      for (const Node *arg : node->args)
        walk(arg);
      return;
    case Op::Select:
      walk(node->args[0]);
      with(Fact::True, node->args[0], node->args[1]);
      with(Fact::NotTrue, node->args[0], node->args[2]);
      return;
    case Op::Where:
      with(Fact::True, node->args[1], node->args[0]);
      with(Fact::Present, node->args[0], node->args[1]);
      return;
    case Op::Reduce:
      ++reductions;
      walk(node->args[0]);
      --reductions;
      return;
    default:
      break;
    }
    if (node->op == Op::Read && set.contains(node->tensor)) {
      Edge edge{current->tensor, node->tensor, current, node, facts, {}, reductions > 0};
      for (const Node *index : node->args)
        edge.facts.push_back({Fact::Present, index});
      edges.push_back(std::move(edge));
    }
    // A strict operation matters where all of its operands are present.
    size_t outer = facts.size();
    for (const Node *arg : node->args) {
      if (!reaches(arg))
        continue;
      for (const Node *other : node->args)
        if (other != arg)
          facts.push_back({Fact::Present, other});
      walk(arg);
      facts.resize(outer);
    }
  }

  //===--- Ranks ---===//

  static std::optional<unsigned> dimOf(const Tensor &tensor, const Rank *rank) {
    std::optional<unsigned> found;
    for (auto [i, dim] : enumerate(tensor.dims)) {
      if (dim.rank == rank)
        return i;
      if (dim.rank && dim.rank->canonical() == rank->canonical() && !found)
        found = i;
    }
    return found;
  }

  /// Whether the index of a read and the coordinate are nowhere so far apart. What holds where the read matters may be
  /// more than a proof takes in, and mostly is not needed.
  bool impossible(const Edge &edge, unsigned from, unsigned to, int64_t offset, int direction) {
    auto contradicts = [&](ArrayRef<Fact> facts) {
      Proof proof(program, budget, false);
      for (const Fact &fact : facts)
        proof.assume(fact);
      for (auto [index, coord] : edge.equalities)
        proof.assumeEqual(index, coord);
      proof.assumeDistance(edge.node->args[to], edge.equation->coords[from], offset, direction);
      return proof.contradictory();
    };
    return contradicts({}) || contradicts(edge.facts);
  }

  Step stepOf(const Edge &edge, unsigned from, unsigned to, bool backward) {
    const Node *index = edge.node->args[to];
    if (index->op == Op::Coord && index->coord == edge.equation->coords[from])
      return Step::Stays;
    int direction = backward ? -1 : 1;
    if (impossible(edge, from, to, 0, direction))
      return Step::Back;
    return impossible(edge, from, to, 1, direction) ? Step::Stays : Step::Unknown;
  }

  /// Tries every rank of the first tensor, in both directions.
  bool build(ArrayRef<Tensor *> tensors, ArrayRef<Edge *> inner, Group &group) {
    for (bool backward : {false, true})
      for (const Dim &dim : tensors[0]->dims)
        if (dim.rank && buildAlong(tensors, inner, dim.rank, backward, group))
          return true;
    return false;
  }

  bool buildAlong(ArrayRef<Tensor *> tensors, ArrayRef<Edge *> inner, const Rank *rank, bool backward,
                  Group &group) {
    Group result;
    result.along = rank;
    result.backward = backward;
    for (Tensor *tensor : tensors) {
      auto dim = dimOf(*tensor, rank);
      if (!dim)
        return false;
      result.dim[tensor] = *dim;
    }
    std::vector<Edge *> staying;
    for (Edge *edge : inner) {
      Step step = stepOf(*edge, result.dim[edge->reader], result.dim[edge->read], backward);
      if (step == Step::Unknown)
        return false;
      if (step == Step::Stays)
        staying.push_back(edge);
    }
    if (staying.size() == inner.size())
      return false;
    result.tensors.assign(tensors.begin(), tensors.end());
    if (!buildInner(tensors, staying, result))
      return false;
    group = std::move(result);
    return true;
  }

  /// What one step computes: groups of what is left of the cycles, along other ranks.
  bool buildInner(ArrayRef<Tensor *> tensors, ArrayRef<Edge *> staying, Group &result) {
    DenseMap<Tensor *, unsigned> index;
    for (auto [i, tensor] : enumerate(tensors))
      index[tensor] = i;
    std::vector<SmallVector<unsigned, 4>> graph(tensors.size());
    for (Edge *edge : staying)
      graph[index[edge->reader]].push_back(index[edge->read]);
    for (const std::vector<unsigned> &part : stronglyConnected(graph)) {
      std::vector<Tensor *> inside;
      DenseSet<Tensor *> insideSet;
      for (unsigned i : part) {
        inside.push_back(tensors[i]);
        insideSet.insert(tensors[i]);
      }
      std::vector<Edge *> left;
      for (Edge *edge : staying)
        if (insideSet.contains(edge->reader) && insideSet.contains(edge->read))
          left.push_back(edge);
      Group step;
      step.tensors = inside;
      if (!left.empty()) {
        for (Edge *edge : left)
          edge->equalities.push_back(
              {edge->node->args[result.dim[edge->read]], edge->equation->coords[result.dim[edge->reader]]});
        bool good = build(inside, left, step);
        for (Edge *edge : left)
          edge->equalities.pop_back();
        if (!good)
          return false;
      }
      result.inner.push_back(std::move(step));
    }
    return true;
  }

  //===--- Messages ---===//

  /// `S[t-1,d]` as it is written.
  std::string textOf(const Node *read) {
    const char *begin = read->loc.getPointer(), *end = begin;
    StringRef rest(begin, 400);
    unsigned buffer = world.sources.FindBufferContainingLoc(read->loc);
    if (buffer)
      rest = StringRef(begin,
                       std::min<size_t>(400, world.sources.getMemoryBuffer(buffer)->getBufferEnd() - begin));
    unsigned depth = 0;
    for (char c : rest) {
      ++end;
      depth += c == '[';
      if (c == ']' && --depth == 0)
        break;
      if (c == '\n' && depth == 0)
        break;
    }
    std::string text = world.textOf(read->loc, SMLoc::getFromPointer(end));
    return StringRef(text).starts_with(read->tensor->name + "[") ? text : read->tensor->name;
  }

  /// A shortest cycle through the first tensor that has one, as text.
  std::string describeCycle(std::vector<const Edge *> &cycle) {
    DenseMap<Tensor *, const Edge *> via;
    Tensor *start = firstEquation()->tensor;
    std::vector<Tensor *> work{start};
    const Edge *last = nullptr;
    for (size_t i = 0; i < work.size() && !last; ++i)
      for (const Edge &edge : edges) {
        if (edge.reader != work[i])
          continue;
        if (edge.read == start) {
          last = &edge;
          break;
        }
        if (via.try_emplace(edge.read, &edge).second)
          work.push_back(edge.read);
      }
    if (!last)
      return "";
    cycle.push_back(last);
    for (Tensor *at = last->reader; at != start; at = cycle.back()->reader)
      cycle.push_back(via[at]);
    std::reverse(cycle.begin(), cycle.end());
    std::string text;
    constexpr size_t kLongest = 6;
    for (auto [i, edge] : enumerate(cycle)) {
      if (i == kLongest && cycle.size() > kLongest + 1) {
        text += ", ...";
        break;
      }
      text += (i ? ", `" : "`") + edge->reader->name + "` reads `" + textOf(edge->node) + "`";
    }
    return text;
  }

  void reportCycle() {
    std::vector<const Edge *> cycle;
    std::string text = describeCycle(cycle);
    std::string note = "each tensor of the cycle carries the rank, and every way round reads at `t-1`, at "
                       "`t-C`, or all before by `sum(l | l < t)`";
    for (const Edge *edge : cycle)
      for (auto [i, index] : enumerate(edge->node->args)) {
        auto isData = [](const Node *n) { return n->op == Op::Read || n->op == Op::Param; };
        std::string c = i < edge->read->dims.size() && edge->read->dims[i].rank
                            ? names::coordinateOf(edge->read->dims[i].rank->name)
                            : "t";
        if (isData(index)) {
          std::string inner = index->op == Op::Read ? textOf(index) : index->param->declaration->name.str();
          std::string whole = textOf(edge->node);
          size_t place = whole.find(inner, edge->read->name.size());
          if (place != std::string::npos)
            whole.replace(place, inner.size(), "min(" + inner + ", " + c + "-1)");
          note = "write `" + whole + "`, or promise it: `given " + inner + " < " + c + "`";
        }
        if (index->op == Op::Divide || index->op == Op::Modulo || hasDivision(edge->equation))
          note = "a recurrence along chunks is written with chunk coordinates: tensors over c and i for t = "
                 "c*CS + i, which go back along c";
      }
    world.error(firstEquation()->loc,
                "these equations read each other in a cycle that goes neither strictly back nor strictly "
                "forward along a rank: " +
                    text,
                note);
    program.failed = true;
  }

  static bool hasDivision(const Equation *equation) {
    DenseSet<const Node *> seen;
    SmallVector<const Node *, 16> work{equation->value};
    if (equation->where)
      work.push_back(equation->where);
    while (!work.empty()) {
      const Node *node = work.pop_back_val();
      if (!seen.insert(node).second)
        continue;
      if ((node->op == Op::Divide || node->op == Op::Modulo) && node->kind == Kind::Integer &&
          node->context == Context::Comparison)
        return true;
      work.append(node->args.begin(), node->args.end());
    }
    return false;
  }

  /// Whether a node can be present while the tensors that have not started are absent.
  bool mayStart(const Node *node, const DenseSet<Tensor *> &started, DenseMap<const Node *, bool> &known) {
    if (auto it = known.find(node); it != known.end())
      return it->second;
    auto arg = [&](unsigned i) { return mayStart(node->args[i], started, known); };
    bool result = true;
    switch (node->op) {
    case Op::Not:
    case Op::IsAbsent:
      break;
    case Op::Else:
    case Op::And:
    case Op::Or: {
      bool a = arg(0), b = arg(1);
      result = a || b;
      break;
    }
    case Op::Select: {
      bool c = arg(0), a = arg(1), b = arg(2);
      result = (c && a) || b;
      break;
    }
    case Op::Reduce:
      if (node->reduction != attn::Reduction::Count && node->reduction != attn::Reduction::Any &&
          node->reduction != attn::Reduction::All)
        result = arg(0);
      break;
    default:
      if (node->op == Op::Read && set.contains(node->tensor) && !started.contains(node->tensor))
        result = false;
      for (const Node *part : node->args)
        result &= mayStart(part, started, known);
    }
    return known[node] = result;
  }

  void reportNeverStarts(const Group &group) {
    DenseSet<Tensor *> started;
    for (bool changed = true; changed;) {
      changed = false;
      DenseMap<const Node *, bool> known;
      for (Tensor *tensor : members)
        for (const Equation *equation : tensor->equations)
          if (!started.contains(tensor) && mayStart(equation->value, started, known) &&
              (!equation->where || mayStart(equation->where, started, known))) {
            started.insert(tensor);
            changed = true;
          }
    }
    if (started.size() == members.size())
      return;
    program.failed = true;
    const Edge *shown = nullptr;
    for (const Edge &edge : edges) {
      if (started.contains(edge.reader) || started.contains(edge.read))
        continue;
      unsigned from = group.dim.lookup(edge.reader), to = group.dim.lookup(edge.read);
      const Node *index = edge.node->args[to];
      bool stays = index->op == Op::Coord && index->coord == edge.equation->coords[from];
      if (!stays && !shown)
        shown = &edge;
    }
    if (!shown)
      return world.error(firstEquation()->loc, "`" + firstEquation()->tensor->name +
                                                   "` never starts: each of its values needs another one");
    std::string read = textOf(shown->node), c = names::coordinateOf(group.along->name);
    std::string first = c + " = " + (group.backward ? group.along->name + " - 1" : "0");
    std::string where = c + " == " + (group.backward ? group.along->name + "-1" : "0");
    std::string what = shown->reduced ? "the reduction over " + read + " is absent at " + first
                                      : read + " is absent at " + first;
    world.error(shown->equation->loc, shown->reader->name + " never starts: " + what + "; write (" +
                                          (shown->reduced ? "(...) else start" : read + " else start") +
                                          ") or an equation for " + where);
  }

  //===--- Holes ---===//

  static bool readsTensor(const Node *node) {
    return node->op == Op::Read || any_of(node->args, [](const Node *arg) { return readsTensor(arg); });
  }
  static bool names(const Node *node, const Coordinate *coord) {
    return (node->op == Op::Coord && node->coord == coord) ||
           any_of(node->args, [&](const Node *arg) { return names(arg, coord); });
  }

  /// `t < LEN[b]` and the like leave no hole: what they cut off is all before or all after.
  static bool leavesHole(const Node *where, const Coordinate *along) {
    if (where->op == Op::And)
      return leavesHole(where->args[0], along) || leavesHole(where->args[1], along);
    if (!readsTensor(where) || !names(where, along))
      return false;
    bool orders = where->op == Op::Map && where->fn >= attn::Fn::Lt && where->fn <= attn::Fn::Ge;
    if (!orders)
      return true;
    const Node *a = where->args[0], *b = where->args[1];
    bool plain = (a->op == Op::Coord && a->coord == along && !names(b, along)) ||
                 (b->op == Op::Coord && b->coord == along && !names(a, along));
    return !plain;
  }

  bool hasElse(const Node *node) {
    if (!reaches(node))
      return false;
    if (node->op == Op::Else && reaches(node->args[0]))
      return true;
    return any_of(node->args, [&](const Node *arg) { return hasElse(arg); });
  }

  void warnHoles(const Group &group) {
    for (Tensor *tensor : members)
      for (const Equation *equation : tensor->equations) {
        Coordinate *along = equation->coords[group.dim.lookup(tensor)];
        if (!equation->where || equation->expanded || !leavesHole(equation->where, along) ||
            !hasElse(equation->value))
          continue;
        std::string t = along->name;
        world.warning(equation->whereLoc.isValid() ? equation->whereLoc : equation->loc,
                      "where this does not hold `" + tensor->name +
                          "` is absent, and the recurrence starts again after it by its `else`",
                      "to skip a step write `" + tensor->name + "[...] = KEEP ? new : " + tensor->name +
                          "[..." + t + "-1...]`; to start once, write one equation `... where " + t +
                          " == 0` and one `... where " + t + " > 0`");
      }
  }

  Program &program;
  World &world;
  ProofBudget &budget;
  std::vector<Tensor *> members;
  DenseSet<Tensor *> set;
  std::deque<Edge> edges;
  DenseMap<const Node *, bool> reachesGroup;
  const Equation *current = nullptr;
  std::vector<Fact> facts;
  unsigned reductions = 0, visits = 0;
  bool tooLarge = false;
};

} // namespace

void weir::sema::findRecurrences(Program &program, World &world) {
  ProofBudget budget;
  for (const std::vector<Tensor *> &members : stronglyConnected(program)) {
    bool cyclic = members.size() > 1 || readsOf(*members[0]).contains(members[0]);
    if (cyclic) {
      program.groups.push_back(GroupSolver(program, world, budget, members).solve());
    } else {
      Group alone;
      alone.tensors = members;
      program.groups.push_back(std::move(alone));
    }
  }
}
