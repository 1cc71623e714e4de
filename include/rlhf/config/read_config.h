#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "rlhf/config/options.h"
#include "rlhf/config/validate.h"

namespace rlhf {

/// Reads `file` (strict JSON if its name ends in .json, otherwise YAML; none if empty) and then the overrides
/// ("ppo.kl_coef=0.1") into `options`, and checks `rules`. Throws one ConfigError with all faults, each as "file:line:
/// key: expected …, found …; hint: …". Anchors, aliases, tags, duplicate keys, files over 1 MiB and values nested
/// deeper than 32 levels are errors.
void read_options(const Section& options, const std::filesystem::path& file, const std::vector<std::string>& overrides,
                  const std::function<std::vector<Issue>()>& rules);

template <Described C>
std::vector<Issue> default_rules(const C& config) {
  if constexpr (requires { validate(config); }) return validate(config);
  return {};
}

/// The same into a new C, any struct with a `describe` list. Checks its `validate`, if there is one.
template <Described C>
C read_config(const std::filesystem::path& file, const std::vector<std::string>& overrides = {},
              const std::function<std::vector<Issue>(const C&)>& rules = default_rules<C>) {
  C config;
  read_options(bind(config), file, overrides, [&] { return rules(config); });
  return config;
}

}  // namespace rlhf
