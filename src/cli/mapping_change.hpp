// `mapping add|set|delete`: pci.cfg changed under the cluster's lock, as one transaction.
#pragma once
#include "cli/command.hpp"

namespace hostpci {

inline constexpr OptionSpec mapping_options[] = {
    {"map", OptionValue::required, "MAP", "add, set: an entry, node=NODE,path=…,id=…; given once or more: these and no others"},
    {"device", OptionValue::required, "ADDR", "add, set: an entry of this node for this device; given once or more: this node has these"},
    {"description", OptionValue::required, "TEXT", "add, set: one line"},
    {"live-migration-capable", OptionValue::boolean, "", "add, set: VMs with it may be moved while they run"},
    {"mdev", OptionValue::boolean, "", "add, set: mediated devices are made of it; `add --device` finds it out"},
    {"delete", OptionValue::required, "LIST", "set: take description, live-migration-capable or mdev out"},
    {"node", OptionValue::required, "NODE", "delete: the entries of this node only"},
    {"digest", OptionValue::required, "SHA1", "refuse if pci.cfg has another digest"},
    {"force", OptionValue::none, "", "even if a VM loses its device by it, or would not start"},
    {"dry-run", OptionValue::none, "", "print the difference, write nothing"},
};

/// Does this word after `mapping` change something?
bool changes_mapping(const std::string& verb);
int run_mapping_change(Invocation&);

}  // namespace hostpci
