// Times encode() on one thread: bench-tokenizer TOKENIZER FILE. FILE is JSON, a list of texts. Prints seconds and
// tokens.
#include "rlhf/text/tokenizer.h"

#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::runtime_error("usage: bench-tokenizer TOKENIZER FILE");
    const auto tokenizer = rlhf::load_tokenizer(argv[1]);
    std::ifstream file(argv[2]);
    const auto texts = nlohmann::json::parse(file).get<std::vector<std::string>>();
    std::size_t tokens = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& text : texts) tokens += tokenizer->encode(text).ids.size();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << nlohmann::json{{"seconds", seconds.count()}, {"tokens", tokens}} << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench-tokenizer: " << error.what() << '\n';
    return 1;
  }
}
