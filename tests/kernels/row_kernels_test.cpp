#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <omp.h>
#include <random>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/kernels/kernels.h"

#include "kernels_testing.h"

namespace rlhf {
namespace {

// Every kernel, in every instruction set that this machine has, against the formula in double, element by element.

using testing::from;
using testing::value_of;

template <typename T>
constexpr double tolerance() {
  return std::is_same_v<T, float> ? 2e-6 : 1e-2;
}

template <typename T>
std::vector<T> random_values(std::int64_t count, unsigned seed, float scale = 1.0F) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<T> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(from<T>(normal(engine)));
  return values;
}

template <typename T>
std::vector<double> wide(const std::vector<T>& values) {
  std::vector<double> result;
  for (const T x : values) result.push_back(value_of(x));
  return result;
}

/// ‖a − b‖ / ‖b‖.
double relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

template <typename Check>
void for_all_kernels(const Check& check) {
  for (const Kernels* const set : available_kernels()) {
    SCOPED_TRACE(set->name);
    check(*set, float());
    check(*set, BFloat16());
  }
}

constexpr std::int64_t kRows = 700;  // shared by the threads
constexpr std::int64_t kWidth = 37;  // no multiple of the lanes

TEST(RowKernels, ComparisonSeesSignScaleAndShift) {
  const auto values = wide(random_values<float>(100, 1));
  std::vector<double> scaled = values, shifted = values;
  for (double& x : scaled) x *= 1.001;
  std::rotate(shifted.begin(), shifted.begin() + 1, shifted.end());
  EXPECT_EQ(relative_difference(values, values), 0.0);
  EXPECT_GT(relative_difference(scaled, values), 5e-4);
  EXPECT_GT(relative_difference(shifted, values), 0.5);
}

TEST(RowKernels, RmsNormOfASumAndItsGradientEqualTheFormula) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    const auto x = random_values<T>(kRows * kWidth, 1), delta = random_values<T>(kRows * kWidth, 2);
    const auto weight = random_values<T>(kWidth, 3), above = random_values<T>(kRows * kWidth, 4);
    const auto above_sum = random_values<T>(kRows * kWidth, 5);
    std::vector<T> total(x.size()), y(x.size()), grad(x.size());
    std::vector<float> rstd(kRows), grad_weight(kWidth);
    constexpr float kEps = 0.3F;
    set.of<T>().rms_norm(x.data(), delta.data(), weight.data(), kEps, total.data(), y.data(), rstd.data(), kRows,
                         kWidth);
    set.of<T>().rms_norm_backward(above.data(), above_sum.data(), total.data(), weight.data(), rstd.data(), grad.data(),
                                  grad_weight.data(), kRows, kWidth);

    const auto sums = wide(total), w = wide(weight), g = wide(above), g_sum = wide(above_sum);
    std::vector<double> added, normed, dx, dw(kWidth);
    for (std::size_t i = 0; i < x.size(); ++i) added.push_back(value_of(x[i]) + value_of(delta[i]));
    for (std::int64_t row = 0; row < kRows; ++row) {
      const double* const s = sums.data() + row * kWidth;
      const double scale = 1 / std::sqrt(std::inner_product(s, s + kWidth, s, 0.0) / kWidth + kEps);
      double mean = 0;
      for (std::int64_t i = 0; i < kWidth; ++i) mean += g[row * kWidth + i] * w[i] * s[i] * scale / kWidth;
      for (std::int64_t i = 0; i < kWidth; ++i) {
        const double above_i = g[row * kWidth + i];
        normed.push_back(s[i] * scale * w[i]);
        dx.push_back(scale * (above_i * w[i] - s[i] * scale * mean) + g_sum[row * kWidth + i]);
        dw[i] += above_i * s[i] * scale;
      }
    }
    EXPECT_LT(relative_difference(sums, added), tolerance<T>());
    EXPECT_LT(relative_difference(wide(y), normed), tolerance<T>());
    EXPECT_LT(relative_difference(wide(grad), dx), tolerance<T>());
    EXPECT_LT(relative_difference({grad_weight.begin(), grad_weight.end()}, dw), tolerance<T>());
  });
}

