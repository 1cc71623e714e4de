#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rlhf/config/choices.h"
#include "rlhf/core/types.h"

namespace rlhf {

/// Applies --over-length to texts and counts what happened.
class LongTexts {
 public:
  /// `limit` tokens fit; `why` is the reason for messages ("the model's 512 positions minus --max-new-tokens").
  LongTexts(LongPrompt choice, std::int64_t limit, std::string why, std::optional<std::int32_t> bos_id);

  /// Whether `ids` can be used. Cuts them on the left, or reports that they are left out, as chosen. A BOS at the start
  /// stays. `place` names the text in messages. Throws DataError if the choice is `error`.
  bool fit(TokenIds& ids, const std::string& place);
  /// Logs one line with the counts, if there are any; `total` is the number of texts.
  void report(std::int64_t total) const;
  std::int64_t skipped() const { return skipped_; }

 private:
  std::string fault(const TokenIds& ids, const std::string& place) const;

  LongPrompt choice_;
  std::int64_t limit_;
  std::string why_;
  std::optional<std::int32_t> bos_id_;
  std::int64_t skipped_ = 0, cut_ = 0;
};

}  // namespace rlhf
