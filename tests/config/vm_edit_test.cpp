// Edits of single keys: what they change, and that they leave everything else as it is.
#include "config/vm_edit.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "../support/temporary.hpp"

using namespace hostpci;

namespace {

Vm read(std::string text) { return read_vm(make_source("/etc/pve/qemu-server/100.conf", std::move(text))); }

std::string with(const std::string& text, std::string_view key, std::string_view value) {
  Vm vm = read(text);
  return *hostpci::apply(text, set_value(vm, vm.main(), key, value));
}

std::string without(const std::string& text, std::string_view key) {
  Vm vm = read(text);
  return *hostpci::apply(text, delete_key(vm, vm.main(), key));
}

std::string described(const std::string& text, std::string_view description) {
  Vm vm = read(text);
  return *hostpci::apply(text, set_description(vm, vm.main(), description));
}

template <class Visit>
void for_each_configuration(Visit visit) {
  for (const auto& entry : std::filesystem::directory_iterator(FIXTURES "/corpus/vm-configs"))
    if (entry.path().extension() == ".conf")
      visit(entry.path().stem().string(), test::read_file(entry.path().string()));
}

}  // namespace

TEST_CASE("a value is replaced where it stands") {
  CHECK(with("name: t\nhostpci0:   01:00 \nbios: ovmf\n", "hostpci0", "02:00") ==
        "name: t\nhostpci0:   02:00 \nbios: ovmf\n");
  CHECK(with("hostpci0:01:00\r\nname: t\r\n", "hostpci0", "02:00") == "hostpci0:02:00\r\nname: t\r\n");
  CHECK(with("hostpci0: 01:00", "hostpci0", "02:00") == "hostpci0: 02:00");
}

TEST_CASE("of repeated lines the one that counts is replaced") {
  CHECK(with("hostpci0: 01:00\nhostpci0: 02:00\n", "hostpci0", "03:00") == "hostpci0: 01:00\nhostpci0: 03:00\n");
  CHECK(with("hostpci0: 01:00\nhostpci0: zz\n", "hostpci0", "03:00") == "hostpci0: 03:00\nhostpci0: zz\n");
  CHECK(with("hostpci0: zz\nname: t\n", "hostpci0", "03:00") == "hostpci0: 03:00\nname: t\n");
}

TEST_CASE("a blank value gives way whole") {
  CHECK(with("hostpci0: \nname: t\n", "hostpci0", "01:00") == "hostpci0: 01:00\nname: t\n");
  CHECK(with("hostpci0:\t \r\n", "hostpci0", "01:00") == "hostpci0: 01:00\r\n");
}

TEST_CASE("a new key goes where PVE would sort it") {
  CHECK(with("bios: ovmf\nhostpci1: 02:00\nhostpci2: 03:00\nname: t\n", "hostpci10", "01:00") ==
        "bios: ovmf\nhostpci1: 02:00\nhostpci10: 01:00\nhostpci2: 03:00\nname: t\n");
  CHECK(with("bios: ovmf\n", "name", "t") == "bios: ovmf\nname: t\n");
}

TEST_CASE("in an unsorted section a new key goes to the end") {
  CHECK(with("name: t\nbios: ovmf\n\n[s1]\nname: u\n", "hostpci0", "01:00") ==
        "name: t\nbios: ovmf\nhostpci0: 01:00\n\n[s1]\nname: u\n");
}

TEST_CASE("line ends follow the file, and a missing last one stays missing") {
  CHECK(with("bios: ovmf\r\nname: t\r\n", "hostpci0", "01:00") == "bios: ovmf\r\nhostpci0: 01:00\r\nname: t\r\n");
  CHECK(with("bios: ovmf", "name", "t") == "bios: ovmf\nname: t");
  CHECK(with("", "name", "t") == "name: t\n");
  CHECK(without("bios: ovmf\nname: t", "name") == "bios: ovmf");
  CHECK(without("name: t", "name") == "");
}

TEST_CASE("deletion takes every line of the key, those that PVE drops too") {
  CHECK(without("hostpci0: 01:00\nname: t\nhostpci0: zz\n\n[s1]\nhostpci0: 01:00\n", "hostpci0") ==
        "name: t\n\n[s1]\nhostpci0: 01:00\n");
  CHECK(without("name: t\n", "hostpci0") == "name: t\n");
}

TEST_CASE("a description is written as comment lines") {
  CHECK(described("#old\nname: t\n#older\n", "a: 100%\nb") == "#a%3A 100%25\n#b\nname: t\n");
  CHECK(described("#old\nname: t\n", "") == "name: t\n");
  CHECK(read("#a%3A 100%25\n#b\n").main().description == "a: 100%\nb");
}

TEST_CASE("[PENDING] comes behind the main section and goes when nothing is left in it") {
  std::string text = "name: t\n\n[s1]\nname: u\n";
  Vm vm = read(text);
  std::string added = *hostpci::apply(text, add_pending(vm, "hostpci0: 01:00"));
  CHECK(added == "name: t\n\n[PENDING]\nhostpci0: 01:00\n\n[s1]\nname: u\n");
  Vm with_pending = read(added);
  std::string emptied = *hostpci::apply(added, delete_key(with_pending, *with_pending.pending(), "hostpci0"));
  Vm empty = read(emptied);
  CHECK(*hostpci::apply(emptied, remove_section(empty, *empty.pending())) == text);
  CHECK(remove_section(with_pending, *with_pending.pending()).empty());
}

TEST_CASE("with [PENDING] goes the blank line before it, and no other") {
  std::string text = "name: t\n \n\n[PENDING]\n";
  Vm vm = read(text);
  CHECK(*hostpci::apply(text, remove_section(vm, *vm.pending())) == "name: t\n \n");
}

TEST_CASE("no edits: the same bytes; one key set: only its line differs; set and deleted: the same bytes again") {
  for_each_configuration([](const std::string& name, const std::string& text) {
    CHECK_MESSAGE(*hostpci::apply(text, {}) == text, name);
    Vm vm = read(text);
    if (vm.main().find("hostpci15")) return;
    for (const DroppedLine& line : vm.main().dropped)
      if (line.key == "hostpci15") return;
    std::string changed = with(text, "hostpci15", "01:00");
    Vm after = read(changed);
    CHECK_MESSAGE(after.text("hostpci15") == "01:00", name);
    CHECK_MESSAGE(without(changed, "hostpci15") == text, name);
  });
}

TEST_CASE("each value of a recorded configuration set to what it is changes nothing") {
  for_each_configuration([](const std::string& name, const std::string& text) {
    Vm vm = read(text);
    for (const VmSection& section : vm.sections)
      for (const auto& [key, value] : section.values) {
        if (key == "snapstate" || (key == "ide2" && slice(text, value.key_span) == "cdrom")) continue;
        std::string same = *hostpci::apply(text, set_value(vm, section, key, value.value));
        bool blank = value.value.find_first_not_of(" \t\r") == std::string_view::npos;
        std::string what = name + " " + std::string(key);
        if (!blank) CHECK_MESSAGE(same == text, what);
      }
  });
}
