// SHA-1 through Boost's small header, whose digest changed its shape between versions.
#include "text/digest.hpp"

#include <boost/uuid/detail/sha1.hpp>

namespace hostpci {

std::string sha1_hex(std::string_view bytes) {
  boost::uuids::detail::sha1 hash;
  hash.process_bytes(bytes.data(), bytes.size());
  boost::uuids::detail::sha1::digest_type digest;  // five words up to Boost 1.85, twenty bytes after
  hash.get_digest(digest);
  std::string text;
  for (auto part : digest)
    for (int shift = int(sizeof part) * 8 - 4; shift >= 0; shift -= 4) text += "0123456789abcdef"[part >> shift & 15];
  return text;
}

}  // namespace hostpci
