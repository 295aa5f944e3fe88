//===- Passes.td - the passes of lib/Conversion/AttnToTiles ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_ATTNTOTILES_PASSES_TD
#define WEIR_ATTNTOTILES_PASSES_TD
include "mlir/Pass/PassBase.td"

def ConvertAttnToTiles : Pass<"convert-attn-to-tiles", "::mlir::ModuleOp"> {
  let summary = "equations become loops over buffers";
  let description = [{
    Replaces every cascade by a kernel and its companions (weir/Support/KernelContract.h). Groups of the mapping become one `scf.forall`
    over chunks of their shared coordinates; what only a group reads is scratch of a chunk, everything else lives in the workspace. Inside, each
    equation is a nest of `scf.for` with its vector coordinate innermost, in strips of `lanes` values and a scalar rest. A tensor that is not present
    everywhere has presence bits beside its values. Recurrences run step by step, selections as a merge sort.

    ```mlir
    func.func @scale(%X: tensor<?xf32> {..}) -> (tensor<?xf32> {..}) attributes {attn.cascade} {
      %Y = attn.einsum "Y" [n] in (%N) { ^bb0(%n: i64): ... attn.map mul(%x, %two) ... attn.yield ... } : tensor<?xf32>
      %O = attn.materialize %Y : tensor<?xf32> to tensor<?xf32>
      return %O : tensor<?xf32>
    }
    // -->
    func.func @scale(%X: memref<?xf32, strided<[1]>>, %O: memref<?xf32, strided<[1]>>, %ws: memref<?xi8>) attributes {weir.kernel} {
      scf.for %n = %c0 to %N step %c1 { ... memref.load %X[%n] ... memref.store %y, %O[%n] ... }
      return
    }
    func.func @scale.workspace(..) -> i64 { ... }
    func.func @scale.check(..) -> i64 { ... }
    func.func @scale.extents(.., %out: memref<?xi64>) { ... }
    ```

    Where a stream's predicates read tensors at keys, the tiles of each block of rows are listed before it: the first key, how many, and
    which predicates hold in all of the tile. What the cascade's inputs alone decide is listed by a function of its own, `@NAME.plan`, into
    memory that the kernel takes before its workspace; many calls may share it. With `allocated` the kernel lists tiles itself, from a byte for each
    step of keys and block of rows, which a loop over both writes before. test/Conversion/AttnToTiles/plan.mlir runs this example:

    ```mlir
    %O = attn.stream "N" [n] in (%N) mapping #mapping.tiles<rows = "m", m = 24, n = 128> { ... DOC[n] == ID[m] ... }
    // -->
    func.func @documents(.., %plan: memref<?xi8> {weir.plan}, %ws: memref<?xi8>) { ... scf.for %i = %c0 to %tiles { ... } ... }
    func.func @documents.plan(.., %plan: memref<?xi8>) attributes {weir.plan} { summaries of DOC, then lists }
    func.func @documents.plan_bytes(..) -> i64 { ... }
    ```

    Where bounds of the keys move with the row, the products of a tile's first and last keys are those of half of the rows, which alone needs them.
    test/Conversion/AttnToTiles/halves.attn runs this example:

    ```mlir
    S[m,n] = sum(d) Q[m,d]*K[n,d] where n <= m and m - n < 100
    // -->
    scf.for %section = %c0 to %c4 {
      // keys %bounds[%section] to %bounds[%section + 1]
      scf.if %isEven { linalg.contract {weir.blocks_of = 8} .. outs(.. : memref<32x?xf32>) } else { linalg.contract .. outs(.. : memref<64x?xf32>) }
    }
    ```

    A stream in tiles becomes one `scf.forall` over its blocks of rows. With `split = K` in its mapping, or where its extents make so few
    blocks that threads would lack work, each block's keys are cut into parts: one loop folds the parts, each into a state of its own that
    goes to a slot of the workspace; a second one merges the slots of a block in their order and writes its results.
    test/Conversion/AttnToTiles/split.mlir runs this example:

    ```mlir
    %O = attn.stream "N" [n] in (%N) mapping #mapping.tiles<rows = "m", m = 24, n = 128, split = 3> { ... }
    // -->
    scf.for %first = %c0 to %blocks step %c21 { // as many blocks of rows as there are slots for
      scf.forall (%chunk) in (..) { ... part %item mod 3 of the keys of a block: fold, state to slot %item ... }
      scf.forall (%chunk) in (..) { ... scf.for %k = %c0 to %c3 { merge slot 3 * %i + %k } finish ... }
    }
    ```

    With `allocated` there is no loop around the two: the workspace has room for the states of all rows, a tensor of part, row and feature for
    each accumulator, and the second loop merges the parts of a row all at once:

    ```mlir
    scf.forall (%chunk) in (..) { ... part %item mod 3 of the keys of a block: fold, %state[%part, %row...] ... }
    scf.forall (%chunk) in (..) { ... sum over parts of %state[.., %row] against the largest reference, finish ... }
    ```

    Keys and values for a processor's matrix unit that many blocks of rows read are packed into the workspace before these loops, if the extents say that it pays
    (test/Conversion/AttnToTiles/packing.attn):

    ```mlir
    scf.forall (%chunk) in (..) { ... mapping.pack %keys into %memory[%at] {keys = 64 : i64} ... }
    scf.forall (%chunk) in (..) { ... %k = mapping.packed %keys at %memory[%at] if %isThere ... linalg.contract .. ins(%q, %k) ... }
    ```
  }];
  let options = [
    Option<"lanes", "lanes", "unsigned", "8", "lanes of a vector register: 32-bit elements in it; 1 makes scalar code">,
    Option<"allocated", "allocated", "bool", "false", "tiles of open extent are allocated where they are used, as a GPU's are, not taken from the workspace">,
    Option<"chunks", "chunks", "int64_t", "0", "into how many parts the blocks of rows of a stream are split at most; 0: 64">,
    Option<"concurrent", "concurrent", "int64_t", "0", "blocks that keep the machine busy: where blocks of rows are fewer, keys are split; 0: 64">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif
