//===- Passes.td - the passes of lib/Conversion/TilesToGPU ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOGPU_PASSES_TD
#define WEIR_TILESTOGPU_PASSES_TD
include "mlir/Pass/PassBase.td"

def OutlineLaunches : Pass<"gpu-outline-launches", "::mlir::ModuleOp"> {
  let summary = "Make GPU functions of a kernel's parallel loops, one each, and one that plans their launches";
  let description = [{
    Each kernel `@NAME` becomes a `gpu.module` `@NAME.gpu` and leaves the host module with its companions. The module has a `gpu.func` for each
    `scf.forall` at the top level of the kernel, `@NAME`, `@NAME$1`, `@NAME$2`, ..., in order, all with the kernel's arguments: what the loop uses of the
    code before it, and the loop, which later passes deal out to blocks and threads. What writes to memory between loops becomes a loop
    of one iteration. The functions are launched one after another, and what one writes the next ones see.

    `@NAME$plan` is run first, by one thread. It writes to the workspace, as `i64`: the number of the broken promise
    (0: none), the bytes of the workspace, for each launch its blocks and the bytes of shared memory that its tiles of open shape need, and
    the extents of the outputs. It reads extents of inputs, and params, only. The blocks are a loop's iterations where it works on tiles, else its
    iterations over `threads`; any number is right.

    With `only-plan` the kernel stays a function of the host module, with its companions, and the plan is its body: what who launches the
    kernel compiles for the processor, to plan without the GPU.

    Refused are loops around parallel loops, and operations that both write and have a result that another launch needs.

    test/Conversion/TilesToGPU/outline-launches.mlir runs this example:

    ```mlir
    func.func @two(%x: memref<?xf32>, %y: memref<?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
      %n = memref.dim %x, %c0 : memref<?xf32>
      scf.forall (%i) in (%n) { ... store to %ws ... }
      scf.forall (%i) in (%n) { ... load from %ws, store to %y ... }
    }
    // -->
    gpu.module @two.gpu {
      gpu.func @two(%x, %y, %ws) kernel { %n = memref.dim ...; scf.forall (%i) in (%n) { ... } }
      gpu.func @two$1(%x, %y, %ws) kernel { %n = memref.dim ...; scf.forall (%i) in (%n) { ... } }
      gpu.func @two$plan(%x, %y, %ws) kernel { ... }
    }
    ```
  }];
  let options = [Option<"threads", "threads", "unsigned", "128", "threads of a block">,
                 Option<"onlyPlan", "only-plan", "bool", "false", "the plan alone, as a kernel for the processor">];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::memref::MemRefDialect"];
}

def SimplifyLaunches : Pass<"gpu-simplify-launches", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Canonicalize, and keep parallel loops of one iteration";
  let description = [{
    All canonicalization patterns but those of `scf.forall`, whose loops say what later passes give to blocks and threads. A kernel whose
    extents are all known may have one block.

    test/Conversion/TilesToGPU/simplify-launches.mlir runs this example:

    ```mlir
    %c1 = arith.constant 1 : index
    %n = arith.muli %c1, %c1 : index
    scf.forall (%i) in (%n) { ... }
    // -->
    scf.forall (%i) in (%c1) { ... }
    ```
  }];
}

def MapIterationsToThreads : Pass<"map-iterations-to-threads", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Deal the iterations of parallel loops out to the threads of a grid";
  let description = [{
    For functions that no other pass has given a block size: each thread of the grid takes every so-many-th iteration of the function's
    `scf.forall` and does all of its work. Functions without one get blocks of one thread.

    test/Conversion/TilesToGPU/map-iterations-to-threads.mlir runs this example:

    ```mlir
    scf.forall (%i) in (%n) { ... }
    // -->
    scf.for %i = block_id * block_dim + thread_id to %n step grid_dim * block_dim { ... }
    ```
  }];
  let options = [Option<"threads", "threads", "unsigned", "128", "threads of a block">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect"];
}

