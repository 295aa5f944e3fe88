//===- Passes.td - the passes of lib/Conversion/TilesToCPU ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOCPU_PASSES_TD
#define WEIR_TILESTOCPU_PASSES_TD
include "mlir/Pass/PassBase.td"

def LayOutTiles : Pass<"lay-out-tiles"> {
  let summary = "Choose which dimension of each tile is innermost";
  let description = [{
    A tile is a `memref.alloca` marked `weir.tile` that only tile operations (linalg on tiles) and views use. The rows of a `linalg.contract` are a
    parallel dimension of fixed length that one of its tiles has and its other operand has not; that dimension becomes the
    lanes of vectors, so it is stored innermost, in that tile, in the result, and in every tile that an operation reads or writes along
    the same dimension. Arguments are read as they are. Rows that do not fill whole vectors stay where they are.
    test/Conversion/TilesToCPU/lay-out-tiles.mlir runs this example:

    ```mlir
    %q = memref.alloca() {weir.tile} : memref<16x64xf32>
    %s = memref.alloca() {weir.tile} : memref<16x32xf32>
    linalg.contract indexing_maps = [(m, n, d) -> (m, d), (m, n, d) -> (n, d), (m, n, d) -> (m, n)] ins(%q, %k ...) outs(%s ...)
    // -->
    %q = memref.alloca() {weir.tile} : memref<64x16xf32>
    %s = memref.alloca() {weir.tile} : memref<32x16xf32>
    linalg.contract indexing_maps = [(m, n, d) -> (d, m), (m, n, d) -> (n, d), (m, n, d) -> (n, m)] ins(%q, %k ...) outs(%s ...)
    ```
  }];
  let options = [Option<"vectorBytes", "vector-bytes", "unsigned", "32", "bytes of a vector register">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect"];
}

def StripRows : Pass<"strip-rows"> {
  let summary = "Take keys into a few rows after the other, beside a matrix unit";
  let description = [{
    Where a `linalg.contract` is for a matrix unit, products cost little and the traffic between caches much: scores and weights of all rows of a block
    leave the first cache before they are read again. All that a block of keys does to tiles of rows (those that `lay-out-tiles` marked `weir.rows`) goes into a
    loop over strips of as many rows as a vector has lanes, up to the last that `mapping.rows` says is there; what is the same for all strips goes before it.
    Where something else than tile operations touches such a tile nothing is changed.

    ```mlir
    mapping.rows %count
    scf.for %key = .. { linalg.contract {weir.matrix_unit} .. outs(%s : memref<?x64xf32>) linalg.generic .. }
    // -->
    scf.for %key = .. { scf.for %row = 0 to %count step 16 { %t = memref.subview %s[0, %row] [.., 16] [1, 1] .. } }
    ```
  }];
  let options = [Option<"vectorBytes", "vector-bytes", "unsigned", "64", "bytes of a vector register">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def ShareTiles : Pass<"share-tiles", "::mlir::ModuleOp"> {
  let summary = "Make tile operations that are alike calls of one function";
  let description = [{
    A product of tiles is hundreds of instructions, and the same again for the other product of its kind. Operations of a kernel (`linalg.contract` and
    `linalg.generic` of two dimensions or more) that differ only in what they work on become calls of a function that holds the operation, and
    the fill before a contraction. The function makes views and constants by itself, so that `lower-tiles` knows there what it would know in place; anything
    else it takes as arguments. What is for a matrix unit stays where it is, and what a strip of rows runs beside one: a call would take a
    thirtieth of its time. test/Conversion/TilesToCPU/share-tiles.mlir runs this example:

    ```mlir
    linalg.fill ins(%zero) outs(%x : memref<64x64xf32>)
    linalg.contract indexing_maps = [..] ins(%s, %V) outs(%x : memref<64x64xf32>)
    linalg.fill ins(%zero) outs(%y : memref<64x64xf32>)
    linalg.contract indexing_maps = [..] ins(%s, %V) outs(%y : memref<64x64xf32>)
    // -->
    func.call @products.tile0(%x, %s, %V)
    func.call @products.tile0(%y, %s, %V)
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def LowerTiles : Pass<"lower-tiles"> {
  let summary = "Make tile operations into register-blocked loops over vectors";
  let description = [{
    A `linalg.contract` keeps a block of its result in registers: as many rows of `columns` vectors as `vector-registers` hold beside a row of
    the one operand and a broadcast of the other; a fill of the result that stands right before is where the block starts, and falls away.
    Blocks of what is left of an extent have loops that are not unrolled, and there is nothing left of a contraction with `weir.blocks_of`.
    One with `weir.matrix_unit` is for AMX (test/Conversion/TilesToCPU/matrix-unit.mlir): its factors are packed as the unit reads them, an f32 as three bf16, or
    a `mapping.pack` before has packed them (pack.mlir); what is packed alike is packed by one function.
    A division by a value that is the same in the whole tile, or for all elements of a lane, becomes a multiplication by its reciprocal.
    `linalg.generic` and `linalg.fill` run a few vectors of lanes at a time, with the loop over lanes outermost, so that reductions stay in
    registers and their chains overlap; what depends on lanes alone is read and computed once for all of that loop. Memory that lies along
    the other dimension (rows that become lanes, and lanes that become rows) is read in squares, which are turned in registers. A comparison of
    coordinates is one of the lane's place in 32 bits. Of few rows, which fill no vector, scores are products along the inner coordinate, a register's worth of them
    at a time, and reductions go along the keys. Where a layout or a length does not admit vectors (rows whose number is known only at run
    time), elements are taken one by one. test/Conversion/TilesToCPU/lower-tiles.mlir runs this example:

    ```mlir
    linalg.contract indexing_maps = [(m, n, d) -> (d, m), (m, n, d) -> (n, d), (m, n, d) -> (n, m)]
      ins(%q, %k : memref<64x64xf32>, memref<?x64xf32>) outs(%s : memref<?x64xf32>)
    // --> for 32 registers of 64 bytes: 6 rows of 4 vectors
    scf.for %n = 0 to .. step 6 {
      %sums:24 = scf.for %d = 0 to 64 step 4 iter_args(..) { 4 x (4 loads of %q, 6 broadcasts of %k, 24 vector.fma) }
    }
    ```
  }];
  let options = [
    Option<"vectorBytes", "vector-bytes", "unsigned", "32", "bytes of a vector register">,
    Option<"vectorRegisters", "vector-registers", "unsigned", "16", "vector registers">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::amx::AMXDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::weir::mapping::MappingDialect"];
}

def OutlineParallelLoops : Pass<"outline-parallel-loops", "::mlir::ModuleOp"> {
  let summary = "Make the parallel loops of kernels into functions that the host's threads call";
  let description = [{
    Every `scf.forall` at the top level of the body of a kernel or of `@NAME.plan`, or in loops there, becomes a private function `@NAME.bodyK(%ctx,
    %begin, %end)` that runs iterations `begin` to `end - 1`, and a call of the runtime's `fork`. The values
    that the loop uses from above travel in a struct on the caller's stack; constants are made again. Each
    kernel gets a first argument, the runtime's struct `weir_rt`, whose first field is `fork`: it hands the
    body to the host's `parallel_for` and keeps denormals off in every thread that runs it (around opaque
    calls, so that no floating-point operation can move across). A loop over several dimensions is counted
    through as one. A `scf.forall` anywhere else becomes plain loops.

    ```mlir
    func.func @scale(%x: memref<?xf32>, %n: index) attributes {weir.kernel} {
      scf.forall (%i) in (%n) { ... %x ... }
      return
    }
    // -->
    func.func @scale(%rt: !llvm.ptr, %x: memref<?xf32>, %n: index) attributes {weir.kernel} {
      // %ctx = alloca struct<(memref descriptor)>, filled
      %body = func.constant @scale.body0
      %fork = llvm.load %rt
      llvm.call %fork(%rt, %body, %ctx, %n)
      return
    }
    func.func private @scale.body0(%ctx: !llvm.ptr, %begin: i64, %end: i64) {
      %x = load from %ctx
      scf.for %i = %begin to %end { ... %x ... }
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect"];
}

def AddKernelEntries : Pass<"add-kernel-entries", "::mlir::ModuleOp"> {
  let summary = "Give each kernel an entry that takes its arguments as an array of 8-byte slots";
  let description = [{
    The C runtime calls kernels of every signature the same way: `@NAME.entry(%rt, %slots, %ws, %bytes)`,
    where the slots hold, argument by argument, a tensor's data pointer, extents and strides, or a param's
    bits. The entry builds the memref descriptors and calls `@NAME`, which becomes private; so do
    `@NAME.workspace`, `@NAME.check` and `@NAME.extents`, which get entries of their own. Where there is a `@NAME.plan`, its
    entry is like the kernel's, with the plan for the workspace; the kernel's slots end in those of a plan. The module keeps the
    signatures in the attribute `weir.kernels`, because the types say less from here on.

    ```mlir
    func.func @f(%rt: !llvm.ptr, %x: memref<?xf32>, %p: f32, %ws: memref<?xi8>) attributes {weir.kernel}
    // -->
    func.func private @f(%rt: !llvm.ptr, %x: memref<?xf32>, %p: f32, %ws: memref<?xi8>)
    func.func @f.entry(%rt: !llvm.ptr, %slots: !llvm.ptr, %ws: !llvm.ptr, %bytes: i64)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"];
}

def PlaceFrame : Pass<"place-frame", "::mlir::func::FuncOp"> {
  let summary = "Move stack buffers of fixed size to the function's entry, and bound the frame";
  let description = [{
    A `memref.alloca` inside a loop would grow the stack with each iteration. Its size is fixed, its contents
    are undefined when it is reached, and only one iteration is alive at a time, so one buffer at the
    function's entry does. A buffer whose size is not known inside a loop, and a frame of more than `limit`
    bytes, are errors: such memory belongs into the workspace.

    ```mlir
    scf.for %i = %c0 to %n step %c1 { %b = memref.alloca() : memref<16xf32> ... }
    // -->
    %b = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
    scf.for %i = %c0 to %n step %c1 { ... }
    ```
  }];
  let options = [Option<"limit", "limit", "int64_t", "1 << 20", "largest frame, in bytes">];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def SetTarget : Pass<"set-target", "::mlir::ModuleOp"> {
  let summary = "Say on each function which processor it is compiled for";
  let description = [{
    Writes `target_cpu`, `target_features` and the preferred vector width on every function of the module, so
    that functions for different processors can stand in one LLVM module. Functions that have a `target_cpu`
    keep it.

    ```mlir
    func.func @f()
    // -->
    func.func @f() attributes {passthrough = [["prefer-vector-width", "512"]], target_cpu = "x86-64-v4"}
    ```
  }];
  let options = [Option<"cpu", "cpu", "std::string", "\"x86-64-v3\"", "LLVM's name of the processor">,
                 Option<"features", "features", "std::string", "\"\"", "+a,-b, beyond those of the processor">,
                 Option<"vectorBytes", "vector-bytes", "unsigned", "32", "width of a vector register">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ExpandElementaryFunctions : Pass<"expand-elementary-functions"> {
  let summary = "exp, log, tanh, erf, sin, cos, atan2, powf ... as straight-line arith";
  let description = [{
    Replaces `math.{exp, exp2, expm1, log, log2, log1p, tanh, erf, sin, cos, atan2, powf, rsqrt}` on f32 and
    f64, scalars and 1-D vectors of any length, by an argument reduction, a polynomial, and selects for the
    special cases. docs/functions.md states the largest error of each in units in the last place. Other math
    ops are one instruction and stay: `sqrt fma absf floor ceil roundeven copysign`. Denormal arguments may be
    read as 0, denormal results may be 0.

    ```mlir
    func.func @f(%x: vector<8xf32>) -> vector<8xf32> {
      %y = math.rsqrt %x : vector<8xf32>
      return %y : vector<8xf32>
    }
    ```
    -->
    ```mlir
    func.func @f(%x: vector<8xf32>) -> vector<8xf32> {
      %one = arith.constant dense<1.0> : vector<8xf32>
      %r = math.sqrt %x : vector<8xf32>
      %y = arith.divf %one, %r : vector<8xf32>
      return %y : vector<8xf32>
    }
    ```
  }];
  let options = [Option<"hasScale", "has-scale", "bool", "false", "16 f32 are multiplied by powers of two in one instruction (AVX-512), which exp uses">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect"];
}

def ExpandNarrowFloats : Pass<"expand-narrow-floats"> {
  let summary = "conversions of bf16 and 8-bit floats as integer arithmetic";
  let description = [{
    Replaces `arith.extf` and `arith.truncf` from and to f8E4M3FN, f8E5M2 and bf16, and from f64 to f16, on
    scalars and 1-D vectors. Rounding is to nearest even and happens once, also from f64. NaN stays NaN; what
    is too large becomes infinity, in f8E4M3FN, which has none, NaN. The `arith.bitcast` between i8 and an
    8-bit float beside a conversion goes away; a value of such a type anywhere else is an error.

    ```mlir
    func.func @f(%x: bf16) -> f32 {
      %y = arith.extf %x : bf16 to f32
      return %y : f32
    }
    ```
    -->
    ```mlir
    func.func @f(%x: bf16) -> f32 {
      %0 = arith.bitcast %x : bf16 to i16
      %1 = arith.extui %0 : i16 to i32
      %c16 = arith.constant 16 : i32
      %2 = arith.shli %1, %c16 : i32
      %y = arith.bitcast %2 : i32 to f32
      return %y : f32
    }
    ```
  }];
  let options = [Option<"hasBF16", "has-bf16", "bool", "false", "the processor converts between f32 and bf16 (AVX512-BF16)">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def LowerWideVectors : Pass<"lower-wide-vectors", "::mlir::ModuleOp"> {
  let summary = "Run convert-vector-to-llvm where convert-to-llvm would leave a vector op";
  let description = [{
    Vectors of one dimension are loaded, stored, computed with and shuffled by ops that convert-to-llvm takes as they are: a module that
    holds no other stays as it is. Any other vector op, on any type, makes upstream's pass run on the whole module.

    ```mlir
    %low = vector.extract_strided_slice %v {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
    // -->
    %w = builtin.unrealized_conversion_cast %v : ...
    %low = llvm.shufflevector %v, %v [0, 1, 2, 3] : vector<8xf32>
    ```
  }];
}

def CarryBF16AsInteger : Pass<"carry-bf16-as-integer", "::mlir::ModuleOp"> {
  let summary = "Move bf16 values as 16-bit integers, in the llvm dialect";
  let description = [{
    To LLVM a bf16 value is a number: where a processor has no bf16 arithmetic it widens and narrows one
    merely to move it (to take it out of a vector, to select, under a mask), which calls a library function
    for each lane. After expand-narrow-floats only `llvm.fpext` and `llvm.fptrunc` treat bf16 as numbers, so
    everything else becomes i16, with a bitcast at those two. Any other arithmetic on bf16 is an error.

    ```mlir
    %x = llvm.extractelement %v[%i : i64] : vector<8xbf16>
    %y = llvm.fpext %x : bf16 to f32
    // -->
    %x = llvm.extractelement %v[%i : i64] : vector<8xi16>
    %b = llvm.bitcast %x : i16 to bf16
    %y = llvm.fpext %b : bf16 to f32
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif
