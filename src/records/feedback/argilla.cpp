// JSON exports of Argilla as judgments: of its Python client ({question: answers}) and of its server (a list of users).
#include <algorithm>
#include <map>
#include <utility>

#include "records/feedback/import.h"
#include "records/judged.h"
#include "records/ranking.h"
#include "records/verdict.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

/// The answers of one user, by question.
struct UserAnswers {
  std::string user = {};
  std::vector<std::pair<std::string, JsonReader>> answers = {};
  Json extra = Json::object();  ///< what else the export says of them
};

/// What the conversion of one record works on.
struct ArgillaRecord {
  const FeedbackLine& line;
  std::vector<std::string> names;  ///< of the responses, as in the file
  JudgedRecord made;

  std::string question() const { return line.names("preference"); }
};

std::string user_of(const JsonReader& response) {
  const JsonReader user = response.at("user_id");
  return user.is_integer() ? user.value().dump() : user.string();
}

/// The fields that are responses: response1, response-1 or response_1, and so on.
void read_responses(const JsonReader& fields, ArgillaRecord& record) {
  for (std::size_t i = 1; i <= kMaxRanked; ++i) {
    std::string wanted = "response";
    wanted += std::to_string(i);
    const bool renamed = record.line.names.renamed(wanted);
    fields.for_each_entry([&](const std::string& name, const JsonReader& text) {
      const bool meant = renamed ? name == record.line.names(wanted) : plain_name(name) == wanted;
      if (!meant || text.is_null() || record.names.size() >= i) return;
      record.names.push_back(name);
      add_response(record.made, text.string());
    });
    if (record.names.size() < i) break;
  }
  if (record.names.size() < 2)
    fields.at(record.line.names("response" + std::to_string(record.names.size() + 1))).string();
}

/// Ranks of the responses from a list of {"value", "rank"}.
Verdict verdict_of_ranks(const JsonReader& list, const ArgillaRecord& record) {
  std::vector<std::optional<double>> ranks(record.names.size());
  list.for_each_item([&](const JsonReader& item) {
    const auto named = verdict_of_label(item.at("value").string(), record.names);
    if (!named || named->kind != Verdict::Kind::choice) item.at("value").fail("one of " + joined_names(record.names));
    ranks[static_cast<std::size_t>(named->choice)] = item.at("rank").number();
  });
  Verdict verdict{.kind = Verdict::Kind::ranks};
  for (const auto& rank : ranks) {
    if (!rank) list.fail("a rank of each of " + joined_names(record.names));
    verdict.ranks.push_back(*rank);
  }
  return verdict;
}

Verdict verdict_of_answer(const JsonReader& answer, const ArgillaRecord& record) {
  if (answer.is_list()) return verdict_of_ranks(answer, record);
  const auto verdict = answer.is_string() ? verdict_of_label(answer.string(), record.names) : std::nullopt;
  if (!verdict) answer.fail("one of " + joined_names(record.names) + ", tie, both bad, or a ranking of them");
  return *verdict;
}

/// {question: [{"value", "user_id"}]}
void collect_by_question(const JsonReader& responses, std::vector<UserAnswers>& users) {
  std::map<std::string, std::size_t> index;
  responses.for_each_entry([&](const std::string& question, const JsonReader& answers) {
    answers.for_each_item([&](const JsonReader& answer) {
      const std::string user = user_of(answer);
      if (index.try_emplace(user, users.size()).second) users.push_back({.user = user});
      users[index.at(user)].answers.emplace_back(question, answer.at("value"));
    });
  });
}

/// [{"user_id", "status", "values": {question: {"value"}}}]
void collect_by_user(const JsonReader& responses, std::vector<UserAnswers>& users, Losses& left_out) {
  responses.for_each_item([&](const JsonReader& response) {
    if (response.string_or("status", "submitted") != "submitted") {
      ++left_out["answers that were not submitted"];
      return;
    }
    users.push_back({user_of(response), {}, rest_of(response, {"user_id", "status", "values"})});
    response.at("values").for_each_entry([&](const std::string& question, const JsonReader& answer) {
      users.back().answers.emplace_back(question, answer.at("value"));
    });
  });
}

