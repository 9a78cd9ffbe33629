// Words of one kind that completion offers: VMs, addresses, mappings, rules; read from the root and host that the typed
// line names.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/candidates.hpp"
#include "cli/options.hpp"
#include "cli/world.hpp"
#include "grammar/hostpci.hpp"

namespace hostpci {

std::vector<CompletionWord> rule_words();
std::vector<CompletionWord> command_words();
/// Keys that `set` writes.
std::vector<CompletionWord> key_words();

class CandidateSource {
 public:
  explicit CandidateSource(Globals globals) : globals_(std::move(globals)) {}

  std::vector<CompletionWord> vms();
  /// Functions, and slots of several; written with the domain if `typed` is. `all`: bridges too.
  std::vector<CompletionWord> addresses(const std::string& typed, bool all);
  /// None and all of the virtual functions that this card makes.
  std::vector<CompletionWord> function_counts(const std::string& card);
  std::vector<CompletionWord> groups();
  std::vector<CompletionWord> mappings();
  /// Those that `rollback` could take back.
  std::vector<CompletionWord> transactions();
  /// Of the devices that the line names, or of all if it names none.
  std::vector<CompletionWord> mdev_types(const Hostpci& line);
  /// UUIDs of those that exist.
  std::vector<CompletionWord> mdev_instances();
  /// Files of /usr/share/kvm.
  std::vector<CompletionWord> roms();

 private:
  World* world();
  const Host* host();

  Globals globals_;
  std::unique_ptr<World> world_;
  const Host* host_ = nullptr;
  bool tried_ = false;
};

}  // namespace hostpci
