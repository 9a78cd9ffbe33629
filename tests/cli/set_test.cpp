// `set` from the command line: exit status, what is printed where, what stands in the file.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "../support/process.hpp"
#include "../support/temporary.hpp"
#include "cli/set_options.hpp"
#include "config/vm.hpp"

using namespace hostpci;
using test::Ran;

namespace {

constexpr const char* snapshot = FIXTURES "/hosts/example.yaml";

/// A root with one VM, on the host of a snapshot.
class Root {
 public:
  explicit Root(const std::string& text) {
    directory_.write("etc/pve/qemu-server/100.conf", text);
    directory_.write("etc/hostname", "pve1\n");
  }
  Ran set(std::vector<std::string> words) const { return run("set", std::move(words)); }
  Ran run(const std::string& command, std::vector<std::string> words) const {
    words.insert(words.begin(), {"--root", directory_.path(), "--host", snapshot, command});
    return test::run_hostpci(std::move(words));
  }
  std::string text() const { return test::read_file(directory_.path() + "/etc/pve/qemu-server/100.conf"); }
  const test::TemporaryDirectory& directory() const { return directory_; }

 private:
  test::TemporaryDirectory directory_;
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a change is told, shown as a difference, and written") {
  Root root("machine: q35\nname: t\n");
  Ran ran = root.set({"100", "-onboot", "yes", "--tags=a;b", "-vga", "none"});
  CHECK(ran.status == 0);
  CHECK(ran.out ==
        "update VM 100: -onboot yes -tags a;b -vga none\n"
        "--- a/etc/pve/qemu-server/100.conf\n+++ b/etc/pve/qemu-server/100.conf\n"
        "@@ -1,2 +1,5 @@\n machine: q35\n name: t\n+onboot: 1\n+tags: a;b\n+vga: none\n");
  CHECK(root.text() == "machine: q35\nname: t\nonboot: 1\ntags: a;b\nvga: none\n");
}

TEST_CASE("the keys of the schema and the options of the command are the same") {
  auto is_option = [](std::string_view name) {
    return std::any_of(std::begin(set_options), std::end(set_options), [&](const OptionSpec& o) { return o.name == name; });
  };
  for (std::string_view key : vm_keys()) CHECK_MESSAGE(is_option(key), std::string(key));
  for (const OptionSpec& option : set_options)
    if (option.value == OptionValue::required && !option.argument.starts_with("LIST") && option.name != "digest")
      CHECK_MESSAGE(is_set_key(option.name), std::string(option.name));
}

TEST_CASE("options as qm takes them") {
  for (std::vector<std::string> words : {std::vector<std::string>{"100", "-hostpci0", "mapping=none-such"},
                                         {"--HOSTPCI0", "mapping=none-such", "100"},
                                         {"100", "--hostpci0=mapping=none-such"},
                                         {"100", "-hostpci0=mapping=none-such"},
                                         {"100", "-hostpci0", "99:00", "-hostpci0", "mapping=none-such"}}) {
    Root root("name: t\n");
    words.push_back("--unchecked");
    CHECK(root.set(words).status == 0);
    CHECK(root.text() == "hostpci0: mapping=none-such\nname: t\n");
  }
  Root root("name: t\nvga: none\n");
  CHECK(root.set({"100", "--del", "vga"}).status == 0);
  CHECK(root.text() == "name: t\n");
  CHECK(root.set({"100", "--hostpci", "01:00"}).status == 2);
}

TEST_CASE("an error on a key of the call holds it back; --unchecked does not") {
  Root root("name: t\n");
  Ran held = root.set({"100", "-hostpci0", "ff:1f.7"});
  CHECK(held.status == 3);
  CHECK(contains(held.out, "error[device-device-missing]"));
  CHECK(contains(held.err, "--unchecked"));
  CHECK(root.text() == "name: t\n");
  Ran written = root.set({"100", "-hostpci0", "ff:1f.7", "--unchecked"});
  CHECK(written.status == 0);
  CHECK(root.text() == "hostpci0: ff:1f.7\nname: t\n");
}

TEST_CASE("an error that the old file has, or on another key, does not hold a call back") {
  Root root("hostpci0: ff:1f.7\nname: t\n");
  CHECK(root.set({"100", "-onboot", "1"}).status == 0);
  CHECK(root.set({"100", "-hostpci0", "ff:1f.7"}).status == 0);
  CHECK(root.set({"100", "-delete", "hostpci0"}).status == 0);
  CHECK(root.text() == "name: t\nonboot: 1\n");
}

TEST_CASE("--dry-run writes nothing") {
  Root root("name: t\n");
  Ran ran = root.set({"100", "-vga", "none", "--dry-run"});
  CHECK(ran.status == 0);
  CHECK(contains(ran.out, "+vga: none\n"));
  CHECK(root.text() == "name: t\n");
  CHECK_FALSE(std::filesystem::exists(root.directory().path() + "/var"));
  CHECK(root.set({"100", "-vga", "none", "--dry-run", "--exit-code"}).status == 1);
  CHECK(root.set({"100", "-name", "t", "--dry-run", "--exit-code"}).status == 0);
  CHECK(root.set({"100", "-hostpci0", "ff:1f.7", "--dry-run"}).status == 3);
}

TEST_CASE("--dry-run refuses what cannot be written, and knows the VM behind a link") {
  Root root("name: t\n");
  const std::string top = root.directory().path();
  root.directory().write("etc/pve/user.cfg", "user\n");
  root.directory().write("etc/pve/nodes/pve2/qemu-server/200.conf", "name: u\n");
  for (const char* path : {"/etc/pve/user.cfg", "/etc/pve/nodes/pve2/qemu-server/200.conf"})
    for (std::vector<std::string> words : {std::vector<std::string>{path, "-vga", "none"}, {path, "-vga", "none", "--dry-run"}})
      CHECK(root.set(words).status == 3);
  std::filesystem::create_symlink("/etc/pve/qemu-server/100.conf", top + "/link.conf");
  CHECK(contains(root.set({"/link.conf", "-vga", "none", "--dry-run"}).out, "--- a/etc/pve/qemu-server/100.conf\n"));
}

TEST_CASE("a standard stream that is closed is never taken for a file") {
  const std::string command = "exec \"$0\" --root \"$1\" --host \"$2\" set 100 -vga none ";
  for (const auto& [closed, status] : {std::pair{"<&-", 0}, {">&-", 3}, {"2>&-", 0}, {"<&- >&-", 3}, {"<&- >&- 2>&-", 3}, {"<&- 2>&-", 0}}) {
    INFO(std::string(closed));
    Root root("name: t\n");
    Ran ran = test::run_program({"sh", "-c", command + closed, HOSTPCI, root.directory().path(), snapshot});
    CHECK(ran.status == status);
    CHECK(root.text() == (status == 0 ? "name: t\nvga: none\n" : "name: t\n"));
    CHECK(test::read_file(root.directory().path() + "/var/lock/qemu-server/lock-100.conf") == "");
  }
}

TEST_CASE("what is no file is told, and not waited for") {
  Root root("name: t\n");
  const std::string directory = root.directory().path() + "/etc/pve/qemu-server/";
  REQUIRE(::mkfifo((directory + "101.conf").c_str(), 0600) == 0);
  std::filesystem::create_directory(directory + "102.conf");
  for (const char* vm : {"101", "102", "/etc/pve/qemu-server/101.conf", "/etc/pve/qemu-server/102.conf"}) {
    INFO(std::string(vm));
    CHECK(root.set({vm, "-vga", "none"}).status == 3);
    for (const char* command : {"config", "lint", "showcmd"}) {
      Ran ran = root.run(command, {vm});
      CHECK(ran.status == 3);
      CHECK(contains(ran.err, std::string(vm).substr(std::string(vm).size() > 3 ? 21 : 0)));
    }
  }
}

TEST_CASE("a file that is not named after a VM is no VM 0") {
  Root root("name: t\n");
  root.directory().write("srv/vm.conf", "name: u\nhostpci0: ff:1f.7\nvga: std\n");
  for (const Ran& ran : {root.set({"/srv/vm.conf", "-vga", "none"}), root.run("config", {"/srv/vm.conf", "--snapshot", "s"})}) {
    CHECK_FALSE(contains(ran.out, "VM 0"));
    CHECK_FALSE(contains(ran.err, "VM 0"));
  }
}

TEST_CASE("a description may have 8192 characters, however many bytes they take") {
  Root root("name: t\n");
  std::string text;
  for (int i = 0; i < 8192; ++i) text += "\u00e9";
  CHECK(root.set({"100", "-description", text}).status == 0);
  CHECK(root.set({"100", "-description", text + "e"}).status == 2);
}

TEST_CASE("wrong usage is 2, a refusal 3, and neither changes anything") {
  std::string text = "lock: backup\nname: t\n";
  Root root(text);
  struct Row {
    std::vector<std::string> words;
    int status;
    const char* message;
  };
  for (const Row& row : {Row{{"100"}, 2, "nothing to set"},
                         {{"100", "-hostpci0", ""}, 2, "has no value"},
                         {{"100", "-hostpci0", "01:00,pcie=2"}, 2, "syntax-boolean"},
                         {{"100", "-bios", "omvf"}, 2, "did you mean `ovmf`?"},
                         {{"100", "-hostpc0", "01:00"}, 2, "did you mean"},
                         {{"100", "-hostpci16", "01:00"}, 2, "hostpci16"},
                         {{"100", "101", "-vga", "none"}, 2, "too many"},
                         {{"99", "-vga", "none"}, 2, "no VMID"},
                         {{"-vga", "none"}, 2, ""},
                         {{"100", "-delete", "hostpci16"}, 2, "unknown key"},
                         {{"100", "-vga", "none"}, 3, "VM is locked (backup)"},
                         {{"100", "-skiplock", "-vga", "none", "-digest", "abc"}, 3, "digest"},
                         {{"101", "-vga", "none"}, 3, "did you mean 100?"},
                         {{"/etc/pve/user.cfg", "-vga", "none"}, 3, "no such file"}}) {
    Ran ran = root.set(row.words);
    INFO(ran.err);
    CHECK(ran.status == row.status);
    CHECK(contains(ran.err, row.message));
    CHECK(root.text() == text);
  }
}

TEST_CASE("a file by its path") {
  Root root("name: t\n");
  root.directory().write("srv/100.conf", "name: u\n");
  CHECK(root.set({"/srv/100.conf", "-vga", "none"}).status == 0);
  CHECK(test::read_file(root.directory().path() + "/srv/100.conf") == "name: u\nvga: none\n");
  CHECK(root.text() == "name: t\n");
}

TEST_CASE("no escape byte of the call or the file reaches the terminal") {
  Root root("name: t\n#\x1b[31m\n");
  for (const Ran& ran : {root.set({"100", "-args", "\x1b[31m", "--dry-run"}), root.set({"100", "-vga", "\x1b]0;x"}),
                         root.set({"100", "-args", "x\x1b[31m"})}) {
    CHECK_FALSE(contains(ran.out, "\x1b"));
    CHECK_FALSE(contains(ran.err, "\x1b"));
  }
}
