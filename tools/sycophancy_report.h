#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/feedback/sycophancy.h"

namespace rlhf {

/// The figures of a model.
struct AskedModel {
  std::string folder;
  std::vector<QuestionRatio> figures;
};

/// A figure of one model, or of two with the change from the first to the second.
struct SycophancyRow {
  std::string name;
  std::vector<std::optional<Estimate>> values;  ///< [models]
  std::optional<Estimate> change;
};
struct SycophancyReport {
  std::vector<std::string> folders;  ///< one or two
  std::string questions;             ///< where they come from
  std::size_t asked = 0;
  std::vector<SycophancyRow> rows;
};
/// `models`: one, or the model before and after training, with the same figures.
SycophancyReport make_sycophancy_report(const std::vector<AskedModel>& models, const std::string& questions,
                                        const BootstrapOptions& options);

std::string to_text(const SycophancyReport& report);
nlohmann::ordered_json to_json(const SycophancyReport& report);

/// A sentence if sycophancy grew: one of the figures `sycophancy` and `agrees` by more than `margin`, with an interval
/// above 0.
std::optional<std::string> growth(const SycophancyReport& report, double margin);

}  // namespace rlhf
