// Lines that Proxmox VE passes over are told with what makes it do so; long values are cut in messages; files without a VMID
// are named in words.
#include <doctest/doctest.h>

#include "../support/linted.hpp"
#include "../support/temporary.hpp"
#include "diag/render.hpp"

using namespace hostpci;

namespace {

Report lint_text(std::uint32_t vmid, const std::string& text) {
  static const Host host = test::load_host(FIXTURES "/hosts/example.yaml");
  Vm vm = vmid ? test::make_vm(vmid, text) : read_vm(make_source("/root/gaming.conf", text));
  return test::lint_report(host, {vm});
}

const Diagnostic* find(const Report& report, std::string_view rule) {
  for (const Diagnostic& d : report.diagnostics)
    if (d.rule == rule) return &d;
  return nullptr;
}

/// The text after the finding's fix.
std::string mended(const std::string& text, const Diagnostic& d) {
  REQUIRE(d.fix);
  REQUIRE(d.fix->edits.size() == 1);
  const FileEdit& edit = d.fix->edits.front();
  return text.substr(0, edit.span.begin) + edit.text + text.substr(edit.span.end);
}

}  // namespace

TEST_CASE("a byte order mark, and blanks in or behind the key, are told as what they are") {
  struct { const char *text, *message; } all[] = {
      {"\xef\xbb\xbfhostpci0: 0000:01:00\n", "byte order mark"},
      {"hostpci 0: 0000:01:00\n", "a blank stands in the key"},
      {"hostpci0 : 0000:01:00\n", "a blank stands before the `:`"},
      {"  hostpci0: 0000:01:00\n", "blanks stand before the key"},
  };
  for (const auto& entry : all) {
    const char* message = entry.message;
    CAPTURE(message);
    Report report = lint_text(100, entry.text);
    const Diagnostic* d = find(report, "syntax-invalid-line-dropped");
    REQUIRE(d);
    CHECK(d->message.find(message) != std::string::npos);
    CHECK(mended(entry.text, *d) == "hostpci0: 0000:01:00\n");
  }
  CHECK(find(lint_text(100, "hostpci 0 0000:01:00\n"), "syntax-invalid-line-dropped")->message.find("there is no `:`") != std::string::npos);
}

TEST_CASE("no fix makes a second line of a key") {
  for (const char* text : {"hostpci 0: 0000:02:00\nhostpci0: 0000:01:00\n", "  hostpci0: 0000:02:00\nhostpci0: 0000:01:00\n"}) {
    Report report = lint_text(100, text);
    const Diagnostic* d = find(report, "syntax-invalid-line-dropped");
    REQUIRE(d);
    CHECK_FALSE(d->fix);
    REQUIRE(d->help.size() == 1);
    CHECK(d->help.front() == "there is a line `hostpci0` already: take another index");
  }
}

TEST_CASE("a value of a megabyte makes no message of a megabyte") {
  std::string value(1 << 20, 'x');
  Report report = lint_text(100, "hostpci0: 0000:01:00," + value + "=1\nhostpci1: " + value + "\nhostpci2: 01:00,romfile=\xc3\xa4" + value + "\n");
  REQUIRE(report.diagnostics.size() >= 2);
  for (const Diagnostic& d : report.diagnostics) {
    CHECK(d.message.size() < 1100);
    for (const std::string& note : d.notes) CHECK(note.size() < 1100);
    for (const std::string& help : d.help) CHECK(help.size() < 1100);
  }
  CHECK(render_text(report, false).find("xxx…`") != std::string::npos);
  CHECK(render_text(report, false).size() < 20000);
}

TEST_CASE("a file that is not called by a VMID is `this VM`, and VMID in commands") {
  std::string text = render_text(lint_text(0, "bios: ovmf\nhostpci0: 0000:01:00,pcie=1\n"), false);
  CHECK(text.find("this VM runs i440fx") != std::string::npos);
  CHECK(text.find("qm set VMID ") != std::string::npos);
  CHECK(text.find("VM 0") == std::string::npos);
}

TEST_CASE("lint does not advise what it calls needless") {
  std::string text = render_text(lint_text(100, "args: -cpu host,kvm=off\nhostpci0: 0000:01:00\nostype: win11\n"), false);
  CHECK(text.find("vm-args-cpu") != std::string::npos);
  CHECK(text.find("hidden=1") == std::string::npos);
}

TEST_CASE("a backup job that names a pool saves the guests in it") {
  Host host = test::load_host(FIXTURES "/cases/vm-backup-starts-device/host.yaml");
  std::vector<Vm> vms;
  for (const auto& path : test::sorted_entries(FIXTURES "/cases/vm-backup-starts-device"))
    if (std::uint32_t vmid = vmid_of_path(path.string())) vms.push_back(test::make_vm(vmid, test::read_file(path.string())));
  const std::string jobs = "vzdump: nightly\n\tschedule 02:00\n\tpool gpu\n\tstorage local\n";
  host.files["/etc/pve/jobs.cfg"] = jobs;
  CHECK(test::count_rule(test::lint_report(host, vms), "vm-backup-starts-device") == 0);
  host.files["/etc/pve/user.cfg"] = "pool:other::999::\npool:gpu::999," + std::to_string(vms.front().vmid) + "::\n";
  CHECK(test::count_rule(test::lint_report(host, vms), "vm-backup-starts-device") > 0);
  host.files["/etc/pve/user.cfg"] = "pool:other::" + std::to_string(vms.front().vmid) + "::\n";
  CHECK(test::count_rule(test::lint_report(host, vms), "vm-backup-starts-device") == 0);
}
