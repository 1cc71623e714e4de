#pragma once

#include <filesystem>
#include <string>

namespace rlhf {

/// Names of people replaced by keyed hashes: the same name always becomes the same pseudonym, and without the key
/// nobody can tell by trying names whose it is. A pseudonym is "p" and the first 64 bits, in hexadecimal, of
/// HMAC-SHA-256 (RFC 2104, FIPS 180-4) of the name in UTF-8: with a million annotators, the chance that two get the
/// same is below 1e-7. The hash is OpenSSL's; no other library that we link has one with a key, and a cipher of our own
/// would be one more to trust.
class Pseudonyms {
 public:
  /// The key is in a file of its own: 32 to 128 hexadecimal digits. If there is no such file, a key of 32 random bytes
  /// is made; save() writes it. Throws DataError if the file has no key. Warns if others may read the file.
  explicit Pseudonyms(const std::filesystem::path& key_file);
  std::string operator()(const std::string& name) const;
  /// Writes a new key, with mode 0600. Throws OutputError, also if the file exists by now.
  void save() const;

 private:
  std::filesystem::path file_;
  std::string key_;  ///< bytes
  bool is_new_ = false;
};

}  // namespace rlhf
