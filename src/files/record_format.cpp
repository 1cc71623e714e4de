#include "files/record_format.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"

#include "files/strict_json.h"

namespace rlhf {
namespace {

using nlohmann::json;

struct Shape {
  const char* fields;  // as the file shows them
  const char* name;
  const char* tool;
};

Shape shape(RecordFormat format) {
  switch (format) {
    case RecordFormat::text:
      return {R"({"text"})", "plain text", "rlhf-sft"};
    case RecordFormat::demonstration:
      return {R"({"prompt", "completion"})", "demonstrations", "rlhf-sft"};
    case RecordFormat::preference:
      return {R"({"prompt", "chosen", "rejected"})", "preference pairs", "rlhf-rm"};
    case RecordFormat::prompt:
      return {R"({"prompt"})", "prompts", "rlhf-ppo"};
  }
  RLHF_CHECK(false, "no such format");
}

bool matches(const json& record, const FieldNames& names, RecordFormat format) {
  const auto has = [&](const char* ours) { return record.contains(names(ours)); };
  const bool demonstration = has("prompt") && has("completion");
  const bool preference = has("prompt") && has("chosen") && has("rejected");
  switch (format) {
    case RecordFormat::text:
      return has("text") && !has("prompt");
    case RecordFormat::demonstration:
      return demonstration;
    case RecordFormat::preference:
      return preference;
    case RecordFormat::prompt:
      return has("prompt") && !demonstration && !preference;
  }
  RLHF_CHECK(false, "no such format");
}

std::optional<RecordFormat> first_match(const json& record, const FieldNames& names,
                                        const std::vector<RecordFormat>& formats) {
  const auto found =
      std::find_if(formats.begin(), formats.end(), [&](RecordFormat format) { return matches(record, names, format); });
  return found == formats.end() ? std::nullopt : std::optional(*found);
}

std::string expected(const std::vector<RecordFormat>& wanted) {
  std::string text = "expected ";
  for (std::size_t i = 0; i < wanted.size(); ++i) text += (i > 0 ? " or " : "") + std::string(shape(wanted[i]).fields);
  return text + ", found ";
}

// A format of ours that another tool takes, and how to use such a file all the same.
std::string other_tool(RecordFormat found, const std::vector<RecordFormat>& wanted) {
  const Shape other = shape(found);
  std::string text = std::string(other.fields) + ", which is " + other.name + " for " + other.tool;
  if (wanted.front() == RecordFormat::prompt && found != RecordFormat::text)
    text += "; hint: jq -c '{prompt}' FILE keeps the prompts alone";
  if (wanted.front() == RecordFormat::text && found == RecordFormat::preference)
    text += "; hint: data.fields {completion: chosen} trains on the chosen texts";
  return text;
}

// A format of the field that is not read here.
std::optional<std::string> foreign_format(const json& record) {
  if (record.contains("messages") || record.contains("conversations"))
    return "a chat record, which is not supported; hint: for one question and one answer: "
           "jq -c '{prompt: .messages[0].content, completion: .messages[1].content}' FILE";
  if (record.contains("chosen") && record.contains("rejected"))
    return "transcripts {\"chosen\", \"rejected\"} without a prompt, which are not supported; "
           "hint: move what both begin with into \"prompt\"";
  for (const char* list : {"responses", "completions", "candidates", "ranking", "rankings", "ranks"}) {
    if (record.contains(list) && record[list].is_array())
      return "a ranking (\"" + std::string(list) +
             "\" is a list), which is not supported; "
             "hint: write every pair of it as {\"prompt\", \"chosen\", \"rejected\"}";
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

RecordFormat recognise(const json& record, const FieldNames& names, const std::vector<RecordFormat>& wanted,
                       const std::string& where) {
  using enum RecordFormat;
  if (const auto format = first_match(record, names, wanted)) return *format;
  const std::string start = where + ": " + expected(wanted);
  if (const auto other = first_match(record, names, {preference, demonstration, text}))
    throw DataError(start + other_tool(*other, wanted));
  if (const auto foreign = foreign_format(record)) throw DataError(start + *foreign);
  if (matches(record, names, prompt)) throw DataError(start + other_tool(prompt, wanted));
  throw DataError(start + describe_fields(record) + "; hint: data.fields {ours: theirs} renames fields");
}

}  // namespace rlhf
