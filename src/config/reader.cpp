// Converts a document to the values of options.
#include "config/reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "rlhf/config/suggest.h"
#include "rlhf/config/user_path.h"
#include "rlhf/core/message.h"

#include "config/phrases.h"
#include "config/scalars.h"

namespace rlhf {
namespace {

std::string place(const std::string& source, int line) {
  return line > 0 ? source + ":" + std::to_string(line) : source;
}

std::optional<std::string> as_text(const Node& node) {
  if (node.as_text) return node.as_text;
  if (node.kind == Node::Kind::scalar) return node.text;
  return std::nullopt;
}

std::optional<double> as_number(const Node& node, const Range& range) {
  if (node.kind != Node::Kind::scalar || node.quoted) return std::nullopt;
  const auto value = parse_double(node.text);
  return value && range.contains(*value) ? value : std::nullopt;
}

// Each of these sets the member and returns whether the node has a valid value for it.

bool assign(std::int64_t* member, const Node& node, const Range& range) {
  if (node.kind != Node::Kind::scalar || node.quoted) return false;
  const auto value = parse_integer(node.text);
  if (!value || !range.contains(static_cast<double>(*value))) return false;
  *member = *value;
  return true;
}

bool assign(double* member, const Node& node, const Range& range) {
  const auto value = as_number(node, range);
  if (value) *member = *value;
  return value.has_value();
}

bool assign(NumberOrAuto* member, const Node& node, const Range& range) {
  const auto value = as_number(node, range);
  const bool is_auto = node.kind == Node::Kind::scalar && node.text == "auto";
  if (value || is_auto) member->number = value;
  return value || is_auto;
}

bool assign(bool* member, const Node& node, const Range&) {
  const auto value = node.kind == Node::Kind::scalar && !node.quoted ? parse_bool(node.text) : std::nullopt;
  if (value) *member = *value;
  return value.has_value();
}

bool assign(std::string* member, const Node& node, const Range&) {
  const auto value = as_text(node);
  if (value) *member = *value;
  return value.has_value();
}

/// One text is a list of one.
bool assign(std::vector<std::string>* member, const Node& node, const Range&) {
  if (node.kind == Node::Kind::scalar) {
    *member = {node.text};
    return true;
  }
  if (node.kind != Node::Kind::list) return false;
  std::vector<std::string> texts;
  for (const Node& child : node.children) {
    if (child.kind != Node::Kind::scalar) return false;
    texts.push_back(child.text);
  }
  *member = std::move(texts);
  return true;
}

bool assign(std::map<std::string, std::string>* member, const Node& node, const Range&) {
  if (node.kind != Node::Kind::map) return false;
  for (const Node& child : node.children) {
    const auto value = as_text(child);
    if (!value) return false;
    (*member)[child.key] = *value;
  }
  return true;
}

bool assign(std::span<double> member, const Node& node, const Range& range) {
  if (node.kind != Node::Kind::list || node.children.size() != member.size()) return false;
  for (std::size_t i = 0; i < member.size(); ++i) {
    if (!assign(&member[i], node.children[i], range)) return false;
  }
  return true;
}

bool assign(const Choice& choice, const Node& node, const Range&) {
  return node.kind == Node::Kind::scalar && choice.set(node.text);
}

/// The upper limit of a whole number that is too large, with its separator, or "". An expectation leaves it out,
/// because it explains nothing about other values.
std::string limit_for(const Option& option, const Node& node) {
  if (!std::holds_alternative<std::int64_t*>(option.slot) || option.range.has_high()) return "";
  const std::int64_t limit = option.is_any_size ? std::numeric_limits<std::int64_t>::max() : kLargestCount;
  const auto value = as_number(node, {});
  return value && *value > static_cast<double>(kLargestCount) ? ", at most " + std::to_string(limit) : "";
}

/// A hint for an invalid value, with its separator, or "".
std::string hint_for(const Option& option, const Node& node) {
  if (const auto* choice = std::get_if<Choice>(&option.slot)) {
    constexpr std::size_t kShortestSlip = 4;  // "gpu" differs from "cpu" by one letter and is not a misspelling
    const auto meant = node.text.size() < kShortestSlip ? std::nullopt : nearest(node.text, choice->names);
    return meant ? "; did you mean `" + *meant + "`?" : "";
  }
  return "";
}

/// The first invalid item of a list, or the node itself.
const Node& culprit(const Option& option, const Node& node) {
  const auto* numbers = std::get_if<std::span<double>>(&option.slot);
  const bool right_size = numbers != nullptr && node.children.size() == numbers->size();
  const bool texts = std::holds_alternative<std::vector<std::string>*>(option.slot) ||
                     std::holds_alternative<std::map<std::string, std::string>*>(option.slot);
  for (const Node& child : node.children) {
    if (right_size && !as_number(child, option.range)) return child;
    if (texts && child.kind != Node::Kind::scalar) return child;
  }
  return node;
}

}  // namespace

void FaultList::add(const std::string& source, int line, const std::string& key, const std::string& message) {
  add_line(place(source, line) + ": " + key + ": " + message);
  faulty_.push_back(key);
}

void FaultList::add_line(const std::string& line) { lines_.push_back(one_line(line)); }

void FaultList::mark_said(const std::string& key, const std::string& source, int line) {
  places_[key] = place(source, line);
}

/// A key is faulty if an enclosing section is faulty, and a list is faulty if one of its items is.
bool FaultList::is_faulty(const std::string& key) const {
  return std::any_of(faulty_.begin(), faulty_.end(), [&](const std::string& faulty) {
    return key == faulty || key.starts_with(faulty + ".") || faulty.starts_with(key + "[");
  });
}

void FaultList::add_issue(const Issue& issue, const std::string& file) {
  if (std::any_of(issue.keys.begin(), issue.keys.end(), [&](const auto& key) { return is_faulty(key); })) return;
  const auto known = places_.find(issue.keys.front());
  const std::string where = known != places_.end() ? known->second : file;
  add_line((where.empty() ? "" : where + ": ") + issue.keys.front() + ": " + issue.message);
}

void Reader::read_section(const Section& section, const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::null) return;
  if (node.kind != Node::Kind::map) {
    const std::string what = path.empty() ? "the config" : path;
    return faults_.add(source_, node.line, what, "expected a section {key: value, …}, found " + found(node));
  }
  for (const Node& child : node.children) {
    const std::string child_path = path.empty() ? child.key : path + "." + child.key;
    if (is_duplicate(node, child, child_path)) continue;
    const auto option = std::find_if(section.options.begin(), section.options.end(),
                                     [&](const Option& o) { return o.key == child.key; });
    if (option == section.options.end()) {
      report_unknown(child, path, child_path);
    } else {
      read_option(*option, child, child_path);
    }
  }
}

