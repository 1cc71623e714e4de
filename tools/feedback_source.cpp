// The file that a command of rlhf-feedback reads.
#include "feedback_source.h"

#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "rlhf/config/suggest.h"
#include "rlhf/core/error.h"

#include "command_line.h"

namespace rlhf {
namespace {

std::string did_you_mean(const std::string& word, const std::vector<std::string_view>& names) {
  const auto meant = nearest(word, names);
  return meant ? "; did you mean `" + *meant + "`?" : "";
}

std::optional<AnnotatorRole> role_named(const std::string& name) {
  if (name.empty()) return std::nullopt;
  for (const AnnotatorRole role : {AnnotatorRole::crowd, AnnotatorRole::expert, AnnotatorRole::ai})
    if (name_of(role) == name) return role;
  refuse("--role", "one of crowd, expert, ai", name);
}

std::map<std::string, std::string> renamed_fields(const std::vector<std::string>& fields,
                                                  const FeedbackFormatInfo& from) {
  std::map<std::string, std::string> renamed;
  for (const std::string& field : fields) {
    const auto equals = field.find('=');
    const std::string name = field.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == field.size()) refuse("--field", "NAME=THEIRS", field);
    if (!from.fields.contains(name))
      refuse("--field", "one of " + joined_names(from.fields) + " as NAME",
             name + did_you_mean(name, {from.fields.begin(), from.fields.end()}));
    renamed[name] = field.substr(equals + 1);
  }
  return renamed;
}

}  // namespace

void refuse(const std::string& flag, const std::string& expected, const std::string& found) {
  throw ConfigError({"command line: " + flag + ": expected " + expected + ", found " + found});
}

FeedbackFormat format_named(const std::string& flag, const std::string& name, bool to_write) {
  std::vector<std::string_view> names;
  for (const FeedbackFormatInfo& info : kFeedbackFormats) {
    if (to_write && !info.written) continue;
    if (info.name == name) return info.format;
    names.push_back(info.name);
  }
  refuse(flag, "one of " + joined_names(names), name.empty() ? "nothing" : name + did_you_mean(name, names));
}

FeedbackReading reading_of(const FeedbackSource& source) {
  const FeedbackFormatInfo& from = info_of(format_named("--from", source.from, /*to_write=*/false));
  if (!source.annotator.empty() && !from.anonymous)
    refuse("--annotator", "a format that does not say who judged", "--from " + source.from);
  if (!source.role.empty() && from.format == FeedbackFormat::judgments)
    refuse("--role", "a format without roles", "--from judgments");
  return {.format = from.format,
          .fields = renamed_fields(source.fields, from),
          .annotator = source.annotator,
          .role = role_named(source.role)};
}

}  // namespace rlhf
