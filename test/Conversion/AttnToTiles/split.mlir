// Keys in parts: a loop that folds them, each part's state to a slot, and one that merges slots and finishes.
// RUN: weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{split=3}))' | FileCheck %s --check-prefix=MAP
// RUN: weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{split=3}),convert-attn-to-tiles,canonicalize,cse)' | FileCheck %s
// RUN: weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{split=3}),convert-attn-to-tiles)' | weir-opt --weir-verify-level=level=tiled
// RUN: weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams),convert-attn-to-tiles,canonicalize,cse)' | FileCheck %s --check-prefix=OPEN
// RUN: weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{split=3 shared-bytes=49152}),convert-attn-to-tiles{allocated=true},canonicalize,cse)' | FileCheck %s --check-prefix=GPU
// RUN: weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{shared-bytes=49152}),convert-attn-to-tiles{allocated=true concurrent=216},canonicalize,cse)' | FileCheck %s --check-prefix=COUNTED
// RUN: not weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{m=12}))' 2>&1 | FileCheck %s --check-prefix=LANES
// RUN: not weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{n=4096}))' 2>&1 | FileCheck %s --check-prefix=FRAME
// RUN: weir-opt %S/streams.mlir --pass-pipeline='builtin.module(func.func(attn-map-streams{m=16 n=40}))' | FileCheck %s --check-prefix=SIZES

// MAP: attn.stream "N" [n] in(%{{.*}}) mapping #mapping.tiles<rows = "m", m = 24, n = 128, split = 3>
// LANES: error: 'attn.stream' op cannot have tiles of 12 rows: a vector holds 8 of them, expected a multiple or fewer
// FRAME: error: 'attn.stream' op has tiles of 24 rows and 4096 keys that take about {{[0-9]+}} bytes, more than the 1048576 that there are for them; make 'm' or 'n' smaller
// SIZES: mapping #mapping.tiles<rows = "m", m = 16, n = 40>

// Rounds of 21 blocks have 63 slots. A slot holds what the state does: the reference, two sums, and whether something took part.
// CHECK-LABEL: func.func @softmax(
// CHECK:         scf.for %{{.*}} step %c21
// CHECK:           scf.forall
// CHECK:             scf.for
// CHECK:               arith.remui %{{.*}}, %c3
// CHECK:               linalg.contract
// CHECK:               linalg.contract
// CHECK-NOT:           arith.divf
// CHECK:               memref.view %arg4{{.*}} to memref<24xf32>
// CHECK:               memref.view %arg4{{.*}} to memref<48x24xf32>
// CHECK:           scf.forall
// CHECK-NOT:         linalg.contract
// CHECK:             scf.for %{{.*}} = %c0 to %c3
// CHECK:               linalg.generic
// CHECK:                 arith.maximumf
// CHECK:               linalg.generic
// CHECK:                 math.exp
// CHECK:                 math.exp
// CHECK:               %[[OLD:.*]] = arith.mulf %out, %in
// CHECK:               %[[NEW:.*]] = arith.mulf %in_{{.*}}, %in_
// CHECK:               arith.addf %[[OLD]], %[[NEW]]
// CHECK:             arith.divf
// CHECK-LABEL: func.func @softmax.workspace(
// CHECK-NOT:     arith.muli
// CHECK:         return

// How many parts there are follows from the rows and the keys; with one the results are written at once.
// OPEN-LABEL: func.func @softmax(
// OPEN:         %[[UNITS:.*]] = arith.ceildivui %{{.*}}, %c24
// OPEN:         %[[FIT:.*]] = arith.divui %c64, %
// OPEN:         %[[LONG:.*]] = arith.divui %{{.*}}, %c512
// OPEN:         arith.minui %[[FIT]], %[[LONG]]
// OPEN:         %[[ONE:.*]] = arith.cmpi eq
// OPEN:         scf.forall
// OPEN:           scf.if %[[ONE]]
// OPEN:             arith.divf
// OPEN:           else
// OPEN:             memref.view
// OPEN:         arith.select %[[ONE]], %c0, %[[UNITS]]
// OPEN:         scf.forall

// On a GPU there are no rounds: states of all rows are kept side by side, which are merged a row at a time, all parts at once.
// GPU-LABEL: func.func @softmax(
// GPU:         scf.forall
// GPU:           arith.remui %{{.*}}, %c3
// GPU:           linalg.contract
// GPU:           linalg.contract
// GPU-NOT:       arith.divf
// GPU:           %[[LINES:.*]] = memref.view %arg4{{.*}} to memref<?x53xf32>
// GPU:           memref.subview %[[LINES]][%{{.*}}, 4] [%{{.*}}, 48] [1, 1] : memref<?x53xf32> to memref<?x48xf32,
// GPU:         scf.forall
// GPU-NOT:       linalg.contract
// GPU:           linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// GPU:             arith.maximumf
// GPU:           memref.subview %{{.*}} [3, 1, 48] [1, 1, 1]
// GPU:           linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// GPU:             math.exp
// GPU:             arith.mulf
// GPU:             arith.addf
// GPU:           arith.divf

// The workspace holds as many states as there are, and none where nothing is split.
// COUNTED-LABEL: func.func @softmax.workspace(
// COUNTED:         %[[UNITS:.*]] = arith.ceildivui
// COUNTED:         %[[FIT:.*]] = arith.divui %c216, %
// COUNTED:         arith.minui %[[FIT]],
// COUNTED:         %[[ALL:.*]] = arith.muli
// COUNTED:         %[[ONE:.*]] = arith.cmpi eq
// COUNTED:         arith.select %[[ONE]], %c0, %[[ALL]]
