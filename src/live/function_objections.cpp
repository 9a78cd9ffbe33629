// What a card cannot, and what speaks against another number of its virtual functions.
#include <algorithm>
#include <ctime>

#include "live/objection_parts.hpp"
#include "live/objections.hpp"
#include "live/reservations.hpp"
#include "live/vfio_openers.hpp"
#include "live/virtual_functions.hpp"
#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The kernel makes them through the card's driver: ENOENT without one, and with vfio-pci.
void object_to_driver(const Device& card, Sink& out) {
  if (card.driver == "") {
    Diagnostic& d = object(out, Severity::error, "device-vf-not-created", card, "driver",
                           quoted(card) + " has no driver, through which the kernel would make its virtual functions");
    d.help.push_back("bind it to its own driver first: `hostpci unbind " + card.address.str() + "`");
  }
  if (!on_vfio(card)) return;
  Diagnostic& d = object(out, Severity::error, "device-pf-on-vfio", card, "driver",
                         quoted(card) + " is on vfio-pci, which makes no virtual functions");
  d.help.push_back("give it back to its own driver first: `hostpci unbind " + card.address.str() + "`");
}

/// Some drivers take the card's own link down for a moment.
void tell_of_management(const Device& card, Sink& out) {
  for (const Use& use : card.uses.value_or(std::vector<Use>()))
    if (use.critical && (use.kind == UseKind::net || use.kind == UseKind::bridge_port))
      object(out, Severity::info, "device-mgmt-nic", card, {},
             "the host is reached through " + quoted(card) + ", whose link may be down for a moment");
}

/// More than that a driver has it and could be used: it carries something. An interface that is up has been set up by someone,
/// whoever gave it its addresses.
bool is_in_use(const FileSystem* system, const Use& use) {
  if (use.kind == UseKind::net && system && interface_is_up(*system, use.name) == true) return true;
  if (use.kind == UseKind::disk || use.kind == UseKind::net) return !use.detail.empty();
  return use.kind == UseKind::filesystem || use.kind == UseKind::swap || use.kind == UseKind::bridge_port;
}

/// Each use by itself, and then whether one is hidden from the host.
void object_to_uses(const FileSystem* system, const Device& function, Sink& out) {
  Sink losses;
  object_to_losses(function, losses);
  bool told = function.uses && losses.diagnostics.size() >= function.uses->size();
  for (std::size_t i = 0; told && i < function.uses->size(); ++i)
    if (is_in_use(system, (*function.uses)[i])) losses.diagnostics[i].severity = Severity::error;
  for (Diagnostic& loss : losses.diagnostics) out.add(std::move(loss));
}

void object_to_loss_of(const Host& host, const FileSystem* system, const Device& function, Sink& out) {
  std::size_t before = out.diagnostics.size();
  object_to_holder(host, function, out);
  if (system && out.diagnostics.size() == before) {
    object_to_reservation(*system, function, std::time(nullptr), out);
    object_to_openers(*system, function, out);
  }
  object_to_uses(system, function, out);
  if (out.diagnostics.size() == before && on_vfio(function))
    object(out, Severity::info, "device-pf-has-vfs", function, "driver",
           quoted(function) + " goes; it is on vfio-pci, and nobody has it open");
}

}  // namespace

Status functions_possible(const Device& card, std::uint32_t wanted) {
  std::string total = device_path(card.address, "sriov_totalvfs");
  if (card.physfn) return Failure{quoted(card) + " is itself a virtual function, of " + card.physfn->str()};
  if (!card.sriov_totalvfs || !card.sriov_numvfs)
    return Failure{"how many virtual functions " + quoted(card) + " has is not known: `" + total +
                   "` could not be read"};
  if (*card.sriov_totalvfs == 0)
    return Failure{quoted(card) + " makes no virtual functions: it has no SR-IOV capability (`" + total +
                   "` does not exist, or is 0)"};
  if (wanted <= *card.sriov_totalvfs) return Done{};
  return Failure{quoted(card) + " makes at most " + count(*card.sriov_totalvfs, "virtual function") + ", not " +
                 std::to_string(wanted) + " (`" + total + "`)"};
}

std::vector<Diagnostic> functions_objections(const Host& host, const FileSystem* system, const Device& card,
                                             std::uint32_t wanted) {
  Sink out;
  if (card.sriov_numvfs == wanted) return {};
  object_to_driver(card, out);
  for (const PciAddress& address : card.virtfns)
    if (const Device* function = host.find(address)) object_to_loss_of(host, system, *function, out);
  tell_of_management(card, out);
  return std::move(out.diagnostics);
}

}  // namespace hostpci
