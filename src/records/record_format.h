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

/// Maps the field names of a format to the names in a file (data.fields).
class FieldNames {
 public:
  /// `renamed` maps names of the format to names in the file. Throws ConfigError if the records of the stage do not
  /// have a field of such a name.
  FieldNames(std::map<std::string, std::string> renamed, Stage stage);
  /// The same for records of other formats; names that are not in `renamed` stay as they are.
  explicit FieldNames(const std::map<std::string, std::string>& renamed) : theirs_(renamed.begin(), renamed.end()) {}
  std::string operator()(std::string_view ours) const;  ///< the name in the file
  bool renamed(std::string_view ours) const { return (*this)(ours) != ours; }

 private:
  std::map<std::string, std::string, std::less<>> theirs_;
};

/// Throws DataError, with the command that converts the file, if its extension is that of another format (Parquet, CSV,
/// …).
void refuse_other_files(const std::filesystem::path& file);

/// The format of a record, or the reason why it has none.
struct Recognition {
  std::optional<RecordFormat> format;
  std::string fault;  ///< "expected …, found …", with the format that the record has and the tool that reads it
};
/// Finds the first of the `wanted` formats that the record matches; formats with a renamed field come first.
Recognition recognise(const nlohmann::ordered_json& record, const FieldNames& names,
                      const std::vector<RecordFormat>& wanted);

/// Whether a record of this format has messages; false if the field is missing or of another type.
bool holds_messages(const nlohmann::ordered_json& record, const FieldNames& names, RecordFormat format);

/// The formats of a stage, or only the one that is set. Throws ConfigError if that one belongs to another stage.
std::vector<RecordFormat> choose_formats(Stage stage, RecordFormat set);

}  // namespace rlhf
