// False alarms are bugs of the first rank: recorded hosts that work, installations of all ages, plain machines, containers and
// users without privileges get no warning and no error.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A recorded tree of a kernel, with an installation's files put over it.
class Tree {
 public:
  Tree(const std::string& capture, const std::string& layout) {
    chmod(directory_.path().c_str(), 0755);
    if (!capture.empty()) unpack("captures/" + capture + ".tar.xz", directory_.path());
    constexpr auto merge = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    if (!layout.empty()) fs::copy(FIXTURES "/layouts/" + layout, directory_.path(), merge);
  }
  void vm(const std::string& vmid, const std::string& text) {
    directory_.write("etc/pve/qemu-server/" + vmid + ".conf", text);
  }
  const std::string& path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
};

void check_silent(const Ran& ran) {
  CAPTURE(ran.out);
  CAPTURE(ran.err);
  CHECK(ran.status == 0);
  CHECK_FALSE(has(ran.out, "warning["));
  CHECK_FALSE(has(ran.out, "error["));
  CHECK(ran.err == "");
}

/// How to run a program as somebody who owns nothing here: as nobody if the tests run as root, else as who runs them.
std::vector<std::string> unprivileged() {
  if (geteuid() != 0) return {HOSTPCI};
  return {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", HOSTPCI};
}

Ran run_unprivileged(std::vector<std::string> arguments) {
  std::vector<std::string> command = unprivileged();
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command);
}

bool may_run_unprivileged() {
  if (run_unprivileged({"--version"}).status == 0) return true;
  if (std::getenv("HOSTPCI_CI")) FAIL("other users cannot run " HOSTPCI);
  MESSAGE("skipped: other users cannot run " HOSTPCI ", or setpriv is missing");
  return false;
}

/// What the kernel and pmxcfs keep from other users: files of /etc/pve, the ring buffer, addresses, most of configuration space.
void keep_from_others(const Tree& tree) {
  for (const auto& entry : fs::recursive_directory_iterator(tree.path())) {
    std::string path = entry.path().string(), name = entry.path().filename().string();
    bool secret = has(path, "/etc/pve/") || has(path, "/boot/grub") || name == "kmsg" || name == "rom";
    if (entry.is_regular_file() && !entry.is_symlink() && secret) fs::permissions(entry.path(), fs::perms::none);
    if (entry.is_regular_file() && !entry.is_symlink() && name == "config" && fs::file_size(entry.path()) > 64)
      fs::resize_file(entry.path(), 64);
  }
}

}  // namespace

TEST_CASE("recorded hosts that work are silent, with and without VMs") {
  for (const char* name : {"clean-boot", "clean-vfio", "clean-mdev", "amd-boot", "gpu-boot", "gpu-vfio", "sriov-boot", "sriov-vfs"}) {
    CAPTURE(name);
    check_silent(run_hostpci({"lint", "--root", Tree(name, "").path()}));
  }
  Tree tree("clean-vfio", "");
  tree.vm("100", "boot: order=scsi0\nhostpci0: 0000:01:00.0\nmemory: 1024\nostype: l26\nscsi0: local-lvm:vm-100-disk-0,size=8G\n");
  tree.vm("101", "boot: order=hostpci0\nhostpci0: 0000:03:00,pcie=1\nmachine: q35\nmemory: 1024\nostype: l26\n");
  check_silent(run_hostpci({"lint", "--root", tree.path()}));
}

TEST_CASE("Proxmox VE 7, 8 and 9, plain Debian and a container are silent") {
  const std::pair<const char*, const char*> all[] = {{"pve-7-grub", "clean-vfio"},
                                                     {"pve-8-zfs", "sriov-vfs"},
                                                     {"pve-9-secure-boot", "gpu-vfio"},
                                                     {"plain-debian", "clean-boot"},
                                                     {"container", "clean-boot"},
                                                     {"container", ""}};
  for (const auto& host : all) {
    const auto& [layout, capture] = host;
    CAPTURE(std::string(host.first));
    Tree tree(capture, layout);
    check_silent(run_hostpci({"lint", "--root", tree.path()}));
    Ran doctor = run_hostpci({"doctor", "--root", tree.path()});
    CAPTURE(doctor.out);
    CHECK_FALSE(has(doctor.out, "FAIL"));
    CHECK(doctor.status == 0);
  }
}

TEST_CASE("in a container the kernel's command line is nobody's mistake, and doctor says where to look") {
  Tree tree("clean-boot", "container");
  Ran doctor = run_hostpci({"doctor", "--root", tree.path()});
  CHECK(has(doctor.out, "WARN     guest"));
  CHECK(has(doctor.out, "this is a container"));
  CHECK(has(doctor.out, "/run/systemd/container"));
  CHECK(has(doctor.out, "nothing judged: this is a container, 1 warning\n"));
  CHECK_FALSE(has(doctor.out, "IOMMU"));
}

TEST_CASE("a user without privileges gets no warning about what he cannot read") {
  if (!may_run_unprivileged()) return;
  for (auto host : {std::pair{"pve-7-grub", "clean-vfio"}, {"pve-9-secure-boot", "gpu-vfio"}}) {
    auto [layout, capture] = host;
    CAPTURE(std::string(host.first));
    Tree tree(capture, layout);
    fs::create_directory(tree.path() + "/srv");
    fs::copy_file(tree.path() + "/etc/pve/qemu-server/100.conf", tree.path() + "/srv/100.conf");
    keep_from_others(tree);
    Ran ran = run_unprivileged({"lint", "--root", tree.path()});
    CAPTURE(ran.out);
    CHECK(ran.status == 3);
    CHECK(has(ran.err, "cannot read `/etc/pve/qemu-server/100.conf`: Permission denied"));
    CHECK_FALSE(has(ran.out, "warning["));
    CHECK_FALSE(has(ran.out, "error["));
    Ran own = run_unprivileged({"lint", "--root", tree.path(), "/srv/100.conf"});
    CAPTURE(own.err);
    check_silent(own);
  }
}

TEST_CASE("a machine without VMs is silent for everybody") {
  if (!may_run_unprivileged()) return;
  Tree tree("clean-boot", "plain-debian");
  keep_from_others(tree);
  check_silent(run_unprivileged({"lint", "--root", tree.path()}));
  Ran doctor = run_unprivileged({"doctor", "--root", tree.path()});
  CAPTURE(doctor.out);
  CHECK(doctor.status == 0);
  CHECK_FALSE(has(doctor.out, "FAIL"));
}

TEST_CASE("a word that names no VM is wrong usage, a VM that does not exist is refused, for every command") {
  Tree tree("", "pve-7-grub");
  for (std::vector<std::string> command : {std::vector<std::string>{"lint"}, {"config"}, {"showcmd"}, {"suggest", "01:00", "--vm"}}) {
    CAPTURE(command.front());
    command.insert(command.begin(), {"--root", tree.path()});
    for (auto word : {std::pair{"99", 2}, {"gaming", 2}, {"999", 3}}) {
      auto [name, status] = word;
      CAPTURE(word.first);
      std::vector<std::string> words = command;
      words.push_back(name);
      Ran ran = run_hostpci(words);
      CHECK(ran.status == status);
      if (status == 2) CHECK(ran.out == "");
      CHECK(has(ran.err, name));
    }
  }
}
