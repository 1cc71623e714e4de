// Reads a config from a file and overrides.
#include "rlhf/config/read_config.h"

#include "rlhf/core/error.h"

#include "config/document.h"
#include "config/reader.h"

namespace rlhf {

void read_options(const Section& options, const std::filesystem::path& file, const std::vector<std::string>& overrides,
                  const std::function<std::vector<Issue>()>& rules) {
  FaultList faults;
  if (!file.empty()) Reader(options, file.string(), faults).read(load_document(file));
  for (const std::string& text : overrides) {
    try {
      Reader(options, "command line", faults).read(parse_override(text));
    } catch (const ConfigError& e) {
      faults.add_line(e.what());
    }
  }
  for (const Issue& issue : rules()) faults.add_issue(issue, file.string());
  if (!faults.lines().empty()) throw ConfigError(faults.lines());
}

}  // namespace rlhf
