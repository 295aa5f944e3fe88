//===- Passes.td - the passes of lib/Conversion/TilesToGPU ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOGPU_PASSES_TD
#define WEIR_TILESTOGPU_PASSES_TD
include "mlir/Pass/PassBase.td"

def MapTilesToThreads : Pass<"map-tiles-to-threads", "::mlir::ModuleOp"> {
  let summary = "Make the parallel loop of a kernel into a GPU kernel: blocks take iterations, threads take elements";
  let description = [{
    Each kernel becomes a `gpu.func` of the same name and arguments in a `gpu.module` `@NAME.gpu`, and leaves the host
    module with its companions. Blocks of the grid take the iterations of the kernel's `scf.forall`, one after another. A tile (a
    `memref.alloca`) becomes shared memory; those of open shape lie one behind the other, each from a multiple of 16 bytes, in the memory whose
    size the launch says. A loop that `convert-linalg-to-parallel-loops` made of a tile operation is
    counted through as one and dealt out to the threads of the block, and ends with a barrier. What stands between tile
    operations is computed by every thread alike.

    This is the plain form: any tile operation, no tensor cores, no fragments. A kernel with several parallel loops, or with code that
    writes outside them, is refused; so are tiles that need more shared memory than `shared-memory` bytes.

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
    Option<"sharedMemory", "shared-memory", "uint64_t", "49152", "bytes that the tiles of a block may take">];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::memref::MemRefDialect"];
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
