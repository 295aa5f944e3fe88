// One broken example a clause of each contract, and modules that keep them.
// RUN: split-file %s %t
// RUN: weir-opt %t/good-cascade.mlir --weir-verify-level=level=cascade -o /dev/null
// RUN: weir-opt %t/good-streamed.mlir --weir-verify-level=level=streamed -o /dev/null
// RUN: weir-opt %t/good-tiled.mlir --weir-verify-level=level=tiled -o /dev/null
// RUN: weir-opt %t/good-tiled.mlir --weir-verify-level=level=cascade -o /dev/null
// RUN: weir-opt %t/good-llvm.mlir --weir-verify-level=level=llvm -o /dev/null
// RUN: not weir-opt %t/good-tiled.mlir --weir-verify-level=level=linalg -o /dev/null 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not weir-opt %t/good-tiled.mlir --weir-verify-level=level=cpu -o /dev/null 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not weir-opt %t/good-tiled.mlir --weir-verify-level=level=llvm -o /dev/null 2>&1 | FileCheck %s --check-prefix=LLVM
// RUN: not weir-opt %t/good-streamed.mlir --weir-verify-level=level=cascade -o /dev/null 2>&1 | FileCheck %s --check-prefix=MAPPED
// RUN: weir-opt %t/good-cascade.mlir --weir-verify-level=level=streamed -o /dev/null
// RUN: not weir-opt %t/bad-streamed.mlir --weir-verify-level=level=streamed -o /dev/null 2>&1 | FileCheck %s --check-prefix=UNMAPPED
// RUN: not weir-opt %t/bad-cascade.mlir --weir-verify-level=level=cascade -o /dev/null 2>&1 | FileCheck %s --check-prefix=CASCADE
// RUN: not weir-opt %t/output.mlir --weir-verify-level=level=cascade -o /dev/null 2>&1 | FileCheck %s --check-prefix=OUTPUT
// RUN: not weir-opt %t/bad-tiled.mlir --weir-verify-level=level=tiled -o /dev/null 2>&1 | FileCheck %s --check-prefix=TILED
// RUN: not weir-opt %t/bad-cpu.mlir --weir-verify-level=level=cpu -o /dev/null 2>&1 | FileCheck %s --check-prefix=BADCPU
// RUN: not weir-opt %t/bad-llvm.mlir --weir-verify-level=level=llvm -o /dev/null 2>&1 | FileCheck %s --check-prefix=BADLLVM

// LEVEL: error: there is no level 'linalg'; the levels are cascade, streamed, tiled, cpu and llvm
// CPU: error: breaks the contract of level 'cpu': parallel loops are outlined, no scf.forall is left
// CPU-NEXT: scf.forall
// CPU: note: suspect: outline-parallel-loops did not run
// CPU: error: breaks the contract of level 'cpu': elementary functions are expanded, no math.exp is left
// LLVM: error: breaks the contract of level 'llvm': every function is an llvm.func
// MAPPED: error: breaks the contract of level 'cascade': no mapping is chosen yet
// UNMAPPED: bad-streamed.mlir:10:{{.*}} error: breaks the contract of level 'streamed': every equation has a mapping if one has

// A stream stands at level streamed, beside mapped equations; not at level cascade.
// RUN: weir-opt %t/stream.mlir --weir-verify-level=level=streamed -o /dev/null
// RUN: not weir-opt %t/stream.mlir --weir-verify-level=level=cascade -o /dev/null 2>&1 | FileCheck %s --check-prefix=STREAM
// STREAM: error: breaks the contract of level 'cascade': equations are not merged into streams yet

//--- stream.mlir
func.func @sums(%X: tensor<?x?xf32> {attn.name = "X", attn.ranks = ["M", "N"]})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %X, %c0 : tensor<?x?xf32>
  %N = tensor.dim %X, %c1 : tensor<?x?xf32>
  %Z = attn.stream "N" [n] in (%N) {
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %x = attn.read %X[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %A : tensor<?xf32>
  } : tensor<?xf32>
  %Y = attn.einsum "Y" [m] in (%M) mapping #mapping.loops<group = 0, shared = ["m"], vector = ""> {
  ^bb0(%m: i64):
    %z = attn.read %Z[%m] : tensor<?xf32> -> f32
    attn.yield %z : f32
  } : tensor<?xf32>
  %O = attn.materialize %Y {mapping = #mapping.loops<group = 0, shared = ["m"], vector = "">} : tensor<?xf32> to tensor<?xf32>
  return %O : tensor<?xf32>
}
// Bounds of tensor.dim are undefined behaviour upstream, and no end of the compiler.
// RUN: not weir-opt %t/dims.mlir --pass-pipeline='builtin.module(attn-to-tiles-pipeline)' -o /dev/null 2>&1 | FileCheck %s --check-prefix=DIMS
// DIMS: dims.mlir:5:{{.*}} error: breaks the contract of level 'streamed': extents come from {{.*}}, not from this tensor.dim
// DIMS: dims.mlir:6:{{.*}} error: breaks the contract of level 'streamed': extents come from {{.*}}, not from this tensor.dim
// OUTPUT: output.mlir:3:{{.*}} error: breaks the contract of level 'cascade': what is materialized is an equation's
//--- output.mlir
func.func @same(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["N"]})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["N"]}) attributes {attn.cascade} {
  %Y = attn.materialize %X : tensor<?xf32> to tensor<?xf32>
  return %Y : tensor<?xf32>
}

