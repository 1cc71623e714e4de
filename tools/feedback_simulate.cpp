// rlhf-feedback simulate: judgments of annotators whose reliability and biases are known.
#include "feedback_simulate.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <tuple>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/records/judgments.h"

#include "annotator_specs.h"
#include "command_line.h"
#include "feedback_source.h"
#include "front.h"
#include "output_file.h"
#include "power_table.h"
#include "questions.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    R"(usage: rlhf-feedback simulate [FILE] --output OUT.jsonl [flags]
       rlhf-feedback simulate --power

Writes judgments of simulated annotators, whose reliability and biases are known, to try out a plan or a method.
example: rlhf-feedback simulate --annotators 15:rationality=2.5,agreement=3 --annotators 5 --hinted 0.7 --output sim.jsonl

  FILE                  pairs in any format that rlhf-rm reads; the chosen response is the better one. Without FILE
                        sums are made up, with a right and a wrong response
  --output OUT          file to write (JSONL, format judgments, with the better response as gold)
  --overwrite           replace the output file if it exists
  --annotators SPEC     COUNT or COUNT:KEY=VALUE,...; repeat the flag for several kinds (default 20)
  --votes N             annotators per pair, drawn by chance (3)
  --experts SPEC        the same for experts, one vote each (default 3:rationality=4, 98 % right)
  --expert-share SHARE  of the pairs, drawn by chance, that one of the experts judges too (0.05)
  --pairs N             sums to make up (1000)
  --hinted SHARE        of them, where the asker states a belief (0)
  --wrong-hints SHARE   of these, where the belief is wrong (0.5)
  --domains N           domains of the sums (1)
  --quality-spread S    the quality difference of a pair is e^(S * normal) (0: always 1)
  --seed N              another seed gives other votes (0)
  --power               print how many votes, experts and gold items a plan needs, and write nothing
  --help                print this text

keys of annotators:
)";

/// Crowd and experts in one list, the crowd first.
struct People {
  std::vector<SimulatedAnnotator> annotators;
  std::int32_t crowd = 0;
  std::string name(std::int32_t k) const {
    return k < crowd ? "crowd-" + std::to_string(k + 1) : "expert-" + std::to_string(k - crowd + 1);
  }
};

People people_of(const SimulateOptions& options) {
  SimulatedAnnotator expert;
  expert.rationality = 4;
  const std::vector<std::string> crowd =
      options.annotators.empty() ? std::vector<std::string>{"20"} : options.annotators;
  const std::vector<std::string> experts = options.experts.empty() ? std::vector<std::string>{"3"} : options.experts;
  People people{annotators_of("--annotators", crowd, {})};
  people.crowd = static_cast<std::int32_t>(people.annotators.size());
  for (const SimulatedAnnotator& annotator : annotators_of("--experts", experts, expert))
    people.annotators.push_back(annotator);
  if (options.votes < 1 || options.votes > people.crowd)
    refuse("--votes", "1 to the number of annotators, " + std::to_string(people.crowd), std::to_string(options.votes));
  for (const SimulatedAnnotator& annotator : people.annotators)
    if (!annotator.expertise.empty() &&
        annotator.expertise.size() < static_cast<std::size_t>(options.population.domains))
      refuse("expertise", "a factor for each of the --domains, " + std::to_string(options.population.domains),
             std::to_string(annotator.expertise.size()));
  return people;
}

void check_share(const std::string& flag, double share) {
  if (!(share >= 0 && share <= 1)) refuse(flag, "0 to 1", std::to_string(share));
}

void check(const SimulateOptions& options) {
  check_share("--expert-share", options.expert_share);
  check_share("--hinted", options.population.hinted);
  check_share("--wrong-hints", options.population.wrong_hints);
  if (options.population.pairs < 1) refuse("--pairs", "at least 1", std::to_string(options.population.pairs));
  if (!(options.population.quality_spread >= 0 && options.population.quality_spread <= 10))
    refuse("--quality-spread", "0 to 10", std::to_string(options.population.quality_spread));
  if (options.population.domains < 1) refuse("--domains", "at least 1", std::to_string(options.population.domains));
  if (options.output.empty()) refuse("--output", "a file to write", "nothing");
  const PairPopulation given, &made = options.population;
  const bool sums = std::tie(made.pairs, made.domains, made.hinted, made.wrong_hints) !=
                    std::tie(given.pairs, given.domains, given.hinted, given.wrong_hints);
  if (!options.file.empty() && sums)
    refuse("--pairs, --domains, --hinted, --wrong-hints", "sums that are made up", options.file);
}

/// What is judged: the questions, and the pairs with their numbers.
struct Subject {
  std::vector<Question> questions;
  std::vector<SimulatedPair> pairs;
};

