// Formats with one column for each verdict as judgments: PandaLM and LLMBar.
#include <algorithm>
#include <cctype>
#include <utility>

#include "records/feedback/import.h"
#include "records/judged.h"

namespace rlhf {
namespace {

/// A text. PandaLM's answers "True" and "False" became JSON's true and false.
std::string text_or_boolean(const JsonReader& value) {
  if (!value.is_absent() && value.value().is_boolean()) return value.boolean() ? "True" : "False";
  return value.string();
}

std::string prompt_of_instruction(const RecordFields& fields) {
  const std::string input = fields.optional_text("input");
  return fields.text("instruction") + (input.empty() ? "" : "\n\n" + input);
}

bool is_annotator(std::string_view name) {
  constexpr std::string_view kStart = "annotator";
  return name.starts_with(kStart) && name.size() > kStart.size() &&
         std::all_of(name.begin() + kStart.size(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// 1, 2, or 0 for a tie.
Verdict verdict_of_number(const JsonReader& value) {
  const bool known = value.is_integer() && value.value() >= 0 && value.value() <= 2;
  if (!known) value.fail("1, 2, or 0 for a tie");
  if (value.value() == 0) return {.kind = Verdict::Kind::tie};
  return {.choice = value.value().get<std::int32_t>() - 1};
}

/// The two models of PandaLM's cmp_key, "bloom-7b_llama-7b"; empty if the text has another form.
std::pair<std::string, std::string> models_of(const std::string& key) {
  const auto line = key.find('_');
  if (line == std::string::npos || key.find('_', line + 1) != std::string::npos) return {};
  return {key.substr(0, line), key.substr(line + 1)};
}

}  // namespace

std::vector<JudgedRecord> import_pandalm(const FeedbackLine& line) {
  const RecordFields& fields = line.fields;
  JudgedRecord record{.prompt = prompt_of_instruction(fields)};
  const std::string key = fields.optional_text("cmp_key");
  const auto [first, second] = models_of(key);
  add_response(record, text_or_boolean(fields.field("response1")), first);
  add_response(record, text_or_boolean(fields.field("response2")), second);
  if (const auto id = fields.optional("idx")) record.id = read_id(*id);
  record.domain = fields.optional_text("motivation_app");
  const nlohmann::ordered_json rest = fields.rest();
  for (const auto& [name, value] : rest.items()) {
    if (is_annotator(name)) {
      record.judgments.push_back(
          {.annotator = name, .role = line.role(), .verdict = verdict_of_number(fields.field(name))});
    } else {
      record.extra[name] = value;
    }
  }
  if (record.judgments.empty()) fields.field("annotator1").fail("1, 2, or 0 for a tie");
  if (first.empty() && !key.empty()) record.extra["cmp_key"] = key;
  return {std::move(record)};
}

std::vector<JudgedRecord> import_llmbar(const FeedbackLine& line) {
  const RecordFields& fields = line.fields;
  JudgedRecord record;
  read_prompt(fields.field("input"), record);
  add_response(record, fields.text("output_1"));
  add_response(record, fields.text("output_2"));
  const JsonReader label = fields.field("label");
  record.gold = Verdict{.choice = static_cast<std::int32_t>(label.integer(1, 2)) - 1};
  record.judgments = {{.annotator = line.reading.annotator,
                       .role = line.reading.role.value_or(AnnotatorRole::expert),
                       .verdict = *record.gold}};
  record.extra = line.fields.rest();
  return {std::move(record)};
}

}  // namespace rlhf
