#include <algorithm>
#include <cctype>
#include <map>

#include "rlhf/config/show_config.h"

#include "config/phrases.h"
#include "config/scalars.h"

namespace rlhf {
namespace {

/// Whether YAML reads the text as this very text without quotes, whatever version of YAML it is.
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

std::string weighted_path(const WeightedPath& item) {
  if (item.weight == 1) return scalar(item.path);
  return "{path: " + scalar(item.path) + ", weight: " + format_double(item.weight) + "}";
}

template <typename Range, typename ToText>
std::string flow(char open, const Range& values, char close, ToText&& to_text) {
  std::string text(1, open);
  for (const auto& value : values) text += (text.size() > 1 ? ", " : "") + to_text(value);
  return text + close;
}

void write(const Option& option, const std::string& indent, std::string& out);

void write(const Section& section, const std::string& indent, std::string& out) {
  for (const Option& option : section.options) write(option, indent, out);
}

std::string value_text(const Slot& slot) {
  return std::visit(
      Overloaded{[](const std::int64_t* value) { return std::to_string(*value); },
                 [](const double* value) { return format_double(*value); },
                 [](const bool* value) { return std::string(*value ? "true" : "false"); },
                 [](const std::string* value) { return scalar(*value); },
                 [](const std::vector<std::string>* value) { return flow('[', *value, ']', scalar); },
                 [](const std::vector<WeightedPath>* value) { return flow('[', *value, ']', weighted_path); },
                 [](const std::map<std::string, std::string>* value) {
                   return flow('{', *value, '}',
                               [](const auto& entry) { return scalar(entry.first) + ": " + scalar(entry.second); });
                 },
                 [](std::span<double> values) { return flow('[', values, ']', format_double); },
                 [](const Choice& choice) { return std::string(choice.names[choice.get()]); },
                 [](const Section&) { return std::string(); }, [](const Maybe&) { return std::string("null"); }},
      slot);
}

void write(const Option& option, const std::string& indent, std::string& out) {
  if (const auto* maybe = std::get_if<Maybe>(&option.slot); maybe != nullptr && maybe->present()) {
    return write(maybe->fill(), indent, out);
  }
  out += indent + std::string(option.key) + ":";
  if (const auto* section = std::get_if<Section>(&option.slot)) {
    out += "\n";
    write(*section, indent + "  ", out);
  } else {
    out += " " + value_text(option.slot) + "\n";
  }
}

enum class Keys { all, fixed };

void flatten(const Option& option, Keys keys, const std::string& prefix, std::map<std::string, std::string>& out) {
  if (const auto* maybe = std::get_if<Maybe>(&option.slot); maybe != nullptr && maybe->present()) {
    return flatten(maybe->fill(), keys, prefix, out);
  }
  const std::string path = prefix + std::string(option.key);
  if (const auto* section = std::get_if<Section>(&option.slot)) {
    for (const Option& inner : section->options) flatten(inner, keys, path + ".", out);
  } else if (keys == Keys::all || !option.changes_on_resume) {
    out[path] = value_text(option.slot);
  }
}

std::map<std::string, std::string> flatten(const Section& section, Keys keys) {
  std::map<std::string, std::string> out;
  for (const Option& option : section.options) flatten(option, keys, "", out);
  return out;
}

}  // namespace

std::map<std::string, std::string> flat_values(const Section& options) { return flatten(options, Keys::all); }
std::map<std::string, std::string> fixed_values(const Section& options) { return flatten(options, Keys::fixed); }

std::string quoted_yaml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return '"' + one_line(escaped) + '"';
}

std::string to_yaml(const Section& options) {
  std::string out;
  write(options, "", out);
  return out;
}

}  // namespace rlhf
