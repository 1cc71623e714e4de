// Recognises the format of a record and explains formats that a tool cannot read.
#include "records/record_format.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"

#include "records/field_hints.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

const RecordFormatInfo& info_of(RecordFormat format) {
  const RecordFormatInfo* info = find_format(format);
  RLHF_CHECK(info != nullptr, "a record without a format");
  return *info;
}

// The required fields for messages: {"prompt", "completion"}, with the names in the file.
std::string shown(RecordFormat format) {
  std::string text;
  for (const std::string_view field : info_of(format).required)
    text += (text.empty() ? "{\"" : ", \"") + std::string(field) + "\"";
  return text + "}";
}

/// Whether a field that is null counts as a field. Tables with one column for each field of several formats write null.
enum class Nulls { absent, present };

bool has_field(const Json& record, const std::string& name, Nulls nulls = Nulls::absent) {
  const auto found = record.find(name);
  return found != record.end() && (nulls == Nulls::present || !found->is_null());
}

bool has_fields(const Json& record, const FieldNames& names, RecordFormat format, Nulls nulls = Nulls::absent) {
  const FieldList& fields = info_of(format).required;
  return std::all_of(fields.begin(), fields.end(),
                     [&](std::string_view ours) { return has_field(record, names(ours), nulls); });
}

bool has_renamed_field(const FieldNames& names, RecordFormat format) {
  const FieldList& fields = info_of(format).required;
  return std::any_of(fields.begin(), fields.end(), [&](std::string_view ours) { return names.renamed(ours); });
}

bool is_tree(const Json& record, const FieldNames& names) {
  const auto prompt = record.find(names("prompt"));
  return prompt != record.end() && prompt->is_object() && prompt->contains("replies");
}

/// Whether a record matches a format. It does not if it has the fields of a larger format or a field of another
/// meaning.
bool matches(const Json& record, const FieldNames& names, RecordFormat format, Nulls nulls = Nulls::absent) {
  using enum RecordFormat;
  if (!has_fields(record, names, format, nulls)) return false;
  if (format == text) return !has_field(record, names("prompt"));
  if (format == transcripts) return !has_field(record, names("prompt")) && !probable_prompt(record);
  if (format == tree) return is_tree(record, names);
  if (format == prompt)
    return !has_fields(record, names, demonstration) && !has_fields(record, names, preference) &&
           !has_fields(record, names, ranking) && !has_fields(record, names, judgments) && !is_tree(record, names);
  return true;
}

std::optional<RecordFormat> first_match(const Json& record, const FieldNames& names, std::vector<RecordFormat> formats,
                                        Nulls nulls = Nulls::absent) {
  std::stable_partition(formats.begin(), formats.end(),
                        [&](RecordFormat format) { return has_renamed_field(names, format); });
  const auto found = std::find_if(formats.begin(), formats.end(),
                                  [&](RecordFormat format) { return matches(record, names, format, nulls); });
  return found == formats.end() ? std::nullopt : std::optional(*found);
}

// The formats of other tools to which a record can belong. Prompts come last, because most other records have one.
std::vector<RecordFormat> formats_with_more_than_a_prompt() {
  std::vector<RecordFormat> formats;
  for (const RecordFormatInfo& info : kRecordFormats)
    if (info.format != RecordFormat::prompt) formats.push_back(info.format);
  return formats;
}

/// The formats that are made for the stage, but trees, whose field does not tell them from prompts. Only rlhf-dpo wants
/// those of Stage::dpo, for which others are made too.
std::vector<RecordFormat> main_formats(const std::vector<RecordFormat>& wanted) {
  std::vector<RecordFormat> formats;
  for (const RecordFormat format : wanted) {
    const Stage stage = info_of(format).stage;
    const bool own = stage == info_of(wanted.front()).stage || stage == Stage::dpo;
    if (own && format != RecordFormat::tree) formats.push_back(format);
  }
  return formats;
}

std::string expected(const std::vector<RecordFormat>& formats) {
  std::string text = "expected ";
  for (std::size_t i = 0; i < formats.size(); ++i)
    text += (i == 0 ? "" : i + 1 < formats.size() ? ", " : " or ") + shown(formats[i]);
  return text + ", found ";
}

// Describes a format of another tool.
std::string other_tool(RecordFormat found) {
  const RecordFormatInfo& other = info_of(found);
  return shown(found) + ", which is " + std::string(other.records) + " for " + std::string(tool_of(other.stage));
}

