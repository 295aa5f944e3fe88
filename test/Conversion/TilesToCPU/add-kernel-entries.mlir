// RUN: weir-opt %s --add-kernel-entries --split-input-file --verify-diagnostics | FileCheck %s

// CHECK:       module attributes {weir.kernels = [{checks = ["N > 0"], has_check, has_extents,
// CHECK-SAME:    inputs = [{name = "X", ranks = ["N"], shape = array<i64: -9223372036854775808>, type = ui8}]
// CHECK-SAME:    name = "f", outputs = [{name = "Y", ranks = ["N"], {{.*}}type = f32}]
// CHECK-SAME:    params = [{default = "1.5", name = "p", storage = f32, type = bf16}]}]}
// CHECK-LABEL: func.func private @f(
// CHECK-LABEL: func.func @f.entry(
// CHECK-SAME:    %[[RT:.*]]: !llvm.ptr, %[[SLOTS:.*]]: !llvm.ptr, %[[WS:.*]]: !llvm.ptr, %[[BYTES:.*]]: i64)
// X takes three slots, p the next, Y the three after it.
// CHECK:         llvm.getelementptr %[[SLOTS]][0]
// CHECK:         llvm.getelementptr %[[SLOTS]][1]
// CHECK:         %[[X:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?xi8, strided<[1]>>
// CHECK:         %[[AT:.*]] = llvm.getelementptr %[[SLOTS]][3]
// CHECK:         %[[P:.*]] = llvm.load %[[AT]] : !llvm.ptr -> f32
// CHECK:         llvm.getelementptr %[[SLOTS]][4]
// CHECK:         %[[Y:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?xf32, strided<[1]>>
// CHECK:         llvm.insertvalue %[[WS]]
// CHECK:         llvm.insertvalue %[[BYTES]]
// CHECK:         call @f(%[[RT]], %[[X]], %[[P]], %[[Y]],
// CHECK-LABEL: func.func private @f.check(
// CHECK-LABEL: func.func @f.check.entry(%{{.*}}: !llvm.ptr) -> i64
// CHECK-LABEL: func.func private @f.extents(
// CHECK-LABEL: func.func @f.extents.entry(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
module {
  func.func @f(%rt: !llvm.ptr, %X: memref<?xi8, strided<[1]>> {attn.name = "X", attn.ranks = ["N"], attn.type = ui8},
               %p: f32 {attn.name = "p", attn.type = bf16, attn.default = "1.5"},
               %Y: memref<?xf32, strided<[1]>> {attn.name = "Y", attn.ranks = ["N"], weir.output},
               %ws: memref<?xi8>) attributes {weir.kernel, weir.checks = ["N > 0"]} {
    return
  }
  func.func @f.check(%X: memref<?xi8, strided<[1]>>, %p: f32, %Y: memref<?xf32, strided<[1]>>) -> i64 {
    %zero = arith.constant 0 : i64
    return %zero : i64
  }
  func.func @f.extents(%X: memref<?xi8, strided<[1]>>, %p: f32, %Y: memref<?xf32, strided<[1]>>, %out: memref<?xi64>) {
    return
  }
}

// -----

// expected-error @below {{is not a kernel as outline-parallel-loops leaves it: expected (!llvm.ptr, tensors and params, 'memref<?xi8>') -> ()}}
func.func @early(%X: memref<?xf32> {attn.name = "X"}, %ws: memref<?xi8>) attributes {weir.kernel} {
  return
}

// -----

// expected-error @below {{argument 1 stands in the wrong place: expected inputs, params, outputs}}
func.func @order(%rt: !llvm.ptr, %Y: memref<?xf32> {attn.name = "Y", weir.output}, %X: memref<?xf32> {attn.name = "X"},
                 %ws: memref<?xi8>) attributes {weir.kernel} {
  return
}

// -----

// expected-error @below {{argument 0 has type 'i32', expected a memref, f32, f64, i64 or i1}}
func.func @scalar(%rt: !llvm.ptr, %p: i32 {attn.name = "p"}, %ws: memref<?xi8>) attributes {weir.kernel} {
  return
}

// -----

func.func @companion(%rt: !llvm.ptr, %p: i64 {attn.name = "p"}, %ws: memref<?xi8>) attributes {weir.kernel} {
  return
}
// expected-error @below {{takes other arguments than @companion}}
func.func @companion.workspace(%p: f32) -> i64 {
  %zero = arith.constant 0 : i64
  return %zero : i64
}

// -----

// expected-error @below {{takes a plan, and there is no @planned.plan}}
func.func @planned(%rt: !llvm.ptr, %p: i64 {attn.name = "p"}, %plan: memref<?xi8> {weir.plan}, %ws: memref<?xi8>) attributes {weir.kernel} {
  return
}

// -----

// expected-error @below {{takes no plan, and @unplanned.plan makes one}}
func.func @unplanned(%rt: !llvm.ptr, %p: i64 {attn.name = "p"}, %ws: memref<?xi8>) attributes {weir.kernel} {
  return
}
func.func @unplanned.plan(%rt: !llvm.ptr, %p: i64, %plan: memref<?xi8>) attributes {weir.plan} {
  return
}

// -----

func.func @other(%rt: !llvm.ptr, %p: i64 {attn.name = "p"}, %plan: memref<?xi8> {weir.plan}, %ws: memref<?xi8>) attributes {weir.kernel} {
  return
}
// expected-error @below {{takes other arguments than @other and a plan}}
func.func @other.plan(%rt: !llvm.ptr, %p: f32, %plan: memref<?xi8>) attributes {weir.plan} {
  return
}
