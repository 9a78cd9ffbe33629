// The way back without us: a script in the journal that puts the images of a transaction back from a rescue shell.
#pragma once
#include <string>

#include "apply/journal.hpp"

namespace hostpci {

/// `sh undo.sh [ROOT]`, for any POSIX shell, where cmp, cp, mv, rm and rmdir are. Nothing is changed if any file holds neither the
/// old nor the new bytes; files below /etc/pve are passed over where it is not mounted. At the end it says which commands to run.
std::string rescue_script(const JournalRecord&);

}  // namespace hostpci
