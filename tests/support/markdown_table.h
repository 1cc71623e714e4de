#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace rlhf::testing {

/// A row of a Markdown table: its cells by the names in the table's head, without backquotes.
struct TableRow {
  std::string section;  ///< the heading above it, without "## "
  std::map<std::string, std::string> cells;
};

inline std::string bare(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '`'), text.end());
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) cells.push_back(bare(cell));
  return cells;
}

/// "a, b" as {"a", "b"}.
inline std::vector<std::string> items_of(const std::string& cell) {
  std::vector<std::string> items;
  std::istringstream stream(cell);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(bare(item));
  return items;
}

/// The rows of all tables of a page whose first column is called `first`, in their order.
inline std::vector<TableRow> table_rows(const std::filesystem::path& page, const std::string& first) {
  std::ifstream file(page);
  if (!file) throw std::runtime_error("cannot read " + page.string());
  std::vector<TableRow> rows;
  std::vector<std::string> head;
  std::string section;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) section = line.substr(3);
    if (!line.starts_with('|')) {
      head.clear();
    } else if (head.empty()) {
      head = cells_of(line);
    } else if (head.front() == first && !line.starts_with("|-")) {
      TableRow row{section, {}};
      const std::vector<std::string> cells = cells_of(line);
      for (std::size_t i = 0; i < head.size(); ++i) row.cells[head[i]] = cells.at(i);
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace rlhf::testing
