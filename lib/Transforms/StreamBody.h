//===- StreamBody.h - which equations stand in a stream, and in what order ===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TRANSFORMS_STREAMBODY_H
#define WEIR_LIB_TRANSFORMS_STREAMBODY_H
#include "dialects/Attention/AttentionDialect.h"

namespace weir {

/// Sorts a stream's body: equations that carry its coordinate, accumulators, the finish.
void sortBody(attn::StreamOp stream);

/// Moves into the stream those equations outside of which a tile of it needs no more than a tile. With `copies`, also
/// copies of those that others read as well: they are computed once more.
void moveEquationsIn(attn::StreamOp stream, bool copies);

/// Gives a coordinate at which one of the stream's tensors is read the name that it has in that tensor, where it has another.
void alignCoordinates(attn::StreamOp stream);

/// Makes equations before the stream of accumulators that read none of its tensors: rows have nothing to do with them.
void moveAccumulatorsOut(attn::StreamOp stream);

/// The accumulator as an equation where it stands, in its place.
attn::EinsumOp dissolveAccumulator(attn::AccumulateOp accumulator);

} // namespace weir
#endif
