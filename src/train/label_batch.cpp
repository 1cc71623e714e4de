// Runs demonstrations through a model.
#include "label_batch.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include "rlhf/tensor/packed_batch.h"

#include "supervised.h"

namespace rlhf {

namespace {

/// A micro-batch of demonstrations: the packed sequences, the rows that predict a label, and the labels.
struct LabelBatch {
  PackedBatch packed;
  at::Tensor rows, targets;  ///< [labels] int64
};

LabelBatch make_label_batch(const std::vector<const Sample*>& samples, at::Device device) {
  std::vector<const TokenIds*> sequences;
  std::vector<std::int64_t> rows, targets;
  std::int64_t offset = 0;
  for (const Sample* sample : samples) {
    sequences.push_back(&sample->ids);
    for (const Span& span : sample->trained)
      for (std::int32_t t = span.begin; t < span.end; ++t) {
        rows.push_back(offset + t - 1);  // the row before a token predicts it
        targets.push_back(sample->ids[static_cast<std::size_t>(t)]);
      }
    offset += static_cast<std::int64_t>(sample->ids.size());
  }
  return {pack(sequences, device), to_device(rows, device), to_device(targets, device)};
}

}  // namespace

std::int64_t run_labels(CausalLM& model, const std::vector<const Sample*>& samples, const LabelPass& pass,
                        WorkCounters& work, const std::function<void(const Logprobs&)>& take) {
  PassItems items;
  std::int64_t labels = 0;
  for (const Sample* sample : samples) {
    items.lengths.push_back(static_cast<std::int64_t>(sample->ids.size()));
    items.head_rows.push_back(sample->num_labels());
    labels += sample->num_labels();
  }
  const double divisor = -static_cast<double>(labels) / pass.weight.value_or(1);
  const auto mean_nll = [divisor](const at::Tensor& logprobs, auto, auto) { return logprobs.sum().div(divisor); };
  const at::AutoGradMode gradient(pass.weight.has_value());
  const auto run = [&](const std::vector<const Sample*>& members) {
    LabelBatch batch = make_label_batch(members, model.device());
    batch.packed.share = pass.balances_routers ? share_of(members, samples) : 0;
    const at::Tensor hidden = model.forward(batch.packed, batch.rows);  // [labels,D]
    const Logprobs result =
        pass.weight ? backward_through_logprobs(hidden, model.head(), batch.targets, pass.logprobs, mean_nll)
                    : linear_logprobs(hidden, model.head(), batch.targets, pass.logprobs);
    work.useful_tokens += batch.packed.segments.total();
    work.label_rows += batch.targets.size(0);
    work.head_rows += result.head_rows;
    take(result);
  };
  for_each_group(samples, items, pass.micro_batch_tokens, model, run, pass.ranks, pass.trained);
  work.processed_tokens += model.take_processed_tokens();
  return labels;
}

}  // namespace rlhf
