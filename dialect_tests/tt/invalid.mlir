// RUN: pyflex-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{expected a pointer to an integer or a float, got '!tt.ptr<f32>'}}
tt.func private @pointer_to_pointer(!tt.ptr<!tt.ptr<f32>>)

// -----

// expected-error @+1 {{expected a pointer to an integer or a float, got 'index'}}
tt.func private @pointer_to_index(!tt.ptr<index>)

// -----

tt.func @call_of_nothing() {
  // expected-error @+1 {{'tt.call' op expected a tt.func named 'missing', found none}}
  tt.call @missing() : () -> ()
  tt.return
}

// -----

// expected-note @+1 {{the callee is here}}
tt.func private @callee(i32) -> f32

tt.func @call_of_another_type(%x: f32) {
  // expected-error @+1 {{'tt.call' op expected the callee's type '(i32) -> f32', got '(f32) -> f32'}}
  %0 = tt.call @callee(%x) : (f32) -> f32
  tt.return
}

// -----

tt.func @return_of_another_type(%x: i32) -> f32 {
  // expected-error @+1 {{'tt.return' op expected to return ('f32'), got ('i32')}}
  tt.return %x : i32
}

// -----

tt.func @return_of_too_little() -> (i32, f32) {
  // expected-error @+1 {{'tt.return' op expected to return ('i32', 'f32'), got ()}}
  tt.return
}

// -----

tt.func @range_of_another_size() {
  // expected-error @+1 {{'tt.make_range' op expected a result of shape [16], got 'tensor<8xi32>'}}
  %0 = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<8xi32>
  tt.return
}

// -----

tt.func @range_of_rank_two() {
  // expected-error @+1 {{'tt.make_range' op expected a result of shape [16], got 'tensor<16x1xi32>'}}
  %0 = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16x1xi32>
  tt.return
}

// -----

tt.func @range_not_power_of_two() {
  // expected-error @+1 {{'tt.make_range' op expected a power of two of elements, got 12}}
  %0 = tt.make_range {start = 0 : i32, end = 12 : i32} : tensor<12xi32>
  tt.return
}

// -----

tt.func @range_of_nothing() {
  // expected-error @+1 {{'tt.make_range' op expected a power of two of elements, got 0}}
  %0 = tt.make_range {start = 3 : i32, end = 3 : i32} : tensor<0xi32>
  tt.return
}

// -----

tt.func @splat_changes_type(%x: f32) {
  // expected-error @+1 {{'tt.splat' op requires the same element type for all operands and results}}
  %0 = tt.splat %x : f32 -> tensor<16xf16>
  tt.return
}

// -----

tt.func @splat_to_dynamic_shape(%x: f32) {
  // expected-error @+1 {{'tt.splat' op result #0 must be statically shaped tensor of}}
  %0 = tt.splat %x : f32 -> tensor<?xf32>
  tt.return
}

// -----

tt.func @reshape_to_more(%x: tensor<16xi32>) {
  // expected-error @+1 {{'tt.reshape' op expected as many elements, got 'tensor<16xi32>' and 'tensor<2x16xi32>'}}
  %0 = tt.reshape %x : tensor<16xi32> -> tensor<2x16xi32>
  tt.return
}

// -----

tt.func @split_of_three(%x: tensor<16x3xi32>) {
  // expected-error @+2 {{expected a last dimension of two, got 'tensor<16x3xi32>'}}
  // expected-error @+1 {{'tt.split' op failed to infer returned types}}
  %0, %1 = tt.split %x : tensor<16x3xi32> -> tensor<16xi32>
  tt.return
}

// -----

