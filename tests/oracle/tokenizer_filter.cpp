// Tokenises texts from standard input for a comparison: tokenizer_filter TOKENIZER
//
// A request is 'e' (encode and decode again) or 'd' (decode), a 32-bit number, and so many bytes of text or ids of four
// bytes. The answer is a 32-bit number and so many ids (none after 'd'), then a 32-bit number and so many bytes of
// decoded text. Numbers are in the machine's byte order.
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "rlhf/text/tokenizer.h"

namespace {

bool read_bytes(void* to, std::size_t count) {
  std::cin.read(static_cast<char*>(to), static_cast<std::streamsize>(count));
  return static_cast<std::size_t>(std::cin.gcount()) == count;
}

void write_bytes(const void* from, std::uint32_t elements, std::size_t element_bytes) {
  std::cout.write(reinterpret_cast<const char*>(&elements), sizeof elements);
  std::cout.write(static_cast<const char*>(from), static_cast<std::streamsize>(elements * element_bytes));
}

int answer_all(const rlhf::Tokenizer& tokenizer) {
  char kind = 0;
  std::uint32_t count = 0;
  while (read_bytes(&kind, 1) && read_bytes(&count, sizeof count)) {
    rlhf::TokenIds ids;
    if (kind == 'e') {
      std::string text(count, '\0');
      if (!read_bytes(text.data(), count)) return 1;
      ids = tokenizer.encode(text).ids;
      write_bytes(ids.data(), static_cast<std::uint32_t>(ids.size()), sizeof ids[0]);
    } else {
      ids.resize(count);
      if (!read_bytes(ids.data(), count * sizeof ids[0])) return 1;
      write_bytes(nullptr, 0, 1);
    }
    const std::string text = tokenizer.decode(ids);
    write_bytes(text.data(), static_cast<std::uint32_t>(text.size()), 1);
    if (std::cin.rdbuf()->in_avail() <= 0) std::cout.flush();
  }
  std::cout.flush();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  try {
    if (argc != 2) throw std::runtime_error("usage: tokenizer_filter TOKENIZER");
    return answer_all(*rlhf::load_tokenizer(argv[1]));
  } catch (const std::exception& error) {
    std::cerr << "tokenizer_filter: " << error.what() << '\n';
    return 1;
  }
}
