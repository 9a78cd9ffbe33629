// Rules about `ids=` of vfio-pci: written so that the kernel reads it, and meaning no device that the host needs.
#include "rules/setup_ids.hpp"

#include <algorithm>
#include <set>

#include "rules/device.hpp"
#include "rules/device_vf.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// "01:00.0", "0000:01:00.0": an address, which the kernel would read as the id 0001:0000.
bool is_address(std::string_view text) {
  std::size_t dot = text.rfind('.');
  if (dot == text.npos || dot + 2 != text.size()) return false;
  auto parts = split(text.substr(0, dot), ':');
  return (parts.size() == 2 || parts.size() == 3) && parts.back().size() == 2 && parts[parts.size() - 2].size() == 2;
}

bool is_four_hex(std::string_view text) { return text.size() == 4 && number(text, 16); }

std::string fault(const VfioId& id) {
  std::string text = "`" + id.text + "`";
  if (is_address(id.text)) return text + " is an address; ids= takes vendor:device";
  if (id.text.find(':') == std::string::npos) return text + " is half an id: vendor and device are joined by a colon";
  return text + " is no id of the form vendor:device";
}

/// "10de,1b80,10de,10f0" as it was meant; empty if the list is not of that kind.
std::string with_colons(const IdList& list) {
  auto half = [](const VfioId& id) { return is_four_hex(id.text); };
  if (list.ids.size() % 2 || !std::all_of(list.ids.begin(), list.ids.end(), half)) return {};
  std::string text;
  for (std::size_t i = 0; i < list.ids.size(); i += 2)
    text += (i ? "," : "") + list.ids[i].text + ":" + list.ids[i + 1].text;
  return text;
}

void list_faults(const Facts& facts, const IdList& list, Findings& findings) {
  for (const VfioId& id : list.ids) {
    if (id.id && !is_address(id.text)) continue;
    Diagnostic& d = findings.add(id.place, fault(id));
    d.notes.push_back("the kernel logs \"vfio_pci: invalid id string\", or binds another device");
    d.help.push_back("`lspci -nn` shows the ids, as in `ids=10de:1b80,10de:10f0`");
    std::string meant = with_colons(list), after = list.command_line ? refresh_help(facts) : initramfs_help(facts);
    if (meant.empty()) continue;
    Span whole{list.ids.front().place.span.begin, list.ids.back().place.span.end};
    std::vector<FileEdit> edits;
    if (list.exact && list.place.file() != "/proc/cmdline") edits = {{list.place.file(), whole, meant}};
    mend(d, "write `ids=" + meant + "`, " + after, Safety::unsafe, std::move(edits));
    return;
  }
}

/// Words of one line, of which the first belongs to the list of ids and the second is no option.
bool breaks_list(const PlacedText& before, const PlacedText& word) {
  if (before.source != word.source || word.text.find('=') != std::string::npos) return false;
  if (before.text.substr(0, 4) != "ids=" && before.text.find('=') != std::string::npos) return false;
  std::string_view between = slice(word.source->text, {before.span.end, std::max(before.span.end, word.span.begin)});
  return trim(between).empty() && between.find('\n') == between.npos && word.text.find(':') != std::string::npos;
}

/// Words after a blank: `ids=10de:1b80, 10de:10f0`.
void blank_faults(const Facts& facts, Findings& findings) {
  std::optional<PlacedText> before;
  for (const PlacedText& word : facts.boot->options("vfio-pci")) {
    if (before && breaks_list(*before, word)) {
      Diagnostic& d =
          findings.add(Place(word.source, word.span), "`" + word.text + "` is not read: a blank ends the list of ids");
      std::string comma = before->text.back() == ',' ? "" : ",";
      mend(d, "write the ids without blanks, " + initramfs_help(facts), Safety::unsafe,
           {{word.source->path, {before->span.end, word.span.begin}, comma}});
    }
    before = word;
  }
}

void ids_syntax(const Facts& facts, Findings& findings) {
  for (const IdList& list : id_lists(facts)) list_faults(facts, list, findings);
  blank_faults(facts, findings);
}

std::string lost_ids(const IdList& list, const IdList& last) {
  std::string lost;
  for (const VfioId& id : list.ids) {
    if (!id.id) continue;
    auto same = [&](const VfioId& other) { return lower(other.text) == lower(id.text); };
    if (std::any_of(last.ids.begin(), last.ids.end(), same)) continue;
    lost += (lost.empty() ? "" : ",") + id.text;
  }
  return lost;
}