tt.func @expand_dims_past_the_rank(%x: tensor<16xi32>) {
  // expected-error @+2 {{expected an axis between 0 and 1, got 2}}
  // expected-error @+1 {{'tt.expand_dims' op failed to infer returned types}}
  %0 = tt.expand_dims %x {axis = 2 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  tt.return
}

// -----

tt.func @expand_dims_before_the_first(%x: tensor<16xi32>) {
  // expected-error @+2 {{expected an axis between 0 and 1, got -1}}
  // expected-error @+1 {{'tt.expand_dims' op failed to infer returned types}}
  %0 = tt.expand_dims %x {axis = -1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  tt.return
}

// -----

tt.func @expand_dims_at_another_axis(%x: tensor<16xi32>) {
  // expected-error @+2 {{'tt.expand_dims' op inferred type(s) 'tensor<1x16xi32>' are incompatible with return type(s) of operation 'tensor<16x1xi32>'}}
  // expected-error @+1 {{'tt.expand_dims' op failed to infer returned types}}
  %0 = tt.expand_dims %x {axis = 0 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  tt.return
}

// -----

tt.func @broadcast_changes_rank(%x: tensor<16xi32>) {
  // expected-error @+1 {{'tt.broadcast' op expected equal ranks, got 'tensor<16xi32>' and 'tensor<16x16xi32>'}}
  %0 = tt.broadcast %x : tensor<16xi32> -> tensor<16x16xi32>
  tt.return
}

// -----

tt.func @broadcast_of_more_than_one(%x: tensor<16x2xi32>) {
  // expected-error @+1 {{'tt.broadcast' op cannot stretch a dimension of size 2 to 64}}
  %0 = tt.broadcast %x : tensor<16x2xi32> -> tensor<16x64xi32>
  tt.return
}

// -----

tt.func @trans_repeats_a_dimension(%x: tensor<16x64xf32>) {
  // expected-error @+2 {{expected a permutation of 2 dimensions}}
  // expected-error @+1 {{'tt.trans' op failed to infer returned types}}
  %0 = tt.trans %x {order = array<i32: 0, 0>} : tensor<16x64xf32> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @trans_keeps_the_shape(%x: tensor<16x64xf32>) {
  // expected-error @+2 {{'tt.trans' op inferred type(s) 'tensor<64x16xf32>' are incompatible with return type(s) of operation 'tensor<16x64xf32>'}}
  // expected-error @+1 {{'tt.trans' op failed to infer returned types}}
  %0 = tt.trans %x {order = array<i32: 1, 0>} : tensor<16x64xf32> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func @addptr_of_another_shape(%p: !tt.ptr<f32>, %i: tensor<8xi32>) {
  // expected-error @+1 {{'tt.addptr' op requires the same shape for all operands and results}}
  %0 = tt.addptr %p, %i : !tt.ptr<f32>, tensor<8xi32>
  tt.return
}

// -----

tt.func @load_of_another_type(%p: !tt.ptr<f16>) {
  // expected-error @+1 {{'tt.load' op failed to verify that result matches ptr type}}
  %0 = "tt.load"(%p) <{boundaryCheck = array<i32>, cache = 1 : i32, evict = 1 : i32, isVolatile = false, operandSegmentSizes = array<i32: 1, 0, 0>}> : (!tt.ptr<f16>) -> f32
  tt.return
}

// -----

tt.func @load_with_mask_of_another_shape(%p: tensor<8x!tt.ptr<f16>>, %m: tensor<4xi1>) {
  // expected-error @+1 {{'tt.load' op failed to verify that mask type matches ptr type}}
  %0 = "tt.load"(%p, %m) <{operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<8x!tt.ptr<f16>>, tensor<4xi1>) -> tensor<8xf16>
  tt.return
}

// -----

tt.func @load_with_other_of_another_type(%p: tensor<8x!tt.ptr<f16>>, %m: tensor<8xi1>, %o: tensor<8xf32>) {
  // expected-error @+1 {{'tt.load' op failed to verify that other matches ptr type}}
  %0 = "tt.load"(%p, %m, %o) <{operandSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<8x!tt.ptr<f16>>, tensor<8xi1>, tensor<8xf32>) -> tensor<8xf16>
  tt.return
}

// -----

tt.func @store_of_another_type(%p: !tt.ptr<f16>, %x: f32) {
  // expected-error @+1 {{'tt.store' op failed to verify that value type matches ptr type}}
  "tt.store"(%p, %x) : (!tt.ptr<f16>, f32) -> ()
  tt.return
}

// -----

tt.func @store_with_mask_of_another_shape(%p: tensor<8x!tt.ptr<f16>>, %x: tensor<8xf16>, %m: i1) {
  // expected-error @+1 {{'tt.store' op failed to verify that mask type matches ptr type}}
  "tt.store"(%p, %x, %m) : (tensor<8x!tt.ptr<f16>>, tensor<8xf16>, i1) -> ()
  tt.return
}

// -----

tt.func @dot_of_vectors(%a: tensor<16xf32>) {
  // expected-error @+1 {{'tt.dot' op expected matrices, got 'tensor<16xf32>', 'tensor<16xf32>' and 'tensor<16xf32>'}}
  %0 = tt.dot %a, %a, %a : tensor<16xf32> * tensor<16xf32> -> tensor<16xf32>
  tt.return
}

// -----

tt.func @dot_of_other_shapes(%a: tensor<16x32xf32>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{'tt.dot' op expected shapes MxK * KxN -> MxN, got 'tensor<16x32xf32>' * 'tensor<16x32xf32>' -> 'tensor<16x16xf32>'}}
  %0 = tt.dot %a, %a, %c : tensor<16x32xf32> * tensor<16x32xf32> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @dot_of_two_types(%a: tensor<16x16xf16>, %b: tensor<16x16xbf16>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{'tt.dot' op expected equal element types, got 'f16' and 'bf16'}}
  %0 = tt.dot %a, %b, %c : tensor<16x16xf16> * tensor<16x16xbf16> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @reduce_past_the_rank(%x: tensor<16xf32>) {
  // expected-error @+2 {{expected an axis below 1, got 1}}
  // expected-error @+1 {{'tt.reduce' op failed to infer returned types}}
  %0 = "tt.reduce"(%x) <{axis = 1 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    tt.reduce.return %a : f32
  }) : (tensor<16xf32>) -> f32
  tt.return
}

// -----

tt.func @reduce_by_unary_function(%x: tensor<16xf32>) {
  // expected-error @+1 {{'tt.reduce' op expected 2 arguments of its region, got 1}}
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f32):
    tt.reduce.return %a : f32
  }) : (tensor<16xf32>) -> f32
  tt.return
}

// -----

tt.func @reduce_to_another_type(%x: tensor<16xf32>) {
  // expected-error @+1 {{'tt.reduce' op expected the region to return 'f32' for operand 0}}
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %i = arith.constant 0 : i32
    tt.reduce.return %i : i32
  }) : (tensor<16xf32>) -> f32
  tt.return
}

