// `devices`: the host's PCI devices as a table, as a tree, as JSON.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <functional>
#include <set>

#include "cli/device_view.hpp"
#include "cli/log.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

using Matches = std::function<bool(const PciAddress&)>;

/// "01" (a bus), "01:00" (a slot), "01:00.0"; with the domain in front or without.
std::optional<Matches> parse_filter(std::string_view text) {
  if (auto pattern = parse_address_pattern(text)) {
    AddressPattern p = *pattern;
    return [p](const PciAddress& a) { return p.whole_slot ? a.same_slot(p.address) : a == p.address; };
  }
  std::size_t colon = text.find(':');
  auto bus = number(text.substr(colon == std::string_view::npos ? 0 : colon + 1), 16);
  auto domain = colon == std::string_view::npos ? std::optional<std::uint64_t>(0) : number(text.substr(0, colon), 16);
  if (!bus || *bus > 0xff || !domain || text.size() < 2) return {};
  return [bus, domain](const PciAddress& a) { return a.bus == *bus && a.domain == *domain; };
}

struct Selection {
  std::vector<const Device*> devices;
  int status = done;
};

Selection select(const Host& host, const std::vector<std::string>& filters) {
  Selection selection;
  std::set<PciAddress> wanted;
  for (const std::string& text : filters) {
    auto matches = parse_filter(text);
    if (!matches) {
      log_error("`" + text + "` is no PCI address, such as 01:00.0 or 01:00");
      selection.status = usage;
      continue;
    }
    bool any = false;
    for (const auto& [address, device] : host.devices) {
      if (!(*matches)(address)) continue;
      wanted.insert(address);
      any = true;
    }
    if (any) continue;
    log_error(no_such_device(host, text));
    selection.status = std::max(selection.status, int(findings));
  }
  for (const auto& [address, device] : host.devices)
    if (filters.empty() || wanted.count(address)) selection.devices.push_back(&device);
  return selection;
}

void print_table(const DeviceView& view, const std::vector<const Device*>& devices, Output& out) {
  Table table({"ADDRESS", "CLASS", "NAME", "DRIVER", "GROUP", "USED BY", "ABILITIES"});
  for (const Device* device : devices) {
    std::string used = view.used_by(*device);
    table.row({device->address.str(), view.names().class_name(*device), view.names().device(*device),
               DeviceView::driver(*device), DeviceView::group(*device), used.empty() ? "-" : used,
               DeviceView::abilities(*device)});
  }
  out << table.str();
}

class Tree {
 public:
  Tree(const DeviceView& view, const std::vector<const Device*>& shown) : view_(view) {
    std::set<PciAddress> kept;
    // the bridges above a selected device are shown with it
    for (const Device* device : shown)
      for (const Device* d = device; d && kept.insert(d->address).second;)
        d = d->parent ? view.host().find(*d->parent) : nullptr;
    for (const auto& [address, device] : view.host().devices) {
      if (!kept.count(address)) continue;
      bool child = device.parent && view.host().find(*device.parent);
      (child ? children_[*device.parent] : roots_).push_back(&device);
    }
  }

  std::string str() const {
    std::string out;
    for (const Device* root : roots_) print(*root, 0, out);
    return out;
  }

 private:
  void print(const Device& device, std::size_t depth, std::string& out) const {
    if (depth > 64) return;  // a snapshot may make a ring of parents; real buses end at 256
    std::string line = std::string(depth * 2, ' ') + device.address.str() + ' ' + view_.names().class_name(device) +
                       ": " + view_.names().device(device) + " [" + DeviceView::driver(device) + ", group " +
                       DeviceView::group(device) + ']';
    std::string used = view_.used_by(device);
    if (!used.empty()) line += ' ' + used;
    out += printable(line) + '\n';
    auto below = children_.find(device.address);
    if (below == children_.end()) return;
    for (const Device* child : below->second) print(*child, depth + 1, out);
  }

  const DeviceView& view_;
  std::vector<const Device*> roots_;
  std::map<PciAddress, std::vector<const Device*>> children_;
};

template <class T>
json::value fact(const Fact<T>& value) {
  return value ? json::value_from(*value) : json::value(nullptr);
}

json::value text_fact(const Fact<std::string>& value) {
  return value ? json::value(utf8(*value)) : json::value(nullptr);
}
json::value address_or_null(const std::optional<PciAddress>& address) {
  return address ? json::value(address->str()) : json::value(nullptr);
}

json::value uses_json(const Device& device) {
  if (!device.uses) return nullptr;
  json::array uses;
  for (const Use& use : *device.uses)
    uses.push_back(
        {{"kind", name(use.kind)}, {"name", utf8(use.name)}, {"detail", utf8(use.detail)}, {"critical", use.critical}});
  return uses;
}

json::array vms_json(const std::vector<VmUse>& uses) {
  json::array vms;
  for (const VmUse& use : uses)
    vms.push_back({{"vm", use.vmid}, {"key", use.key}, {"mdev", use.mdev}, {"running", use.running}});
  return vms;
}

json::value mdev_json(const Device& device) {
  if (!device.mdev_types) return nullptr;
  json::array types;
  for (const MdevType& type : *device.mdev_types)
    types.push_back({{"type", utf8(type.type)}, {"name", utf8(type.name)}, {"available", fact(type.available)}});
  return types;
}

Fact<std::string> class_text(const Device& device) {
  if (!device.class_code) return {};
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%06x", unsigned(*device.class_code));
  return std::string(text.data());
}

json::object device_json(const DeviceView& view, const Device& device) {
  json::array virtfns;
  for (const PciAddress& address : device.virtfns) virtfns.emplace_back(address.str());
  Fact<std::string> id, subsystem;
  if (device.id) id = device.id->str();
  if (device.subsystem) subsystem = device.subsystem->str();
  return {{"address", device.address.str()},
          {"class", text_fact(class_text(device))},
          {"className", utf8(view.names().class_name(device))},
          {"id", text_fact(id)},
          {"subsystem", text_fact(subsystem)},
          {"name", utf8(view.names().device(device))},
          {"driver", text_fact(device.driver)},
          {"group", fact(device.group)},
          {"parent", address_or_null(device.parent)},
          {"physfn", address_or_null(device.physfn)},
          {"virtfns", std::move(virtfns)},
          {"sriovTotalVfs", fact(device.sriov_totalvfs)},
          {"bootVga", fact(device.boot_vga)},
          {"reset", fact(device.reset)},
          {"resetMethod", text_fact(device.reset_method)},
          {"rom", fact(device.rom)},
          {"mdevTypes", mdev_json(device)},
          {"uses", uses_json(device)},
          {"vms", vms_json(view.vms(device.address))}};
}

void print_json(const DeviceView& view, const std::vector<const Device*>& devices, Output& out) {
  json::array list;
  for (const Device* device : devices) list.push_back(device_json(view, *device));
  out << json::serialize(json::object{{"version", 1}, {"node", utf8(view.host().node)}, {"devices", std::move(list)}})
      << "\n";
}

}  // namespace

int run_devices(Invocation& invocation) {
  auto view = DeviceView::open(invocation.globals);
  if (!view) {
    log_error(view.error().message);
    return refused;
  }
  Selection selection = select((*view)->host(), invocation.arguments);
  if (selection.status == usage) return usage;
  if (invocation.json())
    print_json(**view, selection.devices, *invocation.out);
  else if (selection.devices.empty())
    return selection.status;
  else if (invocation.options.has("tree"))
    *invocation.out << Tree(**view, selection.devices).str();
  else
    print_table(**view, selection.devices, *invocation.out);
  return selection.status;
}

}  // namespace hostpci
