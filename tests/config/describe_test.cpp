#include "rlhf/config/describe.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/options.h"
#include "rlhf/config/ppo_config.h"
#include "rlhf/config/validate.h"

namespace rlhf {
namespace {

enum class Size { small, default_, large };

struct Inner {
  double share = 0.5;
};
constexpr auto describe(const Inner*) { return std::make_tuple(field<&Inner::share>("a share", in_range(0, 1))); }

// One member of every kind that an option may have.
struct Everything {
  std::int64_t count = 1;
  double rate = 0.1;
  bool flag = false;
  std::string name = "x";
  Size size = Size::small;
  std::optional<std::int64_t> maybe_count;
  std::optional<double> maybe_rate;
  std::vector<std::string> texts;
  std::array<double, 3> numbers = {1, 2, 3};
  std::map<std::string, std::string> fields;
  Inner inner;
  std::optional<Inner> maybe_inner;
};
static_assert(kMemberCount<Everything> == 12);
static_assert(kMemberCount<Inner> == 1);
static_assert(!Described<Everything>);

struct Forgetful {
  double first = 1;
  std::string second;
};
constexpr auto describe(const Forgetful*) { return std::make_tuple(field<&Forgetful::first>("the other is left out")); }
static_assert(!kFullyDescribed<Forgetful>);

static_assert(kFullyDescribed<SftConfig> && kFullyDescribed<RewardModelConfig> && kFullyDescribed<PpoConfig> &&
              kFullyDescribed<DpoConfig> && kFullyDescribed<DpoOptions> && kFullyDescribed<GenerateConfig> &&
              kFullyDescribed<ModelInit> && kFullyDescribed<TrainOptions> && kFullyDescribed<DataOptions> &&
              kFullyDescribed<OptimizerOptions> && kFullyDescribed<PpoOptions>);

TEST(Describe, ReadsKeysFromTheMembersThemselves) {
  std::vector<std::string_view> names;
  for_each_field<DataOptions>([&](const auto& field) { names.push_back(field.spec.key); });
  EXPECT_EQ(names,
            (std::vector<std::string_view>{"train", "eval", "eval_share", "eval_fold", "format", "fields", "sample_by",
                                           "template", "chat_template", "train_on", "max_length", "min_length",
                                           "over_length", "truncation_side", "shuffle", "max_bad_lines", "cache"}));
}

TEST(Describe, ReadsEnumeratorsInTheirOrder) {
  EXPECT_EQ(enum_names<Size>(), (std::vector<std::string_view>{"small", "default", "large"}));
  EXPECT_EQ(enum_names<DeviceChoice::Kind>(), (std::vector<std::string_view>{"auto", "cpu", "cuda"}));
  EXPECT_EQ(enum_names<OverLength>(), (std::vector<std::string_view>{"drop", "truncate", "split", "error"}));
}

TEST(DeviceChoice, IsReadFromWhatItWrites) {
  for (const char* text : {"auto", "cpu", "cuda", "cuda:0", "cuda:7", "cuda:2147483647"}) {
    const auto choice = DeviceChoice::of_text(text);
    ASSERT_TRUE(choice.has_value()) << text;
    EXPECT_EQ(choice->text(), text);
  }
  EXPECT_EQ(DeviceChoice::of_text("cuda:12"), (DeviceChoice{DeviceChoice::Kind::cuda, 12}));
  EXPECT_EQ(DeviceChoice::of_text("cuda")->index, std::nullopt);
}

TEST(DeviceChoice, IsNothingElse) {
  for (const char* text : {"", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:01", "cuda:1 ", "cuda: 1",
                           "cuda:1x", "cuda:2147483648", "cuda1", "cudas:1", "cpu:0", "auto:1"})
    EXPECT_EQ(DeviceChoice::of_text(text), std::nullopt) << text;
}

TEST(Range, KnowsWhichOfItsEndsAreIn) {
  EXPECT_TRUE(at_least(1).contains(1));
  EXPECT_FALSE(more_than(1).contains(1));
  EXPECT_TRUE(in_range(0, 1).contains(1));
  EXPECT_FALSE(in_range(0, 1).contains(1.01));
  EXPECT_FALSE(at_least(0).below(1).contains(1));
  EXPECT_TRUE(more_than(0).up_to(1).contains(1));
  EXPECT_FALSE(more_than(0).up_to(1).contains(0));
}

TEST(Options, AreBoundToTheMembers) {
  PpoConfig config;
  const Section options = bind(config);
  for (const Leaf& leaf : leaves(options)) {
    const auto choose = [&](const char* text) { return std::get<Choice>(leaf.option->slot).set(text); };
    if (leaf.path == "ppo.kl_coef") *std::get<double*>(leaf.option->slot) = 0.25;
    EXPECT_TRUE(leaf.path != "train.device" || choose("cuda:1"));
    EXPECT_TRUE(leaf.path != "train.dtype" || choose("float32"));
    EXPECT_TRUE(leaf.path != "reward.missing_eos" || !choose("float32"));
  }
  EXPECT_EQ(config.ppo.kl_coef, 0.25);
  EXPECT_EQ(config.train.device, (DeviceChoice{DeviceChoice::Kind::cuda, 1}));
  EXPECT_EQ(config.train.dtype, DtypeChoice::float32);
}

TEST(Options, ListTheKeysOfAbsentSections) {
  SftConfig config;
  bool found = false;
  const Section bound = bind(config);  // the leaves refer to it
  for (const Leaf& leaf : leaves(bound)) found |= leaf.path == "model.init.hidden_size";
  EXPECT_TRUE(found);
  EXPECT_FALSE(config.model.init.has_value());
}

}  // namespace
}  // namespace rlhf
