#pragma once

namespace rlhf {

/// Version of the library; CMakeLists.txt reads it from here.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace rlhf