TEST(RowKernels, RmsNormWithoutAResidualNormsItsInput) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    // mean(3², 4²) = 12.5, plus eps 12.5 = 25, root 5: (3/5, 4/5) · (10, −1) = (6, −0.8).
    const std::vector<T> x = {from<T>(3), from<T>(4)}, weight = {from<T>(10), from<T>(-1)};
    std::vector<T> y(2);
    float rstd = 0;
    set.of<T>().rms_norm(x.data(), nullptr, weight.data(), 12.5F, nullptr, y.data(), &rstd, 1, 2);
    EXPECT_NEAR(value_of(y[0]), 6.0, 0.02);
    EXPECT_NEAR(value_of(y[1]), -0.8, 0.004);
    EXPECT_NEAR(rstd, 0.2, 1e-6);
  });
}

TEST(RowKernels, RotationTurnsPairsAndItsInverseTurnsThemBack) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    constexpr std::int64_t kHeads = 3, kHeadWidth = 20, kStride = 100;  // the last two heads of a row stay as they are
    const auto before = random_values<T>(kRows * kStride, 1);
    const auto angles = random_values<float>(kRows * kHeadWidth / 2, 2, 3.0F);
    std::vector<float> cosines, sines;
    for (const float angle : angles) {
      cosines.push_back(std::cos(angle));
      sines.push_back(std::sin(angle));
    }
    std::vector<T> x = before;
    const auto turn = [&](float direction) {
      set.of<T>().rotate(x.data(), kStride, kHeads, kHeadWidth, cosines.data(), sines.data(), direction, kRows);
    };
    turn(1.0F);
    std::vector<double> expected = wide(before);
    for (std::int64_t row = 0; row < kRows; ++row) {
      for (std::int64_t head = 0; head < kHeads; ++head) {
        for (std::int64_t i = 0; i < kHeadWidth / 2; ++i) {
          double& a = expected[row * kStride + head * kHeadWidth + i];
          double& b = expected[row * kStride + head * kHeadWidth + kHeadWidth / 2 + i];
          const double angle = angles[row * kHeadWidth / 2 + i], old = a;
          a = old * std::cos(angle) - b * std::sin(angle);
          b = b * std::cos(angle) + old * std::sin(angle);
        }
      }
    }
    EXPECT_LT(relative_difference(wide(x), expected), tolerance<T>());
    turn(-1.0F);
    EXPECT_LT(relative_difference(wide(x), wide(before)), tolerance<T>());
  });
}

TEST(RowKernels, SwigluAndItsGradientEqualTheFormula) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    const auto gate_up = random_values<T>(kRows * 2 * kWidth, 1, 3.0F), above = random_values<T>(kRows * kWidth, 2);
    std::vector<T> out(above.size()), grad(gate_up.size());
    set.of<T>().swiglu(gate_up.data(), out.data(), kRows, kWidth);
    set.of<T>().swiglu_backward(gate_up.data(), above.data(), grad.data(), kRows, kWidth);
    std::vector<double> expected(out.size()), expected_grad(grad.size());
    for (std::int64_t row = 0; row < kRows; ++row) {
      for (std::int64_t i = 0; i < kWidth; ++i) {
        const std::int64_t at = row * 2 * kWidth + i;
        const double g = value_of(gate_up[at]), u = value_of(gate_up[at + kWidth]);
        const double d = value_of(above[row * kWidth + i]), s = 1 / (1 + std::exp(-g));
        expected[row * kWidth + i] = g * s * u;
        expected_grad[at] = d * u * (s + g * s * (1 - s));
        expected_grad[at + kWidth] = d * g * s;
      }
    }
    EXPECT_LT(relative_difference(wide(out), expected), tolerance<T>());
    EXPECT_LT(relative_difference(wide(grad), expected_grad), tolerance<T>());
  });
}

TEST(RowKernels, SwigluOfVeryLargeGatesIsFinite) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    const std::vector<T> gate_up = {from<T>(200), from<T>(-200), from<T>(2), from<T>(2)};
    std::vector<T> out(2);
    set.of<T>().swiglu(gate_up.data(), out.data(), 1, 2);
    EXPECT_EQ(value_of(out[0]), 400.0F);
    EXPECT_NEAR(value_of(out[1]), 0.0, 1e-30);
  });
}

constexpr std::int64_t kLogitRows = 90, kVocab = 331;

