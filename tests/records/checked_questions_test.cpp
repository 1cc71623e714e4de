#include "rlhf/records/checked_questions.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using Questions = std::vector<CheckedQuestion>;

Questions read(const std::string& bytes, const std::string& name = "q.jsonl") {
  const testing::TemporaryFolder folder;
  return read_checked_questions(folder.write(name, bytes), 0);
}

std::string fault(const std::string& bytes, const std::string& name = "q.jsonl") {
  try {
    read(bytes, name);
  } catch (const DataError& error) {
    const std::string message = error.what();
    return message.substr(message.find(name));
  }
  return "no error";
}

TEST(CheckedQuestions, OfLinesHaveAnAnswerAndAFalseOne) {
  const Questions found = read(R"({"question":"Capital of France?","answer":"Paris","wrong":"Lyon"}
{"question":"Capital of Italy?","answer":"Rome","wrong":["Milan","Turin"]}
{"question":"6 times 7?","answer":42,"wrong":41}
)");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].wrong, "Lyon");
  EXPECT_EQ(found[1].wrong, "Milan");
  EXPECT_EQ(found[2].right, "42");
  EXPECT_EQ(found[2].wrong, "41");
}

TEST(CheckedQuestions, OfGsm8kAnswerWithTheNumberAfterTheMark) {
  const Questions found = read(R"({"question":"How many?","answer":"3 + 4 = <<3+4=7>>7 eggs\n#### 1,007"}
)");
  EXPECT_EQ(found.at(0).right, "1,007");
  const int wrong = std::stoi(found[0].wrong);
  EXPECT_NE(wrong, 1007);
  EXPECT_LE(std::abs(wrong - 1007), 10);
}

TEST(CheckedQuestions, OfTruthfulQaAreRowsOfATable) {
  const std::string header = "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\r\n";
  const Questions found =
      read("\xEF\xBB\xBF" + header +
               "A,B,\"What, then?\",\"He said \"\"no\"\"\nand left\",x,\"first; second\",url\r\n\r\nA,B,Q?,R,x,W,url",
           "q.csv");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].question, "What, then?");
  EXPECT_EQ(found[0].right, "He said \"no\"\nand left");
  EXPECT_EQ(found[0].wrong, "first");
  EXPECT_EQ(found[1].wrong, "W");
  const Questions best = read("Question,Best Answer,Best Incorrect Answer,Incorrect Answers\nQ,R,B,W\n", "q.csv");
  EXPECT_EQ(best.at(0).wrong, "B");
}

TEST(CheckedQuestions, WithFaultsNameTheirLine) {
  EXPECT_EQ(fault("{\"question\":\"a\",\"answer\":\"1\"}\n{\"question\":\"b\",\"answer\":\"yes\"}\n"),
            "q.jsonl:2: expected a false answer `wrong`, because the answer is no number, found none");
  EXPECT_EQ(fault("{\"question\":\"a\",\"answer\":\"Yes\",\"wrong\":\"yes.\"}\n"),
            "q.jsonl:1: expected a false answer that differs from the true one, found yes.");
  EXPECT_EQ(fault("{\"question\":\"\",\"answer\":\"1\"}\n"),
            "q.jsonl:1: expected a question and its answer, found an empty text");
  EXPECT_EQ(fault("{\"answer\":\"1\"}\n"),
            "q.jsonl:1: question: expected a string, found no such key; it has \"answer\"");
  EXPECT_EQ(fault("a,b\n1,2\n", "q.csv"),
            "q.csv:1: expected the columns Question, Best Answer and Incorrect Answers, found others");
  EXPECT_EQ(fault("Question,Best Answer,Incorrect Answers\nQ,\"R\n", "q.csv"),
            "q.csv:2: expected a closing quote, found none");
  EXPECT_EQ(fault("Question,Best Answer,Incorrect Answers\n", "q.csv"),
            "q.csv: expected at least one question, found none");
}

