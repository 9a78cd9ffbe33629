// What is wrong in a hostpci string, part by part, in the user's words: run only on parts that the grammar refused.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/hostpci.hpp"

namespace hostpci {

/// What the grammar of hostpci.cpp says to one value, for the fault finder.
bool accepts_hostpci_value(HostpciKey key, std::string_view value);
/// The grammar's own name for what a value has to be: "boolean (1, 0, on, …)".
std::string hostpci_expectation(HostpciType type);
/// The string judged once; fixes are not tried out.
Hostpci judge_hostpci(std::string_view text, std::uint32_t base);

/// Collects the errors of one string and knows which properties PVE holds for given already.
/// PVE stops at the first part that it cannot cut or that comes twice; later faults are told all the same, after that
/// one.
class HostpciFaults {
 public:
  HostpciFaults(std::string_view text, std::uint32_t base, Hostpci& result)
      : text_(text), base_(base), result_(result) {}

  /// Notes that a property is given; false if PVE calls it a duplicate. A host of "0" counts as absent for a keyless
  /// one (Perl's truth).
  bool take(HostpciKey key, bool keyless) {
    const std::uint32_t bit = 1u << unsigned(key);
    if (keyless ? keyless_ || ((given_ & bit) && !zero_host_) : (given_ & bit) != 0) return false;
    given_ |= bit;
    if (keyless) keyless_taken();
    return true;
  }

  /// The part text[begin, end), refused by the grammar or already given: an error for whatever is wrong in it (a blank
  /// part is not).
  void part(std::size_t begin, std::size_t end);
  /// Puts first what PVE names, and checks that the fixes together yield a string that PVE accepts.
  void finish(bool try_fixes);

 private:
  static constexpr std::size_t most_errors = 100;
  struct Place {
    std::size_t begin, end;
  };
  std::string_view slice(Place p) const { return text_.substr(p.begin, p.end - p.begin); }
  /// Enough has been said: what follows changes neither the verdict nor what the user does first.
  bool full() const { return result_.errors.size() >= most_errors; }
  HostpciError& add(std::string rule, Place place, std::string key, std::string message, std::string help = {});
  static void fix(HostpciError& error, std::string replacement);
  void keyless_taken();
  void syntax_error();

  void keyless(Place part);
  bool forgotten_equals(Place part);
  void keyed(Place part, std::size_t equals);
  void no_value(Place part, Place key, Place value);
  void unknown(Place key);
  void suggest_key(HostpciError& error, Place key);
  bool missing_comma(HostpciError& error, Place key);
  void repeated(HostpciKey key, Place part, Place value);
  void repeated_host(Place part, Place value);
  void wrong_value(HostpciKey key, Place value);
  void addresses(Place value);
  void empty_elements(const std::vector<Place>& elements);
  void address(Place element);
  bool mapping_name(Place part);
  void boolean(HostpciKey key, Place value);
  void pci_id(HostpciKey key, Place value);
  void simple_value(HostpciKey key, Place value);

  std::vector<Place> elements(Place value) const;
  bool looks_like_hosts(Place value) const;
  std::optional<Place> part_before(std::size_t begin) const;
  bool written(HostpciKey key) const;
  bool promise(HostpciKey key);

  std::string_view text_;
  std::uint32_t base_;
  Hostpci& result_;
  std::uint32_t given_ = 0, promised_ = 0;
  bool keyless_ = false, zero_host_ = false;
  std::vector<std::string_view> unknown_;
  std::optional<std::size_t> first_syntax_error_, zero_host_error_, forgiven_;
};

}  // namespace hostpci
