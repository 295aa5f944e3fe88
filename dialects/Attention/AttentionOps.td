//===- AttentionOps.td - cascades of extended Einsums ----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_ATTENTION_OPS_TD
#define WEIR_ATTENTION_OPS_TD
include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::weir::attn";
  let summary = "Attention as a cascade of extended Einsums over partial tensors";
  let description = [{
    A cascade is a `func.func` whose body holds equations: `attn.einsum`, `attn.argtopk`, and `attn.recurrence` for
    those that read each other. A tensor made by an equation is *partial*: it has values on its domain only, elsewhere
    it is absent. Every scalar inside an equation's body is optional in the same way, and a pure operation on an absent operand is
    absent. `attn.materialize` turns a partial tensor into a whole one. The rationale, with the numbered constraints
    that the verifiers enforce, is dialects/Attention/README.md.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect",
                           "::weir::mapping::MappingDialect"];
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let hasConstantMaterializer = 0;
}

//===----------------------------------------------------------------------===//
// Functions and reductions
//===----------------------------------------------------------------------===//


def Attn_FnAttr : I32EnumAttr<"Fn", "a strict scalar function", [
    I32EnumAttrCase<"Neg", 0, "neg">, I32EnumAttrCase<"Abs", 1, "abs">, I32EnumAttrCase<"Sign", 2, "sign">,
    I32EnumAttrCase<"Add", 3, "add">, I32EnumAttrCase<"Sub", 4, "sub">, I32EnumAttrCase<"Mul", 5, "mul">,
    I32EnumAttrCase<"Div", 6, "div">, I32EnumAttrCase<"Floordiv", 7, "floordiv">, I32EnumAttrCase<"Mod", 8, "mod">,
    I32EnumAttrCase<"Pow", 9, "pow">, I32EnumAttrCase<"Powi", 10, "powi">,
    I32EnumAttrCase<"Min", 11, "min">, I32EnumAttrCase<"Max", 12, "max">,
    I32EnumAttrCase<"Floor", 13, "floor">, I32EnumAttrCase<"Ceil", 14, "ceil">, I32EnumAttrCase<"Round", 15, "round">,
    I32EnumAttrCase<"Exp", 16, "exp">, I32EnumAttrCase<"Exp2", 17, "exp2">, I32EnumAttrCase<"Log", 18, "log">,
    I32EnumAttrCase<"Log2", 19, "log2">, I32EnumAttrCase<"Sqrt", 20, "sqrt">, I32EnumAttrCase<"Rsqrt", 21, "rsqrt">,
    I32EnumAttrCase<"Tanh", 22, "tanh">, I32EnumAttrCase<"Sigmoid", 23, "sigmoid">, I32EnumAttrCase<"Erf", 24, "erf">,
    I32EnumAttrCase<"Sin", 25, "sin">, I32EnumAttrCase<"Cos", 26, "cos">, I32EnumAttrCase<"Atan2", 27, "atan2">,
    I32EnumAttrCase<"Relu", 28, "relu">, I32EnumAttrCase<"Softplus", 29, "softplus">, I32EnumAttrCase<"Gelu", 30, "gelu">,
    I32EnumAttrCase<"Silu", 31, "silu">, I32EnumAttrCase<"Bitand", 32, "bitand">, I32EnumAttrCase<"Bitor", 33, "bitor">,
    I32EnumAttrCase<"Bitxor", 34, "bitxor">, I32EnumAttrCase<"Shl", 35, "shl">, I32EnumAttrCase<"Shr", 36, "shr">,
    I32EnumAttrCase<"Eq", 37, "eq">, I32EnumAttrCase<"Ne", 38, "ne">, I32EnumAttrCase<"Lt", 39, "lt">,
    I32EnumAttrCase<"Le", 40, "le">, I32EnumAttrCase<"Gt", 41, "gt">, I32EnumAttrCase<"Ge", 42, "ge">,
    I32EnumAttrCase<"Real", 43, "real">, I32EnumAttrCase<"Integer", 44, "integer">]> {
  let cppNamespace = "::weir::attn";
}

def Attn_ReductionAttr : I32EnumAttr<"Reduction", "a reduction over present bodies", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Prod", 1, "prod">, I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">, I32EnumAttrCase<"Mean", 4, "mean">, I32EnumAttrCase<"Any", 5, "any">,
    I32EnumAttrCase<"All", 6, "all">, I32EnumAttrCase<"Count", 7, "count">, I32EnumAttrCase<"Argmax", 8, "argmax">,
    I32EnumAttrCase<"Argmin", 9, "argmin">]> {
  let cppNamespace = "::weir::attn";
}

