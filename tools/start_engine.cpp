// Prepares the environment for LibTorch and starts rlhf-engine.
#include "start_engine.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <set>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/rank_place.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

/// The number of physical cores that this process may use; 0 if it cannot be determined.
std::int64_t usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return 0;
  std::set<std::pair<int, int>> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const fs::path topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology";
    int package = 0, core = cpu;
    std::ifstream(topology / "physical_package_id") >> package;
    std::ifstream(topology / "core_id") >> core;
    cores.emplace(package, core);
  }
  return static_cast<std::int64_t>(cores.size());
}

/// The CPU limit of the container (cgroup v2) in CPUs, rounded up; nullopt if there is no limit.
std::optional<std::int64_t> cpu_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (!(file >> quota >> period) || period <= 0) return std::nullopt;
  return static_cast<std::int64_t>(std::ceil(quota / period));
}

/// Processes of a run share the cores of their machine.
std::int64_t default_threads(const Tool& tool) {
  const std::int64_t cores = usable_cores();
  const std::int64_t usable = std::min(cores, cpu_quota().value_or(cores));
  return std::max<std::int64_t>(1, usable / (tool.trains ? read_rank_place().local_size : 1));
}

/// LibTorch prefers MKL_NUM_THREADS to OMP_NUM_THREADS, so a default of ours must not stand beside the user's choice.
void set_threads(const Tool& tool, std::optional<std::int64_t> threads) {
  if (!threads && std::getenv("OMP_NUM_THREADS") != nullptr) return;
  const std::string count = std::to_string(threads ? *threads : default_threads(tool));
  for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}) setenv(name, count.c_str(), /*overwrite=*/0);
}

void set_environment() {
  // During decoding, threads wait about 20 microseconds between short products, and waking a sleeping thread takes
  // longer. So threads spin for about 50 microseconds before they sleep.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "2000", /*overwrite=*/0);
  const std::pair<const char*, const char*> settings[] = {
      // Threads that spin longer would take cores from working threads.
      {"OMP_WAIT_POLICY", "passive"},
      {"KMP_BLOCKTIME", "0"},
      // A training step frees and allocates the same large blocks again; mapping them each time costs a third of it.
      {"MALLOC_MMAP_THRESHOLD_", "1073741824"},
      {"MALLOC_TRIM_THRESHOLD_", "1073741824"},
      {"MALLOC_TOP_PAD_", "67108864"},
      // oneDNN and LibTorch's layer above it each keep 1024 products by their shape. A micro-batch needs about twenty,
      // and the next one has another number of rows: those of old ones would take a gigabyte or two.
      {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32"},
      {"LRU_CACHE_CAPACITY", "32"},
      // Makes cuBLAS deterministic.
      {"CUBLAS_WORKSPACE_CONFIG", ":4096:8"},
  };
  for (const auto& [name, value] : settings) setenv(name, value, /*overwrite=*/0);
}

}  // namespace

void start_engine(const Tool& tool, std::optional<std::int64_t> threads, int argc, char** argv) {
  set_threads(tool, threads);
  set_environment();
  const fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  const std::string engine = (bin.parent_path() / "libexec" / "rlhf" / "rlhf-engine").string();
  std::string stage = tool.stage;
  std::vector<char*> arguments = {const_cast<char*>(engine.c_str()), stage.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  arguments.push_back(nullptr);
  execv(engine.c_str(), arguments.data());
  throw Error(ExitCode::bug,
              "starting " + engine + ": " + std::strerror(errno) + "; hint: build and install the whole project");
}

}  // namespace rlhf