def LocalizeAddresses : Pass<"localize-addresses", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Let loops that follow each other compute their addresses themselves";
  let description = [{
    For functions without tiles in shared memory. Of loops that stand in one block each computes the addresses that it uses itself, right before it:
    arithmetic of indices and views is repeated there, from numbers (extents, counters of outer loops) that go through an `llvm.inline_asm` with side
    effects, so that LLVM takes them for others each time. Otherwise it computes what all loops need before the first one, and
    the assembler keeps more than there are registers. Extents are parameters, which take no registers.

    test/Conversion/TilesToGPU/localize-addresses.mlir runs this example:

    ```mlir
    %a = memref.view %ws[%c0][%n]
    %b = memref.view %ws[%n][%n]
    scf.for %i = %c0 to %n step %c1 { ... %a ... }
    scf.for %i = %c0 to %n step %c1 { ... %b ... }
    // -->
    %n1 = hidden %n
    %a1 = memref.view %ws[%c0][%n1]
    scf.for %i = %c0 to %n1 step %c1 { ... %a1 ... }
    %n2 = hidden %n
    %b1 = memref.view %ws[%n2][%n2]
    scf.for %i = %c0 to %n2 step %c1 { ... %b1 ... }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect"];
}

def MapTilesToThreads : Pass<"map-tiles-to-threads", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Deal a parallel loop over tiles out: blocks take iterations, threads take elements";
  let description = [{
    For functions whose `scf.forall` holds tiles and that no other pass has given a block size. Blocks of the grid take the iterations, one after
    another. A tile (a `memref.alloca`) becomes shared memory, with lines of known length a word further apart than they are long, where they would
    begin in the same banks; tiles of open shape lie one behind the other, each from a multiple of 16 bytes, in the
    memory whose size the launch says, where the others lie too if they take more than `shared-memory` bytes. A loop that
    `convert-linalg-to-parallel-loops` made of a tile operation is counted through as one and dealt out to the threads of the block, and ends with a
    barrier. What stands between tile operations is computed by every thread alike.

    This is the plain form: any tile operation, no tensor cores, no fragments. What is written between tile operations one thread writes, between two
    barriers. Tiles that need more shared memory than `launch-memory` bytes are refused.

    test/Conversion/TilesToGPU/map-tiles-to-threads.mlir runs this example:

    ```mlir
    scf.forall (%i) in (%n) {
      %t = memref.alloca() {weir.tile} : memref<16x64xf32>
      scf.parallel (%a, %b) = (%c0, %c0) to (%c16, %c64) step (%c1, %c1) { ... store to %t ... }
    }
    // -->
    scf.for %i = block_id to %n step grid_dim {
      scf.for %k = thread_id to 1024 step block_dim { %a = %k / 64, %b = %k mod 64 ... store to %t (workgroup) ... }
      gpu.barrier
    }
    ```
  }];
  let options = [
    Option<"threads", "threads", "unsigned", "128", "threads of a block">,
    Option<"sharedMemory", "shared-memory", "uint64_t", "49152", "bytes that the tiles of a block may take of the function's own memory">,
    Option<"launchMemory", "launch-memory", "uint64_t", "0", "bytes that they may take where the launch says so; 0: no more">];
  let dependentDialects = ["::mlir::NVVM::NVVMDialect", "::mlir::gpu::GPUDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::memref::MemRefDialect"];
}

def MapTilesToFragments : Pass<"map-tiles-to-fragments", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Keep tiles of rows in registers, and give products of 16-bit elements and of tf32 to tensor cores";
  let description = [{
    For kernels with products of tiles of `threads` / 2 rows, or `threads`, whose right factors are copied from arguments: each
    warp of a block has 16 rows, or 32. Of 16-bit elements, tiles of rows become private arrays that hold what a thread has of them, as `mma.sync` m16n8k16 has
    its sums; right factors become matrices of 16-bit elements in shared memory, which `ldmatrix` reads. Tile operations on
    rows are repeated for a thread's elements; row statistics are the same in the four threads of a row. Left factors are
    rounded to 16 bits: those of queries are 16-bit elements anyway (a scale goes to the sums), weights lose their last bits, as is usual.
    `cp.async` copies matrices; where a loop over keys does nothing else to them, into two places, a tile ahead.

    Of f32, a row's elements are in eight threads, and products are multiply-adds of what is read from shared memory, four elements along a line at
    a time. Left factors are written there too, for the threads of a warp: those of queries once, weights for each product.

    Of f32 with products that are rounded to tf32 (`mapping.rounded`), they are `mma.sync` m16n8k8, each factor rounded where it is read. Left factors of
    all keys that registers have no room for are written to shared memory, once.

    Tile operations without rows are left to `map-tiles-to-threads`, and so are kernels that are not of this form.

    test/Conversion/TilesToGPU/map-tiles-to-fragments.mlir runs this example, map-tiles-to-multiply-adds.mlir one of f32, map-tiles-to-tensor-floats.mlir
    one of tf32:

    ```mlir
    %s = memref.alloca() {weir.tile} : memref<64x32xf32>
    linalg.contract indexing_maps = [(m, n, d) -> (m, d), (m, n, d) -> (n, d), (m, n, d) -> (m, n)]
      ins(%q, %k : memref<64x16xf32>, memref<32x16xf32>) outs(%s : memref<64x32xf32>)
    // -->
    %s = memref.alloca() : memref<16xf32, #gpu.address_space<private>>
    %b = nvgpu.ldmatrix %k[%line, %column] {numTiles = 4, transpose = false} : memref<32x24xbf16, #gpu.address_space<workgroup>> -> vector<4x2xbf16>
    %c = nvvm.mma.sync A[...] B[...] C[...] {shape = #nvvm.shape<m = 16, n = 8, k = 16>, ...}
    ```
  }];
  let options = [Option<"threads", "threads", "unsigned", "128", "threads of a block">];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::nvgpu::NVGPUDialect", "::mlir::vector::VectorDialect", "::mlir::math::MathDialect"];
}

def MathToIntrinsics : Pass<"gpu-math-to-intrinsics", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Make intrinsics of the mathematical functions that a GPU has instructions for";
  let description = [{
    Absolute value, ceiling, floor, rounding, truncation, copied signs, square roots and fused multiply-adds of f32 and f64.
    `convert-gpu-to-nvvm` would make calls of CUDA's libdevice of them, which is not linked. Other functions are left.

    test/Conversion/TilesToGPU/math-to-intrinsics.mlir runs this example:

    ```mlir
    %r = math.sqrt %x : f32
    // -->
    %r = llvm.call_intrinsic "llvm.sqrt"(%x) : (f32) -> f32
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def DeclareLaunchMemory : Pass<"gpu-declare-launch-memory", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Declare the shared memory that a launch gives as external";
  let description = [{
    After `convert-gpu-to-nvvm`, `gpu.dynamic_shared_memory` is the address of an internal array without elements. Only an external one begins
    where the kernel's own shared memory ends.

    test/Conversion/TilesToGPU/declare-launch-memory.mlir runs this example:

    ```mlir
    llvm.mlir.global internal @__dynamic_shmem__0() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
    // -->
    llvm.mlir.global external @__dynamic_shmem__0() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>
    ```
  }];
}

def OrderTileLoops : Pass<"gpu-order-tile-loops", "::mlir::ModuleOp"> {
  let summary = "Put the parallel dimensions of tile operations before those that are summed";
  let description = [{
    `convert-linalg-to-parallel-loops` nests loops in the order of the dimensions, and `map-tiles-to-threads` deals out those that no sum is
    around. A contraction becomes a `linalg.generic` whose products may be fused with its sum. Around an operation without parallel dimensions goes
    a parallel loop of one iteration, so that one thread does it.

    test/Conversion/TilesToGPU/order-tile-loops.mlir runs this example:

    ```mlir
    linalg.contract indexing_maps = [(m, n, f) -> (m, n), (m, n, f) -> (n, f), (m, n, f) -> (m, f)] ins(%p, %v : ...) outs(%o : ...)
    // -->
    linalg.generic {indexing_maps = [(m, f, n) -> (m, n), (m, f, n) -> (n, f), (m, f, n) -> (m, f)],
                    iterator_types = ["parallel", "parallel", "reduction"]} ins(%p, %v : ...) outs(%o : ...) { ... }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect"];
}
#endif
