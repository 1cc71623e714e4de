#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/config/cluster.h"

/// What a step of a run needs on a cluster, by the kind of sharding: memory, traffic, time. Formulas of plain numbers:
/// no tensors, no device, no files. docs/scale.md has them with their sources, and compares them with published runs.
/// Letters: n ranks on m nodes, g = n / m; bytes and FLOPs are those of one rank, unless something else is said.
namespace rlhf {

/// What the ranks share out among themselves (train.shard); each kind includes those before it. In the terms of ZeRO
/// (arXiv:1910.02054): optimizer is stage 1 (masters and moments), gradients stage 2, parameters stage 3 (FSDP).
inline constexpr std::array kShardings = {Sharding::none, Sharding::optimizer, Sharding::gradients,
                                          Sharding::parameters};
std::string_view name_of(Sharding shard);

/// The data sheet of a GPU, and of the machines in which it usually is.
struct GpuSpec {
  const char* title;         ///< "H100 SXM 80 GB"
  double flops;              ///< dense bfloat16 FLOP/s
  double memory;             ///< bytes
  double memory_bandwidth;   ///< bytes/s
  double node_bandwidth;     ///< between GPUs of a node, bytes/s in one direction
  double network_bandwidth;  ///< between nodes, bytes/s in one direction for each GPU
  double utilisation;        ///< assumed: share of `flops` that matrix products of training and scoring reach
};
const GpuSpec& spec_of(GpuKind kind);

/// Assumed: the share of memory_bandwidth that reading weights and KV cache reaches in generation.
inline constexpr double kDecodeEfficiency = 0.6;
/// Assumed: the share of node_bandwidth and network_bandwidth that a sum or a gathering over all ranks reaches.
inline constexpr double kLinkEfficiency = 0.8;

/// A model of the run. "Elements" are numbers of weights.
struct Role {
  std::string name;            ///< "policy", "reference", …: the row of its weights in the table
  double weight_bytes = 0;     ///< in memory: not those that it shares with an earlier role
  double trained = 0;          ///< elements that are trained; 0: none
  double element_bytes = 2;    ///< of an element in the compute dtype,
  double gradient_bytes = 4;   ///< its gradient,
  double state_bytes = 12;     ///< its master and moments
  double matrix_elements = 0;  ///< with which each token is multiplied: no embedding; a head only if it is computed
  double attention_width = 0;  ///< layers · query heads · head size
  double layers = 1;
  double forwards = 0;           ///< forward passes without gradients over the tokens of a step
  double more_tokens = 0;        ///< trained in a step beside those of Workload, over all passes
  bool before_training = false;  ///< in memory only before the first step, at the place of the activations

  bool trains() const { return trained > 0; }
};

/// The responses of a step.
struct RolloutSize {
  double responses = 0;             ///< of all ranks; 0: the method samples nothing
  double prompt = 0, response = 0;  ///< mean tokens of a prompt, tokens of a response: all are the longest
  double longest_prompt = 0;        ///< tokens
  double prefilled = 0;             ///< tokens of all ranks' prompts; equal prompts count once
  double cache_bytes = 0;           ///< KV cache of a token
  double forward_bytes = 0;         ///< of a token of a prompt
};

/// A step of the run, over all ranks.
struct Workload {
  std::vector<Role> roles;        ///< the policy, or the only model, is the first
  double sequences = 0;           ///< samples, pairs or responses of a step: the ranks share these out
  double tokens = 0;              ///< of these, each once
  double context = 0;             ///< mean tokens of a text
  double longest = 0;             ///< tokens of the largest sample, which is never split
  double passes = 1;              ///< over the tokens, with gradients, per step
  double updates = 1;             ///< optimizer steps per step
  double micro_batch_tokens = 0;  ///< 0: derived from the memory, as in train/plan.h
  double activation_bytes = 0;    ///< of a token, kept for the backward pass
  double logits_bytes = 0;        ///< of a chunk of logits and its gradient
  bool recompute = false;
  RolloutSize generation;
};

/// The bytes of one rank. Activations and rollout follow each other, so the larger one counts.
struct ScaleMemory {
  std::vector<double> weights;  ///< by role; 0 for those before_training
  double gradients = 0, states = 0;
  double gathered = 0;      ///< parameters: two layers of the largest model
  double activations = 0;   ///< or the model that is in memory before_training, if that is larger
  double rollout = 0;       ///< KV cache, prompts and, with Sharding::parameters, what is gathered of the policy
  bool lends_whole = true;  ///< parameters: passes without gradients gather a model once, and not each of its layers
  double micro_batch_tokens = 0;
  double total() const;
};

/// Seconds.
struct ScaleTime {
  double prefill = 0, decode = 0, scoring = 0, training = 0, communication = 0;
  double generation() const { return prefill + decode; }
  double compute() const { return scoring + training; }
  double total() const { return generation() + compute() + communication; }
};

struct ScalePlan {
  ScaleMemory memory;
  double traffic = 0;  ///< bytes that a rank sends in a step
  ScaleTime time;
  bool fits = false;
  std::string_view limit;  ///< "memory" if it does not fit, else the largest of generation, compute, communication
};

/// The bytes that a rank sends when tensors of `bytes` go once around a ring of n ranks, as in a reduce-scatter or an
/// all-gather: (n − 1)/n · bytes. An all-reduce is both: 2 (n − 1)/n · bytes.
double ring_traffic(double bytes, int ranks);
/// Its seconds. In a node each GPU sends (g − 1)/g · bytes, between nodes (m − 1)/m · bytes/g, at the same time: the
/// slower of the two decides.
double ring_seconds(double bytes, const Cluster& cluster);
/// FLOPs of a forward pass per token: 2 · matrix_elements + 2 · attention_width · context (causal: half a square).
double forward_flops(const Role& role, double context);
/// FLOPs of forward and backward pass per token: three times that, but gradients of weights only where weights are
/// trained; with `recompute` another forward pass.
double training_flops(const Role& role, double context, bool recompute);

/// Throws ArgumentError unless the cluster has at least one rank and its nodes divide them, and the workload has a
/// role and sequences.
ScalePlan plan_scale(const Workload& workload, const Cluster& cluster, Sharding shard);

/// The plans of kShardings as a table: lines of text.
std::vector<std::string> scale_table(const Workload& workload, const Cluster& cluster);

}  // namespace rlhf
