#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace rlhf::testing {

/// A chat template with short marks: "<u>question;\n<a>answer;\n", and "<a>" before an answer.
inline constexpr const char* kShortChat =
    "{% for m in messages %}{{ '<' + m.role[0] + '>' }}"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content + ';' }}{% endgeneration %}"
    "{% else %}{{ m.content + ';' }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<a>' }}{% endif %}";

/// Messages of (role, content).
inline nlohmann::ordered_json chat(std::initializer_list<std::pair<const char*, std::string>> turns) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const auto& [role, content] : turns)
    messages.push_back(nlohmann::ordered_json{{"role", role}, {"content", content}});
  return messages;
}

}  // namespace rlhf::testing
