// Continuous batching: rows of the KV cache are filled from a queue of requests.
#include "rlhf/rollout/generator.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/core/signals.h"
#include "rlhf/tensor/linear.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "rollout/draw_tokens.h"

namespace rlhf {
namespace {

constexpr std::int64_t kPrefillTokens = 1 << 15;  // prompt tokens per forward pass; bounds its activation memory

std::int64_t prompt_length(const GenerationRequest& request) {
  return static_cast<std::int64_t>(request.prompt->size());
}

void check_ids(const TokenIds& ids, std::size_t request, std::int64_t vocab_size) {
  const auto outside = std::find_if(ids.begin(), ids.end(), [&](auto id) { return id < 0 || id >= vocab_size; });
  if (outside == ids.end()) return;
  check_argument(false, "prompt of request " + std::to_string(request),
                 "token ids from 0 to " + std::to_string(vocab_size - 1), *outside);
}

/// The length of the longest prompt. Throws if a prompt is empty or leaves no room for the response.
std::int64_t check_prompts(std::span<const GenerationRequest> requests, std::int64_t max_new_tokens,
                           const ModelShape& shape) {
  const std::int64_t max_positions = shape.max_positions;
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].prompt == nullptr)
      throw ArgumentError("prompt of request " + std::to_string(i) + ": expected token ids, found a null pointer");
    const std::int64_t length = prompt_length(requests[i]);
    if (length == 0) {
      throw ShapeError("generating response " + std::to_string(i) +
                       ": expected a prompt of at least one token, found none");
    }
    if (length + max_new_tokens > max_positions) {
      throw ModelError("generating response " + std::to_string(i) + ": expected at most " +
                       std::to_string(max_positions) + " positions (the model's), found a prompt of " +
                       std::to_string(length) + " tokens and " + std::to_string(max_new_tokens) +
                       " new ones; hint: shorten the prompt or lower max_new_tokens");
    }
    check_ids(*requests[i].prompt, i, shape.vocab_size);
    longest = std::max(longest, length);
  }
  return longest;
}

/// The order of the requests: longest prompts first, equal prompts next to each other, otherwise as given.
std::vector<std::size_t> order_by_prompt(std::span<const GenerationRequest> requests) {
  std::map<TokenIds, std::size_t> first_with;
  std::vector<std::pair<std::int64_t, std::size_t>> keys;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    keys.emplace_back(-prompt_length(requests[i]), first_with.emplace(*requests[i].prompt, i).first->second);
  }
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
  return order;
}

/// The state of one call of generate(). Finished rows leave one by one; free rows are refilled from the queue.
class Generator {
 public:
  Generator(CausalLM& model, std::span<const GenerationRequest> requests, const SamplingOptions& options,
            std::int64_t rows, std::int64_t capacity, const std::function<void(std::size_t, std::int32_t)>& on_token,
            const std::function<void(std::size_t, const Generation&)>& on_response)
      : model_(model),
        requests_(requests),
        options_(options),
        on_token_(on_token),
        on_response_(on_response),
        cache_(model.shape().num_layers, rows, model.shape().num_key_value_heads, capacity, model.shape().head_dim,
               at::TensorOptions().device(model.device()).dtype(model.dtype())),
        queue_(order_by_prompt(requests)),
        results_(requests.size()) {
    for (std::size_t i = 0; i < queue_.size(); ++i) {  // equal prompts are adjacent in the queue
      if (i == 0 || prompt_of(i) != prompt_of(i - 1)) work_.prompt_tokens += prompt_length(requests_[queue_[i]]);
    }
  }

  void run() {
    while (true) {
      stop_if_signalled();
      while (worth_admitting()) {
        stop_if_signalled();
        admit();
      }
      if (rows_.empty()) return;
      work_.decode_row_steps += cache_.active();
      sample(model_.decode(to_device(next_, model_.device()), cache_), 0);
    }
  }

  std::vector<Generation> take_results() { return std::move(results_); }
  WorkCounters work() const {
    WorkCounters done = work_;
    done.useful_tokens = done.prompt_tokens;
    done.cache_bytes = cache_.bytes_written();
    return done;
  }

 private:
  /// Requests with the same prompt that start together, so that the prompt is computed once.
  using PromptGroup = std::vector<std::size_t>;

  const TokenIds& prompt_of(std::size_t queued) const { return *requests_[queue_[queued]].prompt; }
  std::int64_t free_rows() const { return cache_.rows() - cache_.active(); }

  /// Waits until an eighth of the rows is free: a prefill of few tokens costs almost as much as one of many.
  bool worth_admitting() const {
    const auto waiting = static_cast<std::int64_t>(queue_.size() - queued_);
    return waiting > 0 && free_rows() >= std::min(waiting, std::max<std::int64_t>(1, cache_.rows() / 8));
  }

  /// Runs the prompts of as many requests as there are free rows, and draws their first tokens.
  void admit() {
    std::vector<PromptGroup> groups;
    std::int64_t tokens = 0;
    for (std::int64_t rows = free_rows(); rows > 0 && queued_ < queue_.size(); --rows, ++queued_) {
      if (groups.empty() || prompt_of(queued_) != prompt_of(queued_ - 1)) {
        const std::int64_t length = prompt_length(requests_[queue_[queued_]]);
        if (!groups.empty() && tokens + length > kPrefillTokens) break;
        groups.emplace_back();
        tokens += length;
      }
      groups.back().push_back(queue_[queued_]);
    }
    work_.prefill_tokens += tokens;
    const std::size_t first_row = rows_.size();
    const at::Tensor hidden = prefill(groups);
    sample(hidden.index_select(0, to_device(occupy(groups), model_.device())), first_row);
  }

