// rlhf-feedback convert: human feedback from one format to another.
#include "feedback_convert.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "rlhf/config/suggest.h"
#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/records/feedback_formats.h"
#include "rlhf/records/pair_writer.h"

#include "command_line.h"
#include "output_file.h"
#include "pseudonyms.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    R"(usage: rlhf-feedback convert FILE --from FORMAT [--to FORMAT] --output FILE [flags]

Converts human feedback. What the new format cannot hold is counted, one line for each kind.
example: rlhf-feedback convert testset-v1.json --from pandalm --output judgments.jsonl

  FILE                  JSONL, or JSON with one list of records (.gz too)
  --from FORMAT         format of FILE, one of the list below
  --to FORMAT           judgments (default), trl or hh
  --output FILE         file to write (JSONL)
  --overwrite           replace the output file if it exists
  --pseudonyms KEYFILE  replace the names of people by keyed hashes (HMAC-SHA-256; models keep theirs); the key is read
                        from KEYFILE, or made and written there if there is no such file
  --field NAME=THEIRS   the field NAME of the format is called THEIRS in FILE; repeat the flag for several
  --role ROLE           role of the annotators where FILE says none: crowd (default), expert (default for llmbar) or ai
  --annotator NAME      who judged, in formats that do not say it; default: the name of the format
  --help                print this text

formats:
)";

[[noreturn]] void refuse(const std::string& flag, const std::string& expected, const std::string& found) {
  throw ConfigError({"command line: " + flag + ": expected " + expected + ", found " + found});
}

std::string did_you_mean(const std::string& word, const std::vector<std::string_view>& names) {
  const auto meant = nearest(word, names);
  return meant ? "; did you mean `" + *meant + "`?" : "";
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

FeedbackReading reading_of(const ConvertOptions& options) {
  const FeedbackFormatInfo& from = info_of(format_named("--from", options.from, /*to_write=*/false));
  if (!options.annotator.empty() && !from.anonymous)
    refuse("--annotator", "a format that does not say who judged", "--from " + options.from);
  if (!options.role.empty() && from.format == FeedbackFormat::judgments)
    refuse("--role", "a format without roles", "--from judgments");
  return {.format = from.format,
          .fields = renamed_fields(options.fields, from),
          .annotator = options.annotator,
          .role = role_named(options.role)};
}

/// Replaces the names of people.
class Renamer {
 public:
  explicit Renamer(const fs::path& key_file) : pseudonyms_(key_file) {}
  void rename(JudgedRecord& record) {
    for (Judgment& judgment : record.judgments) {
      if (judgment.role == AnnotatorRole::ai) continue;
      std::string& known = known_[judgment.annotator];
      if (known.empty()) known = pseudonyms_(judgment.annotator);
      judgment.annotator = known;
    }
  }
  void save() const { pseudonyms_.save(); }

 private:
  Pseudonyms pseudonyms_;
  std::unordered_map<std::string, std::string> known_;
};

void log_losses(const std::string& start, const Losses& losses) {
  for (const auto& [kind, count] : losses) log_info(start + kind + " (" + std::to_string(count) + ")");
}

std::string number_of(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::string convert_help() {
  std::string text = kUsage;
  for (const FeedbackFormatInfo& info : kFeedbackFormats) {
    std::string row = "  " + std::string(info.name);
    row.resize(24, ' ');
    text += row + std::string(info.what) + (info.written ? " (also --to)" : "") + "\n";
  }
  return text;
}

void convert(const ConvertOptions& options) {
  if (options.file.empty()) refuse("FILE", "a file to convert", "none");
  const FeedbackReading reading = reading_of(options);
  const FeedbackFormat to = format_named("--to", options.to, /*to_write=*/true);
  const fs::path output = path_argument("--output", options.output);
  if (output.empty()) refuse("--output", "a file to write", "nothing");
  const bool pairs = to != FeedbackFormat::judgments;
  if (pairs && !options.pseudonyms.empty()) refuse("--pseudonyms", "--to judgments beside it", "--to " + options.to);
  check_output(output, options.overwrite);

  std::optional<Renamer> renamer;
  if (!options.pseudonyms.empty()) renamer.emplace(path_argument("--pseudonyms", options.pseudonyms));
  std::optional<PairWriter> writer;
  if (pairs) writer.emplace(to);
  std::string text;
  std::int64_t written = 0;
  const auto add = [&](const nlohmann::ordered_json& line) {
    text += line.dump() + "\n";
    ++written;
  };
  const FeedbackCounts read = for_each_feedback(path_argument("FILE", options.file), reading, [&](JudgedRecord record) {
    if (renamer) renamer->rename(record);
    if (!writer) return add(to_json(record));
    for (const auto& pair : writer->pairs(record)) add(pair);
  });
  if (written == 0)
    throw DataError("converting " + options.file + ": expected at least one record with a majority, found none");
  if (renamer) renamer->save();
  make_parent_folder(output);
  write_file_atomically(output, text);

  log_info("wrote " + number_of(written, pairs ? "pair" : "record") + " to " + output.string() + ", from " +
           number_of(read.records, "record") + " with " + number_of(read.judgments, "judgment"));
  if (info_of(reading.format).anonymous && options.annotator.empty())
    log_info(options.from + " does not say who judged: all judgments are by \"" + options.from +
             "\"; hint: --annotator NAME");
  log_losses("left out: ", read.left_out);
  if (writer) log_losses("not in " + options.to + ": ", writer->losses());
}

}  // namespace rlhf
