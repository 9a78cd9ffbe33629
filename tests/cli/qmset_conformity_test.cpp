// Every recorded call of the real `qm set`, made again with ours: the sections that stand after it, and zero against
// non-zero.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "../support/temporary.hpp"
#include "../support/vm_values.hpp"
#include "apply/running.hpp"
#include "apply/vm_file.hpp"
#include "cli/set_options.hpp"
#include "config/set_vm.hpp"
#include "config/site.hpp"
#include "config/vm.hpp"
#include "system/file_system.hpp"

using namespace hostpci;
namespace json = boost::json;

namespace {

constexpr const char* directory = FIXTURES "/corpus/qmset";

const std::map<std::string, std::string> skipped = {
    {"config-current", "another command (qm config)"},
    {"help", "another command (qm help)"},
    {"pending-cmd", "another command (qm pending)"},
    {"showcmd-dup", "another command (qm showcmd)"},
    {"space-then-config", "another command (qm config)"},
    {"unlock", "another command (qm unlock)"},
    {"host-users", "no call: the host of the calls of other users"},
    {"flock-held-short",
     "about time: the lock is free after two seconds; the test of two writers waits for locks all the time"},
    {"user-both", "the call of another user of the API; ours is root's, as qm's"},
    {"user-delete-host", "the call of another user of the API"},
    {"user-delete-mapping", "the call of another user of the API"},
    {"user-delete-mapping-noperm", "the call of another user of the API"},
    {"user-delete-mapping-romfile", "the call of another user of the API"},
    {"user-host", "the call of another user of the API"},
    {"user-mapping-noperm", "the call of another user of the API"},
    {"user-neither", "the call of another user of the API"},
    {"user-replace-host", "the call of another user of the API"},
    {"user-skiplock", "the call of another user of the API"},
};

const std::map<std::string, std::string> deliberate = {
    {"single-eq", "-hostpci0=V is taken; qm refuses it"},
    {"empty-value", "an empty value is refused; qm stores a blank, and the VM does not start"},
    {"smp", "`smp: 4` stays as it is; qm turns it into `sockets: 4` and drops `cores:`"},
    {"symlink-conf",
     "below /etc/pve a link to a file of another name is refused (pmxcfs cannot hold one); PVE replaces the link"},
    {"utf8-mdev-latin", "bytes are written as they are typed; qm writes é as Latin-1"},
    {"utf8-mdev-latin-C-locale", "bytes are written as they are typed; qm in the C locale writes U+FFFD"},
};

struct Case {
  std::string name, before, after, pre;
  std::vector<std::string> words;  ///< after "qm set"
  bool ok = false;
};

/// Bytes that are no UTF-8 are recorded as lone surrogates, which JSON readers refuse.
std::string without_surrogates(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\udc", at)) != text.npos; at += 6) text.replace(at, 6, "\\ufffd");
  return text;
}

std::string text_of(const json::object& record, std::string_view key) {
  const json::value* value = record.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : "";
}

Case load(const std::filesystem::path& path) {
  json::value parsed = json::parse(without_surrogates(test::read_file(path.string())));
  const json::object& record = parsed.as_object();
  Case c{path.stem().string(), text_of(record, "before"), text_of(record, "after"), text_of(record, "pre"), {}, false};
  c.ok = record.at("rc").as_int64() == 0;
  const json::array& argv = record.at("argv").as_array();
  for (std::size_t i = 2; i < argv.size(); ++i) c.words.emplace_back(argv[i].as_string());
  return c;
}

/// A node as PVE lays it out, with the case's VM.
class Node {
 public:
  explicit Node(const Case& c) {
    root_.write(file, c.before);
    root_.write("etc/hostname", "pve1\n");
    link("nodes/pve1", "etc/pve/local");
    link("nodes/pve1/qemu-server", "etc/pve/qemu-server");
    prepare(c.pre);
    system_ = std::move(*real_file_system(root_.path()));
  }

  FileSystem& system() { return *system_; }
  std::string text() const { return test::read_file(root_.path() + "/" + file); }

 private:
  static constexpr const char* file = "etc/pve/nodes/pve1/qemu-server/100.conf";

  void link(const std::string& target, const std::string& path) {
    std::filesystem::create_symlink(target, root_.path() + "/" + path);
  }

