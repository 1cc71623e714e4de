// `tojson` as in transformers: Python's json.dumps without the HTML escaping of Jinja2's own filter.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "jinja/operators.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

std::string unit_escape(unsigned unit) {
  char code[8];
  std::snprintf(code, sizeof code, "\\u%04x", unit & 0xFFFF);
  return code;
}

void append_quoted(std::string& out, std::string_view text, bool ascii) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const CodePoint point = next_code_point(text, at);
    switch (point) {
      case '"':
        out += "\\\"";
        continue;
      case '\\':
        out += "\\\\";
        continue;
      case '\n':
        out += "\\n";
        continue;
      case '\r':
        out += "\\r";
        continue;
      case '\t':
        out += "\\t";
        continue;
      case '\b':
        out += "\\b";
        continue;
      case '\f':
        out += "\\f";
        continue;
      default:
        break;
    }
    if (point < 0x20 || (ascii && point >= 0x7F && point < 0x10000)) {
      out += unit_escape(static_cast<unsigned>(point));
    } else if (ascii && point >= 0x10000) {
      const auto rest = static_cast<unsigned>(point - 0x10000);
      out += unit_escape(0xD800 + (rest >> 10)) + unit_escape(0xDC00 + (rest & 0x3FF));
    } else {
      out.append(text.substr(begin, at - begin));
    }
  }
  out += '"';
}

std::string number_text(const Value& value) {
  if (const bool* yes = value.boolean()) return *yes ? "true" : "false";
  if (const auto whole = value.whole()) return std::to_string(*whole);
  const double real = *value.real();
  if (std::isnan(real)) return "NaN";
  if (std::isinf(real)) return real < 0 ? "-Infinity" : "Infinity";
  return real_text(real);
}

class JsonWriter {
 public:
  JsonWriter(Machine& machine, const JsonStyle& style) : machine_(machine), style_(style) {}

  void write(const Value& value) {
    machine_.budget.step();
    if (out_.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
    if (value.is_none())
      out_ += "null";
    else if (const Text* text = value.text())
      quote(text->bytes);
    else if (value.number())
      out_ += number_text(value);
    else if (const Mapping* mapping = value.mapping())
      write_mapping(*mapping);
    else if (const Sequence* list = value.sequence();
             list && (list->shape == Shape::list || list->shape == Shape::tuple))
      write_list(*list);
    else
      fail("tojson: Object of type " + value.type_name() + " is not JSON serializable");
  }
  std::string take() { return std::move(out_); }

 private:
  void quote(const std::string& text) {
    machine_.budget.look_at(text.size());
    append_quoted(out_, text, style_.ascii);
  }

  // The text before the first item of a level, between items, and after the last one.
  void open(char bracket) {
    out_ += bracket;
    ++level_;
    new_line();
  }
  void between() {
    out_ += style_.item_separator;
    new_line();
  }
  void close(char bracket) {
    --level_;
    new_line();
    out_ += bracket;
  }
  void new_line() {
    if (!style_.indented) return;
    out_ += '\n';
    machine_.budget.look_at(style_.indent.size() * level_);
    for (std::size_t i = 0; i < level_; ++i) {
      if (out_.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
      out_ += style_.indent;
    }
  }

  void write_list(const Sequence& list) {
    if (list.items.empty()) {
      out_ += "[]";
      return;
    }
    open('[');
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) between();
      write(list.items[i]);
    }
    close(']');
  }

  void write_mapping(const Mapping& mapping) {
    if (mapping.entries.empty()) {
      out_ += "{}";
      return;
    }
    open('{');
    bool first = true;
    for (const auto* entry : ordered(mapping)) {
      if (!first) between();
      first = false;
      write_key(entry->first);
      out_ += style_.key_separator;
      write(entry->second);
    }
    close('}');
  }

  std::vector<const std::pair<Value, Value>*> ordered(const Mapping& mapping) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : mapping.entries) entries.push_back(&entry);
    if (style_.sorted) {
      std::stable_sort(entries.begin(), entries.end(),
                       [this](const auto* a, const auto* b) { return less(machine_, a->first, b->first); });
    }
    return entries;
  }

  void write_key(const Value& key) {
    if (const Text* text = key.text())
      quote(text->bytes);
    else if (key.is_none())
      out_ += "\"null\"";
    else if (key.number())
      out_ += '"' + number_text(key) + '"';
    else
      fail("tojson: keys must be str, int, float, bool or None, not " + key.type_name());
  }

  Machine& machine_;
  const JsonStyle& style_;
  std::size_t level_ = 0;
  std::string out_;
};

}  // namespace

std::string to_json(Machine& machine, const Value& value, const JsonStyle& style) {
  JsonWriter writer(machine, style);
  writer.write(value);
  std::string text = writer.take();
  machine.budget.make(text.size());
  return text;
}

}  // namespace rlhf::jinja
