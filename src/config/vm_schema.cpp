// The table of all keys of a VM's configuration.
#include "config/vm_schema.hpp"

#include <algorithm>

#include "config/vm_patterns.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

using Words = std::string_view;

constexpr Words architectures[] = {"x86_64", "aarch64"};
constexpr Words firmwares[] = {"seabios", "ovmf"};
constexpr Words page_sizes[] = {"any", "2", "1024"};
constexpr Words locks[] = {"backup",   "clone",           "create",     "migrate",  "rollback",
                           "snapshot", "snapshot-delete", "suspending", "suspended"};
constexpr Words guests[] = {"other", "wxp",   "w2k",   "w2k3", "w2k8", "wvista", "win7",
                            "win8",  "win10", "win11", "l24",  "l26",  "solaris"};
constexpr Words controllers[] = {"lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"};
constexpr Words displays[] = {"cirrus",  "qxl",     "qxl2",    "qxl3", "qxl4",   "none",      "serial0",
                              "serial1", "serial2", "serial3", "std",  "virtio", "virtio-gl", "vmware"};
constexpr Words clipboards[] = {"vnc"};
constexpr Words iommus[] = {"intel", "virtio"};
constexpr Words agents[] = {"virtio", "isa"};
constexpr Words image_formats[] = {"raw", "qcow", "qed", "qcow2", "vmdk", "cloop"};
constexpr Words efi_types[] = {"2m", "4m"};
constexpr Words certificates[] = {"2011", "2023", "2023w", "2023k"};
constexpr Words tpm_versions[] = {"v1.2", "v2.0"};

constexpr Field machine_fields[] = {
    {.name = "type", .accepts = is_machine_type, .bare = true, .longest = 40},
    {.name = "viommu", .kind = FieldKind::word, .words = iommus},
    {.name = "aw-bits", .kind = FieldKind::number, .least = 32, .most = 64},
    {.name = "enable-s3", .kind = FieldKind::boolean},
    {.name = "enable-s4", .kind = FieldKind::boolean},
};

constexpr Field vga_fields[] = {
    {.name = "type", .kind = FieldKind::word, .words = displays, .bare = true},
    {.name = "memory", .kind = FieldKind::integer, .least = 4, .most = 512},
    {.name = "clipboard", .kind = FieldKind::word, .words = clipboards},
};

constexpr Field efidisk_fields[] = {
    {.name = "volume", .kind = FieldKind::alias, .stands_for = "file"},
    {.name = "file", .accepts = is_volume_or_path, .required = true, .bare = true},
    {.name = "format", .kind = FieldKind::word, .words = image_formats},
    {.name = "size", .accepts = is_disk_size},
    {.name = "efitype", .kind = FieldKind::word, .words = efi_types},
    {.name = "pre-enrolled-keys", .kind = FieldKind::boolean},
    {.name = "ms-cert", .kind = FieldKind::word, .words = certificates},
};

constexpr Field tpmstate_fields[] = {
    {.name = "volume", .kind = FieldKind::alias, .stands_for = "file"},
    {.name = "file", .accepts = is_volume_or_path, .required = true, .bare = true},
    {.name = "size", .accepts = is_disk_size},
    {.name = "version", .kind = FieldKind::word, .words = tpm_versions},
};

constexpr Field cpu_fields[] = {
    {.name = "cputype", .accepts = is_cpu_model, .required = true, .bare = true},
    {.name = "hidden", .kind = FieldKind::boolean},
    {.name = "hv-vendor-id", .accepts = is_hv_vendor},
    {.name = "flags", .accepts = is_cpu_flags},
    {.name = "guest-phys-bits", .kind = FieldKind::integer, .least = 32, .most = 64},
    {.name = "phys-bits", .accepts = is_phys_bits},
};

constexpr Field memory_fields[] = {
    {.name = "current", .kind = FieldKind::integer, .least = 16, .bare = true},
};

constexpr Field boot_fields[] = {
    {.name = "legacy", .accepts = is_legacy_boot, .bare = true},
    {.name = "order", .accepts = is_boot_devices},
};

constexpr Field agent_fields[] = {
    {.name = "enabled", .kind = FieldKind::boolean, .required = true, .bare = true},
    {.name = "fstrim_cloned_disks", .kind = FieldKind::boolean},
    {.name = "freeze-fs-on-backup", .kind = FieldKind::boolean},
    {.name = "guest-fsfreeze", .kind = FieldKind::boolean},
    {.name = "freeze-fs", .kind = FieldKind::boolean},
    {.name = "type", .kind = FieldKind::word, .words = agents},
};

