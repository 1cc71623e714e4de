// Reads metrics.jsonl, which may have millions of values, without building a JSON tree for each line.
#include <cmath>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"

#include "report/bad_lines.h"
#include "report/run_data.h"

namespace rlhf {
namespace {

using Json = nlohmann::json;

constexpr double kMostSteps = 1e15;  // whole numbers up to here are exact

// Collects the numbers at the top level of one object, by key. `null` means a value that is not finite.
class LineReader : public Json::json_sax_t {
 public:
  std::vector<std::pair<std::string, double>> figures;

  bool null() override { return add(std::numeric_limits<double>::quiet_NaN()); }
  bool number_integer(number_integer_t value) override { return add(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool boolean(bool) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t& name) override {
    if (depth_ == 1) key_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t) override { return ++depth_ > 0; }
  bool end_object() override { return depth_-- > 0; }
  bool start_array(std::size_t) override { return ++depth_ > 1; }  // a line is an object
  bool end_array() override { return depth_-- > 0; }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  bool add(double value) {
    if (depth_ == 1) figures.emplace_back(key_, value);
    return depth_ > 0;
  }

  int depth_ = 0;
  std::string key_;
};

class Collector {
 public:
  /// Returns whether the line is an object with a step.
  bool add(const std::string& line) {
    LineReader reader;
    if (!Json::sax_parse(line, &reader) || reader.figures.empty()) return false;
    double step = std::numeric_limits<double>::quiet_NaN();
    for (const auto& [name, value] : reader.figures)
      if (name == "step") step = value;
    if (!(std::fabs(step) <= kMostSteps)) return false;  // true also for NaN
    for (const auto& [name, value] : reader.figures)
      if (name != "step") curve(name).points.emplace_back(step, value);
    return true;
  }
  std::vector<Curve> take() { return std::move(curves_); }

 private:
  Curve& curve(const std::string& name) {
    const auto [place, is_new] = places_.try_emplace(name, curves_.size());
    if (is_new) curves_.push_back({name, {}});
    return curves_[place->second];
  }

  std::vector<Curve> curves_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace

std::vector<Curve> read_metrics(const std::filesystem::path& file) {
  Collector collector;
  BadLines bad(file);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return {};
  try {
    FileLines lines(file, ExitCode::data, kMaxRunLogBytes);
    for (std::string line; lines.next(line);)
      // The last line may be incomplete: the run writes it now, or was killed.
      if (!collector.add(line) && lines.has_newline()) bad.add(lines.number());
  } catch (const Error& error) {
    log_warning(std::string("left out of the page: ") + error.what());
  }
  bad.warn();
  return collector.take();
}

}  // namespace rlhf
