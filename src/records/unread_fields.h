#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf {

/// Counts a field that nothing reads. After 50 different names, all further ones are counted as "others".
void count_unread(std::map<std::string, std::int64_t>& unread, const std::string& name);

/// Whether a field of this name usually belongs into the prompt (`system`, `history`, `tools`, …).
bool is_context(std::string_view name);

/// One line that names all these fields with their counts; empty if there is none.
std::vector<std::string> unread_notes(const std::map<std::string, std::int64_t>& unread);
/// One line for each of these fields that is known to have a meaning for training.
std::vector<std::string> unread_warnings(const std::map<std::string, std::int64_t>& unread);

}  // namespace rlhf
