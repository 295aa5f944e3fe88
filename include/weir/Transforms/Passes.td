//===- Passes.td - the passes of lib/Transforms ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TRANSFORMS_PASSES_TD
#define WEIR_TRANSFORMS_PASSES_TD
include "mlir/Pass/PassBase.td"

def SelectMapping : Pass<"attn-select-mapping", "::mlir::func::FuncOp"> {
  let summary = "choose fused loop nests, what runs in parallel, and vector coordinates";
  let description = [{
    Partitions the equations of a cascade, in their order, into groups that run in one loop nest over the coordinates they
    share; picks the partition that keeps the fewest elements in memory between loop nests (dynamic programming over
    consecutive equations). A coordinate is shared if every equation of the group has it and every read inside the group of a tensor made in the
    group is at exactly that coordinate. For each equation it picks the coordinate whose consecutive values become the lanes of a vector: one of
    the left side or one that is reduced, whichever leaves the least work and the fewest gathers. The result stands as `#mapping.loops` on the ops; the
    meaning is untouched.

    Before:
    ```mlir
    %P = attn.einsum "P" [m, n] in (%M, %N) { ... } : tensor<?x?xf32>
    %Z = attn.einsum "Z" [m] in (%M) { ... sum over n of P[m, n] ... } : tensor<?xf32>
    ```
    After:
    ```mlir
    %P = attn.einsum "P" [m, n] in (%M, %N) mapping #mapping.loops<group = 0, shared = ["m"], vector = "n"> { ... } : tensor<?x?xf32>
    %Z = attn.einsum "Z" [m] in (%M) mapping #mapping.loops<group = 0, shared = ["m"], vector = "n"> { ... } : tensor<?xf32>
    ```
  }];
  let options = [
    Option<"lanes", "lanes", "unsigned", "8", "lanes of a vector register that the cost model reckons with">,
    Option<"fuse", "fuse", "bool", "true", "whether several equations may share a loop nest">
  ];
  let dependentDialects = ["::weir::mapping::MappingDialect"];
}

#endif
