// The long text form, compared as a whole.
#include <doctest/doctest.h>

#include "diag/render.hpp"
#include "text/words.hpp"

using namespace hostpci;
using namespace std::string_literals;

namespace {

const SourcePtr vm =
    make_source("/etc/pve/qemu-server/100.conf",
                "bios: ovmf\ncores: 4\nname: win\nhostpci0: 0000:02:00,pcie=1,x-vga=1\nmemory: 8192\n");

Place at(const SourcePtr& source, std::string_view text) {
  auto begin = std::uint32_t(source->text.find(text));
  return Place(source, {begin, begin + std::uint32_t(text.size())});
}

Diagnostic finding(Place place) {
  Diagnostic d;
  d.rule = "vm-pcie-needs-q35";
  d.message = "`pcie=1` needs the q35 machine type; VM 100 runs i440fx";
  d.place = std::move(place);
  return d;
}

}  // namespace

TEST_CASE("headline, place, carets, note, help") {
  Diagnostic d = finding(at(vm, "pcie=1"));
  d.notes = {"no `machine:` line, so PVE uses i440fx; the VM would not start: \"q35 machine model is not enabled\""};
  d.help = {"add `machine: q35` (the guest sees new hardware: see `hostpci explain vm-pcie-needs-q35`)"};
  CHECK(render_text(d, false) == R"(error[vm-pcie-needs-q35]: `pcie=1` needs the q35 machine type; VM 100 runs i440fx
  --> /etc/pve/qemu-server/100.conf:4:22
   |
 4 | hostpci0: 0000:02:00,pcie=1,x-vga=1
   |                      ^^^^^^
   = note: no `machine:` line, so PVE uses i440fx; the VM would not start: "q35 machine model is not enabled"
   = help: add `machine: q35` (the guest sees new hardware: see `hostpci explain vm-pcie-needs-q35`)
)");
}

TEST_CASE("labels on the same line, in another file, on a path") {
  std::string lines;
  for (int i = 1; i < 12; ++i) lines += "# " + std::to_string(i) + "\n";
  SourcePtr other = make_source("/etc/pve/qemu-server/101.conf", lines + "hostpci0: 02:00\n");
  Diagnostic d = finding(at(vm, "0000:02:00"));
  d.labels = {{at(vm, "0000:02:00"), "the same device"},
              {at(vm, "hostpci0"), "this key"},
              {at(other, "02:00"), "also here"},
              {Place("/sys/kernel/iommu_groups/12"), "one group"},
              {Place("/sys/bus/pci"), ""}};
  d.severity = Severity::warning;
  CHECK(render_text(d, false) == R"(warning[vm-pcie-needs-q35]: `pcie=1` needs the q35 machine type; VM 100 runs i440fx
   --> /etc/pve/qemu-server/100.conf:4:11
    |
  4 | hostpci0: 0000:02:00,pcie=1,x-vga=1
    |           ^^^^^^^^^^ the same device
    | -------- this key
   ::: /etc/pve/qemu-server/101.conf:12:11
    |
 12 | hostpci0: 02:00
    |           ----- also here
   ::: /sys/kernel/iommu_groups/12: one group
   ::: /sys/bus/pci
)");
}

TEST_CASE("a place without a text, and no place at all") {
  Diagnostic d = finding(Place("/sys/class/iommu"));
  d.severity = Severity::info;
  d.help = {"run\nupdate-grub"};
  CHECK(render_text(d, false) == R"(info[vm-pcie-needs-q35]: `pcie=1` needs the q35 machine type; VM 100 runs i440fx
  --> /sys/class/iommu
   = help: run
           update-grub
)");
  d.place = Place();
  d.help.clear();
  CHECK(render_text(d, false) == "info[vm-pcie-needs-q35]: `pcie=1` needs the q35 machine type; VM 100 runs i440fx\n");
}

TEST_CASE("tabs and wide UTF-8 before the span keep the carets in place") {
  SourcePtr source = make_source("/etc/x", "\tné\x1b\tpcie=2\r\n");
  CHECK(render_text(finding(at(source, "pcie=2")), false) ==
        "error[vm-pcie-needs-q35]: `pcie=1` needs the q35 machine type; VM 100 runs i440fx\n"
        "  --> /etc/x:1:7\n"
        "   |\n"
        " 1 |     né\\x1b    pcie=2\n"
        "   |               ^^^^^^\n");
}