/// How to read a record that has no format.
std::string way_out(const Json& record) {
  const auto list = wrapped_list(record);
  const bool is_word = list && std::ranges::all_of(*list, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  if (is_word) return "; hint: if \"" + *list + "\" is the list of records: jq -c '." + *list + "[]' FILE > NEW.jsonl";
  return "; hint: rename fields with data.fields {name: name in the file} (rlhf-generate: --field)";
}

/// A list of {"input", "output"}, as in Capybara, with the command that converts it; nullopt if there is none.
std::optional<std::string> list_of_exchanges(const Json& record) {
  for (const auto& [key, value] : record.items()) {
    if (!value.is_array() || value.empty() || !value.front().is_object()) continue;
    if (!value.front().contains("input") || !value.front().contains("output")) continue;
    return "another kind of conversation (a list of {\"input\", \"output\"}); hint: jq -c '{messages: [.[" +
           shown_json(key) + "][] | {role: \"user\", content: .input}, {role: \"assistant\", content: .output}]}' FILE";
  }
  return std::nullopt;
}

// Describes a common format that is not supported.
std::optional<std::string> foreign_format(const Json& record) {
  if (auto exchanges = list_of_exchanges(record)) return exchanges;
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
  const char* command;  // the command that unpacks it, or, with `table`, the call that reads it
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

// The command line that converts it to JSONL.
std::string conversion(const OtherFile& other, const std::filesystem::path& file) {
  std::string line = other.command;
  if (other.table != nullptr)
    line = "python3 -c \"import " + line + "; " + line + "." + other.table + ".to_json('" + file.stem().string() +
           ".jsonl', orient='records', lines=True)\"";
  return line.replace(line.find("FILE"), 4, file.string());
}

}  // namespace

FieldNames::FieldNames(std::map<std::string, std::string> renamed, Stage stage) {
  const FieldList ours = fields_of(stage);
  for (const std::string_view name : ours) theirs_.emplace(name, name);
  std::vector<std::string> issues;
  for (auto& [name, theirs] : renamed) {
    if (!ours.contains(name))
      issues.push_back("data.fields." + name + ": expected one of " + joined_names(ours) + " as the name to replace");
    theirs_[name] = std::move(theirs);
  }
  if (!issues.empty()) throw ConfigError(std::move(issues));
}

std::string FieldNames::operator()(std::string_view ours) const {
  const auto found = theirs_.find(ours);
  return found == theirs_.end() ? std::string(ours) : found->second;
}

void refuse_other_files(const std::filesystem::path& file) {
  for (const OtherFile& other : kOtherFiles) {
    if (file.extension() != other.ending) continue;
    throw DataError("cannot read " + file.string() + ": expected .jsonl, .json or .txt, found " + other.name +
                    "; hint: " + conversion(other, file));
  }
}

Recognition recognise(const Json& record, const FieldNames& names, const std::vector<RecordFormat>& wanted) {
  using enum RecordFormat;
  if (wanted.size() == 1 && has_fields(record, names, wanted.front()) && wanted.front() != prompt)
    return {wanted.front(), {}};  // set by the user, so nothing else about the record matters
  if (const auto format = first_match(record, names, wanted)) return {*format, {}};
  const std::vector<RecordFormat> main = main_formats(wanted);
  if (const auto format = first_match(record, names, main, Nulls::present)) return {*format, {}};  // refused by a field
  const std::string start = expected(main);
  if (const auto fields = suggested_fields(record, names, wanted))
    return {{}, start + shown_keys(record) + "; hint: data.fields " + *fields};
  if (const auto other = first_match(record, names, formats_with_more_than_a_prompt()))
    return {{}, start + other_tool(*other)};
  if (const auto foreign = foreign_format(record)) return {{}, start + *foreign};
  if (matches(record, names, prompt)) return {{}, start + other_tool(prompt)};
  return {{}, start + shown_keys(record) + way_out(record)};
}

bool holds_messages(const Json& record, const FieldNames& names, RecordFormat format) {
  const RecordFormatInfo& info = info_of(format);
  if (info.content != RecordContent::either) return info.content == RecordContent::messages;
  const auto found = record.find(names(info.telling));
  return found != record.end() && found->is_array();
}

std::vector<RecordFormat> choose_formats(Stage stage, RecordFormat set) {
  if (set == RecordFormat::auto_) return formats_of(stage);
  if (reads(stage, info_of(set))) return {set};
  throw ConfigError({"data.format: " + wrong_format(stage, set)});
}

}  // namespace rlhf
