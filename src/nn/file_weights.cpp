// Reads and checks the tensors of a model folder.
#include "nn/file_weights.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

#include <ATen/ops/aminmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mean.h>

#include "rlhf/core/error.h"
#include "rlhf/io/model_json.h"

namespace rlhf {
namespace {

constexpr const char* kHeadHint = "; hint: rlhf-sft with model.allow_missing_head=true creates and trains a new head";

/// `values` [V,…] with more rows, which are the mean of the given ones: [rows,…].
at::Tensor with_mean_rows(const at::Tensor& values, std::int64_t rows) {
  const at::Tensor mean = values.to(at::kFloat).mean(0, /*keepdim=*/true).to(values.scalar_type());
  std::vector<std::int64_t> sizes = values.sizes().vec();
  sizes[0] = rows - values.size(0);
  return at::cat({values, mean.expand(sizes)});
}

bool is_stored_constant(const std::string& name) {
  constexpr std::string_view kEnds[] = {".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias",
                                        ".attention.masked_bias"};
  return std::any_of(std::begin(kEnds), std::end(kEnds), [&](std::string_view end) { return name.ends_with(end); });
}

/// A NaN would end the run later, in a step, where nothing shows that it came from a file. Both extremes of a tensor
/// with a NaN are NaN.
void refuse_infinite(const SafetensorsFile& file, const std::string& name, const at::Tensor& weight) {
  if (weight.numel() == 0) return;
  const auto [low, high] = at::aminmax(weight);
  if (std::isfinite(low.item<float>()) && std::isfinite(high.item<float>())) return;
  throw ModelError("reading " + file.path().string() + ": tensor " + shown_name(name) +
                   ": expected finite numbers, found a NaN or an infinity");
}

}  // namespace

at::Tensor read_checked(const SafetensorsFile& file, const std::string& name_in_file, at::IntArrayRef sizes,
                        const std::string& place, const std::string& by) {
  const SafetensorsFile::Entry& entry = file.entries().at(name_in_file);
  if (entry.sizes != sizes)
    throw ModelError(place + ": expected " + sizes_text(sizes) + " by " + by + ", found " + sizes_text(entry.sizes));
  if (entry.dtype != at::kFloat && entry.dtype != at::kBFloat16 && entry.dtype != at::kHalf)
    throw ModelError(place + ": expected float32, bfloat16 or float16, found " + at::toString(entry.dtype));
  at::Tensor values = file.tensor(name_in_file);
  refuse_infinite(file, name_in_file, values);
  return values;
}

std::string sizes_text(at::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

FileWeights::FileWeights(const ModelFolder& folder, const DecoderNames& names)
    : files_(folder.base, names.base),
      embedding_(names.embedding + ".weight"),
      head_(names.head + ".weight"),
      head_bias_(names.head_bias),
      where_("weights of " + folder.base.string()),
      stored_rows_(folder.stored_rows) {}

at::Tensor FileWeights::read(const WeightRequest& request) {
  if (files_.find(request.name) == nullptr) {
    throw ModelError(where_ + ": " + request.name + ": expected this tensor, found none" +
                     (request.name == head_ ? kHeadHint : ""));
  }
  const bool grows = stored_rows_ > 0 && (request.name == embedding_ || is_of_head(request.name));
  std::vector<std::int64_t> sizes = request.sizes;
  if (grows) sizes.front() = stored_rows_;
  const std::string name = files_.name_in_files(request.name);
  const at::Tensor values =
      read_checked(*files_.tensors().at(name), name, sizes, where_ + ": " + request.name, "config.json");
  asked_.insert(name);
  return grows ? with_mean_rows(values, request.sizes.front()) : values;
}

void FileWeights::expect_tied_head() {
  if (files_.find(head_) == nullptr) return;
  const at::Tensor head = files_.tensor(head_), tied = files_.tensor(embedding_);
  if (at::equal(head.to(tied.scalar_type()), tied)) return;
  throw ModelError(where_ + ": " + head_ + ": expected the same values as " + embedding_ +
                   " (tie_word_embeddings), found others; hint: set \"tie_word_embeddings\" to false to keep both");
}

void FileWeights::refuse_leftovers() const {
  for (const auto& [name, file] : files_.tensors()) {
    if (asked_.contains(name) || is_of_head(name) || is_stored_constant(name)) continue;
    throw ModelError(where_ + ": " + shown_name(name) + ": expected no such tensor by config.json, found " +
                     sizes_text(file->entries().at(name).sizes));
  }
}

}  // namespace rlhf
