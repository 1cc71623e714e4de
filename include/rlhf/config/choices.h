#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

/// The options of a config that are choices, as enums, so that the compiler checks a `switch` over them. Uses only the
/// standard library, so that every room may include it. Enumerators are the names in YAML (with a trailing underscore
/// if the name is a C++ keyword).
namespace rlhf {

/// A compute device: auto, cpu, cuda, or one of several GPUs: cuda:1.
struct DeviceChoice {
  enum class Kind { auto_, cpu, cuda };
  Kind kind = Kind::auto_;
  std::optional<int> index;  ///< of a GPU, from 0; only with cuda

  static const DeviceChoice auto_, cpu, cuda;
  bool operator==(const DeviceChoice&) const = default;

  /// As in YAML: "cuda:1".
  std::string text() const;
  /// The choice with this text, or nullopt.
  static std::optional<DeviceChoice> of_text(std::string_view text);
};
inline constexpr DeviceChoice DeviceChoice::auto_{Kind::auto_, {}}, DeviceChoice::cpu{Kind::cpu, {}},
    DeviceChoice::cuda{Kind::cuda, {}};

inline std::string DeviceChoice::text() const {
  const std::string number = index ? ":" + std::to_string(*index) : "";
  switch (kind) {
    case Kind::auto_:
      return "auto" + number;
    case Kind::cpu:
      return "cpu" + number;
    case Kind::cuda:
      return "cuda" + number;
  }
  return "";
}

inline std::optional<DeviceChoice> DeviceChoice::of_text(std::string_view text) {
  for (const DeviceChoice& choice : {auto_, cpu, cuda})
    if (text == choice.text()) return choice;
  int index = 0;
  const std::string_view prefix = "cuda:";
  if (text.starts_with(prefix)) std::from_chars(text.data() + prefix.size(), text.data() + text.size(), index);
  const DeviceChoice numbered{Kind::cuda, index};
  if (index < 0 || text != numbered.text()) return std::nullopt;  // "cuda:x", "cuda:01"
  return numbered;
}

/// A number, or `auto`: the program finds it.
struct NumberOrAuto {
  std::optional<double> number;  ///< nullopt: auto
  bool operator==(const NumberOrAuto&) const = default;
};

enum class DtypeChoice { auto_, float32, bfloat16 };
enum class TrainOn { completion, last_turn, each_turn, all };
enum class OverLength { drop, truncate, split, error };
enum class OverLengthPrompt { drop, truncate, error };
enum class LongPrompt { skip, truncate_left, error };
enum class TruncationSide { right, left };
enum class SampleBy { line, paragraph, document };
/// What of the training state each rank has only a part of.
enum class Sharding { none, optimizer, gradients, parameters };
enum class MomentDtype { float32, int8 };
enum class LrScheduleKind { constant, linear, cosine };
enum class KlControllerKind { fixed, adaptive };
enum class KlEstimator { k1, k2, k3 };
enum class KlPlace { reward, loss };
enum class LossAggregation { token_mean, sequence_mean, constant };
enum class ScorePosition { last_token, after_eos };
enum class AdvantageKind { gae, rloo, grpo, dr_grpo, reinforce_plus_plus };
/// Whether advantages are rewards compared with those of the other samples of the same prompt.
constexpr bool compares_samples(AdvantageKind kind) {
  return kind == AdvantageKind::rloo || kind == AdvantageKind::grpo || kind == AdvantageKind::dr_grpo;
}
enum class MissingEos { replace, subtract, none };
enum class RewardScaling { none, running_std, running_mean_std };
enum class RewardCheck { none, answer, regex, json, overlong };
enum class AdamEpsStyle { pytorch, tensorflow };
enum class CenterOn { chosen, all, none };
enum class RewardLoss { bradley_terry, ipo };
enum class PreferenceLoss { dpo, robust, dpo_norm, ipo, hinge, simpo, orpo, kto };
/// Whether a loss compares the policy with a reference.
constexpr bool needs_reference(PreferenceLoss loss) {
  return loss != PreferenceLoss::simpo && loss != PreferenceLoss::orpo;
}
enum class AnnotatorMethod { majority, drop_in_play, latent, em, trust };
/// Whether labels are learned from the votes, and not counted.
constexpr bool learns_labels(AnnotatorMethod method) {
  return method == AnnotatorMethod::latent || method == AnnotatorMethod::em || method == AnnotatorMethod::trust;
}
enum class DomainSharing { shared, per_domain };
enum class SumNumbers { digits, words, mixed };

}  // namespace rlhf
