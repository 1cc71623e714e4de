// Memory, traffic and time of a step on a cluster.
#include "rlhf/train/scale_plan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>

#include "rlhf/config/describe.h"
#include "rlhf/core/check_argument.h"

#include "micro_batch.h"

namespace rlhf {

namespace {

constexpr double kPrefillTokens = 1 << 15;  // as in the generator

/// In the order of GpuKind. NVIDIA's data sheets (docs/scale.md); utilisation is assumed.
constexpr GpuSpec kGpus[] = {
    {"H100 SXM 80 GB", 989.4e12, 80e9, 3.35e12, 450e9, 50e9, 0.40},
    {"H200 SXM 141 GB", 989.4e12, 141e9, 4.8e12, 450e9, 50e9, 0.40},
    {"A100 SXM 80 GB", 312e12, 80e9, 2.039e12, 300e9, 25e9, 0.55},
    {"L40S 48 GB", 362.05e12, 48e9, 0.864e12, 32e9, 6.25e9, 0.40},
};
static_assert(std::size(kGpus) == kGpuNames.size());

/// Rounds up, but not what exceeds a whole number only by the errors of earlier operations.
double rounded_up(double number) { return std::ceil(number - 1e-9); }

double sum_over(const std::vector<Role>& roles, const std::function<double(const Role&)>& of) {
  return std::accumulate(roles.begin(), roles.end(), 0.0, [&](double sum, const Role& role) { return sum + of(role); });
}

/// A step on one rank: that with the largest share.
class RankStep {
 public:
  RankStep(const Workload& work, const Cluster& cluster, Sharding shard)
      : work_(work), roles_(work.roles), cluster_(cluster), gpu_(spec_of(cluster.gpu)), shard_(shard) {}

  ScalePlan plan() const {
    ScalePlan plan;
    plan.memory = memory();
    const double ring = ring_bytes(plan.memory);
    plan.traffic = ring_traffic(ring, cluster_.ranks);
    plan.time = time();
    plan.time.communication = ring_seconds(ring, cluster_);
    plan.fits = plan.memory.total() <= gpu_.memory;
    plan.limit = limit(plan);
    return plan;
  }

 private:
  double ranks() const { return cluster_.ranks; }
  /// What is left of `bytes` on a rank if `kind` or what includes it is shared out.
  double shared(double bytes, Sharding kind) const { return shard_ >= kind ? bytes / ranks() : bytes; }
  /// The largest share of a rank in `count` samples.
  double share(double count) const { return rounded_up(count / ranks()) / count; }

  double tokens_of_step() const { return work_.tokens * share(work_.sequences); }
  /// With gradients, on one rank.
  double tokens_of_update() const {
    const double of_update = work_.passes / work_.updates;
    return work_.tokens * of_update * share(std::max(1.0, work_.sequences * of_update));
  }
  double responses() const { return rounded_up(work_.generation.responses / ranks()); }

  ScaleMemory memory() const {
    ScaleMemory memory;
    double largest_layer = 0, before = 0;
    for (const Role& role : roles_) {
      const double bytes = shared(role.weight_bytes, Sharding::parameters);
      memory.weights.push_back(role.before_training ? 0 : bytes);
      if (role.before_training) before += bytes;
      largest_layer = std::max(largest_layer, role.weight_bytes / role.layers);
    }
    memory.gradients =
        shared(sum_over(roles_, [](const Role& r) { return r.trained * r.gradient_bytes; }), Sharding::gradients);
    memory.states =
        shared(sum_over(roles_, [](const Role& r) { return r.trained * r.state_bytes; }), Sharding::optimizer);
    if (shard_ >= Sharding::parameters) memory.gathered = 2 * largest_layer;
    memory.micro_batch_tokens = micro_batch_tokens(memory.total());
    const double held = std::min(memory.micro_batch_tokens, std::max(work_.longest, tokens_of_update()));
    memory.activations = std::max(held * work_.activation_bytes + work_.logits_bytes, before);
    memory.rollout = rollout();
    if (shard_ < Sharding::parameters || work_.generation.responses == 0) return memory;
    memory.rollout += roles_.front().weight_bytes * (1 - 1 / ranks());
    memory.lends_whole = memory.total() <= gpu_.memory;
    if (!memory.lends_whole) memory.rollout = rollout() + memory.gathered;
    return memory;
  }

  /// Beside the weights.
  double rollout() const {
    const RolloutSize& g = work_.generation;
    if (g.responses == 0) return 0;
    const double prompts = std::min(kPrefillTokens, g.prefilled * share(g.responses));
    const double cache = responses() * (g.longest_prompt + g.response) * g.cache_bytes;
    return cache + prompts * g.forward_bytes + work_.logits_bytes / 2;
  }

  double micro_batch_tokens(double resident) const {
    if (work_.micro_batch_tokens > 0) return std::max(work_.micro_batch_tokens, work_.longest);
    const auto whole = [](double number) { return static_cast<std::int64_t>(std::clamp(number, -0x1p62, 0x1p62)); };
    return static_cast<double>(fit_micro_batch(std::max<std::int64_t>(1, whole(work_.activation_bytes)),
                                               whole(gpu_.memory - resident), whole(work_.longest), kGpuCap));
  }

