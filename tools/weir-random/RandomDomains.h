//===- RandomDomains.h - random masks: tiles and counts by brute force ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention under a random predicate, merged into a stream as any other; its tiles and counts at random
// lengths and tile sizes are compared with every single score.
//
//   predicate = comparison | data | predicate and predicate | predicate or predicate | not predicate
//             | causal | window | dilated | blocks | neighbourhood | sinks
//   comparison = integer (== | != | < | <= | > | >=) integer
//   integer   = m | n | h | M | N | small number | integer + integer | integer - integer | -integer
//             | number * integer | floordiv(integer, number > 0) | mod(integer, number > 0)
//             | min(integer, integer) | max(integer, integer) | abs(integer) | sign(integer) | predicate ? integer : integer
//   data      = n < LEN[h] | m - n < WIDTH[h] | BLOCKS[h, floordiv(m, number), floordiv(n, number)] | n <= ROW[m] | DM[m] == DN[n]
//             | SM[m] (== | <=) SN[n], documents in order | KEEP[m, n] | FIRST[h] <= n and n < FIRST[h + 1] | FIRST[DM[m]] (<= | >) n
//             | DM[m] < integer
//
// Entries outside of a tensor are absent. In a fifth of all predicates rows and keys are pairs, m being y or x, n being u or r, and of data only the first
// three are drawn.
//
// A predicate that reads data must have no count; its tiles must hold for the data, which are drawn.
#ifndef WEIR_RANDOM_RANDOMDOMAINS_H
#define WEIR_RANDOM_RANDOMDOMAINS_H
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

/// Tries `count` predicates, prints what is wrong, and in the end how many there were and how many tiles were
/// merely classed with caution. Returns how many predicates had a wrong answer.
unsigned runRandomDomains(unsigned count, uint64_t seed, bool print, mlir::MLIRContext &context,
                          llvm::raw_ostream &os);
#endif