TEST(LogitKernels, LogprobsEntropyAndArgmaxEqualTheFormula) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    const auto z = random_values<T>(kLogitRows * kVocab, 1, 4.0F);
    constexpr double kTemperature = 0.7;
    std::vector<std::int64_t> targets;
    for (std::int64_t row = 0; row < kLogitRows; ++row) {
      const auto* const logits = z.data() + row * kVocab;
      const auto less = [](T a, T b) { return value_of(a) < value_of(b); };
      // Every other target is the likeliest token.
      targets.push_back(row % 2 ? std::max_element(logits, logits + kVocab, less) - logits : (row * 97) % kVocab);
    }
    std::vector<float> logprob(kLogitRows), lse(kLogitRows), entropy(kLogitRows);
    const auto correct = std::make_unique<bool[]>(kLogitRows);
    set.of<T>().logprobs(z.data(), static_cast<float>(1 / kTemperature), targets.data(), logprob.data(), lse.data(),
                         entropy.data(), correct.get(), kLogitRows, kVocab);
    for (std::int64_t row = 0; row < kLogitRows; ++row) {
      double total = 0, weighted = 0;
      for (std::int64_t v = 0; v < kVocab; ++v) total += std::exp(value_of(z[row * kVocab + v]) / kTemperature);
      for (std::int64_t v = 0; v < kVocab; ++v) {
        const double scaled = value_of(z[row * kVocab + v]) / kTemperature;
        weighted += std::exp(scaled) / total * scaled;
      }
      EXPECT_NEAR(lse[row], std::log(total), 1e-5);
      EXPECT_NEAR(logprob[row], value_of(z[row * kVocab + targets[row]]) / kTemperature - std::log(total), 2e-5);
      EXPECT_NEAR(entropy[row], std::log(total) - weighted, 2e-5);
      if (row % 2) {
        EXPECT_TRUE(correct[row]);
      }
    }
    EXPECT_FALSE(correct[0]);
  });
}

TEST(LogitKernels, GradientEqualsTheFormula) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    const auto logits = random_values<T>(kLogitRows * kVocab, 1, 4.0F);
    const auto g = random_values<float>(kLogitRows, 2), h = random_values<float>(kLogitRows, 3);
    constexpr double kTemperature = 0.7;
    const auto inverse = static_cast<float>(1 / kTemperature);
    std::vector<std::int64_t> targets;
    for (std::int64_t row = 0; row < kLogitRows; ++row) targets.push_back((row * 97) % kVocab);
    std::vector<float> logprob(kLogitRows), lse(kLogitRows), entropy(kLogitRows);
    set.of<T>().logprobs(logits.data(), inverse, targets.data(), logprob.data(), lse.data(), entropy.data(), nullptr,
                         kLogitRows, kVocab);
    for (const bool with_entropy : {false, true}) {
      std::vector<T> z = logits;
      set.of<T>().logprobs_backward(z.data(), inverse, targets.data(), lse.data(), entropy.data(), g.data(),
                                    with_entropy ? h.data() : nullptr, kLogitRows, kVocab);
      std::vector<double> expected;
      for (std::int64_t row = 0; row < kLogitRows; ++row) {
        for (std::int64_t v = 0; v < kVocab; ++v) {
          const double log_p = value_of(logits[row * kVocab + v]) / kTemperature - lse[row], p = std::exp(log_p);
          const double of_entropy = with_entropy ? h[row] * p * (log_p + entropy[row]) : 0.0;
          expected.push_back((g[row] * ((v == targets[row]) - p) - of_entropy) / kTemperature);
        }
      }
      EXPECT_LT(relative_difference(wide(z), expected), tolerance<T>()) << with_entropy;
    }
  });
}

TEST(LogitKernels, NotANumberShowsInEveryStatistic) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    for (const std::size_t where : {0U, 5U, 33U}) {  // in a whole vector, at the target, behind the last whole vector
      std::vector<T> z(35, from<T>(1));
      z[where] = from<T>(std::nanf(""));
      const std::int64_t target = 5;
      float logprob = 0, lse = 0, entropy = 0;
      set.of<T>().logprobs(z.data(), 1.0F, &target, &logprob, &lse, &entropy, nullptr, 1, 35);
      EXPECT_TRUE(std::isnan(logprob) && std::isnan(lse) && std::isnan(entropy)) << where;
    }
  });
}

