// How an objection to an act on a device is put together.
#pragma once
#include <string>
#include <string_view>

#include "diag/diagnostic.hpp"
#include "rules/device.hpp"

namespace hostpci {

/// The device as describe() has it, in backquotes.
inline std::string quoted(const Device& device) { return "`" + describe(device) + "`"; }

/// Adds a finding under the rule's name, at that attribute of the device.
inline Diagnostic& object(Sink& out, Severity severity, std::string rule, const Device& device, std::string_view attribute,
                          std::string message) {
  Diagnostic d;
  d.rule = std::move(rule);
  d.severity = severity;
  d.message = std::move(message);
  d.place = Place(device_path(device.address, attribute));
  return out.add(std::move(d));
}

}  // namespace hostpci
