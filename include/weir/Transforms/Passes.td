//===- Passes.td - the passes of lib/Transforms ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TRANSFORMS_PASSES_TD
#define WEIR_TRANSFORMS_PASSES_TD
include "mlir/Pass/PassBase.td"

def DissolveStreams : Pass<"attn-dissolve-streams", "::mlir::func::FuncOp"> {
  let summary = "turn streams without a mapping back into plain equations";
  let description = [{
    The equations of an `attn.stream` stand in its place; an accumulator becomes a reduction over the stream's coordinates, a `ref` the largest body but no
    less than the lowest finite number, and a weighted sum `sum c * exp(lam * (a - rho))`. Values and presence stay what they were, the single
    traversal is given up. It is what the generic road does with streams that have no tiled form. test/Transforms/dissolve-streams.mlir runs this
    example:

    Before:
    ```mlir
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] { ... attn.yield %c, %a : f32, f32 } : tensor<?xf32>
    ```
    After:
    ```mlir
    %A = attn.einsum "A" [m] in (%M) {
      %rho = attn.read %R[%m]
      %s = attn.reduce sum [n] in (%N) { ... attn.map mul(%c, exp(%a - %rho)) ... }
      attn.yield %s : f32
    } : tensor<?xf32>
    ```
  }];
}

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
