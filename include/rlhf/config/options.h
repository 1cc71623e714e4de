#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/describe.h"

/// A config object at run time: the tree of its options, each bound to a member. Reader, writer, help and schema use
/// this tree and do not depend on config types.
namespace rlhf {

struct Option;

struct Section {
  std::vector<Option> options;
};

/// A member that is an enum or a DeviceChoice: one of a few texts.
struct Choice {
  std::vector<std::string_view> names;  ///< "auto", "cpu", "cuda", "cuda:N"
  std::string_view pattern;             ///< the texts that the last name stands for, as a regular expression; or ""
  std::function<std::string()> get;     ///< "" if a program set another value
  std::function<bool(std::string_view)> set;  ///< returns whether the text is one of them
};

/// A member that is std::optional.
struct Maybe {
  std::function<bool()> present;
  std::function<void()> clear;
  std::function<Option()> fill;         ///< creates the value if it is absent, and binds it
  std::shared_ptr<const Option> shape;  ///< the option of a present value, bound to defaults and not to the member
};

/// A member that is a list of described structs.
struct StructList {
  std::function<std::size_t()> size;
  std::function<void(std::size_t)> reset;    ///< replaces the list by that many items with default values
  std::function<Section(std::size_t)> item;  ///< the options of an item, bound to it
  std::shared_ptr<const Section> shape;      ///< the options of an item, bound to defaults and not to the member
};

using Slot = std::variant<std::int64_t*, double*, NumberOrAuto*, bool*, std::string*, std::vector<std::string>*,
                          std::map<std::string, std::string>*, std::span<double>, Choice, Section, Maybe, StructList>;

struct Option : OptionSpec {
  Slot slot;
};

namespace detail {

template <Described C>
Section bind_section(C& config, bool changes_on_resume);

template <typename T>
Slot bind_member(T& member, const OptionSpec& spec);

template <typename T>
Slot bind_optional(std::optional<T>& member, const OptionSpec& spec) {
  static T defaults{};
  const auto bound = [spec](T& value) { return Option{spec, bind_member(value, spec)}; };
  return Maybe{.present = [&member] { return member.has_value(); },
               .clear = [&member] { member.reset(); },
               .fill =
                   [&member, bound] {
                     if (!member) member.emplace();
                     return bound(*member);
                   },
               .shape = std::make_shared<const Option>(bound(defaults))};
}

template <Described C>
StructList bind_list(std::vector<C>& member, bool changes_on_resume) {
  static C defaults{};
  return {.size = [&member] { return member.size(); },
          .reset = [&member](std::size_t size) { member = std::vector<C>(size); },
          .item = [&member, changes_on_resume](std::size_t i) { return bind_section(member[i], changes_on_resume); },
          .shape = std::make_shared<const Section>(bind_section(defaults, changes_on_resume))};
}

template <typename T>
constexpr bool kIsStructList = false;
template <Described C>
constexpr bool kIsStructList<std::vector<C>> = true;

template <typename E>
Choice bind_enum(E& member) {
  return {.names = enum_names<E>(),
          .get =
              [&member] {
                const std::vector<std::string_view> names = enum_names<E>();
                const auto index = static_cast<std::size_t>(member);
                return index < names.size() ? std::string(names[index]) : "";
              },
          .set =
              [&member](std::string_view text) {
                const std::vector<std::string_view> names = enum_names<E>();
                const auto name = std::find(names.begin(), names.end(), text);
                if (name != names.end()) member = static_cast<E>(name - names.begin());
                return name != names.end();
              }};
}

inline Choice bind_device(DeviceChoice& member) {
  std::vector<std::string_view> names = enum_names<DeviceChoice::Kind>();
  names.push_back("cuda:N");
  return {.names = std::move(names),
          .pattern = "^cuda:(0|[1-9][0-9]*)$",
          .get = [&member] { return member.text(); },
          .set =
              [&member](std::string_view text) {
                const auto choice = DeviceChoice::of_text(text);
                if (choice) member = *choice;
                return choice.has_value();
              }};
}

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <typename T>
Slot bind_member(T& member, const OptionSpec& spec) {
  if constexpr (Described<T>) {
    return bind_section(member, spec.changes_on_resume);
  } else if constexpr (kIsStructList<T>) {
    return bind_list(member, spec.changes_on_resume);
  } else if constexpr (IsOptional<T>::value) {
    return bind_optional(member, spec);
  } else if constexpr (std::is_enum_v<T>) {
    return bind_enum(member);
  } else if constexpr (std::same_as<T, DeviceChoice>) {
    return bind_device(member);
  } else if constexpr (kIsDoubleArray<T>) {
    return std::span<double>(member);
  } else {
    return &member;
  }
}

/// If a section may change on resume, all options in it may.
template <Described C>
Section bind_section(C& config, bool changes_on_resume) {
  Section section;
  for_each_field<C>([&](const auto& field) {
    OptionSpec spec = field.spec;
    spec.changes_on_resume |= changes_on_resume;
    section.options.push_back({spec, bind_member(config.*field.member, spec)});
  });
  return section;
}

}  // namespace detail

/// The tree of `config`, which must outlive it.
template <Described C>
Section bind(C& config) {
  return detail::bind_section(config, false);
}

/// The option whose value may replace a whole item of a list (Field::short_form); nullptr if there is none.
const Option* short_form(const StructList& list);

/// An option with a value, and its full key ("model.init.hidden_size"). A list of structs is a leaf, and so are the
/// options of its items ("data.train[].weight").
struct Leaf {
  std::string path;
  const Option* option;
};
/// All options with values in order, including those of absent optional sections. The result points into `section`.
std::vector<Leaf> leaves(const Section& section);
std::vector<Leaf> leaves(const Section&&) = delete;  // its leaves would point into a section that no longer exists

}  // namespace rlhf
