// Names and capabilities through libpci: the only file that calls it. Its error hook may not return, so it throws, and
// is caught here.
#include "host/pci_names.hpp"

extern "C" {
#include <pci/pci.h>
}

#include <array>
#include <cerrno>

#include "host/attributes.hpp"

namespace hostpci {
namespace {

struct LibraryError {};

// the attribute in this spelling is part of the type, which clang asks for
__attribute__((noreturn)) void fail(char*, ...) { throw LibraryError(); }
void ignore(char*, ...) {}

/// The real path of `path` below the root in use; "" where nothing real stands behind.
std::string real_path(const FileSystem& system, const std::string& path) {
  std::string root = system.root();
  if (root.empty()) return "";
  while (!root.empty() && root.back() == '/') root.pop_back();
  auto inside = system.canonical(path);
  return root + (inside ? *inside : path);
}

struct Library {
  pci_access* access = pci_alloc();
  Library() {
    access->error = fail;
    access->warning = ignore;
    access->debug = ignore;
    access->method = PCI_ACCESS_SYS_BUS_PCI;
    access->id_lookup_mode = 0;  // no cache file in the home directory
  }
  ~Library() {
    try {
      pci_cleanup(access);
    } catch (const LibraryError&) {
    }
  }
  Library(const Library&) = delete;
  void parameter(const char* name, std::string value) { pci_set_param(access, const_cast<char*>(name), value.data()); }
};

/// The first name list of the root; the running system's own where the root has none.
std::string name_list(const FileSystem& system) {
  for (const char* path : {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"})
    if (system.stat(path)) return real_path(system, path);
  return "";
}

bool known(pci_dev* device, int fields) { return (pci_fill_info(device, fields) & fields) == fields; }

/// In ports and bridges the bit of function-level reset is reserved.
bool is_endpoint(pci_dev* device, const pci_cap& express) {
  int type = (pci_read_word(device, int(express.addr) + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
  return type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END || type == PCI_EXP_TYPE_ROOT_INT_EP;
}

/// Function-level reset: Device Capabilities bit 28 of the PCI Express capability, or bit 1 of the Advanced Features
/// one.
bool has_flr(pci_dev* device) {
  if (pci_cap* express = pci_find_cap(device, PCI_CAP_ID_EXP, PCI_CAP_NORMAL); express && is_endpoint(device, *express))
    if (pci_read_long(device, int(express->addr) + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLRESET) return true;
  if (pci_cap* features = pci_find_cap(device, PCI_CAP_ID_AF, PCI_CAP_NORMAL))
    if (pci_read_byte(device, int(features->addr) + PCI_AF_CAP) & PCI_AF_CAP_FLR) return true;
  return false;
}

/// Configuration space in one piece, from which the library answers.
using Space = std::array<u8, 4096>;

/// How far it may be read: the kernel shows 64 bytes to unprivileged readers, and conventional PCI has 256. 0: not at
/// all.
int load(pci_dev* device, Space& space) {
  for (int size : {4096, 256, 64}) {
    if (pci_read_block(device, 0, space.data(), size) != 1) continue;
    pci_setup_cache(device, space.data(), size);
    return size;
  }
  return 0;
}

void read_one(pci_dev* source, Space& space, Device& device) {
  int size = load(source, space);
  if (size == 0) return;
  int header = pci_read_byte(source, PCI_HEADER_TYPE) & 0x7f;
  if (header == PCI_HEADER_TYPE_BRIDGE || header == PCI_HEADER_TYPE_CARDBUS) device.bridge = true;
  if (size < 256 || !known(source, PCI_FILL_CAPS)) return;
  device.flr = has_flr(source);
  bool express = pci_find_cap(source, PCI_CAP_ID_EXP, PCI_CAP_NORMAL) != nullptr;
  if (!express) device.acs = false;
  if (!express || size < 4096 || !known(source, PCI_FILL_EXT_CAPS)) return;
  device.acs = pci_find_cap(source, PCI_EXT_CAP_ID_ACS, PCI_CAP_EXTENDED) != nullptr;
}

void read_each(const std::string& directory, const std::vector<Device*>& devices) {
  Library library;
  library.parameter("sysfs.path", directory);
  pci_init(library.access);
  Space space;
  for (Device* device : devices) {
    const PciAddress& at = device->address;
    pci_dev* source = pci_get_dev(library.access, int(at.domain), at.bus, at.device, at.function);
    try {
      read_one(source, space, *device);
    } catch (const LibraryError&) {
      // the device went away while it was read: what is not known stays unknown
    }
    pci_free_dev(source);
  }
}

void read_capabilities_of(const FileSystem& system, const std::vector<Device*>& devices) {
  std::string directory = devices.empty() ? "" : real_path(system, "/sys/bus/pci");
  if (directory.empty()) return;
  try {
    read_each(directory, devices);
  } catch (const LibraryError&) {
    // no access at all: unknown
  }
}

}  // namespace

void read_capabilities(const FileSystem& system, Host& host) {
  std::vector<Device*> devices;
  for (auto& [address, device] : host.devices) devices.push_back(&device);
  read_capabilities_of(system, devices);
}

void read_capabilities(const FileSystem& system, const std::set<PciAddress>& addresses, Host& host) {
  std::vector<Device*> devices;
  for (const PciAddress& address : addresses)
    if (auto found = host.devices.find(address); found != host.devices.end()) devices.push_back(&found->second);
  read_capabilities_of(system, devices);
}

struct PciNames::Access {
  Library library;
  bool usable = false;

  explicit Access(const FileSystem& system) {
    library.parameter("hwdb.disable", "1");
    std::string list = name_list(system);
    // the library may not free it, and wants no const; it copies nothing, so the path lives here
    path = list;
    if (!path.empty()) pci_set_name_list_path(library.access, path.data(), 0);
    try {
      usable = pci_load_name_list(library.access) != 0;
    } catch (const LibraryError&) {
    }
  }

  template <class... Ids>
  std::string look_up(int what, Ids... ids) const {
    if (!usable) return "";
    std::array<char, 512> text{};
    int flags = what | PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB;
    try {
      const char* found = pci_lookup_name(library.access, text.data(), int(text.size()), flags, ids...);
      return found ? found : "";
    } catch (const LibraryError&) {
      return "";
    }
  }

  std::string path;
};

PciNames::PciNames(const FileSystem& system) : access_(std::make_unique<Access>(system)) {}
PciNames::~PciNames() = default;

std::string PciNames::device(const Device& device) const {
  if (!device.id) return "unknown device";
  std::string vendor = access_->look_up(PCI_LOOKUP_VENDOR, int(device.id->vendor));
  if (vendor.empty()) return "Device " + device.id->str();
  std::string name = access_->look_up(PCI_LOOKUP_DEVICE, int(device.id->vendor), int(device.id->device));
  if (name.empty()) name = "Device " + device.id->str();
  return vendor + ' ' + name;
}

std::string PciNames::class_name(const Device& device) const {
  if (!device.class_code) return "unknown class";
  std::string name = access_->look_up(PCI_LOOKUP_CLASS, int(*device.class_code >> 8));
  if (!name.empty()) return name;
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "Class %04x", unsigned(*device.class_code >> 8));
  return text.data();
}

}  // namespace hostpci
