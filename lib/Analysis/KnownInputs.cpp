//===- KnownInputs.cpp - what some inputs of a cascade hold ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/KnownInputs.h"

using namespace weir;

KnownInput::KnownInput(const HostTensor &tensor)
    : shape(tensor.shape), values(tensor.size()), runEnds(tensor.size()) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int64_t>(tensor.get(i));
  int64_t row = shape.empty() ? 1 : shape.back();
  for (size_t i = values.size(); i-- > 0;) {
    int64_t place = row ? int64_t(i) % row : 0;
    bool goesOn = place + 1 < row && values[i] == values[i + 1];
    runEnds[i] = goesOn ? runEnds[i + 1] : place + 1;
  }
}
