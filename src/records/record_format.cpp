#include "records/record_format.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"

#include "records/strict_json.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

struct Shape {
  std::vector<const char*> fields;  // that a record must have
  const char* name;
  const char* tool;
};

Shape shape(RecordFormat format) {
  switch (format) {
    case RecordFormat::text:
      return {{"text"}, "plain text", "rlhf-sft"};
    case RecordFormat::demonstration:
      return {{"prompt", "completion"}, "demonstrations", "rlhf-sft"};
    case RecordFormat::messages:
      return {{"messages"}, "conversations", "rlhf-sft"};
    case RecordFormat::sharegpt:
      return {{"conversations"}, "conversations", "rlhf-sft"};
    case RecordFormat::alpaca:
      return {{"instruction", "output"}, "instructions", "rlhf-sft"};
    case RecordFormat::preference:
      return {{"prompt", "chosen", "rejected"}, "preference pairs", "rlhf-rm"};
    case RecordFormat::ranking:
      return {{"prompt", "completions"}, "rankings", "rlhf-rm"};
    case RecordFormat::transcripts:
      return {{"chosen", "rejected"}, "preference pairs", "rlhf-rm"};
    case RecordFormat::prompt:
      return {{"prompt"}, "prompts", "rlhf-ppo"};
  }
  RLHF_CHECK(false, "no such format");
}

// {"prompt", "completion"}, as the file shows it.
std::string shown(RecordFormat format) {
  std::string text;
  for (const char* field : shape(format).fields) text += (text.empty() ? "{\"" : ", \"") + std::string(field) + "\"";
  return text + "}";
}

bool has_fields(const Json& record, const FieldNames& names, RecordFormat format) {
  const auto fields = shape(format).fields;
  return std::all_of(fields.begin(), fields.end(), [&](const char* ours) { return record.contains(names(ours)); });
}

bool has_renamed_field(const FieldNames& names, RecordFormat format) {
  const auto fields = shape(format).fields;
  return std::any_of(fields.begin(), fields.end(), [&](const char* ours) { return names.renamed(ours); });
}

/// A record with the fields of a larger format, or with a field that says it means something else, does not match.
bool matches(const Json& record, const FieldNames& names, RecordFormat format) {
  using enum RecordFormat;
  if (!has_fields(record, names, format)) return false;
  if (format == text || format == transcripts) return !record.contains(names("prompt"));
  if (format == prompt)
    return !has_fields(record, names, demonstration) && !has_fields(record, names, preference) &&
           !has_fields(record, names, ranking);
  return true;
}

std::optional<RecordFormat> first_match(const Json& record, const FieldNames& names,
                                        std::vector<RecordFormat> formats) {
  std::stable_partition(formats.begin(), formats.end(),
                        [&](RecordFormat format) { return has_renamed_field(names, format); });
  const auto found =
      std::find_if(formats.begin(), formats.end(), [&](RecordFormat format) { return matches(record, names, format); });
  return found == formats.end() ? std::nullopt : std::optional(*found);
}

std::string expected(const std::vector<RecordFormat>& wanted) {
  std::string text = "expected ";
  for (std::size_t i = 0; i < wanted.size(); ++i)
    text += (i == 0 ? "" : i + 1 < wanted.size() ? ", " : " or ") + shown(wanted[i]);
  return text + ", found ";
}

// A format of ours that another tool takes, and how to use such a file all the same.
std::string other_tool(RecordFormat found, const std::vector<RecordFormat>& wanted) {
  using enum RecordFormat;
  const Shape other = shape(found);
  const bool for_ppo = wanted.front() == prompt;
  std::string said = shown(found) + ", which is " + other.name + " for " + other.tool;
  if (for_ppo && (found == preference || found == ranking || found == demonstration))
    said += "; hint: jq -c '{prompt}' FILE keeps the prompts alone";
  if (for_ppo && found == messages) said += "; hint: jq -c '{prompt: .messages[:-1]}' FILE keeps all but the last turn";
  if (std::string_view(shape(wanted.front()).tool) == "rlhf-sft" && found == preference)
    said += "; hint: data.fields {completion: chosen} trains on the chosen texts";
  return said;
}

// A format of the field that is not read here.
std::optional<std::string> foreign_format(const Json& record) {
  for (const char* list : {"responses", "completions", "candidates", "ranking", "rankings", "ranks"}) {
    if (record.contains(list) && record[list].is_array())
      return "another kind of ranking (\"" + std::string(list) +
             "\" is a list); hint: write it as {\"prompt\", \"completions\": [{\"text\", \"rank\"}]} for rlhf-rm";
  }
  return std::nullopt;
}