def Attn_AccumulationAttr : I32EnumAttr<"Accumulation", "how an accumulator takes one contribution more", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Prod", 1, "prod">, I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">, I32EnumAttrCase<"Any", 4, "any">, I32EnumAttrCase<"All", 5, "all">,
    I32EnumAttrCase<"Argmax", 6, "argmax">, I32EnumAttrCase<"Argmin", 7, "argmin">,
    I32EnumAttrCase<"Ref", 8, "ref">]> {
  let cppNamespace = "::weir::attn";
}

def Attn_DirectionAttr : I32EnumAttr<"Direction", "the way a recurrence goes along its rank", [
    I32EnumAttrCase<"Forward", 0, "forward">, I32EnumAttrCase<"Backward", 1, "backward">]> {
  let cppNamespace = "::weir::attn";
}

// Scalars inside a body: f32 and f64 are reals (which of them only says what a kernel computes in), i64 is an integer, i1 a bool.
def Attn_Scalar : AnyTypeOf<[F32, F64, I64, I1], "a scalar of a cascade: f32, f64, i64 or i1">;
def Attn_Real : AnyTypeOf<[F32, F64]>;

class Attn_Op<string mnemonic, list<Trait> traits = []> : Op<Attn_Dialect, mnemonic, traits>;
// Ops with regions that hold equations or bodies.
class Attn_Equation<string mnemonic, list<Trait> traits = []> : Attn_Op<mnemonic, !listconcat(traits, [
    RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames", "getAsmResultNames"]>])>;

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

def Attn_EinsumOp : Attn_Equation<"einsum", [
    DeclareOpInterfaceMethods<TilingInterface, ["getIterationDomain", "getLoopIteratorTypes", "getTiledImplementation",
                                                "getResultTilePosition", "generateResultTileValue"]>]> {
  let summary = "one equation of a cascade";
  let description = [{
    Defines a partial tensor: for every setting of the coordinates, the body computes an optional scalar; where it is
    absent, the tensor is. Coordinate `coords[i]` runs over `0 .. extents[i]-1` and is body argument i, an i64. The body
    reads tensors and scalars from above. A value that the result's element type cannot hold is rounded to it
    (a typed definition); an element type of f32, f64, i64 or i1 that is the body's own rounds nothing.

    ```mlir
    // S[m,n] = sum(d) Q[m,d] * K[n,d] where n <= m
    %S = attn.einsum "S" [m, n] in (%M, %N) {
    ^bb0(%m: i64, %n: i64):
      %0 = attn.reduce sum [d] in (%D) {
      ^bb0(%d: i64):
        %q = attn.read %Q[%m, %d] : tensor<?x?xf32> -> f32
        %k = attn.read %K[%n, %d] : tensor<?x?xf32> -> f32
        %qk = attn.map mul(%q, %k) : (f32, f32) -> f32
        attn.yield %qk : f32
      } : f32
      %p = attn.map le(%n, %m) : (i64, i64) -> i1
      %s = attn.where %0, %p : f32
      attn.yield %s : f32
    } : tensor<?x?xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, StrArrayAttr:$coords, Variadic<Index>:$extents,
                       OptionalAttr<AnyAttr>:$mapping);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $name custom<Coords>($coords) `in` `(` $extents `)` (`mapping` $mapping^)? $body attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::weir::attn::YieldOp getYield();
    /// The coordinates, one a result dimension.
    ::mlir::Block::BlockArgListType getCoordinates() { return getBody().front().getArguments(); }
  }];
}

def Attn_ArgtopkOp : Attn_Equation<"argtopk"> {
  let summary = "coordinates of the largest values, largest first";
  let description = [{
    `I[m, j] = argtopk(n) x`: for every setting of all coordinates but the last, lists the coordinates n of the present
    values of the body, largest first, the lower coordinate first among equals, NaN last. Entry j is absent
    beyond the number of present bodies. Body arguments are all coordinates but the last, then n. `argsort` is the same op.

    ```mlir
    %I = attn.argtopk "I" [m, j] in (%M, %J) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %s : f32
    } : tensor<?x?xi64>
    ```
  }];
  let arguments = (ins StrAttr:$name, StrArrayAttr:$coords, Variadic<Index>:$extents,
                       StrArrayAttr:$over, Index:$over_extent, OptionalAttr<AnyAttr>:$mapping);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $name custom<Coords>($coords) `in` `(` $extents `)` `over` custom<Coords>($over) `in` `(` $over_extent `)`
    (`mapping` $mapping^)? $body attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{ ::weir::attn::YieldOp getYield(); }];
}

def Attn_RecurrenceOp : Attn_Op<"recurrence", [RecursiveMemoryEffects, SingleBlock,
    DeclareOpInterfaceMethods<RegionKindInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "equations that read each other along a rank";
  let description = [{
    The body is a graph: its equations may read each other, and every way round goes strictly back (`forward`) or ahead (`backward`)
    along the coordinate `along`, which each of them carries. Step t of all of them is computed before step t+1; within a step, in
    the order of their reads. What is left of a cycle inside one step goes along another rank: a recurrence in the body.

    ```mlir
    %S = attn.recurrence forward "t" {
      %S1 = attn.einsum "S" [t, f] in (%T, %F) { ... attn.read %S1[%tm1, %f] ... } : tensor<?x?xf32>
      attn.yield %S1 : tensor<?x?xf32>
    } : tensor<?x?xf32>
    ```
  }];
  let arguments = (ins Attn_DirectionAttr:$direction, StrAttr:$along, OptionalAttr<AnyAttr>:$mapping);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $direction $along (`mapping` $mapping^)? $body attr-dict `:` type($results)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{ ::weir::attn::YieldOp getYield(); }];
}

def Attn_StreamOp : Attn_Op<"stream", [RecursiveMemoryEffects, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "equations that one traversal of a rank computes";
  let description = [{
    A traversal reads every coordinate of `rank` once, in any order and in tiles of any size. The body holds, in this order,

    1. equations that carry the coordinates `over` (more than one: the rank is their ordered tuple): needed tile by tile, never as a whole;
    2. accumulators (`attn.accumulate`), which read these and what lies outside, and together are the *state*;
    3. the finish: equations without those coordinates, which read accumulators once they are complete.

    The value of every tensor is that of its equation; a state's identity, the merge of two states, and the rescaling when a reference moves follow
    from the accumulators' own fields, so that a loop, a split over several workers and a continued call cannot disagree.

    `certificate` lists what the derivation of the stream rests on: for each kind of obligation (docs/certificates.md) the accumulators, `$` and their
    name, and equations that have one. The whole certificate is `weirc explain --certificate`'s.

    ```mlir
    // X = max(n) S ; Z = sum(n) exp(S-X) ; O = sum(n) exp(S-X)/Z * V, in one traversal
    %O = attn.stream "N" [n] in (%N) {
      %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) { ... attn.yield %s : f32 } : tensor<?xf32>
      %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] { ... attn.yield %one, %s : f32, f32 } : tensor<?xf32>
      %B = attn.accumulate sum "B" [m, f] in (%M, %F) over [n] in (%N) reference %R : tensor<?xf32> [m] { ... attn.yield %v, %s : f32, f32 } : tensor<?x?xf32>
      %o = attn.einsum "O" [m, f] in (%M, %F) { ... attn.map div(%b, %a) ... } : tensor<?x?xf32>
      attn.yield %o : tensor<?x?xf32>
    } : tensor<?x?xf32>
    ```
  }];
  let arguments = (ins StrAttr:$rank, StrArrayAttr:$over, Variadic<Index>:$extents, OptionalAttr<AnyAttr>:$mapping,
                       OptionalAttr<DictionaryAttr>:$certificate);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $rank custom<Coords>($over) `in` `(` $extents `)` (`mapping` $mapping^)? (`certificate` $certificate^)? $body attr-dict
    `:` type($results)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{ ::weir::attn::YieldOp getYield(); }];
}

def Attn_AccumulateOp : Attn_Op<"accumulate", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock, AttrSizedOperandSegments,
    ParentOneOf<["StreamOp"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames", "getAsmResultNames"]>]> {
  let summary = "one component of a stream's state";
  let description = [{
    Body arguments are the kept coordinates, then those of `over`. A body that is absent does not take part; the accumulator is absent where nothing
    took part (`any` is then false, `all` true).

    `ref` keeps a value near the largest body; any finite value is valid. The one that counts here is the largest body, or the finite number nearest to it.
    A `sum` with a `reference` yields a factor c and an exponent a and is `sum c * exp(lam * (a - rho))`, rho being the reference at the coordinates named.
    When rho moves to rho', what has been summed is multiplied by `exp(lam * (rho - rho'))`. `lam` is a positive rational, `1` if it is not given.
    `exact` marks a `max` that a finish reads.

    An accumulator goes on `from` a partial tensor over the kept coordinates, what it was after other coordinates of the rank; where that is absent there were
    none. A weighted sum's is relative to what its reference goes on from. `argmax` and `argmin` go on from a coordinate, negative for one that was before
    the stream's, and the extremum there, absent where it is NaN.
  }];
  let arguments = (ins Attn_AccumulationAttr:$accumulation, StrAttr:$name, StrArrayAttr:$coords, Variadic<Index>:$extents,
                       StrArrayAttr:$over, Variadic<Index>:$over_extents, Optional<AnyRankedTensor>:$reference,
                       Variadic<AnyRankedTensor>:$from, OptionalAttr<StrArrayAttr>:$reference_coords, OptionalAttr<StrAttr>:$lam, UnitAttr:$exact);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $accumulation $name custom<Coords>($coords) `in` `(` $extents `)` `over` custom<Coords>($over) `in` `(` $over_extents `)`
    (`reference` $reference^ `:` type($reference) custom<Coords>($reference_coords))? (`lam` $lam^)? (`exact` $exact^)?
    (`from` $from^ `:` type($from))? $body attr-dict
    `:` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{ ::weir::attn::YieldOp getYield(); }];
}

