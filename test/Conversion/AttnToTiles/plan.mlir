// What inputs decide is listed by a function of its own, @NAME.plan; the kernel takes the lists and asks no predicate of a whole tile.
// RUN: weir-opt %s --convert-attn-to-tiles --canonicalize --cse | FileCheck %s
// RUN: weir-opt %s --convert-attn-to-tiles | weir-opt --weir-verify-level=level=tiled
// RUN: weir-opt %s --pass-pipeline='builtin.module(convert-attn-to-tiles{allocated=true},canonicalize,cse)' | FileCheck %s --check-prefix=GPU

// CHECK-LABEL: func.func @documents(
// CHECK-SAME:    %[[PLAN:[a-z0-9]+]]: memref<?xi8> {weir.plan}, %{{[a-z0-9]+}}: memref<?xi8>) attributes {{.*}}weir.kernel
// CHECK-NOT:     scf.while
// CHECK:         %[[LISTS:.*]] = memref.view %[[PLAN]]{{.*}} to memref<?x?xi64>
// CHECK:         %[[N:.*]] = memref.load %[[LISTS]][%{{.*}}, %c0]
// CHECK:         %[[TILES:.*]] = arith.index_cast %[[N]]
// CHECK:         arith.muli %{{.*}}, %[[TILES]]
// CHECK:         scf.for %{{.*}} step %c1
// CHECK:           %[[TILE:.*]] = memref.load %[[LISTS]]
// CHECK:           arith.shrui %[[TILE]], %c38_i64
// CHECK:           linalg.contract
// CHECK-LABEL: func.func @documents.plan(
// CHECK-SAME:    memref<?xi8>) attributes {weir.plan}
// CHECK:         scf.forall
// CHECK:           memref.load %arg4
// CHECK:         scf.forall
// CHECK:           scf.while
// CHECK-NOT:     linalg
// CHECK-LABEL: func.func @documents.plan_bytes(
// CHECK-SAME:    -> i64

