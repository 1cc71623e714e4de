#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/config/const_text.h"
#include "rlhf/config/stage.h"

/// The formats of data files. The options, their checks and --help, and the reader of records and its errors are
/// derived from this list; a test compares docs/formats.md with it. Standard library only.
namespace rlhf {

/// The format of a record. auto: recognised from the first record (only in options).
enum class RecordFormat {
  auto_,
  messages,
  sharegpt,
  alpaca,
  demonstration,
  text,
  preference,
  ranking,
  judgments,
  unpaired,
  transcripts,
  tree,
  prompt
};

/// A set of at most 32 names, in the order in which they were added.
class FieldList {
 public:
  constexpr FieldList(std::initializer_list<std::string_view> names) { add(names.begin(), names.end()); }
  /// Adds the names that are not in the list yet.
  constexpr void add(const std::string_view* first, const std::string_view* last) {
    for (; first != last; ++first)
      if (!contains(*first)) names_.at(size_++) = *first;
  }
  constexpr bool contains(std::string_view name) const { return std::find(begin(), end(), name) != end(); }
  constexpr const std::string_view* begin() const { return names_.data(); }
  constexpr const std::string_view* end() const { return names_.data() + size_; }

 private:
  std::array<std::string_view, 32> names_{};
  std::size_t size_ = 0;
};

/// Whether the records of a format have plain texts, messages for the chat template, or either.
enum class RecordContent { texts, messages, either };

/// The stages beside the first one that read a format: SFT trains on the chosen or best completion, PPO reads the
/// prompt.
struct OtherStages {
  bool sft = false, ppo = false;
};

struct RecordFormatInfo {
  RecordFormat format;
  std::string_view name;     ///< as in data.format
  Stage stage;               ///< the stage that the format is made for
  OtherStages also;          ///< rlhf-generate reads what rlhf-ppo reads
  std::string_view records;  ///< the name of such records in messages
  FieldList required;
  FieldList optional;
  FieldList item_fields;  ///< fields of the objects in the list `completions`
  RecordContent content;
  std::string_view telling;  ///< if `content` is either: the field that is a list in records of messages
  std::string_view what;     ///< the description in docs/formats.md
};

/// In the order in which they are tried: a record that matches several formats has the first of them.
inline constexpr RecordFormatInfo kRecordFormats[] = {
    {.format = RecordFormat::preference,
     .name = "preference",
     .stage = Stage::reward_model,
     .also = {.sft = true, .ppo = true},
     .records = "preference pairs",
     .required = {"prompt", "chosen", "rejected"},
     .optional = {"margin", "weight", "probability"},
     .item_fields = {},
     .content = RecordContent::either,
     .telling = "chosen",
     .what = "texts, or messages; margin, weight and probability: \"Pairs\" below"},
    {.format = RecordFormat::ranking,
     .name = "ranking",
     .stage = Stage::reward_model,
     .also = {.sft = true, .ppo = true},
     .records = "rankings",
     .required = {"prompt", "completions"},
     .optional = {},
     .item_fields = {"text", "rank"},
     .content = RecordContent::either,
     .telling = "prompt",
     .what = "prompt: a text, or messages; completions: a list of {\"text\", \"rank\"}, the lowest rank is the best"},
    {.format = RecordFormat::judgments,
     .name = "judgments",
     .stage = Stage::reward_model,
     .also = {.sft = true, .ppo = true},
     .records = "judged responses",
     .required = {"prompt", "responses", "judgments"},
     .optional = {"id", "domain", "belief", "gold", "label"},
     .item_fields = {},
     .content = RecordContent::either,
     .telling = "prompt",
     .what = "prompt: a text, or messages; the responses and who said what about them (\"Judgments\" below)"},
    {.format = RecordFormat::messages,
     .name = "messages",
     .stage = Stage::sft,
     .also = {.ppo = true},
     .records = "conversations",
     .required = {"messages"},
     .optional = {},
     .item_fields = {},
     .content = RecordContent::messages,
     .telling = {},
     .what = "a list of {\"role\", \"content\"} that ends with the assistant's turn"},
    {.format = RecordFormat::sharegpt,
     .name = "sharegpt",
     .stage = Stage::sft,
     .also = {.ppo = true},
     .records = "conversations",
     .required = {"conversations"},
     .optional = {"system"},
     .item_fields = {},
     .content = RecordContent::messages,
     .telling = {},
     .what = "a list of {\"from\", \"value\"} that ends with the assistant's turn"},
    {.format = RecordFormat::alpaca,
     .name = "alpaca",
     .stage = Stage::sft,
     .also = {.ppo = true},
     .records = "instructions",
     .required = {"instruction", "output"},
     .optional = {"input", "system", "history"},
     .item_fields = {},
     .content = RecordContent::texts,
     .telling = {},
     .what = "texts; the prompt is the published one; history: a list of [instruction, output], the turns before"},
    {.format = RecordFormat::unpaired,
     .name = "unpaired",
     .stage = Stage::dpo,
     .also = {},
     .records = "single completions (dpo.loss: kto)",
     .required = {"prompt", "completion", "label"},
     .optional = {},
     .item_fields = {},
     .content = RecordContent::either,
     .telling = "prompt",
     .what = "texts, or messages; label: true, the completion is desirable, or false; only with dpo.loss: kto"},
    {.format = RecordFormat::demonstration,
     .name = "demonstration",
     .stage = Stage::sft,
     .also = {.ppo = true},
     .records = "demonstrations",
     .required = {"prompt", "completion"},
     .optional = {},
     .item_fields = {},
     .content = RecordContent::either,
     .telling = "prompt",
     .what = "texts, or messages"},
    {.format = RecordFormat::transcripts,
     .name = "transcripts",
     .stage = Stage::reward_model,
     .also = {.sft = true, .ppo = true},
     .records = "preference pairs",
     .required = {"chosen", "rejected"},
     .optional = {"margin", "weight", "probability"},
     .item_fields = {},
     .content = RecordContent::either,
     .telling = "chosen",
     .what = "no prompt field: texts \"\\n\\nHuman: …\\n\\nAssistant: …\" or any others, or messages"},
    {.format = RecordFormat::tree,
     .name = "tree",
     .stage = Stage::reward_model,
     .also = {.sft = true, .ppo = true},
     .records = "message trees",
     .required = {"prompt"},
     .optional = {},
     .item_fields = {},
     .content = RecordContent::messages,
     .telling = {},
     .what =
         "a message {\"role\", \"text\", \"replies\"}; each reply is such a message and may have a \"rank\" (OASST)"},
    {.format = RecordFormat::text,
     .name = "text",
     .stage = Stage::sft,
     .also = {},
     .records = "plain text",
     .required = {"text"},
     .optional = {},
     .item_fields = {},
     .content = RecordContent::texts,
     .telling = {},
     .what = "a text; all tokens are trained"},
    {.format = RecordFormat::prompt,
     .name = "prompt",
     .stage = Stage::ppo,
     .also = {},
     .records = "prompts",
     .required = {"prompt"},
     .optional = {},
     .item_fields = {},
     .content = RecordContent::either,
     .telling = "prompt",
     .what = "a text, or messages; all other fields go to samples and to reward functions"},
};

/// Optional fields of all records of messages: `system` is put before the messages, the others are passed to the chat
/// template.
inline constexpr FieldList kTemplateFields = {"system", "tools", "chat_template_kwargs"};

/// The entry of a format; nullptr for auto.
constexpr const RecordFormatInfo* find_format(RecordFormat format) {
  for (const RecordFormatInfo& info : kRecordFormats)
    if (info.format == format) return &info;
  return nullptr;
}

/// Whether formats that are made for stage `made` are made for `stage` too: rlhf-dpo reads what rlhf-rm reads.
constexpr bool made_for(Stage stage, Stage made) {
  return made == stage || (stage == Stage::dpo && made == Stage::reward_model);
}

/// Whether a stage reads a format.
constexpr bool reads(Stage stage, const RecordFormatInfo& info) {
  return made_for(stage, info.stage) || (stage == Stage::sft && info.also.sft) ||
         (stage == Stage::ppo && info.also.ppo);
}

/// The formats that a stage reads, in the order in which they are tried: first those that are made for it.
inline std::vector<RecordFormat> formats_of(Stage stage) {
  std::vector<RecordFormat> formats;
  for (const bool own : {true, false})
    for (const RecordFormatInfo& info : kRecordFormats)
      if (reads(stage, info) && made_for(stage, info.stage) == own) formats.push_back(info.format);
  return formats;
}

/// All fields that the records of a stage may have: those that data.fields can rename.
constexpr FieldList fields_of(Stage stage) {
  FieldList fields = {};
  for (const bool own : {true, false})
    for (const RecordFormatInfo& info : kRecordFormats) {
      if (!reads(stage, info) || made_for(stage, info.stage) != own) continue;
      for (const FieldList* list : {&info.required, &info.optional, &info.item_fields})
        fields.add(list->begin(), list->end());
    }
  fields.add(kTemplateFields.begin(), kTemplateFields.end());
  return fields;
}

/// "a, b, c".
template <typename Names>
std::string joined_names(const Names& names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

/// The error for a format of another stage: "expected one of auto, …, found preference, which is for rlhf-rm".
inline std::string wrong_format(Stage stage, RecordFormat format) {
  std::string known = "auto";
  for (const RecordFormat one : formats_of(stage)) known += ", " + std::string(find_format(one)->name);
  const RecordFormatInfo& found = *find_format(format);
  return "expected one of " + known + ", found " + std::string(found.name) + ", which is for " +
         std::string(tool_of(found.stage));
}

/// The tools whose formats are made for a stage: " (rlhf-rm, rlhf-dpo)".
constexpr void add_tools(ConstText& text, Stage stage) {
  text.add(" (");
  text.start_list();
  for (const Stage reader : kStages)
    if (made_for(reader, stage)) text.add_item(tool_of(reader));
  text.add(")");
}
/// The formats of a stage for --help: "messages, sharegpt (rlhf-sft)".
constexpr void add_formats(ConstText& text, Stage stage) {
  text.start_list();
  for (const RecordFormatInfo& info : kRecordFormats)
    if (info.stage == stage) text.add_item(info.name);
  add_tools(text, stage);
}
/// The fields of a stage for --help, but those that are listed already: "prompt, tools (rlhf-ppo)".
constexpr void add_fields(ConstText& text, Stage stage, const FieldList& listed = {}) {
  text.start_list();
  for (const std::string_view name : fields_of(stage))
    if (!listed.contains(name)) text.add_item(name);
  add_tools(text, stage);
}

}  // namespace rlhf
