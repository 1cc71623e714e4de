// Data that no logistic regression can be fitted to, and wrong calls of it.
#include <limits>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/feedback/logistic.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Five rows of two features that can be fitted.
LogisticData good() { return {{{"length", "hedges"}, {1, 0, 2, 1, 3, 0, 4, 1, 1, 1}}, {0, 1, 1, 0, 1}, {}, {}}; }

template <typename Change>
auto fit_of(const Change& change, LogisticOptions options = {}) {
  LogisticData data = good();
  change(data);
  return [data, options] { fit_logistic(data, options); };
}

TEST(LogisticMisuse, SeparatedData) {
  const auto separated = [](std::vector<double> targets) {
    return [=] { fit_logistic({{{"length"}, {-2, -1, 1, 2}}, targets, {}, {}}); };
  };
  expect_misuse<NumericsError>(
      "found that length predicts some perfectly, so that its estimate has no bound; hint: ridge > 0",
      separated({0, 0, 1, 1}));
  expect_misuse<NumericsError>("length predicts some perfectly", separated({1, 1, 0, 0}));
  expect_misuse<NumericsError>("targets: expected both outcomes, found one only", separated({1, 1, 1, 1}));
  expect_misuse<NumericsError>("targets: expected both outcomes", separated({0, 0, 0, 0}));
  // Quasi-separation: rows with the flag were always chosen, others now and then.
  expect_misuse<NumericsError>("flag predicts some perfectly", [] {
    fit_logistic({{{"length", "flag"}, {1, 0, 2, 0, 3, 0, 4, 0, 1, 1, 2, 1}}, {1, 0, 0, 1, 1, 1}, {}, {}});
  });
}

TEST(LogisticMisuse, FeaturesThatDependOnEachOther) {
  expect_misuse<ArgumentError>("features: expected features that vary and are no combination of others, found hedges",
                               fit_of([](LogisticData& data) {
                                 for (std::size_t n = 0; n < 5; ++n)
                                   data.features.values[2 * n + 1] = 3 * data.features.values[2 * n];
                               }));
  expect_misuse<ArgumentError>("found a combination that is constant", fit_of([](LogisticData& data) {
                                 for (std::size_t n = 0; n < 5; ++n) data.features.values[2 * n + 1] = 7;
                               }));
  expect_misuse<ArgumentError>("found hedges", fit_of([](LogisticData& data) {
                                 for (std::size_t n = 0; n < 5; ++n) data.features.values[2 * n + 1] = 0;
                               }));
}

TEST(LogisticMisuse, NumbersThatAreNotFinite) {
  expect_misuse<ArgumentError>("features: hedges of row 1: expected a finite number, found nan",
                               fit_of([](LogisticData& data) { data.features.values[3] = kNan; }));
  expect_misuse<ArgumentError>("features: length of row 2: expected a finite number, found inf",
                               fit_of([](LogisticData& data) { data.features.values[4] = kInfinity; }));
  expect_misuse<ArgumentError>("targets: expected finite numbers, found nan",
                               fit_of([](LogisticData& data) { data.targets[2] = kNan; }));
  expect_misuse<ArgumentError>("weights: expected finite numbers, found nan", fit_of([](LogisticData& data) {
                                 data.weights = {kNan, 1, 1, 1, 1};
                               }));
}

TEST(LogisticMisuse, SizesAndRanges) {
  expect_misuse<ArgumentError>("features.names: expected at least one feature, found none", [] {
    fit_logistic({{{}, {}}, {}, {}, {}});
  });
  expect_misuse<ArgumentError>("features.values: expected at least one row, found none", [] {
    fit_logistic({{{"x"}, {}}, {}, {}, {}});
  });
  expect_misuse<ArgumentError>("features.values: expected rows of as many numbers as names, found 9",
                               fit_of([](LogisticData& data) { data.features.values.pop_back(); }));
  expect_misuse<ArgumentError>("targets: expected one entry per row (5), found 4",
                               fit_of([](LogisticData& data) { data.targets.pop_back(); }));
  expect_misuse<ArgumentError>("targets: expected 0 to 1, found 2",
                               fit_of([](LogisticData& data) { data.targets[0] = 2; }));
  expect_misuse<ArgumentError>("weights: expected at least 0, found -1", fit_of([](LogisticData& data) {
                                 data.weights = {1, 1, 1, 1, -1};
                               }));
  expect_misuse<ArgumentError>("weights: expected one entry per row (5), found 1",
                               fit_of([](LogisticData& data) { data.weights = {1}; }));
  expect_misuse<ArgumentError>("clusters: expected at least two clusters, found 1", fit_of([](LogisticData& data) {
                                 data.clusters = {3, 3, 3, 3, 3};
                               }));
  expect_misuse<ArgumentError>("clusters: expected one entry per row (5), found 2", fit_of([](LogisticData& data) {
                                 data.clusters = {3, 4};
                               }));
  const auto nothing = [](LogisticData&) {};
  expect_misuse<ArgumentError>("ridge: expected at least 0, found -1", fit_of(nothing, {.ridge = -1}));
  expect_misuse<ArgumentError>("level", fit_of(nothing, {.level = 1}));
  EXPECT_NO_THROW(fit_of(nothing)());
}

}  // namespace
}  // namespace rlhf
