#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rlhf {

/// A row of a CSV file and the line at which it begins.
struct CsvRow {
  std::int64_t line = 1;
  std::vector<std::string> cells;
};

/// Reads a CSV file (RFC 4180: commas, quotes, doubled quotes, line breaks in quotes). Throws DataError if the file
/// cannot be read or ends in quotes.
std::vector<CsvRow> read_csv(const std::filesystem::path& file);

}  // namespace rlhf
