#include "rlhf/core/rank_place.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using Variables = std::map<std::string, std::string>;

RankPlace place_of(const Variables& variables) {
  return read_rank_place([&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(RankPlace, IsOneProcessWithoutVariables) {
  const RankPlace place = place_of({});
  EXPECT_EQ(place.rank, 0);
  EXPECT_EQ(place.size, 1);
}

TEST(RankPlace, IsReadFromTorchrun) {
  const RankPlace place = place_of({{"RANK", "5"},
                                    {"WORLD_SIZE", "8"},
                                    {"LOCAL_RANK", "1"},
                                    {"LOCAL_WORLD_SIZE", "4"},
                                    {"MASTER_ADDR", "node-0"},
                                    {"MASTER_PORT", "1234"},
                                    {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  EXPECT_EQ(place.rank, 5);
  EXPECT_EQ(place.size, 8);
  EXPECT_EQ(place.local_rank, 1);
  EXPECT_EQ(place.local_size, 4);
  EXPECT_EQ(place.address, "node-0");
  EXPECT_EQ(place.port, 1234);
  EXPECT_TRUE(place.store_is_served);
}

TEST(RankPlace, IsReadFromMpirunAndSrun) {
  const RankPlace mpi = place_of({{"OMPI_COMM_WORLD_RANK", "1"},
                                  {"OMPI_COMM_WORLD_SIZE", "2"},
                                  {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                  {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_EQ(mpi.rank, 1);
  EXPECT_EQ(mpi.size, 2);
  EXPECT_EQ(mpi.local_size, 2);
  EXPECT_EQ(mpi.address, "127.0.0.1");
  const RankPlace slurm =
      place_of({{"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_LOCALID", "0"}, {"MASTER_ADDR", "n1"}});
  EXPECT_EQ(slurm.rank, 3);
  EXPECT_EQ(slurm.size, 4);
  EXPECT_FALSE(slurm.store_is_served);
}

// A batch script has SLURM_PROCID=0 and the number of tasks of the job, and is one process.
TEST(RankPlace, AScriptOfSlurmIsOneProcess) {
  EXPECT_EQ(place_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}}).size, 1);
}

TEST(RankPlace, ContradictionsAreNamed) {
  const auto refused = [](const Variables& variables, const std::string& text) {
    testing::expect_misuse<ConfigError>(text, [&] { place_of(variables); });
  };
  refused({{"WORLD_SIZE", "2"}}, "RANK: expected the number of this process beside WORLD_SIZE=2, found nothing");
  refused({{"RANK", "2"}, {"WORLD_SIZE", "2"}}, "RANK: expected a whole number from 0 to 1, found 2");
  refused({{"RANK", "0"}, {"WORLD_SIZE", "two"}}, "WORLD_SIZE: expected a whole number from 1 to 65536, found two");
  refused({{"RANK", "0"}, {"WORLD_SIZE", "2"}}, "MASTER_ADDR: expected the address of rank 0 for 2 ranks, of which 1");
  refused({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_WORLD_SIZE", "3"}},
          "LOCAL_WORLD_SIZE: expected a whole number from 1 to 2, found 3");
  refused({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "70000"}},
          "MASTER_PORT: expected a whole number from 1 to 65535, found 70000");
}

}  // namespace
}  // namespace rlhf
