#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/record_formats.h"
#include "rlhf/config/stage.h"
#include "rlhf/records/records.h"

namespace rlhf {

/// The names a file uses for our fields.
class FieldNames {
 public:
  /// Throws ConfigError if `renamed` (ours -> theirs) names a field that the records of the stage do not have.
  FieldNames(std::map<std::string, std::string> renamed, Stage stage);
  std::string operator()(std::string_view ours) const;  ///< the file's name
  bool renamed(std::string_view ours) const { return (*this)(ours) != ours; }

 private:
  std::map<std::string, std::string, std::less<>> theirs_;
};

/// Throws DataError with the line that converts it if the file's name says that it is not JSONL (Parquet, CSV, …).
void refuse_other_files(const std::filesystem::path& file);

/// A format, or without one why there is none.
struct Recognition {
  std::optional<RecordFormat> format;
  std::string fault;  ///< "expected …, found …": what the record is instead and which tool reads it
};
/// The format of a record, one of `wanted`, the first that fits (one with a renamed field before the others).
Recognition recognise(const nlohmann::ordered_json& record, const FieldNames& names,
                      const std::vector<RecordFormat>& wanted);

/// Whether a record of this format holds messages; a field that is missing or of another type does not.
bool holds_messages(const nlohmann::ordered_json& record, const FieldNames& names, RecordFormat format);

/// The formats of a stage, or the one that is set. Throws ConfigError if that one belongs to another stage.
std::vector<RecordFormat> choose_formats(Stage stage, RecordFormat set);

}  // namespace rlhf
