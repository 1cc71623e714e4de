// JSON exports of Label Studio as judgments: tasks with a Pairwise tag over two texts.
#include <string>
#include <utility>

#include "records/feedback/import.h"
#include "records/judged.h"
#include "records/verdict.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

// Fields that name further users are left out, so that --pseudonyms hides all of them.
constexpr FieldList kAnnotationFields = {"result",       "completed_by",    "was_cancelled",
                                         "ground_truth", "lead_time",       "model_version",
                                         "updated_by",   "last_created_by", "created_username"};
constexpr const char* kTaskFieldsOfUsers[] = {"updated_by", "comment_authors", "created_by"};

/// What the regions of an annotation say.
struct Results {
  std::optional<Verdict> verdict;
  std::vector<std::string> tags;
  std::string note;
  Json other = Json::array();
};

void read_choices(const JsonReader& choices, Results& results) {
  choices.for_each_item([&](const JsonReader& choice) {
    const auto verdict = verdict_of_label(choice.string(), {"left", "right"});
    if (verdict && !results.verdict) {
      results.verdict = verdict;
    } else {
      results.tags.push_back(choice.string());
    }
  });
}

Results read_results(const JsonReader& list) {
  Results results;
  list.for_each_item([&](const JsonReader& result) {
    const std::string& type = result.at("type").string();
    const JsonReader value = result.at("value");
    if (type == "pairwise") {
      results.verdict = Verdict{.choice = static_cast<std::int32_t>(value.at("selected").one_of({"left", "right"}))};
    } else if (type == "choices") {
      read_choices(value.at("choices"), results);
    } else if (type == "textarea") {
      value.at("text").for_each_item(
          [&](const JsonReader& text) { results.note += (results.note.empty() ? "" : "\n") + text.string(); });
    } else {
      results.other.push_back(result.value());
    }
  });
  return results;
}

/// A user: a number, or an object with an email or id.
std::string name_of_user(const JsonReader& user) {
  if (user.is_object()) return user.has("email") ? user.at("email").string() : name_of_user(user.at("id"));
  return user.is_integer() ? user.value().dump() : user.string("the number, the email or the id of a user");
}

/// The judgment of an annotation or prediction; nullopt if it chooses nothing.
std::optional<Judgment> judgment_of(const JsonReader& annotation, std::string annotator, AnnotatorRole role) {
  Results results = read_results(annotation.at("result"));
  if (!results.verdict) return std::nullopt;
  Judgment judgment{.annotator = std::move(annotator), .role = role, .verdict = *results.verdict};
  judgment.tags = std::move(results.tags);
  judgment.note = std::move(results.note);
  judgment.extra = rest_of(annotation, kAnnotationFields);
  if (!results.other.empty()) judgment.extra["results"] = std::move(results.other);
  return judgment;
}

void add_annotation(const JsonReader& annotation, const FeedbackLine& line, JudgedRecord& record) {
  if (annotation.boolean_or("was_cancelled", false)) {
    ++line.left_out["annotations that were cancelled"];
    return;
  }
  auto judgment = judgment_of(annotation, name_of_user(annotation.at("completed_by")), line.role());
  if (!judgment) {
    ++line.left_out["annotations without a choice"];
    return;
  }
  judgment->order = {0, 1};  // left and right
  judgment->seconds = number_in(annotation.find("lead_time"), 0, 1e9);
  if (annotation.boolean_or("ground_truth", false)) {
    if (record.gold && *record.gold != judgment->verdict)
      annotation.fail("the answer of the other annotation with ground_truth", "another answer");
    record.gold = judgment->verdict;
  }
  record.judgments.push_back(*std::move(judgment));
}

void add_prediction(const JsonReader& prediction, const FeedbackLine& line, JudgedRecord& record) {
  auto judgment = judgment_of(prediction, prediction.string_or("model_version", "prediction"), AnnotatorRole::ai);
  if (!judgment) {
    ++line.left_out["predictions without a choice"];
    return;
  }
  record.judgments.push_back(*std::move(judgment));
}

}  // namespace

std::vector<JudgedRecord> import_label_studio(const FeedbackLine& line) {
  const RecordFields& fields = line.fields;
  const JsonReader data = fields.field("data");
  JudgedRecord record;
  read_prompt(data.at(line.names("prompt")), record);
  for (const char* answer : {"answer1", "answer2"}) add_response(record, data.at(line.names(answer)).string());
  record.domain = data.string_or(line.names("domain"), "");
  if (const auto id = fields.optional("id")) record.id = read_id(*id);
  fields.field("annotations").for_each_item([&](const JsonReader& item) { add_annotation(item, line, record); });
  if (const auto predictions = fields.optional("predictions"))
    predictions->for_each_item([&](const JsonReader& item) { add_prediction(item, line, record); });
  if (record.judgments.empty()) {
    ++line.left_out["records without a judgment"];
    return {};
  }
  for (const char* name : kTaskFieldsOfUsers) fields.optional(name);  // read, and so not in the rest
  record.extra = line.fields.rest();
  const std::string names[] = {line.names("prompt"), line.names("answer1"), line.names("answer2"),
                               line.names("domain")};
  Json rest = rest_of(data, {names[0], names[1], names[2], names[3]});
  if (!rest.empty()) record.extra["data"] = std::move(rest);
  return {std::move(record)};
}

}  // namespace rlhf
