// The parts of a run's fingerprint: config, data, models, tokenizer, templates.
#include "fingerprint.h"

#include <filesystem>

#include <ATen/Parallel.h>

#include "rlhf/core/checksum.h"
#include "rlhf/tensor/device.h"

namespace rlhf {

namespace {

/// Adds the checksums of the weights and configs in `folder`.
void add_files(Fingerprint& fingerprint, const std::string& name, const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() == ".safetensors" || file == "config.json" || file == "generation_config.json" ||
        file == "adapter_config.json")
      fingerprint[name + "/" + file] = "crc32 " + std::to_string(crc32_of_file(entry.path(), ExitCode::model));
  }
}

}  // namespace

void add_machine(Fingerprint& fingerprint, const Setup& setup, std::int64_t micro_batch_tokens) {
  // Without the index of a GPU: another one of the same architecture may go on.
  fingerprint["machine.device"] = c10::DeviceTypeName(setup.compute.device.type(), /*lower_case=*/true);
  fingerprint["machine.dtype"] = c10::toString(setup.compute.dtype);
  fingerprint["machine.instruction_set"] = instruction_set(setup.compute.device);
  fingerprint[kThreads] = std::to_string(at::get_num_threads());
  fingerprint[kMicroBatchTokens] = std::to_string(micro_batch_tokens);
}

void add_data(Fingerprint& fingerprint, const std::string& name, const RecordCounts& counts) {
  for (std::size_t i = 0; i < counts.files.size(); ++i)
    fingerprint[name + "[" + std::to_string(i) + "]"] =
        counts.files[i].filename().string() + " crc32 " + std::to_string(counts.file_crc32[i]);
}

void add_model(Fingerprint& fingerprint, const std::string& name, const ModelFolder& folder) {
  add_files(fingerprint, name, folder.path);
  if (folder.base != folder.path) add_files(fingerprint, name + ".base", folder.base);
}

void add_text(Fingerprint& fingerprint, const Setup& setup) {
  fingerprint["data.template"] = setup.templates.prompt.text();
  if (const auto eos = setup.tokenizer->eos_id()) fingerprint["tokenizer.eos"] = std::to_string(*eos);
  if (!setup.chat_file.empty())
    fingerprint["data.chat_template file"] = "crc32 " + std::to_string(crc32_of_file(setup.chat_file, ExitCode::usage));
  for (const SideFile& file : setup.tokenizer_files)
    fingerprint["tokenizer/" + file.name] = "crc32 " + std::to_string(crc32_of(file.content));
}

}  // namespace rlhf
