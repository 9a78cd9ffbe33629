// `hostpci export libvirt`: what goes where, and the exit status.
#include <doctest/doctest.h>

#include "../support/process.hpp"
#include "../support/recorded_host.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;

namespace {

const std::string recordings = FIXTURES "/corpus/showcmd/";

/// A root with the host of the recordings and these lines as VM 100.
struct Root {
  TemporaryDirectory directory;
  explicit Root(const std::string& lines) {
    write_recorded_host(read_file(recordings + "host.json"), directory.path());
    directory.write("etc/pve/qemu-server/100.conf", lines);
  }
  Ran run(std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"--root", directory.path(), "export", "libvirt", "/etc/pve/qemu-server/100.conf"});
    return run_hostpci(options);
  }
};

}  // namespace

TEST_CASE("export writes XML to standard output, what libvirt cannot say to standard error") {
  Ran ran = Root("machine: q35\nhostpci0: 01:00,pcie=1,x-vga=1\n").run({"--domain"});
  CHECK(ran.status == 0);
  CHECK(ran.out.starts_with("<domain type='kvm'>\n"));
  CHECK(ran.out.find("<alias name='ua-hostpci0-1' />") != std::string::npos);
  CHECK(ran.err.find("hostpci0: x-vga=1: libvirt has no element for it") != std::string::npos);
}

TEST_CASE("export without --domain writes the elements only") {
  Ran elements = Root("machine: q35\nhostpci0: 01:00.0,pcie=1\n").run();
  CHECK(elements.status == 0);
  CHECK(elements.out.starts_with("<hostdev "));
  CHECK(elements.err == "");
}

TEST_CASE("export of a configuration that Proxmox VE refuses says why and writes no XML") {
  Ran ran = Root("hostpci0: 01:00.0,pcie=1\n").run({"--domain"});
  CHECK(ran.status == 1);
  CHECK(ran.out.starts_with("error[vm-pcie-needs-q35]"));
  CHECK(ran.out.find("<hostdev") == std::string::npos);
}

TEST_CASE("export knows libvirt only") {
  CHECK(run_hostpci({"export", "xen", "100"}).status == 2);
  CHECK(run_hostpci({"export", "libvirt"}).status == 2);
  CHECK(run_hostpci({"completion", "--words", "--", "export", ""}).out == "libvirt\t\n");
}
