// Philox4x32-10 and the distributions derived from it.
#include "rlhf/core/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "rlhf/core/check_argument.h"

namespace rlhf {
namespace {

std::uint32_t low_half(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high_half(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); }
std::uint64_t joined(std::uint32_t low, std::uint32_t high) { return (static_cast<std::uint64_t>(high) << 32) | low; }

/// Maps 53 bits k to (0, 1): k / 2^53, or 2^-54 if k is 0.
double to_open_unit(std::uint64_t bits) {
  const std::uint64_t k = bits >> 11;
  return k == 0 ? 0x1p-54 : static_cast<double>(k) * 0x1p-53;
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high) {
  // Multipliers and Weyl constants: section 4.3 of the paper and its reference code (Random123).
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  constexpr int kRounds = 10;
  std::array<std::uint32_t, 4> x = {low_half(counter_low), high_half(counter_low), low_half(counter_high),
                                    high_half(counter_high)};
  std::uint32_t key0 = low_half(key), key1 = high_half(key);
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = kMultiplier0 * x[0], product1 = kMultiplier1 * x[2];
    x = {high_half(product1) ^ x[1] ^ key0, low_half(product1), high_half(product0) ^ x[3] ^ key1, low_half(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return x;
}

double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const auto words = philox(seed, index, stream);
  return to_open_unit(joined(words[0], words[1]));
}

std::uint64_t random_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint64_t bound) {
  check_argument(bound > 0, "bound", "at least 1", bound);
  const std::uint64_t surplus = (0 - bound) % bound;  // 2^64 mod bound; draws below it are rejected
  for (std::uint64_t attempt = 0;; ++attempt) {
    const auto words = philox(seed, index, attempt == 0 ? stream : random_stream(stream, attempt));
    for (const std::uint64_t draw : {joined(words[0], words[1]), joined(words[2], words[3])}) {
      if (draw >= surplus) return draw % bound;
    }
  }
}

double random_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const auto words = philox(seed, index, stream);
  const double radius = std::sqrt(-2.0 * std::log(to_open_unit(joined(words[0], words[1]))));
  return radius * std::cos(2.0 * std::numbers::pi * to_open_unit(joined(words[2], words[3])));
}

std::vector<std::size_t> random_permutation(std::size_t n, std::uint64_t seed, std::uint64_t stream) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random_below(seed, stream, i, i)]);
  return order;
}

std::uint64_t random_stream(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  const auto words = philox(a, b, c);
  return joined(words[0], words[1]);
}

}  // namespace rlhf
