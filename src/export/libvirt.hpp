// A VM's hostpci lines as libvirt's <hostdev> elements, alone or in a whole <domain>.
// Source: libvirt's format of domains (formatdomain), as its RNG schema of Debian 12 (9.0) has it.
#pragma once
#include <string>
#include <vector>

#include "rules/resolve.hpp"

namespace hostpci {

enum class LibvirtForm {
  devices,  ///< the elements only, to be put into the <devices> of a domain
  domain,   ///< name, memory, processors, machine, firmware and PVE's buses as well: what `virsh define` takes
};

struct LibvirtXml {
  std::string xml;                 ///< UTF-8, a line feed at the end; empty if there is nothing to write
  std::vector<std::string> notes;  ///< "hostpci0: x-vga=1: …": what libvirt has no words for; it stands in a comment
  std::vector<Refusal> refusals;   ///< not empty: PVE refuses the configuration, there is no XML
};

/// Of the main section as it stands, resolved for this host as `qm showcmd` does. Functions of a line of several keep
/// their places in one guest slot. A guest address is PVE's own; without a domain, places behind root ports and
/// bridges are left to libvirt where the line has one function, else moved to buses that no domain is likely to use.
LibvirtXml libvirt_xml(const Vm&, const Host&, const Mappings&, LibvirtForm);

}  // namespace hostpci
