#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <omp.h>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/kernels/kernels.h"

#include "kernels_testing.h"

namespace rlhf {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

using testing::from;

template <typename T>
double wide(T x) {
  return static_cast<double>(testing::value_of(x));
}

template <typename T>
std::vector<T> random_values(std::size_t count, std::uint32_t seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<T> values(count);
  for (T& value : values) value = from<T>(normal(generator));
  return values;
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// What one rounding to T costs, relative to the value.
template <typename T>
constexpr double kRounding = sizeof(T) == 2 ? 1.0 / 256 : 1e-6;

/// Runs `body` with one thread and with two and leaves two set.
template <typename Body>
void with_one_and_two_threads(const Body& body) {
  for (const int threads : {1, 2}) {
    omp_set_num_threads(threads);
    body();
  }
}

/// body(kernels of a set, T{}) for every instruction set and both element types.
template <typename Body>
void for_each_kernel(const Body& body) {
  for (const Kernels* const set : available_kernels()) {
    {
      SCOPED_TRACE(std::string(set->name) + ", float");
      body(set->fp32, float{});
    }
    {
      SCOPED_TRACE(std::string(set->name) + ", bfloat16");
      body(set->bf16, BFloat16{});
    }
  }
}

// ---- few_rows_linear

template <typename T>
void expect_linear(const KernelsOf<T>& kernels, std::int64_t rows, std::int64_t in, std::int64_t out) {
  SCOPED_TRACE(std::to_string(rows) + " rows, " + std::to_string(in) + " to " + std::to_string(out));
  const auto x = random_values<T>(static_cast<std::size_t>(rows * in), 1);
  const auto weight = random_values<T>(static_cast<std::size_t>(out * in), 2);
  const std::size_t guard = 32;
  std::vector<T> y(static_cast<std::size_t>(rows * out) + guard, from<T>(-77));
  kernels.few_rows_linear(x.data(), weight.data(), y.data(), rows, in, out);

  double worst = 0;  // error as a share of what it may be
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t o = 0; o < out; ++o) {
      double sum = 0, size = 0;
      for (std::int64_t i = 0; i < in; ++i) {
        const double product =
            wide(x[static_cast<std::size_t>(r * in + i)]) * wide(weight[static_cast<std::size_t>(o * in + i)]);
        sum += product;
        size += std::abs(product);
      }
      const double error = std::abs(wide(y[static_cast<std::size_t>(r * out + o)]) - sum);
      worst = std::max(worst, error / (kRounding<T> * std::abs(sum) + 1e-6 * size));
    }
  }
  EXPECT_LE(worst, 1);
  for (std::size_t i = y.size() - guard; i < y.size(); ++i) ASSERT_EQ(wide(y[i]), -77) << "written past the end";
}

TEST(FewRowsLinear, EqualsPlainLoopsForAnyShape) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const std::int64_t in : {8, 20, 64, 172}) {
      for (const std::int64_t out : {1, 7, 16, 33}) {
        for (const std::int64_t rows : {1, 2, 3, 5, 15, 16, 17, 33, 64, 65, 130}) {
          expect_linear(kernels, rows, in, out);
        }
      }
    }
    for (const std::int64_t rows : {1, 3, 17, 65}) expect_linear(kernels, rows, 512, 512);
    for (const std::int64_t rows : {1, 6, 64}) expect_linear(kernels, rows, 1408, 33);
    for (const std::int64_t rows : {9, 33, 64}) expect_linear(kernels, rows, 2100, 97);
  });
}

TEST(FewRowsLinear, OneThreadAndTwoGiveTheSameBits) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    const std::int64_t rows = 19, in = 172, out = 515;
    const auto x = random_values<T>(rows * in, 3), weight = random_values<T>(out * in, 4);
    std::vector<std::vector<T>> results;
    with_one_and_two_threads([&] {
      auto& y = results.emplace_back(rows * out);
      kernels.few_rows_linear(x.data(), weight.data(), y.data(), rows, in, out);
    });
    EXPECT_TRUE(same_bits(results[0], results[1]));
  });
}

/// The first `rows` of x one product at a time, `together` of them in each.
template <typename T>
std::vector<T> linear_by(std::int64_t together, std::int64_t rows, const KernelsOf<T>& kernels, const std::vector<T>& x,
                         const std::vector<T>& weight, std::int64_t out) {
  const auto in = static_cast<std::int64_t>(weight.size()) / out;
  std::vector<T> y(static_cast<std::size_t>(rows * out));
  for (std::int64_t r = 0; r < rows; r += together) {
    kernels.few_rows_linear(x.data() + r * in, weight.data(), y.data() + r * out, std::min(together, rows - r), in,
                            out);
  }
  return y;
}

