// The table of keys in --help.
#include <algorithm>

#include "rlhf/config/show_config.h"

#include "config/flow_text.h"
#include "config/phrases.h"
#include "config/scalars.h"

namespace rlhf {
namespace {

constexpr std::size_t kLineWidth = 120;
constexpr std::size_t kWidestChoice = 40;

/// A row of the table, or a heading (only key and doc).
struct Row {
  std::string key, value, allowed, doc;
  bool heading = false;
};

/// The width of a text on a terminal: the number of bytes that begin a character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(columns - std::min(columns, width(text)), ' ');
}

std::string default_text(const Option& option) {
  return std::visit(Overloaded{[](std::int64_t* value) { return std::to_string(*value); },
                               [](double* value) { return format_double(*value); },
                               [&](NumberOrAuto*) { return flow_text(option.slot); },
                               [](bool* value) { return std::string(*value ? "true" : "false"); },
                               [](std::string* value) { return value->empty() ? "-" : *value; },
                               [](std::vector<std::string>* values) {
                                 return values->empty() ? "-" : joined({values->begin(), values->end()}, ",");
                               },
                               [](std::span<double> values) {
                                 std::string text;
                                 for (double value : values) text += (text.empty() ? "[" : ", ") + format_double(value);
                                 return text + "]";
                               },
                               [](const Choice& choice) { return choice.get(); },
                               [&](const StructList& list) { return list.size() == 0 ? "-" : flow_text(option.slot); },
                               [](const auto&) { return std::string("-"); }},
                    option.slot);
}

std::string allowed_text(const Option& option) {
  return std::visit(
      Overloaded{[&](NumberOrAuto*) { return "auto|" + range_in_words(option.range); },
                 [](bool*) { return std::string("true|false"); }, [](std::string*) { return std::string("text"); },
                 [](std::vector<std::string>*) { return std::string("list"); },
                 [](const StructList&) { return std::string("list"); },
                 [](std::map<std::string, std::string>*) { return std::string("map"); },
                 [](const Choice& choice) {
                   const std::string names = joined(choice.names, "|");
                   return names.size() <= kWidestChoice ? names : "name";  // the meaning lists long choices
                 },
                 [](const Maybe& maybe) { return allowed_text(*maybe.shape); },
                 [&](const auto&) {
                   const std::string words = range_in_words(option.range);
                   return words.empty() ? "number" : words;
                 }},
      option.slot);
}

/// A section has the note about resume for all of its keys.
void add_rows(const Section& section, const std::string& prefix, bool section_may_change, KeyStyle style,
              std::vector<Row>& rows) {
  for (const Option& option : section.options) {
    const std::string path = prefix + std::string(option.key);
    const auto* maybe = std::get_if<Maybe>(&option.slot);
    const Option& shape = maybe != nullptr ? *maybe->shape : option;
    const std::string doc = section_may_change ? std::string(option.doc) : doc_with_resume(option);
    if (const auto* inner = std::get_if<Section>(&shape.slot)) {
      rows.push_back({.key = path, .doc = doc, .heading = true});
      add_rows(*inner, path + ".", option.changes_on_resume, style, rows);
    } else {
      rows.push_back(
          {style == KeyStyle::flag ? flag_name(path) : path, default_text(option), allowed_text(option), doc});
    }
    if (const auto* list = std::get_if<StructList>(&shape.slot)) {
      rows.back().doc += "; an item: " + item_expectation(*list);
      add_rows(*list->shape, path + "[].", option.changes_on_resume, KeyStyle::dotted, rows);
    }
  }
}

/// `text` after `lead`, broken between words; further lines are indented to the start of the text.
std::string wrapped(const std::string& lead, std::string_view text) {
  const std::size_t indent = width(lead);
  std::string out, line = lead;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (width(line) > indent && width(line) + width(word) > kLineWidth) {
      out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
      line = std::string(indent, ' ');
    }
    line += std::string(word) + " ";
  }
  return out + line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

}  // namespace

std::string flag_name(std::string_view key) {
  std::string flag = "--" + std::string(key);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string to_help(const Section& options, KeyStyle style) {
  std::vector<Row> rows;
  add_rows(options, "", /*section_may_change=*/false, style, rows);
  std::size_t key_width = 0, value_width = 7, allowed_width = 7;
  for (const Row& row : rows) {
    if (row.heading) continue;
    key_width = std::max(key_width, width(row.key));
    value_width = std::max(value_width, width(row.value));
    allowed_width = std::max(allowed_width, width(row.allowed));
  }
  const auto columns = [&](const std::string& key, const std::string& value, const std::string& allowed) {
    return "  " + padded(key, key_width) + "  " + padded(value, value_width) + "  " + padded(allowed, allowed_width) +
           "  ";
  };
  std::string out = wrapped(columns("key", "default", "allowed"), "meaning");
  for (const Row& row : rows) {
    out += row.heading ? "\n" + wrapped(row.key + ": ", row.doc)
                       : wrapped(columns(row.key, row.value, row.allowed), row.doc);
  }
  return out;
}

}  // namespace rlhf
