// The bench: ratios measured in one run, against what the same machine does with the bare minimum. Prints; judges nothing.
#include <fcntl.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>

#include "../support/temporary.hpp"
#include "grammar/hostpci.hpp"
#include "hand_parser.hpp"
#include "host/scan.hpp"
#include "process.hpp"
#include "system/memory.hpp"

namespace hostpci::bench {
namespace {

namespace fs = std::filesystem;

const std::string tool = HOSTPCI;

double seconds(const std::function<void()>& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void say(const char* what, double ratio, double goal, const std::string& detail) {
  std::printf("%-58s %6.2f  (goal %.1f)  %s\n", what, ratio, goal, detail.c_str());
  std::fflush(stdout);
}

std::string milliseconds(double a, double b) {
  char text[80];
  std::snprintf(text, sizeof text, "%.2f ms against %.2f ms", a * 1e3, b * 1e3);
  return text;
}

void property_string() {
  const std::vector<std::string> lines = {"0000:01:00.0,pcie=1,x-vga=on,romfile=gpu.rom", "01:00;02:00.1,rombar=0",
                                          "mapping=gpu,mdev=nvidia-63,pcie=1", "host=0a:00.0,device-id=0x10de,vendor-id=0x1234"};
  std::vector<double> ours, hand;
  std::size_t seen = 0;
  for (int round = 0; round < 21; ++round) {
    ours.push_back(seconds([&] { for (int i = 0; i < 20000; ++i) seen += parse_hostpci(lines[i % 4]).properties.size(); }));
    hand.push_back(seconds([&] { for (int i = 0; i < 20000; ++i) seen += hand_parse(lines[i % 4]).properties.size(); }));
  }
  if (seen == 0) std::printf("nothing was parsed\n");
  char detail[80];
  std::snprintf(detail, sizeof detail, "%.0f ns against %.0f ns by hand", median(ours) / 20000 * 1e9, median(hand) / 20000 * 1e9);
  say("one property string / a hand-written parser", median(ours) / median(hand), 1.3, detail);
}

void start_up() {
  Pair pair = in_turns({tool, "parse", "01:00"}, {"/bin/true"}, 201);
  say("parse 01:00 / true", pair.ratio(), 2, milliseconds(pair.first, pair.second));
}

/// Opens, reads, closes: how many bytes.
std::size_t read_bare(const char* path) {
  char buffer[4096];
  std::size_t bytes = 0;
  int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) bytes += std::size_t(n);
  ::close(fd);
  return bytes;
}

void read_all(const std::set<std::string>& paths) {
  std::size_t bytes = 0;
  for (const std::string& path : paths) bytes += read_bare(path.c_str());
  if (bytes == 0) std::printf("nothing was read\n");
}

void unpack(const std::string& archive, const std::string& directory) { run({"tar", "-C", directory, "-xf", archive}); }

std::string only_directory(const std::string& path) {
  if (fs::exists(path + "/sys")) return path;
  for (const auto& entry : fs::directory_iterator(path))
    if (fs::exists(entry.path() / "sys")) return entry.path().string();
  return path;
}

void one_vm() {
  test::TemporaryDirectory directory;
  unpack(FIXTURES "/captures/gpu-boot.tar.xz", directory.path());
  std::string root = only_directory(directory.path());
  fs::create_directories(root + "/etc/pve/qemu-server");
  std::ofstream(root + "/etc/pve/qemu-server/100.conf") << "machine: q35\nbios: ovmf\nefidisk0: local:1\nhostpci0: 01:00,pcie=1\n";
  Pair live = in_turns({tool, "--root", root, "lint", "100"}, {"/bin/true"}, 101);
  say("lint of one VM below a root of 20 devices / true", live.ratio(), 4, milliseconds(live.first, live.second));

  std::string snapshot = directory.path() + "/host.yaml";
  run({tool, "--root", root, "snapshot", "-o", snapshot});
  Pair with = in_turns({tool, "--root", root, "--host", snapshot, "lint", "100"}, {tool, "parse", "01:00"}, 101);
  std::string text = test::read_file(snapshot);
  std::vector<double> loads;
  for (int i = 0; i < 51; ++i) loads.push_back(seconds([&] { YAML::Load(text); }));
  double bare = with.second + median(loads);
  say("lint against a snapshot / start-up and YAML::Load", with.first / bare, 1.3, milliseconds(with.first, bare));
}

void devices() {
  Pair pair = in_turns({tool, "devices"}, {"lspci", "-nnk"}, 51);
  say("devices / lspci -nnk", pair.ratio(), 1, milliseconds(pair.first, pair.second));
}

/// A copy of a recorded device, without the folders below it: its attributes stay files of the kernel's own text.
void copy_device(const fs::path& device, const std::string& root, const std::string& address) {
  fs::path target = root + "/sys/devices/pci" + address.substr(0, 7) + "/" + address;
  fs::create_directories(target);
  fs::create_symlink("../../../" + target.string().substr(root.size() + 5), root + "/sys/bus/pci/devices/" + address);
  for (const auto& entry : fs::directory_iterator(device))
    if (entry.is_symlink()) fs::copy_symlink(entry.path(), target / entry.path().filename());
    else if (entry.is_regular_file()) fs::copy_file(entry.path(), target / entry.path().filename());
}

/// A host of that many devices, eight functions a bus, below `root`.
void write_host(const std::string& root, int count) {
  test::TemporaryDirectory recorded;
  unpack(FIXTURES "/captures/gpu-boot.tar.xz", recorded.path());
  fs::path device = fs::canonical(only_directory(recorded.path()) + "/sys/bus/pci/devices/0000:01:00.2");
  fs::create_directories(root + "/sys/bus/pci/devices");
  for (int i = 0; i < count; ++i) {
    char address[16];
    std::snprintf(address, sizeof address, "0000:%02x:00.%d", unsigned(i / 8), i % 8);
    copy_device(device, root, address);
  }
}

/// The files that a scan reads, those of libpci too.
std::set<std::string> files_read(FileSystem& system, const std::string& root) {
  std::set<std::string> paths;
  auto watching = faulty_file_system(system, [&](std::string_view call, const std::string& path) {
    if (call == "read" && fs::is_regular_file(root + path)) paths.insert(root + path);
    return 0;
  });
  for (const auto& [address, device] : scan_host(*watching).devices)
    paths.insert(root + "/sys/bus/pci/devices/" + address.str() + "/config");
  return paths;
}

void large_host() {
  test::TemporaryDirectory root;
  write_host(root.path(), 2000);
  auto system = real_file_system(root.path());
  if (!system) return;
  const std::set<std::string> paths = files_read(**system, root.path());
  std::vector<double> scans, loops;
  std::size_t devices = 0;
  for (int i = 0; i < 15; ++i) {
    loops.push_back(seconds([&] { read_all(paths); }));
    scans.push_back(seconds([&] { devices = scan_host(**system).devices.size(); }));
  }
  if (devices != 2000) std::printf("%zu devices were found\n", devices);
  say("scan of 2,000 devices / a bare loop over the same files", median(scans) / median(loops), 1.5,
      milliseconds(median(scans), median(loops)) + ", " + std::to_string(paths.size()) + " files");
}

void write_vms(const std::string& directory, int from, int to) {
  for (int i = from; i < to; ++i) {
    std::string text = "agent: 1\nboot: order=scsi0;net0\ncores: 4\nmachine: q35\nmemory: 8192\nmeta: creation-qemu=9.0.2,ctime=1720000000\n";
    if (i % 10 == 0) text += "hostpci0: 0000:" + std::string(i % 20 ? "02:00" : "03:00") + ",pcie=1\n";
    text += "name: guest" + std::to_string(i) + "\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\nnuma: 0\nostype: l26\n";
    text += "scsi0: local-zfs:vm-" + std::to_string(i) + "-disk-0,iothread=1,size=32G\nscsihw: virtio-scsi-single\n";
    text += "smbios1: uuid=0d9e1b34-5c1b-4f0e-9c56-0f3bd2a7f001\nsockets: 1\n";
    text.insert(0, "#" + std::string(600 - std::min<std::size_t>(text.size() + 2, 599), 'x') + "\n");
    std::ofstream(directory + "/" + std::to_string(i) + ".conf") << text;
  }
}

/// What cannot be done without, over a directory whose files are not known before.
double bare_loop(const std::string& directory) {
  return seconds([&] {
    std::size_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(directory)) bytes += read_bare(entry.path().c_str());
    if (bytes == 0) std::printf("nothing was read\n");
  });
}

void many_vms() {
  test::TemporaryDirectory root;
  std::string vms = root.path() + "/etc/pve/qemu-server";
  fs::create_directories(vms);
  std::vector<std::string> command = {tool, "--root", root.path(), "lint"};
  auto measure = [&](double& lint, double& bare, long& peak) {
    std::vector<double> ours, loops;
    for (int i = 0; i < 15; ++i) {
      loops.push_back(bare_loop(vms));
      Run once = run(command);
      ours.push_back(once.seconds);
      peak = std::max(peak, once.peak_kib);
    }
    lint = median(ours), bare = median(loops);
  };
  double lint = 0, bare = 0, twice = 0, twice_bare = 0;
  long peak = 0, twice_peak = 0;
  write_vms(vms, 1000, 11000);
  measure(lint, bare, peak);
  say("lint of 10,000 VM files / a bare read loop", lint / bare, 1.5, milliseconds(lint, bare));
  say("  peak memory, MiB", double(peak) / 1024, 64, "");
  write_vms(vms, 11000, 21000);
  measure(twice, twice_bare, twice_peak);
  say("  twice the files / once", twice / lint, 2, milliseconds(twice, lint));
}

}  // namespace
}  // namespace hostpci::bench

int main() {
  using namespace hostpci::bench;
  property_string();
  start_up();
  one_vm();
  devices();
  large_host();
  many_vms();
}
