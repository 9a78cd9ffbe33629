// Reads what completion offers; whatever cannot be read gives no words.
#include "cli/candidate_words.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "apply/transaction.hpp"
#include "cli/command.hpp"
#include "host/pci_names.hpp"
#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The value of `name:` in the main section, without parsing the file.
std::string name_of(std::string_view text) {
  for (std::string_view line : split(text, '\n')) {
    if (line.substr(0, 1) == "[") break;
    if (line.substr(0, 5) == "name:") return std::string(trim(line.substr(5)));
  }
  return {};
}

std::string shortened(const std::string& address, bool with_domain) {
  return !with_domain && address.rfind("0000:", 0) == 0 ? address.substr(5) : address;
}

/// "0000:…": the domain is typed already.
bool has_domain(const std::string& typed) {
  return std::count(typed.begin(), typed.end(), ':') > 1 || typed.find(':') == 4 ||
         (typed.size() > 2 && typed.find(':') == typed.npos);
}

}  // namespace

std::vector<CompletionWord> rule_words() {
  std::vector<CompletionWord> words;
  for (const Rule* rule : catalogue()) words.push_back({std::string(rule->id), std::string(rule->summary)});
  return words;
}

std::vector<CompletionWord> command_words() {
  std::vector<CompletionWord> words;
  for (const Command& command : commands()) words.push_back({std::string(command.name), std::string(command.summary)});
  return words;
}

std::vector<CompletionWord> key_words() {
  std::vector<CompletionWord> words;
  for (std::string_view key : vm_keys())
    if (is_set_key(key)) words.push_back({std::string(key), ""});
  return words;
}

World* CandidateSource::world() {
  if (world_ || tried_) return world_.get();
  tried_ = true;
  auto opened = World::open(globals_);
  if (opened) world_ = std::move(*opened);
  return world_.get();
}

const Host* CandidateSource::host() {
  if (host_ || !world()) return host_;
  HostParts parts;
  parts.uses = parts.kernel = parts.files = parts.running = parts.capabilities = false;
  auto read = world_->host(parts);
  if (read) host_ = *read;
  return host_;
}

std::vector<CompletionWord> CandidateSource::vms() {
  std::vector<CompletionWord> found;
  if (!world()) return found;
  std::vector<Failure> failures;
  for (const std::string& path : world_->vm_paths({}, failures)) {
    auto text = world_->system().read(path);
    if (std::uint32_t vmid = vmid_of_path(path)) found.push_back({std::to_string(vmid), text ? name_of(*text) : ""});
  }
  return found;
}

std::vector<CompletionWord> CandidateSource::addresses(const std::string& typed, bool all) {
  std::vector<CompletionWord> found;
  if (!host()) return found;
  PciNames names(world_->system());
  bool domain = has_domain(typed);
  std::map<std::string, std::size_t> slots;
  for (const auto& [address, device] : host_->devices) {
    if (!all && is_any_bridge(device)) continue;
    found.push_back({shortened(address.str(), domain), names.device(device)});
    if (!device.is_vf()) ++slots[shortened(address.slot(), domain)];
  }
  for (const auto& [slot, functions] : slots)
    if (functions > 1) found.push_back({slot, "all " + std::to_string(functions) + " functions"});
  return found;
}

std::vector<CompletionWord> CandidateSource::function_counts(const std::string& card) {
  std::vector<CompletionWord> found;
  if (!host()) return found;
  for (const PciAddress& address : matching_functions(*host_, card))
    if (std::uint32_t total = host_->find(address)->sriov_totalvfs.value_or(0))
      found = {{"0", "no virtual functions"}, {std::to_string(total), "all that the card makes"}};
  return found;
}

std::vector<CompletionWord> CandidateSource::groups() {
  std::vector<CompletionWord> found;
  if (!host()) return found;
  for (int id : host_->group_ids()) found.push_back({std::to_string(id), count(host_->group(id).size(), "device")});
  return found;
}

std::vector<CompletionWord> CandidateSource::mappings() {
  std::vector<CompletionWord> found;
  if (!host()) return found;
  for (const auto& [id, mapping] : world_->mappings(*host_).by_id)
    found.push_back({std::string(id), std::string(mapping.description)});
  return found;
}

std::vector<CompletionWord> CandidateSource::transactions() {
  std::vector<CompletionWord> found;
  if (!world()) return found;
  for (const HistoryEntry& entry : history(world_->system()).value_or({}))
    if (entry.state == name(Outcome::done) || entry.state == name(Outcome::unrefreshed)) found.push_back({entry.id, entry.what});
  return found;
}

std::vector<CompletionWord> CandidateSource::mdev_types(const Hostpci& line) {
  std::set<CompletionWord> found;
  if (!host()) return {};
  std::set<PciAddress> named;
  for (const HostElement& element : line.hosts)
    for (const PciAddress& address : matching_functions(*host_, element.text)) named.insert(address);
  for (const auto& [address, device] : host_->devices) {
    if ((!named.empty() && !named.count(address)) || !device.mdev_types) continue;
    for (const MdevType& type : *device.mdev_types) found.insert({type.type, type.name});
  }
  return {found.begin(), found.end()};
}

std::vector<CompletionWord> CandidateSource::mdev_instances() {
  std::vector<CompletionWord> found;
  if (!host()) return found;
  for (const MdevInstance& instance : host_->mdevs.value_or(std::vector<MdevInstance>()))
    found.push_back({instance.uuid, instance.type + " of " + instance.parent.str()});
  if (host_->mdevs) return found;
  for (const std::string& uuid : world_->system().list("/sys/bus/mdev/devices").value_or({})) found.push_back({uuid, ""});
  return found;
}

std::vector<CompletionWord> CandidateSource::roms() {
  std::vector<CompletionWord> found;
  if (!world()) return found;
  auto names = world_->system().list("/usr/share/kvm");
  if (names)
    for (const std::string& name : *names) found.push_back({name, ""});
  return found;
}

}  // namespace hostpci
