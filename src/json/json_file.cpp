// JSON files of models.
#include "rlhf/json/json_file.h"

#include <cstdint>
#include <system_error>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

namespace rlhf {

nlohmann::ordered_json read_json_object(const std::filesystem::path& file, const std::string& where,
                                        std::size_t max_bytes, const JsonLimits& limits) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (error) throw ModelError("reading " + file.string() + ": " + error.message());
  // Reading a pipe could block, and reading a device might never end.
  if (!std::filesystem::is_regular_file(status))
    throw ModelError(where + ": expected a regular file, found another kind");
  const std::uintmax_t bytes = std::filesystem::file_size(file, error);
  if (!error && bytes > max_bytes)
    throw ModelError(where + ": expected at most " + std::to_string(max_bytes) + " bytes, found " +
                     std::to_string(bytes));
  return parse_json_object(read_file(file, ExitCode::model, max_bytes), where, throw_as<ModelError>, limits);
}

}  // namespace rlhf
