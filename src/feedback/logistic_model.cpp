// Likelihood of a logistic regression and its derivatives.
#include "feedback/logistic_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>

#include "rlhf/core/check_argument.h"

#include "feedback/check_finite.h"
#include "feedback/sigmoid.h"

namespace rlhf {
namespace {

void check_size(std::size_t found, std::size_t rows, std::string_view name) {
  check_argument(found == rows, name, "one entry per row (" + std::to_string(rows) + ")", found);
}

void check_features(const FeatureTable& features) {
  const std::size_t columns = features.names.size();
  for (std::size_t j = 0; j < features.values.size(); ++j) {
    if (std::isfinite(features.values[j])) continue;
    const std::string place = "features: " + features.names[j % columns] + " of row " + std::to_string(j / columns);
    check_argument(false, place, "a finite number", features.values[j]);
  }
}

void check_data(const LogisticData& data) {
  const std::size_t columns = data.features.names.size();
  check_argument(columns >= 1, "features.names", "at least one feature", "none");
  check_argument(data.features.values.size() % columns == 0, "features.values", "rows of as many numbers as names",
                 data.features.values.size());
  const std::size_t rows = data.features.values.size() / columns;
  check_argument(rows >= 1, "features.values", "at least one row", "none");
  check_size(data.targets.size(), rows, "targets");
  if (!data.weights.empty()) check_size(data.weights.size(), rows, "weights");
  if (!data.clusters.empty()) check_size(data.clusters.size(), rows, "clusters");
  check_features(data.features);
  check_finite(data.targets, "targets");
  check_finite(data.weights, "weights");
  for (const double target : data.targets) check_argument(target >= 0 && target <= 1, "targets", "0 to 1", target);
  for (const double weight : data.weights) check_argument(weight >= 0, "weights", "at least 0", weight);
}

/// y − σ(x). The difference itself would be 0 where σ(x) rounds to 1, and an estimate without bound would seem to end.
double residual(double y, double x) { return y * sigmoid(-x) - (1 - y) * sigmoid(x); }

}  // namespace

LogisticModel::LogisticModel(const LogisticData& data, double ridge) : data_(data), ridge_(ridge) {
  check_data(data);
  columns_ = data.features.names.size() + 1;
  rows_ = data.targets.size();
}

double LogisticModel::at(std::size_t row, std::size_t column) const {
  return column + 1 == columns_ ? 1 : data_.features.values[row * (columns_ - 1) + column];
}

double LogisticModel::predictor(std::size_t row, const std::vector<double>& coefficients) const {
  double sum = 0;
  for (std::size_t j = 0; j < columns_; ++j) sum += at(row, j) * coefficients[j];
  return sum;
}

double LogisticModel::log_likelihood(const std::vector<double>& coefficients) const {
  double sum = 0;
  for (std::size_t n = 0; n < rows_; ++n) {
    const double x = predictor(n, coefficients), y = data_.targets[n];
    if (y > 0) sum += weight(n) * y * log_sigmoid(x);
    if (y < 1) sum += weight(n) * (1 - y) * log_sigmoid(-x);
  }
  return sum;
}

double LogisticModel::penalty(const std::vector<double>& coefficients) const {
  double sum = 0;
  for (std::size_t j = 0; j + 1 < columns_; ++j) sum += coefficients[j] * coefficients[j];
  return ridge_ / 2 * sum;
}

std::vector<double> LogisticModel::gradient(const std::vector<double>& coefficients) const {
  std::vector<double> found(columns_);
  for (std::size_t n = 0; n < rows_; ++n) {
    const double error = weight(n) * residual(data_.targets[n], predictor(n, coefficients));
    for (std::size_t j = 0; j < columns_; ++j) found[j] += error * at(n, j);
  }
  for (std::size_t j = 0; j + 1 < columns_; ++j) found[j] -= ridge_ * coefficients[j];
  return found;
}

SymmetricMatrix LogisticModel::information(const std::vector<double>& coefficients) const {
  SymmetricMatrix found(columns_);
  for (std::size_t n = 0; n < rows_; ++n) {
    const double x = predictor(n, coefficients), spread = weight(n) * sigmoid(x) * sigmoid(-x);
    for (std::size_t i = 0; i < columns_; ++i)
      for (std::size_t j = 0; j < columns_; ++j) found.at(i, j) += spread * at(n, i) * at(n, j);
  }
  for (std::size_t j = 0; j + 1 < columns_; ++j) found.at(j, j) += ridge_;
  return found;
}

SymmetricMatrix LogisticModel::cluster_scores(const std::vector<double>& coefficients) const {
  std::map<std::int32_t, std::vector<double>> scores;
  for (std::size_t n = 0; n < rows_; ++n) {
    auto& score = scores.try_emplace(data_.clusters[n], columns_).first->second;
    const double error = weight(n) * residual(data_.targets[n], predictor(n, coefficients));
    for (std::size_t j = 0; j < columns_; ++j) score[j] += error * at(n, j);
  }
  check_argument(scores.size() >= 2, "clusters", "at least two clusters", scores.size());
  const double clusters = static_cast<double>(scores.size()), rows = static_cast<double>(rows_);
  check_argument(rows_ > columns_, "features.values", "more rows than coefficients", rows_);
  const double correction = clusters / (clusters - 1) * (rows - 1) / (rows - static_cast<double>(columns_));
  SymmetricMatrix found(columns_);
  for (const auto& [cluster, score] : scores)
    for (std::size_t i = 0; i < columns_; ++i)
      for (std::size_t j = 0; j < columns_; ++j) found.at(i, j) += correction * score[i] * score[j];
  return found;
}

double LogisticModel::largest_predictor(const std::vector<double>& coefficients) const {
  double largest = 0;
  for (std::size_t n = 0; n < rows_; ++n) largest = std::max(largest, std::abs(predictor(n, coefficients)));
  return largest;
}

}  // namespace rlhf