TEST(LogitKernels, FarApartLogitsGiveFiniteStatistics) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    std::vector<T> z(20, from<T>(-1000));
    z[3] = from<T>(1000);
    const std::int64_t target = 3;
    float logprob = 1, lse = 0, entropy = 1;
    set.of<T>().logprobs(z.data(), 1.0F, &target, &logprob, &lse, &entropy, nullptr, 1, 20);
    EXPECT_NEAR(logprob, 0.0, 1e-6);
    EXPECT_NEAR(entropy, 0.0, 1e-6);
    EXPECT_NEAR(lse, value_of(z[3]), 1e-3);
  });
}

TEST(OptimizerKernels, SumsAddInFloat32) {
  for_all_kernels([]<typename T>(const Kernels& set, T) {
    // bfloat16 has no 257: a sum of 256 and 1 shows that nothing is rounded on the way.
    const std::vector<T> x(40000, from<T>(1.0F));
    std::vector<float> sum(x.size(), 256.0F);
    set.of<T>().add_to(sum.data(), x.data(), static_cast<std::int64_t>(x.size()));
    EXPECT_EQ(sum, std::vector<float>(x.size(), 257.0F));
  });
}

TEST(OptimizerKernels, AdamWEqualsTheFormula) {
  constexpr std::int64_t kCount = 20011;
  for (const Kernels* const set : available_kernels()) {
    SCOPED_TRACE(set->name);
    const auto gradients = random_values<float>(kCount, 2, 0.1F);
    std::vector<float> weights = random_values<float>(kCount, 1), m(kCount), v(kCount);
    std::vector<BFloat16> rounded(kCount);
    auto w = wide(weights);
    std::vector<double> m_expected(kCount), v_expected(kCount);
    for (int step = 1; step <= 3; ++step) {
      const double c1 = 1 - std::pow(0.9, step), c2 = 1 - std::pow(0.95, step);
      set->adamw(weights.data(), gradients.data(), m.data(), v.data(), rounded.data(), kCount,
                 {.lr = 1e-2F,
                  .beta1 = 0.9F,
                  .beta2 = 0.95F,
                  .eps = 1e-8F,
                  .weight_decay = 0.1F,
                  .correction1 = static_cast<float>(c1),
                  .correction2 = static_cast<float>(c2),
                  .scale = 0.5F});
      for (std::int64_t i = 0; i < kCount; ++i) {
        const double g = 0.5 * gradients[i];
        m_expected[i] = 0.9 * m_expected[i] + 0.1 * g;
        v_expected[i] = 0.95 * v_expected[i] + 0.05 * g * g;
        w[i] -= 1e-2 * (0.1 * w[i] + m_expected[i] / c1 / (std::sqrt(v_expected[i] / c2) + 1e-8));
      }
    }
    EXPECT_LT(relative_difference(wide(weights), w), 2e-6);
    EXPECT_LT(relative_difference(wide(m), m_expected), 2e-6);
    for (std::int64_t i = 0; i < kCount; ++i) ASSERT_EQ(rounded[i].bits, from<BFloat16>(weights[i]).bits);
  }
}

/// What moments in bytes say.
double decoded(std::int8_t code, float scale) { return scale * code * std::abs(code) / (127.0 * 127.0); }
double decoded_root(std::uint8_t code, float scale) { return scale * code * code / (255.0 * 255.0); }

