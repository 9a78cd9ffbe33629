// Writing a snapshot: the fields that differ from what their absence would mean, in the order of the list.
#include <array>
#include <cstdio>

#include "host/redact.hpp"
#include "host/snapshot.hpp"
#include "host/snapshot_fields.hpp"

namespace hostpci {
namespace {

template <class T>
void encode_struct(const T& value, std::string& out) {
  out += '{';
  std::size_t begin = out.size();
  auto separate = [&] {
    if (out.size() > begin) out += ", ";
  };
  for (const SnapshotField<T>& field : FieldsOf<T>::list) {
    if (!field.required && field.same(value, document_default<T>())) continue;
    separate();
    out.append(field.key) += ": ";
    field.write_flow(value, out);
  }
  for (const auto& [key, text] : value.extra) {
    separate();
    out += yaml_flow_key(key) + text;
  }
  out += '}';
}

template <class T>
void write_fields(const T& value, const T& absent, int indent, std::string& out) {
  for (const SnapshotField<T>& field : FieldsOf<T>::list) {
    if (!field.required && field.same(value, absent)) continue;
    out.append(std::size_t(indent), ' ').append(field.key) += ':';
    field.write(value, indent + 2, out);
  }
}

template <class T>
void encode_map(const T& value, const T& absent, int indent, std::string& out) {
  std::string body;
  write_fields(value, absent, indent, body);
  for (const auto& [key, text] : value.extra) body += yaml_key(key, indent) + ' ' + text + '\n';
  out += body.empty() ? " {}\n" : '\n' + body;
}

}  // namespace

void encode(const std::string& value, std::string& out) { out += yaml_scalar(value); }
void encode(bool value, std::string& out) { out += value ? "true" : "false"; }
void encode(int value, std::string& out) { out += std::to_string(value); }
void encode(UseKind value, std::string& out) { out += name(value); }
void encode(const PciId& value, std::string& out) { out += value.str(); }
void encode(const PciAddress& value, std::string& out) { out += value.str(); }

void encode(const Bar& value, std::string& out) {
  std::array<char, 64> text{};
  if (value == Bar{})
    std::snprintf(text.data(), text.size(), "0x0");
  else
    std::snprintf(text.data(), text.size(), "0x%llx-0x%llx 0x%llx", static_cast<unsigned long long>(value.start),
                  static_cast<unsigned long long>(value.end), static_cast<unsigned long long>(value.flags));
  out += text.data();
}

void encode_class(const Fact<std::uint32_t>& value, std::string& out) {
  std::array<char, 16> text{'~'};
  if (value) std::snprintf(text.data(), text.size(), "0x%06x", unsigned(*value & 0xffffff));
  out += text.data();
}

void encode(const Use& value, std::string& out) { encode_struct(value, out); }
void encode(const MdevType& value, std::string& out) { encode_struct(value, out); }
void encode(const RunningVm& value, std::string& out) { encode_struct(value, out); }
void encode(const MdevInstance& value, std::string& out) { encode_struct(value, out); }
void encode(const UsbDevice& value, std::string& out) { encode_struct(value, out); }
void encode(const Host::RomFile::Image& value, std::string& out) { encode_struct(value, out); }
void encode(const Host::RomFile& value, std::string& out) { encode_struct(value, out); }
void encode(const Kernel& value, std::string& out) { encode_struct(value, out); }
void encode(const Device& value, std::string& out) { encode_struct(value, out); }

void encode_block(const std::string& value, int indent, std::string& out) {
  out += ' ';
  out += fits_block(value) ? yaml_block(value, indent) : yaml_scalar(value) + '\n';
}

/// Lines of about 120 columns.
void encode_block(const std::vector<std::string>& list, int indent, std::string& out) {
  out += " [";
  std::size_t line = out.rfind('\n') + 1;
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string text = yaml_scalar(list[i]);
    if (i > 0) out += ',';
    if (i > 0 && out.size() - line + text.size() > 118) {
      out += '\n';
      line = out.size();
      out.append(std::size_t(indent), ' ');
    } else if (i > 0) {
      out += ' ';
    }
    out += text;
  }
  out += "]\n";
}

void encode_block(const Kernel& kernel, int indent, std::string& out) {
  encode_map(kernel, document_default<Kernel>(), indent, out);
}
void encode_block(const Host::RomFile& rom, int indent, std::string& out) {
  encode_map(rom, document_default<Host::RomFile>(), indent, out);
}

void encode_block(const Device& device, int indent, std::string& out) {
  Device absent = document_default<Device>();
  absent.bridge = default_bridge(device.class_code);
  encode_map(device, absent, indent, out);
}

std::string write_snapshot(const Host& host) {
  Host clean = redacted(host);
  std::string out = "version: 1\n";
  write_fields(clean, document_default<Host>(), 0, out);
  return out + clean.extra;
}

}  // namespace hostpci
