#pragma once

#include <string>

namespace rlhf {

/// The address of this machine by which others reach it: that from which it would send to `host`, or, if that is a
/// loopback address (as that of a Debian machine's own name), to anywhere. "" if there is none.
std::string own_address(const std::string& host);

}  // namespace rlhf
