// Where a process stands among those of a run, from the variables of what started it.
#include "rlhf/core/rank_place.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

/// How a starter names its variables.
struct Names {
  std::string rank, size, local_rank, local_size;
};
const std::array<Names, 3>& starters() {
  static const std::array<Names, 3> all = {{
      {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
      {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
      {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", ""},
  }};
  return all;
}

[[noreturn]] void fail(const std::string& what) { throw ConfigError({"environment: " + what}); }

/// A whole number from `lowest` to `highest`.
int number_of(const std::string& name, const std::string& text, int lowest, int highest) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < lowest || value > highest)
    fail(name + ": expected a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest) +
         ", found " + text);
  return value;
}

/// The ranks; address and port are not read.
std::optional<RankPlace> read_ranks(const Names& names, const ReadVariable& read) {
  constexpr int kMostRanks = 1 << 16;
  const auto rank = read(names.rank), size = read(names.size);
  if (!size) return std::nullopt;
  if (!rank)
    fail(names.rank + ": expected the number of this process beside " + names.size + "=" + *size + ", found nothing");
  RankPlace place;
  place.size = number_of(names.size, *size, 1, kMostRanks);
  place.rank = number_of(names.rank, *rank, 0, place.size - 1);
  const auto local_size = names.local_size.empty() ? std::nullopt : read(names.local_size);
  const auto local_rank = read(names.local_rank);
  if (local_size) place.local_size = number_of(names.local_size, *local_size, 1, place.size);
  if (local_rank)
    place.local_rank = number_of(names.local_rank, *local_rank, 0, (local_size ? place.local_size : place.size) - 1);
  return place;
}

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

RankPlace read_rank_place(const ReadVariable& read) {
  std::optional<RankPlace> place;
  for (const Names& names : starters())
    if (!place) place = read_ranks(names, read);
  if (!place) return {};
  const auto address = read("MASTER_ADDR"), port = read("MASTER_PORT");
  if (port) place->port = number_of("MASTER_PORT", *port, 1, 65535);
  if (address) place->address = *address;
  if (!address && place->local_size < place->size)
    fail("MASTER_ADDR: expected the address of rank 0 for " + std::to_string(place->size) + " ranks, of which " +
         std::to_string(place->local_size) + " on this machine, found nothing");
  place->store_is_served = read("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
  return *place;
}

}  // namespace rlhf
