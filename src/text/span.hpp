// A half-open range of bytes in one text: what every syntax node, diagnostic and edit points with.
#pragma once
#include <cstdint>
#include <string_view>

namespace hostpci {

struct Span {
  std::uint32_t begin = 0, end = 0;
  constexpr std::uint32_t size() const { return end - begin; }
  constexpr bool contains(std::uint32_t offset) const { return begin <= offset && offset < end; }
  bool operator==(const Span&) const = default;
};

inline std::string_view slice(std::string_view text, Span span) { return text.substr(span.begin, span.size()); }

}  // namespace hostpci
