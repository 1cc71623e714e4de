#include <cmath>
#include <limits>
#include <omp.h>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/kernels/kernels.h"

#include "kernels_testing.h"

namespace rlhf {
namespace {

using Numbers = std::vector<double>;

struct Case {
  AttentionHeads heads;
  std::vector<AttentionSpan> spans;
  std::int64_t rows;
  double scale;
  double spread = 1;  ///< standard deviation of queries, keys and values
};

using testing::from;
using testing::value_of;

template <typename T>
std::vector<T> random_values(std::int64_t count, double spread, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, static_cast<float>(spread));
  std::vector<T> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(from<T>(normal(generator)));
  return values;
}

template <typename T>
Numbers numbers(const std::vector<T>& values) {
  Numbers result;
  for (const T& value : values) result.push_back(value_of(value));
  return result;
}

/// ‖a − b‖ / ‖b‖; not a number counts as infinitely far.
double distance(const Numbers& a, const Numbers& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

std::vector<std::int64_t> keys_of(const AttentionSpan& span, std::int64_t query) {
  std::vector<std::int64_t> keys;
  for (std::int64_t row = span.prefix_begin; row < span.prefix_end; ++row) keys.push_back(row);
  for (std::int64_t row = span.begin; row <= query; ++row) keys.push_back(row);
  return keys;
}

struct Results {
  Numbers out, lse, grad_qkv;
};

double dot(const double* a, const double* b, std::int64_t width) {
  double total = 0;
  for (std::int64_t e = 0; e < width; ++e) total += a[e] * b[e];
  return total;
}

/// One query of one head by the formulas: o = Σ p_j·v_j, p = softmax(scale·q·k_j); with g the gradient of o,
/// dv_j = p_j·g, ds_j = p_j·(g·v_j − g·o), dq = scale·Σ ds_j·k_j, dk_j = scale·ds_j·q.
void reference_query(const Case& c, const Numbers& qkv, const Numbers& grad_out, const std::vector<std::int64_t>& keys,
                     std::int64_t query, std::int64_t head, Results& results) {
  const std::int64_t width = c.heads.width, key_head = c.heads.queries + head / (c.heads.queries / c.heads.keys);
  const auto at = [&](std::int64_t row, std::int64_t index) { return row * c.heads.row() + index * width; };
  const auto key_at = [&](std::int64_t row) { return at(row, key_head); };
  const auto value_at = [&](std::int64_t row) { return at(row, key_head + c.heads.keys); };
  const double* const q = qkv.data() + at(query, head);
  const double* const g = grad_out.data() + (query * c.heads.queries + head) * width;
  double* const o = results.out.data() + (query * c.heads.queries + head) * width;

  Numbers weights;
  double top = -std::numeric_limits<double>::infinity(), total = 0;
  for (const std::int64_t key : keys) {
    weights.push_back(c.scale * dot(q, qkv.data() + key_at(key), width));
    top = std::max(top, weights.back());
  }
  for (double& weight : weights) total += weight = std::exp(weight - top);
  results.lse[static_cast<std::size_t>(head * c.rows + query)] = top + std::log(total);
  for (std::size_t j = 0; j < keys.size(); ++j) {
    weights[j] /= total;
    for (std::int64_t e = 0; e < width; ++e) o[e] += weights[j] * qkv[static_cast<std::size_t>(value_at(keys[j]) + e)];
  }
  const double mean = dot(g, o, width);
  for (std::size_t j = 0; j < keys.size(); ++j) {
    const double* const k = qkv.data() + key_at(keys[j]);
    const double grad_score = weights[j] * (dot(g, qkv.data() + value_at(keys[j]), width) - mean) * c.scale;
    for (std::int64_t e = 0; e < width; ++e) {
      results.grad_qkv[static_cast<std::size_t>(at(query, head) + e)] += grad_score * k[e];
      results.grad_qkv[static_cast<std::size_t>(key_at(keys[j]) + e)] += grad_score * q[e];
      results.grad_qkv[static_cast<std::size_t>(value_at(keys[j]) + e)] += weights[j] * g[e];
    }
  }
}

Results reference(const Case& c, const Numbers& qkv, const Numbers& grad_out) {
  Results results = {Numbers(grad_out.size()), Numbers(static_cast<std::size_t>(c.heads.queries * c.rows)),
                     Numbers(qkv.size())};
  for (const AttentionSpan& span : c.spans) {
    for (std::int64_t query = span.begin; query < span.end; ++query) {
      for (std::int64_t head = 0; head < c.heads.queries; ++head) {
        reference_query(c, qkv, grad_out, keys_of(span, query), query, head, results);
      }
    }
  }
  return results;
}

template <typename T>
struct Arrays {
  std::vector<T> out, grad_qkv;
  std::vector<float> lse;
};

/// Forward and backward. `grad_qkv` starts as not-a-number, so that what is never written shows; rows of `out` and
/// `lse` that no span covers stay 0.
template <typename T>
Arrays<T> run(const Kernels& kernels, const Case& c, const std::vector<T>& qkv, const std::vector<T>& grad_out) {
  const KernelsOf<T>& of = kernels.of<T>();
  const auto count = static_cast<std::int64_t>(c.spans.size());
  const auto scale = static_cast<float>(c.scale);
  Arrays<T> arrays = {std::vector<T>(grad_out.size(), from<T>(0)),
                      std::vector<T>(qkv.size(), from<T>(std::numeric_limits<float>::infinity())),
                      std::vector<float>(static_cast<std::size_t>(c.heads.queries * c.rows))};
  of.attention(qkv.data(), c.heads, c.spans.data(), count, scale, arrays.out.data(), arrays.lse.data(), c.rows);
  of.attention_backward(grad_out.data(), qkv.data(), arrays.out.data(), arrays.lse.data(), c.heads, c.spans.data(),
                        count, scale, arrays.grad_qkv.data(), c.rows);
  return arrays;
}

template <typename T>
std::vector<T> random_qkv(const Case& c) {
  return random_values<T>(c.rows * c.heads.row(), c.spread, 1);
}
template <typename T>
std::vector<T> random_grad(const Case& c) {
  return random_values<T>(c.rows * c.heads.queries * c.heads.width, 1, 2);
}

/// The part of every row that holds `count` heads from `first`.
Numbers heads_only(const Numbers& qkv, AttentionHeads heads, std::int64_t first, std::int64_t count) {
  Numbers part;
  for (std::size_t row = 0; row < qkv.size(); row += static_cast<std::size_t>(heads.row())) {
    const auto begin = qkv.begin() + static_cast<std::ptrdiff_t>(row) + first * heads.width;
    part.insert(part.end(), begin, begin + count * heads.width);
  }
  return part;
}

template <typename T>
void expect_near_reference(const Case& c, bool with_score_gradients = true) {
  const double tolerance = std::is_same_v<T, float> ? 1e-5 : 2e-2;
  const std::vector<T> qkv = random_qkv<T>(c), grad_out = random_grad<T>(c);
  const Results expected = reference(c, numbers(qkv), numbers(grad_out));
  const AttentionHeads heads = c.heads;
  for (const Kernels* const kernels : available_kernels()) {
    SCOPED_TRACE(std::string(kernels->name) + (std::is_same_v<T, float> ? " float" : " bfloat16"));
    const Arrays<T> actual = run<T>(*kernels, c, qkv, grad_out);
    const Numbers grad = numbers(actual.grad_qkv);
    const auto part = [&](std::int64_t first, std::int64_t count) {
      return distance(heads_only(grad, heads, first, count), heads_only(expected.grad_qkv, heads, first, count));
    };
    EXPECT_LE(distance(numbers(actual.out), expected.out), tolerance);
    EXPECT_LE(distance(numbers(actual.lse), expected.lse), tolerance);
    EXPECT_LE(part(heads.queries + heads.keys, heads.keys), tolerance) << "gradient of values";
    for (const double x : grad) ASSERT_TRUE(std::isfinite(x));
    if (!with_score_gradients) continue;
    EXPECT_LE(part(0, heads.queries), tolerance) << "gradient of queries";
    EXPECT_LE(part(heads.queries, heads.keys), tolerance) << "gradient of keys";
  }
}

void expect_both_near_reference(const Case& c) {
  expect_near_reference<float>(c);
  expect_near_reference<BFloat16>(c);
}

double usual_scale(std::int64_t width) { return 1 / std::sqrt(static_cast<double>(width)); }

/// Sequences one behind the other.
Case sequences(AttentionHeads heads, const std::vector<std::int64_t>& lengths) {
  Case c = {heads, {}, 0, usual_scale(heads.width)};
  for (const std::int64_t length : lengths) {
    c.spans.push_back({c.rows, c.rows + length, 0, 0});
    c.rows += length;
  }
  return c;
}

/// A prompt, then answers that read it, behind `before` rows that belong to nobody.
Case shared_prompt(AttentionHeads heads, std::int64_t before, std::int64_t prompt,
                   const std::vector<std::int64_t>& answers) {
  Case c = {heads, {{before, before + prompt, 0, 0}}, before + prompt, usual_scale(heads.width)};
  for (const std::int64_t length : answers) {
    c.spans.push_back({c.rows, c.rows + length, before, before + prompt});
    c.rows += length;
  }
  return c;
}

TEST(AttentionKernel, OfOneTokenReturnsItsValue) {
  const Case c = sequences({2, 1, 8}, {1});
  const std::vector<float> qkv = random_qkv<float>(c), grad_out = random_grad<float>(c);
  for (const Kernels* const kernels : available_kernels()) {
    SCOPED_TRACE(std::string(kernels->name));
    const Arrays<float> actual = run<float>(*kernels, c, qkv, grad_out);
    for (std::size_t e = 0; e < 8; ++e) {
      EXPECT_FLOAT_EQ(actual.out[e], qkv[24 + e]);  // heads: q₀ q₁ k v
      EXPECT_FLOAT_EQ(actual.out[8 + e], qkv[24 + e]);
      EXPECT_NEAR(actual.grad_qkv[e], 0, 1e-6);
      EXPECT_NEAR(actual.grad_qkv[24 + e], grad_out[e] + grad_out[8 + e], 1e-5);
    }
  }
}

TEST(AttentionKernel, EqualsTheFormulasForEveryLength) {
  for (const std::int64_t length : {1, 2, 17, 63, 64, 65, 130, 300}) {
    SCOPED_TRACE(length);
    // One token has gradients of 0 for query and key, of which only rounding would remain.
    const bool with_score_gradients = length > 1;
    expect_near_reference<float>(sequences({2, 1, 64}, {length}), with_score_gradients);
    expect_near_reference<BFloat16>(sequences({2, 1, 64}, {length}), with_score_gradients);
  }
}

TEST(AttentionKernel, EqualsTheFormulasForEveryWidth) {
  for (const std::int64_t width : {2, 8, 20, 34, 64, 80, 128}) {
    SCOPED_TRACE(width);
    expect_both_near_reference(sequences({2, 1, width}, {75, 19}));
  }
}

TEST(AttentionKernel, EqualsTheFormulasForGroupedHeads) {
  for (const std::int64_t keys : {4, 1}) {
    SCOPED_TRACE(keys);
    expect_both_near_reference(sequences({8, keys, 32}, {50, 3, 81}));
  }
  expect_both_near_reference(sequences({4, 4, 32}, {50, 3, 81}));
}

TEST(AttentionKernel, EqualsTheFormulasForManySpansInAnyOrder) {
  Case c = sequences({4, 2, 16}, {5, 1, 33, 90, 2, 1, 64, 7});
  std::swap(c.spans[0], c.spans[6]);
  std::swap(c.spans[3], c.spans[5]);
  expect_both_near_reference(c);
}

TEST(AttentionKernel, EqualsTheFormulasForAnswersThatShareAPrompt) {
  for (const std::int64_t prompt : {1, 31, 64, 101}) {
    SCOPED_TRACE(prompt);
    expect_both_near_reference(shared_prompt({4, 2, 64}, 0, prompt, {70, 41}));
    expect_both_near_reference(shared_prompt({4, 2, 20}, 5, prompt, {1, 130, 66}));
  }
}

TEST(AttentionKernel, EqualsTheFormulasForTwoPromptsAndForAPromptOfNoSpan) {
  Case c = shared_prompt({4, 2, 16}, 0, 20, {30, 25});
  const std::int64_t second = c.rows;
  c.spans.push_back({second + 15, second + 50, second, second + 15});  // rows second..second+15 have no query
  c.rows += 50;
  c.spans.push_back({c.rows, c.rows + 40, 0, 0});
  c.rows += 40;
  expect_both_near_reference(c);
}

template <typename T>
void expect_no_gradient_outside(const Case& c, const std::vector<bool>& covered) {
  for (const Kernels* const kernels : available_kernels()) {
    SCOPED_TRACE(std::string(kernels->name));
    const Arrays<T> actual = run<T>(*kernels, c, random_qkv<T>(c), random_grad<T>(c));
    const auto width = static_cast<std::size_t>(c.heads.row());
    for (std::size_t i = 0; i < actual.grad_qkv.size(); ++i) {
      if (!covered[i / width]) {
        ASSERT_EQ(value_of(actual.grad_qkv[i]), 0) << "row " << i / width;
      }
    }
  }
}

TEST(AttentionKernel, GivesRowsThatNoSpanCoversNoGradient) {
  const Case c = {{4, 2, 20}, {{3, 10, 0, 0}, {12, 12, 0, 0}, {15, 40, 3, 10}}, 45, 0.2};
  std::vector<bool> covered(45);
  for (std::size_t row = 0; row < covered.size(); ++row)
    covered[row] = (row >= 3 && row < 10) || (row >= 15 && row < 40);
  expect_no_gradient_outside<float>(c, covered);
  expect_no_gradient_outside<BFloat16>(c, covered);
  expect_both_near_reference(c);
  Case none = c;
  none.spans.clear();
  expect_no_gradient_outside<float>(none, std::vector<bool>(45));
}

TEST(AttentionKernel, DoesNotOverflowWhereTheSoftmaxSaturates) {
  Case c = sequences({2, 1, 64}, {70, 33});
  c.spread = 8;  // scores of some hundreds: weights of 0 and 1, of whose gradients only rounding remains
  expect_near_reference<float>(c, false);
  expect_near_reference<BFloat16>(c, false);
}

template <typename T>
void expect_same_bits_for_any_number_of_threads(const Case& c) {
  const std::vector<T> qkv = random_qkv<T>(c), grad_out = random_grad<T>(c);
  const auto bytes = [](const auto& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof values[0]);
  };
  const int threads = omp_get_max_threads();
  for (const Kernels* const kernels : available_kernels()) {
    SCOPED_TRACE(std::string(kernels->name));
    omp_set_num_threads(1);
    const Arrays<T> one = run<T>(*kernels, c, qkv, grad_out);
    omp_set_num_threads(2);
    const Arrays<T> two = run<T>(*kernels, c, qkv, grad_out);
    omp_set_num_threads(threads);
    EXPECT_TRUE(bytes(one.out) == bytes(two.out));
    EXPECT_TRUE(bytes(one.lse) == bytes(two.lse));
    EXPECT_TRUE(bytes(one.grad_qkv) == bytes(two.grad_qkv));
  }
}

TEST(AttentionKernel, GivesTheSameBitsForAnyNumberOfThreads) {
  const Case c = shared_prompt({8, 4, 64}, 2, 77, {120, 31, 64});
  expect_same_bits_for_any_number_of_threads<float>(c);
  expect_same_bits_for_any_number_of_threads<BFloat16>(c);
}

}  // namespace
}  // namespace rlhf
