#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rlhf/config/model_options.h"
#include "rlhf/config/optimizer_options.h"
#include "rlhf/config/train_options.h"
#include "rlhf/core/random.h"
#include "rlhf/data/load_data.h"
#include "rlhf/data/samples.h"
#include "rlhf/records/records.h"
#include "rlhf/tensor/device.h"
#include "rlhf/train/plan.h"

#include "setup.h"

namespace rlhf {

/// The plan of a supervised stage. `largest` are the tokens of its largest sample, which no micro-batch can be below.
template <typename S>
SupervisedPlan plan_stage(const TrainOptions& train, const LrScheduleOptions& schedule, const SampleSet<S>& set,
                          std::int64_t largest, const Setup& setup, const std::optional<ResumePoint>& resume) {
  const ModelShape& shape = setup.folder.shape;
  const std::int64_t resident = model_bytes(shape, setup.compute.dtype, true);
  check_positions(setup.folder, "data.max_length", set.report.longest);
  const std::int64_t derived =
      derive_micro_batch_tokens(shape, setup.compute.dtype, resident, installed_memory_bytes(setup.compute.device),
                                largest, setup.compute.device.is_cuda());
  const std::int64_t settled = settle(train.micro_batch_tokens, resume, kMicroBatchTokens, derived);
  SupervisedPlan plan =
      plan_supervised(train, schedule, static_cast<std::int64_t>(set.samples.size()), std::max(settled, largest));
  const std::int64_t step_tokens = train.batch_size * set.report.tokens / std::max<std::int64_t>(1, plan.num_samples);
  const std::int64_t held = std::min(plan.micro_batch_tokens, step_tokens);
  plan.memory.parts = {{"weights", model_bytes(shape, setup.compute.dtype, false)},
                       {"masters, moments, gradients", resident - model_bytes(shape, setup.compute.dtype, false)},
                       {"activations", held * activation_bytes_per_token(shape, setup.compute.dtype)}};
  return plan;
}

/// What became of the records: of those to train on in full, of those to evaluate on in a line.
template <typename S>
std::vector<std::string> report_lines(const DataSet<S>& data) {
  std::vector<std::string> lines = data.train.report.lines();
  if (!data.eval.samples.empty()) lines.push_back("to evaluate on: " + data.eval.report.summary());
  return lines;
}

inline Fingerprint make_fingerprint(const std::map<std::string, std::string>& config, const ModelOptions& model,
                                    const RecordCounts& counts, const Setup& setup, const SupervisedPlan& plan) {
  Fingerprint fingerprint = config;
  add_machine(fingerprint, setup, plan.micro_batch_tokens);
  add_text(fingerprint, setup);
  add_data(fingerprint, "data.train", counts);
  if (!model.init) add_model(fingerprint, "model.path", model.path);
  return fingerprint;
}

/// Which of `count` samples are evaluated: at most `max_samples` (0 = all), the same in every evaluation of a run.
inline std::vector<std::size_t> choose_evaluated(std::size_t count, std::int64_t max_samples, std::int64_t seed) {
  constexpr std::uint64_t kEvalStream = 0x6576616c;  // apart from the streams that shuffle training data
  auto chosen = random_permutation(count, static_cast<std::uint64_t>(seed), random_stream(kEvalStream));
  if (max_samples > 0) chosen.resize(std::min(count, static_cast<std::size_t>(max_samples)));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace rlhf