Subject subject_of(const SimulateOptions& options) {
  Subject subject;
  PairPopulation population = options.population;
  if (!options.file.empty()) {
    subject.questions = read_questions(path_argument("FILE", options.file));
    population.pairs = static_cast<std::int32_t>(subject.questions.size());
    population.domains = 1;  // a file's pairs have none
  }
  subject.pairs = simulate_pairs(population, options.seed);
  if (options.file.empty()) subject.questions = make_up_questions(subject.pairs, population.domains, options.seed);
  measure(subject.questions, subject.pairs);
  return subject;
}

std::vector<Assignment> assignments_of(const Subject& subject, const People& people, const SimulateOptions& options) {
  const auto pairs = static_cast<std::int32_t>(subject.pairs.size());
  const auto experts = static_cast<std::int32_t>(people.annotators.size()) - people.crowd;
  std::vector<Assignment> asked = assign_annotators(pairs, people.crowd, options.votes, options.seed);
  const auto seen = expert_labels(subject.pairs, options.expert_share, options.seed);
  for (std::int32_t i = 0, turn = 0; i < pairs; ++i)
    if (seen[i] != 0) asked.push_back({i, people.crowd + turn++ % experts});
  return asked;
}

Judgment judgment_of(const PairVote& vote, const People& people) {
  Judgment judgment;
  judgment.annotator = people.name(vote.annotator);
  judgment.role = vote.annotator < people.crowd ? AnnotatorRole::crowd : AnnotatorRole::expert;
  if (vote.answer == 0) judgment.verdict.kind = Verdict::Kind::tie;
  judgment.verdict.choice = vote.answer < 0 ? 1 : 0;
  judgment.scale = vote.scale;
  judgment.strength = vote.answer < 0 ? -vote.answer : vote.answer;
  judgment.order = vote.position < 0 ? std::vector<std::int32_t>{1, 0} : std::vector<std::int32_t>{0, 1};
  return judgment;
}

JudgedRecord record_of(const Question& question, const SimulatedPair& pair, std::size_t index) {
  JudgedRecord record{.id = index, .prompt = question.prompt, .domain = question.domain, .chat = question.chat};
  record.whole = question.whole;
  const bool first = pair.quality > 0;
  record.responses.push_back({.answer = first ? question.better : question.worse});
  record.responses.push_back({.answer = first ? question.worse : question.better});
  record.gold = Verdict{.choice = first ? 0 : 1};
  return record;
}

/// The share of pairs that most votes of the crowd get wrong; equal counts are half wrong.
double wrong_majorities(const Subject& subject, const SimulatedVotes& votes, const People& people) {
  std::vector<int> counts(subject.pairs.size());
  for (const PairVote& vote : votes.votes)
    if (vote.annotator < people.crowd) counts[vote.pair] += vote.answer > 0 ? 1 : vote.answer < 0 ? -1 : 0;
  double wrong = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) wrong += 0.5;
    if (counts[i] != 0 && (counts[i] > 0) != (subject.pairs[i].quality > 0)) wrong += 1;
  }
  return wrong / static_cast<double>(counts.size());
}

void log_result(const SimulateOptions& options, std::size_t records, const SimulatedVotes& votes, double wrong) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(),
                "the majority of the crowd is wrong on %.1f %% of the pairs; the votes cost %g", 100 * wrong,
                votes.cost);
  log_info("wrote " + std::to_string(records) + " records with " + std::to_string(votes.votes.size()) +
           " judgments to " + options.output);
  log_info(text.data());
}

}  // namespace

std::string simulate_help() { return kUsage + annotator_spec_help(); }

void simulate(const SimulateOptions& options) {
  if (options.power) return print(power_table());
  check(options);
  const People people = people_of(options);
  const fs::path output = path_argument("--output", options.output);
  check_output(output, options.overwrite);
  const Subject subject = subject_of(options);
  const SimulatedVotes votes =
      simulate_votes(subject.pairs, people.annotators, assignments_of(subject, people, options), options.seed);

  std::vector<JudgedRecord> records;
  for (std::size_t i = 0; i < subject.pairs.size(); ++i)
    records.push_back(record_of(subject.questions[i], subject.pairs[i], i));
  for (const PairVote& vote : votes.votes) records[vote.pair].judgments.push_back(judgment_of(vote, people));
  std::string text;
  for (const JudgedRecord& record : records) text += to_json(record).dump() + "\n";
  make_parent_folder(output);
  write_file_atomically(output, text);
  log_result(options, records.size(), votes, wrong_majorities(subject, votes, people));
}

}  // namespace rlhf