/// Few rows may be added up in another order than many; apart from that, neighbours and their number change nothing.
TEST(FewRowsLinear, ARowsResultDoesNotDependOnTheOtherRows) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    const std::int64_t in = 1532, out = 57;
    const auto x = random_values<T>(60 * in, 5), weight = random_values<T>(out * in, 6);
    EXPECT_TRUE(same_bits(linear_by(1, 8, kernels, x, weight, out), linear_by(2, 8, kernels, x, weight, out)));
    const auto together = linear_by(60, 60, kernels, x, weight, out);
    for (const std::int64_t some : {10, 12, 20, 30}) {
      EXPECT_TRUE(same_bits(linear_by(some, 60, kernels, x, weight, out), together)) << some;
    }
  });
}

TEST(FewRowsLinear, NotANumberReachesItsRowAndNoOther) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    const std::int64_t rows = 6, in = 40, out = 5;
    auto x = random_values<T>(rows * in, 7);
    const auto weight = random_values<T>(out * in, 8);
    x[3 * in + 39] = from<T>(std::numeric_limits<float>::quiet_NaN());
    std::vector<T> y(rows * out);
    kernels.few_rows_linear(x.data(), weight.data(), y.data(), rows, in, out);
    for (std::int64_t i = 0; i < rows * out; ++i) {
      EXPECT_EQ(std::isnan(wide(y[static_cast<std::size_t>(i)])), i / out == 3) << i;
    }
  });
}

// ---- decode_attention

/// One decode step of rows of different lengths, with the cache rows in another order than the batch.
template <typename T>
struct Step {
  AttentionHeads heads;
  std::vector<std::int64_t> lengths, slots;
  std::int64_t capacity, rows;
  std::vector<T> qkv, keys, values, out;
  float scale;

  Step(AttentionHeads heads_, std::vector<std::int64_t> lengths_)
      : heads(heads_), lengths(std::move(lengths_)), rows(static_cast<std::int64_t>(lengths.size())) {
    capacity = *std::max_element(lengths.begin(), lengths.end()) + 1;
    const std::int64_t cache_rows = rows + 2;  // two belong to nobody
    slots.resize(static_cast<std::size_t>(cache_rows));
    std::iota(slots.begin(), slots.end(), 0);
    std::shuffle(slots.begin(), slots.end(), std::mt19937(9));
    slots.resize(lengths.size());
    const auto cache_size = static_cast<std::size_t>(cache_rows * heads.keys * capacity * heads.width);
    qkv = random_values<T>(static_cast<std::size_t>(rows * heads.row()), 10);
    keys = random_values<T>(cache_size, 11);
    values = random_values<T>(cache_size, 12);
    out.resize(static_cast<std::size_t>(rows * heads.queries * heads.width));
    scale = 1 / std::sqrt(static_cast<float>(heads.width));
  }

  void run(const KernelsOf<T>& kernels) {
    kernels.decode_attention(qkv.data(), heads, keys.data(), values.data(), slots.data(), lengths.data(), rows,
                             capacity, scale, out.data());
  }

  std::size_t cached(std::int64_t b, std::int64_t group, std::int64_t position) const {
    const std::int64_t slot = slots[static_cast<std::size_t>(b)];
    return static_cast<std::size_t>(((slot * heads.keys + group) * capacity + position) * heads.width);
  }
  std::size_t fused(std::int64_t b, std::int64_t head) const {
    return static_cast<std::size_t>(b * heads.row() + head * heads.width);
  }

  /// Largest difference between `out` and the formula, computed in double from the cache as it is now.
  double error() const {
    double worst = 0;
    for (std::int64_t b = 0; b < rows; ++b) {
      for (std::int64_t h = 0; h < heads.queries; ++h) worst = std::max(worst, head_error(b, h));
    }
    return worst;
  }

  double head_error(std::int64_t b, std::int64_t h) const {
    const std::int64_t group = h / (heads.queries / heads.keys), count = lengths[static_cast<std::size_t>(b)] + 1;
    const auto width = static_cast<std::size_t>(heads.width);
    std::vector<double> weights;
    for (std::int64_t p = 0; p < count; ++p) {
      double score = 0;
      for (std::size_t i = 0; i < width; ++i) score += wide(qkv[fused(b, h) + i]) * wide(keys[cached(b, group, p) + i]);
      weights.push_back(std::exp(score * static_cast<double>(scale)));
    }
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    double worst = 0;
    for (std::size_t i = 0; i < width; ++i) {
      double expected = 0;
      for (std::int64_t p = 0; p < count; ++p) {
        expected += weights[static_cast<std::size_t>(p)] / total * wide(values[cached(b, group, p) + i]);
      }
      const std::size_t at = static_cast<std::size_t>(b * heads.queries + h) * width + i;
      worst = std::max(worst, std::abs(wide(out[at]) - expected) / (1 + std::abs(expected)));
    }
    return worst;
  }
};

