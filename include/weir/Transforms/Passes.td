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
    less than the lowest finite number, and a weighted sum `sum c * exp(lam * (a - rho))`. What an accumulator goes on from is
    combined with that: a sum is brought to the new reference, of coordinates the one counts that has the better extremum. Values and presence stay what
    they were, the single traversal is given up. It is what the generic road does with streams that have no tiled form.
    test/Transforms/dissolve-streams.mlir runs this example:

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

def ResumeStreams : Pass<"attn-resume-streams", "::mlir::func::FuncOp"> {
  let summary = "make the state of a stream an input and an output";
  let description = [{
    An `attn.stream` of the cascade folds the keys of one call (the coordinates of the stream's rank) into the state after the calls before, and gives the new
    state away: calls one after the other give what one call with all keys gives. For each accumulator A there are an input `A_in` and an output `A_out`
    of its shape, and `A_there_in`, `A_there_out`, which say where it is: absence is a bit, and the state before the first call is absent everywhere,
    0 in all inputs, which is what their `attn.default` says. A weighted sum that is there where its reference is has no bits of its own, nor has an `any`;
    beside the coordinate of an `argmax` or `argmin` stands its extremum, `A_key_in` and `A_key_out`.

    Keys are numbered through all calls. The param `N_start` (after the rank's name) is how many there were before; it is added to the stream's coordinate where that is
    a value, in a predicate or a score, and where it indexes a tensor that has no dimension of keys. Tensors that have one hold the keys of the call. In the
    finish the rank's extent is the number of all keys so far; where what is folded reads it too (`n <= m + N - M`), it is the param `N_all`, how many
    there will be in the end. Promises about keys are dropped. Refused, with the place: a rank of fixed extent, and equations for which keys of other calls
    would have to be there (a second traversal, a neighbouring key).

    The first stream goes on from a state, and with it every other of which that is possible; with `rank` those of the ranks named, all of them. A stream
    that folds what another one gives cannot, since that is known after the last call only. An accumulator that is called like one of another stream has the
    rank behind its name.

    Before:
    ```mlir
    func.func @best(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]}) -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}) attributes {attn.cascade} {
      %B = attn.stream "N" [n] in (%N) {
        %X = attn.accumulate max "X" [m] in (%M) over [n] in (%N) { ... attn.read %S[%m, %n] ... } : tensor<?xf32>
    ```
    After:
    ```mlir
    func.func @best(%S: ..., %X_in: tensor<?xf32> {attn.default = "0", attn.name = "X_in", attn.ranks = ["M"]},
                    %X_there_in: tensor<?xi1> {attn.default = "false", ...},
                    %start: i64 {attn.default = "0", attn.name = "N_start", ...}) -> (..., tensor<?xf32>, tensor<?xi1>) {
      %before = attn.einsum "X_before" [m] in (%M) { ... attn.where %x, %there ... } : tensor<?xf32>
      %B, %X = attn.stream "N" [n] in (%N) {
        %X = attn.accumulate max "X" [m] in (%M) over [n] in (%N) from %before : tensor<?xf32> { ... } : tensor<?xf32>
    ```
  }];
  let options = [ListOption<"ranks", "rank", "std::string", "the ranks to go on over; none: the first that has a stream, and others that can be">];
}

def MergeStates : Pass<"attn-merge-states", "::mlir::func::FuncOp"> {
  let summary = "fold the keys of a call by themselves, and merge the state that was given afterwards";
  let description = [{
    A stream that goes on from a state, and that runs in tiles without it, becomes a stream from nothing that yields its accumulators; equations behind
    it merge them with what was given, and finish. With `when=cheaper` only where the model of costs (weir/Analysis/StreamCost.h) has tiles ahead of
    loops over the equations. Other streams are left as they are.

    Before:
    ```mlir
    %O, %A1 = attn.stream "N" [n] in (%N) {
      %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) from %before : tensor<?xf32> { ... } : tensor<?xf32>
      %o = attn.einsum "O" [m] in (%M) { ... attn.read %A[%m] ... } : tensor<?xf32>
      attn.yield %o, %A : tensor<?xf32>, tensor<?xf32>
    } : tensor<?xf32>, tensor<?xf32>
    ```
    After:
    ```mlir
    %part = attn.stream "N" [n] in (%N) {
      %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) { ... } : tensor<?xf32>
      %p = attn.einsum "A_part" [m] in (%M) { ... attn.read %A[%m] ... } : tensor<?xf32>
      attn.yield %p : tensor<?xf32>
    } : tensor<?xf32>
    %A1 = attn.einsum "A" [m] in (%M) { ... attn.map add(%x, %y), where one of %part and %before is absent the other ... } : tensor<?xf32>
    %O = attn.einsum "O" [m] in (%M) { ... attn.read %A1[%m] ... } : tensor<?xf32>
    ```
  }];
  let options = [
    Option<"when", "when", "std::string", "\"always\"", "always, never, or cheaper">,
    Option<"vectorBytes", "vector-bytes", "unsigned", "32", "width of a vector register">,
    Option<"vectorRegisters", "vector-registers", "unsigned", "16", "how many there are">
  ];
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

def MergeTraversals : Pass<"attn-merge-traversals", "::mlir::func::FuncOp"> {
  let summary = "merge the traversals of a rank into one stream";
  let description = [{
    Where the algebra (weir/Analysis/Streaming.h) derives one traversal of a rank for equations that are written with several, builds the
    `attn.stream` that does it: exponents with their domains, and equations that carry the rank and that nothing else reads, become equations of its
    body; the derived state its accumulators; outputs its finish. One rank of a cascade is merged, the first for which this succeeds; with `every`, or
    where ranks are named, each of them gets a stream, whose outputs are also what another reads. A cascade
    that derives to as many traversals as are written, or to more than one, is left as it is, and so is what its expressions do not reach.

    With `tiled` the aim is another: streams are made as long as there is one that runs in tiles (weir/Analysis/StreamTiles.h). One whose outputs
    need more than a traversal, or reduce what it gives,
    ends at the last tensors before that are scalars of a row, or before a finish that reduces over another rank; one that reads
    integers and bools made of its rank, as a selection of blocks is, takes them as inputs, which the rest of the cascade makes before. Equations that are
    read inside and outside are computed twice. `when=cheaper` leaves out those
    that a few rows would fill so little that the equations as written are faster (weir/Analysis/StreamCost.h). The function's
    `mapping.streams` then says for each rank what was predicted and chosen, `mapping.refusals` what stands against a stream in tiles; a remark
    of category weir-streams says so too.

    Before:
    ```mlir
    %X = attn.einsum "X" [m] in (%M) { ... max over n of S[m, n] ... } : tensor<?xf32>
    %Z = attn.einsum "Z" [m] in (%M) { ... sum over n of exp(S[m, n] - X[m]) ... } : tensor<?xf32>
    ```
    After:
    ```mlir
    %Z = attn.stream "N" [n] in (%N) {
      %R = attn.accumulate ref "R1" [m] in (%M) over [n] in (%N) { ... } : tensor<?xf32>
      %S = attn.accumulate sum "S2" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] { ... } : tensor<?xf32>
      %z = attn.einsum "Z" [m] in (%M) { ... S2[m] * exp(R1[m] - X[m]) ... } : tensor<?xf32>
      attn.yield %z : tensor<?xf32>
    } : tensor<?xf32>
    ```
  }];
  let options = [
    ListOption<"ranks", "rank", "std::string", "the ranks to merge over; none: the first that can be">,
    Option<"every", "every", "bool", "false", "merge over every rank that can be, not the first only">,
    Option<"single", "single", "bool", "false", "make a stream also where the equations have one traversal and no more">,
    Option<"tiled", "tiled", "bool", "false", "make a stream where it runs in tiles and there only, be the traversals fewer or not">,
    Option<"when", "when", "std::string", "\"always\"", "with `tiled`: always, never, or cheaper: where the model of costs "
           "predicts that tiles are faster">,
    Option<"vectorBytes", "vector-bytes", "unsigned", "32", "width of a vector register; 0: nothing is predicted">,
    Option<"vectorRegisters", "vector-registers", "unsigned", "16", "how many there are">
  ];
}

def MapStreams : Pass<"attn-map-streams", "::mlir::func::FuncOp"> {
  let summary = "choose tiles for streams that are products of matrices";
  let description = [{
    Gives `#mapping.tiles` to every stream whose body splits into products of matrices and elementwise work (weir/Analysis/StreamTiles.h);
    others are left without a mapping and are dissolved. The size of a tile follows from the vector registers; with `shared-bytes`, of a
    GPU, it is the largest that keeps all tiles of a block within so many bytes. Where all that is accumulated needs a congruence of row
    and key, (m - n)%4 == 0, a tile's rows and keys are those of one residue class, `step` apart. `m`, `n` and `split` are written as they are
    given; sizes that cannot be, and a cascade in which no stream runs in tiles, are errors then.

    Before:
    ```mlir
    %O = attn.stream "N" [n] in (%N) { ... } : tensor<?x48xf32>
    ```
    After:
    ```mlir
    %O = attn.stream "N" [n] in (%N) mapping #mapping.tiles<rows = "m", m = 24, n = 128> { ... } : tensor<?x48xf32>
    ```
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "unsigned", "32", "width of a vector register">,
    Option<"vectorRegisters", "vector-registers", "unsigned", "16", "how many there are">,
    Option<"matrixUnit", "matrix-unit", "bool", "false", "of a processor: it multiplies tiles of bf16 (AMX)">,
    Option<"sharedBytes", "shared-bytes", "int64_t", "0", "of a GPU: bytes that the tiles of a block may take; 0: a processor">,
    Option<"launchBytes", "launch-bytes", "int64_t", "0", "of a GPU: bytes that they may take where rows of f32 stay in registers; 0: they do not">,
    Option<"m", "m", "int64_t", "0", "rows of a tile; 0: chosen">,
    Option<"n", "n", "int64_t", "0", "keys of a tile; 0: chosen">,
    Option<"split", "split", "int64_t", "0", "parts of the keys of a block of rows; 0: as the extents say when tiles become loops">,
    Option<"tf32", "tf32", "bool", "false", "of a GPU: factors of products of f32 are rounded to tf32, for tensor cores">
  ];
  let dependentDialects = ["::weir::mapping::MappingDialect"];
}

#endif