void ids_split(const Facts& facts, Findings& findings) {
  std::vector<IdList> lists = id_lists(facts);
  if (lists.size() < 2) return;
  const IdList& last = lists.back();
  for (const IdList& list : lists) {
    std::string lost = lost_ids(list, last);
    if (lost.empty()) continue;
    Diagnostic& d = findings.add(list.place, "`" + lost + "` is lost: of several `ids=` the kernel keeps the last");
    d.labels.push_back({last.place, "this one counts"});
    std::vector<FileEdit> edits;
    if (last.exact && !last.ids.empty() && last.place.file() != "/proc/cmdline") {
      std::uint32_t end = last.ids.back().place.span.end;
      edits = {{last.place.file(), {end, end}, "," + lost}};
    }
    mend(d, "merge the lists into one, " + (last.command_line ? refresh_help(facts) : initramfs_help(facts)), Safety::unsafe,
         std::move(edits));
  }
}

void ids_unknown(const Facts& facts, Findings& findings) {
  const auto& devices = facts.host->devices;
  auto no_id = [](const auto& entry) { return !entry.second.id; };
  if (devices.empty() || std::any_of(devices.begin(), devices.end(), no_id)) return;
  for (const VfioId& id : effective_ids(facts)) {
    auto matches = [&](const auto& entry) { return id.matches(entry.second); };
    if (!id.id || is_address(id.text) || std::any_of(devices.begin(), devices.end(), matches)) continue;
    findings.add(id.place, "no device of this host has the id `" + id.text + "`")
        .help.push_back("`lspci -nn` shows the ids; take it out");
  }
}

/// A use without which the host does not boot or cannot be reached; consoles are another rule's.
std::string vital_use(const Device& device) {
  if (!device.uses) return {};
  for (const Use& use : *device.uses)
    if (use.critical && use.kind != UseKind::console) return text_of(use);
  return {};
}

/// Not for a VM, and the host has it: a driver of its own, or a use.
bool belongs_to_host(const Device& device, const Facts& facts) {
  if (is_passed(facts, device.address) || !device.driver_override.value_or("").empty()) return false;
  bool used = device.uses && !device.uses->empty();
  bool driven = device.driver && !device.driver->empty() && *device.driver != "vfio-pci";
  return used || driven || device.boot_vga.value_or(false);
}

void driver_override_help(Diagnostic& d, const Device& device) {
  d.help.push_back("give the VM's one to vfio-pci by address (`driverctl set-override ADDRESS vfio-pci`), not by id");
  d.labels.push_back({Place(device_path(device.address, "driver")),
                      device.driver.value_or("").empty() ? "no driver" : "driver " + *device.driver});
}

void ids_catches_host(const Facts& facts, Findings& findings) {
  for (const VfioId& id : effective_ids(facts)) {
    std::vector<const Device*> devices = devices_of(id, facts);
    auto passed = [&](const Device* d) { return is_passed(facts, d->address); };
    bool for_vm = std::any_of(devices.begin(), devices.end(), passed);
    for (const Device* device : devices) {
      if (needs_host_driver(facts, *device)) continue;  // setup-ids-with-mdev tells
      std::string use = vital_use(*device);
      bool twin = use.empty() && devices.size() > 1 && for_vm && belongs_to_host(*device, facts);
      if (use.empty() && !twin) continue;
      std::string message = "`" + id.text + "` also takes " + describe(*device) + " from the host at boot";
      Diagnostic& d = findings.add(
          id.place,
          use.empty() ? message : "`" + id.text + "` takes " + describe(*device) + " from the host at boot: " + use);
      d.notes.push_back("ids select by model, not by slot");
      driver_override_help(d, *device);
    }
  }
}

void ids_with_mdev(const Facts& facts, Findings& findings) {
  for (const VfioId& id : effective_ids(facts))
    for (const Device* device : devices_of(id, facts)) {
      const Assignment* user = needs_host_driver(facts, *device);
      if (!user) continue;
      std::string what = user->is_mdev() ? "mediated devices" : "virtual functions";
      Diagnostic& d = findings.add(
          id.place, "`" + id.text + "` gives " + describe(*device) + " to vfio-pci: it then has no " + what);
      d.labels.push_back({Findings::place(*user), "this line needs its own driver"});
      mend(d, "take the id out, " + initramfs_help(facts), Safety::unsafe, remove_id(id));
    }
}

