// Checks the values of a config that a program filled.
#include "rlhf/config/check_config.h"

#include <cmath>
#include <string>

#include "config/phrases.h"
#include "config/scalars.h"

namespace rlhf {
namespace {

class RangeCheck {
 public:
  void section(const Section& section, const std::string& path) {
    for (const Option& inner : section.options)
      option(inner, path.empty() ? std::string(inner.key) : path + "." + std::string(inner.key));
  }
  std::vector<Issue> take() { return std::move(issues_); }

 private:
  void option(const Option& option, const std::string& path) {
    std::visit([&](const auto& slot) { value(slot, option, path); }, option.slot);
  }

  void value(const Section& slot, const Option&, const std::string& path) { section(slot, path); }
  void value(const Maybe& slot, const Option&, const std::string& path) {
    if (slot.present()) option(slot.fill(), path);
  }
  void value(const StructList& slot, const Option&, const std::string& path) {
    for (std::size_t i = 0; i < slot.size(); ++i) section(slot.item(i), path + "[" + std::to_string(i) + "]");
  }
  void value(const Choice& slot, const Option& option, const std::string& path) {
    if (!slot.set(slot.get())) fault(option, path, "another value");
  }
  void value(std::int64_t* slot, const Option& option, const std::string& path) {
    if (!option.range.contains(static_cast<double>(*slot))) fault(option, path, std::to_string(*slot));
  }
  void value(double* slot, const Option& option, const std::string& path) { number(*slot, option, path); }
  void value(NumberOrAuto* slot, const Option& option, const std::string& path) {
    if (slot->number) number(*slot->number, option, path);
  }
  void value(std::span<double> slot, const Option& option, const std::string& path) {
    for (const double item : slot) number(item, option, path);
  }
  template <typename Text>
  void value(Text*, const Option&, const std::string&) {}  // every text, list or map is allowed

  void number(double value, const Option& option, const std::string& path) {
    if (!std::isfinite(value) || !option.range.contains(value)) fault(option, path, format_double(value));
  }
  void fault(const Option& option, const std::string& path, const std::string& found) {
    issues_.push_back({{path}, "expected " + expectation(option) + ", found " + found});
  }

  std::vector<Issue> issues_;
};

}  // namespace

std::vector<Issue> range_faults(const Section& options) {
  RangeCheck check;
  check.section(options, "");
  return check.take();
}

}  // namespace rlhf