// A GPU's kernel lists tiles itself: summaries of steps of keys, a verdict on each for each block of rows, lists; then what they are for.
// GPU-NOT: plan
// GPU:     func.func @documents(
// GPU-DAG:   %[[VERDICTS:.*]] = memref.view %{{.*}} to memref<?x?xi8>
// GPU-DAG:   %[[LISTS:.*]] = memref.view %{{.*}} to memref<?x?xi64>
// GPU:       scf.forall
// GPU:         memref.load %arg4
// GPU:       scf.forall
// GPU-NOT:     scf.while
// GPU:         memref.store %{{.*}}, %[[VERDICTS]]
// GPU:       scf.forall
// GPU:         scf.while
// GPU:         memref.load %[[VERDICTS]]
// GPU:         memref.store %{{.*}}, %[[LISTS]]
// GPU:       scf.forall
// GPU-NOT:     scf.while
// GPU:         memref.load %[[LISTS]]
// GPU:         linalg.contract
// GPU-NOT: plan
module {
  func.func @documents(%arg0: tensor<?x8xf32> {attn.name = "Q", attn.ranks = ["M", "D"]}, %arg1: tensor<?x8xf32> {attn.name = "K", attn.ranks = ["N", "D"]}, %arg2: tensor<?x8xf32> {attn.name = "V", attn.ranks = ["N", "F"]}, %arg3: tensor<?xi32> {attn.name = "ID", attn.ranks = ["M"]}, %arg4: tensor<?xi32> {attn.name = "DOC", attn.ranks = ["N"]}) -> (tensor<?x8xf32> {attn.name = "O", attn.ranks = ["M", "F"]}) attributes {attn.cascade, mapping.streams = [{as_written_s = 0.0016495455782312928 : f64, assumed = {M = 1024 : i64, N = 1024 : i64}, forced = false, merged = true, rank = "N", rows_of_tile = 24 : i64, tiled_s = 6.3240384668989541E-4 : f64}]} {
    %c0 = arith.constant 0 : index
    %dim = tensor.dim %arg0, %c0 : tensor<?x8xf32>
    %dim_0 = tensor.dim %arg1, %c0 : tensor<?x8xf32>
    %c8 = arith.constant 8 : index
    %c8_1 = arith.constant 8 : index
    %O = attn.stream "N" [n] in(%dim_0) mapping #mapping.tiles<rows = "m", m = 24, n = 128> certificate {distributivity = ["softmax_1_M", "softmax_1_Z", "O"], factorisation = ["softmax_1_M", "softmax_1_Z", "O"], finite = ["$R3"], homomorphism = ["$S4", "$S5"], inverse = ["$S4", "$S5"], monoid = ["$R3", "$S4", "$S5"]} {
      %S = attn.einsum "S" [m, n] in(%dim, %dim_0) {
      ^bb0(%m: i64, %n: i64):
        %1 = attn.reduce sum [d] in(%c8) {
        ^bb0(%d: i64):
          %6 = attn.read %arg0[%m, %d] : tensor<?x8xf32> -> f32
          %7 = attn.read %arg1[%n, %d] : tensor<?x8xf32> -> f32
          %8 = attn.map mul(%6, %7) : (f32, f32) -> f32
          attn.yield %8 : f32
        } : f32
        %2 = attn.read %arg4[%n] : tensor<?xi32> -> i64
        %3 = attn.read %arg3[%m] : tensor<?xi32> -> i64
        %4 = attn.map eq(%2, %3) : (i64, i64) -> i1
        %5 = attn.where %1, %4 : f32
        attn.yield %5 : f32
      } : tensor<?x?xf32>
      %E1 = attn.einsum "E1" [m, n] in(%dim, %dim_0) {
      ^bb0(%m: i64, %n: i64):
        %1 = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
        %2 = attn.read %arg4[%n] : tensor<?xi32> -> i64
        %3 = attn.read %arg3[%m] : tensor<?xi32> -> i64
        %4 = attn.map eq(%2, %3) : (i64, i64) -> i1
        %5 = attn.where %1, %4 : f32
        attn.yield %5 : f32
      } : tensor<?x?xf32>
      %R3 = attn.accumulate ref "R3" [m] in(%dim) over [n] in(%dim_0) {
      ^bb0(%m: i64, %n: i64):
        %1 = attn.read %E1[%m, %n] : tensor<?x?xf32> -> f32
        attn.yield %1 : f32
      } : tensor<?xf32>
      %S4 = attn.accumulate sum "S4" [m] in(%dim) over [n] in(%dim_0) reference %R3 : tensor<?xf32> [m] {
      ^bb0(%m: i64, %n: i64):
        %1 = attn.literal "1" : f32
        %2 = attn.read %E1[%m, %n] : tensor<?x?xf32> -> f32
        attn.yield %1, %2 : f32, f32
      } : tensor<?xf32>
      %S5 = attn.accumulate sum "S5" [f, m] in(%c8_1, %dim) over [n] in(%dim_0) reference %R3 : tensor<?xf32> [m] {
      ^bb0(%f: i64, %m: i64, %n: i64):
        %1 = attn.read %arg2[%n, %f] : tensor<?x8xf32> -> f32
        %2 = attn.read %E1[%m, %n] : tensor<?x?xf32> -> f32
        attn.yield %1, %2 : f32, f32
      } : tensor<8x?xf32>
      %O_2 = attn.einsum "O" [m, f] in(%dim, %c8_1) {
      ^bb0(%m: i64, %f: i64):
        %1 = attn.read %S5[%f, %m] : tensor<8x?xf32> -> f32
        %2 = attn.read %S4[%m] : tensor<?xf32> -> f32
        %3 = attn.map div(%1, %2) : (f32, f32) -> f32
        %4 = attn.read %R3[%m] : tensor<?xf32> -> f32
        %5 = attn.isabsent %4 : f32
        %6 = attn.not %5
        %7 = attn.where %3, %6 : f32
        attn.yield %7 : f32
      } : tensor<?x8xf32>
      attn.yield %O_2 : tensor<?x8xf32>
    } : tensor<?x8xf32>
    %0 = attn.materialize %O {mapping = #mapping.loops<group = 0, shared = ["m", "f"], vector = "">} : tensor<?x8xf32> to tensor<?x8xf32>
    return %0 : tensor<?x8xf32>
  }
}