bool Reader::is_duplicate(const Node& parent, const Node& child, const std::string& path) {
  for (const Node& earlier : parent.children) {
    if (&earlier == &child) return false;
    if (earlier.key != child.key) continue;
    faults_.add(source_, child.line, path, "given twice, first on line " + std::to_string(earlier.line));
    return true;
  }
  return false;
}

void Reader::read_option(const Option& option, const Node& node, const std::string& path) {
  faults_.mark_said(path, source_, node.line);
  if (const auto* section = std::get_if<Section>(&option.slot)) return read_section(*section, node, path);
  if (const auto* maybe = std::get_if<Maybe>(&option.slot)) {
    if (node.kind == Node::Kind::null) return maybe->clear();
    return read_option(maybe->fill(), node, path);
  }
  if (const auto* list = std::get_if<StructList>(&option.slot)) {
    if (node.kind == Node::Kind::list) return read_list(*list, node, path);
    if (node.kind != Node::Kind::null && short_form(*list) != nullptr) return read_single(*list, node, path);
  }
  if (std::holds_alternative<std::map<std::string, std::string>*>(option.slot)) {
    for (const Node& child : node.children) is_duplicate(node, child, path + "." + child.key);
  }
  const bool fits = std::visit(
      [&](const auto& slot) {
        if constexpr (requires { assign(slot, node, option.range); }) return assign(slot, node, allowed_range(option));
        return false;
      },
      option.slot);
  if (!fits) return report_mismatch(option, node, path);
  if (option.is_path) read_paths(option, node, path);
}

/// Expands the texts of an option that is a path or a list of paths.
void Reader::read_paths(const Option& option, const Node& node, const std::string& path) {
  const auto expand = [&](std::string& text, int line) {
    UserPath expanded = expand_path(text);
    if (!expanded.fault.empty()) return faults_.add(source_, line, path, expanded.fault);
    text = std::move(expanded.path);
  };
  if (auto* const* text = std::get_if<std::string*>(&option.slot)) return expand(**text, node.line);
  auto& texts = *std::get<std::vector<std::string>*>(option.slot);
  const bool is_list = node.children.size() == texts.size();
  for (std::size_t i = 0; i < texts.size(); ++i) expand(texts[i], is_list ? node.children[i].line : node.line);
}

void Reader::read_list(const StructList& list, const Node& node, const std::string& path) {
  list.reset(node.children.size());
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    read_item(list, list.item(i), node.children[i], path + "[" + std::to_string(i) + "]");
  }
}

/// One item without brackets is a list of one.
void Reader::read_single(const StructList& list, const Node& node, const std::string& path) {
  list.reset(1);
  read_item(list, list.item(0), node, path);
}

void Reader::read_item(const StructList& list, const Section& item, const Node& node, const std::string& path) {
  const Option* brief = short_form(list);
  const auto is_brief = [&](const Option& option) { return brief != nullptr && option.key == brief->key; };
  if (node.kind == Node::Kind::scalar && brief != nullptr) {
    return read_option(*std::find_if(item.options.begin(), item.options.end(), is_brief), node, path);
  }
  if (node.kind != Node::Kind::map) {
    return faults_.add(source_, node.line, path, "expected " + item_expectation(list) + ", found " + found(node));
  }
  read_section(item, node, path);
  const bool has_brief = std::any_of(node.children.begin(), node.children.end(),
                                     [&](const Node& child) { return brief != nullptr && child.key == brief->key; });
  if (brief != nullptr && !has_brief) {
    faults_.add(source_, node.line, path + "." + std::string(brief->key),
                "expected " + expectation(*brief) + ", found nothing");
  }
}

void Reader::report_mismatch(const Option& option, const Node& node, const std::string& path) {
  const Node& wrong = culprit(option, node);
  const std::string in_list = &wrong != &node && node.kind == Node::Kind::list ? " in the list" : "";
  faults_.add(source_, wrong.line, path,
              "expected " + expectation(option) + limit_for(option, wrong) + ", found " + found(wrong) + in_list +
                  hint_for(option, node));
}

void Reader::report_unknown(const Node& node, const std::string& section_path, const std::string& path) {
  const auto meant = suggest_key(root_, section_path, node.key);
  faults_.add(source_, node.line, path,
              meant ? "unknown key; did you mean `" + *meant + "`?" : "unknown key; hint: --help lists all of them");
  if (meant) faults_.mark_faulty(*meant);
}

}  // namespace rlhf
