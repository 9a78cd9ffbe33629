// Lines of a VM's file that are, or were meant to be, hostpci lines, and what is wrong with their text.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rules/rule.hpp"

namespace hostpci {

/// A line of the main section or of [PENDING] that begins with "hostpci", in any letter case, indented or not.
struct HostpciText {
  std::size_t line = 0;  ///< index into VmConfig::lines
  Span key;              ///< as written: "hostpci0", "Hostpci16", "hostpci"
  Span value;  ///< behind the colon, without blanks at both ends; empty if there is no colon or nothing behind it
  bool indented = false, colon = false;  ///< indented: something stands before the key that is no part of it
  bool marked = false;                   ///< a byte order mark stands there
  Span gap;                              ///< blanks inside the key, or between it and the colon
  std::optional<int> index;  ///< if PVE takes the key: 0-15, lower case, no leading zero
  bool numbered = false;     ///< digits follow, whatever their value
  bool accepted() const { return index && !indented && colon && value.size() > 0; }
};
std::vector<HostpciText> hostpci_texts(const Vm&);

/// ASCII for text that was copied from a typeset page: quotes, dashes, blanks, full-width forms. Nothing if a character
/// has none.
std::optional<std::string> transliterated(std::string_view text);
/// The first run of bytes from 0x80 on, and of carriage returns; nothing if all is plain.
std::optional<Span> first_foreign(std::string_view text);

// Checks of rules in the table of syntax.cpp.
void check_index_range(const Facts&, const VmFacts&, Findings&);
void check_commented_line(const Facts&, const VmFacts&, Findings&);
void check_pending_change(const Facts&, const VmFacts&, Findings&);
void check_nonascii(const Facts&, const VmFacts&, Findings&);
void check_nonascii_files(const Facts&, Findings&);

}  // namespace hostpci
