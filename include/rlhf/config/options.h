#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rlhf/config/describe.h"
#include "rlhf/config/weighted_path.h"

/// A config object seen at run time: its `describe` lists as a tree of options, each bound to its member.
/// Reader, writer, help and schema walk this tree, so none of them knows a config type.
namespace rlhf {

struct Option;

struct Section {
  std::vector<Option> options;
};

/// A member that is an enum.
struct Choice {
  std::vector<std::string_view> names;
  std::function<std::size_t()> get;
  std::function<void(std::size_t)> set;
};

/// A member that is std::optional.
struct Maybe {
  std::function<bool()> present;
  std::function<void()> clear;
  std::function<Option()> fill;         ///< makes the value if it is absent, and binds it
  std::shared_ptr<const Option> shape;  ///< what it would look like; bound to defaults, not to the member
};

using Slot =
    std::variant<std::int64_t*, double*, bool*, std::string*, std::vector<std::string>*, std::vector<WeightedPath>*,
                 std::map<std::string, std::string>*, std::span<double>, Choice, Section, Maybe>;

struct Option {
  std::string_view key;
  std::string_view doc;
  Range range;
  Slot slot;
};

template <Described C>
Section bind(C& config);

namespace detail {

template <typename T>
Slot bind_member(T& member, std::string_view key, std::string_view doc, Range range);

template <typename T>
Slot bind_optional(std::optional<T>& member, std::string_view key, std::string_view doc, Range range) {
  static T defaults{};
  const auto bound = [=](T& value) { return Option{key, doc, range, bind_member(value, key, doc, range)}; };
  return Maybe{.present = [&member] { return member.has_value(); },
               .clear = [&member] { member.reset(); },
               .fill =
                   [&member, bound] {
                     if (!member) member.emplace();
                     return bound(*member);
                   },
               .shape = std::make_shared<const Option>(bound(defaults))};
}

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <typename T>
Slot bind_member(T& member, std::string_view key, std::string_view doc, Range range) {
  if constexpr (Described<T>) {
    return bind(member);
  } else if constexpr (IsOptional<T>::value) {
    return bind_optional(member, key, doc, range);
  } else if constexpr (std::is_enum_v<T>) {
    return Choice{.names = enum_names<T>(),
                  .get = [&member] { return static_cast<std::size_t>(member); },
                  .set = [&member](std::size_t index) { member = static_cast<T>(index); }};
  } else if constexpr (kIsDoubleArray<T>) {
    return std::span<double>(member);
  } else {
    return &member;
  }
}

}  // namespace detail

/// The tree of `config`, which must outlive it.
template <Described C>
Section bind(C& config) {
  Section section;
  for_each_field<C>([&](const auto& field) {
    section.options.push_back({field.name, field.doc, field.range,
                               detail::bind_member(config.*field.member, field.name, field.doc, field.range)});
  });
  return section;
}

/// An option that holds a value, with its full name ("model.init.hidden_size").
struct Leaf {
  std::string path;
  const Option* option;
};
/// All of them in order, those of absent optional sections included. They point into `section`.
std::vector<Leaf> leaves(const Section& section);

}  // namespace rlhf
