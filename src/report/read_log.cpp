// Reads log.txt: first and last time, the announcement of the run, and warnings.
#include <ctime>
#include <iomanip>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "report/file_ends.h"
#include "report/run_data.h"

namespace rlhf {
namespace {

constexpr std::size_t kPart = 256 << 10;
constexpr std::size_t kTimeLength = 19;  // 2026-01-31 23:59:59
constexpr std::size_t kMostWarnings = 20;

std::optional<std::time_t> parse_time(const std::string& text) {
  std::tm time{};
  std::istringstream stream(text);
  stream >> std::get_time(&time, "%Y-%m-%d %H:%M:%S");
  if (stream.fail() || text.size() != kTimeLength) return std::nullopt;
  time.tm_isdst = -1;
  return std::mktime(&time);
}

struct LogLine {
  std::string time, level, message;
};

// Parses "2026-01-31 23:59:59 info: message"; nullopt for other lines.
std::optional<LogLine> parse_line(const std::string& line) {
  const std::size_t colon = line.find(": ", kTimeLength);
  if (colon == std::string::npos || !parse_time(line.substr(0, kTimeLength))) return std::nullopt;
  return LogLine{line.substr(0, kTimeLength), line.substr(kTimeLength + 1, colon - kTimeLength - 1),
                 line.substr(colon + 2)};
}

// Announcements are lines like "plan: 30 steps …". A resumed run repeats them; the last one counts.
class Plan {
 public:
  void add(const std::string& message) {
    for (const auto& [prefix, term] : kTerms) {
      if (!message.starts_with(prefix)) continue;
      if (prefix == kTerms[0].prefix) terms_.clear();
      const std::string text = message.substr(prefix.size());
      const bool is_next_line = !terms_.empty() && terms_.back().first == term;
      if (is_next_line)
        terms_.back().second += "\n" + text;
      else
        terms_.emplace_back(term, text);
    }
  }
  std::vector<std::pair<std::string, std::string>> take() { return std::move(terms_); }

 private:
  struct Term {
    std::string_view prefix, term;
  };
  static constexpr Term kTerms[] = {
      {"plan: ", "Plan"}, {"data: ", "Data"}, {"compute: ", "Compute"}, {"memory forecast: ", "Memory forecast"}};
  std::vector<std::pair<std::string, std::string>> terms_;
};

}  // namespace

RunLog read_log(const std::filesystem::path& file) {
  RunLog log;
  Plan plan;
  for (const std::string& text : sampled_lines(file, kPart)) {
    const auto line = parse_line(text);
    if (!line) continue;
    if (log.first_time.empty()) log.first_time = line->time;
    log.last_time = line->time;
    plan.add(line->message);
    const bool is_warning = line->level.starts_with("warn") || line->level.starts_with("err");
    if (is_warning && log.warnings.size() < kMostWarnings) log.warnings.push_back(line->time + "  " + line->message);
  }
  log.plan = plan.take();
  if (!log.first_time.empty()) log.seconds = std::difftime(*parse_time(log.last_time), *parse_time(log.first_time));
  return log;
}

}  // namespace rlhf
