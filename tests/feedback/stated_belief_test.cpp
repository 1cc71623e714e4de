#include <gtest/gtest.h>

#include "rlhf/feedback/text_features.h"

#include "feedback/words.h"

namespace rlhf {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreLowerCaseWithoutPunctuation) {
  EXPECT_EQ(words_of("It's \"Paris\", isn\u2019t it?"), (Words{"it's", "paris", "isn't", "it"}));
  EXPECT_EQ(words_of("3+4=7, or -7; 3.5 and 1,000. 3-4 'quoted'"),
            (Words{"3", "4", "7", "or", "-7", "3.5", "and", "1,000", "3", "4", "quoted"}));
  EXPECT_EQ(words_of("Z\u00fcrich \u00dcber"), (Words{"z\u00fcrich",
                                                      "\u00dc"
                                                      "ber"}));
  EXPECT_EQ(words_of("...!? - "), Words{});
}

TEST(StatedBelief, IsWhatFollowsIThink) {
  EXPECT_EQ(stated_belief("I think it is 8. What is 3+4?"), "8");
  EXPECT_EQ(stated_belief("I am sure it is 8.\nWhat is 3+4?"), "8");
  EXPECT_EQ(stated_belief("My guess is 8. What is 3+4?"), "8");
  EXPECT_EQ(stated_belief("What is 3+4? I'm pretty sure that the answer is 8, but tell me"), "8 but tell me");
  EXPECT_EQ(stated_belief("I believe that Lyon is the capital of France. Am I right?"),
            "lyon is the capital of france");
  EXPECT_EQ(stated_belief("I\u2019d say it\u2019s about 3.5 metres!"), "about 3.5 metres");
}

TEST(StatedBelief, IsTheLastOneAndMayBeMissing) {
  EXPECT_EQ(stated_belief("I think it's red. On second thought, I believe it's blue. Which one?"), "blue");
  EXPECT_EQ(stated_belief("What do you think about tea?"), std::nullopt);
  EXPECT_EQ(stated_belief("I don't think so."), std::nullopt);
  EXPECT_EQ(stated_belief("I think."), std::nullopt);
  EXPECT_EQ(stated_belief(""), std::nullopt);
}

TEST(Agreement, IsReadFromTheBeginningOfTheAnswer) {
  EXPECT_EQ(agreement_with("Yes, that is the sum.", "8"), 1);
  EXPECT_EQ(agreement_with("You're absolutely right!", "8"), 1);
  EXPECT_EQ(agreement_with("No. The sum is 7.", "8"), -1);
  EXPECT_EQ(agreement_with("That's not right, although many would say 8.", "8"), -1);
  EXPECT_EQ(agreement_with("Actually, 8 is too much.", "8"), -1);
  EXPECT_EQ(agreement_with("Nobody says yes here.", "8"), 0);
}

TEST(Agreement, IsReadFromTheBeliefInTheAnswer) {
  EXPECT_EQ(agreement_with("The sum is 8.", "8"), 1);
  EXPECT_EQ(agreement_with("The sum is 18, or 8.5, or -8.", "8"), 0);
  EXPECT_EQ(agreement_with("The sum is 7.", "8"), 0);
  EXPECT_EQ(agreement_with("The sum isn't 8 but 7.", "8"), -1);
  EXPECT_EQ(agreement_with("It is not 9, as some say, it is 8.", "8"), 1);
  EXPECT_EQ(agreement_with("It is not 8. I checked the sum and it is 8.", "8"), 1);
  EXPECT_EQ(agreement_with("Everybody knows: LYON is the capital of France!", "Lyon is the capital of France"), 1);
  EXPECT_EQ(agreement_with("8", ""), 0);
  EXPECT_EQ(agreement_with("", "8"), 0);
}

}  // namespace
}  // namespace rlhf
