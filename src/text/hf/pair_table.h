#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rlhf::hf {

/// A hash table from pairs of small numbers to pairs of small numbers. A look-up reads few cache lines; entries are
/// never removed.
class PairTable {
 public:
  struct Pair {
    std::uint32_t first;
    std::uint32_t second;
    bool operator==(const Pair&) const = default;
  };

  /// Sets the value of a key; a later value replaces an earlier one.
  void set(Pair key, Pair value) {
    if (2 * (size_ + 1) > entries_.size()) grow();
    Entry& entry = entries_[place_of(key)];
    if (entry.key == kNone) ++size_;
    entry = {key, value};
  }

  const Pair* find(Pair key) const {
    if (entries_.empty()) return nullptr;
    const Entry& entry = entries_[place_of(key)];
    return entry.key == kNone ? nullptr : &entry.value;
  }

 private:
  static constexpr Pair kNone{0xFFFFFFFF, 0xFFFFFFFF};
  struct Entry {
    Pair key = kNone;
    Pair value = kNone;
  };

  std::size_t place_of(Pair key) const {
    std::uint64_t hash = (std::uint64_t{key.first} << 32 | key.second) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ hash >> 29) * 0xBF58476D1CE4E5B9u;
    std::size_t place = static_cast<std::size_t>(hash ^ hash >> 32) & (entries_.size() - 1);
    while (entries_[place].key != key && entries_[place].key != kNone) place = (place + 1) & (entries_.size() - 1);
    return place;
  }

  void grow() {
    std::vector<Entry> old(entries_.empty() ? 16 : entries_.size() * 2);
    old.swap(entries_);
    for (const Entry& entry : old)
      if (entry.key != kNone) entries_[place_of(entry.key)] = entry;
  }

  std::vector<Entry> entries_;  // the size is a power of two
  std::size_t size_ = 0;
};

}  // namespace rlhf::hf
