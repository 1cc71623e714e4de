// Reads the first, middle and last part of a file.
#include "report/file_ends.h"

#include <fstream>
#include <sstream>
#include <system_error>

namespace rlhf {
namespace {

namespace fs = std::filesystem;

void append_lines(std::ifstream& file, std::uintmax_t offset, std::uintmax_t count, std::vector<std::string>& lines) {
  std::string bytes(count, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  std::istringstream text(bytes);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
}

}  // namespace

std::vector<std::string> sampled_lines(const fs::path& path, std::size_t part) {
  std::vector<std::string> lines;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return lines;
  if (size <= 3 * part) {
    append_lines(file, 0, size, lines);
  } else {
    for (const std::uintmax_t offset : {std::uintmax_t{0}, (size - part) / 2, size - part})
      append_lines(file, offset, part, lines);
  }
  return lines;
}

}  // namespace rlhf
