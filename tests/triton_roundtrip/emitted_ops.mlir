// Every op that pyflex hands to Triton, one case after the other.

tt.func private @declaration(i32) -> f32

tt.func private @called(%x: f32) -> f32 {
  tt.return %x : f32
}

tt.func public @call(%x: f32 {tt.divisibility = 16 : i32}) attributes {noinline = false} {
  %0 = tt.call @called(%x) : (f32) -> f32
  tt.return
}

// -----

tt.func public @grid() {
  %0 = tt.get_program_id x : i32
  %1 = tt.get_program_id y : i32
  %2 = tt.get_program_id z : i32
  %3 = tt.get_num_programs x : i32
  %4 = tt.get_num_programs y : i32
  %5 = tt.get_num_programs z : i32
  tt.return
}

// -----

tt.func public @shapes(%p: !tt.ptr<bf16> {tt.divisibility = 16 : i32}) {
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %pointers = tt.splat %p : !tt.ptr<bf16> -> tensor<16x1x!tt.ptr<bf16>>
  %column = tt.expand_dims %range {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %tile = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
  %trans = tt.trans %tile {order = array<i32: 1, 0>} : tensor<16x64xi32> -> tensor<64x16xi32>
  %halves = tt.reshape %tile : tensor<16x64xi32> -> tensor<2x8x64xi32>
  %last = tt.trans %halves {order = array<i32: 1, 2, 0>} : tensor<2x8x64xi32> -> tensor<8x64x2xi32>
  %half, %other = tt.split %last : tensor<8x64x2xi32> -> tensor<8x64xi32>
  tt.return
}

// -----

tt.func public @memory(%p: !tt.ptr<f32>, %i: i64, %ps: tensor<16x!tt.ptr<f16>>, %is: tensor<16xi32>,
                       %mask: tensor<16xi1>, %xs: tensor<16xf16>) {
  %0 = tt.addptr %p, %i : !tt.ptr<f32>, i64
  %1 = tt.addptr %ps, %is : tensor<16x!tt.ptr<f16>>, tensor<16xi32>
  %2 = tt.load %0 : !tt.ptr<f32>
  %3 = tt.load %1, %mask : tensor<16x!tt.ptr<f16>>
  %4 = tt.load %1, %mask, %xs : tensor<16x!tt.ptr<f16>>
  %5 = tt.load %1 {isVolatile = true} : tensor<16x!tt.ptr<f16>>
  tt.store %0, %2 : !tt.ptr<f32>
  tt.store %1, %xs, %mask : tensor<16x!tt.ptr<f16>>
  %6 = tt.ptr_to_int %0 : !tt.ptr<f32> -> i64
  %7 = tt.ptr_to_int %1 : tensor<16x!tt.ptr<f16>> -> tensor<16xi64>
  %8 = tt.bitcast %1 : tensor<16x!tt.ptr<f16>> -> tensor<16x!tt.ptr<i32>>
  tt.return
}

// -----

tt.func public @captured_types(%b: !tt.ptr<i1>, %i8: !tt.ptr<i8>, %i16: !tt.ptr<i16>, %i64: !tt.ptr<i64>,
                               %f64: !tt.ptr<f64>) {
  %0 = tt.load %b : !tt.ptr<i1>
  %1 = tt.load %i8 : !tt.ptr<i8>
  %2 = tt.load %i16 : !tt.ptr<i16>
  %3 = tt.load %i64 : !tt.ptr<i64>
  %4 = tt.load %f64 : !tt.ptr<f64>
  tt.return
}

// -----

tt.func public @dot(%a: tensor<16x32xf32>, %b: tensor<32x64xf32>, %c: tensor<16x64xf32>,
                    %a16: tensor<16x32xbf16>, %b16: tensor<32x64xbf16>) {
  %0 = tt.dot %a, %b, %c : tensor<16x32xf32> * tensor<32x64xf32> -> tensor<16x64xf32>
  %1 = tt.dot %a, %b, %c, inputPrecision = tf32 : tensor<16x32xf32> * tensor<32x64xf32> -> tensor<16x64xf32>
  %2 = tt.dot %a, %b, %c, inputPrecision = tf32x3 : tensor<16x32xf32> * tensor<32x64xf32> -> tensor<16x64xf32>
  %3 = tt.dot %a16, %b16, %c : tensor<16x32xbf16> * tensor<32x64xbf16> -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func public @reduce(%tile: tensor<16x64xf32>, %row: tensor<64xf32>) {
  %max = "tt.reduce"(%tile) <{axis = 1 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %0 = arith.maxnumf %a, %b : f32
    tt.reduce.return %0 : f32
  }) : (tensor<16x64xf32>) -> tensor<16xf32>
  %sum = "tt.reduce"(%row) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    tt.reduce.return %0 : f32
  }) : (tensor<64xf32>) -> f32
  tt.return
}