  /// The bytes that go around the ring in a step.
  double ring_bytes(const ScaleMemory& memory) const {
    const double gradients = sum_over(roles_, [](const Role& r) { return r.trained * r.gradient_bytes; });
    const double updated = sum_over(roles_, [](const Role& r) { return r.trained * r.element_bytes; });
    const double micro_batches = rounded_up(tokens_of_update() / memory.micro_batch_tokens);
    switch (shard_) {
      case Sharding::none:
        return work_.updates * 2 * gradients;
      case Sharding::optimizer:
        return work_.updates * (gradients + updated);
      case Sharding::gradients:
        return work_.updates * (micro_batches * gradients + updated);
      case Sharding::parameters:
        break;
    }
    const double trained = sum_over(roles_, [](const Role& r) { return r.trains() ? r.weight_bytes : 0; });
    const double forwards = sum_over(roles_, [](const Role& r) { return r.forwards * r.weight_bytes; });
    const double sampled = work_.generation.responses > 0 ? roles_.front().weight_bytes : 0;
    const double in_training = work_.updates * micro_batches * (gradients + 2 * trained);
    if (memory.lends_whole) return in_training + forwards + sampled;
    return in_training + rounded_up(tokens_of_step() / memory.micro_batch_tokens) * forwards +
           work_.generation.response * sampled;
  }

  ScaleTime time() const {
    ScaleTime time;
    const double rate = gpu_.flops * gpu_.utilisation, context = work_.context;
    time.scoring = tokens_of_step() / rate *
                   sum_over(roles_, [&](const Role& r) { return r.forwards * forward_flops(r, context); });
    const double trained = tokens_of_update() * work_.updates, more = share(work_.sequences);
    time.training = sum_over(roles_,
                             [&](const Role& r) {
                               if (!r.trains()) return 0.0;
                               return (trained + r.more_tokens * more) * training_flops(r, context, work_.recompute);
                             }) /
                    rate;
    const RolloutSize& g = work_.generation;
    if (g.responses == 0) return time;
    time.prefill = g.prefilled * share(g.responses) * forward_flops(roles_.front(), g.prompt) / rate;
    time.decode = decode(rate);
    return time;
  }

  /// Every token reads all weights and the cache, and is computed: the slower of the two decides.
  double decode(double rate) const {
    const RolloutSize& g = work_.generation;
    const Role& policy = roles_.front();
    const double context = g.prompt + (g.response - 1) / 2;  // mean number of cached tokens
    const double read = policy.matrix_elements * policy.element_bytes + responses() * context * g.cache_bytes;
    const double flops = responses() * forward_flops(policy, 2 * context);
    return g.response * std::max(read / (gpu_.memory_bandwidth * kDecodeEfficiency), flops / rate);
  }

  static std::string_view limit(const ScalePlan& plan) {
    if (!plan.fits) return "memory";
    const ScaleTime& t = plan.time;
    const double most = std::max({t.generation(), t.compute(), t.communication});
    return most == t.generation() ? "generation" : most == t.compute() ? "compute" : "communication";
  }

  const Workload& work_;
  const std::vector<Role>& roles_;
  const Cluster& cluster_;
  const GpuSpec& gpu_;
  const Sharding shard_;
};

}  // namespace

std::string_view name_of(Sharding shard) { return enum_names<Sharding>()[static_cast<std::size_t>(shard)]; }

const GpuSpec& spec_of(GpuKind kind) { return kGpus[static_cast<std::size_t>(kind)]; }

double ScaleMemory::total() const {
  return std::accumulate(weights.begin(), weights.end(),
                         gradients + states + std::max(activations + gathered, rollout));
}

double ring_traffic(double bytes, int ranks) { return bytes * (ranks - 1) / ranks; }

double ring_seconds(double bytes, const Cluster& cluster) {
  const GpuSpec& gpu = spec_of(cluster.gpu);
  const int per_node = cluster.ranks / cluster.nodes;
  const double inside = ring_traffic(bytes, per_node) / gpu.node_bandwidth;
  const double between = ring_traffic(bytes / per_node, cluster.nodes) / gpu.network_bandwidth;
  return std::max(inside, between) / kLinkEfficiency;
}

double forward_flops(const Role& role, double context) {
  return 2 * role.matrix_elements + 2 * role.attention_width * context;
}

double training_flops(const Role& role, double context, bool recompute) {
  const double forward = forward_flops(role, context);
  const double inputs = 2 * role.matrix_elements + 4 * role.attention_width * context;
  const double weights = 2 * std::min(role.trained, role.matrix_elements);
  return forward + inputs + weights + (recompute ? forward : 0);
}

ScalePlan plan_scale(const Workload& workload, const Cluster& cluster, Sharding shard) {
  check_argument(cluster.ranks >= 1, "cluster.ranks", "at least 1", cluster.ranks);
  check_argument(cluster.nodes >= 1 && cluster.ranks % cluster.nodes == 0, "cluster.nodes",
                 "a divisor of " + std::to_string(cluster.ranks), cluster.nodes);
  check_argument(!workload.roles.empty(), "workload.roles", "at least one model", "none");
  check_argument(workload.sequences >= 1, "workload.sequences", "at least 1", workload.sequences);
  return RankStep(workload, cluster, shard).plan();
}

}  // namespace rlhf
