//===- IntegerForms.cpp - What integer ops of a mod compute ---------------===//

#include "transforms/IntegerForms.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;
using arith::CmpIPredicate;

/// The op that made `value`, if it is of this kind.
template <typename Op> static Op madeBy(Value value) {
  return value.getDefiningOp<Op>();
}

/// A constant other than 0 by which integers of its type, bounded as KeyRanges
/// bounds them, can be multiplied in 64 bits.
static std::optional<int64_t> factorOf(ModBody &body, Value value) {
  auto factor = body.constantOf(value);
  int64_t most = int64_t(1) << (value.getType().isInteger(64) ? 20 : 31);
  if (factor && *factor && *factor >= -most && *factor <= most)
    return factor;
  return std::nullopt;
}

/// The power of two that stands for a shift.
static std::optional<int64_t> shiftFactor(ModBody &body, Value distance) {
  auto bits = body.constantOf(distance);
  bool isWide = distance.getType().isInteger(64);
  int64_t width = distance.getType().getIntOrFloatBitWidth();
  if (bits && *bits >= 0 && *bits < (isWide ? 20 : width - 1))
    return int64_t(1) << *bits;
  return std::nullopt;
}

std::optional<Product> flex::matchProduct(ModBody &body, Value value) {
  if (auto shift = madeBy<arith::ShLIOp>(value))
    if (auto factor = shiftFactor(body, shift.getRhs()))
      return Product{shift.getLhs(), *factor};
  auto product = madeBy<arith::MulIOp>(value);
  if (!product)
    return std::nullopt;
  if (auto factor = factorOf(body, product.getRhs()))
    return Product{product.getLhs(), *factor};
  if (auto factor = factorOf(body, product.getLhs()))
    return Product{product.getRhs(), *factor};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Quotients
//===----------------------------------------------------------------------===//

/// Whether `value` says that `number` is less than 0.
static bool saysNegative(ModBody &body, Value value, Value number) {
  auto compare = madeBy<arith::CmpIOp>(value);
  return compare && compare.getPredicate() == CmpIPredicate::slt &&
         compare.getLhs() == number && body.constantOf(compare.getRhs()) == 0;
}

/// Whether `value` says that a remainder's sign is not its divisor's.
static bool saysSignsDiffer(ModBody &body, Value value, Value rest,
                            int64_t divisor) {
  auto differ = madeBy<arith::XOrIOp>(value);
  if (!differ)
    return divisor > 0 && saysNegative(body, value, rest);
  return saysNegative(body, differ.getLhs(), rest) &&
         body.constantOf(differ.getRhs()) == (divisor < 0);
}

/// Matches `rest is not 0 and has another sign than the divisor ? q - 1 : q`.
static std::optional<Quotient> matchRoundedDown(ModBody &body, Value value) {
  auto select = madeBy<arith::SelectOp>(value);
  auto less = select ? madeBy<arith::SubIOp>(select.getTrueValue()) : nullptr;
  auto quotient =
      select ? madeBy<arith::DivSIOp>(select.getFalseValue()) : nullptr;
  auto both = select ? madeBy<arith::AndIOp>(select.getCondition()) : nullptr;
  if (!less || !quotient || !both || less.getLhs() != quotient ||
      body.constantOf(less.getRhs()) != 1)
    return std::nullopt;
  auto divisor = factorOf(body, quotient.getRhs());
  auto isNot = madeBy<arith::CmpIOp>(both.getLhs());
  if (!divisor || !isNot || isNot.getPredicate() != CmpIPredicate::ne ||
      body.constantOf(isNot.getRhs()) != 0)
    return std::nullopt;
  auto rest = madeBy<arith::RemSIOp>(isNot.getLhs());
  if (!rest || rest.getLhs() != quotient.getLhs() ||
      body.constantOf(rest.getRhs()) != divisor ||
      !saysSignsDiffer(body, both.getRhs(), rest, *divisor))
    return std::nullopt;
  return Quotient{quotient.getLhs(), *divisor, true};
}

std::optional<Quotient> flex::matchQuotient(ModBody &body, Value value) {
  if (auto shift = madeBy<arith::ShRSIOp>(value))
    if (auto factor = shiftFactor(body, shift.getRhs()))
      return Quotient{shift.getLhs(), *factor, true};
  if (auto quotient = madeBy<arith::DivSIOp>(value))
    if (auto divisor = factorOf(body, quotient.getRhs()))
      return Quotient{quotient.getLhs(), *divisor, false};
  return matchRoundedDown(body, value);
}

std::optional<Multiple> flex::matchMultiple(ModBody &body, Value value) {
  auto kept = madeBy<arith::AndIOp>(value);
  if (!kept)
    return std::nullopt;
  auto bits = body.constantOf(kept.getRhs());
  if (bits && *bits < 0 && llvm::isPowerOf2_64(-uint64_t(*bits)) &&
      *bits > std::numeric_limits<int32_t>::min())
    return Multiple{kept.getLhs(), -*bits};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

Value flex::matchMagnitude(ModBody &body, Value value) {
  auto select = madeBy<arith::SelectOp>(value);
  if (!select ||
      !saysNegative(body, select.getCondition(), select.getFalseValue()))
    return {};
  auto negated = madeBy<arith::SubIOp>(select.getTrueValue());
  if (!negated || body.constantOf(negated.getLhs()) != 0 ||
      negated.getRhs() != select.getFalseValue())
    return {};
  return select.getFalseValue();
}

std::optional<Choice> flex::matchChoice(Value value) {
  if (auto select = madeBy<arith::SelectOp>(value))
    return Choice{select.getCondition(), select.getTrueValue(),
                  select.getFalseValue()};
  auto extended = madeBy<arith::ExtUIOp>(value);
  if (extended && extended.getIn().getType().isInteger(1))
    return Choice{extended.getIn(), {}, {}};
  return std::nullopt;
}

Value flex::matchResized(Value value) {
  if (auto extended = madeBy<arith::ExtSIOp>(value))
    return extended.getIn().getType().isInteger(1) ? Value() : extended.getIn();
  if (auto cut = madeBy<arith::TruncIOp>(value))
    return value.getType().isInteger(1) ? Value() : cut.getIn();
  return {};
}
