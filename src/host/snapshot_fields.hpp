// The one list of a snapshot's fields: reader and writer both walk it, so that neither can know a field that the other
// does not.
#pragma once
#include <span>
#include <string_view>

#include "host/host.hpp"
#include "host/snapshot_decode.hpp"
#include "host/snapshot_encode.hpp"

namespace hostpci {

template <class T>
struct SnapshotField {
  std::string_view key;
  void (*read)(const Yaml&, T&, SnapshotReader&);
  bool (*same)(const T&, const T&);
  /// Behind the key: " value\n", or a line feed and the lines below.
  void (*write)(const T&, int indent, std::string& out);
  /// On one line.
  void (*write_flow)(const T&, std::string& out);
  bool required = false;  ///< its absence is a fault, and it is always written
};

template <class T>
constexpr SnapshotField<T> required(SnapshotField<T> field) {
  field.required = true;
  return field;
}

template <class T, auto Member>
constexpr SnapshotField<T> field(std::string_view key) {
  return {key, [](const Yaml& node, T& owner, SnapshotReader& reader) { decode(node, owner.*Member, reader); },
          [](const T& a, const T& b) { return a.*Member == b.*Member; },
          [](const T& owner, int indent, std::string& out) { encode_block(owner.*Member, indent, out); },
          [](const T& owner, std::string& out) { encode(owner.*Member, out); }};
}

/// A class code: six hex digits behind 0x.
template <class T, auto Member>
constexpr SnapshotField<T> class_field(std::string_view key) {
  return {key, [](const Yaml& node, T& owner, SnapshotReader& reader) { decode_class(node, owner.*Member, reader); },
          [](const T& a, const T& b) { return a.*Member == b.*Member; },
          [](const T& owner, int, std::string& out) { out += ' ', encode_class(owner.*Member, out), out += '\n'; },
          [](const T& owner, std::string& out) { encode_class(owner.*Member, out); }};
}

template <>
struct FieldsOf<Use> {
  static constexpr SnapshotField<Use> list[] = {required(field<Use, &Use::kind>("kind")),
                                        required(field<Use, &Use::name>("name")), field<Use, &Use::detail>("detail"),
                                        field<Use, &Use::critical>("critical")};
};

template <>
struct FieldsOf<MdevType> {
  static constexpr SnapshotField<MdevType> list[] = {
      required(field<MdevType, &MdevType::type>("type")), field<MdevType, &MdevType::name>("name"),
      field<MdevType, &MdevType::description>("description"), field<MdevType, &MdevType::available>("available")};
};

template <>
struct FieldsOf<RunningVm> {
  static constexpr SnapshotField<RunningVm> list[] = {required(field<RunningVm, &RunningVm::vmid>("vmid")),
                                              field<RunningVm, &RunningVm::pid>("pid"),
                                              field<RunningVm, &RunningVm::arguments>("arguments")};
};

template <>
struct FieldsOf<UsbDevice> {
  static constexpr SnapshotField<UsbDevice> list[] = {required(field<UsbDevice, &UsbDevice::controller>("controller")),
                                              field<UsbDevice, &UsbDevice::id>("id")};
};

template <>
struct FieldsOf<MdevInstance> {
  static constexpr SnapshotField<MdevInstance> list[] = {required(field<MdevInstance, &MdevInstance::uuid>("uuid")),
                                                 field<MdevInstance, &MdevInstance::type>("type"),
                                                 required(field<MdevInstance, &MdevInstance::parent>("parent"))};
};

template <>
struct FieldsOf<Host::RomFile::Image> {
  using Image = Host::RomFile::Image;
  static constexpr SnapshotField<Image> list[] = {field<Image, &Image::code_type>("code-type"), field<Image, &Image::id>("id"),
                                          field<Image, &Image::length>("length"), field<Image, &Image::last>("last")};
};

template <>
struct FieldsOf<Host::RomFile> {
  using Rom = Host::RomFile;
  static constexpr SnapshotField<Rom> list[] = {field<Rom, &Rom::exists>("exists"), field<Rom, &Rom::size>("size"),
                                        field<Rom, &Rom::signature>("signature"),
                                        field<Rom, &Rom::truncated>("truncated"), field<Rom, &Rom::images>("images")};
};

template <>
struct FieldsOf<Kernel> {
  static constexpr SnapshotField<Kernel> list[] = {field<Kernel, &Kernel::release>("release"),
                                           field<Kernel, &Kernel::command_line>("command-line"),
                                           field<Kernel, &Kernel::cpu_vendor>("cpu-vendor"),
                                           field<Kernel, &Kernel::cpu_flags>("cpu-flags"),
                                           field<Kernel, &Kernel::phys_bits>("phys-bits"),
                                           field<Kernel, &Kernel::cpus>("cpus"),
                                           field<Kernel, &Kernel::memory_kib>("memory-kib"),
                                           field<Kernel, &Kernel::free_gib_pages>("free-gib-pages"),
                                           field<Kernel, &Kernel::iommu_bits>("iommu-bits"),
                                           field<Kernel, &Kernel::log>("log"),
                                           field<Kernel, &Kernel::log_file>("log-file"),
                                           field<Kernel, &Kernel::modules>("modules"),
                                           field<Kernel, &Kernel::builtin>("builtin"),
                                           field<Kernel, &Kernel::modules_directory>("modules-directory"),
                                           field<Kernel, &Kernel::parameters>("parameters"),
                                           field<Kernel, &Kernel::iommus>("iommus"),
                                           field<Kernel, &Kernel::interrupt_remapping>("interrupt-remapping"),
                                           field<Kernel, &Kernel::interrupt_chips>("interrupt-chips"),
                                           field<Kernel, &Kernel::dmar_table>("dmar-table"),
                                           field<Kernel, &Kernel::ivrs_table>("ivrs-table"),
                                           field<Kernel, &Kernel::unsafe_interrupts>("unsafe-interrupts"),
                                           field<Kernel, &Kernel::efi>("efi"),
                                           field<Kernel, &Kernel::secure_boot>("secure-boot"),
                                           field<Kernel, &Kernel::container>("container"),
                                           field<Kernel, &Kernel::bootfb>("bootfb"),
                                           field<Kernel, &Kernel::iomem>("iomem")};
};

template <>
struct FieldsOf<Device> {
  static constexpr SnapshotField<Device> list[] = {class_field<Device, &Device::class_code>("class"),
                                           field<Device, &Device::id>("id"),
                                           field<Device, &Device::subsystem>("subsystem"),
                                           field<Device, &Device::driver>("driver"),
                                           field<Device, &Device::driver_override>("driver-override"),
                                           field<Device, &Device::group>("group"),
                                           field<Device, &Device::parent>("parent"),
                                           field<Device, &Device::bridge>("bridge"),
                                           field<Device, &Device::boot_vga>("boot-vga"),
                                           field<Device, &Device::physfn>("physfn"),
                                           field<Device, &Device::virtfns>("virtfns"),
                                           field<Device, &Device::sriov_totalvfs>("sriov-totalvfs"),
                                           field<Device, &Device::sriov_numvfs>("sriov-numvfs"),
                                           field<Device, &Device::acs>("acs"),
                                           field<Device, &Device::flr>("flr"),
                                           field<Device, &Device::reset>("reset"),
                                           field<Device, &Device::reset_method>("reset-method"),
                                           field<Device, &Device::power_state>("power-state"),
                                           field<Device, &Device::d3cold_allowed>("d3cold-allowed"),
                                           field<Device, &Device::numa_node>("numa-node"),
                                           field<Device, &Device::express>("express"),
                                           field<Device, &Device::resizable>("resizable"),
                                           field<Device, &Device::irq>("irq"),
                                           field<Device, &Device::msi>("msi"),
                                           field<Device, &Device::bars>("bars"),
                                           field<Device, &Device::rom>("rom"),
                                           field<Device, &Device::mdev_types>("mdev-types"),
                                           field<Device, &Device::nvidia_vgpu>("nvidia-vgpu"),
                                           field<Device, &Device::nvidia_current_type>("nvidia-current-type"),
                                           field<Device, &Device::uses>("uses")};
};

template <>
struct FieldsOf<Host> {
  static constexpr SnapshotField<Host> list[] = {field<Host, &Host::node>("node"),
                                         field<Host, &Host::architecture>("architecture"),
                                         field<Host, &Host::kernel>("kernel"),
                                         field<Host, &Host::packages>("packages"),
                                         field<Host, &Host::groups_known>("groups-known"),
                                         field<Host, &Host::group_types>("group-types"),
                                         field<Host, &Host::devices>("devices"),
                                         field<Host, &Host::running>("running"),
                                         field<Host, &Host::mdevs>("mdevs"),
                                         field<Host, &Host::usb>("usb"),
                                         field<Host, &Host::nodes>("nodes"),
                                         field<Host, &Host::links>("links"),
                                         field<Host, &Host::roms>("roms"),
                                         field<Host, &Host::files>("files"),
                                         field<Host, &Host::unreadable>("unreadable"),
                                         field<Host, &Host::times>("times")};
};

/// What a field means that a document leaves out. Facts without a harmless value are then unknown.
template <class T>
const T& document_default() {
  static const T value{};
  return value;
}
template <>
const Device& document_default<Device>();
template <>
const Host& document_default<Host>();
/// The default of `bridge` depends on the class.
Fact<bool> default_bridge(const Fact<std::uint32_t>& class_code);

}  // namespace hostpci
