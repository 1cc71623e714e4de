// Reads pairs and rankings.
#include "records/preference.h"

#include <memory>
#include <utility>

#include "records/judged.h"
#include "records/tree.h"

namespace rlhf {

Preference pair_of(const RecordFields& fields, RecordFormat format, bool chat) {
  const bool has_prompt = format == RecordFormat::preference;
  if (!chat && !has_prompt) return fields.split_transcripts();
  if (!chat) return {fields.text("prompt"), {{fields.text("chosen")}, {fields.text("rejected")}}, fields.pair()};
  // A plain prompt next to lists of messages repeats their common beginning.
  if (!has_prompt || fields.is_text("prompt")) return fields.split_conversations(has_prompt);
  return {.answers = {{.turns = fields.answer("chosen")}, {.turns = fields.answer("rejected")}},
          .pairs = fields.pair(),
          .chat = fields.conversation(fields.question("prompt"))};
}

std::vector<Preference> preferences_of(const RecordFields& fields, RecordFormat format, bool chat,
                                       bool keep_judgments) {
  switch (format) {
    case RecordFormat::tree:
      return rankings_of(read_tree(fields.tree()));
    case RecordFormat::ranking:
      return {fields.ranking(chat)};
    case RecordFormat::unpaired:
      return {fields.unpaired(chat)};
    case RecordFormat::judgments: {
      JudgedRecord judged = read_judged(fields, chat);
      auto kept = keep_judgments ? std::make_shared<const JudgedRecord>(judged) : nullptr;
      Preference record = majority_of(std::move(judged));
      if (record.pairs.empty() && !keep_judgments) return {};
      record.judged = std::move(kept);
      return {std::move(record)};
    }
    default: {
      Preference record = pair_of(fields, format, chat);
      if (record.pairs.empty()) return {};
      return {std::move(record)};
    }
  }
}

}  // namespace rlhf
