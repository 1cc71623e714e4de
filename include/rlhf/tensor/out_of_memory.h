#pragma once

#include <exception>
#include <optional>
#include <string>

namespace rlhf {

/// If `error` says that memory ran out, on a CPU or a GPU: what could not be allocated ("20.00 MiB"), or "memory" if it
/// does not say. nullopt for every other error.
std::optional<std::string> out_of_memory(const std::exception& error);

}  // namespace rlhf
