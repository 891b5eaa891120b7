//===- Numbers.cpp - Integers of a tile's rows, known in part -------------===//

#include "transforms/Numbers.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Number Numbers::of(Value integer, int64_t least, int64_t most) {
  return {b.extend(integer), least, most};
}

Value Numbers::get(Number number) {
  return number.isConstant() ? b.i64(number.least) : number.value;
}

/// Ranges saturate: a range that is too wide is no mistake.
static int64_t saturated(__int128 number) {
  constexpr __int128 most = std::numeric_limits<int64_t>::max(),
                     least = std::numeric_limits<int64_t>::min();
  return std::min(std::max(number, least), most);
}

template <typename Op>
Number Numbers::binary(Number lhs, Number rhs, int64_t least, int64_t most) {
  auto key = [](Number number) {
    return std::make_pair(number.value.getAsOpaquePointer(),
                          number.value ? 0 : number.least);
  };
  auto [one, constantOne] = key(lhs);
  auto [other, constantOther] = key(rhs);
  Value &result =
      built[{Op::getOperationName(), one, constantOne, other, constantOther}];
  if (!result) {
    Value left = get(lhs), right = get(rhs);
    auto shape = commonShape(shapeOf(left), shapeOf(right));
    left = b.spread(left, shape);
    right = b.spread(right, shape);
    result = Op::create(b, left, right);
  }
  return {result, least, most};
}

Number Numbers::add(Number lhs, Number rhs) {
  int64_t least = saturated(__int128(lhs.least) + rhs.least),
          most = saturated(__int128(lhs.most) + rhs.most);
  if (rhs.isConstant(0))
    return lhs;
  if (lhs.isConstant(0))
    return rhs;
  if (lhs.isConstant() && rhs.isConstant())
    return constant(least);
  return binary<arith::AddIOp>(lhs, rhs, least, most);
}

Number Numbers::sub(Number lhs, Number rhs) {
  int64_t least = saturated(__int128(lhs.least) - rhs.most),
          most = saturated(__int128(lhs.most) - rhs.least);
  if (rhs.isConstant())
    return add(lhs, constant(saturated(-__int128(rhs.least))));
  if (lhs.isConstant(0))
    if (auto difference = rhs.value.getDefiningOp<arith::SubIOp>())
      return binary<arith::SubIOp>({difference.getRhs(), 0, 0},
                                   {difference.getLhs(), 0, 0}, least, most);
  return binary<arith::SubIOp>(lhs, rhs, least, most);
}

Number Numbers::min(Number lhs, Number rhs) {
  if (lhs.most <= rhs.least || lhs == rhs)
    return lhs;
  if (rhs.most <= lhs.least)
    return rhs;
  return binary<arith::MinSIOp>(lhs, rhs, std::min(lhs.least, rhs.least),
                                std::min(lhs.most, rhs.most));
}

Number Numbers::max(Number lhs, Number rhs) {
  if (lhs.least >= rhs.most || lhs == rhs)
    return lhs;
  if (rhs.least >= lhs.most)
    return rhs;
  return binary<arith::MaxSIOp>(lhs, rhs, std::max(lhs.least, rhs.least),
                                std::max(lhs.most, rhs.most));
}

Number Numbers::scale(Number number, int64_t factor) {
  int64_t one = saturated(__int128(number.least) * factor),
          other = saturated(__int128(number.most) * factor);
  if (factor == 1)
    return number;
  if (number.isConstant() || factor == 0)
    return constant(one);
  return binary<arith::MulIOp>(number, constant(factor), std::min(one, other),
                               std::max(one, other));
}

Number Numbers::floorDiv(Number number, int64_t divisor) {
  int64_t least = llvm::divideFloorSigned(number.least, divisor),
          most = llvm::divideFloorSigned(number.most, divisor);
  if (divisor == 1)
    return number;
  if (number.isConstant())
    return constant(least);
  if (llvm::isPowerOf2_64(divisor))
    return binary<arith::ShRSIOp>(number, constant(llvm::Log2_64(divisor)),
                                  least, most);
  Truth negative = lessOrEqual(number, constant(-1));
  Number down = select(negative, constant(divisor - 1), constant(0));
  return binary<arith::DivSIOp>(sub(number, down), constant(divisor), least,
                                most);
}

Number Numbers::ceilDiv(Number number, int64_t divisor) {
  return floorDiv(add(number, constant(divisor - 1)), divisor);
}

Number Numbers::clamp(Number number, int64_t least, int64_t most) {
  return min(max(number, constant(least)), constant(most));
}

Number Numbers::select(Truth condition, Number yes, Number no) {
  if (!condition.value || yes == no)
    return condition.known ? yes : no;
  Value chosen = b.select(condition.value, get(yes), get(no));
  return {chosen, std::min(yes.least, no.least), std::max(yes.most, no.most)};
}

//===----------------------------------------------------------------------===//
// Truths
//===----------------------------------------------------------------------===//

Value Numbers::get(Truth truth) {
  if (truth.value)
    return truth.value;
  return arith::ConstantOp::create(b, b.getBoolAttr(truth.known));
}

Truth Numbers::lessOrEqual(Number lhs, Number rhs) {
  if (lhs.most <= rhs.least || lhs == rhs)
    return {Value(), true};
  if (lhs.least > rhs.most)
    return {Value(), false};
  return {b.cmp(CmpIPredicate::sle, get(lhs), get(rhs))};
}

Truth Numbers::conj(Truth lhs, Truth rhs) {
  if (!lhs.value || lhs.value == rhs.value)
    return lhs.known ? rhs : lhs;
  if (!rhs.value)
    return rhs.known ? lhs : rhs;
  return {b.conj(lhs.value, rhs.value)};
}
