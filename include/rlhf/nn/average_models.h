#pragma once

#include <filesystem>
#include <vector>

namespace rlhf {

/// Writes a model folder whose weights are the means of those of `folders`: w = Σ w_k / K, in float64, in the dtype of
/// the first. Models that were trained from the same one, for example reward models with other seeds or data, have
/// means that are more robust than each of them (arXiv:2401.12187); means of unrelated models are useless, which
/// the returned distance shows. rlhf_reward_mean is the mean too, a kept temperature is left out, all other files are
/// those of the first.
///
/// Returns the largest distance of a model from the mean, max_k ‖w_k − w‖ / ‖w‖, over all weights: a few percent for
/// models of one fine-tuning, about 1 for unrelated ones.
///
/// Throws ArgumentError for fewer than two folders; ModelError if the models have not the same tensors in the same
/// shapes, the same prompt template, or the same config.json, except for its dtype, version, name and rewards; and
/// OutputError, also if `output` exists.
double average_models(const std::vector<std::filesystem::path>& folders, const std::filesystem::path& output);

}  // namespace rlhf