  /// Appends the prompt of each group to the cache. Returns the hidden states of their last tokens, [groups,D].
  at::Tensor prefill(const std::vector<PromptGroup>& groups) {
    std::vector<const TokenIds*> prompts;
    for (const PromptGroup& group : groups) prompts.push_back(requests_[group.front()].prompt);
    const PackedBatch batch = pack(prompts, model_.device());
    return model_.forward(batch, last_rows(batch.segments), &cache_);
  }

  /// Assigns a row of the cache to every request of the groups. Returns the group of each new row.
  std::vector<std::int64_t> occupy(const std::vector<PromptGroup>& groups) {
    const auto first_row = static_cast<std::int64_t>(rows_.size());
    std::vector<std::int64_t> group_of_row(groups.size());
    std::iota(group_of_row.begin(), group_of_row.end(), 0);
    for (const PromptGroup& group : groups) rows_.push_back(group.front());
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (std::size_t i = 1; i < groups[g].size(); ++i) {
        cache_.fork(first_row + static_cast<std::int64_t>(g));
        rows_.push_back(groups[g][i]);
        group_of_row.push_back(static_cast<std::int64_t>(g));
      }
    }
    next_.resize(rows_.size());
    return group_of_row;
  }

  /// Draws the next token of the rows from `first_row` on, and removes the rows that are complete.
  void sample(const at::Tensor& hidden, std::size_t first_row) {
    std::vector<float> uniforms;
    for (std::size_t row = first_row; row < rows_.size(); ++row) {
      const auto t = static_cast<std::uint64_t>(results_[rows_[row]].tokens.size());
      uniforms.push_back(static_cast<float>(random_uniform(options_.seed, requests_[rows_[row]].stream, t)));
    }
    const at::Tensor logits = soft_cap(apply_linear(hidden, model_.head()), model_.logit_cap());
    const Sampled drawn = draw_tokens(logits, to_device(uniforms, model_.device()), options_);
    // One transfer per step; float64 holds ids and log-probabilities exactly.
    const at::Tensor host = at::stack({drawn.tokens.to(at::kDouble), drawn.logprobs.to(at::kDouble)}).cpu();
    const double* const tokens = host.const_data_ptr<double>();
    const double* const logprobs = tokens + uniforms.size();
    // Backwards, so that the row moved into a gap has been processed already.
    for (std::size_t row = rows_.size(); row-- > first_row;) {
      next_[row] = static_cast<std::int64_t>(tokens[row - first_row]);
      if (emit(rows_[row], static_cast<std::int32_t>(next_[row]), static_cast<float>(logprobs[row - first_row]))) {
        drop(row);
      }
    }
  }

  void drop(std::size_t row) {
    cache_.drop(static_cast<std::int64_t>(row));
    rows_[row] = rows_.back();
    rows_.pop_back();
    next_[row] = next_.back();
    next_.pop_back();
  }

  /// Appends a token to a response. Returns true if the response is complete.
  bool emit(std::size_t request, std::int32_t token, float logprob) {
    Generation& answer = results_[request];
    if (!std::isfinite(logprob)) {
      throw NumericsError("sampling token " + std::to_string(answer.tokens.size()) + " of response " +
                          std::to_string(request) + ": expected a finite log-probability, found " +
                          std::to_string(logprob));
    }
    answer.tokens.push_back(token);
    answer.logprobs.push_back(logprob);
    ++work_.emitted_tokens;
    if (on_token_) on_token_(request, token);
    const bool stop = std::find(options_.stop_ids.begin(), options_.stop_ids.end(), token) != options_.stop_ids.end() ||
                      (options_.stops && options_.stops(answer.tokens));
    if (stop) answer.finish = Finish::stop;
    const bool complete = stop || static_cast<std::int64_t>(answer.tokens.size()) == options_.max_new_tokens;
    if (complete && on_response_) on_response_(request, answer);
    return complete;
  }

  CausalLM& model_;
  std::span<const GenerationRequest> requests_;
  const SamplingOptions& options_;
  const std::function<void(std::size_t, std::int32_t)>& on_token_;
  const std::function<void(std::size_t, const Generation&)>& on_response_;
  KvCache cache_;
  std::vector<std::size_t> queue_;  ///< requests in the order in which they start
  std::size_t queued_ = 0;          ///< number of requests that have started
  std::vector<std::size_t> rows_;   ///< the request of each active row of the cache
  std::vector<std::int64_t> next_;  ///< the last token of each active row, the next input of the model
  std::vector<Generation> results_;
  WorkCounters work_;
};

}  // namespace

std::vector<Generation> generate(CausalLM& model, std::span<const GenerationRequest> requests,
                                 const SamplingOptions& options, std::int64_t max_rows,
                                 const std::function<void(std::size_t, std::int32_t)>& on_token, WorkCounters* work,
                                 const std::function<void(std::size_t, const Generation&)>& on_response) {
  check_argument(max_rows > 0, "max_rows", "at least 1", max_rows);
  check_argument(options.max_new_tokens > 0, "max_new_tokens", "at least 1", options.max_new_tokens);
  check_sampling(options);
  const c10::NoGradGuard no_grad;
  const std::int64_t longest = check_prompts(requests, options.max_new_tokens, model.shape());
  const std::int64_t rows = std::min(max_rows, static_cast<std::int64_t>(requests.size()));
  std::vector<Generation> results;
  lend_weights(model, [&] {
    if (requests.empty()) return;
    // The last token of a response is sampled but never an input of the model.
    Generator generator(model, requests, options, rows, longest + options.max_new_tokens - 1, on_token, on_response);
    generator.run();
    if (work) *work += generator.work();
    results = generator.take_results();
  });
  return results;
}

}  // namespace rlhf
