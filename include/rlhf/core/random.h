#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace rlhf {

/// Counter-based random numbers: the n-th number of a stream is a pure function of (seed, stream, n). A draw therefore
/// does not depend on the order of the batch, on other rows, or on how often the program was stopped and resumed.
/// Philox4x32 with 10 rounds, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high);

/// Uniform in (0, 1), 53 bits, never 0 and never 1.
double random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);
/// Uniform integer in [0, bound), bound > 0, without modulo bias.
std::uint64_t random_below(std::uint64_t seed, std::uint64_t stream, std::uint64_t index, std::uint64_t bound);
/// Standard normal (Box-Muller on one counter).
double random_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);
/// A permutation of 0..n-1 (Fisher-Yates) that depends only on (n, seed, stream).
std::vector<std::size_t> random_permutation(std::size_t n, std::uint64_t seed, std::uint64_t stream);
/// Mixes up to three numbers (for example purpose, epoch, row) into a stream number.
std::uint64_t random_stream(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0);

}  // namespace rlhf
