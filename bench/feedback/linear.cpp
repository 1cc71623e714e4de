// bench-feedback: a linear reward model in place of the language model of rlhf-rm, with the same data, labels and
// losses. It trains in a second, so that methods can be compared on many draws.
//
// Records have two responses. Writes scores.jsonl (the margin of the chosen response, a line for each record of --eval)
// and, of methods that learn, annotators.json and labels.jsonl as rlhf-rm does.
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/random.h"
#include "rlhf/records/records.h"

#include "data/judgment_collector.h"
#include "feedback/sigmoid.h"
#include "linear_model.h"
#include "train/annotator_report.h"
#include "train/learned_labels.h"

namespace rlhf {
namespace {

constexpr std::size_t kFitsPerEpoch = 10;  // as rlhf-rm

const std::map<std::string, AnnotatorMethod> kMethods = {{"majority", AnnotatorMethod::majority},
                                                         {"drop_in_play", AnnotatorMethod::drop_in_play},
                                                         {"latent", AnnotatorMethod::latent},
                                                         {"em", AnnotatorMethod::em},
                                                         {"trust", AnnotatorMethod::trust}};

struct Options {
  std::string train, eval, method = "majority", output;
  bool per_domain = false;
  std::vector<std::string> biases = {"agreement"};
  std::size_t epochs = 3;
  std::uint64_t seed = 0;
  LinearOptions model;
};

/// Pairs as the model sees them: the features of the first response minus those of the second.
struct Pairs {
  std::vector<SparseVector> features;
  std::vector<RankedSample> samples;
};

struct TrainingData {
  Pairs pairs;
  JudgedVotes judged;
};

/// The features of texts, of which each is in many pairs.
class KnownTexts {
 public:
  const SparseVector& of(const std::string& text) {
    const auto [at, is_new] = known_.try_emplace(text);
    if (is_new) at->second = features_of(text);
    return at->second;
  }
  /// Of the first response minus those of the second.
  SparseVector difference_of(const Preference& record) {
    return difference(of(record.answers.at(0).text), of(record.answers.at(1).text));
  }

 private:
  std::map<std::string, SparseVector> known_;
};

TrainingData read_training_pairs(const Options& options) {
  TrainingData data;
  KnownTexts texts;
  JudgmentCollector collector({.method = kMethods.at(options.method), .biases = options.biases});
  RecordReading reading;
  reading.keep_judgments = true;
  for_each_preference({options.train}, reading, [&](Preference record, const RecordPlace& place) {
    collector.label(record, place);
    if (record.pairs.empty()) return;
    data.pairs.features.push_back(texts.difference_of(record));
    data.pairs.samples.push_back({.texts = {}, .pairs = record.pairs});
  });
  data.judged = collector.take();
  return data;
}

/// The margin of the chosen response of each record.
std::string scores_of(const LinearModel& model, const std::string& file) {
  std::string lines;
  KnownTexts texts;
  for_each_preference({file}, {}, [&](const Preference& record, const RecordPlace&) {
    const double margin = model.value(texts.difference_of(record));  // a pair's first answer is the chosen one
    lines += nlohmann::json{{"margin", margin}}.dump() + "\n";
  });
  return lines;
}

/// The derivative of the loss of a sample (algo/reward_loss.h) by the margin of its first response.
double slope_of(const RankedSample& sample, double margin) {
  double sum = 0;
  for (const RankedPair& pair : sample.pairs) {
    const double side = pair.chosen == 0 ? 1 : -1;
    const double gap = pair.trust * side * margin;
    const auto slope = [&](double r) { return sigmoid(r) - sigmoid(r + pair.evidence); };
    sum += pair.weight * pair.trust * side * (pair.target * slope(gap) - (1 - pair.target) * slope(-gap));
  }
  return sum / static_cast<double>(sample.pairs.size());
}

class Training {
 public:
  Training(const Options& options, TrainingData data)
      : options_(options), pairs_(std::move(data.pairs)), model_(options.model) {
    if (!learns_labels(kMethods.at(options.method))) return;
    RewardModelOptions reading;
    reading.annotators = kMethods.at(options.method);
    if (options.per_domain) reading.domains = DomainSharing::per_domain;
    labels_.emplace(reading, std::move(data.judged), pairs_.samples);
    labels_->label(pairs_.samples);
  }

  const LinearModel& run() {
    const std::size_t size = pairs_.samples.size(), between = std::max<std::size_t>(1, size / kFitsPerEpoch);
    for (std::size_t epoch = 0; epoch < options_.epochs; ++epoch) {
      const std::vector<std::size_t> order = random_permutation(size, options_.seed, random_stream(epoch));
      for (std::size_t i = 0; i < size; ++i) {
        if (i % between == 0 && epoch + i > 0) refit();
        step(order[i]);
      }
    }
    if (labels_) labels_->fit();
    return model_;
  }

  const std::optional<LearnedLabels>& labels() const { return labels_; }

 private:
  void refit() {
    if (!labels_ || !labels_->changes()) return;
    labels_->fit();
    labels_->label(pairs_.samples);
  }

  void step(std::size_t at) {
    const double margin = model_.value(pairs_.features[at]);
    if (labels_) labels_->see(at, std::vector<float>{static_cast<float>(margin), 0});
    model_.step(pairs_.features[at], slope_of(pairs_.samples[at], margin));
  }

  Options options_;
  Pairs pairs_;
  LinearModel model_;
  std::optional<LearnedLabels> labels_;
};

void write_labels(const LearnedLabels& labels, const Options& options) {
  const std::filesystem::path folder = options.output;
  write_file_atomically(folder / "annotators.json", to_json(labels).dump(2) + "\n");
  DataOptions data;
  data.train = {{.path = options.train}};
  write_labels(labels, data, folder / "labels.jsonl");
}

std::optional<int> read_options(int argc, char** argv, Options& options) {
  CLI::App app("A linear reward model on judgments.", "bench-feedback");
  app.add_option("--train", options.train, "judgments, or pairs")->required();
  app.add_option("--eval", options.eval, "pairs")->required();
  app.add_option("--output", options.output, "folder for the results")->required();
  std::vector<std::string> methods;
  for (const auto& [name, method] : kMethods) methods.push_back(name);
  app.add_option("--method", options.method, "how judgments become labels: reward_model.annotators of rlhf-rm")
      ->check(CLI::IsMember(methods));
  app.add_flag("--per-domain", options.per_domain, "reward_model.domains=per_domain");
  app.add_option("--biases", options.biases, "reward_model.biases")->delimiter(',');
  app.add_option("--epochs", options.epochs);
  app.add_option("--seed", options.seed, "of the order of the pairs");
  app.add_option("--rate", options.model.rate);
  app.add_option("--decay", options.model.decay);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return std::nullopt;
}

void run(const Options& options) {
  std::filesystem::create_directories(options.output);
  Training training(options, read_training_pairs(options));
  const std::string scores = scores_of(training.run(), options.eval);
  if (training.labels()) write_labels(*training.labels(), options);
  write_file_atomically(std::filesystem::path(options.output) / "scores.jsonl", scores);
}

}  // namespace
}  // namespace rlhf

int main(int argc, char** argv) try {
  rlhf::Options options;
  if (const auto code = rlhf::read_options(argc, argv, options)) return *code;
  rlhf::run(options);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "error: " << error.what() << "\n";
  return 1;
}
