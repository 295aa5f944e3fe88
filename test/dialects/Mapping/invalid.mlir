// A negative test for every numbered constraint of dialects/Mapping/README.md, named by it.
// RUN: weir-opt %s --verify-diagnostics --split-input-file

// expected-error@+1 {{group -1 is negative}}
func.func private @loops_c1() attributes {test.mapping = #mapping.loops<group = -1, shared = [], vector = "">}

// -----

// expected-error@+1 {{'shared' is a list of coordinates' names, not [3]}}
func.func private @loops_c2() attributes {test.mapping = #mapping.loops<group = 0, shared = [3], vector = "">}

// -----

// expected-error@+1 {{'shared' has the coordinate 'm' twice}}
func.func private @loops_c3() attributes {test.mapping = #mapping.loops<group = 0, shared = ["m", "m"], vector = "">}

// -----

// expected-error@+1 {{'rows' is empty, expected a coordinate's name}}
func.func private @tiles_c1() attributes {test.mapping = #mapping.tiles<rows = "", m = 64, n = 128>}

// -----

// expected-error@+1 {{tiles of 0 by 128, expected positive sizes}}
func.func private @tiles_c2() attributes {test.mapping = #mapping.tiles<rows = "m", m = 0, n = 128>}

// -----

// expected-error@+1 {{a split into -1 parts, expected 0 (chosen later) or more}}
func.func private @tiles_c3() attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128, split = -1>}

// -----

// expected-error@+1 {{a step of 0 from key to key, expected 1 or more}}
func.func private @tiles_c4() attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128 step [4, 0]>}
