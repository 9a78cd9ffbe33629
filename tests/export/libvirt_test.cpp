// libvirt's XML: golden files, the same devices as showcmd, places that nothing else has, and libvirt's own tools.
#include "export/libvirt.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <pugixml.hpp>
#include <set>

#include "../support/process.hpp"
#include "../support/tools.hpp"
#include "export/qemu_args.hpp"
#include "recordings.hpp"

namespace hostpci::test {
namespace {

namespace fs = std::filesystem;

/// One VM on its host, both forms.
struct Exported {
  std::string name;
  bool is_template = false;  ///< PVE starts none
  QemuArgs arguments;
  LibvirtXml devices, domain;
};

Exported exported(const std::string& name, const Vm& vm, const Host& host) {
  Mappings mappings = mappings_of(host);
  return {name, is_template(vm), qemu_args(vm, host, mappings), libvirt_xml(vm, host, mappings, LibvirtForm::devices),
          libvirt_xml(vm, host, mappings, LibvirtForm::domain)};
}

Exported exported_recording(const std::string& name) {
  return exported(name, recorded_vm(name), recorded_host_of(name));
}

/// Every recording that PVE does not refuse, and every healthy VM.
std::vector<Exported> everything() {
  std::vector<Exported> all;
  for (const fs::path& path : sorted_entries(recordings))
    if (path.extension() == ".conf") all.push_back(exported_recording(path.stem().string()));
  std::erase_if(all, [](const Exported& e) { return !e.arguments.refusals.empty(); });
  for (const fs::path& path : sorted_entries(FIXTURES "/healthy")) {
    if (path.extension() != ".yaml") continue;
    Host host = load_host(path);
    for (const fs::path& conf : sorted_entries(path.parent_path() / path.stem()))
      all.push_back(exported(path.stem().string() + "-" + conf.stem().string(),
                             read_vm(make_source("/etc/pve/qemu-server/" + conf.filename().string(), read_file(conf))), host));
  }
  return all;
}

pugi::xml_document parsed(const std::string& xml) {
  pugi::xml_document document;
  REQUIRE(document.load_string(xml.c_str(), pugi::parse_full | pugi::parse_fragment));
  return document;
}

/// Host functions and mediated devices, in order, as showcmd spells them.
std::vector<std::string> sources_of(pugi::xml_node devices) {
  std::vector<std::string> found;
  for (pugi::xml_node device : devices.children("hostdev")) {
    pugi::xml_node at = device.child("source").child("address");
    auto part = [&](const char* name) { return at.attribute(name).as_uint(); };
    PciAddress address{part("domain"), std::uint8_t(part("bus")), std::uint8_t(part("slot")), std::uint8_t(part("function"))};
    found.push_back(at.attribute("uuid") ? std::string("sysfsdev=/sys/bus/mdev/devices/") + at.attribute("uuid").value()
                                         : "host=" + address.str());
  }
  return found;
}

std::vector<std::string> sources_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> found;
  for (const std::string& argument : arguments)
    if (std::size_t at = argument.find("vfio-pci,"); at == 0) found.push_back(argument.substr(9, argument.find(',', 9) - 9));
  return found;
}

/// "1/0/0": the guest address of a device or controller; empty if it is left to libvirt.
std::string place_of(pugi::xml_node device) {
  pugi::xml_node at = device.child("address");
  if (!at) return "";
  return std::to_string(at.attribute("bus").as_uint()) + "/" + std::to_string(at.attribute("slot").as_uint()) + "/" +
         at.attribute("function").value();
}

std::string name_in(const Exported& e) { return parsed(e.domain.xml).child("domain").child("name").text().get(); }

/// Each <hostdev> by source, alias, ROM, boot order and place.
std::vector<std::string> devices_of(const pugi::xml_document& document) {
  pugi::xml_node devices = document.child("domain").child("devices");
  std::vector<std::string> found = sources_of(devices);
  std::size_t i = 0;
  for (pugi::xml_node device : devices.children("hostdev")) {
    for (const char* element : {"alias", "rom", "boot"})
      for (pugi::xml_attribute a : device.child(element).attributes()) found[i] += std::string(" ") + a.name() + "=" + a.value();
    found[i++] += " at " + place_of(device);
  }
  return found;
}

/// The elements in a domain of a person's own.
std::string around(const Exported& e) {
  std::string machine = e.domain.xml.find("pcie-root'") != std::string::npos ? "q35" : "pc";
  return "<domain type='kvm'><name>" + e.name + "</name><memory unit='MiB'>512</memory><os><type arch='x86_64' machine='" +
         machine + "'>hvm</type></os><devices>" + e.devices.xml + "</devices></domain>\n";
}

void check_golden(const std::string& name, const LibvirtXml& made) {
  std::string text = made.xml;
  for (const std::string& note : made.notes) text += "<!-- told: " + note + " -->\n";
  fs::path path = fs::path(FIXTURES) / "libvirt" / (name + ".xml");
  if (std::getenv("HOSTPCI_BLESS")) std::ofstream(path, std::ios::binary) << text;
  CHECK_MESSAGE(text == read_file(path), path.string());
}

}  // namespace

TEST_CASE("libvirt: golden files") {
  for (const char* name : {"2001-q35-fn-pcie", "2017-win7-q35-pcie", "2025-seabios-xvga", "2041-options-mf", "2047-rombar-off-romfile",
                           "2049-bootindex-second", "2053-sixteen-q35-pci", "2060-mdev-options", "2073-nvidia-mapping",
                           "2098-mapping-nic-after-host", "2103-igd-short", "2123-prefix-vmd", "2145-aarch64-guest"}) {
    CAPTURE(name);
    Exported e = exported_recording(name);
    check_golden(std::string(name) + ".devices", e.devices);
    check_golden(std::string(name) + ".domain", e.domain);
  }
}

