#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "jinja/filters.h"

namespace rlhf::jinja {

struct FilterEntry {
  std::string_view name;
  Filter filter;
};
struct FilterGroup {
  const FilterEntry* entries;
  std::size_t count;
};
FilterGroup text_filters();
FilterGroup number_filters();
FilterGroup sequence_filters();
FilterGroup choice_filters();
FilterGroup display_filters();
FilterGroup web_filters();

/// The filter urlize.
Value urlize(Machine& machine, const Value& value, const Arguments& arguments);

/// The part of an item that a filter uses: an attribute path "a.b.0", or the item itself if no path is given.
class Getter {
 public:
  Getter() = default;
  explicit Getter(const Value& attribute, Value otherwise = {});
  Value of(Machine& machine, const Value& item) const;

 private:
  Values parts_;
  Value otherwise_;  ///< replaces a missing part, unless it is undefined itself
};

/// A key for sorting: texts become lower case unless the sort is case-sensitive.
Value key_of(Machine& machine, const Value& value, bool case_sensitive);

}  // namespace rlhf::jinja
