// The reward model of --reward.
#include "judge.h"

#include "rlhf/core/error.h"
#include "rlhf/io/model_path.h"

namespace rlhf {

ModelFolder read_judge_folder(const std::string& path) {
  ModelFolder folder = read_model_folder(find_model(path));
  if (folder.scalar_head) return folder;
  throw ModelError("reward: " + path +
                   ": expected a model with a scalar head, found a language model; hint: train one with rlhf-rm");
}

Compute resolve_compute_of(const ModelFolder& folder, const DeviceChoice& device, DtypeChoice dtype) {
  const DtypeChoice of_file = folder.file_dtype == at::kBFloat16 ? DtypeChoice::bfloat16 : DtypeChoice::float32;
  return resolve_compute(device, dtype == DtypeChoice::auto_ ? of_file : dtype);
}

}  // namespace rlhf