struct OtherFile {
  const char* ending;
  const char* name;
  const char* command;  // what unpacks it; or, with `table`, the call that reads it
  const char* table = nullptr;
};

constexpr OtherFile kOtherFiles[] = {
    {".parquet", "Parquet", "pandas", "read_parquet('FILE')"},
    {".csv", "CSV", "pandas", "read_csv('FILE')"},
    {".tsv", "TSV", "pandas", "read_csv('FILE', sep='\\t')"},
    {".arrow", "Arrow", "datasets", "Dataset.from_file('FILE').to_pandas()"},
    {".zst", "a zstd file", "zstd -d FILE"},
    {".xz", "an xz file", "xz -d FILE"},
    {".bz2", "a bzip2 file", "bzip2 -d FILE"},
    {".zip", "a zip archive", "unzip FILE"},
};

// The command line that makes JSONL of it.
std::string conversion(const OtherFile& other, const std::filesystem::path& file) {
  std::string line = other.command;
  if (other.table != nullptr)
    line = "python3 -c \"import " + line + "; " + line + "." + other.table + ".to_json('" + file.stem().string() +
           ".jsonl', orient='records', lines=True)\"";
  return line.replace(line.find("FILE"), 4, file.string());
}

}  // namespace

FieldNames::FieldNames(std::map<std::string, std::string> renamed, std::initializer_list<const char*> ours) {
  std::string known;
  for (const char* name : ours) {
    theirs_[name] = name;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  std::vector<std::string> issues;
  for (auto& [name, theirs] : renamed) {
    if (!theirs_.contains(name))
      issues.push_back("data.fields." + name + ": expected one of " + known + " (ours: theirs)");
    theirs_[name] = std::move(theirs);
  }
  if (!issues.empty()) throw ConfigError(std::move(issues));
}

const std::string& FieldNames::operator()(const std::string& ours) const {
  const auto found = theirs_.find(ours);
  return found == theirs_.end() ? ours : found->second;
}

void refuse_other_files(const std::filesystem::path& file) {
  for (const OtherFile& other : kOtherFiles) {
    if (file.extension() != other.ending) continue;
    throw DataError("cannot read " + file.string() + ": expected .jsonl or .jsonl.gz, found " + other.name +
                    "; hint: " + conversion(other, file));
  }
}

RecordFormat recognise(const Json& record, const FieldNames& names, const std::vector<RecordFormat>& wanted,
                       const std::string& where) {
  using enum RecordFormat;
  if (wanted.size() == 1 && has_fields(record, names, wanted.front()) && wanted.front() != prompt)
    return wanted.front();  // said, so nothing else about the record matters
  if (const auto format = first_match(record, names, wanted)) return *format;
  const std::string start = where + ": " + expected(wanted);
  if (const auto other = first_match(
          record, names, {preference, ranking, messages, sharegpt, alpaca, demonstration, transcripts, text}))
    throw DataError(start + other_tool(*other, wanted));
  if (const auto foreign = foreign_format(record)) throw DataError(start + *foreign);
  if (matches(record, names, prompt)) throw DataError(start + other_tool(prompt, wanted));
  throw DataError(start + describe_fields(record) +
                  "; hint: data.fields {ours: theirs} (rlhf-generate: --field) renames fields");
}

bool holds_messages(const Json& record, const FieldNames& names, RecordFormat format) {
  using enum RecordFormat;
  if (format == messages || format == sharegpt) return true;
  if (format == text || format == alpaca) return false;
  const char* telling = format == preference || format == transcripts ? "chosen" : "prompt";
  const auto found = record.find(names(telling));
  return found != record.end() && found->is_array();
}

std::vector<RecordFormat> choose_formats(const std::vector<RecordFormat>& of_tool, std::optional<RecordFormat> said) {
  if (!said) return of_tool;
  if (std::find(of_tool.begin(), of_tool.end(), *said) != of_tool.end()) return {*said};
  std::string known;
  for (const RecordFormat format : of_tool) known += ", " + to_string(format);
  throw ConfigError({"data.format: expected one of auto" + known + ", found " + to_string(*said) + ", which is for " +
                     shape(*said).tool});
}

}  // namespace rlhf
