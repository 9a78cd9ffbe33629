// The <domain> around a VM's <hostdev> elements: the guest's name, size, machine, firmware and PCI buses.
#pragma once
#include <pugixml.hpp>

#include "export/guest_slot.hpp"

namespace hostpci {

/// Writes the domain, and the controllers of all buses that the lines need; returns its <devices>.
pugi::xml_node add_domain(pugi::xml_node document, const Vm&, const Guest&, const std::vector<ResolvedLine>&);

}  // namespace hostpci
