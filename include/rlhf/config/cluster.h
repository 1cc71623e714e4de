#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

/// A cluster of GPUs that a run is planned for (--world, --nodes, --gpu). Uses only the standard library.
namespace rlhf {

/// The kinds of GPUs whose data the plan has (train/scale_plan.h).
enum class GpuKind { h100, h200, a100, l40s };

/// Their names on the command line, by GpuKind.
inline constexpr std::array<std::string_view, 4> kGpuNames = {"h100", "h200", "a100", "l40s"};

inline std::optional<GpuKind> gpu_of_name(std::string_view name) {
  for (std::size_t i = 0; i < kGpuNames.size(); ++i)
    if (kGpuNames[i] == name) return static_cast<GpuKind>(i);
  return std::nullopt;
}

struct Cluster {
  int ranks = 1;  ///< processes, one per GPU
  int nodes = 1;  ///< machines; divides `ranks`
  GpuKind gpu = GpuKind::h100;
};

inline constexpr int kMostRanks = 1024;

/// The machines of a cluster unless the user says how many: eight GPUs each.
constexpr int default_nodes(int ranks) { return (ranks + 7) / 8; }

}  // namespace rlhf
