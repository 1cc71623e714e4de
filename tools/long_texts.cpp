// --over-length.
#include "long_texts.h"

#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

namespace rlhf {

LongTexts::LongTexts(LongPrompt choice, std::int64_t limit, std::string why, std::optional<std::int32_t> bos_id)
    : choice_(choice), limit_(limit), why_(std::move(why)), bos_id_(bos_id) {}

bool LongTexts::fit(TokenIds& ids, const std::string& place) {
  const auto length = static_cast<std::int64_t>(ids.size());
  if (length <= limit_) return true;
  switch (choice_) {
    case LongPrompt::error:
      throw DataError(fault(ids, place) + "; hint: --over-length skip or truncate_left");
    case LongPrompt::skip:
      ++skipped_;
      log_warning("skipped: " + fault(ids, place));
      return false;
    case LongPrompt::truncate_left:
      break;
  }
  ++cut_;
  log_warning("cut on the left: " + fault(ids, place));
  const std::int64_t kept_at_start = limit_ > 1 && bos_id_ && ids.front() == *bos_id_ ? 1 : 0;
  ids.erase(ids.begin() + kept_at_start, ids.begin() + kept_at_start + (length - limit_));
  return true;
}

void LongTexts::report(std::int64_t total) const {
  const auto say = [&](std::int64_t count, const char* what, const char* hint) {
    if (count > 0)
      log_warning(std::to_string(count) + " of " + std::to_string(total) + " texts " + what + " (longer than " +
                  std::to_string(limit_) + " tokens)" + hint);
  };
  say(skipped_, "skipped", "; hint: --over-length truncate_left keeps their end");
  say(cut_, "cut on the left", "");
}

std::string LongTexts::fault(const TokenIds& ids, const std::string& place) const {
  return place + ": expected at most " + std::to_string(limit_) + " tokens (" + why_ + "), found " +
         std::to_string(ids.size());
}

}  // namespace rlhf
