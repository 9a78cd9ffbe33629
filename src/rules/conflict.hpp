// What the rules about two guests share.
#pragma once
#include <string>
#include <vector>

#include "rules/rule.hpp"

namespace hostpci {

/// "VM 100".
std::string vm_name(const VmFacts&);
/// One user a VM, in order of VMs.
std::vector<User> one_a_vm(const std::vector<User>&);
/// "VMs 100, 101, 102 and 7 more": for a note where a device has many users.
std::string vm_list(const std::vector<User>&);
/// Whether two lines that take one function keep each other from it: two mediated devices of one parent go together; a
/// line with other choices finds its own way.
bool collide(const User&, const User&);

}  // namespace hostpci
