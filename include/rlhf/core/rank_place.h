#pragma once

#include <functional>
#include <optional>
#include <string>

namespace rlhf {

/// Which of the processes of a run this one is. Processes of a run are called ranks, and counted from 0.
struct RankPlace {
  int rank = 0, size = 1;              ///< among all
  int local_rank = 0, local_size = 1;  ///< among those on this machine
  std::string address = "127.0.0.1";   ///< where rank 0 can be reached
  int port = 29500;
  bool store_is_served = false;  ///< by an agent of torchrun, at address and port
};

/// Reads the variable of a name; nullopt if it is not set.
using ReadVariable = std::function<std::optional<std::string>(const std::string&)>;
std::optional<std::string> environment_variable(const std::string& name);

/// The variable by which a process that starts ranks asks for a byte on a descriptor once all of them are there.
inline constexpr const char* kJoinedVariable = "RLHF_JOINED_DESCRIPTOR";

/// The place that the environment tells:
///   RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE of torchrun and of PyTorchJob in Kubernetes; else
///   OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE of mpirun; else
///   SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID of srun; else one process.
/// MASTER_ADDR and MASTER_PORT say where rank 0 is; without them all ranks must be on this machine. With
/// TORCHELASTIC_USE_AGENT_STORE=True the store of torchrun is there. Throws ConfigError, with the names and values of
/// the variables, if they are no numbers, out of range or contradict each other.
RankPlace read_rank_place(const ReadVariable& read = environment_variable);

}  // namespace rlhf
