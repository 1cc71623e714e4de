// Copies the tensors of a checkpoint, or parts of them, to where they are needed.
#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

#include "rlhf/core/error.h"
#include "rlhf/io/checkpoint.h"

namespace rlhf {
namespace {

/// "w[256:512]": elements of a flat tensor.
struct PartName {
  std::string tensor;
  std::int64_t begin = 0, end = -1;  ///< end −1: the whole tensor

  bool whole() const { return end < 0; }
};

PartName parse_name(const std::string& name) {
  const std::size_t open = name.rfind('['), colon = name.rfind(':');
  if (!name.ends_with("]") || open == std::string::npos || colon == std::string::npos || colon < open) return {name};
  PartName part{name.substr(0, open)};
  const char* const text = name.data();
  const auto first = std::from_chars(text + open + 1, text + colon, part.begin);
  const auto last = std::from_chars(text + colon + 1, text + name.size() - 1, part.end);
  const bool numbers = first.ec == std::errc() && first.ptr == text + colon && last.ec == std::errc() &&
                       last.ptr == text + name.size() - 1;
  return numbers && part.begin >= 0 && part.begin <= part.end ? part : PartName{name};
}

struct SavedPart {
  const SafetensorsFile* file;
  const SafetensorsFile::Entry* entry;
  PartName name;
};
using SavedParts = std::map<std::string, std::vector<SavedPart>>;

std::int64_t count(const std::vector<std::int64_t>& sizes) {
  std::int64_t elements = 1;
  for (const std::int64_t size : sizes) elements *= size;
  return elements;
}

std::string sizes_text(at::IntArrayRef sizes) {
  std::string text = "[";
  for (const std::int64_t size : sizes) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

SavedParts list_parts(std::span<const SafetensorsFile> files) {
  SavedParts parts;
  for (const SafetensorsFile& file : files)
    for (const auto& [name, entry] : file.entries()) {
      const PartName parsed = parse_name(name);
      parts[parsed.tensor].push_back({&file, &entry, parsed});
    }
  return parts;
}

/// Elements to copy: from `begin` to before `end` of the flat tensor.
struct Copy {
  const SavedPart* from;
  std::int64_t begin, end;
};

/// What fills the elements from `begin` to before `end`. Throws ModelError if an element is not there.
std::vector<Copy> find_elements(const std::vector<SavedPart>& saved, std::int64_t begin, std::int64_t end,
                                const std::string& message) {
  std::vector<Copy> copies;
  for (std::int64_t next = begin; next < end; next = copies.back().end) {
    const auto found = std::ranges::find_if(saved, [next](const SavedPart& part) {
      return part.name.begin <= next && next < part.name.begin + count(part.entry->sizes);
    });
    if (found == saved.end())
      throw ModelError(message + ": expected its elements from " + std::to_string(begin) + " to " +
                       std::to_string(end) + ", found none at " + std::to_string(next));
    copies.push_back({&*found, next, std::min(end, found->name.begin + count(found->entry->sizes))});
  }
  return copies;
}

/// What fills a target. Throws ModelError.
std::vector<Copy> plan_copies(const std::vector<SavedPart>& saved, const PartName& name, const at::Tensor& target,
                              const std::string& message) {
  const SavedPart& first = saved.front();
  if (name.whole() && first.name.whole() && target.sizes() != first.entry->sizes)
    throw ModelError(message + ": expected " + sizes_text(target.sizes()) + ", found " +
                     sizes_text(first.entry->sizes));
  const std::int64_t end = name.begin + target.numel();
  for (const SavedPart& part : saved)
    if (name.whole() && part.name.begin + count(part.entry->sizes) > end)
      throw ModelError(message + ": expected " + std::to_string(end) + " elements, found more");
  return find_elements(saved, name.begin, end, message);
}

void copy(const Copy& elements, const PartName& name, const at::Tensor& target) {
  const SavedPart& from = *elements.from;
  const at::Tensor saved = from.file->tensor(from.entry->name);
  if (target.sizes() == saved.sizes() && elements.begin == name.begin && elements.begin == from.name.begin) {
    target.copy_(saved);
    return;
  }
  const std::int64_t size = elements.end - elements.begin;
  target.view({-1})
      .narrow(0, elements.begin - name.begin, size)
      .copy_(saved.reshape({-1}).narrow(0, elements.begin - from.name.begin, size));
}

}  // namespace

void restore_tensors(std::span<const SafetensorsFile> saved, const NamedTensors& targets, const std::string& what) {
  const SavedParts all = list_parts(saved);
  SavedParts rest = all;
  std::vector<std::pair<PartName, std::vector<Copy>>> plan;  // copy only after everything was checked
  for (const auto& [name, target] : targets) {
    if (!target.defined())
      throw ArgumentError(what + ": expected a tensor for " + name + " to be copied to, found none");
    const PartName parsed = parse_name(name);
    const auto found = all.find(parsed.tensor);
    if (found == all.end()) throw ModelError(what + ": expected a tensor " + parsed.tensor + ", found none");
    plan.emplace_back(parsed, plan_copies(found->second, parsed, target, what + ": tensor " + parsed.tensor));
    rest.erase(parsed.tensor);
  }
  if (!rest.empty()) throw ModelError(what + ": expected no other tensors, found " + rest.begin()->first);
  const c10::NoGradGuard no_grad;
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (const Copy& elements : plan[i].second) copy(elements, plan[i].first, targets[i].second);
}

}  // namespace rlhf
