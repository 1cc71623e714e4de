// Python's pprint. The names level, indent and allowance are its own: an allowance is the number of characters that
// must follow on the last line.
#include "jinja/pretty.h"

#include <algorithm>

#include "jinja/operators.h"
#include "jinja/pieces.h"
#include "jinja/show.h"
#include "jinja/unicode.h"

namespace rlhf::jinja {
namespace {

constexpr std::int64_t kWidth = 80;

bool can_be_ordered(const Value& a, const Value& b) { return (a.number() && b.number()) || (a.text() && b.text()); }

// The same value with the keys of its mappings in order; keys without an order are ordered by their type.
Value sorted(Machine& machine, const Value& value) {
  const Sequence* sequence = value.sequence();
  if (sequence && (sequence->shape == Shape::list || sequence->shape == Shape::tuple)) {
    Values items;
    for (const Value& one : sequence->items) items.push_back(sorted(machine, one));
    return make_sequence(machine.budget, sequence->shape, std::move(items));
  }
  if (!value.mapping()) return value;
  auto entries = value.mapping()->entries;
  std::ranges::stable_sort(entries, [&](const auto& a, const auto& b) {
    if (can_be_ordered(a.first, b.first)) return less(machine, a.first, b.first);
    return a.first.type_name() < b.first.type_name();
  });
  Mapping mapping;
  for (const auto& [key, one] : entries) mapping.set(key, sorted(machine, one));
  return make_mapping(machine.budget, std::move(mapping));
}

std::int64_t size_of(std::string_view text) { return static_cast<std::int64_t>(length_of(text)); }

class PrettyPrinter {
 public:
  explicit PrettyPrinter(Machine& machine) : machine_(machine) {}

  void format(const Value& value, std::int64_t indent, std::int64_t allowance, int level) {
    const std::string plain = to_repr(machine_, value);
    const bool fits = size_of(plain) <= kWidth - indent - allowance;
    const Sequence* sequence = value.sequence();
    if (!fits && value.mapping())
      mapping(*value.mapping(), indent, allowance + 1, level + 1);
    else if (!fits && value.text() && !value.text()->markup && !value.text()->bytes.empty())
      text(value.text()->bytes, indent, allowance, level + 1);
    else if (!fits && sequence && sequence->shape == Shape::list)
      items(sequence->items, "[", "]", indent, allowance, level + 1);
    else if (!fits && sequence && sequence->shape == Shape::tuple && sequence->label.empty())
      items(sequence->items, "(", sequence->items.size() == 1 ? ",)" : ")", indent, allowance, level + 1);
    else
      write(plain);
  }
  std::string take() { return std::move(out_); }

 private:
  void write(std::string_view text) {
    machine_.budget.look_at(text.size());
    out_ += text;
    if (out_.size() > kMaxText) Budget::stop("a text of more than 16 MiB");
  }
  void new_line(std::int64_t indent) { write("\n" + std::string(static_cast<std::size_t>(indent), ' ')); }

  void mapping(const Mapping& mapping, std::int64_t indent, std::int64_t allowance, int level) {
    write("{");
    for (std::size_t i = 0; i < mapping.entries.size(); ++i) {
      const auto& [key, value] = mapping.entries[i];
      const bool last = i + 1 == mapping.entries.size();
      const std::string shown = to_repr(machine_, key);
      write(shown + ": ");
      format(value, std::min(indent + 1 + size_of(shown) + 2, kMaxIndent), last ? allowance : 1, level);
      if (last) break;
      write(",");
      new_line(indent + 1);
    }
    write("}");
  }

  void items(const Values& items, std::string_view open, std::string_view close, std::int64_t indent,
             std::int64_t allowance, int level) {
    write(open);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const bool last = i + 1 == items.size();
      format(items[i], indent + 1, last ? allowance + size_of(close) : 1, level);
      if (last) break;
      write(",");
      new_line(indent + 1);
    }
    write(close);
  }

  std::string quoted(std::string_view text) { return to_repr(machine_, Value(std::string(text))); }

  // A long text becomes several literals, broken behind lines and words.
  void text(const std::string& bytes, std::int64_t indent, std::int64_t allowance, int level) {
    if (level == 1) {
      ++indent;
      ++allowance;
    }
    const std::int64_t width = kWidth - indent;
    std::vector<std::string> literals;
    std::string last_line;
    const Pieces lines = lines_of(machine_, bytes, /*keep_ends=*/true);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::int64_t kept_free = i + 1 == lines.size() ? allowance : 0;
      last_line = quoted(lines[i]);
      if (size_of(last_line) <= width - kept_free)
        literals.push_back(last_line);
      else
        words(lines[i], width, kept_free, literals);
    }
    if (literals.size() == 1) {
      write(last_line);
      return;
    }
    if (level == 1) write("(");
    for (std::size_t i = 0; i < literals.size(); ++i) {
      if (i > 0) new_line(indent);
      write(literals[i]);
    }
    if (level == 1) write(")");
  }

  // Words with the white space behind them, as many in a literal as fit.
  void words(std::string_view line, std::int64_t width, std::int64_t kept_free, std::vector<std::string>& literals) {
    std::string current;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t begin = at;
      at = end_of_run(line, at, false);
      at = end_of_run(line, at, true);
      const std::string candidate = current + std::string(line.substr(begin, at - begin));
      const bool last = at == line.size();
      if (size_of(quoted(candidate)) <= width - (last ? kept_free : 0)) {
        current = candidate;
        continue;
      }
      if (!current.empty()) literals.push_back(quoted(current));
      current = std::string(line.substr(begin, at - begin));
    }
    if (!current.empty()) literals.push_back(quoted(current));
  }

  static std::size_t end_of_run(std::string_view text, std::size_t at, bool space) {
    while (at < text.size()) {
      std::size_t next = at;
      if (is_space(next_code_point(text, next)) != space) break;
      at = next;
    }
    return at;
  }

  static constexpr std::int64_t kMaxIndent = 100'000;

  Machine& machine_;
  std::string out_;
};

}  // namespace

std::string pretty(Machine& machine, const Value& value) {
  PrettyPrinter printer(machine);
  printer.format(sorted(machine, value), 0, 0, 0);
  return printer.take();
}

}  // namespace rlhf::jinja