const std::vector<AttentionHeads>& head_shapes() {
  static const std::vector<AttentionHeads> shapes = {{8, 4, 64}, {8, 1, 64}, {4, 4, 64}, {12, 4, 64}, {8, 4, 8},
                                                     {8, 1, 20}, {4, 4, 20}, {8, 4, 20}, {7, 1, 80},  {2, 1, 144}};
  return shapes;
}

std::string text(AttentionHeads heads) {
  return std::to_string(heads.queries) + "/" + std::to_string(heads.keys) + " heads of " + std::to_string(heads.width);
}

TEST(DecodeAttention, EqualsPlainLoopsForRaggedLengths) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const AttentionHeads heads : head_shapes()) {
      SCOPED_TRACE(text(heads));
      Step<T> step(heads, {0, 1, 17, 300, 15, 31});
      step.run(kernels);
      EXPECT_LE(step.error(), sizeof(T) == 2 ? 1.0 / 256 : 2e-6);
    }
  });
}

TEST(DecodeAttention, TheCacheHoldsWhatWasAppendedAndNothingElseChanged) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const AttentionHeads heads : head_shapes()) {
      SCOPED_TRACE(text(heads));
      Step<T> step(heads, {0, 1, 17, 40});
      auto keys = step.keys, values = step.values;
      step.run(kernels);
      for (std::int64_t b = 0; b < step.rows; ++b) {
        for (std::int64_t group = 0; group < heads.keys; ++group) {
          const auto at = static_cast<std::ptrdiff_t>(step.cached(b, group, step.lengths[static_cast<std::size_t>(b)]));
          const T* const key = step.qkv.data() + step.fused(b, heads.queries + group);
          std::copy_n(key, heads.width, keys.begin() + at);
          std::copy_n(key + heads.keys * heads.width, heads.width, values.begin() + at);
        }
      }
      EXPECT_TRUE(same_bits(step.keys, keys));
      EXPECT_TRUE(same_bits(step.values, values));
    }
  });
}

TEST(DecodeAttention, LargeScoresDoNotOverflow) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    Step<T> step({2, 1, 16}, {40});
    const std::size_t chosen = step.cached(0, 0, 23);
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t head = 0; head < 2; ++head) step.qkv[head * 16 + i] = from<T>(100);
      step.keys[chosen + i] = from<T>(100);
    }
    step.run(kernels);
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(wide(step.out[i]), wide(step.values[chosen + i]));
  });
}

TEST(DecodeAttention, OneThreadAndTwoGiveTheSameBits) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    std::vector<std::vector<T>> results;
    with_one_and_two_threads([&] {
      Step<T> step({8, 4, 64}, {0, 1, 17, 300, 120});
      step.run(kernels);
      results.push_back(step.out);
    });
    EXPECT_TRUE(same_bits(results[0], results[1]));
  });
}

TEST(DecodeAttention, ARowsResultDoesNotDependOnTheOtherRows) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    Step<T> together({8, 4, 64}, {5, 17, 300});
    Step<T> alone = together;
    together.run(kernels);
    for (std::int64_t b = 0; b < alone.rows; ++b) {
      kernels.decode_attention(alone.qkv.data() + alone.fused(b, 0), alone.heads, alone.keys.data(),
                               alone.values.data(), alone.slots.data() + b, alone.lengths.data() + b, 1, alone.capacity,
                               alone.scale, alone.out.data() + b * 8 * 64);
    }
    EXPECT_TRUE(same_bits(together.out, alone.out));
  });
}

// ---- sample

struct Draw {
  std::int64_t token;
  float logprob;
};

template <typename T>
Draw draw(const KernelsOf<T>& kernels, const std::vector<T>& logits, float temperature, float uniform) {
  Draw result{-1, 0};
  kernels.sample(logits.data(), temperature, &uniform, &result.token, &result.logprob, 1,
                 static_cast<std::int64_t>(logits.size()), static_cast<std::int64_t>(logits.size()));
  return result;
}

template <typename T>
std::vector<double> probabilities(const std::vector<T>& logits, double temperature) {
  std::vector<double> terms;
  double largest = -std::numeric_limits<double>::infinity();
  for (const T z : logits) largest = std::max(largest, wide(z));
  for (const T z : logits) terms.push_back(std::exp((wide(z) - largest) / temperature));
  const double total = std::accumulate(terms.begin(), terms.end(), 0.0);
  for (double& term : terms) term /= total;
  return terms;
}

