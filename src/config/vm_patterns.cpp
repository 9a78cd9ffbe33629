// The patterns of single properties, as Proxmox VE's schema has them.
#include "config/vm_patterns.hpp"

#include <algorithm>

#include "config/vm_lists.hpp"
#include "config/vm_schema.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool alphanumeric(char c) { return digit(c) || letter(c); }
bool digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), digit); }

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && digit(text[n])) ++n;
  text.remove_prefix(n);
  return n > 0;
}

/// "8.1", "8.1.2": at least two numbers.
bool take_version(std::string_view& text) {
  if (!take_digits(text) || !text.starts_with('.')) return false;
  bool more = false;
  while (text.size() > 1 && text[0] == '.' && digit(text[1])) {
    text.remove_prefix(1);
    more = take_digits(text);
  }
  return more;
}

/// What may follow a machine's version: "+pve1", and ".pxe" where `pxe`.
bool is_machine_tail(std::string_view text, bool pxe) {
  if (take(text, "+pve") && !take_digits(text)) return false;
  if (pxe) take(text, ".pxe");
  return text.empty();
}

bool is_virt(std::string_view text) {
  if (take(text, "-") && !take_version(text)) return false;
  return is_machine_tail(text, false);
}

// clang-format off
constexpr std::string_view cpu_models[] = {
    "486", "Broadwell", "Broadwell-IBRS", "Broadwell-noTSX", "Broadwell-noTSX-IBRS", "Cascadelake-Server",
    "Cascadelake-Server-noTSX", "Cascadelake-Server-v2", "Cascadelake-Server-v4", "Cascadelake-Server-v5",
    "ClearwaterForest", "Conroe", "Cooperlake", "Cooperlake-v2", "EPYC", "EPYC-Genoa", "EPYC-Genoa-v2", "EPYC-IBPB",
    "EPYC-Milan", "EPYC-Milan-v2", "EPYC-Milan-v3", "EPYC-Rome", "EPYC-Rome-v2", "EPYC-Rome-v3", "EPYC-Rome-v4",
    "EPYC-Rome-v5", "EPYC-Turin", "EPYC-v3", "EPYC-v4", "EPYC-v5", "GraniteRapids", "GraniteRapids-v2",
    "GraniteRapids-v3", "Haswell", "Haswell-IBRS", "Haswell-noTSX", "Haswell-noTSX-IBRS", "Icelake-Client",
    "Icelake-Client-noTSX", "Icelake-Server", "Icelake-Server-noTSX", "Icelake-Server-v3", "Icelake-Server-v4",
    "Icelake-Server-v5", "Icelake-Server-v6", "Icelake-Server-v7", "IvyBridge", "IvyBridge-IBRS", "KnightsMill",
    "Nehalem", "Nehalem-IBRS", "Opteron_G1", "Opteron_G2", "Opteron_G3", "Opteron_G4", "Opteron_G5", "Penryn",
    "SandyBridge", "SandyBridge-IBRS", "SapphireRapids", "SapphireRapids-v2", "SapphireRapids-v3",
    "SapphireRapids-v4", "SierraForest", "SierraForest-v2", "SierraForest-v3", "Skylake-Client",
    "Skylake-Client-IBRS", "Skylake-Client-noTSX-IBRS", "Skylake-Client-v4", "Skylake-Server", "Skylake-Server-IBRS",
    "Skylake-Server-noTSX-IBRS", "Skylake-Server-v4", "Skylake-Server-v5", "Westmere", "Westmere-IBRS", "athlon",
    "core2duo", "coreduo", "host", "kvm32", "kvm64", "max", "pentium", "pentium2", "pentium3", "phenom", "qemu32",
    "qemu64", "x86-64-v2", "x86-64-v2-AES", "x86-64-v3", "x86-64-v4"};
// clang-format on

constexpr std::string_view vm_cpu_flags[] = {"nested-virt", "md-clear",  "pcid",     "spec-ctrl",  "ssbd",
                                             "ibpb",        "virt-ssbd", "amd-ssbd", "amd-no-ssb", "pdpe1gb",
                                             "hv-tlbflush", "hv-evmcs",  "aes"};

