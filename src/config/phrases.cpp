// The words of config errors and help.
#include "config/phrases.h"

#include "rlhf/core/utf8.h"

#include "config/scalars.h"

namespace rlhf {
namespace {

std::string with_range(const std::string& what, const Range& range) {
  const std::string words = range_in_words(range);
  return words.empty() ? what : what + ", " + words;
}

}  // namespace

std::string joined(const std::vector<std::string_view>& words, std::string_view separator) {
  std::string text;
  for (std::string_view word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

std::string range_in_words(const Range& range) {
  if (range.has_low() && range.has_high() && range.low_included && range.high_included) {
    return "from " + format_double(range.low) + " to " + format_double(range.high);
  }
  const std::string low = (range.low_included ? "at least " : "above ") + format_double(range.low);
  const std::string high = (range.high_included ? "at most " : "below ") + format_double(range.high);
  if (!range.has_low()) return range.has_high() ? high : "";
  return range.has_high() ? low + ", " + high : low;
}

std::string item_expectation(const StructList& list) {
  std::vector<std::string_view> keys;
  for (const Option& option : list.shape->options) keys.push_back(option.key);
  const Option* brief = short_form(list);
  return "{" + joined(keys, ", ") + "}" + (brief != nullptr ? " or its " + std::string(brief->key) + " alone" : "");
}

Range allowed_range(const Option& option) {
  const bool is_count = std::holds_alternative<std::int64_t*>(option.slot) && !option.is_any_size;
  return is_count && !option.range.has_high() ? option.range.up_to(static_cast<double>(kLargestCount)) : option.range;
}

std::string expectation(const Option& option) {
  return std::visit(
      Overloaded{[&](std::int64_t*) { return with_range("a whole number", option.range); },
                 [&](double*) { return with_range("a number", option.range); },
                 [&](NumberOrAuto*) { return "auto, or " + with_range("a number", option.range); },
                 [](bool*) { return std::string("true or false"); }, [](std::string*) { return std::string("a text"); },
                 [](std::vector<std::string>*) { return std::string("a list of texts"); },
                 [](const StructList& list) { return "a list, each item " + item_expectation(list); },
                 [](std::map<std::string, std::string>*) { return std::string("a map {name: text, …}"); },
                 [&](std::span<double> values) {
                   return with_range("a list of " + std::to_string(values.size()) + " numbers", option.range);
                 },
                 [](const Choice& choice) { return "one of " + joined(choice.names, ", "); },
                 [](const Section&) { return std::string("a section {key: value, …}"); },
                 [](const Maybe& maybe) { return expectation(*maybe.shape); }},
      option.slot);
}

std::string doc_with_resume(const Option& option) {
  return std::string(option.doc) + (option.changes_on_resume ? " (may change on resume)" : "");
}

std::string found(const Node& node) {
  constexpr std::size_t kShownBytes = 60;
  const std::string text = shortened(node.text, kShownBytes);
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return node.quoted ? '"' + text + '"' : text;
    case Node::Kind::list:
      return "a list of " + std::to_string(node.children.size());
    case Node::Kind::map:
      return "a map";
  }
  return "";
}

}  // namespace rlhf
