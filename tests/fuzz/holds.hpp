// What every fuzz target checks with: a condition that has to hold for any input.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "text/escape.hpp"
#include "text/span.hpp"

/// Prints file, line and condition and ends the run if it does not hold.
#define HOLDS(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

namespace hostpci::fuzz {

inline std::string_view input(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline bool inside(std::string_view text, Span span) { return span.begin <= span.end && span.end <= text.size(); }

/// The span lies in the text, and the value is that very piece of it.
inline bool is_slice(std::string_view text, Span span, std::string_view value) {
  return inside(text, span) && slice(text, span) == value &&
         (value.empty() || value.data() == text.data() + span.begin);
}

/// Words for the user about a text: not empty, no control byte, no name out of a library unless the text, as it is shown,
/// holds it.
inline bool is_message(const std::string& message, std::string_view text) {
  for (unsigned char c : message)
    if (c < 0x20 || c == 0x7f) return false;
  const auto strange = [&](std::string_view name) {
    return message.find(name) != message.npos && printable(text).find(name) == std::string::npos;
  };
  return !message.empty() && !strange("boost") && !strange("St17");
}

}  // namespace hostpci::fuzz
