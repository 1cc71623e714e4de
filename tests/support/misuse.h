#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace rlhf::testing {

/// Expects that a wrong call throws E, and no other class, with `text` in its one line.
template <typename E, typename Call>
void expect_misuse(std::string_view text, const Call& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was thrown; expected: " << text;
  } catch (const E& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(text), std::string::npos) << "expected: " << text << "\nfound: " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another class of error: " << error.what() << "\nexpected: " << text;
  }
}

}  // namespace rlhf::testing
