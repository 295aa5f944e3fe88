//===- Passes.td - the passes of lib/Analysis ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_ANALYSIS_PASSES_TD
#define WEIR_ANALYSIS_PASSES_TD
include "mlir/Pass/PassBase.td"

def CountTraversals : Pass<"attn-count-traversals", "::mlir::ModuleOp"> {
  let summary = "print how often a cascade reads each rank, as it is written";
  let description = [{
    Prints, for every rank of a cascade, the number of traversals that its equations ask for when each is evaluated as it stands, and
    which equation starts a traversal because it waits for which tensor. `loop` marks a rank that a recurrence goes along; `A*B` are ranks
    that are only parts of one. Other functions are left alone. test/Analysis/count-traversals.mlir runs this example:

    ```mlir
    // Y[] = sum(k) A[k]*B[k] ; Z[] = sum(k) Y[]*A[k]
    traversals of @cascade_1
      K: 2
        Z waits for Y, starts traversal 2
    ```
  }];
  let options = [Option<"rank", "rank", "std::string", "", "print this rank only">];
}

def DeriveTraversals : Pass<"attn-derive-traversals", "::mlir::ModuleOp"> {
  let summary = "print how often a cascade has to read each rank, and the state that carries it";
  let description = [{
    Prints, for every rank that a reduction goes over, the derived number of traversals, the number as written, the lower bound where one is
    proved, the accumulators of each traversal, the outputs as expressions of completed accumulators, and why an equation needs one more
    traversal. `$R1` with `any value` is a reference: whatever it is, the outputs are the same. test/Analysis/derive-traversals.mlir runs
    this example:

    ```mlir
    // Y[] = sum(k) A[k]*B[k] ; Z[] = sum(k) Y[]*A[k]
    derived traversals of @cascade_1
      K: 1, as written 2, at least 1
       traversal 1
        $S1 = sum(k) A[k]*B[k]
        $S3 = sum(k) A[k]
        finish Z = $S1[]*$S3[] where not isabsent($S1[])
    ```
  }];
  let options = [Option<"rank", "rank", "std::string", "", "print this rank only">];
}

def PrintDomains : Pass<"attn-print-domains", "::mlir::ModuleOp"> {
  let summary = "print where each tensor of a cascade has a value";
  let description = [{
    Prints the domain of every tensor as a set in the user's names, and whether it is total whatever the inputs are. A domain holds where every rank
    that is reduced has a coordinate; `needs` lists those ranks. With `extents`, the domain's points are counted where it reads no data.
    test/Analysis/print-domains.mlir runs this example:

    ```mlir
    // S[m,n] = sum(d) Q[m,d]*K[n,d] where n <= m ; with extents=M=4,N=4,D=2
    domains of @causal
      S: { m, n : n <= m } needs D, 10 of 16
    ```
  }];
  let options = [
    ListOption<"extents", "extents", "std::string", "extents to count at, RANK=NUMBER">,
    Option<"budget", "budget", "uint64_t", "134217728", "steps after which a count is given up">];
}

def PrintCosts : Pass<"attn-print-costs", "::mlir::ModuleOp"> {
  let summary = "print the arithmetic and the bytes that a cascade cannot avoid";
  let description = [{
    Prints the floating-point operations of every equation (inside the domains where the extents are known and the domain reads no data, over
    all coordinates otherwise), and the compulsory bytes: each input read once, each output written once. Without `extents`, open
    extents stay symbols. test/Analysis/print-costs.mlir runs this example:

    ```mlir
    // S[m,n] = sum(d) Q[m,d]*K[n,d] where n <= m
    costs of @attention
      S: 2*M*D*N flops
    ```
  }];
  let options = [ListOption<"extents", "extents", "std::string", "extents to count at, RANK=NUMBER">];
}

def VerifyLevel : Pass<"weir-verify-level", "::mlir::ModuleOp"> {
  let summary = "check that the IR keeps the contract of a level";
  let description = [{
    Fails where an op breaks the contract of `level`, one of `cascade`, `streamed`, `tiled`, `cpu`, `llvm`. The error stands at the op,
    names the contract, and says which stage was to remove or make it. Only the functions that take part are judged: at the first two levels
    those with `attn.cascade`, at the next two the kernels and their checks; what else the module holds is the host's. test/Analysis/verify-level.mlir
    runs this example:

    ```mlir
    // weir-verify-level=level=tiled on a kernel that still holds an attn op:
    error: breaks the contract of level 'tiled': no attn op is left
    ```
  }];
  let options = [Option<"level", "level", "std::string", "\"cascade\"", "cascade, streamed, tiled, cpu or llvm">];
}

#endif
