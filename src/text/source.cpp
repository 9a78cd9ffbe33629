// Lines and columns of byte offsets, counted when asked for: a finding is rare, a file that is read is not.
#include "text/source.hpp"

#include <algorithm>
#include <cstring>

namespace hostpci {
namespace {

std::uint32_t line_begin(std::string_view text, std::uint32_t offset) {
  const void* feed = offset ? memrchr(text.data(), '\n', offset) : nullptr;
  return feed ? std::uint32_t(static_cast<const char*>(feed) - text.data()) + 1 : 0;
}

std::uint32_t line_end(std::string_view text, std::uint32_t offset) {
  return std::uint32_t(std::min(text.find('\n', offset), text.size()));
}

/// The line feeds, and the end of the text.
std::vector<std::uint32_t> find_feeds(std::string_view text) {
  std::vector<std::uint32_t> feeds;
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1))
    feeds.push_back(std::uint32_t(at));
  feeds.push_back(std::uint32_t(text.size()));
  return feeds;
}

}  // namespace

Position Source::position(std::uint32_t offset) const {
  offset = std::min(offset, std::uint32_t(text.size()));
  if (line_feeds.empty()) line_feeds = find_feeds(text);
  auto feeds = std::lower_bound(line_feeds.begin(), line_feeds.end(), offset) - line_feeds.begin();
  return {std::uint32_t(feeds) + 1, offset - line_begin(text, offset) + 1};
}

Span Source::line_at(std::uint32_t offset) const {
  offset = std::min(offset, std::uint32_t(text.size()));
  return {line_begin(text, offset), line_end(text, offset)};
}

}  // namespace hostpci