constexpr Rule table[] = {
    {.id = "setup-ids-syntax",
     .severity = Severity::error,
     .summary = "`ids=` of vfio-pci cannot be read",
     .why = "It is a list of vendor:device, joined by commas without blanks. The kernel passes over what it cannot "
            "read, and "
            "reads an address as an id.",
     .bad = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de,1b80\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80\n",
     .fix = "write vendor:device, joined by commas",
     .fixable = Fixable::automatic,
     .source = "linux drivers/vfio/pci/vfio_pci.c vfio_pci_fill_ids",
     .host = ids_syntax},
    {.id = "setup-ids-split",
     .severity = Severity::warning,
     .summary = "several `ids=` lists: only the last one counts",
     .why =
         "kmod joins the options of all files, and the kernel keeps the last value of a text parameter: ids of earlier "
         "lines are lost.",
     .bad = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80\noptions vfio-pci ids=10de:10f0\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80,10de:10f0\n",
     .fix = "merge them into one list",
     .fixable = Fixable::automatic,
     .source = "linux module_param_string; kmod libkmod-module.c",
     .host = ids_split},
    {.id = "setup-ids-unknown",
     .severity = Severity::info,
     .summary = "`ids=` names a device that this host does not have",
     .why = "A typing error, or a card that was taken out.",
     .bad = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:ffff\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80\n",
     .fix = "correct the id or take it out",
     .fixable = Fixable::assisted,
     .source = "/sys/bus/pci/devices/*/{vendor,device}",
     .host = ids_unknown},
    {.id = "setup-ids-catches-host",
     .severity = Severity::error,
     .summary = "`ids=` takes a device that the host needs",
     .why =
         "ids select by model, not by slot: of two equal cards both go to vfio-pci, and the one that carries the root "
         "disk or the management network is then gone.",
     .bad = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=8086:15bc\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80,10de:10f0\n",
     .fix = "bind the one device by its address with driver_override",
     .fixable = Fixable::assisted,
     .source = "linux drivers/vfio/pci/vfio_pci.c; linux drivers/pci/pci-driver.c",
     .host = ids_catches_host},
    {.id = "setup-ids-with-mdev",
     .severity = Severity::error,
     .summary = "`ids=` takes a device whose own driver a VM needs",
     .why = "Mediated devices and virtual functions are made by the device's own driver; on vfio-pci it has none.",
     .bad = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80,8086:3e98\n"
            "# /etc/pve/qemu-server/100.conf\nhostpci0: 00:02.0,mdev=i915-GVTg_V5_4\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80\n"
             "# /etc/pve/qemu-server/100.conf\nhostpci0: 00:02.0,mdev=i915-GVTg_V5_4\n",
     .fix = "take the id out",
     .fixable = Fixable::automatic,
     .source = "pve-docs qm-pci-passthrough.adoc",
     .host = ids_with_mdev},
};
static_assert(well_formed(table));

}  // namespace

std::vector<FileEdit> remove_id(const VfioId& id) {
  if (!id.exact || !id.place.source || id.place.file() == "/proc/cmdline") return {};
  Span span = id.place.span;
  const std::string& text = id.place.source->text;
  if (span.end < text.size() && text[span.end] == ',')
    ++span.end;
  else if (span.begin > 0 && text[span.begin - 1] == ',')
    --span.begin;
  else
    return {};
  return {{id.place.file(), span, ""}};
}

bool goes_along(const Facts& facts, const PciAddress& taken, const Device& device) {
  const Device* first = facts.device(taken);
  if (!first || is_any_bridge(device)) return false;
  if (first->group.value_or(-1) >= 0) return device.group == first->group;
  return device.address.same_slot(taken);
}

bool is_taken(const Facts& facts, const PciAddress& address) {
  const Device* device = facts.device(address);
  auto goes = [&](const PciAddress& taken) { return device && goes_along(facts, taken, *device); };
  for (const VmFacts& vm : facts.vms)
    for (const Assignment& assignment : vm.assignments)
      for (const std::vector<PciAddress>& choice : assignment.resolved.choices)
        if (takes(assignment) && std::any_of(choice.begin(), choice.end(), goes)) return true;
  return false;
}

namespace {

/// The line names a virtual function of the card that does not exist yet.
bool wants_function_of(const Facts& facts, const Assignment& assignment, const Device& card) {
  if (assignment.owner->foreign) return false;
  for (const HostElement& element : assignment.parsed().hosts) {
    if (!matching_functions(*facts.host, element.text).empty()) continue;
    auto missing = missing_function(*facts.host, element.text);
    if (missing && missing->physfn == &card) return true;
  }
  return false;
}

}  // namespace

const Assignment* needs_host_driver(const Facts& facts, const Device& device) {
  for (const VmFacts& vm : facts.vms)
    for (const Assignment& assignment : vm.assignments) {
      for (const Device* used : assignment.devices)
        if ((assignment.is_mdev() && used->address == device.address) || used->physfn == device.address)
          return &assignment;
      if (device.sriov_totalvfs.value_or(0) > 0 && wants_function_of(facts, assignment, device)) return &assignment;
    }
  return nullptr;
}

const std::span<const Rule> setup_ids_rules = table;

}  // namespace hostpci
