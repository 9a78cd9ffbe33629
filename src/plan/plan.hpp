// A plan as a value: every file with its bytes before and after, the commands that follow, what the host loses. Whoever
// makes it knows nothing of printing it (render.hpp), keeping it (saved.hpp) or carrying it out
// (apply/transaction.hpp).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hostpci {

/// One file as it is and as it shall be.
struct FileChange {
  std::string path;                   ///< below the root, every link resolved
  std::optional<std::string> before;  ///< its bytes; nothing: there is no such file
  std::optional<std::string> after;   ///< nothing: it is removed
  std::uint32_t mode = 0644;  ///< of a file that is made; one that exists keeps its own, its owner, ACLs and attributes
  std::vector<std::string> reasons;  ///< one line each: why
  bool operator==(const FileChange&) const = default;
};

/// A command that follows a change; run without a shell.
struct PlannedCommand {
  std::vector<std::string> words;  ///< {"update-initramfs", "-u", "-k", "all"}
  std::string reason;
  bool operator==(const PlannedCommand&) const = default;
};

/// What the host has to do without once the plan is carried out: "net eno1: vmbr0 192.0.2.10/24 (default route)".
struct Loss {
  std::string device;  ///< "0000:02:00.0"
  std::string what;
  bool critical = false;  ///< its root, boot or swap disk, its management network or its only console
  bool operator==(const Loss&) const = default;
};

/// What the plan leaves alone and why: a file that cannot be parsed, a finding that no plan mends.
struct Obstacle {
  std::string file;        ///< may be empty
  std::uint32_t line = 0;  ///< 0: the file as a whole
  std::string message;
  bool operator==(const Obstacle&) const = default;
};

struct Plan {
  std::string node;                ///< the node's name
  std::vector<std::uint32_t> vms;  ///< for which it was made, ascending
  std::vector<FileChange> files;   ///< by path; none of them has equal bytes before and after
  std::vector<PlannedCommand>
      by_hand;  ///< what Proxmox VE must be asked to do once the files stand: {"qm", "set", "100", "--efidisk0", …}
  std::vector<PlannedCommand> refresh;  ///< to run after, in order; each may run twice
  std::vector<PlannedCommand> undo;     ///< to run after an undo where a command itself carries the change (grubby)
  std::vector<std::string> reboot;      ///< what counts only after a reboot, one line each
  std::vector<Loss> losses;
  std::vector<Obstacle> obstacles;
  std::vector<std::string> notes;  ///< what else one should know: evidence that does not agree, a choice that was made
  std::map<std::string, std::string> read;  ///< evidence.hpp: what decided -> SHA-256

  /// Nothing is to be done. It may still wait for a reboot.
  bool empty() const { return files.empty() && by_hand.empty() && refresh.empty(); }
  bool operator==(const Plan&) const = default;
};

}  // namespace hostpci
