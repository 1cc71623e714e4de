// Trees of messages with ranked replies as judgments.
#include <utility>

#include "records/feedback/import.h"
#include "records/tree.h"
#include "records/verdict.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr FieldList kNodeFields = {"message_id", "parent_id", "role",    "text",
                                   "content",    "rank",      "replies", "model_name"};

Json rest_of_node(const TreeMessage& node) {
  Json rest = Json::object();
  for (const auto& [key, value] : node.source->items())
    if (!kNodeFields.contains(key) && !value.is_null()) rest[key] = value;
  return rest;
}

std::string text_of_node(const TreeMessage& node, const char* key) {
  const auto found = node.source->find(key);
  return found != node.source->end() && found->is_string() ? found->get<std::string>() : "";
}

void count_losses(const TreeMessage& message, std::size_t ranked, Losses& left_out) {
  if (!rest_of_node(message).empty()) ++left_out["fields of messages in prompts other than role and text"];
  if (message.replies.size() > ranked)
    left_out["replies without a rank"] += static_cast<std::int64_t>(message.replies.size() - ranked);
}

JudgedResponse response_of_node(const TreeMessage& node) {
  return {.id = text_of_node(node, "message_id"),
          .answer = {.turns = Json::array({node.message})},
          .source = text_of_node(node, "model_name"),
          .extra = rest_of_node(node)};
}

}  // namespace

std::vector<JudgedRecord> import_tree(const FeedbackLine& line) {
  const TreeMessage root = read_tree(line.fields.tree());
  std::vector<JudgedRecord> records;
  for (RankedReplies& ranked : ranked_replies(root)) {
    JudgedRecord record;
    const std::string id = text_of_node(*ranked.message, "message_id");
    if (!id.empty()) record.id = id;
    record.chat.messages = std::move(ranked.path);
    count_losses(*ranked.message, ranked.replies.size(), line.left_out);
    Verdict verdict{.kind = Verdict::Kind::ranks};
    for (const TreeMessage* reply : ranked.replies) {
      record.responses.push_back(response_of_node(*reply));
      verdict.ranks.push_back(*reply->rank);
    }
    record.judgments = {{.annotator = line.reading.annotator, .role = line.role(), .verdict = std::move(verdict)}};
    record.extra = line.fields.rest();
    records.push_back(std::move(record));
  }
  if (records.empty()) ++line.left_out["trees without two ranked replies to one message"];
  return records;
}

}  // namespace rlhf
