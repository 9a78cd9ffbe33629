// Which devices vfio-pci must have before their own driver comes, and how: by id, or by address where the id would
// catch a twin of the host. Proxmox VE itself takes devices from their drivers when the VM starts. That works for
// network cards, disk controllers and USB; graphics cards often do not let go, and the console or the firmware's
// framebuffer stays on them.
#include <algorithm>
#include <set>

#include "plan/boot_order.hpp"
#include "plan/parts.hpp"
#include "rules/device.hpp"
#include "rules/setup_ids.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// A function of the same card that some wanted VM takes as well: its audio, its USB-C ports.
struct Card {
  const Device* display = nullptr;
  std::vector<const Device*> functions;
};

std::vector<Card> cards_to_bind(Workspace& work) {
  std::vector<Card> cards;
  std::set<PciAddress> taken = wanted_functions(work), seen;
  for (const PciAddress& address : taken) {
    const Device* d = work.host().find(address);
    if (d->is_vf() || needs_host_driver(work.facts(), *d)) continue;
    if (!d->is_gpu() || !seen.insert(address).second) continue;
    Card card{d, {d}};
    for (const Device* other : siblings(work.host(), *d))
      if (taken.count(other->address) && seen.insert(other->address).second) card.functions.push_back(other);
    cards.push_back(std::move(card));
  }
  return cards;
}

bool is_comment(std::string_view line) { return trim(line).starts_with("#"); }

/// A rule or script of the host sets driver_override for this address; not for the virtual functions of this card.
bool bound_by_address(const Facts& facts, const Device& d) {
  for (const auto& [path, text] : facts.host->files)
    for (std::string_view line : split(text, '\n'))
      if (line.find("driver_override") != line.npos && line.find(d.address.str()) != line.npos && !is_comment(line) &&
          line.find("physfn/") == line.npos)
        return true;
  return false;
}

/// Another device of the same id that is not for a VM, or is for one through its own driver.
const Device* twin(const Facts& facts, const Device& d) {
  for (const auto& [address, other] : facts.host->devices) {
    if (address == d.address || other.id != d.id || is_any_bridge(other)) continue;
    auto users = facts.users.find(address);
    bool plain = users != facts.users.end() && std::all_of(users->second.begin(), users->second.end(),
                                                           [](const User& u) { return takes(*u.assignment); });
    if (!plain) return &other;
  }
  return nullptr;
}

bool installs(const Facts& facts, const std::string& module) {
  return !facts.boot->directives(DirectiveKind::install, module).empty();
}

/// Its own driver cannot come first any more: it holds the device now no longer, and the set-up names the driver in a
/// blacklist.
bool held_back(const Facts& facts, const Device& d) {
  if (on_host_driver(d)) return false;
  std::vector<std::string> modules = rivals(d);
  return std::any_of(modules.begin(), modules.end(),
                     [&](const std::string& m) { return is_blacklisted(facts, m) || installs(facts, m); });
}

bool is_builtin_only(const Facts& facts, const Device& d) {
  std::vector<std::string> modules = rivals(d);
  return !modules.empty() &&
         std::all_of(modules.begin(), modules.end(), [&](const std::string& m) { return is_builtin(facts, m); });
}

/// A device of `ids=` that the host cannot be without, and that the module alone keeps from vfio-pci.
const Device* kept_by(const Facts& facts, const std::string& module) {
  for (const VfioId& id : effective_ids(facts))
    for (const Device* d : devices_of(id, facts)) {
      bool needed = needs_host_driver(facts, *d) || (!is_taken(facts, d->address) && !critical_use(*d).empty());
      if (needed && on_host_driver(*d) && module_of_driver(*d->driver) == module) return d;
    }
  return nullptr;
}

