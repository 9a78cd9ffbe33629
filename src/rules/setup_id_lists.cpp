// Reads ids= as the kernel does (vfio_pci.c): fields of hexadecimal numbers, of several lists the last.
#include <algorithm>

#include "rules/setup_ids.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::optional<std::uint32_t> hex(std::string_view text) {
  if (text.substr(0, 2) == "0x" || text.substr(0, 2) == "0X") text.remove_prefix(2);
  auto value = text.size() <= 8 ? number(text, 16) : std::nullopt;
  return value ? std::optional<std::uint32_t>(std::uint32_t(*value)) : std::nullopt;
}

void read_fields(VfioId& id) {
  std::vector<std::uint32_t> fields;
  for (std::string_view part : split(id.text, ':')) {
    auto value = hex(part);
    if (!value) return;
    fields.push_back(*value);
  }
  if (fields.size() < 2 || fields.size() > 6 || fields[0] > 0xffff || fields[1] > 0xffff) return;
  id.id = PciId{std::uint16_t(fields[0]), std::uint16_t(fields[1])};
  if (fields.size() > 2) id.subvendor = fields[2];
  if (fields.size() > 3) id.subdevice = fields[3];
  if (fields.size() > 4) id.device_class = fields[4];
  if (fields.size() > 5) id.class_mask = fields[5];
}

/// `value` stands at `begin` of the place's source if the list is exact.
void read_ids(IdList& list, std::string_view value, std::uint32_t begin) {
  std::uint32_t at = begin;
  for (std::string_view part : split(value, ',')) {
    VfioId id;
    std::string_view text = part;
    std::uint32_t start = at;
    while (!text.empty() && text.front() == '"') text.remove_prefix(1), ++start;
    while (!text.empty() && text.back() == '"') text.remove_suffix(1);
    id.text = text;
    id.exact = list.exact;
    Span span{start, start + std::uint32_t(text.size())};
    id.place = Place(list.place.source, list.exact ? span : list.place.span);
    read_fields(id);
    if (!text.empty()) list.ids.push_back(std::move(id));
    at += std::uint32_t(part.size()) + 1;
  }
}

constexpr std::string_view option = "ids=";

IdList of_option(const PlacedText& word) {
  IdList list;
  list.place = Place(word.source, word.span);
  list.exact = word.exact;
  read_ids(list, std::string_view(word.text).substr(option.size()), word.span.begin + std::uint32_t(option.size()));
  return list;
}

IdList of_argument(const BootArgument& a) {
  IdList list;
  list.place = a.place;
  list.exact = !a.configured || a.configured->exact;
  list.command_line = true;
  read_ids(list, a.argument.value, a.argument.value_span.begin);
  return list;
}

}  // namespace

bool VfioId::matches(const Device& device) const {
  if (!id || !device.id || *device.id != *id) return false;
  if (subvendor != any && (!device.subsystem || device.subsystem->vendor != subvendor)) return false;
  if (subdevice != any && (!device.subsystem || device.subsystem->device != subdevice)) return false;
  return class_mask == 0 || (device.class_code && ((*device.class_code ^ device_class) & class_mask) == 0);
}

std::vector<IdList> id_lists(const Facts& facts) {
  std::vector<IdList> lists;
  for (const PlacedText& word : facts.boot->options("vfio-pci"))
    if (word.text.substr(0, option.size()) == option) lists.push_back(of_option(word));
  bool next_known = next_arguments(facts) != nullptr;
  for (const BootArgument& a : boot_arguments(facts, "vfio-pci.ids"))
    if (a.configured || !next_known) lists.push_back(of_argument(a));
  return lists;
}

std::vector<VfioId> effective_ids(const Facts& facts) {
  std::vector<IdList> lists = id_lists(facts);
  return lists.empty() ? std::vector<VfioId>() : lists.back().ids;
}

std::vector<const Device*> devices_of(const VfioId& id, const Facts& facts) {
  std::vector<const Device*> devices;
  for (const auto& [address, device] : facts.host->devices)
    if (id.matches(device) && !device.is_bridge()) devices.push_back(&device);
  return devices;
}

}  // namespace hostpci
