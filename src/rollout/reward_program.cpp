// Scores of a program in any language, over pipes.
#include <algorithm>
#include <future>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/child_process.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/rollout/reward_terms.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const ResponseRecord& response) {
  const Json line{{"prompt", response.prompt},
                  {"response", response.response},
                  {"finish", response.finish == Finish::stop ? "stop" : "length"},
                  {"record", parse_json(response.record, "the record of a prompt", throw_as<DataError>)}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

class ProgramReward : public RewardSource {
 public:
  explicit ProgramReward(const RewardTerm& term) : term_(term), workers_(static_cast<std::size_t>(term.workers)) {
    check_argument(term.workers >= 1, "workers", "at least 1", term.workers);
    check_argument(term.timeout_seconds > 0, "timeout_seconds", "above 0", term.timeout_seconds);
    for (auto& worker : workers_) worker = start();
  }

  std::vector<float> score(const RewardRequest& request) override {
    const std::size_t count = request.responses.size(), parts = std::min(workers_.size(), count);
    std::vector<std::future<std::vector<float>>> scored;
    for (std::size_t k = 0; k < parts; ++k) {
      const std::size_t begin = k * count / parts, end = (k + 1) * count / parts;
      const auto part = request.responses.subspan(begin, end - begin);
      scored.push_back(std::async(std::launch::async, [this, k, part] { return score_part(workers_[k], part); }));
    }
    std::vector<float> scores;
    for (auto& part : scored) {
      const std::vector<float> found = part.get();
      scores.insert(scores.end(), found.begin(), found.end());
    }
    return scores;
  }

 private:
  using Worker = std::unique_ptr<ChildProcess>;

  [[noreturn]] void fail(const std::string& what) const {
    throw RewardError("reward.terms: " + term_.name + ": command: " + term_.command.front() + ": " + what);
  }

  Worker start() const {
    try {
      return std::make_unique<ChildProcess>(term_.command);
    } catch (const std::system_error& error) {
      fail("cannot be started: " + error.code().message());
    }
  }

  std::vector<float> score_part(Worker& worker, std::span<const ResponseRecord> responses) const {
    std::string lines;
    for (const ResponseRecord& response : responses) lines += line_of(response);
    std::vector<float> scores;
    const std::vector<std::string> answers = ask(worker, lines, responses.size());
    for (const std::string& line : answers) scores.push_back(score_of(line, scores.size() + 1));
    return scores;
  }

  std::vector<std::string> ask(Worker& worker, const std::string& lines, std::size_t count) const {
    std::string fault;
    for (const bool again : {false, true}) {
      if (!worker) worker = start();
      ChildProcess::Answers answers = worker->ask(lines, count, term_.timeout_seconds);
      if (answers.fault.empty()) return std::move(answers.lines);
      worker.reset();
      fault = "expected a line for each of " + std::to_string(count) + " responses, found " +
              std::to_string(answers.lines.size()) + ": " + answers.fault;
      if (!again) log_warning("reward.terms: " + term_.name + ": " + fault + "; it is started again");
    }
    fail(fault + ", twice");
  }

  float score_of(const std::string& line, std::size_t number) const {
    const Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const Json* score = &answer;
    if (answer.is_object() && answer.contains("score")) score = &answer["score"];
    if (score->is_number()) return score->get<float>();
    fail("answer " + std::to_string(number) + ": expected a number, or {\"score\": number}, found " + shown_json(line));
  }

  const RewardTerm term_;
  std::vector<Worker> workers_;
};

}  // namespace

std::unique_ptr<RewardSource> reward_from_program(const RewardTerm& term) {
  return std::make_unique<ProgramReward>(term);
}

}  // namespace rlhf