/// The judgment of a user; the answers to other questions are kept as `answers`.
void add_user(const UserAnswers& user, ArgillaRecord& record) {
  Judgment judgment{.annotator = user.user, .role = record.line.role(), .extra = user.extra};
  bool answered = false;
  for (const auto& [question, answer] : user.answers) {
    if (question == record.question()) {
      judgment.verdict = verdict_of_answer(answer, record);
      answered = true;
    } else {
      judgment.extra["answers"][question] = answer.value();
    }
  }
  if (answered) {
    record.made.judgments.push_back(std::move(judgment));
  } else {
    ++record.line.left_out["users without an answer to the question `" + record.question() + "`"];
  }
}

/// The judgment of a model: {"value", "score", "agent"}.
void add_suggestion(const JsonReader& suggestion, ArgillaRecord& record) {
  Judgment judgment{.annotator = suggestion.string_or("agent", "suggestion"),
                    .role = AnnotatorRole::ai,
                    .verdict = verdict_of_answer(suggestion.at("value"), record),
                    .extra = rest_of(suggestion, {"question_name", "value", "agent"})};
  record.made.judgments.push_back(std::move(judgment));
}

void read_suggestions(const JsonReader& suggestions, ArgillaRecord& record) {
  const std::string other = "suggestions to other questions";
  if (suggestions.is_list()) {
    suggestions.for_each_item([&](const JsonReader& suggestion) {
      if (suggestion.at("question_name").string() == record.question()) return add_suggestion(suggestion, record);
      ++record.line.left_out[other];
    });
  } else {
    suggestions.for_each_entry([&](const std::string& question, const JsonReader& suggestion) {
      if (question == record.question()) return add_suggestion(suggestion, record);
      ++record.line.left_out[other];
    });
  }
}

/// What is not prompt, response or judgment; `domain` is a name in the metadata.
void keep_others(const JsonReader& fields, ArgillaRecord& record) {
  const auto metadata = record.line.fields.optional("metadata");
  record.made.extra = record.line.fields.rest();
  Json other = Json::object();
  fields.for_each_entry([&](const std::string& name, const JsonReader& value) {
    const bool used = name == record.line.names("prompt") || std::ranges::count(record.names, name) > 0;
    if (!used && !value.is_null()) other[name] = value.value();
  });
  if (!other.empty()) record.made.extra["fields"] = std::move(other);
  if (!metadata) return;
  const std::string domain = record.line.names("domain");
  record.made.domain = metadata->string_or(domain, "");
  Json rest = rest_of(*metadata, {domain});
  if (!rest.empty()) record.made.extra["metadata"] = std::move(rest);
}

}  // namespace

std::vector<JudgedRecord> import_argilla(const FeedbackLine& line) {
  ArgillaRecord record{.line = line};
  const JsonReader fields = line.fields.field("fields");
  read_prompt(fields.at(line.names("prompt")), record.made);
  read_responses(fields, record);
  if (const auto id = line.fields.optional("id")) record.made.id = read_id(*id);
  std::vector<UserAnswers> users;
  if (const auto responses = line.fields.optional("responses")) {
    if (responses->is_list()) {
      collect_by_user(*responses, users, line.left_out);
    } else {
      collect_by_question(*responses, users);
    }
  }
  for (const UserAnswers& user : users) add_user(user, record);
  if (const auto suggestions = line.fields.optional("suggestions")) read_suggestions(*suggestions, record);
  if (record.made.judgments.empty()) {
    ++line.left_out["records without a judgment"];
    return {};
  }
  keep_others(fields, record);
  return {std::move(record.made)};
}

}  // namespace rlhf
