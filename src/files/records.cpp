#include "rlhf/files/records.h"

#include <cmath>
#include <optional>
#include <utility>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"
#include "rlhf/files/checksum.h"
#include "rlhf/files/jsonl.h"

#include "files/record_format.h"
#include "files/strict_json.h"

namespace rlhf {
namespace {

std::string where(const JsonLine& line) { return line.file.string() + ":" + std::to_string(line.line); }

// Holds every record to the format of the first one.
class FormatGate {
 public:
  FormatGate(const FieldNames& names, std::vector<RecordFormat> wanted) : names_(names), wanted_(std::move(wanted)) {}

  RecordFormat check(const JsonLine& line) {
    const std::string place = where(line);
    if (first_place_.empty()) {
      try {
        format_ = recognise(line.value, names_, wanted_, place);
      } catch (const DataError& error) {
        throw Error(ExitCode::data, error.what());  // the wrong file, not a bad line that max_bad_lines could forgive
      }
      first_place_ = place;
    } else if (recognise(line.value, names_, wanted_, place) != format_) {
      throw DataError(place + ": expected " + to_string(format_) + " records as at " + first_place_ + ", found " +
                      describe_fields(line.value));
    }
    return format_;
  }
  RecordFormat format() const { return format_; }

 private:
  const FieldNames& names_;
  std::vector<RecordFormat> wanted_;
  std::string first_place_;
  RecordFormat format_ = RecordFormat::text;
};

std::string joined(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) text += (text.empty() ? "" : ", ") + pattern;
  return text;
}

template <typename Record, typename Convert>
Records<Record> read_records(const std::vector<std::string>& patterns, const RecordReading& reading,
                             const FieldNames& names, const std::vector<RecordFormat>& wanted, const Convert& convert) {
  Records<Record> result;
  RecordCounts& counts = result.counts;
  counts.files = expand_globs(patterns);
  for (const auto& file : counts.files) refuse_other_files(file);
  FormatGate gate(names, wanted);
  for (const auto& file : counts.files) {
    const auto accept = [&](const JsonLine& line) { result.records.push_back(convert(line, gate.check(line))); };
    counts.bad_lines += for_each_json_line(file, reading.max_bad_lines - counts.bad_lines, accept);
    counts.file_crc32.push_back(crc32_of_file(file, ExitCode::data));
  }
  counts.records = static_cast<std::int64_t>(result.records.size());
  if (result.records.empty())
    throw DataError("cannot read " + joined(patterns) + ": expected at least one record, found none");
  counts.format = gate.format();
  return result;
}

double margin_field(const JsonLine& line, const std::string& field) {
  const auto found = line.value.find(field);
  if (found == line.value.end()) return 0.0;
  if (!found->is_number() || found->get<double>() < 0.0)
    throw DataError(where(line) + ": " + field + ": expected a number of at least 0, found " + describe_value(*found));
  return found->get<double>();
}

}  // namespace

std::string to_string(RecordFormat format) {
  switch (format) {
    case RecordFormat::text:
      return "text";
    case RecordFormat::demonstration:
      return "demonstration";
    case RecordFormat::preference:
      return "preference";
    case RecordFormat::prompt:
      return "prompt";
  }
  RLHF_CHECK(false, "no such format");
}

Records<Demonstration> read_demonstrations(const std::vector<std::string>& patterns, const RecordReading& reading) {
  const FieldNames names(reading.fields, {"text", "prompt", "completion"});
  const auto convert = [&](const JsonLine& line, RecordFormat format) {
    if (format == RecordFormat::text) return Demonstration{"", string_field(line, names("text")), true};
    return Demonstration{string_field(line, names("prompt")), string_field(line, names("completion")), false};
  };
  return read_records<Demonstration>(patterns, reading, names, {RecordFormat::text, RecordFormat::demonstration},
                                     convert);
}

Records<Preference> read_preferences(const std::vector<std::string>& patterns, const RecordReading& reading) {
  const FieldNames names(reading.fields, {"prompt", "chosen", "rejected", "margin"});
  const auto convert = [&](const JsonLine& line, RecordFormat) {
    return Preference{string_field(line, names("prompt")), string_field(line, names("chosen")),
                      string_field(line, names("rejected")), margin_field(line, names("margin"))};
  };
  return read_records<Preference>(patterns, reading, names, {RecordFormat::preference}, convert);
}

Records<Prompt> read_prompts(const std::vector<std::string>& patterns, const RecordReading& reading) {
  const FieldNames names(reading.fields, {"prompt"});
  const auto convert = [&](const JsonLine& line, RecordFormat) {
    return Prompt{string_field(line, names("prompt")), line.value.dump()};
  };
  return read_records<Prompt>(patterns, reading, names, {RecordFormat::prompt}, convert);
}

}  // namespace rlhf
