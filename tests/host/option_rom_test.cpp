// Option ROM files: signature and image chain, of files made here by the specification and of real ones where they are
// installed.
#include <doctest/doctest.h>

#include <filesystem>

#include "../support/temporary.hpp"
#include "host/scan.hpp"
#include "system/memory.hpp"

using namespace hostpci;

namespace {

/// One image as the PCI Firmware Specification lays it out: header of 1Ch bytes, PCIR structure behind it, zeros up to
/// `blocks` × 512.
std::string rom_image(std::uint8_t code_type, std::uint16_t vendor, std::uint16_t device, std::uint8_t blocks,
                      bool last) {
  std::string image(std::size_t(blocks) * 512, '\0');
  auto put = [&](std::size_t at, std::initializer_list<int> bytes) {
    for (int b : bytes) image[at++] = char(b);
  };
  put(0, {0x55, 0xaa, blocks});
  put(0x18, {0x1c, 0});
  put(0x1c, {'P', 'C', 'I', 'R', vendor & 0xff, vendor >> 8, device & 0xff, device >> 8});
  put(0x1c + 0x0a, {0x18, 0, 0, 0, 0, 3});
  put(0x1c + 0x10, {blocks, 0, 0, 0, code_type, last ? 0x80 : 0});
  return image;
}

const std::string& legacy() {
  static const std::string rom = rom_image(0, 0x10de, 0x1b80, 2, true);
  return rom;
}

Host::RomFile read_one(const std::string& bytes) {
  MemoryFileSystem system;
  system.put("/usr/share/kvm/card.rom", bytes);
  Host host;
  read_roms(system, {"card.rom"}, host);
  return host.roms.at("card.rom");
}

}  // namespace

TEST_CASE("a legacy ROM") {
  Host::RomFile rom = read_one(legacy());
  CHECK(rom.exists);
  CHECK(rom.size == 1024);
  CHECK(rom.signature == true);
  REQUIRE(rom.images.size() == 1);
  CHECK(rom.images[0] == Host::RomFile::Image{0, {0x10de, 0x1b80}, 1024, true, {}});
  CHECK_FALSE(rom.truncated);
}

TEST_CASE("a ROM with a legacy and an EFI image") {
  Host::RomFile rom =
      read_one(rom_image(0, 0x1002, 0x73bf, 2, false) + rom_image(3, 0x1002, 0x73bf, 1, true) + "padding");
  REQUIRE(rom.images.size() == 2);
  CHECK(rom.images[1].code_type == 3);
  CHECK(rom.images[1].last);
  CHECK_FALSE(rom.truncated);
}

TEST_CASE("a ROM that is cut") {
  CHECK(read_one(legacy().substr(0, 700)).truncated);
  Host::RomFile promised = read_one(rom_image(0, 1, 2, 1, false));
  CHECK(promised.truncated);
  CHECK(promised.images.size() == 1);
}

TEST_CASE("a file that is no ROM") {
  Host::RomFile rom = read_one("GIF89a, of all things");
  CHECK(rom.signature == false);
  CHECK(rom.images.empty());
  CHECK_FALSE(rom.truncated);
  CHECK(read_one("").signature == false);
  CHECK(read_one("\x55\xaa").signature == true);
  CHECK(read_one("\x55\xaa").images.empty());
}

TEST_CASE("every cut of a ROM is read without harm") {
  std::string two = rom_image(0, 1, 2, 1, false) + rom_image(3, 1, 2, 1, true);
  for (std::size_t length = 0; length <= two.size(); ++length)
    CHECK(read_one(two.substr(0, length)).images.size() <= 2);
  std::string endless = rom_image(0, 1, 2, 1, false);
  endless[0x1c + 0x10] = 0;  // an image of no length
  CHECK(read_one(endless).images.empty());
}

TEST_CASE("ROM files are looked for below /usr/share/kvm only") {
  MemoryFileSystem system;
  system.put("/etc/shadow", legacy());
  system.put("/usr/share/kvm/sub/b.rom", legacy());
  Host host;
  read_roms(system, {"missing.rom", "../../../etc/shadow", "/etc/shadow", "sub/b.rom", "", "sub/../x.rom"}, host);
  CHECK(host.roms.size() == 2);
  CHECK_FALSE(host.roms.at("missing.rom").exists);
  CHECK(host.roms.at("sub/b.rom").signature == true);
}

TEST_CASE("a ROM file that may not be read exists, and nothing else is known") {
  MemoryFileSystem inner;
  inner.put("/usr/share/kvm/card.rom", legacy());
  auto system =
      faulty_file_system(inner, [](std::string_view call, const std::string&) { return call == "read" ? 13 : 0; });
  Host host;
  read_roms(*system, {"card.rom"}, host);
  CHECK(host.roms.at("card.rom").exists);
  CHECK_FALSE(host.roms.at("card.rom").signature.has_value());
}

TEST_CASE("ROMs that are installed here are sound") {
  for (const char* directory : {"/usr/lib/ipxe/qemu", "/usr/share/seabios"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      std::string name = entry.path().filename();
      if (name.substr(0, 4) != "efi-" && name.substr(0, 4) != "pxe-" && name.substr(0, 7) != "vgabios") continue;
      CAPTURE(name);
      Host::RomFile rom = read_one(test::read_file(entry.path()));
      CHECK(rom.signature == true);
      if (name.substr(0, 4) != "efi-") continue;
      REQUIRE(rom.images.size() == 2);  // legacy and EFI
      CHECK(rom.images[1].code_type == 3);
      CHECK(rom.images[1].last);
    }
  }
}
