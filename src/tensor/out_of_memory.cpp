// Recognises the errors of allocators.
#include "rlhf/tensor/out_of_memory.h"

#include <new>
#include <sstream>

#include <c10/util/Exception.h>

namespace rlhf {
namespace {

/// Whether this error, which is no c10::OutOfMemoryError, is of LibTorch's CPU allocator, of CUDA outside of LibTorch's
/// allocator, or of one of CUDA's libraries.
bool says_so(const std::string& message) {
  for (const char* text : {"can't allocate memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED"})
    if (message.find(text) != std::string::npos) return true;
  return false;
}

/// Whether oneDNN, whose header LibTorch does not have, found no memory for its code or its buffers. What it does not
/// support fails before, as "could not create a primitive descriptor".
bool is_of_onednn(const std::exception& error) { return std::string(error.what()) == "could not create a primitive"; }

/// Number and unit after "tried to allocate".
std::string request(const std::string& message) {
  const std::string before = "ried to allocate ";
  const std::size_t at = message.find(before);
  if (at == std::string::npos) return "memory";
  std::istringstream words(message.substr(at + before.size()));
  std::string number, unit;
  words >> number >> unit;
  return number + " " + unit.substr(0, unit.find_first_of(".,;"));
}

}  // namespace

std::optional<std::string> out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "memory";
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  if (of_torch == nullptr) return is_of_onednn(error) ? std::optional("memory") : std::nullopt;
  const std::string message = of_torch->what_without_backtrace();
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) == nullptr && !says_so(message)) return std::nullopt;
  return request(message);
}

}  // namespace rlhf
