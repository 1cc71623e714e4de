// Regular expressions by PCRE2, with bounded time and memory.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "rlhf/text/regex.h"

#include <cstdint>
#include <optional>
#include <stdexcept>

#include <pcre2.h>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"

#include "text/hf/characters.h"

namespace rlhf {
namespace {

constexpr std::uint32_t kMatchLimit = 20'000'000;  // 20 times what 1 MiB of text with one backtrack needs
constexpr std::uint32_t kHeapLimitKiB = 256 << 10;
constexpr std::size_t kJitStackBytes = std::size_t{32} << 20;  // address space; pages are used on demand

std::string words_of(int code) {
  PCRE2_UCHAR words[256] = {};
  pcre2_get_error_message(code, words, sizeof words);
  return reinterpret_cast<const char*>(words);
}

// The work memory of a match. A thread has one for all expressions.
struct Workspace {
  Workspace() {
    RLHF_CHECK(data && context, "out of memory for regular expressions");
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_set_heap_limit(context, kHeapLimitKiB);
    if (jit_stack) pcre2_jit_stack_assign(context, nullptr, jit_stack);
  }
  ~Workspace() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(jit_stack);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* jit_stack = pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr);
};

Workspace& workspace() {
  thread_local Workspace space;
  return space;
}

// The first match at or after byte `from`.
std::optional<TextRange> find(const pcre2_code* code, std::string_view text, std::size_t from) {
  Workspace& space = workspace();
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const int result = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, space.data, space.context);
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (result < 0)
    throw DataError("a text of " + std::to_string(text.size()) +
                    " bytes: expected the pattern to match within the limits of PCRE2, found: " + words_of(result) +
                    "; hint: use shorter texts, or a pattern that backtracks less");
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(space.data);
  return TextRange{ends[0], ends[1]};
}

}  // namespace

Regex::Regex(const std::string& pattern) {
  int error = 0;
  PCRE2_SIZE place = 0;
  const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  RLHF_CHECK(context, "out of memory for regular expressions");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  const std::uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error,
                                   &place, context.get());
  if (!code) throw std::invalid_argument(words_of(error));
  code_ = std::shared_ptr<void>(code, [](void* held) { pcre2_code_free(static_cast<pcre2_code*>(held)); });
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // if this fails, pcre2_match interprets the pattern
}

void Regex::find_all(std::string_view text, std::vector<TextRange>& found) const {
  found.clear();
  if (text.empty()) return;
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  std::size_t from = 0;
  while (from <= text.size()) {
    const auto match = find(code, text, from);
    if (!match) return;
    if (match->begin == match->end && !found.empty() && found.back().end == match->end) {
      from += from < text.size() ? hf::character_at(text, from).bytes : 1;
    } else {
      found.push_back(*match);
      from = match->end;
    }
  }
}

bool Regex::matches(std::string_view text) const {
  return !text.empty() && find(static_cast<const pcre2_code*>(code_.get()), text, 0).has_value();
}

}  // namespace rlhf
