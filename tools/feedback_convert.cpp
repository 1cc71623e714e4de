// rlhf-feedback convert: human feedback from one format to another.
#include "feedback_convert.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

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
  if (options.source.file.empty()) refuse("FILE", "a file to convert", "none");
  const FeedbackReading reading = reading_of(options.source);
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
  const FeedbackCounts read =
      for_each_feedback(path_argument("FILE", options.source.file), reading, [&](JudgedRecord record) {
        if (renamer) renamer->rename(record);
        if (!writer) return add(to_json(record));
        for (const auto& pair : writer->pairs(record)) add(pair);
      });
  if (written == 0)
    throw DataError("converting " + options.source.file + ": expected at least one record with a majority, found none");
  if (renamer) renamer->save();
  make_parent_folder(output);
  write_file_atomically(output, text);

  log_info("wrote " + number_of(written, pairs ? "pair" : "record") + " to " + output.string() + ", from " +
           number_of(read.records, "record") + " with " + number_of(read.judgments, "judgment"));
  if (info_of(reading.format).anonymous && options.source.annotator.empty())
    log_info(options.source.from + " does not say who judged: all judgments are by \"" + options.source.from +
             "\"; hint: --annotator NAME");
  log_losses("left out: ", read.left_out);
  if (writer) log_losses("not in " + options.to + ": ", writer->losses());
}

}  // namespace rlhf
