// Virtual functions that a udev rule of hostpci's own makes at every boot.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace hostpci {

struct FunctionsRule {
  std::uint32_t count = 0;
  bool probe = true;  ///< false: no driver but vfio-pci takes the functions
};

/// The card's rule in the text of /etc/udev/rules.d/70-hostpci.rules; of several the one with the most functions.
std::optional<FunctionsRule> functions_rule(std::string_view rules, std::string_view address);

}  // namespace hostpci