//--- dims.mlir
func.func @copy(%X: tensor<?x?xf32> {attn.name = "X", attn.ranks = ["N", "M"]})
    -> (tensor<?x?xf32> {attn.name = "Y", attn.ranks = ["N", "M"]}) attributes {attn.cascade} {
  %before = arith.constant -1 : index
  %behind = arith.constant 2 : index
  %N = tensor.dim %X, %before : tensor<?x?xf32>
  %M = tensor.dim %X, %behind : tensor<?x?xf32>
  %Y = attn.einsum "Y" [n, m] in (%N, %M) {
  ^bb0(%n: i64, %m: i64):
    %x = attn.read %X[%n, %m] : tensor<?x?xf32> -> f32
    attn.yield %x : f32
  } : tensor<?x?xf32>
  %out = attn.materialize %Y : tensor<?x?xf32> to tensor<?x?xf32>
  return %out : tensor<?x?xf32>
}

//--- good-cascade.mlir
func.func @copy(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["N"]}, %p: f32 {attn.name = "p", attn.type = f32})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %X, %c0 : tensor<?xf32>
  %Y = attn.einsum "Y" [n] in (%N) {
  ^bb0(%n: i64):
    %x = attn.read %X[%n] : tensor<?xf32> -> f32
    %y = attn.map mul(%x, %p) : (f32, f32) -> f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %out = attn.materialize %Y : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}
func.func @host(%x: memref<4xf32>, %i: index) -> f32 {
  %y = memref.load %x[%i] : memref<4xf32>
  return %y : f32
}

//--- good-streamed.mlir
func.func @copy(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["N"]})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %X, %c0 : tensor<?xf32>
  %Y = attn.einsum "Y" [n] in (%N) mapping #mapping.loops<group = 0, shared = [], vector = "n"> {
  ^bb0(%n: i64):
    %x = attn.read %X[%n] : tensor<?xf32> -> f32
    attn.yield %x : f32
  } : tensor<?xf32>
  %out = attn.materialize %Y : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}

