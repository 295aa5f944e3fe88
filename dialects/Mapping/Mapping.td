//===- Mapping.td - how an equation is run ---------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_MAPPING_TD
#define WEIR_MAPPING_TD
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/DialectBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ViewLikeInterface.td"

def Mapping_Dialect : Dialect {
  let name = "mapping";
  let cppNamespace = "::weir::mapping";
  let summary = "How a cascade is run, never a change of meaning";
  let description = [{
    What a cascade computes stands in `attn`; how it is run stands here, as attributes on `attn` ops. Removing
    every `#mapping` attribute leaves the meaning untouched; a pass that selects a mapping only ever adds them. So it is with the operations, which
    say of a matrix of a tiled program where a copy of it lies that a matrix unit reads faster.
  }];
  let useDefaultAttributePrinterParser = 1;
}

def Mapping_LoopsAttr : AttrDef<Mapping_Dialect, "Loops"> {
  let mnemonic = "loops";
  let summary = "the generic road: fused loop nests over shared coordinates";
  let description = [{
    Equations with the same `group` run in one loop nest. `shared` names the coordinates of that outer nest, outermost
    first; every read inside the group of a tensor produced in it is at exactly those coordinates, so its iterations are independent and are
    split over threads. `vector` names the coordinate whose consecutive values are the lanes (empty: scalar code).

    ```mlir
    #mapping.loops<group = 0, shared = ["b", "h", "m"], vector = "n">
    ```
  }];
  let parameters = (ins "int64_t":$group,
                        "::mlir::ArrayAttr":$shared,
                        "::mlir::StringAttr":$vector);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` `group` `=` $group `,` `shared` `=` $shared `,` `vector` `=` $vector `>`";
}

def Mapping_TilesAttr : AttrDef<Mapping_Dialect, "Tiles"> {
  let mnemonic = "tiles";
  let summary = "a stream in tiles: blocks of rows around blocks of keys";
  let description = [{
    Stands on an `attn.stream` whose body splits into products of matrices and elementwise work (weir/Analysis/StreamTiles.h).
    `rows` names the coordinate that is cut into blocks of `m`, or several, "y, x", of whose settings a block has `m` together; blocks and the other
    outer coordinates are split over threads. The stream's own coordinate, or tuples of several, are taken `n` at a time. `split` says into how
    many parts the keys of a block are cut, which are folded side by side and merged in their order; 0, or nothing, leaves that to the extents.
    `step`, one for each of the key's coordinates, says how far apart the keys of a tile are, where those between do not belong to its rows: all are of
    one residue class, and so are the rows (StreamTiles::Residue); 1, or nothing: side by side.

    ```mlir
    #mapping.tiles<rows = "m", m = 64, n = 128>
    #mapping.tiles<rows = "m", m = 64, n = 128 step [4], split = 8>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$rows, "int64_t":$m, "int64_t":$n, DefaultValuedParameter<"int64_t", "0">:$split,
                        OptionalArrayRefParameter<"int64_t">:$steps);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` `rows` `=` $rows `,` `m` `=` $m `,` `n` `=` $n (`step` `[` $steps^ `]`)? (`,` `split` `=` $split^)? `>`";
}

def Mapping_PackedMemory : MemRefRankOf<[BF16], [1]>;

def Mapping_PackOp : Op<Mapping_Dialect, "pack"> {
  let summary = "copy a block of keys as a matrix unit reads it";
  let description = [{
    `source` is a matrix of at most `keys` keys, a line each. It goes to `packed` from element `offset` on, in pieces of 16 bits and in registers' order, with
    zeros after the last key; `turned`: as the operand whose depth are the keys (the right factor of an accumulator), else as that whose
    rows they are. It takes `keys`, up to a multiple of 32, times columns times pieces elements.

    ```mlir
    mapping.pack %values into %memory[%at] {keys = 64 : i64, turned} : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<?xbf16>
    ```
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source, Arg<Mapping_PackedMemory, "", [MemWrite]>:$packed, Index:$offset, I64Attr:$keys,
                       UnitAttr:$turned);
  let assemblyFormat = "$source `into` $packed `[` $offset `]` attr-dict `:` type($source) `,` type($packed)";
}

def Mapping_PackedOp : Op<Mapping_Dialect, "packed", [Pure, AllTypesMatch<["source", "result"]>,
                                                      DeclareOpInterfaceMethods<ViewLikeOpInterface>]> {
  let summary = "a matrix of which there may be a packed copy";
  let description = [{
    Is `source`. Where `isThere`, `mapping.pack` has written it to `packed` from element `offset` on: of keys that `source` has not, at its end, there may be
    others there in the place of zeros only if that does not matter.

    ```mlir
    %v = mapping.packed %values at %memory[%at] if %isThere : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<?xbf16>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Mapping_PackedMemory:$packed, Index:$offset, I1:$isThere);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$source `at` $packed `[` $offset `]` `if` $isThere attr-dict `:` type($source) `,` type($packed)";
}

def Mapping_RowsOp : Op<Mapping_Dialect, "rows"> {
  let summary = "how many rows there are of those that tiles have";
  let description = [{
    In the block where it stands and inside of it, what tiles hold of rows from number `count` on is not used: it need not be computed.

    ```mlir
    mapping.rows %count
    ```
  }];
  let arguments = (ins Index:$count);
  let assemblyFormat = "$count attr-dict";
}
#endif
