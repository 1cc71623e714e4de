// Reads the first, middle and last part of a file.
#include "report/file_ends.h"

#include <sstream>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/read_file.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

std::string part_of(RegularFile& file, std::uintmax_t offset, std::uintmax_t count) {
  std::string bytes(count, '\0');
  file.seek(offset);
  std::size_t done = 0;
  while (const std::size_t more = file.read(bytes.data() + done, bytes.size() - done)) done += more;
  bytes.resize(done);
  return bytes;
}

/// Appends the lines of a part; without the line that begins before it (`cut`), and without one that has no end.
void append_lines(const std::string& bytes, bool cut, std::vector<std::string>& lines) {
  std::istringstream text(bytes);
  std::string line;
  if (cut) std::getline(text, line);
  while (std::getline(text, line) && !text.eof()) lines.push_back(std::move(line));
}

}  // namespace

std::vector<std::string> sampled_lines(const fs::path& path, std::size_t part) {
  std::vector<std::string> lines;
  try {
    RegularFile file(path, ExitCode::data);
    if (file.size() <= 3 * part) {
      append_lines(part_of(file, 0, file.size()), false, lines);
    } else {
      for (const std::uintmax_t offset : {std::uintmax_t{0}, (file.size() - part) / 2, file.size() - part})
        append_lines(part_of(file, offset, part), offset > 0, lines);
    }
  } catch (const Error&) {
    lines.clear();  // the page omits files that cannot be read
  }
  return lines;
}

}  // namespace rlhf
