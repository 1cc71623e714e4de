#pragma once

#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/records/records.h"

namespace rlhf {

/// The names a file uses for our fields.
class FieldNames {
 public:
  /// Throws ConfigError if `renamed` (ours -> theirs) names a field that is not among `ours`.
  FieldNames(std::map<std::string, std::string> renamed, std::initializer_list<const char*> ours);
  const std::string& operator()(const std::string& ours) const;  ///< the file's name
  bool renamed(const std::string& ours) const { return (*this)(ours) != ours; }

 private:
  std::map<std::string, std::string> theirs_;
};

/// Throws DataError with the line that converts it if the file's name says that it is not JSONL (Parquet, CSV, …).
void refuse_other_files(const std::filesystem::path& file);

/// The format of a record, one of `wanted`, the first that fits (one with a renamed field before the others). Throws
/// DataError "where: expected …, found …" that names what the record is instead and which tool takes it.
RecordFormat recognise(const nlohmann::ordered_json& record, const FieldNames& names,
                       const std::vector<RecordFormat>& wanted, const std::string& where);

/// Whether a record of this format holds messages; a field that is missing or of another type does not.
bool holds_messages(const nlohmann::ordered_json& record, const FieldNames& names, RecordFormat format);

/// The formats of one tool, or the one that was said. Throws ConfigError if that one belongs to another tool.
std::vector<RecordFormat> choose_formats(const std::vector<RecordFormat>& of_tool, std::optional<RecordFormat> said);

}  // namespace rlhf