/// Sorted by name, for the search.
constexpr KeySchema table[] = {
    {.name = "acpi"},
    {.name = "affinity"},
    {.name = "agent", .set = true, .kind = ValueKind::properties, .fields = agent_fields},
    {.name = "allow-ksm"},
    {.name = "amd-sev"},
    {.name = "arch", .set = true, .kind = ValueKind::word, .words = architectures},
    {.name = "args", .set = true},
    {.name = "audio", .count = 1},
    {.name = "autostart"},
    {.name = "balloon", .set = true, .kind = ValueKind::integer},
    {.name = "bios", .set = true, .kind = ValueKind::word, .words = firmwares},
    {.name = "boot", .set = true, .kind = ValueKind::properties, .fields = boot_fields},
    {.name = "bootdisk"},
    {.name = "cdrom"},
    {.name = "cicustom"},
    {.name = "cipassword"},
    {.name = "citype"},
    {.name = "ciupgrade"},
    {.name = "ciuser"},
    {.name = "cores", .set = true, .kind = ValueKind::integer, .least = 1},
    {.name = "cpu", .set = true, .kind = ValueKind::properties, .fields = cpu_fields},
    {.name = "cpulimit"},
    {.name = "cpuunits"},
    {.name = "description", .set = true, .longest = 8192},
    {.name = "efidisk", .set = true, .kind = ValueKind::properties, .count = 1, .fields = efidisk_fields},
    {.name = "freeze"},
    {.name = "hookscript", .set = true, .kind = ValueKind::checked, .accepts = is_volume},
    {.name = "hostpci", .set = true, .kind = ValueKind::hostpci, .count = 16},
    {.name = "hotplug"},
    {.name = "hugepages", .set = true, .kind = ValueKind::word, .words = page_sizes},
    {.name = "ide", .count = 4},
    {.name = "intel-tdx"},
    {.name = "ipconfig", .count = 32},
    {.name = "ivshmem"},
    {.name = "keephugepages"},
    {.name = "keyboard"},
    {.name = "kvm", .set = true, .kind = ValueKind::boolean},
    {.name = "localtime", .set = true, .kind = ValueKind::boolean},
    {.name = "lock", .set = true, .kind = ValueKind::word, .words = locks},
    {.name = "machine", .set = true, .kind = ValueKind::properties, .fields = machine_fields},
    {.name = "memory", .set = true, .kind = ValueKind::properties, .fields = memory_fields},
    {.name = "meta"},
    {.name = "migrate_downtime"},
    {.name = "migrate_speed"},
    {.name = "name", .set = true, .kind = ValueKind::checked, .accepts = is_dns_name},
    {.name = "nameserver"},
    {.name = "net", .count = 32},
    {.name = "numa", .set = true, .kind = ValueKind::boolean},
    {.name = "numa", .count = 8},
    {.name = "onboot", .set = true, .kind = ValueKind::boolean},
    {.name = "ostype", .set = true, .kind = ValueKind::word, .words = guests},
    {.name = "parallel", .count = 3},
    {.name = "parent"},
    {.name = "protection", .set = true, .kind = ValueKind::boolean},
    {.name = "reboot"},
    {.name = "rng", .count = 1},
    {.name = "running-nets-host-mtu"},
    {.name = "runningcpu"},
    {.name = "runningmachine"},
    {.name = "sata", .count = 6},
    {.name = "scsi", .count = 31},
    {.name = "scsihw", .set = true, .kind = ValueKind::word, .words = controllers},
    {.name = "searchdomain"},
    {.name = "serial", .count = 4},
    {.name = "shares"},
    {.name = "smbios", .count = 2},
    {.name = "smp"},
    {.name = "snaptime"},
    {.name = "sockets", .set = true, .kind = ValueKind::integer, .least = 1},
    {.name = "spice_enhancements"},
    {.name = "sshkeys"},
    {.name = "startdate"},
    {.name = "startup", .set = true, .kind = ValueKind::checked, .accepts = is_startup},
    {.name = "tablet", .set = true, .kind = ValueKind::boolean},
    {.name = "tags", .set = true, .kind = ValueKind::list, .accepts = is_tag},
    {.name = "tdf"},
    {.name = "template", .set = true, .kind = ValueKind::boolean},
    {.name = "tpmstate", .set = true, .kind = ValueKind::properties, .count = 1, .fields = tpmstate_fields},
    {.name = "unused", .count = 256},
    {.name = "usb", .count = 14},
    {.name = "vcpus", .set = true, .kind = ValueKind::integer, .least = 1},
    {.name = "vga", .set = true, .kind = ValueKind::properties, .fields = vga_fields},
    {.name = "virtio", .count = 16},
    {.name = "virtiofs", .count = 10},
    {.name = "vmgenid"},
    {.name = "vmstate"},
    {.name = "vmstatestorage"},
    {.name = "watchdog"},
};

const KeySchema* find(std::string_view name, bool indexed) {
  auto before = [](const KeySchema& row, std::string_view key) { return row.name < key; };
  const KeySchema* row = std::lower_bound(std::begin(table), std::end(table), name, before);
  for (; row != std::end(table) && row->name == name; ++row)
    if ((row->count > 0) == indexed) return row;
  return nullptr;
}

}  // namespace

std::span<const KeySchema> key_schemas() { return table; }

const KeySchema* key_schema(std::string_view key) {
  if (key == "smbios0") return nullptr;  // the family begins at 1
  std::size_t digits = key.size();
  while (digits > 0 && key[digits - 1] >= '0' && key[digits - 1] <= '9') --digits;
  if (digits == key.size()) return find(key, false);
  std::string_view index = key.substr(digits);
  if (index.size() > 1 && index[0] == '0') return nullptr;
  const KeySchema* row = find(key.substr(0, digits), true);
  auto n = number(index);
  return row && n && *n < std::uint64_t(row->count) ? row : nullptr;
}

}  // namespace hostpci