def Attn_MaterializeOp : Attn_Op<"materialize", [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "a whole tensor of a partial one: absent entries become 0";
  let description = [{
    Stores an output of the outermost cascade: absent entries are 0 (false), values are rounded to the result's element type.
  }];
  let arguments = (ins AnyRankedTensor:$source, OptionalAttr<AnyAttr>:$mapping);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

def Attn_GivenOp : Attn_Op<"given", [SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "a promise about inputs, params and extents";
  let description = [{
    Promises that the body, a bool, holds wherever it is present, for all coordinates. `source` is the promise as the
    user wrote it. With `shape` it is a check of an input's shape against an expression in its signature.
    It is kept by every pass; the interpreter checks it.
  }];
  let arguments = (ins StrAttr:$source, StrArrayAttr:$coords, Variadic<Index>:$extents, UnitAttr:$shape);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $source (`shape` $shape^)? custom<Coords>($coords) `in` `(` $extents `)` $body attr-dict
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{ ::weir::attn::YieldOp getYield(); }];
}

def Attn_RankOp : Attn_Op<"rank", [DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "the extent of a declared rank";
  let description = [{
    `rank C = e`: the extent of rank `name` is the integer e, which must be present and not negative when inputs are bound.
  }];
  let arguments = (ins StrAttr:$name, I64:$value);
  let results = (outs Index:$extent);
  let assemblyFormat = "$name $value attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Bodies: optional scalars
//===----------------------------------------------------------------------===//

def Attn_YieldOp : Attn_Op<"yield", [Pure, ReturnLike, Terminator,
    ParentOneOf<["EinsumOp", "ArgtopkOp", "RecurrenceOp", "GivenOp", "ReduceOp", "StreamOp", "AccumulateOp"]>]> {
  let summary = "the value of a body";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

def Attn_LiteralOp : Attn_Op<"literal", [Pure]> {
  let summary = "a number as it was written";
  let description = [{
    `text` is the literal's decimal spelling (`0.1` is one tenth exactly; `inf`, `nan`; `true`, `false` for i1). What a kernel computes
    with is the nearest number of the result's type.
  }];
  let arguments = (ins StrAttr:$text);
  let results = (outs Attn_Scalar:$result);
  let assemblyFormat = "$text attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Attn_ReadOp : Attn_Op<"read", [Pure]> {
  let summary = "one entry of a tensor";
  let description = [{
    Absent where an index is absent or outside the tensor, or where the tensor is absent. Widens: f64 reads as f64, other reals as f32,
    integers as i64, i1 as i1.
  }];
  let arguments = (ins AnyRankedTensor:$source, Variadic<I64>:$indices);
  let results = (outs Attn_Scalar:$result);
  let assemblyFormat = "$source `[` $indices `]` attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Attn_MapOp : Attn_Op<"map", [Pure]> {
  let summary = "a strict scalar function";
  let description = [{
    Absent where an operand is. `div` is of reals; `floordiv` and `mod` are of integers, round to minus infinity, and are absent where the divisor
    is 0. `powi` is repeated multiplication by a literal integer exponent (the second operand). `min max` propagate NaN, `round` is half to even,
    `sign(0)` is 0, `gelu` uses erf; `real` and `integer` change kind without rounding in the mathematics (i64 or f32 to f32 or f64; i1 to i64).
    Comparisons give i1, take reals, integers or (`eq`, `ne`) bools; one with a NaN is false, `ne` true. Integer arithmetic is 64-bit and wraps.
  }];
  let arguments = (ins Attn_FnAttr:$fn, Variadic<Attn_Scalar>:$operands_);
  let results = (outs Attn_Scalar:$result);
  let assemblyFormat = "$fn `(` $operands_ `)` attr-dict `:` functional-type($operands_, $result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Attn_CastOp : Attn_Op<"cast", [Pure]> {
  let summary = "rounds to an element type (`x as T`)";
  let description = [{
    The value rounded to element type `to`, in the scalar type that reads of it have. Reals round to nearest even; a real becomes an
    integer toward zero and saturates, NaN gives 0; an integer that does not fit saturates.
  }];
  let arguments = (ins Attn_Scalar:$value, TypeAttr:$to);
  let results = (outs Attn_Scalar:$result);
  let assemblyFormat = "$value `to` $to attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Attn_WhereOp : Attn_Op<"where", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "a value where a predicate is present and true, absent elsewhere";
  let arguments = (ins Attn_Scalar:$value, I1:$predicate);
  let results = (outs Attn_Scalar:$result);
  let assemblyFormat = "$value `,` $predicate attr-dict `:` type($value)";
  let hasFolder = 1;
}

def Attn_ElseOp : Attn_Op<"else", [Pure, AllTypesMatch<["value", "otherwise", "result"]>]> {
  let summary = "the first value where it is present, otherwise the second";
  let arguments = (ins Attn_Scalar:$value, Attn_Scalar:$otherwise);
  let results = (outs Attn_Scalar:$result);
  let assemblyFormat = "$value `,` $otherwise attr-dict `:` type($value)";
  let hasFolder = 1;
}

def Attn_SelectOp : Attn_Op<"select", [Pure, AllTypesMatch<["then_value", "else_value", "result"]>]> {
  let summary = "`c ? a : b`: a where c is present and true, otherwise b; only the chosen side is looked at";
  let arguments = (ins I1:$condition, Attn_Scalar:$then_value, Attn_Scalar:$else_value);
  let results = (outs Attn_Scalar:$result);
  let assemblyFormat = "$condition `,` $then_value `,` $else_value attr-dict `:` type($then_value)";
  let hasFolder = 1;
}

def Attn_IsabsentOp : Attn_Op<"isabsent", [Pure]> {
  let summary = "true where the operand is absent; always present";
  let arguments = (ins Attn_Scalar:$value);
  let results = (outs I1:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
  let hasCanonicalizeMethod = 1;
}

def Attn_AndOp : Attn_Op<"and", [Pure]> {
  let summary = "false where either side is present and false; else absent where either is absent";
  let arguments = (ins I1:$lhs, I1:$rhs);
  let results = (outs I1:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict";
  let hasFolder = 1;
}

def Attn_OrOp : Attn_Op<"or", [Pure]> {
  let summary = "true where either side is present and true; else absent where either is absent";
  let arguments = (ins I1:$lhs, I1:$rhs);
  let results = (outs I1:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict";
  let hasFolder = 1;
}

def Attn_NotOp : Attn_Op<"not", [Pure]> {
  let summary = "false where the operand is present and true, true everywhere else";
  let arguments = (ins I1:$value);
  let results = (outs I1:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def Attn_ReduceOp : Attn_Op<"reduce", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "a reduction over coordinates, skipping absent bodies";
  let description = [{
    Absent where no body is present, except that `count` is then 0, `any` false, `all` true. `count` counts present bodies, of a bool body
    those present and true, and gives i64. `argmax argmin` (one coordinate) give the lowest coordinate among equals, NaN last, as i64.
    `max min` propagate NaN. `mean` divides by the number of present bodies.
  }];
  let arguments = (ins Attn_ReductionAttr:$reduction, StrArrayAttr:$coords, Variadic<Index>:$extents);
  let results = (outs Attn_Scalar:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $reduction custom<Coords>($coords) `in` `(` $extents `)` $body attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{ ::weir::attn::YieldOp getYield(); }];
}
#endif
