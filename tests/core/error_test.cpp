#include "rlhf/core/error.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/check.h"

namespace rlhf {
namespace {

template <typename E>
int code_of() {
  return static_cast<int>(E("text").exit_code());
}

// The table of exit codes is part of the tools' interface.
TEST(Error, EveryClassHasItsExitCode) {
  EXPECT_EQ(static_cast<int>(ConfigError({"a"}).exit_code()), 2);
  EXPECT_EQ(code_of<DataError>(), 3);
  EXPECT_EQ(code_of<ModelError>(), 4);
  EXPECT_EQ(code_of<ShapeError>(), 5);
  EXPECT_EQ(code_of<NumericsError>(), 6);
  EXPECT_EQ(code_of<DeviceError>(), 7);
  EXPECT_EQ(code_of<OutputError>(), 10);
}

TEST(ConfigError, HoldsAllIssues) {
  const ConfigError error({"first", "second"});
  EXPECT_EQ(error.issues().size(), 2u);
  EXPECT_STREQ(error.what(), "first\nsecond");
}

TEST(WithFileErrors, GivesTheFileSystemsErrorsAPathAndACode) {
  EXPECT_EQ(with_file_errors(ExitCode::model, [] { return 3; }), 3);
  try {
    with_file_errors(ExitCode::output, [] { return std::filesystem::file_size("/no/such/file"); });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::output);
    EXPECT_STREQ(error.what(), "/no/such/file: No such file or directory");
  }
}

TEST(Check, TellsConditionAndValues) {
  const int rows = 3;
  EXPECT_NO_THROW(RLHF_CHECK(rows == 3));
  try {
    RLHF_CHECK(rows == 4, "rows is ", rows);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::logic_error& e) {
    EXPECT_NE(std::string(e.what()).find("rows == 4: rows is 3"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace rlhf
