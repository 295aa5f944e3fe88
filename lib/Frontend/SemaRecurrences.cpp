//===- SemaRecurrences.cpp - equations that read each other ---------------===//
#include "SemaGraph.h"
using namespace llvm;
using namespace weir;
using namespace weir::sema;
void weir::sema::findRecurrences(Program &program, World &world) {
  for (auto &members : stronglyConnected(program)) {
    if (members.size() > 1 || readsOf(*members[0]).contains(members[0])) {
      world.error(members[0]->loc, "equations that read each other are not compiled yet");
      program.failed = true;
      return;
    }
    Group g; g.tensors = members; program.groups.push_back(g);
  }
}
void weir::sema::checkDomains(Program &program, World &world) {}
