#include "rlhf/feedback/logistic.h"

#include <cmath>

#include <gtest/gtest.h>

#include "feedback/support.h"

namespace rlhf {
namespace {

using testing::expect_numbers;
using Json = nlohmann::json;

LogisticData data_of(const Json& golden, const Json& features) {
  LogisticData data;
  for (int j = 0; j < golden["columns"]; ++j) data.features.names.push_back("x" + std::to_string(j));
  data.features.values = features.get<std::vector<double>>();
  data.targets = golden["targets"].get<std::vector<double>>();
  return data;
}

/// Relative to each expected standard error, because the units of the features differ.
void expect_fit(const LogisticFit& found, const Json& expected) {
  ASSERT_EQ(found.coefficients.size(), expected["estimates"].size());
  for (std::size_t j = 0; j < found.coefficients.size(); ++j) {
    const Coefficient& coefficient = found.coefficients[j];
    const double error = expected["errors"][j];
    EXPECT_NEAR(coefficient.estimate, expected["estimates"][j], 1e-9 * error) << j;
    EXPECT_NEAR(coefficient.standard_error, error, 1e-9 * error) << j;
    EXPECT_NEAR(coefficient.interval.low, expected["low"][j], 1e-9 * error) << j;
    EXPECT_NEAR(coefficient.interval.high, expected["high"][j], 1e-9 * error) << j;
  }
  if (expected["log_likelihood"].is_null()) return;
  EXPECT_NEAR(found.log_likelihood, expected["log_likelihood"], 1e-9);
}

Json golden_cases() { return testing::golden_list("logistic", "cases"); }

TEST(Logistic, OfATwoByTwoTableIsTheLogOddsRatio) {
  // x = 0: 10 of 30 chosen; x = 1: 24 of 32. b = ln(10/20), β = ln(24/8) − ln(10/20) = ln 6,
  // variance of β = 1/10 + 1/20 + 1/24 + 1/8, of b = 1/10 + 1/20.
  const LogisticData data{{{"x"}, {0, 1}}, {10.0 / 30, 24.0 / 32}, {30, 32}, {}};
  const LogisticFit fit = fit_logistic(data);
  ASSERT_EQ(fit.coefficients.size(), 2u);
  EXPECT_EQ(fit.coefficients[0].name, "x");
  EXPECT_EQ(fit.coefficients[1].name, "intercept");
  EXPECT_NEAR(fit.coefficients[0].estimate, std::log(6.0), 1e-12);
  EXPECT_NEAR(fit.coefficients[0].standard_error, std::sqrt(1.0 / 10 + 1.0 / 20 + 1.0 / 24 + 1.0 / 8), 1e-12);
  EXPECT_NEAR(fit.coefficients[1].estimate, std::log(0.5), 1e-12);
  EXPECT_NEAR(fit.coefficients[1].standard_error, std::sqrt(1.0 / 10 + 1.0 / 20), 1e-12);
  EXPECT_NEAR(fit.coefficients[1].interval.high, std::log(0.5) + 1.959964 * std::sqrt(0.15), 1e-6);
}

TEST(Logistic, AgreesWithStatsmodels) {
  for (const Json& golden : golden_cases()) {
    LogisticData data = data_of(golden, golden["features"]);
    expect_fit(fit_logistic(data, {.level = 0.9}), golden["plain"]);
    data.clusters = golden["clusters"].get<std::vector<std::int32_t>>();
    expect_fit(fit_logistic(data, {.level = 0.9}), golden["clustered"]);
    data.clusters.clear();
    data.weights = golden["weights"].get<std::vector<double>>();
    expect_fit(fit_logistic(data, {.level = 0.9}), golden["weighted"]);
  }
}

TEST(Logistic, WithARidgeAgreesWithScikitLearn) {
  for (const Json& golden : golden_cases()) {
    if (!golden.contains("ridge")) continue;
    const Json& expected = golden["ridge"];
    const LogisticFit fit = fit_logistic(data_of(golden, expected["features"]), {.ridge = expected["lambda"]});
    std::vector<double> estimates;
    for (const Coefficient& coefficient : fit.coefficients) estimates.push_back(coefficient.estimate);
    expect_numbers(estimates, expected["estimates"], 1e-8);
  }
}

TEST(Logistic, FindsAnEstimateThatIsLargeButBounded) {
  // All but one pair of 1000 rows lie on their side of 0. At the maximum the score Σ (y − σ(βx))·x is 0; here by
  // symmetry the intercept is 0 and β solves Σ_k k/(1 + e^(βk)) over the rows in place = 0.01·σ(0.01·β) of the one out
  // of place.
  LogisticData data{{{"x"}, {}}, {}, {}, {}};
  for (int k = 1; k <= 500; ++k)
    for (const double side : {-1.0, 1.0}) {
      data.features.values.push_back(side * (k == 1 ? 0.01 : k));
      data.targets.push_back(k == 1 ? side < 0 : side > 0);
    }
  const LogisticFit fit = fit_logistic(data);
  const double slope = fit.coefficients[0].estimate;
  double score = -0.01 / (1 + std::exp(-0.01 * slope));
  for (int k = 2; k <= 500; ++k) score += k / (1 + std::exp(slope * k));
  EXPECT_NEAR(score, 0, 1e-9);
  EXPECT_GT(slope, 2);
  EXPECT_NEAR(fit.coefficients[1].estimate, 0, 1e-9);
}

TEST(Logistic, ARidgeBoundsWhatSeparationDoesNot) {
  // y = 1[x > 0] at x = ±1. With λ = 1: β solves 2·(1 − σ(β)) = β.
  const LogisticFit fit = fit_logistic({{{"x"}, {-1, 1}}, {0, 1}, {}, {}}, {.ridge = 1});
  const double slope = fit.coefficients[0].estimate;
  EXPECT_NEAR(2 / (1 + std::exp(slope)), slope, 1e-10);
}

}  // namespace
}  // namespace rlhf