constexpr float kLargestUniform = 1 - 1.0F / (1 << 24);

TEST(SampleKernel, FrequenciesOverEvenlySpacedUniformsAreTheSoftmax) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const float temperature : {0.5F, 1.0F, 2.0F}) {
      const auto logits = random_values<T>(300, 13);  // more than one block
      const auto expected = probabilities(logits, static_cast<double>(temperature));
      const int draws = 40000;
      std::vector<int> counts(logits.size());
      std::int64_t previous = 0;
      for (int i = 0; i < draws; ++i) {
        const auto uniform = static_cast<float>((i + 0.5) / draws);
        const std::int64_t token = draw(kernels, logits, temperature, uniform).token;
        ASSERT_GE(token, previous);  // the inverse of a cumulative sum does not fall
        ++counts[static_cast<std::size_t>(token)];
        previous = token;
      }
      for (std::size_t v = 0; v < logits.size(); ++v) EXPECT_NEAR(counts[v], expected[v] * draws, 1.2) << v;
    }
  });
}

TEST(SampleKernel, TheTokenIsTheFirstWhoseCumulativeProbabilityExceedsTheUniform) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const std::size_t vocab : {1U, 7U, 255U, 256U, 257U, 512U, 32000U}) {
      const auto logits = random_values<T>(vocab, 14, 3);
      const auto p = probabilities(logits, 0.8);
      std::vector<double> cumulative(vocab);
      std::partial_sum(p.begin(), p.end(), cumulative.begin());
      for (const float uniform : {0.0F, 1e-7F, 0.1F, 0.37F, 0.5F, 0.93F, 0.9999F, kLargestUniform}) {
        const auto token = static_cast<std::size_t>(draw(kernels, logits, 0.8F, uniform).token);
        ASSERT_LT(token, vocab);
        EXPECT_GE(cumulative[token], static_cast<double>(uniform) - 1e-6);
        const double before = token == 0 ? 0 : cumulative[token - 1];
        EXPECT_LE(before, static_cast<double>(uniform) + 1e-6);
      }
    }
  });
}

TEST(SampleKernel, LogprobIsThatOfTheTokenAtTheTemperature) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const std::size_t vocab : {1U, 7U, 512U, 32000U}) {
      const auto logits = random_values<T>(vocab, 15, 4);
      for (const float temperature : {0.0F, 0.7F, 1.0F, 1.5F}) {
        const auto p = probabilities(logits, temperature == 0 ? 1.0 : static_cast<double>(temperature));
        for (const float uniform : {0.0F, 0.3F, 0.8F, kLargestUniform}) {
          const Draw result = draw(kernels, logits, temperature, uniform);
          EXPECT_NEAR(static_cast<double>(result.logprob), std::log(p[static_cast<std::size_t>(result.token)]), 1e-5);
        }
      }
    }
  });
}

TEST(SampleKernel, AtTheEdgesTheFirstAndTheLastPossibleToken) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const std::size_t vocab : {7U, 512U, 777U}) {
      auto logits = random_values<T>(vocab, 16, 0.1F);
      logits.front() = logits.back() = logits[1] = from<T>(-kInfinity);
      logits[vocab - 2] = from<T>(-300);  // its exponential is 0 in fp32
      EXPECT_EQ(draw(kernels, logits, 1, 0).token, 2);
      EXPECT_EQ(draw(kernels, logits, 1, kLargestUniform).token, static_cast<std::int64_t>(vocab) - 3);
      EXPECT_EQ(draw(kernels, logits, 1, 1).token, static_cast<std::int64_t>(vocab) - 3);
    }
  });
}

TEST(SampleKernel, ATokenOfProbabilityZeroIsNeverDrawn) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const std::size_t vocab : {7U, 512U, 3000U}) {
      auto logits = random_values<T>(vocab, 17, 0.01F);
      for (std::size_t v = 0; v < vocab; ++v) {  // whole blocks of them, too
        if (v % 3 != 1 || (v >= 256 && v < 768)) logits[v] = from<T>(-kInfinity);
      }
      const int draws = 2000;
      for (int i = 0; i <= draws; ++i) {
        const float uniform = static_cast<float>(i) / draws;
        const Draw result = draw(kernels, logits, 1, uniform);
        ASSERT_GT(wide(logits[static_cast<std::size_t>(result.token)]), -1) << vocab << ' ' << uniform;
        ASSERT_TRUE(std::isfinite(result.logprob));
      }
    }
  });
}

