// One file of a transaction at a time: the new bytes laid beside it, put in its place, and put back.
#pragma once
#include <string>

#include "apply/journal.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// "/etc/default/.hostpci-ID-grub": in the same directory, for rename(2) does not leave a file system; hidden, for neither *.conf
/// and *.cfg nor the names of VMs match it.
std::string stage_path(const std::string& id, const std::string& path);

/// Writes the new bytes beside the file, with its owner, mode, ACLs and attributes, all on the disk. Nothing visible changes.
/// A file that is removed has no stage.
Status stage(FileSystem&, const Journal&, std::size_t file);

/// Refuses if the file does not hold its old bytes any more.
Status still_old(const FileSystem&, const Journal&, std::size_t file);

/// Puts the stage in the file's place; a file that is removed goes to the stage's place and keeps its attributes there.
/// On a Failure it may hold either: what a cluster file system says of a rename is not always what became of it.
Status swap_in(FileSystem&, const Journal&, std::size_t file);

enum class Settled {
  right,    ///< it holds the bytes that it should
  foreign,  ///< someone else changed it: left alone
  failed,   ///< it cannot be read or written now
};
struct Settlement {
  Settled settled = Settled::right;
  std::string problem;  ///< unless right
};
/// Gives the file its old bytes (or the new ones), if it has the others, and removes its stage. `ours`: who holds the locks has
/// tried to rename the file, so that it can only be missing because of that.
Settlement settle(FileSystem&, const Journal&, std::size_t file, bool to_old, bool ours);

/// Removes what was staged or parked for the file. One that is not there is no failure.
Status drop_stage(FileSystem&, const Journal&, std::size_t file);

/// Makes the directories that the record names; removes them if they are empty.
Status make_directories(FileSystem&, const JournalRecord&);
void remove_directories(FileSystem&, const std::vector<std::string>& innermost_first);

/// What was changed below /etc/pve is on this node's disk when it returns: pmxcfs does nothing for fsync(2), but the log of its database is
/// a file like others. Source: pve-cluster database.c (WAL, synchronous=NORMAL). Where there is none nothing has to be done.
Status sync_database(FileSystem&, const JournalRecord&);

}  // namespace hostpci
