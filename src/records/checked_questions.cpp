// Questions whose answers can be checked.
#include "rlhf/records/checked_questions.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/records/jsonl.h"

#include "records/csv.h"
#include "records/number_words.h"

namespace rlhf {
namespace {

/// The purposes of random numbers.
enum QuestionStream : std::uint64_t { sums = 0x71756573, offsets };

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The number that begins at `at`: digits, commas between digits, a decimal part, a minus before it. `at` moves behind
/// it. nullopt, and one character on, if there is none.
std::optional<double> take_number(std::string_view text, std::size_t& at) {
  const std::size_t begin = at++;
  if (!is_digit(text[begin])) return std::nullopt;
  std::string digits(1, text[begin]);
  const auto digit_at = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  for (bool decimal = false; at < text.size(); ++at) {
    if (is_digit(text[at])) {
      digits += text[at];
    } else if (text[at] == '.' && !decimal && digit_at(at + 1)) {
      decimal = true;
      digits += '.';
    } else if (text[at] != ',' || decimal || !digit_at(at + 1)) {
      break;
    }
  }
  double number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool negative = begin > 0 && text[begin - 1] == '-' && (begin == 1 || !is_digit(text[begin - 2]));
  return negative ? -number : number;
}

std::optional<double> last_number(std::string_view text) {
  std::optional<double> last;
  for (std::size_t at = 0; at < text.size();)
    if (const auto number = take_number(text, at)) last = number;
  return last;
}

/// The value of a text that is a number and nothing else.
std::optional<double> as_number(std::string_view text) {
  const std::size_t start = text.starts_with('-') || text.starts_with('$') ? 1 : 0;
  std::size_t at = start;
  if (at >= text.size()) return std::nullopt;
  const auto number = take_number(text, at);
  return at == text.size() ? number : std::nullopt;
}

/// Words in lower case, with a space before, between and behind them.
std::string spaced_words(std::string_view text) {
  std::string words = " ";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80) {
      words += static_cast<char>(std::tolower(byte));
    } else if (c != '\'' && words.back() != ' ') {
      words += ' ';
    }
  }
  if (words.back() != ' ') words += ' ';
  return words;
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

/// A whole number near to `right`, 1 to 10 away.
std::int64_t near_to(double right, std::uint64_t seed, std::uint64_t index) {
  const auto off = static_cast<double>(1 + random_below(seed, random_stream(offsets), 2 * index, 10));
  const bool above = right < off || random_below(seed, random_stream(offsets), 2 * index + 1, 2) == 0;
  return std::llround(above ? right + off : right - off);
}

CheckedQuestion checked(CheckedQuestion made, const std::string& place, std::uint64_t seed, std::size_t index) {
  const auto fail = [&](const std::string& expected, const std::string& found) {
    throw DataError(place + ": expected " + expected + ", found " + found);
  };
  if (made.question.empty() || made.right.empty()) fail("a question and its answer", "an empty text");
  if (made.wrong.empty()) {
    const auto number = as_number(made.right);
    if (!number) fail("a false answer `wrong`, because the answer is no number", "none");
    made.wrong = std::to_string(near_to(*number, seed, index));
  }
  if (spaced_words(made.right) == spaced_words(made.wrong))
    fail("a false answer that differs from the true one", made.wrong);
  return made;
}

CheckedQuestion question_of(const JsonReader& record) {
  CheckedQuestion made{
      .question = trimmed(record.at("question").string()),
      .right = record.at("answer").is_string() ? record.at("answer").string() : record.at("answer").value().dump()};
  if (const std::size_t mark = made.right.rfind("####"); mark != std::string::npos)
    made.right = trimmed(std::string_view(made.right).substr(mark + 4));
  const auto wrong = record.find("wrong");
  if (wrong && wrong->is_list() && !wrong->list().empty()) {
    made.wrong =
        wrong->list().front().is_string() ? wrong->list().front().get<std::string>() : wrong->list().front().dump();
  } else if (wrong && !wrong->is_list()) {
    made.wrong = wrong->is_string() ? wrong->string() : wrong->value().dump();
  }
  return made;
}

std::vector<CheckedQuestion> read_table(const std::filesystem::path& file, std::uint64_t seed) {
  const std::vector<CsvRow> rows = read_csv(file);
  const std::vector<std::string> header = rows.empty() ? std::vector<std::string>() : rows.front().cells;
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::ranges::find(header, name) - header.begin());
  };
  const std::size_t question = column("Question"), right = column("Best Answer"),
                    best_wrong = column("Best Incorrect Answer"), wrong = column("Incorrect Answers");
  if (std::max({question, right, std::min(best_wrong, wrong)}) >= header.size())
    throw DataError(file.string() +
                    ":1: expected the columns Question, Best Answer and Incorrect Answers, found others");
  std::vector<CheckedQuestion> questions;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto cell = [&](std::size_t at) { return at < rows[i].cells.size() ? trimmed(rows[i].cells[at]) : ""; };
    std::string false_answer = cell(best_wrong);
    if (false_answer.empty()) false_answer = trimmed(cell(wrong).substr(0, cell(wrong).find(';')));
    questions.push_back(checked({cell(question), cell(right), std::move(false_answer)},
                                file.string() + ":" + std::to_string(rows[i].line), seed, i));
  }
  return questions;
}

}  // namespace

std::vector<CheckedQuestion> read_checked_questions(const std::filesystem::path& file, std::uint64_t seed) {
  std::vector<CheckedQuestion> questions;
  if (file.extension() == ".csv") {
    questions = read_table(file, seed);
  } else {
    for_each_json_line(file, /*max_bad_lines=*/0, [&](const JsonLine& line) {
      questions.push_back(checked(question_of(reader_of(line)), file.string() + ":" + std::to_string(line.line), seed,
                                  questions.size()));
    });
  }
  if (questions.empty()) throw DataError(file.string() + ": expected at least one question, found none");
  return questions;
}

std::vector<CheckedQuestion> sum_questions(std::int64_t count, std::uint64_t seed, SumNumbers numbers) {
  check_argument(count >= 1 && count <= 1000, "count", "1 to 1000", count);
  std::vector<CheckedQuestion> questions;
  std::set<std::pair<std::uint64_t, std::uint64_t>> asked;
  for (std::uint64_t draw = 0; static_cast<std::int64_t>(questions.size()) < count; ++draw) {
    const std::uint64_t bound = draw % 2 == 0 && draw < 80 ? 10 : 100;  // there are only 100 small sums
    const auto a = random_below(seed, random_stream(sums), 2 * draw, bound);
    const auto b = random_below(seed, random_stream(sums), 2 * draw + 1, bound);
    if (!asked.insert({a, b}).second) continue;
    const bool words = numbers == SumNumbers::words || (numbers == SumNumbers::mixed && questions.size() % 2 == 1);
    const auto text = [&](auto number) {
      return words ? in_words(static_cast<std::int64_t>(number)) : std::to_string(number);
    };
    questions.push_back({"What is " + text(a) + (words ? " plus " : " + ") + text(b) + "?", text(a + b),
                         text(near_to(static_cast<double>(a + b), seed, draw))});
  }
  return questions;
}

bool gives_answer(std::string_view text, std::string_view answer) {
  auto wanted = as_number(answer);
  if (!wanted) wanted = as_number_in_words(answer);
  if (!wanted) return spaced_words(text).find(spaced_words(answer)) != std::string::npos;
  auto found = last_number(text);
  if (!found) found = last_number_in_words(text);
  return found && std::abs(*found - *wanted) <= 1e-9 * std::max(1.0, std::abs(*wanted));
}

}  // namespace rlhf