TEST(SampleKernel, GreedyTakesTheFirstOfTheLargest) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const std::size_t vocab : {1U, 7U, 512U, 32000U}) {
      auto logits = random_values<T>(vocab, 18);
      for (const std::size_t first : {std::size_t{0}, vocab / 3, vocab - 1}) {
        auto tied = logits;
        tied[first] = from<T>(9);
        tied[first + (vocab - 1 - first) / 2] = from<T>(9);
        tied[vocab - 1] = from<T>(9);
        EXPECT_EQ(draw(kernels, tied, 0, 0.9F).token, static_cast<std::int64_t>(first));
      }
    }
  });
}

TEST(SampleKernel, GreedyNeedsNoUniforms) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    const auto logits = random_values<T>(50, 19);
    Draw result{};
    kernels.sample(logits.data(), 0, nullptr, &result.token, &result.logprob, 1, 50, 50);
    EXPECT_EQ(result.token, draw(kernels, logits, 0, 0.5F).token);
  });
}

// The columns behind the drawable ones have the largest logits: they count in the log-probability alone.
TEST(SampleKernel, ColumnsThatAreNotDrawableAreNeverDrawn) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const std::size_t drawable : {1U, 7U, 256U, 300U}) {
      auto logits = random_values<T>(drawable + 70, 33);
      for (std::size_t i = drawable; i < logits.size(); ++i) logits[i] = from<T>(i % 2 == 0 ? 6 : 120);
      const std::vector<T> open(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(drawable));
      for (const float temperature : {0.0F, 0.7F}) {
        double total = 0;  // Σ exp((z − 120)/τ)
        const double scale = temperature == 0 ? 1 : static_cast<double>(temperature);
        for (const T z : logits) total += std::exp((wide(z) - 120) / scale);
        for (const float uniform : {0.01F, 0.5F, 0.99F}) {
          Draw result{-1, 0};
          kernels.sample(logits.data(), temperature, &uniform, &result.token, &result.logprob, 1,
                         static_cast<std::int64_t>(logits.size()), static_cast<std::int64_t>(drawable));
          EXPECT_EQ(result.token, draw(kernels, open, temperature, uniform).token);
          ASSERT_LT(result.token, static_cast<std::int64_t>(drawable));
          const double expected =
              (wide(logits[static_cast<std::size_t>(result.token)]) - 120) / scale - std::log(total);
          EXPECT_NEAR(static_cast<double>(result.logprob), expected, 2e-5 * std::abs(expected));
        }
      }
    }
  });
}

TEST(SampleKernel, LogitsWithoutADistributionGiveALogprobThatIsNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for_each_kernel([nan]<typename T>(const KernelsOf<T>& kernels, T) {
    for (const float temperature : {0.0F, 1.0F}) {
      for (const std::size_t vocab : {5U, 300U}) {
        for (const float strange : {nan, -nan, kInfinity}) {
          for (const std::size_t place : {std::size_t{0}, vocab / 2, vocab - 1}) {
            auto logits = random_values<T>(vocab, 20);
            logits[place] = from<T>(strange);
            const Draw result = draw(kernels, logits, temperature, 0.4F);
            EXPECT_TRUE(std::isnan(result.logprob)) << strange << " at " << place;
            EXPECT_TRUE(result.token >= 0 && result.token < static_cast<std::int64_t>(vocab));
          }
        }
        EXPECT_TRUE(std::isnan(draw(kernels, std::vector<T>(vocab, from<T>(-kInfinity)), temperature, 0).logprob));
      }
    }
  });
}

TEST(SampleKernel, OneThreadAndTwoGiveTheSameBits) {
  for_each_kernel([]<typename T>(const KernelsOf<T>& kernels, T) {
    const std::int64_t rows = 17, vocab = 4001;
    const auto logits = random_values<T>(rows * vocab, 21, 2);
    std::vector<float> uniforms(rows);
    for (std::size_t b = 0; b < uniforms.size(); ++b) uniforms[b] = static_cast<float>(b) / rows;
    std::vector<std::vector<std::int64_t>> tokens;
    std::vector<std::vector<float>> logprobs;
    with_one_and_two_threads([&] {
      auto& drawn = tokens.emplace_back(rows);
      auto& values = logprobs.emplace_back(rows);
      kernels.sample(logits.data(), 0.9F, uniforms.data(), drawn.data(), values.data(), rows, vocab, vocab);
    });
    EXPECT_EQ(tokens[0], tokens[1]);
    EXPECT_TRUE(same_bits(logprobs[0], logprobs[1]));
  });
}

}  // namespace
}  // namespace rlhf
