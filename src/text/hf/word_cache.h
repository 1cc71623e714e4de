#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/hf/word_model.h"

namespace rlhf::hf {

/// A cache of the tokens of recent words. It has a fixed number of slots; a word replaces the one in its slot.
/// Thread-safe: a thread that finds a slot locked does not use the cache.
class WordCache {
 public:
  static constexpr std::size_t kMaxWordBytes = 64;

  bool find(std::string_view word, std::vector<WordToken>& tokens) {
    Slot& slot = slot_of(word);
    const std::unique_lock lock(slot.mutex, std::try_to_lock);
    if (!lock || slot.word != word) return false;
    tokens.insert(tokens.end(), slot.tokens.begin(), slot.tokens.end());
    return true;
  }

  void store(std::string_view word, std::span<const WordToken> tokens) {
    Slot& slot = slot_of(word);
    const std::unique_lock lock(slot.mutex, std::try_to_lock);
    if (!lock) return;
    slot.word = word;
    slot.tokens.assign(tokens.begin(), tokens.end());
  }

 private:
  static constexpr std::size_t kSlots = 1 << 15;
  struct Slot {
    std::mutex mutex;
    std::string word;  // empty if the slot is empty; words are never empty
    std::vector<WordToken> tokens;
  };

  Slot& slot_of(std::string_view word) { return slots_[std::hash<std::string_view>()(word) % kSlots]; }

  const std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSlots);
};

}  // namespace rlhf::hf
