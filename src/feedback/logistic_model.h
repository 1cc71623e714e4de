#pragma once

#include <vector>

#include "rlhf/feedback/logistic.h"

#include "feedback/symmetric_matrix.h"

namespace rlhf {

/// The likelihood of a logistic regression at given coefficients [P + 1], the intercept last.
class LogisticModel {
 public:
  /// Checks sizes, ranges and that every number is finite.
  LogisticModel(const LogisticData& data, double ridge);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }  ///< P + 1
  double log_likelihood(const std::vector<double>& coefficients) const;
  double penalty(const std::vector<double>& coefficients) const;
  std::vector<double> gradient(const std::vector<double>& coefficients) const;
  /// Minus the second derivative, [P + 1, P + 1].
  SymmetricMatrix information(const std::vector<double>& coefficients) const;
  /// Σ_g s_g·s_gᵀ over the clusters, with the correction for few clusters.
  SymmetricMatrix cluster_scores(const std::vector<double>& coefficients) const;
  /// The largest |x_n·coefficients|.
  double largest_predictor(const std::vector<double>& coefficients) const;

 private:
  double at(std::size_t row, std::size_t column) const;
  double predictor(std::size_t row, const std::vector<double>& coefficients) const;
  double weight(std::size_t row) const { return data_.weights.empty() ? 1 : data_.weights[row]; }

  const LogisticData& data_;
  double ridge_;
  std::size_t rows_ = 0, columns_ = 0;
};

}  // namespace rlhf