// -----

tt.func public @scan(%column: tensor<64xi32>, %tile: tensor<16x64xf32>) {
  %counts = "tt.scan"(%column) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: i32, %b: i32):
    %0 = arith.addi %a, %b : i32
    tt.scan.return %0 : i32
  }) : (tensor<64xi32>) -> tensor<64xi32>
  %sums = "tt.scan"(%tile) <{axis = 1 : i32, reverse = true}> ({
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    tt.scan.return %0 : f32
  }) : (tensor<16x64xf32>) -> tensor<16x64xf32>
  tt.return
}

// -----

tt.func public @extern_elementwise(%x: tensor<16x64xf32>, %y: f64) {
  %0 = tt.extern_elementwise %x, %x {libname = "", libpath = "", pure = true, symbol = "__nv_powf"}
      : (tensor<16x64xf32>, tensor<16x64xf32>) -> tensor<16x64xf32>
  %1 = tt.extern_elementwise %y {libname = "", libpath = "", pure = true, symbol = "__ocml_tanh_f64"}
      : (f64) -> f64
  tt.return
}

// -----

tt.func public @elementwise_inline_asm(%x: tensor<16xf32>) {
  %0 = tt.elementwise_inline_asm "griddepcontrol.wait; // $0"
      {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  %1 = tt.elementwise_inline_asm "neg.f32 $0, $1;"
      {constraints = "=f,f", packed_element = 1 : i32, pure = true} %x : tensor<16xf32> -> tensor<16xf32>
  tt.return
}

// -----

tt.func public @loop_and_branch(%n: i32, %p: !tt.ptr<f32>, %x: tensor<16xf32>) {
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %first = arith.constant 0.0 : f32
  %0:2 = scf.for %i = %zero to %n step %one iter_args(%a = %x, %b = %first) -> (tensor<16xf32>, f32) : i32 {
    %next = arith.addf %a, %a : tensor<16xf32>
    scf.yield %next, %b : tensor<16xf32>, f32
  }
  %single = arith.cmpi eq, %n, %one : i32
  scf.if %single {
    tt.store %p, %0#1 : !tt.ptr<f32>
  } else {
    tt.store %p, %first : !tt.ptr<f32>
  }
  tt.return
}

// -----

tt.func public @constants() {
  %0 = arith.constant true
  %1 = arith.constant -7 : i64
  %2 = arith.constant 0xFF800000 : f32
  %3 = arith.constant 0x7FC00000 : f32
  %4 = arith.constant dense<0xFF800000> : tensor<16xf32>
  %5 = arith.constant dense<0.0> : tensor<16x64xbf16>
  %6 = arith.constant dense<2147483647> : tensor<64xi32>
  %7 = arith.constant dense<false> : tensor<16xi1>
  tt.return
}

// -----

tt.func public @integers(%x: tensor<16xi32>, %b: tensor<16xi1>) {
  %0 = arith.addi %x, %x : tensor<16xi32>
  %1 = arith.subi %x, %x : tensor<16xi32>
  %2 = arith.muli %x, %x : tensor<16xi32>
  %3 = arith.divsi %x, %x : tensor<16xi32>
  %4 = arith.divui %x, %x : tensor<16xi32>
  %5 = arith.remsi %x, %x : tensor<16xi32>
  %6 = arith.remui %x, %x : tensor<16xi32>
  %7 = arith.minsi %x, %x : tensor<16xi32>
  %8 = arith.maxsi %x, %x : tensor<16xi32>
  %9 = arith.minui %x, %x : tensor<16xi32>
  %10 = arith.maxui %x, %x : tensor<16xi32>
  %11 = arith.andi %b, %b : tensor<16xi1>
  %12 = arith.ori %b, %b : tensor<16xi1>
  %13 = arith.xori %x, %x : tensor<16xi32>
  %14 = arith.shli %x, %x : tensor<16xi32>
  %15 = arith.shrsi %x, %x : tensor<16xi32>
  %16 = arith.shrui %x, %x : tensor<16xi32>
  %17 = arith.cmpi sge, %x, %x : tensor<16xi32>
  %18 = arith.cmpi ult, %x, %x : tensor<16xi32>
  %19 = arith.select %b, %x, %x : tensor<16xi1>, tensor<16xi32>
  %20 = arith.addi %x, %x overflow<nsw> : tensor<16xi32>
  tt.return
}

// -----

tt.func public @floats(%x: tensor<16xf32>) {
  %0 = arith.addf %x, %x : tensor<16xf32>
  %1 = arith.subf %x, %x : tensor<16xf32>
  %2 = arith.mulf %x, %x : tensor<16xf32>
  %3 = arith.divf %x, %x : tensor<16xf32>
  %4 = arith.maxnumf %x, %x : tensor<16xf32>
  %5 = arith.minnumf %x, %x : tensor<16xf32>
  %6 = arith.maximumf %x, %x : tensor<16xf32>
  %7 = arith.minimumf %x, %x : tensor<16xf32>
  %8 = arith.cmpf oeq, %x, %x : tensor<16xf32>
  %9 = arith.cmpf une, %x, %x : tensor<16xf32>
  tt.return
}

// -----

tt.func public @casts(%i: tensor<16xi32>, %b: tensor<16xi1>, %x: tensor<16xf32>) {
  %0 = arith.extsi %i : tensor<16xi32> to tensor<16xi64>
  %1 = arith.extui %b : tensor<16xi1> to tensor<16xi8>
  %2 = arith.trunci %i : tensor<16xi32> to tensor<16xi16>
  %3 = arith.sitofp %i : tensor<16xi32> to tensor<16xf32>
  %4 = arith.uitofp %b : tensor<16xi1> to tensor<16xf32>
  %5 = arith.fptosi %x : tensor<16xf32> to tensor<16xi64>
  %6 = arith.fptoui %x : tensor<16xf32> to tensor<16xi8>
  %7 = arith.extf %x : tensor<16xf32> to tensor<16xf64>
  %8 = arith.truncf %x : tensor<16xf32> to tensor<16xbf16>
  %9 = tt.bitcast %x : tensor<16xf32> -> tensor<16xi32>
  tt.return
}

// -----

tt.func public @math(%x: tensor<16xf32>, %i: tensor<16xi32>) {
  %0 = math.absf %x : tensor<16xf32>
  %1 = math.absi %i : tensor<16xi32>
  %2 = math.ceil %x : tensor<16xf32>
  %3 = math.erf %x : tensor<16xf32>
  %4 = math.exp %x : tensor<16xf32>
  %5 = math.exp2 %x : tensor<16xf32>
  %6 = math.floor %x : tensor<16xf32>
  %7 = math.fma %x, %x, %x : tensor<16xf32>
  %8 = math.log %x : tensor<16xf32>
  %9 = math.log2 %x : tensor<16xf32>
  %10 = math.rsqrt %x : tensor<16xf32>
  tt.return
}
