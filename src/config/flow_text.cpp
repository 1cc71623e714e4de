// Values of options as YAML in flow style.
#include "config/flow_text.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "rlhf/config/show_config.h"
#include "rlhf/core/message.h"

#include "config/phrases.h"
#include "config/scalars.h"

namespace rlhf {
namespace {

/// Whether every version of YAML reads the text without quotes as the same text.
bool is_plain(std::string_view text) {
  const auto harmless = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '/' || c == '.' || c == '-';
  };
  if (text.empty() || !std::all_of(text.begin(), text.end(), harmless)) return false;
  if (std::isalpha(static_cast<unsigned char>(text.front())) == 0 && text.front() != '/') return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}) {
    if (lower == word) return false;
  }
  return true;
}

std::string scalar(const std::string& text) { return is_plain(text) ? text : quoted_yaml(text); }

template <typename Range, typename ToText>
std::string flow(char open, const Range& values, char close, ToText&& to_text) {
  std::string text(1, open);
  for (const auto& value : values) text += (text.size() > 1 ? ", " : "") + to_text(value);
  return text + close;
}

std::string entry(const Option& option) { return std::string(option.key) + ": " + flow_text(option.slot); }

/// Writes an item in its short form if the other members have their defaults.
std::string item_text(const StructList& list, std::size_t index) {
  const Section item = list.item(index);
  const Option* brief = short_form(list);
  std::string value;
  bool is_brief = brief != nullptr;
  for (std::size_t i = 0; i < item.options.size(); ++i) {
    const Option &option = item.options[i], &standard = list.shape->options[i];
    if (&standard == brief) {
      value = flow_text(option.slot);
    } else if (flow_text(option.slot) != flow_text(standard.slot)) {
      is_brief = false;
    }
  }
  return is_brief ? value : flow('{', item.options, '}', entry);
}

std::string list_text(const StructList& list) {
  std::string text = "[";
  for (std::size_t i = 0; i < list.size(); ++i) text += (i > 0 ? ", " : "") + item_text(list, i);
  return text + "]";
}

}  // namespace

std::string flow_text(const Slot& slot) {
  return std::visit(
      Overloaded{[](const std::int64_t* value) { return std::to_string(*value); },
                 [](const double* value) { return format_double(*value); },
                 [](const NumberOrAuto* value) { return value->number ? format_double(*value->number) : "auto"; },
                 [](const bool* value) { return std::string(*value ? "true" : "false"); },
                 [](const std::string* value) { return scalar(*value); },
                 [](const std::vector<std::string>* value) { return flow('[', *value, ']', scalar); },
                 [](const std::map<std::string, std::string>* value) {
                   return flow('{', *value, '}',
                               [](const auto& entry) { return scalar(entry.first) + ": " + scalar(entry.second); });
                 },
                 [](std::span<double> values) { return flow('[', values, ']', format_double); },
                 [](const Choice& choice) { return scalar(choice.get()); },
                 [](const Section& section) { return flow('{', section.options, '}', entry); },
                 [](const Maybe& maybe) { return maybe.present() ? flow_text(maybe.fill().slot) : "null"; },
                 [](const StructList& list) { return list_text(list); }},
      slot);
}

std::string quoted_yaml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return '"' + one_line(escaped) + '"';
}

}  // namespace rlhf