TEST_CASE("empty spans, empty files, spans over several lines") {
  auto drawn = [](Place place) {
    std::string text = render_text(finding(std::move(place)), false);
    return text.substr(text.find('\n') + 1);
  };
  CHECK(drawn(Place(vm, {10, 10})) ==
        "  --> /etc/pve/qemu-server/100.conf:1:11\n   |\n 1 | bios: ovmf\n   |           ^\n");
  CHECK(drawn(Place(make_source("/e", ""), {0, 0})) == "  --> /e:1:1\n   |\n 1 |\n   | ^\n");
  CHECK(drawn(Place(vm, {6, 25})) ==
        "  --> /etc/pve/qemu-server/100.conf:1:7\n   |\n 1 | bios: ovmf\n   |       ^^^^\n");
  CHECK(drawn(Place(make_source("/e", "a\n"), {900, 999})) == "  --> /e:2:1\n   |\n 2 |\n   | ^\n");
}

TEST_CASE("a long line is cut around the span") {
  std::string left(300, 'a'), right(1 << 20, 'b');
  SourcePtr source = make_source("/e", left + "HERE" + right + "\n");
  std::string text = render_text(finding(at(source, "HERE")), false);
  CHECK(text.substr(text.find('\n') + 1) == "  --> /e:1:301\n   |\n 1 | …" + std::string(48, 'a') + "HERE" +
                                                std::string(106, 'b') + "…\n   | " + std::string(49, ' ') + "^^^^\n");
  SourcePtr end = make_source("/e", left + "HERE");
  text = render_text(finding(at(end, "HERE")), false);
  CHECK(text.substr(text.find('\n') + 1) ==
        "  --> /e:1:301\n   |\n 1 | …" + std::string(154, 'a') + "HERE\n   | " + std::string(155, ' ') + "^^^^\n");
  SourcePtr wide = make_source("/e", std::string(200, 'x'));
  text = render_text(finding(Place(wide, {0, 200})), false);
  CHECK(text.substr(text.find('\n') + 1) ==
        "  --> /e:1:1\n   |\n 1 | " + std::string(158, 'x') + "…\n   | " + std::string(158, '^') + "\n");
}

TEST_CASE("a line of 160 columns is whole, and a label outside a cut one gets a block of its own") {
  SourcePtr full = make_source("/e", std::string(160, 'x'));
  CHECK(render_text(finding(Place(full, {159, 160})), false).find(std::string(160, 'x') + "\n") != std::string::npos);
  SourcePtr source = make_source("/e", "KEY" + std::string(500, 'a') + "HERE");
  Diagnostic d = finding(at(source, "HERE"));
  d.labels = {{at(source, "KEY"), "this key"}};
  std::string text = render_text(d, false);
  CHECK(text.find("  ::: /e:1:1\n   |\n 1 | KEYaaa") != std::string::npos);
  CHECK(text.find("   | --- this key\n") != std::string::npos);
}

TEST_CASE("no byte of a file reaches the terminal as a control byte") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += char(byte);
  std::string no_feeds = all;
  no_feeds.erase(no_feeds.find('\n'), 1);
  Diagnostic d = finding(Place(make_source("/e" + all, no_feeds), {3, 9}));
  d.rule = d.message = all;
  d.labels = {{Place(make_source(all, all), {1, 2}), all}, {Place(all), all}};
  d.notes = d.help = {all};
  d.fix = Fix{all, Safety::safe, {{"/e" + all, {3, 9}, all}}};
  Report report = make_report({d}, 1, 1);
  for (const std::string& text : {render_text(report, false), render_concise(report), render_json(report)})
    for (char c : text) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
  CHECK(render_text(report, false).find('\x7f') == std::string::npos);
  CHECK(render_json(report).find('\x7f') == std::string::npos);
}

