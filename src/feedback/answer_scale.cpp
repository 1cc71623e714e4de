// Cut points of the scales on which annotators answer.
#include "feedback/answer_scale.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

namespace rlhf {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The range of an answer as numbers of cut points: from low_sign·c_low to c_high, with c_0 = 0. Answers below 0 are
/// those of the mirrored predictor −s.
struct Edges {
  std::size_t low = 0;
  std::size_t high = 0;
  double low_sign = 1;
};

Edges edges_of(std::int32_t answer, std::int32_t scale) {
  if (answer == 0) return {1, 1, -1};
  const std::size_t low = std::abs(answer) - (scale % 2 == 0 ? 1 : 0);
  return {low, low + 1, 1};
}

double cut(const std::vector<double>& cuts, std::size_t number) {
  if (number == 0) return 0;
  return number <= cuts.size() ? cuts[number - 1] : kInfinity;
}

std::vector<double> cuts_of(const std::vector<double>& gaps) {
  std::vector<double> cuts(gaps.size());
  std::partial_sum(gaps.begin(), gaps.end(), cuts.begin());
  return cuts;
}

/// Adds ln P of an answer. Its lower edge has the derivative low_sign·1[j <= low] by gap j, its upper one 1[j <= high].
void add_answer(ConcavePoint& sum, const Edges& edges, const std::vector<double>& cuts, double s) {
  const double low = edges.low_sign * cut(cuts, edges.low), high = cut(cuts, edges.high);
  sum.value += log_probability({low, high}, s);
  const double apart = 1 / std::expm1(high - low), both = apart * (1 + apart);
  const double by_low = -sigmoid(low - s) - apart, by_high = sigmoid(s - high) + apart;
  const double low_low = sigmoid(low - s) * sigmoid(s - low) + both;
  const double high_high = sigmoid(high - s) * sigmoid(s - high) + both;
  const auto moves_low = [&](std::size_t j) { return j < edges.low ? edges.low_sign : 0; };
  const auto moves_high = [&](std::size_t j) { return j < edges.high ? 1.0 : 0; };
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    sum.gradient[i] += by_low * moves_low(i) + by_high * moves_high(i);
    for (std::size_t j = 0; j < cuts.size(); ++j)
      sum.information.at(i, j) += low_low * moves_low(i) * moves_low(j) + high_high * moves_high(i) * moves_high(j) -
                                  both * (moves_low(i) * moves_high(j) + moves_high(i) * moves_low(j));
  }
}

void add_gap_prior(ConcavePoint& sum, const std::vector<double>& gaps) {
  for (std::size_t j = 0; j < gaps.size(); ++j) {
    sum.value += std::log(gaps[j]) - gaps[j];
    sum.gradient[j] += 1 / gaps[j] - 1;
    sum.information.at(j, j) += 1 / (gaps[j] * gaps[j]);
  }
}

}  // namespace

std::vector<double> prior_cuts(std::int32_t scale) {
  std::vector<double> cuts((scale - 1) / 2);
  std::iota(cuts.begin(), cuts.end(), 1);
  return cuts;
}

AnswerRange range_of(std::int32_t answer, std::int32_t scale, const std::vector<double>& cuts) {
  const Edges edges = edges_of(answer, scale);
  const double low = edges.low_sign * cut(cuts, edges.low), high = cut(cuts, edges.high);
  return answer < 0 ? AnswerRange{-high, -low} : AnswerRange{low, high};
}

ConcavePoint gap_posterior(std::int32_t scale, const std::vector<PredictedAnswer>& answers,
                           const std::vector<double>& gaps) {
  ConcavePoint sum{-kInfinity, std::vector<double>(gaps.size()), SymmetricMatrix(gaps.size())};
  if (std::any_of(gaps.begin(), gaps.end(), [](double gap) { return gap <= 0; })) return sum;
  sum.value = 0;
  const std::vector<double> cuts = cuts_of(gaps);
  for (const PredictedAnswer& a : answers) add_answer(sum, edges_of(a.answer, scale), cuts, a.answer < 0 ? -a.s : a.s);
  add_gap_prior(sum, gaps);
  return sum;
}

std::vector<double> fit_cuts(std::int32_t scale, const std::vector<PredictedAnswer>& answers,
                             const std::vector<double>& start) {
  std::vector<double> gaps(start.size());
  std::adjacent_difference(start.begin(), start.end(), gaps.begin());
  const auto posterior = [&](const std::vector<double>& x) { return gap_posterior(scale, answers, x); };
  return cuts_of(maximum_of(posterior, std::move(gaps)));
}

}  // namespace rlhf
