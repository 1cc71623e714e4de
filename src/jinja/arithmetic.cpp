// Arithmetic with Python's rules and error messages.
#include <cmath>
#include <limits>

#include "jinja/operators.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

constexpr const char* kOperatorSigns[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};

[[noreturn]] void too_large() { fail("a whole number beyond 64 bits, which is not supported"); }

[[noreturn]] void refuse(Arithmetic op, const Value& a, const Value& b) {
  fail(std::string("unsupported operand type(s) for ") + kOperatorSigns[static_cast<int>(op)] + ": '" + a.type_name() +
       "' and '" + b.type_name() + "'");
}

std::int64_t floor_divided(std::int64_t a, std::int64_t b) {
  if (b == 0) fail("integer division or modulo by zero");
  if (a == std::numeric_limits<std::int64_t>::min() && b == -1) too_large();
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) fail("integer division or modulo by zero");
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (true) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) too_large();
    exponent >>= 1;
    if (exponent == 0) return result;
    if (__builtin_mul_overflow(base, base, &base)) too_large();
  }
}

double power(double base, double exponent) {
  if (base == 0 && exponent < 0) fail("0.0 cannot be raised to a negative power");
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && std::trunc(exponent) != exponent)
    fail("a complex number, which is not supported");
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) fail("Numerical result out of range");
  return result;
}

double modulo(double a, double b) {
  if (b == 0) fail("float modulo by zero");
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_divided(double a, double b) {
  if (b == 0) fail("float floor division by zero");
  const double rest = modulo(a, b);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Value whole_numbers(Arithmetic op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case Arithmetic::add:
      if (__builtin_add_overflow(a, b, &result)) too_large();
      return Value(result);
    case Arithmetic::subtract:
      if (__builtin_sub_overflow(a, b, &result)) too_large();
      return Value(result);
    case Arithmetic::multiply:
      if (__builtin_mul_overflow(a, b, &result)) too_large();
      return Value(result);
    case Arithmetic::divide:
      if (b == 0) fail("division by zero");
      return Value(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case Arithmetic::floor_divide:
      return Value(floor_divided(a, b));
    case Arithmetic::modulo:
      return Value(modulo(a, b));
    case Arithmetic::power:
      break;
  }
  if (b >= 0) return Value(power(a, b));
  return Value(power(static_cast<double>(a), static_cast<double>(b)));
}

Value real_numbers(Arithmetic op, double a, double b) {
  switch (op) {
    case Arithmetic::add:
      return Value(a + b);
    case Arithmetic::subtract:
      return Value(a - b);
    case Arithmetic::multiply:
      return Value(a * b);
    case Arithmetic::divide:
      if (b == 0) fail("float division by zero");
      return Value(a / b);
    case Arithmetic::floor_divide:
      return Value(floor_divided(a, b));
    case Arithmetic::modulo:
      return Value(modulo(a, b));
    case Arithmetic::power:
      break;
  }
  return Value(power(a, b));
}

// If one of the two texts is markup, the other one is escaped and the result is markup.
Value joined(Machine& machine, const Text& a, const Text& b) {
  if (a.markup == b.markup) return make_text(machine.budget, a.bytes + b.bytes, a.markup);
  const std::string left = a.markup ? a.bytes : html_escaped(a.bytes);
  return make_text(machine.budget, left + (b.markup ? b.bytes : html_escaped(b.bytes)), true);
}

Value joined(Machine& machine, const Sequence& a, const Sequence& b) {
  machine.budget.make((a.items.size() + b.items.size()) * sizeof(Value));
  Values items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return make_sequence(machine.budget, a.shape, std::move(items));
}

bool is_list_or_tuple(const Sequence* sequence) {
  return sequence && (sequence->shape == Shape::list || sequence->shape == Shape::tuple);
}

Value added(Machine& machine, const Value& a, const Value& b) {
  if (a.text() && b.text()) return joined(machine, *a.text(), *b.text());
  if (is_list_or_tuple(a.sequence()) && b.sequence() && a.sequence()->shape == b.sequence()->shape)
    return joined(machine, *a.sequence(), *b.sequence());
  if (a.text()) fail("can only concatenate str (not \"" + b.type_name() + "\") to str");
  refuse(Arithmetic::add, a, b);
}

std::size_t repeated_size(Machine& machine, std::size_t size, std::int64_t times) {
  if (times <= 0 || size == 0) return 0;
  if (static_cast<std::uint64_t>(times) > kMaxText / size) Budget::stop("a text or list of more than 16 MiB");
  machine.budget.make(size * static_cast<std::size_t>(times));
  return static_cast<std::size_t>(times);
}

Value repeated(Machine& machine, const Value& value, std::int64_t times) {
  if (const Text* text = value.text()) {
    const std::size_t count = repeated_size(machine, text->bytes.size(), times);
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += text->bytes;
    return Value(std::move(bytes), text->markup);
  }
  const Sequence& sequence = *value.sequence();
  const std::size_t count = repeated_size(machine, sequence.items.size() * sizeof(Value), times);
  Values items;
  for (std::size_t i = 0; i < count; ++i) items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  return make_sequence(machine.budget, sequence.shape, std::move(items));
}

Value multiplied(Machine& machine, const Value& a, const Value& b) {
  if ((a.text() || is_list_or_tuple(a.sequence())) && b.whole()) return repeated(machine, a, *b.whole());
  if ((b.text() || is_list_or_tuple(b.sequence())) && a.whole()) return repeated(machine, b, *a.whole());
  refuse(Arithmetic::multiply, a, b);
}

}  // namespace

Value compute(Machine& machine, Arithmetic op, const Value& a, const Value& b) {
  if (op == Arithmetic::modulo && a.text())
    return make_text(machine.budget, percent_formatted(machine, *a.text(), b), a.text()->markup);
  a.require_defined();
  b.require_defined();
  if (a.whole() && b.whole()) return whole_numbers(op, *a.whole(), *b.whole());
  if (a.number() && b.number()) return real_numbers(op, *a.number(), *b.number());
  if (op == Arithmetic::add) return added(machine, a, b);
  if (op == Arithmetic::multiply) return multiplied(machine, a, b);
  refuse(op, a, b);
}

Value negated(const Value& value) {
  value.require_defined();
  if (const auto whole = value.whole()) {
    if (*whole == std::numeric_limits<std::int64_t>::min()) too_large();
    return Value(-*whole);
  }
  if (const double* real = value.real()) return Value(-*real);
  fail("bad operand type for unary -: '" + value.type_name() + "'");
}

Value unchanged(const Value& value) {
  value.require_defined();
  if (const auto whole = value.whole()) return Value(*whole);
  if (value.real()) return value;
  fail("bad operand type for unary +: '" + value.type_name() + "'");
}

}  // namespace rlhf::jinja
