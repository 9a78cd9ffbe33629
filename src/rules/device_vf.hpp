// Which virtual function a missing address would be.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/host.hpp"
#include "rules/facts.hpp"

namespace hostpci {

/// A function that the host does not have and that a card could create.
struct MissingFunction {
  PciAddress address;
  const Device* physfn = nullptr;
  std::uint32_t ordinal = 0;  ///< which one, from 1: so many the card has to enable; 0 if none of them shows the row
};

/// The card whose virtual function that host= element would be, if it enabled more of them. Offset and stride are taken
/// from the functions that exist; without any, only addresses that can hardly be anything else count: another function
/// of the card's slot, or a device number on the card's own secondary bus.
std::optional<MissingFunction> missing_function(const Host&, std::string_view element);

/// What creates functions of this card at every boot, or may: a file, /proc/cmdline for the kernel's command line.
struct FunctionMaker {
  std::string path;
  bool certain = false;  ///< it names the card by address; else it names none (a module's option)
};
std::vector<FunctionMaker> function_makers(const Facts&, const Device& card);
/// There is such a file.
bool functions_at_boot(const Facts&, const Device& card);

}  // namespace hostpci
