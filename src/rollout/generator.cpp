#include "rlhf/rollout/generator.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <ATen/ops/linear.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/core/signals.h"

namespace rlhf {
namespace {

constexpr std::int64_t kPrefillTokens = 1 << 15;  // prompt tokens of one forward; bounds its activations

std::int64_t prompt_length(const GenerationRequest& request) {
  return static_cast<std::int64_t>(request.prompt->size());
}

/// Longest prompt; throws if a prompt is empty or leaves no room for the answer.
std::int64_t check_prompts(std::span<const GenerationRequest> requests, std::int64_t max_new_tokens,
                           std::int64_t max_positions) {
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::int64_t length = prompt_length(requests[i]);
    if (length == 0) {
      throw ShapeError("generating answer " + std::to_string(i) +
                       ": expected a prompt of at least one token, found none");
    }
    if (length + max_new_tokens > max_positions) {
      throw ModelError("generating answer " + std::to_string(i) + ": expected at most " +
                       std::to_string(max_positions) + " positions (the model's), found a prompt of " +
                       std::to_string(length) + " tokens and " + std::to_string(max_new_tokens) +
                       " new ones; hint: shorten the prompt or lower max_new_tokens");
    }
    longest = std::max(longest, length);
  }
  return longest;
}

/// One call of generate(): waves of rows that start together and leave one by one.
class Generator {
 public:
  Generator(CausalLM& model, std::span<const GenerationRequest> requests, const SamplingOptions& options,
            std::int64_t rows, std::int64_t capacity, const std::function<void(std::size_t, std::int32_t)>& on_token)
      : model_(model),
        requests_(requests),
        options_(options),
        on_token_(on_token),
        cache_(model.shape().num_layers, rows, model.shape().num_key_value_heads, capacity, model.shape().head_dim,
               at::TensorOptions().device(model.device()).dtype(model.dtype())),
        results_(requests.size()) {}

  /// Answers the requests of one wave, given by index.
  void run_wave(std::span<const std::size_t> wave) {
    rows_.assign(wave.begin(), wave.end());
    at::Tensor hidden = prefill();
    for (std::int64_t t = 0;; ++t) {
      stop_if_signalled();
      const std::vector<std::int64_t> last = sample(hidden, t);
      if (rows_.empty()) break;
      counters_.decode_row_steps += cache_.active();
      hidden = model_.decode(to_device(last, model_.device()), cache_);
    }
  }

  std::vector<Generation> take_results() { return std::move(results_); }
  const GenerationCounters& counters() const { return counters_; }

 private:
  /// Runs the prompts of all rows; returns the hidden state of each row's last token, [B,D].
  at::Tensor prefill() {
    std::vector<const TokenIds*> prompts;
    for (const std::size_t request : rows_) prompts.push_back(requests_[request].prompt);
    const PackedBatch batch = pack(prompts, model_.device());
    counters_.prefill_tokens += batch.segments.total();
    const at::Tensor hidden = model_.forward(batch, &cache_);
    std::vector<std::int64_t> last;
    for (std::int64_t row = 0; row < batch.segments.count(); ++row) last.push_back(batch.segments.offsets[row + 1] - 1);
    return hidden.index_select(0, to_device(last, model_.device()));
  }

  /// Draws token `t` of every row, drops the rows that are done, returns the tokens of those that go on.
  std::vector<std::int64_t> sample(const at::Tensor& hidden, std::int64_t t) {
    std::vector<float> uniforms;
    for (const std::size_t request : rows_) {
      uniforms.push_back(
          static_cast<float>(random_uniform(options_.seed, requests_[request].stream, static_cast<std::uint64_t>(t))));
    }
    const Sampled drawn =
        sample_tokens(at::linear(hidden, model_.head()), to_device(uniforms, model_.device()), options_);
    // One transfer per step; float64 holds ids and log-probabilities exactly.
    const at::Tensor host = at::stack({drawn.tokens.to(at::kDouble), drawn.logprobs.to(at::kDouble)}).cpu();
    const double* ids = host.const_data_ptr<double>();
    const double* logprobs = ids + rows_.size();
    std::vector<std::int64_t> tokens(ids, ids + rows_.size());

    // From the back, so that the row which fills a hole has been looked at already.
    for (std::size_t row = rows_.size(); row-- > 0;) {
      if (!emit(rows_[row], static_cast<std::int32_t>(tokens[row]), static_cast<float>(logprobs[row]))) continue;
      cache_.drop(static_cast<std::int64_t>(row));
      rows_[row] = rows_.back();
      rows_.pop_back();
      tokens[row] = tokens.back();
      tokens.pop_back();
    }
    return tokens;
  }

  /// Appends a token to an answer; true if the answer is complete.
  bool emit(std::size_t request, std::int32_t token, float logprob) {
    Generation& answer = results_[request];
    if (!std::isfinite(logprob)) {
      throw NumericsError("sampling token " + std::to_string(answer.tokens.size()) + " of answer " +
                          std::to_string(request) + ": expected a finite log-probability, found " +
                          std::to_string(logprob));
    }
    answer.tokens.push_back(token);
    answer.logprobs.push_back(logprob);
    ++counters_.emitted_tokens;
    if (on_token_) on_token_(request, token);
    const bool stop = std::find(options_.stop_ids.begin(), options_.stop_ids.end(), token) != options_.stop_ids.end();
    if (stop) answer.finish = Finish::stop;
    return stop || static_cast<std::int64_t>(answer.tokens.size()) == options_.max_new_tokens;
  }

  CausalLM& model_;
  std::span<const GenerationRequest> requests_;
  const SamplingOptions& options_;
  const std::function<void(std::size_t, std::int32_t)>& on_token_;
  KvCache cache_;
  std::vector<std::size_t> rows_;  ///< the request of each active row of the cache
  std::vector<Generation> results_;
  GenerationCounters counters_;
};

/// Longest prompts first, so that prompts of one length run side by side; requests of equal length keep their order.
std::vector<std::size_t> order_by_prompt(std::span<const GenerationRequest> requests) {
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return prompt_length(requests[a]) > prompt_length(requests[b]);
  });
  return order;
}

}  // namespace

std::vector<Generation> generate(CausalLM& model, std::span<const GenerationRequest> requests,
                                 const SamplingOptions& options, std::int64_t max_rows,
                                 const std::function<void(std::size_t, std::int32_t)>& on_token,
                                 GenerationCounters* counters) {
  RLHF_CHECK(max_rows > 0 && options.max_new_tokens > 0, "max_rows and max_new_tokens must be positive");
  const c10::NoGradGuard no_grad;
  if (requests.empty()) return {};
  const std::int64_t longest = check_prompts(requests, options.max_new_tokens, model.shape().max_positions);
  const std::int64_t rows = std::min(max_rows, static_cast<std::int64_t>(requests.size()));
  // The last token of an answer is sampled but never fed.
  Generator generator(model, requests, options, rows, longest + options.max_new_tokens - 1, on_token);

  const std::vector<std::size_t> order = order_by_prompt(requests);
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    std::int64_t tokens = 0;
    while (end < order.size() && static_cast<std::int64_t>(end - begin) < rows &&
           (end == begin || tokens + prompt_length(requests[order[end]]) <= kPrefillTokens)) {
      tokens += prompt_length(requests[order[end++]]);
    }
    generator.run_wave(std::span(order).subspan(begin, end - begin));
    begin = end;
  }
  if (counters) *counters = generator.counters();
  return generator.take_results();
}

}  // namespace rlhf
