// Option ROM files as romfile= names them: signature, and the chain of images with their code types and ids.
#include <algorithm>
#include <cerrno>

#include "host/scan.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::uint32_t byte(std::string_view bytes, std::size_t at) { return std::uint8_t(bytes[at]); }
std::uint32_t word(std::string_view bytes, std::size_t at) { return byte(bytes, at) | byte(bytes, at + 1) << 8; }

/// The image at the start of `rest`, by the PCI Firmware Specification: 55AA, at 18h the offset of "PCIR"; there vendor
/// (4), device (6), length in 512 bytes (10h), code type (14h), last-image flag (15h, bit 7).
std::optional<Host::RomFile::Image> read_image(std::string_view rest) {
  if (rest.size() < 0x1a || word(rest, 0) != 0xaa55) return {};
  std::size_t at = word(rest, 0x18);
  if (at < 0x1a || at + 0x16 > rest.size() || rest.substr(at, 4) != "PCIR") return {};
  Host::RomFile::Image image;
  image.id = {std::uint16_t(word(rest, at + 4)), std::uint16_t(word(rest, at + 6))};
  image.length = std::uint64_t(word(rest, at + 0x10)) * 512;
  image.code_type = std::uint8_t(byte(rest, at + 0x14));
  image.last = byte(rest, at + 0x15) & 0x80;
  return image;
}

void read_chain(std::string_view bytes, Host::RomFile& rom) {
  for (std::size_t at = 0; at < bytes.size();) {
    auto image = read_image(bytes.substr(at));
    if (!image || image->length == 0) return;
    rom.images.push_back(*image);
    if (image->length > bytes.size() - at) rom.truncated = true;
    if (image->last || rom.truncated) return;
    at += image->length;
  }
  rom.truncated = !rom.images.empty();  // the last image read promised another
}

Host::RomFile read_rom(const FileSystem& system, const std::string& path) {
  Host::RomFile rom;
  auto bytes = system.read(path);
  if (!bytes) {
    rom.exists = bytes.error().code != ENOENT && bytes.error().code != ENOTDIR;
    return rom;
  }
  rom.exists = true;
  rom.size = bytes->size();
  rom.signature = bytes->size() > 1 && word(*bytes, 0) == 0xaa55;
  read_chain(*bytes, rom);
  return rom;
}

/// Neither absolute, nor empty, nor climbing out.
bool stays_inside(std::string_view name) {
  if (name.empty() || name[0] == '/' || name.find('\0') != std::string_view::npos) return false;
  auto parts = split(name, '/');
  return std::find(parts.begin(), parts.end(), "..") == parts.end();
}

}  // namespace

void read_roms(const FileSystem& system, const std::set<std::string>& names, Host& host) {
  for (const std::string& name : names)
    if (stays_inside(name) && !host.roms.count(name)) host.roms[name] = read_rom(system, "/usr/share/kvm/" + name);
}

}  // namespace hostpci
