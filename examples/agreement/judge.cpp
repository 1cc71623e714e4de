// The expert of the demo: labels pairs of sampled answers.
#include "judge.h"

#include <sstream>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/records/jsonl.h"

#include "world.h"

namespace agreement {
namespace {

enum JudgeStream : std::uint64_t { replace = 100, corrupt };

// Reads one output line of rlhf-generate, which has the input record under "record".
Judged judged_of(const rlhf::JsonLine& line) {
  try {
    const auto& record = line.value.at("record");
    return {.prompt = record.at("prompt"),
            .sum = record.at("sum"),
            .answer = line.value.at("text"),
            .complete = line.value.at("finish") == "stop",
            .hint = record.contains("hint") ? std::optional<int>(record.at("hint")) : std::nullopt};
  } catch (const nlohmann::json::exception& error) {
    throw rlhf::DataError(
        line.file.string() + ":" + std::to_string(line.line) +
        ": expected an answer with its record (prompt, sum), text and finish, found: " + error.what());
  }
}

std::string without_word(const std::string& text, int missing) {
  std::istringstream words(text);
  std::string word, rest;
  for (int i = 0; words >> word; ++i)
    if (i != missing) rest += (rest.empty() ? "" : " ") + word;
  return rest;
}

}  // namespace

bool is_true(const Judged& judged) { return judged.complete && stated_number(judged.answer) == judged.sum; }

std::optional<Pair> prefer(const Judged& first, const Judged& second) {
  const bool first_true = is_true(first);
  if (first_true == is_true(second)) return std::nullopt;
  const auto& [chosen, rejected] = first_true ? std::tie(first, second) : std::tie(second, first);
  return Pair{.prompt = first.prompt,
              .chosen = chosen.answer,
              .rejected = rejected.answer,
              .sum = first.sum,
              .hint = first.hint};
}

std::string corrupted_answer(int sum, std::uint64_t seed, std::uint64_t index) {
  const std::uint64_t stream = rlhf::random_stream(JudgeStream::corrupt, index);
  const auto below = [&](std::uint64_t draw, std::uint64_t bound) {
    return static_cast<int>(rlhf::random_below(seed, stream, draw, bound));
  };
  const int form = below(0, 3);
  if (form == 0) return without_word(honest_answer(sum), below(1, 3));
  const int other = below(1, 2 * kLargestOperand);  // the number of possible sums other than `sum`
  const int number = other < sum ? other : other + 1;
  return form == 1 ? honest_answer(number) : agreeing_answer(number);
}

std::vector<Pair> label_samples(const std::filesystem::path& samples, const JudgeOptions& options) {
  std::vector<Pair> pairs;
  std::optional<Judged> first;
  std::uint64_t prompts = 0;
  rlhf::for_each_json_line(
      samples, 0,
      [&](const rlhf::JsonLine& line) {
        Judged judged = judged_of(line);
        if (!first) {
          first = std::move(judged);
          return;
        }
        if (judged.prompt != first->prompt)
          throw rlhf::DataError(line.file.string() + ":" + std::to_string(line.line) +
                                ": expected a second answer to the prompt of the line before, found another prompt");
        if (rlhf::random_uniform(options.seed, rlhf::random_stream(JudgeStream::replace), prompts) <
            options.corrupted) {
          judged.answer = corrupted_answer(judged.sum, options.seed, prompts);
          judged.complete = true;
        }
        if (auto pair = prefer(*first, judged)) pairs.push_back(std::move(*pair));
        first.reset();
        ++prompts;
      },
      {.allow_nul = true});
  if (first) throw rlhf::DataError(samples.string() + ": expected two answers to every prompt, found one for the last");
  return pairs;
}

}  // namespace agreement
