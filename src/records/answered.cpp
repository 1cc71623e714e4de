// Reads records with answers to score.
#include "rlhf/records/answered.h"

#include <array>
#include <limits>
#include <utility>

#include "rlhf/config/stage.h"
#include "rlhf/core/check_argument.h"
#include "rlhf/records/jsonl.h"

#include "records/answered_line.h"
#include "records/conversation.h"
#include "records/ranking.h"
#include "records/record_fields.h"
#include "records/record_format.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using Kind = AnsweredRecord::Kind;

constexpr std::array kAnswerNames = {"completion", "response", "answer", "text"};
constexpr std::array kListNames = {"completions", "responses"};

TokenIds ids_of(const JsonReader& list) {
  TokenIds ids;
  list.for_each_item([&](const JsonReader& id) {
    ids.push_back(static_cast<std::int32_t>(id.integer(0, std::numeric_limits<std::int32_t>::max())));
  });
  return ids;
}

Json assistant_turn(const std::string& text) { return {{{"role", "assistant"}, {"content", text}}}; }

/// Makes an AnsweredRecord from one line.
class AnswerReader {
 public:
  AnswerReader(const JsonLine& line, const FieldNames& names)
      : line_(line), record_(reader_of(line)), fields_(line, names), prompt_name_(names("prompt")) {}

  AnsweredRecord read() const {
    AnsweredRecord found{.record = line_.value, .place = place_of(line_)};
    if (has("prompt_ids") && has("token_ids")) {
      found.ids = ids_of(record_.at("prompt_ids"));
      const TokenIds response = ids_of(record_.at("token_ids"));
      found.ids->insert(found.ids->end(), response.begin(), response.end());
    } else if (has("chosen") && has("rejected")) {
      const bool several = lists_texts("chosen");
      found.kind = several ? Kind::list : Kind::pair;
      found.content = several ? right_and_wrong() : pair();
    } else if (const char* name = first_of(kListNames)) {
      found.kind = Kind::list;
      found.content = list(name);
    } else {
      found.content = single();
    }
    return found;
  }

 private:
  bool has(const std::string& key) const { return record_.has(key); }
  template <std::size_t N>
  const char* first_of(const std::array<const char*, N>& names) const {
    for (const char* const name : names)
      if (has(name)) return name;
    return nullptr;
  }
  bool has_chat_prompt() const { return record_.at(prompt_name_).is_list(); }
  bool lists_texts(const std::string& key) const {
    const JsonReader field = record_.at(key);
    return field.is_list() && !field.list().empty() && field.item(0).is_string();
  }

  Preference pair() const {
    const bool chat = record_.at("chosen").is_list(), has_prompt = has(prompt_name_);
    if (!chat && !has_prompt) return fields_.split_transcripts();
    if (!chat && !has_chat_prompt())
      return {fields_.text("prompt"), {{fields_.text("chosen")}, {fields_.text("rejected")}}, fields_.pair()};
    if (chat && (!has_prompt || fields_.is_text("prompt"))) return fields_.split_conversations(has_prompt);
    Preference record = with_prompt();
    record.answers = {answer_to_chat("chosen"), answer_to_chat("rejected")};
    record.pairs = fields_.pair();
    return record;
  }

  /// Lists of right and of wrong answers. Every right one is better than every wrong one.
  Preference right_and_wrong() const {
    Preference record = with_prompt();
    add_texts(record_.at("chosen"), record);
    const auto right = static_cast<std::int32_t>(record.answers.size());
    add_texts(record_.at("rejected"), record);
    const auto all = static_cast<std::int32_t>(record.answers.size());
    for (std::int32_t chosen = 0; chosen < right; ++chosen)
      for (std::int32_t rejected = right; rejected < all; ++rejected) record.pairs.push_back({chosen, rejected});
    return record;
  }

  static void add_texts(const JsonReader& list, Preference& record) {
    const std::string expected = "a list of 1 to " + std::to_string(kMaxRanked) + " texts";
    const std::size_t size = list.list(expected).size();
    if (size == 0 || size > kMaxRanked) list.fail(expected, "a list of " + std::to_string(size));
    list.for_each_item([&](const JsonReader& item) { record.answers.push_back(answer_of(item.string(), record)); });
  }

  static Answer answer_of(const std::string& text, const Preference& record) {
    return record.chat ? Answer{.turns = assistant_turn(text)} : Answer{text};
  }

  /// A list of texts or of objects {"text"}; with ranks, a ranking.
  Preference list(const std::string& name) const {
    const JsonReader items = record_.at(name);
    if (items.list("a list of answers").empty()) items.fail("at least one answer", "an empty list");
    const JsonReader first = items.item(0);
    if (name == "completions" && first.is_object() && first.has("rank")) return fields_.ranking(has_chat_prompt());
    Preference record = with_prompt();
    items.for_each_item([&](const JsonReader& item) {
      const std::string& text = item.is_object() ? item.at("text").string() : item.string("a text or {\"text\"}");
      record.answers.push_back(answer_of(text, record));
    });
    return record;
  }

  Preference single() const {
    if (has("messages")) return last_turn(fields_.answered("messages"));
    if (has("conversations")) return last_turn(fields_.answered("conversations"));
    if (has("instruction") && has("output")) return {fields_.alpaca_prompt(), {{fields_.text("output")}}, {}};
    if (has("text") && !has(prompt_name_)) return {.answers = {{fields_.text("text")}}, .whole = true};
    if (const char* const name = first_of(kAnswerNames)) {
      Preference record = with_prompt();
      record.answers = {record.chat ? answer_to_chat(name) : Answer{fields_.text(name)}};
      return record;
    }
    throw BadRecord(place_of(line_) + ": expected an answer to score (completion, response, chosen and rejected, " +
                    "completions, responses, messages or text), found " + shown_keys(line_.value));
  }

  /// The prompt of the record, without answers.
  Preference with_prompt() const {
    if (!has_chat_prompt()) return {fields_.text("prompt"), {}, {}};
    return {.chat = fields_.conversation(fields_.question("prompt"))};
  }

  /// An answer to a prompt of messages: messages, or the text of an assistant turn.
  Answer answer_to_chat(const std::string& name) const {
    return {.turns = fields_.is_text(name) ? assistant_turn(fields_.text(name)) : fields_.answer(name)};
  }

  /// A conversation whose last turn is the answer.
  Preference last_turn(const Json& messages) const {
    const std::size_t last = messages.size() - 1;
    return {.answers = {{.turns = turns(messages, last, messages.size())}},
            .chat = fields_.conversation(turns(messages, 0, last))};
  }

  const JsonLine& line_;
  JsonReader record_;
  RecordFields fields_;
  std::string prompt_name_;
};

}  // namespace

AnsweredRecord read_answered(const JsonLine& line, const FieldNames& names) { return AnswerReader(line, names).read(); }

void for_each_answered(const std::filesystem::path& file, const std::string& prompt_field,
                       const std::function<void(AnsweredRecord)>& sink) {
  check_given(sink, "sink", "a function");
  refuse_other_files(file);
  const FieldNames names(prompt_field == "prompt" ? std::map<std::string, std::string>()
                                                  : std::map<std::string, std::string>{{"prompt", prompt_field}},
                         Stage::reward_model);
  bool any = false;
  for_each_json_line(file, /*max_bad_lines=*/0, [&](const JsonLine& line) {
    any = true;
    sink(read_answered(line, names));
  });
  if (!any) throw DataError("cannot read " + file.string() + ": expected at least one record, found none");
}

}  // namespace rlhf