  void prepare(const std::string& pre) {
    if (pre.find("-pidfile") != pre.npos) {
      using namespace std::string_literals;
      root_.write("var/run/qemu-server/100.pid", "4321\n");
      root_.write("proc/4321/cmdline", "kvm\0-id\000100\0-pidfile\0/var/run/qemu-server/100.pid\0-x\0"s);
    } else if (pre.find("ln -s") != pre.npos) {
      std::string real = root_.path() + "/etc/pve/nodes/pve1/qemu-server/real";
      std::filesystem::rename(root_.path() + "/" + file, real);
      std::filesystem::create_symlink("real", root_.path() + "/" + file);
    } else if (pre.find("chmod 600") != pre.npos) {
      std::filesystem::permissions(root_.path() + "/" + file, std::filesystem::perms(0600));
    }
  }

  test::TemporaryDirectory root_;
  std::unique_ptr<FileSystem> system_;
};

SetRequest request_of(const Options& options) {
  SetRequest request;
  for (const auto& [name, values] : options.values)
    if (is_set_key(name)) request.sets.push_back({name, values.back()});
  request.deletes = options.list("delete");
  request.reverts = options.list("revert");
  request.digest = options.text("digest");
  request.force = options.flag("force");
  request.skiplock = options.flag("skiplock");
  return request;
}

/// The whole call; true if it was done.
bool call(const Case& c, Node& node) {
  auto line = parse_options(c.words, set_options, true);
  if (!line || line->arguments.size() != 1) return false;
  auto path = vm_file(node.system(), line->arguments[0]);
  if (!path) return false;
  std::unique_ptr<FileLock> held;
  if (c.pre.find("sleep 30") != c.pre.npos) {
    REQUIRE(node.system().make_directory("/var/lock/qemu-server"));
    held = std::move(*node.system().lock("/var/lock/qemu-server/lock-100.conf", 0));
  }
  auto file = LockedVmFile::open(node.system(), *path, 50);
  if (!file) return false;
  SetOutcome outcome = set_vm(read_vm(file->source()), request_of(line->options), is_running(node.system(), 100));
  return outcome.verdict == SetVerdict::accepted && file->write(outcome.text);
}

std::string verdict(bool ok) { return ok ? "done" : "refused"; }

test::Sections sections(const std::string& text) {
  return test::sections_of(read_vm(make_source("/etc/pve/qemu-server/100.conf", text)));
}

std::vector<std::filesystem::path> records() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("every recorded call of qm set ends as Proxmox VE's, or stands in the list of deliberate differences") {
  std::set<std::string> different;
  std::size_t called = 0;
  for (const auto& path : records()) {
    std::string name = path.stem().string();
    if (skipped.count(name)) continue;
    Case c = load(path);
    Node node(c);
    bool ok = call(c, node);
    std::string text = node.text();
    ++called;
    if (!ok) CHECK_MESSAGE(text == c.before, name, ": a refused call changed the file");
    bool same = ok == c.ok && sections(text) == sections(c.after);
    if (same) continue;
    different.insert(name);
    CHECK_MESSAGE(deliberate.count(name), name, ": ", verdict(ok), ", file now:\n", text, "\nPVE (", verdict(c.ok),
                  "):\n", c.after);
  }
  CHECK(called >= 80);
  for (const auto& [name, reason] : deliberate)
    CHECK_MESSAGE(different.count(name), name, " no longer differs (", reason, ")");
}

TEST_CASE("a call that changes one key changes its line only") {
  for (const auto& path : records()) {
    std::string name = path.stem().string();
    if (skipped.count(name)) continue;
    Case c = load(path);
    Node node(c);
    if (!call(c, node)) continue;
    // Every line that stood before and names no key of the call still stands, byte for byte.
    std::string text = node.text();
    std::string asked;
    for (const std::string& word : c.words) asked += word + " ";
    if (c.before.find("[PENDING]") != c.before.npos) continue;
    for (std::string_view rest = c.before; !rest.empty();) {
      std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string line(rest.substr(0, end));
      std::string key = line.substr(0, line.find(':'));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      bool about = key.empty() || asked.find(key) != asked.npos || key == "boot";
      if (!about)
        CHECK_MESSAGE(("\n" + text + "\n").find("\n" + line + "\n") != std::string::npos, name, ": `", line,
                      "` is gone");
    }
  }
}
