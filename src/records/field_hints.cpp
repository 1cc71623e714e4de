// Names that published data gives to the fields of our formats. They are suggested and never assumed.
#include "records/field_hints.h"

#include <algorithm>
#include <string_view>

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

enum class Shape { text, list_of_objects, list_of_turns };

struct Synonym {
  std::string_view ours, theirs;
  Shape shape = Shape::text;
};
constexpr Synonym kSynonyms[] = {
    {"messages", "conversation", Shape::list_of_turns},
    {"messages", "dialog", Shape::list_of_turns},
    {"messages", "dialogue", Shape::list_of_turns},
    {"messages", "chat", Shape::list_of_turns},
    {"messages", "turns", Shape::list_of_turns},
    {"output", "response"},
    {"output", "answer"},
    {"output", "completion"},
    {"input", "context"},
    {"system", "system_prompt"},
    {"prompt", "question"},
    {"prompt", "query"},
    {"prompt", "instruction"},
    {"prompt", "problem"},
    {"prompt", "input"},
    {"prompt", "user_input"},
    {"prompt", "text"},
    {"completion", "answer"},
    {"completion", "response"},
    {"completion", "output"},
    {"completion", "solution"},
    {"completion", "target"},
    {"chosen", "chosen_response"},
    {"chosen", "preferred"},
    {"chosen", "response_chosen"},
    {"chosen", "answer_chosen"},
    {"rejected", "rejected_response"},
    {"rejected", "dispreferred"},
    {"rejected", "response_rejected"},
    {"rejected", "answer_rejected"},
    {"completions", "answers", Shape::list_of_objects},
    {"completions", "responses", Shape::list_of_objects},
    {"completions", "candidates", Shape::list_of_objects},
};
constexpr std::string_view kPrompts[] = {"question", "query", "instruction", "problem", "input", "context"};
constexpr std::string_view kTexts[] = {"answer", "response", "content", "completion"};

bool holds_objects(const Json& value) { return value.is_array() && !value.empty() && value.front().is_object(); }

bool has(const Json& record, std::string_view name) {
  const auto found = record.find(name);
  return found != record.end() && !found->is_null();
}

bool fits(const Json& value, Shape shape) {
  if (shape == Shape::text) return value.is_string() || value.is_array();
  return holds_objects(value) &&
         (shape == Shape::list_of_objects || value.front().contains("role") || value.front().contains("from"));
}

/// The name in the record of a field of ours: its own, or a synonym; "" if it has none.
std::string name_in(const Json& record, const FieldNames& names, std::string_view ours) {
  if (has(record, names(ours))) return names(ours);
  for (const Synonym& synonym : kSynonyms)
    if (synonym.ours == ours && has(record, synonym.theirs) && fits(record[synonym.theirs], synonym.shape))
      return std::string(synonym.theirs);
  return "";
}

void add(std::string& renamed, std::string_view ours, std::string_view theirs) {
  renamed += (renamed.empty() ? "" : ", ") + std::string(ours) + ": " + std::string(theirs);
}

/// The renamings of the items of a list of completions; nullopt if they have no text or no rank.
std::optional<std::string> renamed_items(const Json& item) {
  if (!item.is_object() || !has(item, "rank")) return std::nullopt;
  std::string renamed;
  if (has(item, "text")) return renamed;
  const auto text = std::ranges::find_if(kTexts, [&](std::string_view name) { return has(item, name); });
  if (text == std::end(kTexts)) return std::nullopt;
  add(renamed, "text", *text);
  return renamed;
}

std::optional<std::string> renaming(const Json& record, const FieldNames& names, const RecordFormatInfo& format) {
  std::string renamed;
  std::vector<std::string> used;
  const auto take = [&](std::string_view ours, bool required) {
    const std::string theirs = name_in(record, names, ours);
    if (theirs.empty() || std::ranges::find(used, theirs) != used.end()) return !required;
    used.push_back(theirs);
    if (theirs != names(ours)) add(renamed, ours, theirs);
    return true;
  };
  for (const std::string_view ours : format.required)
    if (!take(ours, true)) return std::nullopt;
  if (format.format == RecordFormat::ranking) {
    const Json& list = record[name_in(record, names, "completions")];
    const auto of_items = holds_objects(list) ? renamed_items(list.front()) : std::nullopt;
    if (!of_items) return std::nullopt;
    if (!of_items->empty()) renamed += (renamed.empty() ? "" : ", ") + *of_items;
  }
  if (renamed.empty()) return std::nullopt;
  for (const std::string_view ours : format.optional) take(ours, false);
  if (format.content == RecordContent::messages) take("system", false);
  return "{" + renamed + "}";
}

}  // namespace

std::optional<std::string> suggested_fields(const Json& record, const FieldNames& names,
                                            const std::vector<RecordFormat>& formats) {
  for (const RecordFormat format : formats) {
    if (format == RecordFormat::tree) continue;  // its field has no other names
    if (const auto renamed = renaming(record, names, *find_format(format))) return renamed;
  }
  return std::nullopt;
}

std::optional<std::string> probable_prompt(const Json& record) {
  for (const std::string_view name : kPrompts)
    if (has(record, name) && fits(record[name], Shape::text)) return std::string(name);
  return std::nullopt;
}

std::optional<std::string> wrapped_list(const Json& object) {
  constexpr std::size_t kFewKeys = 8;
  if (object.size() > kFewKeys) return std::nullopt;
  for (const auto& [key, value] : object.items())
    if (holds_objects(value)) return key;
  return std::nullopt;
}

}  // namespace rlhf
