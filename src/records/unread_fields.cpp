// Fields of records that nothing reads: counted, and warned of where they have a meaning.
#include "records/unread_fields.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"

namespace rlhf {
namespace {

constexpr std::size_t kMostNames = 50;

constexpr std::string_view kMedia[] = {"image", "images", "audio", "audios", "video", "videos"};
constexpr std::string_view kContext[] = {"system",    "system_prompt", "system_message",
                                         "history",   "tools",         "functions",
                                         "documents", "context",       "chat_template_kwargs"};
constexpr std::string_view kMeaning[] = {"tie",      "weight",
                                         "strength", "preference_strength",
                                         "margin",   "probability",
                                         "label",    "labels",
                                         "train",    "training",
                                         "loss",     "loss_mask",
                                         "mask",     "rank",
                                         "input",    "reasoning",
                                         "thinking", "reasoning_content",
                                         "role",     "parent_id"};

template <std::size_t N>
bool is_in(const std::string_view (&names)[N], std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

/// The name for a message: JSON without its quotes, so that it stays on one line.
std::string shown_name(const std::string& name) {
  const std::string quoted = shown_json(nlohmann::ordered_json(name));
  return quoted.starts_with('"') && quoted.ends_with('"') ? quoted.substr(1, quoted.size() - 2) : quoted;
}

std::string hint(const std::string& name) {
  if (name == "weight") return "; hint: data.train: [{path: FILE, weight: 2}] weights the records of a file";
  if (name == "tie") return "; hint: remove the ties, or write a ranking with equal ranks";
  if (name == "label") return "; hint: keep only the records that are to be learned";
  if (name == "functions") return "; hint: data.fields {tools: functions} passes them to the chat template";
  if (name == "system_prompt")
    return "; hint: data.fields {system: system_prompt} reads it in records of messages; plain texts have no place for "
           "it";
  if (is_in(kMedia, name)) return ": only text is supported";
  return is_context(name) ? "; hint: plain texts have no place for it, records of messages do" : "";
}

}  // namespace

void count_unread(std::map<std::string, std::int64_t>& unread, const std::string& name) {
  const bool fits = unread.size() < kMostNames || unread.contains(name);
  ++unread[fits ? name : "others"];
}

bool is_context(std::string_view name) { return is_in(kContext, name) || is_in(kMedia, name); }

std::vector<std::string> unread_notes(const std::map<std::string, std::int64_t>& unread) {
  if (unread.empty()) return {};
  std::string line;
  for (const auto& [name, count] : unread)
    line += (line.empty() ? "" : ", ") + shown_name(name) + " (" + std::to_string(count) + ")";
  return {"fields that were not read, with the number of records that have them: " + line};
}

std::vector<std::string> unread_warnings(const std::map<std::string, std::int64_t>& unread) {
  std::vector<std::string> lines;
  for (const auto& [name, count] : unread)
    if (is_context(name) || is_in(kMeaning, name) || name.starts_with("train: "))
      lines.push_back("the field `" + name + "` of " + std::to_string(count) + " records was not read" + hint(name));
  return lines;
}

}  // namespace rlhf
