#pragma once

#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/files/records.h"

namespace rlhf {

/// The names a file uses for our fields.
class FieldNames {
 public:
  /// Throws ConfigError if `renamed` (ours -> theirs) names a field that is not among `ours`.
  FieldNames(std::map<std::string, std::string> renamed, std::initializer_list<const char*> ours);
  const std::string& operator()(const std::string& ours) const;  ///< the file's name

 private:
  std::map<std::string, std::string> theirs_;
};

/// Throws DataError with the line that converts it if the file's name says that it is not JSONL (Parquet, CSV, …).
void refuse_other_files(const std::filesystem::path& file);

/// The format of a record, one of `wanted`. Throws DataError "where: expected …, found …" that names what the record is
/// instead and which tool takes it.
RecordFormat recognise(const nlohmann::json& record, const FieldNames& names, const std::vector<RecordFormat>& wanted,
                       const std::string& where);

}  // namespace rlhf
