#pragma once

#include <map>
#include <string>

#include "rlhf/nn/model_folder.h"
#include "rlhf/records/records.h"

namespace rlhf {

/// The values that must be equal for a resumed run to end with the same bits: dotted name -> value, as texts.
using Fingerprint = std::map<std::string, std::string>;

/// Adds names and checksums of data files as `name`[0], `name`[1], …
void add_data(Fingerprint& fingerprint, const std::string& name, const RecordCounts& counts);
/// Adds the checksums of the weights and configs of a model as `name`/FILE, and of the base model of an adapter as
/// `name`.base/FILE.
void add_model(Fingerprint& fingerprint, const std::string& name, const ModelFolder& folder);

}  // namespace rlhf
