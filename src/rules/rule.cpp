// What a check reports with: places, names of devices, findings that carry their rule and VM.
#include "rules/rule.hpp"

#include <cstdio>

namespace hostpci {

std::string_view name(Fixable fixable) {
  switch (fixable) {
    case Fixable::automatic:
      return "auto";
    case Fixable::assisted:
      return "assisted";
    case Fixable::manual:
      return "manual";
  }
  return "";
}

Diagnostic& Findings::add(Place place, std::string message) {
  Diagnostic d;
  d.rule = rule_->id;
  d.severity = rule_->severity;
  d.message = std::move(message);
  d.place = std::move(place);
  if (vm_) d.vm = vm_->vm->vmid;
  return sink_->add(std::move(d));
}

Diagnostic& Findings::at_key(std::string_view key, std::string message) {
  Diagnostic& d = add(key_place(key), std::move(message));
  d.key = key;
  return d;
}

Diagnostic& Findings::at(const Assignment& assignment, HostpciKey key, std::string message) {
  Diagnostic& d = add(place(assignment, key), std::move(message));
  d.vm = assignment.owner->vm->vmid;
  d.key = assignment.key();
  return d;
}

Diagnostic& Findings::at(const Assignment& assignment, std::string message) {
  Diagnostic& d = add(place(assignment), std::move(message));
  d.vm = assignment.owner->vm->vmid;
  d.key = assignment.key();
  return d;
}

void Findings::unknown(std::string what, std::string path) {
  Diagnostic& d = add(Place(std::move(path)), "`" + what + "`" + std::string(not_judged));
  d.severity = Severity::info;
}

Place Findings::key_place(std::string_view key) const {
  if (!vm_) return {};
  if (const VmValue* value = vm_->next.main().find(key)) return Place(vm_->vm->source, value->span);
  return Place(vm_->vm->source->path);
}

Place Findings::place(const Assignment& assignment, HostpciKey key) {
  const HostpciProperty* property = assignment.parsed().find(key);
  return property ? Place(assignment.owner->vm->source, property->span) : place(assignment);
}

Place Findings::place(const Assignment& assignment) {
  return Place(assignment.owner->vm->source, assignment.line().value.span);
}

std::string device_path(const PciAddress& address, std::string_view attribute) {
  std::string path = "/sys/bus/pci/devices/" + address.str();
  return attribute.empty() ? path : path + "/" + std::string(attribute);
}

namespace {

struct ClassName {
  std::uint32_t subclass;
  std::string_view name;
};

constexpr ClassName class_names[] = {
    {0x0100, "SCSI"},      {0x0104, "RAID"},          {0x0106, "SATA"},       {0x0107, "SAS"},
    {0x0108, "NVMe"},      {0x0200, "Ethernet"},      {0x0207, "InfiniBand"}, {0x0280, "network"},
    {0x0300, "VGA"},       {0x0302, "3D controller"}, {0x0380, "display"},    {0x0401, "audio"},
    {0x0403, "audio"},     {0x0600, "host bridge"},   {0x0601, "ISA bridge"}, {0x0604, "PCI bridge"},
    {0x0b40, "processor"}, {0x0c03, "USB"},           {0x0c05, "SMBus"},      {0x1200, "accelerator"},
};

std::string class_name(std::uint32_t code) {
  for (const ClassName& c : class_names)
    if (c.subclass == code >> 8) return std::string(c.name);
  char text[16];
  std::snprintf(text, sizeof text, "class %04x", unsigned(code >> 8));
  return text;
}

}  // namespace

std::string describe(const Device& device) {
  std::vector<std::string> parts;
  if (device.class_code) parts.push_back(class_name(*device.class_code));
  if (device.id) parts.push_back(device.id->str());
  std::string text = device.address.str();
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i ? ", " : " (") + parts[i];
  return parts.empty() ? text : text + ")";
}

}  // namespace hostpci