TEST_CASE("libvirt: the same devices as showcmd, each with our slot's alias") {
  for (const Exported& e : everything()) {
    if (e.is_template) continue;
    CAPTURE(e.name);
    pugi::xml_document devices = parsed(e.devices.xml), domain = parsed(e.domain.xml);
    std::vector<std::string> wanted = sources_of(e.arguments.arguments);
    CHECK(sources_of(devices) == wanted);
    CHECK(sources_of(domain.child("domain").child("devices")) == wanted);
    std::set<std::string> aliases;
    for (pugi::xml_node device : devices.children("hostdev")) aliases.insert(device.child("alias").attribute("name").value());
    CHECK(aliases.size() == wanted.size());
    for (const std::string& alias : aliases) CHECK(alias.starts_with("ua-hostpci"));
  }
}

TEST_CASE("libvirt: every place in a domain's guest is taken once, on a bus that has a controller") {
  for (const Exported& e : everything()) {
    CAPTURE(e.name);
    pugi::xml_document document = parsed(e.domain.xml);
    std::set<std::string> places, buses;
    for (pugi::xml_node controller : document.child("domain").child("devices").children("controller"))
      CHECK(buses.insert(controller.attribute("index").value()).second);
    for (pugi::xml_node device : document.child("domain").child("devices")) {
      std::string place = place_of(device);
      if (place.empty()) continue;
      CHECK_MESSAGE(places.insert(place).second, place);
      CHECK_MESSAGE(buses.count(place.substr(0, place.find('/'))), place);
    }
  }
}

TEST_CASE("libvirt: a refused configuration has no XML") {
  Exported e = exported_recording("2008-i440fx-pcie-error");
  CHECK_FALSE(e.domain.refusals.empty());
  CHECK(e.domain.xml.empty());
  CHECK(e.devices.xml.empty());
}

TEST_CASE("libvirt: text out of a file cannot end a comment or an attribute") {
  Host host = recorded_host_of("");
  Vm vm = make_vm(100, "hostpci0: 03:00.0,romfile=a--b'<&\xff\x01\"\n");
  LibvirtXml made = libvirt_xml(vm, host, {}, LibvirtForm::domain);
  REQUIRE(made.refusals.empty());
  pugi::xml_document document = parsed(made.xml);
  pugi::xml_node rom = document.child("domain").child("devices").child("hostdev").child("rom");
  CHECK(std::string(rom.attribute("file").value()) == "/usr/share/kvm/a--b'<&\\xff\\x01\"");
  REQUIRE(made.notes.size() == 1);
  CHECK(made.notes.front().find("XML cannot hold the name") != std::string::npos);
  std::size_t comment = made.xml.find("<!-- romfile"), end = made.xml.find("-->", comment);
  REQUIRE(comment != std::string::npos);
  CHECK(made.xml.substr(comment + 4, end - comment - 4).find("--") == std::string::npos);
}

TEST_CASE("libvirt: virt-xml-validate takes every domain") {
  if (!has_tool("virt-xml-validate")) return;
  TemporaryDirectory directory;
  std::size_t count = 0;
  for (const Exported& e : everything()) {
    if (++count % 3 && e.name.starts_with("2")) continue;  // the recordings repeat themselves; virsh checks them all below
    directory.write(e.name, e.domain.xml);
    Ran ran = run_program({"virt-xml-validate", directory.path() + "/" + e.name, "domain"});
    CHECK_MESSAGE(ran.status == 0, e.name << ": " << ran.err << e.domain.xml);
  }
  CHECK(count > 120);
}

TEST_CASE("libvirt: virsh defines every domain, and the elements in a domain of a person's own") {
  if (!has_tool("virsh")) return;
  TemporaryDirectory directory;
  std::string commands;
  std::vector<Exported> all = everything();
  for (const Exported& e : all) {
    directory.write(e.name + ".domain", e.domain.xml);
    directory.write(e.name + ".devices", around(e));
    for (const char* form : {".domain", ".devices"}) commands += "define --validate " + directory.path() + "/" + e.name + form + "\n";
  }
  Ran ran = run_program({"virsh", "-q", "-c", "test:///default"}, commands);
  CHECK_MESSAGE(ran.err == "", ran.err);
  CHECK(ran.status == 0);
}

TEST_CASE("libvirt: what virsh gives back names the same devices and slots") {
  if (!has_tool("virsh")) return;
  TemporaryDirectory directory;
  std::string commands;
  std::vector<Exported> all = everything();
  for (const Exported& e : all) {
    directory.write(e.name, e.domain.xml);
    commands += "define " + directory.path() + "/" + e.name + "\ndumpxml " + name_in(e) + "\n";
  }
  std::string back = run_program({"virsh", "-q", "-c", "test:///default"}, commands).out;
  std::size_t at = 0;
  for (const Exported& e : all) {
    CAPTURE(e.name);
    std::size_t begin = back.find("<domain", at);
    REQUIRE(begin != back.npos);
    at = back.find("</domain>", begin) + 9;
    pugi::xml_document ours = parsed(e.domain.xml), theirs = parsed(back.substr(begin, at - begin));
    CHECK(devices_of(theirs) == devices_of(ours));
  }
}

}  // namespace hostpci::test