TEST(CheckedQuestions, OfSumsDependOnTheSeed) {
  const Questions found = sum_questions(300, 5);
  std::set<std::string> different;
  for (const CheckedQuestion& question : found) {
    different.insert(question.question);
    int a = 0, b = 0;
    ASSERT_EQ(std::sscanf(question.question.c_str(), "What is %d + %d?", &a, &b), 2);
    EXPECT_EQ(question.right, std::to_string(a + b));
    const int off = std::abs(std::stoi(question.wrong) - a - b);
    EXPECT_TRUE(off >= 1 && off <= 10) << question.wrong;
    EXPECT_GE(std::stoi(question.wrong), 0);
  }
  EXPECT_EQ(different.size(), 300U);
  EXPECT_EQ(sum_questions(300, 5)[299].question, found[299].question);
  EXPECT_NE(sum_questions(300, 6)[0].question + sum_questions(300, 6)[1].question,
            found[0].question + found[1].question);
  EXPECT_THROW(sum_questions(0, 0), ArgumentError);
  EXPECT_THROW(sum_questions(1001, 0), ArgumentError);
}

TEST(CheckedQuestions, OfSumsInWordsAskForTheSameNumbers) {
  const Questions digits = sum_questions(100, 5), words = sum_questions(100, 5, SumNumbers::words),
                  mixed = sum_questions(100, 5, SumNumbers::mixed);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    EXPECT_EQ(words[i].question.find_first_of("0123456789"), std::string::npos) << words[i].question;
    EXPECT_TRUE(gives_answer(words[i].right, digits[i].right)) << words[i].right;
    EXPECT_TRUE(gives_answer(digits[i].wrong, words[i].wrong)) << words[i].wrong;
    EXPECT_FALSE(gives_answer(words[i].wrong, words[i].right)) << words[i].wrong;
    EXPECT_EQ(mixed[i].question, (i % 2 == 0 ? digits : words)[i].question);
  }
}

TEST(GivesAnswer, ReadsNumbersInWords) {
  EXPECT_TRUE(gives_answer("It is Seventy-five.", "75"));
  EXPECT_TRUE(gives_answer("twenty plus five is twenty five", "twenty-five"));
  EXPECT_TRUE(gives_answer("75", "seventy-five"));
  EXPECT_FALSE(gives_answer("seventy five", "70"));
  EXPECT_FALSE(gives_answer("sixty-five", "five"));
  EXPECT_TRUE(gives_answer("A hundred and twelve!", "112"));
  EXPECT_TRUE(gives_answer("one hundred ninety-eight", "198"));
  EXPECT_TRUE(gives_answer("two hundred and that is all", "200"));
  EXPECT_TRUE(gives_answer("zero", "0"));
  EXPECT_TRUE(gives_answer("It is 75, and I am the one who knows", "75")) << "a number in digits counts first";
  EXPECT_FALSE(gives_answer("a sum", "1"));
  EXPECT_TRUE(gives_answer("He was one of the first", "one of the first")) << "no number: words";
}

TEST(GivesAnswer, ReadsTheLastNumber) {
  EXPECT_TRUE(gives_answer("17 + 58 is 75.", "75"));
  EXPECT_FALSE(gives_answer("It is 75, not 76", "75"));
  EXPECT_TRUE(gives_answer("She has $1,250.50 left", "1250.5"));
  EXPECT_TRUE(gives_answer("minus: -4", "-4"));
  EXPECT_FALSE(gives_answer("9-4", "-4")) << "a difference";
  EXPECT_FALSE(gives_answer("no number", "0"));
}

TEST(GivesAnswer, ReadsWords) {
  EXPECT_TRUE(gives_answer("It's PARIS, I think.", "Paris"));
  EXPECT_FALSE(gives_answer("Parisian", "Paris"));
  EXPECT_TRUE(gives_answer("You don't grow them", "you dont grow them!"));
}

}  // namespace
}  // namespace rlhf
