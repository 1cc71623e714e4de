// Trees of messages, as in the releases of OASST.
#include "records/tree.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "records/ranking.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

bool is_answer(const TreeMessage& node) { return node.message.at("role") == "assistant"; }

std::string tree_role(const JsonReader& role) {
  constexpr const char* kUsers[] = {"prompter", "user", "human"};
  const std::string& name = role.string();
  if (name == "assistant" || name == "system") return name;
  if (std::ranges::find(kUsers, name) == std::end(kUsers)) role.fail("one of prompter, user, human, assistant, system");
  return "user";
}

bool is_deleted(const JsonReader& node) { return node.is_object() && node.boolean_or("deleted", false); }

double order_of(const TreeMessage& node) { return node.rank.value_or(std::numeric_limits<double>::infinity()); }

/// Calls visit(node, path) for every message, where `path` are the messages from the root to it.
template <typename Visit>
void walk(const TreeMessage& node, Json& path, const Visit& visit) {
  path.push_back(node.message);
  visit(node, path);
  for (const TreeMessage& reply : node.replies) walk(reply, path, visit);
  path.erase(path.size() - 1);
}

}  // namespace

TreeMessage read_tree(const JsonReader& root) {
  root.object("a message {\"role\", \"text\", \"replies\"}");
  const char* const text = root.has("text") || !root.has("content") ? "text" : "content";
  TreeMessage node{.message = {{"role", tree_role(root.at("role"))}, {"content", root.at(text).string()}}};
  node.source = &root.value();
  if (const auto rank = root.find("rank")) node.rank = rank->number("a number (the lowest is the best)");
  if (const auto replies = root.find("replies")) {
    replies->list("a list of messages");
    replies->for_each_item([&](const JsonReader& reply) {
      if (!is_deleted(reply)) node.replies.push_back(read_tree(reply));
    });
  }
  return node;
}

Json best_path(const TreeMessage& root) {
  Json path = Json::array();
  for (const TreeMessage* node = &root; node != nullptr;) {
    path.push_back(node->message);
    const auto best = std::ranges::min_element(node->replies, {}, order_of);
    node = best == node->replies.end() ? nullptr : &*best;
  }
  while (!path.empty() && path.back().at("role") != "assistant") path.erase(path.size() - 1);
  return path;
}

std::vector<RankedReplies> ranked_replies(const TreeMessage& root) {
  std::vector<RankedReplies> found;
  Json path = Json::array();
  walk(root, path, [&](const TreeMessage& node, const Json& messages) {
    if (is_answer(node)) return;
    std::vector<const TreeMessage*> replies;
    for (const TreeMessage& reply : node.replies)
      if (is_answer(reply) && reply.rank) replies.push_back(&reply);
    if (replies.size() >= 2 && replies.size() <= kMaxRanked) found.push_back({&node, messages, std::move(replies)});
  });
  return found;
}

std::vector<Preference> rankings_of(const TreeMessage& root) {
  std::vector<Preference> records;
  for (RankedReplies& ranked : ranked_replies(root)) {
    Preference record;
    std::vector<double> ranks;
    for (const TreeMessage* reply : ranked.replies) {
      ranks.push_back(*reply->rank);
      record.answers.push_back({.turns = Json::array({reply->message})});
    }
    record.pairs = pairs_of(ranks);
    record.chat.messages = std::move(ranked.path);
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<Json> prompts_of(const TreeMessage& root) {
  std::vector<Json> prompts;
  Json path = Json::array();
  walk(root, path, [&](const TreeMessage& node, const Json& messages) {
    if (!is_answer(node)) prompts.push_back(messages);
  });
  return prompts;
}

}  // namespace rlhf