//--- bad-streamed.mlir
func.func @copy(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["N"]})
    -> (tensor<?xf32> {attn.name = "Z", attn.ranks = ["N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %X, %c0 : tensor<?xf32>
  %Y = attn.einsum "Y" [n] in (%N) mapping #mapping.loops<group = 0, shared = [], vector = "n"> {
  ^bb0(%n: i64):
    %x = attn.read %X[%n] : tensor<?xf32> -> f32
    attn.yield %x : f32
  } : tensor<?xf32>
  %Z = attn.einsum "Z" [n] in (%N) {
  ^bb0(%n: i64):
    %y = attn.read %Y[%n] : tensor<?xf32> -> f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %out = attn.materialize %Z : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}

//--- good-tiled.mlir
// What stands beside the kernel is the host's, and is not judged.
func.func @copy(%x: memref<?xf32> {attn.name = "x", attn.ranks = ["N"], attn.type = f32},
                %y: memref<?xf32> {attn.name = "y", attn.ranks = ["N"], attn.type = f32, weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.forall (%i) in (%n) {
    %a = memref.load %x[%i] : memref<?xf32>
    %e = math.exp %a : f32
    memref.store %e, %y[%i] : memref<?xf32>
  }
  return
}
func.func @copy.workspace(%x: memref<?xf32>, %y: memref<?xf32>) -> i64 {
  %c0 = arith.constant 0 : i64
  return %c0 : i64
}
func.func @host(%t: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %s = math.tan %t : tensor<4x4xf32>
  return %s : tensor<4x4xf32>
}

//--- good-llvm.mlir
module attributes {weir.kernels = [{name = "copy"}]} {
  llvm.func @copy(%n: i64) -> i64 {
    llvm.return %n : i64
  }
  func.func @host(%n: i64) -> i64 {
    return %n : i64
  }
}

//--- bad-cascade.mlir
// CASCADE-DAG: error: breaks the contract of level 'cascade': argument 0 has no attn.name
// CASCADE-DAG: error: breaks the contract of level 'cascade': argument 1 is a param without attn.type
// CASCADE-DAG: error: breaks the contract of level 'cascade': argument 2 is a tensor after a param; inputs come first
// CASCADE-DAG: error: breaks the contract of level 'cascade': result 0 is no attn.materialize, so absent entries would reach the caller
// CASCADE-DAG: error: breaks the contract of level 'cascade': a body holds attn ops only, not math.exp
// CASCADE-DAG: error: breaks the contract of level 'cascade': a cascade holds attn, arith, tensor and func ops only, not scf.if
// CASCADE-DAG: error: breaks the contract of level 'cascade': extents come from {{.*}}, not from this tensor.empty
// CASCADE-DAG: error: breaks the contract of level 'cascade': extents come from {{.*}}, not from this tensor.dim
// CASCADE-DAG: error: breaks the contract of level 'cascade': extents come from {{.*}}, not from this arith.addi
// CASCADE-DAG: note: suspect: a lowering that ran too early
func.func @broken(%X: tensor<?xf32> {attn.ranks = ["N"]}, %p: f32 {attn.name = "p"},
                  %Z: tensor<?xf32> {attn.name = "Z", attn.ranks = ["N"]})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %X, %c0 : tensor<?xf32>
  %Y = attn.einsum "Y" [n] in (%N) {
  ^bb0(%n: i64):
    %x = attn.read %X[%n] : tensor<?xf32> -> f32
    %e = math.exp %x : f32
    attn.yield %e : f32
  } : tensor<?xf32>
  %true = arith.constant true
  scf.if %true {
  }
  %sum = arith.addi %N, %N : index
  %E = tensor.empty(%N) : tensor<?xf32>
  %D = tensor.dim %E, %c0 : tensor<?xf32>
  return %Y : tensor<?xf32>
}

//--- bad-tiled.mlir
// TILED-DAG: error: breaks the contract of level 'tiled': a kernel's last argument is its workspace, memref<?xi8>
// TILED-DAG: error: breaks the contract of level 'tiled': argument 0 of a kernel has no attn.name
// TILED-DAG: error: breaks the contract of level 'tiled': a kernel returns nothing, outputs are arguments
// TILED-DAG: error: breaks the contract of level 'tiled': no attn op is left
// TILED-DAG: error: breaks the contract of level 'tiled': no tensor is left, everything is a buffer or a scalar
// TILED-DAG: error: breaks the contract of level 'tiled': math.tan is not among the functions that every target has
// TILED-DAG: error: breaks the contract of level 'tiled': only scf, memref, arith, math, vector, linalg, mapping and func ops, not cf.assert
// TILED-DAG: error: breaks the contract of level 'tiled': scf.forall stands at the function's top level, or in loops there, and has no results
// TILED-DAG: error: breaks the contract of level 'tiled': vectors have one fixed dimension
// TILED: note: suspect
func.func @kernel(%x: memref<?xf32>, %a: f32 {attn.name = "a"}, %c: i1 {attn.name = "c"}, %n: index) -> f32 attributes {weir.kernel} {
  %l = attn.literal "1" : f32
  %t = arith.constant dense<0.0> : tensor<4xf32>
  %tan = math.tan %a : f32
  cf.assert %c, "never"
  scf.if %c {
    scf.forall (%i) in (%n) {
    }
  }
  %v = vector.broadcast %a : f32 to vector<2x4xf32>
  return %a : f32
}

//--- bad-cpu.mlir
// BADCPU-DAG: error: breaks the contract of level 'cpu': only what a CPU lowering takes, not gpu.barrier
// BADCPU-DAG: error: breaks the contract of level 'cpu': no attn op is left
// BADCPU-DAG: error: breaks the contract of level 'cpu': elementary functions are expanded, no math.tanh is left
func.func @kernel(%a: f32) attributes {weir.kernel} {
  %l = attn.literal "1" : f32
  %t = math.tanh %a : f32
  %s = math.sqrt %a : f32
  gpu.barrier
  return
}

//--- bad-llvm.mlir
// BADLLVM: error: breaks the contract of level 'llvm': only llvm ops; a cast between type systems is left
// BADLLVM: note: suspect: a conversion left an operand of a type that nobody converts
// BADLLVM: error: breaks the contract of level 'llvm': only llvm ops, not arith.addi
llvm.func @kernel(%n: i64) -> i64 {
  %i = builtin.unrealized_conversion_cast %n : i64 to index
  %j = arith.addi %n, %n : i64
  llvm.return %n : i64
}
