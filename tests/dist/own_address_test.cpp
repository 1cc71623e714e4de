// Which address other machines can use.
#include "dist/own_address.h"

#include <gtest/gtest.h>

namespace rlhf {
namespace {

// A machine sends to itself from the address to which it sends.
TEST(OwnAddress, IsThatFromWhichAMachineSends) {
  const std::string outside = own_address("192.0.2.1");
  if (outside.empty()) GTEST_SKIP() << "needs an address besides those of the loopback interface";
  EXPECT_EQ(own_address(outside), outside);
  // The own name may be that of a loopback address, which others cannot use.
  EXPECT_EQ(own_address("127.0.1.1"), outside);
}

TEST(OwnAddress, IsEmptyForAnUnknownHostWithoutNetworkAndElseTheDefault) {
  EXPECT_EQ(own_address("no-such-host.invalid"), own_address("192.0.2.1"));
}

}  // namespace
}  // namespace rlhf