template <class Words>
bool one_of(const Words& words, std::string_view text) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

bool is_cpu_flag(std::string_view text) {
  return (text.starts_with('+') || text.starts_with('-')) && one_of(vm_cpu_flags, text.substr(1));
}

bool is_boot_device(std::string_view device) {
  std::size_t digits_at = device.find_first_of("0123456789");
  if (digits_at == device.npos || !key_schema(device)) return false;
  constexpr std::string_view bootable[] = {"ide", "sata", "scsi", "virtio", "net", "usb", "hostpci"};
  return one_of(bootable, device.substr(0, digits_at));
}

bool is_startup_part(std::string_view part) {
  if (trim(part).empty()) return true;
  if (!take(part, "up=") && !take(part, "down=")) take(part, "order=");
  return digits(part);
}

bool is_dns_label(std::string_view label) {
  auto inner = [](char c) { return alphanumeric(c) || c == '-'; };
  return !label.empty() && alphanumeric(label.front()) && alphanumeric(label.back()) &&
         std::all_of(label.begin(), label.end(), inner);
}

}  // namespace

bool is_machine_type(std::string_view text) {
  if (text == "pc" || text == "q35") return true;
  if (take(text, "virt")) return is_virt(text);
  if (!take(text, "pc")) return false;
  if (!take(text, "-i440fx")) take(text, "-q35");
  return take(text, "-") && take_version(text) && is_machine_tail(text, true);
}

bool is_cpu_model(std::string_view text) { return text.starts_with("custom-") || one_of(cpu_models, text); }

bool is_cpu_flags(std::string_view text) {
  auto flags = split(text, ';');
  return !flags.empty() && std::all_of(flags.begin(), flags.end(), is_cpu_flag);
}

bool is_phys_bits(std::string_view text) {
  if (text == "host") return true;
  auto bits = number(text);
  return bits && text.size() <= 2 && *bits >= 8 && *bits <= 64;
}

bool is_hv_vendor(std::string_view text) {
  return !text.empty() && text.size() <= 12 && std::all_of(text.begin(), text.end(), alphanumeric);
}

bool is_volume(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == text.npos || colon < 2 || colon + 1 == text.size()) return false;
  std::string_view storage = text.substr(0, colon);
  auto inner = [](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  return letter(storage.front()) && alphanumeric(storage.back()) && std::all_of(storage.begin(), storage.end(), inner);
}

bool is_volume_or_path(std::string_view text) {
  return text == "none" || text == "cdrom" || text.starts_with('/') || is_volume(text);
}

bool is_disk_size(std::string_view text) {
  if (!take_digits(text)) return false;
  if (take(text, ".") && !take_digits(text)) return false;
  return text.empty() || (text.size() == 1 && std::string_view("KMGT").find(text[0]) != text.npos);
}

bool is_legacy_boot(std::string_view text) {
  return !text.empty() && text.size() <= 4 && text.find_first_not_of("acdn") == text.npos;
}

bool is_boot_devices(std::string_view text) {
  auto devices = list_items(text);
  return std::all_of(devices.begin(), devices.end(), is_boot_device);
}

bool is_startup(std::string_view text) {
  auto parts = split(text, ',');
  return text != "0" && std::all_of(parts.begin(), parts.end(), is_startup_part);
}

bool is_dns_name(std::string_view text) {
  auto labels = split(text, '.');
  return !labels.empty() && std::all_of(labels.begin(), labels.end(), is_dns_label);
}

bool is_tag(std::string_view text) {
  auto inner = [](char c) { return alphanumeric(c) || std::string_view("_-+.").find(c) != std::string_view::npos; };
  return !text.empty() && (alphanumeric(text[0]) || text[0] == '_') && std::all_of(text.begin(), text.end(), inner);
}

bool is_hotplug(std::string_view text) {
  constexpr std::string_view features[] = {"network", "disk", "cpu", "memory", "usb", "cloudinit"};
  if (text == "0" || text == "1") return true;
  auto items = list_items(text);
  return std::all_of(items.begin(), items.end(), [&](std::string_view item) { return one_of(features, item); });
}

}  // namespace hostpci
