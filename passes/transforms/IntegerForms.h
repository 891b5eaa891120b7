//===- IntegerForms.h - What integer ops of a mod compute -------*- C++ -*-===//
//
// Each function recognises one form in all the ways that a traced mod writes it
// with constants, and gives nothing for another form.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_TRANSFORMS_INTEGERFORMS_H
#define PYFLEX_TRANSFORMS_INTEGERFORMS_H

#include "transforms/ModBody.h"

namespace mlir::flex {

/// value * factor; the factor is not 0.
struct Product {
  Value value;
  int64_t factor;
};
std::optional<Product> matchProduct(ModBody &body, Value value);

/// value / divisor, rounded down or towards 0; the divisor is not 0.
struct Quotient {
  Value value;
  int64_t divisor;
  bool roundsDown;
};
std::optional<Quotient> matchQuotient(ModBody &body, Value value);

/// The largest multiple of a positive `unit` that is no more than value.
struct Multiple {
  Value value;
  int64_t unit;
};
std::optional<Multiple> matchMultiple(ModBody &body, Value value);

/// What a value is the magnitude of.
Value matchMagnitude(ModBody &body, Value value);

/// condition ? yes : no. Without values these are 1 and 0.
struct Choice {
  Value condition, yes, no;
};
std::optional<Choice> matchChoice(Value value);

/// The same integer in fewer bits: what is sign-extended, and what is cut off
/// where that loses nothing.
Value matchResized(Value value);

} // namespace mlir::flex

#endif // PYFLEX_TRANSFORMS_INTEGERFORMS_H
