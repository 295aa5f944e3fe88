// FuseMax's first cascade turns into its second: sum(k) Y*A is Y times sum(k) A.
// RUN: weir-opt %s --attn-derive-traversals -o %t.out | FileCheck %s
// RUN: weir-opt %s -o %t.plain && diff %t.out %t.plain

// CHECK-LABEL: derived traversals of @cascade_1
// CHECK-NEXT:    K: 1, as written 2, at least 1
// CHECK-NEXT:     traversal 1
// CHECK-NEXT:      $S1 = sum(k) A[k]*B[k]
// CHECK-NEXT:      $S3 = sum(k) A[k]
// CHECK-NEXT:      finish Z = $S1[]*$S3[] where not isabsent($S1[])
func.func @cascade_1(%A: tensor<?xf32> {attn.name = "A", attn.ranks = ["K"]},
                     %B: tensor<?xf32> {attn.name = "B", attn.ranks = ["K"]})
    -> (tensor<f32> {attn.name = "Z", attn.ranks = []}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %K = tensor.dim %A, %c0 : tensor<?xf32>
  %Y = attn.einsum "Y" [] in () {
    %s = attn.reduce sum [k] in (%K) {
    ^bb0(%k: i64):
      %a = attn.read %A[%k] : tensor<?xf32> -> f32
      %b = attn.read %B[%k] : tensor<?xf32> -> f32
      %ab = attn.map mul(%a, %b) : (f32, f32) -> f32
      attn.yield %ab : f32
    } : f32
    attn.yield %s : f32
  } : tensor<f32>
  %Z = attn.einsum "Z" [] in () {
    %s = attn.reduce sum [k] in (%K) {
    ^bb0(%k: i64):
      %y = attn.read %Y[] : tensor<f32> -> f32
      %a = attn.read %A[%k] : tensor<?xf32> -> f32
      %ya = attn.map mul(%y, %a) : (f32, f32) -> f32
      attn.yield %ya : f32
    } : f32
    attn.yield %s : f32
  } : tensor<f32>
  %out = attn.materialize %Z : tensor<f32> to tensor<f32>
  return %out : tensor<f32>
}
