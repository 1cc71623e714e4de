#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "rlhf/config/choices.h"

/// Options are defined once: as the members of a plain struct with defaults, and in one list below it
///   constexpr auto describe(const C*) { return std::make_tuple(field<&C::member>("doc", constraint), …); }
/// The reader, the checks, --help, --print-config and --schema are derived from the list. The key is the name of the
/// member (without a trailing underscore). A list that omits a member does not compile.
/// A resumed run must have the same value as the original run, unless the line (or that of an enclosing section) ends
/// in `.may_change()`. A text or list of texts that is a path ends in `.path()`.
/// Members may be int64, double, bool, string, an enum class, DeviceChoice, NumberOrAuto, optional of these,
/// vector<string>, array<double, N>, map<string, string>, described structs, optional described structs and vectors of
/// described structs. An item of such a vector is read from a map of its keys, or from one value that fills the member
/// marked
/// `.short_form()`.
/// Standard library only.
namespace rlhf {

/// The allowed values of a number; created by at_least, more_than and in_range below.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_included = true;
  bool high_included = true;

  constexpr bool contains(double x) const {
    return (low_included ? x >= low : x > low) && (high_included ? x <= high : x < high);
  }
  constexpr bool has_low() const { return low > -std::numeric_limits<double>::infinity(); }
  constexpr bool has_high() const { return high < std::numeric_limits<double>::infinity(); }
  /// The same range with the upper limit `limit`, inclusive.
  constexpr Range up_to(double limit) const { return {low, limit, low_included, true}; }
  /// The same range with the upper limit `limit`, exclusive.
  constexpr Range below(double limit) const { return {low, limit, low_included, false}; }
};
constexpr Range at_least(double low) { return Range{.low = low}; }
constexpr Range more_than(double low) { return Range{.low = low, .low_included = false}; }
constexpr Range in_range(double low, double high) { return at_least(low).up_to(high); }

namespace detail {

/// The text of a template argument in the compiler's spelling (GCC: "[with auto kArgument = &A::b; …]", Clang: "[…]").
template <auto kArgument>
constexpr std::string_view spelling() {
  constexpr std::string_view kMark = "kArgument = ";
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find(kMark) + kMark.size());
  return text.substr(0, text.find_first_of(";]"));
}

/// The last word of that text: "kl_coef" of "&rlhf::PpoOptions::kl_coef", without a trailing underscore.
template <auto kArgument>
constexpr std::string_view bare_name() {
  std::string_view text = spelling<kArgument>();
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) text.remove_prefix(colon + 1);
  if (text.ends_with('_')) text.remove_suffix(1);
  return text;
}

template <typename>
struct MemberType;
template <typename C, typename M>
struct MemberType<M C::*> {
  using type = M;
};

template <typename T>
struct Unwrapped {
  using type = T;
};
template <typename T>
struct Unwrapped<std::optional<T>> {
  using type = T;
};

/// Converts to anything but C, so that C{x, x, …} compiles for as many x as C has members.
template <typename C>
struct Anything {
  template <typename T>
  requires(!std::same_as<std::remove_cvref_t<T>, C>) operator T() const {
    __builtin_unreachable();  // never called; Clang requires a body if C has internal linkage
  }
};

template <typename C, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { C{(static_cast<void>(I), Anything<C>{})...}; };
}

template <typename C, std::size_t N = 0>
constexpr std::size_t count_members() {
  if constexpr (!takes<C>(std::make_index_sequence<N + 1>{})) {
    return N;
  } else {
    return count_members<C, N + 1>();
  }
}

template <typename T>
constexpr bool kIsNumber = std::same_as<T, double> || std::same_as<T, std::int64_t> || std::same_as<T, NumberOrAuto>;
template <typename T>
constexpr bool kIsDoubleArray = false;
template <std::size_t N>
constexpr bool kIsDoubleArray<std::array<double, N>> = true;

}  // namespace detail

/// The largest value of a whole number whose line gives no upper limit and does not end in `.any_size()`. Sizes and
/// counts are multiplied with each other; beyond this, the products would not fit into 64 bits.
inline constexpr std::int64_t kLargestCount = (std::int64_t{1} << 31) - 1;

/// The properties of an option from its line of a `describe` list.
struct OptionSpec {
  std::string_view key;
  std::string_view doc;
  Range range = {};
  bool changes_on_resume = false;  ///< may differ between a run and its resume
  bool is_short_form = false;      ///< an item of a list may be this value alone
  bool is_any_size = false;        ///< a whole number that may exceed kLargestCount
  bool is_path = false;            ///< a path or a list of paths, read with expand_path()
};

/// One line of a `describe` list.
template <auto kMember>
struct Field {
  using Type = typename detail::MemberType<decltype(kMember)>::type;
  static constexpr auto member = kMember;
  OptionSpec spec;

  /// The same field, whose value (or, for a section, whose values) may differ when a run is resumed.
  constexpr Field may_change() const {
    Field copy = *this;
    copy.spec.changes_on_resume = true;
    return copy;
  }
  /// The same field, as the required member of the items of a list. Its value alone may replace an item whose other
  /// members have their defaults.
  constexpr Field short_form() const {
    Field copy = *this;
    copy.spec.is_short_form = true;
    return copy;
  }
  /// The same field, a whole number that may be any of 64 bits (a seed).
  constexpr Field any_size() const {
    Field copy = *this;
    copy.spec.is_any_size = true;
    return copy;
  }
  /// The same field, whose texts are paths (config/user_path.h).
  constexpr Field path() const {
    Field copy = *this;
    copy.spec.is_path = true;
    return copy;
  }
};

template <auto kMember>
constexpr Field<kMember> field(std::string_view doc) {
  return {{.key = detail::bare_name<kMember>(), .doc = doc}};
}
/// With the allowed values, for numbers and arrays of numbers.
template <auto kMember>
constexpr Field<kMember> field(std::string_view doc, Range range) {
  using T = typename detail::Unwrapped<typename Field<kMember>::Type>::type;
  static_assert(detail::kIsNumber<T> || detail::kIsDoubleArray<T>, "only numbers have a range");
  return {{.key = detail::bare_name<kMember>(), .doc = doc, .range = range}};
}

/// A struct with a `describe` list.
template <typename C>
concept Described = std::is_aggregate_v<C> && requires {
  describe(static_cast<const C*>(nullptr));
};

/// The number of members of an aggregate.
template <typename C>
constexpr std::size_t kMemberCount = detail::count_members<C>();

/// Whether the list of C has as many lines as C has members.
template <Described C>
constexpr bool kFullyDescribed =
    std::tuple_size_v<decltype(describe(static_cast<const C*>(nullptr)))> == kMemberCount<C>;

/// Calls `visit(field)` for every line of the list of C, in order.
template <Described C, typename Visit>
constexpr void for_each_field(Visit&& visit) {
  static_assert(kFullyDescribed<C>, "a member is missing in the describe list");
  std::apply([&](const auto&... fields) { (visit(fields), ...); }, describe(static_cast<const C*>(nullptr)));
}

/// The names in YAML of the enumerators of E, in order; their values must be 0, 1, 2, … (at most 32).
template <typename E, std::size_t I = 0>
std::vector<std::string_view> enum_names() {
  static_assert(std::is_enum_v<E>);
  constexpr bool kNamed = !detail::spelling<static_cast<E>(I)>().starts_with('(');
  if constexpr (!kNamed || I == 32) {
    return {};
  } else {
    std::vector<std::string_view> names = enum_names<E, I + 1>();
    names.insert(names.begin(), detail::bare_name<static_cast<E>(I)>());
    return names;
  }
}

}  // namespace rlhf
