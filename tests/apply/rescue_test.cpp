// The way back from a rescue shell: the script of a transaction, run by a plain POSIX shell without any help of ours.
#include "apply/rescue.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "../support/five_files.hpp"
#include "../support/process.hpp"
#include "../support/temporary.hpp"
#include "../support/tools.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const std::string awkward = "/etc/modprobe.d/it's a \"file\" $(x) `y`.conf";

/// A root in which the five files were changed, another one made, and one removed.
struct Changed {
  TemporaryDirectory root{quick_place()};
  std::string script;

  Changed() {
    for (const FileChange& file : five_files())
      if (file.before) root.write(file.path.substr(1), *file.before);
    root.write("etc/sysfs.conf", "a = 1\n");
    std::filesystem::create_directories(root.path() + "/etc/modprobe.d");
    TransactionRequest request = five_file_request();
    request.files.push_back({awkward, std::nullopt, "x\n", 0644, {}});
    request.files.push_back({"/etc/made/deep.conf", std::nullopt, "y\n", 0644, {}});
    request.files.push_back({"/etc/sysfs.conf", "a = 1\n", std::nullopt, 0644, {}});
    auto system = std::move(*real_file_system(root.path()));
    auto result = carry_out(*system, request);
    REQUIRE(result);
    REQUIRE(result->outcome == Outcome::done);
    script = root.path() + Journal::directory + "/" + result->id + "/undo.sh";
  }
  std::string state() const { return state_of(**real_file_system(root.path()), five_files()); }
  bool has(const std::string& path) const { return std::filesystem::exists(root.path() + path); }
  Ran run(const std::string& shell = "sh") const { return run_program({shell, script, root.path() + "/"}); }
};

}  // namespace

TEST_CASE("a plain shell puts everything back, and says what to run") {
  Changed node;
  CHECK(run_program({"sh", "-n", node.script}).status == 0);
  Ran ran = node.run();
  INFO(ran.out, ran.err);
  CHECK(ran.status == 0);
  CHECK(ran.err == "");
  CHECK(node.state() == "old");
  CHECK_FALSE(node.has(awkward));
  CHECK_FALSE(node.has("/etc/made"));
  CHECK(read_file(node.root.path() + "/etc/sysfs.conf") == "a = 1\n");
  CHECK(ran.out.find("  update-grub\n  update-initramfs -u -k all\n") != std::string::npos);
  Ran again = node.run();
  CHECK(again.status == 0);
  CHECK(again.out.find("as it was") != std::string::npos);
}

TEST_CASE("dash puts everything back") {
  if (!has_tool("dash")) return;
  Changed node;
  CHECK(node.run("dash").status == 0);
  CHECK(node.state() == "old");
}

TEST_CASE("a file that someone else changed keeps all as they are") {
  Changed node;
  node.root.write("etc/default/grub", "theirs\n");
  Ran ran = node.run();
  CHECK(ran.status == 1);
  CHECK(ran.out.find("/etc/default/grub: changed by someone else since") != std::string::npos);
  CHECK(ran.out.find("nothing was changed") != std::string::npos);
  CHECK(node.has(awkward));
  CHECK(read_file(node.root.path() + "/etc/default/grub") == "theirs\n");
}

TEST_CASE("a link in the place of a file is not followed") {
  Changed node;
  node.root.write("elsewhere", read_file(node.root.path() + "/etc/default/grub"));
  std::filesystem::remove(node.root.path() + "/etc/default/grub");
  std::filesystem::create_symlink("../../elsewhere", node.root.path() + "/etc/default/grub");
  CHECK(node.run().status == 1);
  CHECK(std::filesystem::is_symlink(node.root.path() + "/etc/default/grub"));
}

TEST_CASE("where /etc/pve is not mounted the host's files go back all the same") {
  Changed node;
  std::filesystem::remove_all(node.root.path() + "/etc/pve");
  std::filesystem::create_directories(node.root.path() + "/etc/pve");
  Ran ran = node.run();
  CHECK(ran.status == 0);
  CHECK(ran.out.find("/etc/pve is not mounted, left alone") != std::string::npos);
  CHECK(read_file(node.root.path() + "/etc/default/grub") == *five_files()[3].before);
  CHECK_FALSE(node.has("/etc/pve/mapping"));
}

TEST_CASE("the digests are those that sha256sum reads") {
  Changed node;
  std::string in = node.script.substr(0, node.script.rfind('/'));
  CHECK(run_program({"sh", "-c", "cd " + in + " && sha256sum -c --quiet digests"}).status == 0);
}
