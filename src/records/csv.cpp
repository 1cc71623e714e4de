// Reads CSV files.
#include "records/csv.h"

#include <algorithm>
#include <string_view>

#include "rlhf/core/error.h"
#include "rlhf/core/read_file.h"

namespace rlhf {
namespace {

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  std::vector<CsvRow> rows(const std::string& name) {
    std::vector<CsvRow> rows;
    while (!text_.empty()) {
      rows.push_back({line_, {}});
      bool more = true;
      while (more) {
        rows.back().cells.push_back(take_cell(name));
        more = !text_.empty() && text_.front() == ',';
        if (more) text_.remove_prefix(1);
      }
      end_line();
      if (rows.back().cells == std::vector<std::string>{""}) rows.pop_back();  // a blank line
    }
    return rows;
  }

 private:
  std::string take_cell(const std::string& name) {
    std::string cell;
    if (text_.empty() || text_.front() != '"') {
      const std::size_t end = std::min(text_.find_first_of(",\r\n"), text_.size());
      cell = text_.substr(0, end);
      text_.remove_prefix(end);
      return cell;
    }
    const std::int64_t begin = line_;
    for (text_.remove_prefix(1);; text_.remove_prefix(1)) {
      if (text_.empty()) throw DataError(name + ":" + std::to_string(begin) + ": expected a closing quote, found none");
      if (text_.starts_with("\"\"")) {
        text_.remove_prefix(1);
      } else if (text_.front() == '"') {
        break;
      }
      line_ += text_.front() == '\n';
      cell += text_.front();
    }
    text_.remove_prefix(1);
    return cell;
  }

  void end_line() {
    const std::size_t end = text_.find('\n');
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    ++line_;
  }

  std::string_view text_;
  std::int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> read_csv(const std::filesystem::path& file) {
  const std::string bytes = read_file(file, ExitCode::data);
  std::string_view text = bytes;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  return CsvReader(text).rows(file.string());
}

}  // namespace rlhf
