// MACE: annotators know the truth or answer out of habit.
#include "rlhf/feedback/mace.h"

#include <cmath>

#include "rlhf/core/random.h"

#include "feedback/digamma.h"
#include "feedback/vote_tables.h"

namespace rlhf {
namespace {

/// θ of the annotators, variational: rows need not add up to 1.
struct Parameters {
  std::vector<double> spamming;  // s, [annotators]
  std::vector<double> knowing;   // 1 − s, [annotators]
  std::vector<double> habits;    // ξ, [annotators, choices]
};

/// Expected counts of votes.
struct Counts {
  std::vector<double> knowing;  // [annotators]
  std::vector<double> habits;   // [annotators, choices]; their sum over choices is the count of spamming
};

Parameters first_start(const Votes& votes) {
  const std::size_t annotators = votes.annotators, choices = votes.choices;
  return {std::vector<double>(annotators, 0.5), std::vector<double>(annotators, 0.5),
          std::vector<double>(annotators * choices, 1.0 / votes.choices)};
}

/// s and ξ from numbers between 1 and 2, normalised.
Parameters random_start(const Votes& votes, std::uint64_t seed, int start) {
  Parameters found = first_start(votes);
  const std::uint64_t stream = random_stream(0x6d616365, start);  // the purpose of these random numbers
  std::uint64_t index = 0;
  for (std::size_t k = 0; k < found.spamming.size(); ++k) {
    const double spamming = 1 + random_uniform(seed, stream, index++),
                 knowing = 1 + random_uniform(seed, stream, index++);
    found.spamming[k] = spamming / (spamming + knowing);
    found.knowing[k] = knowing / (spamming + knowing);
    double* habits = found.habits.data() + k * votes.choices;
    double sum = 0;
    for (std::int32_t l = 0; l < votes.choices; ++l) sum += habits[l] = 1 + random_uniform(seed, stream, index++);
    for (std::int32_t l = 0; l < votes.choices; ++l) habits[l] /= sum;
  }
  return found;
}

VoteTables log_tables_of(const Parameters& parameters, std::size_t choices) {
  VoteTables tables;
  for (std::size_t k = 0; k < parameters.knowing.size(); ++k)
    for (std::size_t c = 0; c < choices; ++c)
      for (std::size_t l = 0; l < choices; ++l)
        tables.push_back(std::log(parameters.spamming[k] * parameters.habits[k * choices + l] +
                                  (c == l ? parameters.knowing[k] : 0)));
  return tables;
}

/// A vote for the true choice was cast knowing it with probability (1 − s) / (1 − s + s·ξ); any other out of habit.
Counts expected_counts(const Votes& votes, const LabelPosterior& labels, const Parameters& parameters) {
  const std::size_t choices = votes.choices;
  Counts counts{std::vector<double>(votes.annotators), std::vector<double>(votes.annotators * choices)};
  for (const Vote& vote : votes.list) {
    const std::size_t k = vote.annotator, habit = k * choices + vote.choice;
    const double spamming = parameters.spamming[k] * parameters.habits[habit];
    const double right = labels.probabilities[vote.item * choices + vote.choice];
    const double knew = right * parameters.knowing[k] / (parameters.knowing[k] + spamming);
    counts.knowing[k] += knew;
    counts.habits[habit] += 1 - knew;
  }
  return counts;
}

/// exp(ψ(count + prior) − ψ(total + total of the priors)).
double variational(double count_with_prior, double total_with_priors) {
  return std::exp(digamma(count_with_prior) - digamma(total_with_priors));
}

Parameters variational_step(const Counts& counts, std::size_t choices, const MacePrior& prior) {
  Parameters found{{}, {}, counts.habits};
  for (std::size_t k = 0; k < counts.knowing.size(); ++k) {
    double* habits = found.habits.data() + k * choices;
    double spamming = 0;
    for (std::size_t l = 0; l < choices; ++l) spamming += habits[l];
    const double votes = spamming + counts.knowing[k] + prior.spamming + prior.knowing;
    found.spamming.push_back(variational(spamming + prior.spamming, votes));
    found.knowing.push_back(variational(counts.knowing[k] + prior.knowing, votes));
    const double total = spamming + prior.habit * static_cast<double>(choices);
    for (std::size_t l = 0; l < choices; ++l) habits[l] = variational(habits[l] + prior.habit, total);
  }
  return found;
}

void set_expectations(Mace& model, const Counts& counts, const MacePrior& prior) {
  const std::size_t choices = model.labels.choices;
  model.competence = counts.knowing;
  model.habits = counts.habits;
  for (std::size_t k = 0; k < counts.knowing.size(); ++k) {
    double* habits = model.habits.data() + k * choices;
    double spamming = 0;
    for (std::size_t l = 0; l < choices; ++l) spamming += habits[l];
    for (std::size_t l = 0; l < choices; ++l)
      habits[l] = (habits[l] + prior.habit) / (spamming + prior.habit * static_cast<double>(choices));
    model.competence[k] =
        (counts.knowing[k] + prior.knowing) / (spamming + counts.knowing[k] + prior.spamming + prior.knowing);
  }
}

Mace fit_from(const Votes& votes, const MaceOptions& options, Parameters parameters) {
  const std::vector<double> log_shares(votes.choices, -std::log(votes.choices));
  Mace model{start_labels(votes, options.em), {}, {}, {}};
  const auto posterior = [&](LabelPosterior& labels) {
    return label_posterior(votes, log_shares, log_tables_of(parameters, votes.choices), options.em, labels);
  };
  posterior(model.labels);
  model.report = run_em(model.labels, options.em, [&](LabelPosterior& labels) {
    parameters = variational_step(expected_counts(votes, labels, parameters), votes.choices, options.prior);
    return posterior(labels);
  });
  set_expectations(model, expected_counts(votes, model.labels, parameters), options.prior);
  return model;
}

void check_prior(const MacePrior& prior) {
  check_argument(prior.spamming > 0 && std::isfinite(prior.spamming), "prior.spamming", "above 0", prior.spamming);
  check_argument(prior.knowing > 0 && std::isfinite(prior.knowing), "prior.knowing", "above 0", prior.knowing);
  check_argument(prior.habit > 0 && std::isfinite(prior.habit), "prior.habit", "above 0", prior.habit);
}

}  // namespace

Mace fit_mace(const Votes& votes, const MaceOptions& options) {
  check_em(votes, options.em);
  check_prior(options.prior);
  check_argument(options.starts >= 1, "starts", "at least 1", options.starts);
  Mace best = fit_from(votes, options, first_start(votes));
  for (int start = 1; start < options.starts; ++start) {
    Mace other = fit_from(votes, options, random_start(votes, options.seed, start));
    if (other.report.objective > best.report.objective) best = std::move(other);
  }
  return best;
}

}  // namespace rlhf
