#pragma once

namespace rlhf {

/// Version of the library; the same as in CMakeLists.txt, which a test compares.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace rlhf