TEST(OptimizerKernels, MomentsInBytesAreRoundedToNeighbouringCodesWithoutBias) {
  constexpr std::int64_t kCount = 3 * kMomentBlock + 100, kBlocks = 4;
  // Without decay (β = 0), the moments are the gradient and its square.
  const AdamWStep step{
      .lr = 0, .beta1 = 0, .beta2 = 0, .eps = 1e-8F, .weight_decay = 0, .correction1 = 1, .correction2 = 1, .scale = 1};
  auto gradients = random_values<float>(kCount, 2, 0.1F);
  gradients[5] = 0;
  gradients[6] = 1e-7F;
  for (const Kernels* const set : available_kernels()) {
    SCOPED_TRACE(set->name);
    constexpr int kDraws = 400;
    std::vector<double> mean(kCount), mean_root(kCount);
    std::vector<float> m_scales(kBlocks), v_scales(kBlocks);
    for (int draw = 0; draw < kDraws; ++draw) {
      std::vector<float> weights(kCount);
      std::vector<std::int8_t> m(kCount);
      std::vector<std::uint8_t> v(kCount);
      set->byte_adamw(weights.data(), gradients.data(), {m.data(), v.data(), m_scales.data(), v_scales.data()}, nullptr,
                      kCount, step, static_cast<std::uint32_t>(draw));
      for (std::int64_t i = 0; i < kCount; ++i) {
        const std::size_t block = static_cast<std::size_t>(i / kMomentBlock);
        const double x = std::abs(gradients[i]), code = 127 * std::sqrt(x / m_scales[block]);
        ASSERT_LT(std::abs(std::abs(m[i]) - code), 1.001) << i;
        ASSERT_LT(std::abs(v[i] - 255 * std::sqrt(x / v_scales[block])), 1.001) << i;
        ASSERT_GE(m[i] * gradients[i], 0) << i;
        mean[i] += std::abs(static_cast<double>(m[i])) / kDraws;
        mean_root[i] += static_cast<double>(v[i]) / kDraws;
      }
      ASSERT_EQ(v[5], 0);
      ASSERT_GE(v[6], 1);  // never 0: the step is divided by its root
    }
    for (std::int64_t i = 0; i < kCount; ++i) {
      if (i == 6) continue;
      const std::size_t block = static_cast<std::size_t>(i / kMomentBlock);
      const double x = std::abs(gradients[i]);
      // Five standard errors of the mean of 400 coins.
      EXPECT_NEAR(mean[i], 127 * std::sqrt(x / m_scales[block]), 0.125) << i;
      EXPECT_NEAR(mean_root[i], 255 * std::sqrt(x / v_scales[block]), 0.125) << i;
    }
  }
}

TEST(OptimizerKernels, AdamWWithMomentsInBytesStepsByTheFormula) {
  constexpr std::int64_t kCount = 1000;
  for (const Kernels* const set : available_kernels()) {
    SCOPED_TRACE(set->name);
    const auto gradients = random_values<float>(kCount, 2, 0.1F);
    std::vector<float> weights = random_values<float>(kCount, 1), m_scales(4, 0.02F), v_scales(4, 0.3F);
    std::vector<std::int8_t> m(kCount);
    std::vector<std::uint8_t> v(kCount);
    for (std::int64_t i = 0; i < kCount; ++i) {
      m[i] = static_cast<std::int8_t>(i % 255 - 127);
      v[i] = static_cast<std::uint8_t>(i % 256);
    }
    std::vector<double> expected = wide(weights);
    for (std::int64_t i = 0; i < kCount; ++i) {
      const double g = 0.5 * gradients[i], root = decoded_root(v[i], 0.3F);
      const double m_new = 0.9 * decoded(m[i], 0.02F) + 0.1 * g, v_new = 0.95 * root * root + 0.05 * g * g;
      expected[i] -= 1e-2 * (0.1 * expected[i] + m_new / 0.1 / (std::sqrt(v_new / 0.05) + 1e-8));
    }
    std::vector<BFloat16> rounded(kCount);
    set->byte_adamw(weights.data(), gradients.data(), {m.data(), v.data(), m_scales.data(), v_scales.data()},
                    rounded.data(), kCount,
                    {.lr = 1e-2F,
                     .beta1 = 0.9F,
                     .beta2 = 0.95F,
                     .eps = 1e-8F,
                     .weight_decay = 0.1F,
                     .correction1 = 0.1F,
                     .correction2 = 0.05F,
                     .scale = 0.5F},
                    1);
    EXPECT_LT(relative_difference(wide(weights), expected), 2e-6);
    for (std::int64_t i = 0; i < kCount; ++i) ASSERT_EQ(rounded[i].bits, from<BFloat16>(weights[i]).bits);
  }
}

TEST(OptimizerKernels, SumOfSquaresDoesNotDependOnTheThreads) {
  const auto x = random_values<float>(100003, 1);
  double expected = 0;
  for (const double value : wide(x)) expected += value * value;
  for (const Kernels* const set : available_kernels()) {
    omp_set_num_threads(1);
    const double alone = set->sum_of_squares(x.data(), static_cast<std::int64_t>(x.size()));
    omp_set_num_threads(2);
    EXPECT_EQ(set->sum_of_squares(x.data(), static_cast<std::int64_t>(x.size())), alone);
    EXPECT_NEAR(alone / expected, 1.0, 1e-6);
  }
}

TEST(Kernels, TheBestSetIsChosenAndThePlainOneIsAlwaysThere) {
  const auto available = available_kernels();
  EXPECT_EQ(&kernels(), available.front());
  EXPECT_EQ(available.back()->name, "plain");
}

}  // namespace
}  // namespace rlhf