/// Never where that would take from the host what it needs: what is left to say then is that of setup-ids-catches-host.
void order_drivers(Workspace& work, const Device& d) {
  for (const std::string& module : rivals(d)) {
    bool there = on_host_driver(d) || is_loaded(work.facts(), module);
    if (!there || vfio_comes_first(work.facts(), module) || is_builtin(work.facts(), module)) continue;
    if (const Device* other = kept_by(work.facts(), module)) {
      work.obstacle("", 0,
                    quoted(d) + " stays with `" + module + "` at boot: `ids=` would take " + quoted(*other) +
                        " from the host as well");
      continue;
    }
    work.arrange([&](BootDraft& draft) { return draft.add_softdep(module); },
                 "vfio-pci comes before `" + module + "`, which would take " + quoted(d));
  }
}

void bind_by_id(Workspace& work, const Device& d) {
  std::string id = d.id->str();
  bool fresh = !bound_by_id(work.facts(), d);
  if (fresh)
    work.arrange([&](BootDraft& draft) { return draft.add_vfio_id(id); }, "vfio-pci takes " + quoted(d) + " at boot");
  if (fresh || on_host_driver(d)) order_drivers(work, d);
}

void bind_by_address(Workspace& work, const Device& d, const Device* other) {
  std::string address = d.address.str(), why = "vfio-pci takes " + quoted(d) + " at boot";
  if (other) why += ", by address: " + quoted(*other) + " has the same id and stays with the host";
  bool bound = bound_by_address(work.facts(), d);
  if (bound && !on_host_driver(d)) return;
  if (!bound && !work.arrange([&](BootDraft& draft) { return draft.add_driver_override(address); }, why)) return;
  std::string loaded = "vfio-pci has to be there for devices that are kept for it";
  work.arrange([](BootDraft& draft) { return draft.add_boot_module("vfio-pci"); }, loaded);
  work.arrange([](BootDraft& draft) { return draft.add_initramfs_module("vfio-pci"); }, loaded);
}

/// The whole card goes one way, so that its functions do not end on two drivers.
void bind(Workspace& work, const Card& card) {
  const Device* other = nullptr;
  bool by_address = false;
  for (const Device* d : card.functions) {
    if (!other) other = twin(work.facts(), *d);
    by_address = by_address || bound_by_address(work.facts(), *d) || !d->id;
  }
  for (const Device* d : card.functions)
    if (other || by_address)
      bind_by_address(work, *d, twin(work.facts(), *d));
    else
      bind_by_id(work, *d);
  if (!on_vfio(*card.display)) work.reboot(quoted(*card.display) + " is on vfio-pci");
}

// The firmware's framebuffer
// -------------------------------------------------------------------------------------------

/// Only where vfio-pci does not evict it by itself: the finding is then an error.
void free_framebuffer(Workspace& work) {
  for (const Diagnostic& finding : findings_of_rule(work, "device-bootfb-claims-bar")) {
    if (finding.severity != Severity::error) continue;
    std::string argument = "initcall_blacklist=sysfb_init";
    bool was_there = work.boot().has_argument(argument);
    if (!work.arrange([&](BootDraft& draft) { return draft.add_argument(argument); },
                      finding.message + " (" + finding.rule + ")"))
      continue;
    work.reboot("`" + argument + "` stands on the kernel command line: the firmware's framebuffer is gone");
    work.mended(finding.rule, finding.message);
    if (!was_there)
      work.plan.losses.push_back(
          {"", "the firmware's framebuffer: no picture on the host's screen until a graphics driver takes one", false});
  }
}

}  // namespace

std::string quoted(const Device& d) { return "`" + describe(d) + "`"; }

void plan_binding(Workspace& work) {
  if (findings_of_rule(work, "setup-ids-split").size())
    work.arrange([](BootDraft& draft) { return draft.merge_vfio_ids(); },
                 "of several `ids=` the kernel keeps the last (setup-ids-split)");
  for (const Card& card : cards_to_bind(work))
    if (!held_back(work.facts(), *card.display) && !is_builtin_only(work.facts(), *card.display)) bind(work, card);
  for (const PciAddress& address : leaving_functions(work)) {
    const Device* d = work.host().find(address);
    bool free = d->driver_override.value_or("").empty();
    if (free && work.facts().boot->modprobe_known && bound_by_id(work.facts(), *d) && on_host_driver(*d))
      order_drivers(work, *d);
  }
  free_framebuffer(work);
}

}  // namespace hostpci