TEST_CASE("the ready edit shows the new line") {
  auto drawn = [](const Diagnostic& d) {
    std::string text = render_text(d, false);
    return text.substr(text.find("   = help"));
  };
  Diagnostic d = finding(at(vm, "pcie=1"));
  d.fix = Fix{"drop `pcie=1`", Safety::unsafe, {{vm->path, {51, 58}, ""}}};
  CHECK(drawn(d) == R"(   = help: drop `pcie=1`
   |
 4 + hostpci0: 0000:02:00,x-vga=1
)");
  auto end = std::uint32_t(vm->text.size());
  d.fix = Fix{"add `machine: q35`", Safety::unsafe, {{vm->path, {end, end}, "machine: q35\n"}}};
  CHECK(drawn(d) == "   = help: add `machine: q35`\n   |\n 6 + machine: q35\n");
  d.fix = Fix{"remove the line", Safety::safe, {{vm->path, {11, 20}, ""}}};
  CHECK(drawn(d) == "   = help: remove the line\n   |\n 2 - cores: 4\n");
  d.fix = Fix{"write a file", Safety::safe, {{"/etc/modprobe.d/vfio.conf", {0, 0}, "options a\noptions b\n"}}};
  CHECK(drawn(d) == R"(   = help: write a file
  ::: /etc/modprobe.d/vfio.conf:1
   |
 1 + options a
 2 + options b
)");
}

TEST_CASE("a ready edit that cannot be shown is named") {
  auto only_title = [](Fix fix) {
    Diagnostic d = finding(at(vm, "pcie=1"));
    d.fix = std::move(fix);
    std::string text = render_text(d, false);
    return text.substr(text.find("   = help")) == "   = help: t\n";
  };
  CHECK(only_title({"t", Safety::safe, {}}));
  CHECK(only_title({"t", Safety::safe, {{vm->path, {0, 4}, "a"}, {"/other", {0, 0}, "b"}}}));
  CHECK(only_title({"t", Safety::safe, {{"/other", {1, 2}, "b"}}}));
  CHECK(only_title({"t", Safety::safe, {{vm->path, {0, 4}, "a"}, {vm->path, {2, 5}, "b"}}}));
  CHECK(only_title({"t", Safety::safe, {{vm->path, {0, 9999}, "a"}}}));
  CHECK(only_title({"t", Safety::safe, {{vm->path, {0, 0}, "1\n2\n3\n4\n5\n"}}}));
  CHECK(only_title({"t", Safety::safe, {{vm->path, {0, 4}, "bios"}}}));
}

TEST_CASE("a report: a blank line between findings, the counts at the end") {
  Diagnostic d = finding(Place("/sys/a"));
  d.message = "m";
  Diagnostic warning = d;
  warning.severity = Severity::warning;
  warning.place = Place("/sys/b");
  CHECK(render_text(make_report({warning, d}, 3, 9), false) ==
        R"(error[vm-pcie-needs-q35]: m
  --> /sys/a

warning[vm-pcie-needs-q35]: m
  --> /sys/b

1 error, 1 warning in 3 VMs
)");
  CHECK(render_text(make_report({}, 3, 9), false) == "no findings in 3 VMs\n");
  CHECK(render_text(make_report({}, 1, 9), false) == "no findings in 1 VM\n");
  warning.severity = Severity::info;
  CHECK(render_text(make_report({warning}, 2, 9), false).ends_with("\n1 info in 2 VMs\n"));
}

TEST_CASE("colours surround the same text") {
  Diagnostic d = finding(at(vm, "pcie=1"));
  d.notes = {"n"};
  d.fix = Fix{"drop it", Safety::safe, {{vm->path, {51, 58}, ""}}};
  std::string coloured = render_text(d, true), plain;
  CHECK(coloured.starts_with("\x1b[1;31merror[vm-pcie-needs-q35]\x1b[0m"));
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\x1b')
      i = coloured.find('m', i);
    else
      plain += coloured[i];
  }
  CHECK(plain == render_text(d, false));
}

TEST_CASE("concise: one line a finding") {
  Diagnostic d = finding(at(vm, "pcie=1"));
  Diagnostic host = finding(Place("/sys/x"));
  host.severity = Severity::warning;
  host.message = "a\nb";
  Diagnostic nowhere = finding(Place());
  nowhere.message = "m";
  CHECK(render_concise(make_report({d, host, nowhere}, 1, 1)) ==
        R"(-:0:0: error[vm-pcie-needs-q35] m
/etc/pve/qemu-server/100.conf:4:22: error[vm-pcie-needs-q35] `pcie=1` needs the q35 machine type; VM 100 runs i440fx
/sys/x:0:0: warning[vm-pcie-needs-q35] a\x0ab
)");
}
