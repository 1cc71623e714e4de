// Packs demonstrations with their labels.
#include "label_batch.h"

#include <cstdint>

namespace rlhf {

LabelBatch make_label_batch(const std::vector<const Sample*>& samples, at::Device device) {
  std::vector<const TokenIds*> sequences;
  std::vector<std::int64_t> rows, targets;
  std::int64_t offset = 0;
  for (const Sample* sample : samples) {
    sequences.push_back(&sample->ids);
    for (const Span& span : sample->trained)
      for (std::int32_t t = span.begin; t < span.end; ++t) {
        rows.push_back(offset + t - 1);  // the row before a token predicts it
        targets.push_back(sample->ids[static_cast<std::size_t>(t)]);
      }
    offset += static_cast<std::int64_t>(sample->ids.size());
  }
  return {pack(sequences, device), to_device(rows, device), to_device(targets, device)};
}

}  // namespace rlhf
