// RUN: pyflex-opt %s | pyflex-opt | FileCheck %s

// CHECK-LABEL: tt.func private @alibi
tt.func private @alibi(%score: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %slopes: !tt.ptr<f32>) -> f32 {
  %address = tt.addptr %slopes, %h : !tt.ptr<f32>, i32
  %slope = tt.load %address : !tt.ptr<f32>
  %distance = arith.subi %kv, %q : i32
  %distance_f = arith.sitofp %distance : i32 to f32
  %bias = arith.mulf %slope, %distance_f : f32
  %result = arith.addf %score, %bias : f32
  tt.return %result : f32
}

// CHECK-LABEL: tt.func private @causal
tt.func private @causal(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// CHECK-LABEL: tt.func public @decode
tt.func public @decode(%query: !tt.ptr<bf16> {tt.divisibility = 16 : i32},
    %key: !tt.ptr<bf16>, %value: !tt.ptr<bf16>, %out: !tt.ptr<bf16>, %lse: !tt.ptr<f32>,
    %q_sb: i64, %q_sh: i64, %q_sm: i64, %k_sb: i64, %k_sh: i64, %k_sn: i64,
    %v_sb: i64, %v_sh: i64, %v_sn: i64, %o_sb: i64, %o_sh: i64, %o_sm: i64,
    %l_sb: i64, %l_sh: i64,
    %kv_heads: i32, %q_len: i32, %kv_max: i32, %scale: f32,
    %offset: i32, %offsets: !tt.ptr<i32>, %has_offsets: i1,
    %length: i32, %lengths: !tt.ptr<i32>, %has_lengths: i1,
    %pn: !tt.ptr<i32>, %pi: !tt.ptr<i32>, %fn: !tt.ptr<i32>, %fi: !tt.ptr<i32>,
    %m_sb: i64, %m_sh: i64, %m_row: i64, %slopes: !tt.ptr<f32>) {
  %one = arith.constant 1 : i64
  // CHECK: flex.view %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] : !tt.ptr<bf16> -> <4 x bf16>
  %q = flex.view %query[%q_sb, %q_sh, %q_sm, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %k = flex.view %key[%k_sb, %k_sh, %k_sn, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %v = flex.view %value[%v_sb, %v_sh, %v_sn, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %o = flex.view %out[%o_sb, %o_sh, %o_sm, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %l = flex.view %lse[%l_sb, %l_sh, %one] : !tt.ptr<f32> -> !flex.view<3 x f32>
  // CHECK: flex.per_batch
  %q_offset = flex.per_batch %offset, %offsets if %has_offsets : !tt.ptr<i32>
  %kv_len = flex.per_batch %length, %lengths if %has_lengths : !tt.ptr<i32>
  // CHECK: flex.block_table %{{.*}}, %{{.*}} strides(%{{.*}}, %{{.*}}, %{{.*}}) blocks(128 x 128)
  %partial = flex.block_table %pn, %pi strides(%m_sb, %m_sh, %m_row) blocks(128 x 128)
  %full = flex.block_table %fn, %fi strides(%m_sb, %m_sh, %m_row) blocks(128 x 128)
  // CHECK: flex.decode
  flex.decode %q, %k, %v -> %o lse(%l : !flex.view<3 x f32>) kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max)
      scale(%scale) q_offset(%q_offset) kv_len(%kv_len)
      score_mod @alibi score_captures(%slopes : !tt.ptr<f32>) mask_mod @causal
      partial(%partial) full(%full)
      {group = 4 : i32, head_dim = 128 : i32, value_dim = 128 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x bf16>, !flex.view<4 x bf16>, !flex.view<4 x bf16> -> !flex.view<4 x bf16>
  tt.return
}
