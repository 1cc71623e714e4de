// Looks up filters by name.
#include "jinja/filters.h"

#include <iterator>

#include "jinja/filter_groups.h"

namespace rlhf::jinja {

Filter find_filter(std::string_view name) {
  for (const FilterGroup& group :
       {text_filters(), number_filters(), sequence_filters(), choice_filters(), display_filters(), web_filters()})
    for (std::size_t i = 0; i < group.count; ++i)
      if (group.entries[i].name == name) return group.entries[i].filter;
  return nullptr;
}

}  // namespace rlhf::jinja
