// Cards with SR-IOV as `sriov` shows them.
#pragma once
#include "cli/command.hpp"
#include "host/host.hpp"

namespace hostpci {

/// The card that the word means: of a slot the one function that makes virtual functions. Null, told: `status` is the
/// exit status.
const Device* sriov_card(const Host&, const std::string& word, int& status);

/// All cards, or the one that is named, with its functions.
int list_sriov(Invocation&);

}  // namespace hostpci