// -----

tt.func @reduce_without_its_return(%x: tensor<16xf32>) {
  // expected-error @+1 {{'tt.reduce' op expected a region that ends in tt.reduce.return}}
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    tt.return %a : f32
  }) : (tensor<16xf32>) -> f32
  tt.return
}

// -----

tt.func @scan_past_the_rank(%x: tensor<16xf32>) {
  // expected-error @+1 {{'tt.scan' op expected an axis below 1, got 1}}
  %0 = "tt.scan"(%x) <{axis = 1 : i32, reverse = false}> ({
  ^bb0(%a: f32, %b: f32):
    tt.scan.return %a : f32
  }) : (tensor<16xf32>) -> tensor<16xf32>
  tt.return
}

// -----

tt.func @scan_without_its_return(%x: tensor<16xf32>) {
  // expected-error @+1 {{'tt.scan' op expected a region that ends in tt.scan.return}}
  %0 = "tt.scan"(%x) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: f32, %b: f32):
    tt.return %a : f32
  }) : (tensor<16xf32>) -> tensor<16xf32>
  tt.return
}

// -----

tt.func @extern_elementwise_of_two_shapes(%a: tensor<16xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'tt.extern_elementwise' op requires the same shape for all operands and results}}
  %0 = tt.extern_elementwise %a, %b {libname = "", libpath = "", pure = true, symbol = "f"}
      : (tensor<16xf32>, tensor<8xf32>) -> tensor<16xf32>
  tt.return
}

// -----

tt.func @inline_asm_without_a_result(%x: i32) {
  // expected-error @+1 {{'tt.elementwise_inline_asm' op expected at least one result}}
  "tt.elementwise_inline_asm"(%x) <{asm_string = "", constraints = "", packed_element = 1 : i32, pure = true}> : (i32) -> ()
  tt.return
}

// -----

tt.func @reduce_by_function_of_another_type(%x: tensor<16xf32>) {
  // expected-error @+1 {{'tt.reduce' op expected the region to take two 'f32' for operand 0}}
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: i32):
    tt.reduce.return %a : f32
  }) : (tensor<16xf32>) -> f32
  tt.return
}

// -----

tt.func @reduce_to_more_than_its_operands(%x: tensor<16xf32>) {
  // expected-error @+1 {{'tt.reduce' op expected the region to return 1 values, got 2}}
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    tt.reduce.return %a, %b : f32, f32
  }) : (tensor<16xf32>) -> f32
  tt.return
}

// -----

tt.func @bitcast_to_another_width(%x: f32) {
  // expected-error @+1 {{expected numbers of one width, got 'f32' and 'i64'}}
  %0 = tt.bitcast %x : f32 -> i64
  tt.return
}

// -----

tt.func @bitcast_of_a_pointer(%p: !tt.ptr<f32>) {
  // expected-error @+1 {{expected numbers of one width, got '!tt.ptr<f32>' and 'i64'}}
  %0 = tt.bitcast %p : !tt.ptr<f32> -> i64
  tt.return
}

// -----

tt.func @address_of_half_a_pointer(%p: !tt.ptr<f32>) {
  // expected-error @+1 {{result #0 must be 64-bit signless integer or}}
  %0 = tt.ptr_to_int %p : !tt.ptr<f32> -> i32
  tt.return
}
