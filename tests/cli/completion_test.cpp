// Completion: the words that fit, and the three scripts in their shells (zsh and fish where they are installed).
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;

namespace {

const std::string fixtures = FIXTURES;
const std::string example = fixtures + "/hosts/example.yaml";

/// The first column of what may stand at the end.
std::vector<std::string> offered(std::vector<std::string> words) {
  std::vector<std::string> all{"completion", "--words", "--"}, found;
  all.insert(all.end(), words.begin(), words.end());
  Ran ran = run_hostpci(all);
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  std::istringstream in(ran.out);
  for (std::string line; std::getline(in, line);) found.push_back(line.substr(0, line.find('\t')));
  return found;
}

using Words = std::vector<std::string>;

bool offers(const Words& words, const std::string& text) { return std::count(words.begin(), words.end(), text) == 1; }

bool installed(const char* shell) { return run_program({"sh", "-c", std::string("command -v ") + shell}).status == 0; }

/// What bash would put into COMPREPLY for a line, one a line.
Ran bash(const std::string& line) {
  std::string script = run_hostpci({"completion", "bash"}).out;
  script += "\nCOMP_LINE=$LINE; COMP_POINT=${#LINE}; _hostpci \"$PROGRAM\" && printf '%s\\n' \"${COMPREPLY[@]}\"\n";
  return run_program({"bash", "--norc", "-c", script}, "", {"LINE=" + line, std::string("PROGRAM=") + HOSTPCI});
}

}  // namespace

TEST_CASE("commands and their options") {
  CHECK(offered({"sug"}) == Words{"suggest"});
  CHECK(offers(offered({""}), "doctor"));
  CHECK(offers(offered({"--root", "/mnt", "lint", "--s"}), "--select"));
  CHECK(offers(offered({"lint", "-"}), "--root"));
  CHECK(offers(offered({"set", "100", "-hostpci1"}), "-hostpci15"));
  CHECK(offers(offered({"set", "100", "--hostpci1"}), "--hostpci15"));
}

TEST_CASE("VMIDs, with their names") {
  CHECK(offered({"--root", fixtures + "/demo", "set", ""}) == Words{"100", "101", "102"});
  CHECK(offered({"--root=" + fixtures + "/demo", "lint", "100", "10"}) == Words{"100", "101", "102"});
  CHECK(offered({"--root", fixtures + "/demo", "config", "100", ""}).empty());
  CHECK(run_hostpci({"completion", "--words", "--", "--root", fixtures + "/demo", "set", "100"}).out ==
        "100\tgaming\n");
}

TEST_CASE("addresses as they are typed: with the domain or without, slots too, no bridges") {
  CHECK(offered({"--host", example, "suggest", "01"}) == Words{"01:00", "01:00.0", "01:00.1"});
  CHECK(offered({"--host", example, "mdev", "0000:01:00."}) == Words{"0000:01:00.0", "0000:01:00.1"});
  CHECK(offered({"--host", example, "suggest", "00:1d"}).empty());
  CHECK(offered({"--host", example, "devices", "00:1d"}) == Words{"00:1d.0"});
}

TEST_CASE("inside a hostpci value: address, properties not yet there, their values") {
  Words line{"--host", example, "set", "100", "-hostpci0"};
  auto typed = [&](const std::string& value) {
    Words all = line;
    all.push_back(value);
    return offered(all);
  };
  CHECK(offers(typed("01:"), "01:00"));
  CHECK(offers(typed("m"), "mapping="));
  CHECK(offers(typed("01:00,"), "01:00,pcie="));
  CHECK_FALSE(offers(typed("01:00,pcie=1,"), "01:00,pcie=1,pcie="));
  CHECK(typed("01:00,pcie=") == Words{"01:00,pcie=0", "01:00,pcie=1"});
  CHECK(typed("mapping=") == Words{"mapping=gpu", "mapping=igpu"});
  CHECK(typed("00:02.0,mdev=") == Words{"00:02.0,mdev=i915-GVTg_V5_4", "00:02.0,mdev=i915-GVTg_V5_8"});
  CHECK(typed("01:00.0,mdev=").empty());
  CHECK(offered({"--host", example, "set", "100", "--hostpci0=mapping=i"}) == Words{"--hostpci0=mapping=igpu"});
}

TEST_CASE("rules, formats, words of the usage, paths") {
  CHECK(offers(offered({"explain", "vm-pcie"}), "vm-pcie-needs-q35"));
  CHECK(offers(offered({"lint", "--ignore", "vm-balloon-useless,vm-pcie-n"}), "vm-balloon-useless,vm-pcie-needs-q35"));
  CHECK(offered({"doctor", "--format", ""}) == Words{"json", "text"});
  CHECK(offered({"completion", ""}) == Words{"bash", "fish", "zsh"});
  CHECK(offered({"mapping", ""}) == Words{"add", "check", "delete", "list", "set"});
  CHECK(offered({"--host", example, "mapping", "set", "g"}) == Words{"gpu"});
  CHECK(offered({"--host", example, "mapping", "add", ""}).empty());
  CHECK(offered({"--host", example, "mapping", "delete", "gpu", ""}).empty());
  CHECK(offered({"--host", example, "bind", "01:00.0", "01:00.1", "--driver", "v"}) == Words{"vfio-pci"});
  CHECK(offered({"--host", example, "unbind", "01"}) == Words{"01:00", "01:00.0", "01:00.1"});
  CHECK(offered({"--host", example, "mapping", "check", "g"}) == Words{"gpu"});
  CHECK(offered({"snapshot", "-o", "x"}) == Words{":files"});
  CHECK(offered({"--root", ""}) == Words{":directories"});
}

TEST_CASE("after mdev: devices or a verb, then what the verb takes") {
  TemporaryDirectory directory;
  const std::string uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
  directory.write("host.yaml", read_file(example) + "mdevs: [{uuid: " + uuid + ", type: i915-GVTg_V5_8, parent: \"0000:00:02.0\"}]\n");
  auto after = [&](Words typed) {
    typed.insert(typed.begin(), {"--host", directory.path() + "/host.yaml", "mdev"});
    return offered(typed);
  };
  CHECK(after({"cr"}) == Words{"create"});
  CHECK((offers(after({""}), "remove") && offers(after({""}), "00:02.0")));
  CHECK(after({"create", "00:02"}) == Words{"00:02.0"});
  CHECK(after({"create", "00:02.0", ""}) == Words{"i915-GVTg_V5_4", "i915-GVTg_V5_8"});
  CHECK(after({"create", "00:02.0", "i915-GVTg_V5_4", ""}).empty());
  CHECK(after({"remove", "83"}) == Words{uuid});
  CHECK(after({"remove", uuid, "00:02"}) == Words{"00:02.0"});
  CHECK(offers(after({"create", "00:02.0", "i915-GVTg_V5_4", "--"}), "--uuid"));
}

TEST_CASE("a root or a snapshot that cannot be read offers nothing and says nothing") {
  CHECK(offered({"--root", "/nonexistent", "set", ""}).empty());
  CHECK(offered({"--host", "/nonexistent", "suggest", ""}).empty());
  CHECK(offered({}).empty() == false);
}

TEST_CASE("words that would need quoting are not offered") {
  TemporaryDirectory root;
  root.write("usr/share/kvm/good.rom", "");
  root.write("usr/share/kvm/$(reboot).rom", "");
  root.write("usr/share/kvm/a b.rom", "");
  CHECK(offered({"--root", root.path(), "set", "100", "-hostpci0", "01:00,romfile="}) ==
        Words{"01:00,romfile=good.rom"});
}

TEST_CASE("bash: the script is sound and answers as the words do") {
  CHECK(run_program({"bash", "-n"}, run_hostpci({"completion", "bash"}).out).status == 0);
  CHECK(bash("hostpci sug").out == "suggest\n");
  CHECK(bash("hostpci --root " + fixtures + "/demo set ").out == "100\n101\n102\n");
  CHECK(bash("hostpci explain vm-legacy-igd-a").out == "vm-legacy-igd-addr\n");
}

TEST_CASE("bash: behind a colon or an equals sign only the rest is given, as readline replaces only that") {
  CHECK(bash("hostpci --host " + example + " suggest 01:").out == "00\n00.0\n00.1\n");
  CHECK(bash("hostpci --host " + example + " set 100 -hostpci0 00:02.0,mdev=i915-GVTg_V5_4").out == "i915-GVTg_V5_4\n");
}

TEST_CASE("bash: what is typed is never run") {
  TemporaryDirectory directory;
  std::string mark = directory.path() + "/mark";
  bash("hostpci lint $(touch " + mark + ") `touch " + mark + "` ");
  CHECK(read_file(mark).empty());
  CHECK(run_program({"test", "-e", mark}).status != 0);
}

TEST_CASE("zsh and fish parse their scripts, where they are installed") {
  TemporaryDirectory directory;
  for (const char* shell : {"zsh", "fish"}) {
    if (!installed(shell)) continue;
    directory.write("script", run_hostpci({"completion", shell}).out);
    Ran ran = run_program({shell, "-n", directory.path() + "/script"}, "", {"HOME=" + directory.path()});
    CHECK_MESSAGE(ran.status == 0, ran.err);
  }
}

TEST_CASE("fish offers words with their descriptions, where it is installed") {
  if (!installed("fish")) return;
  TemporaryDirectory directory;
  std::string script = run_hostpci({"completion", "fish"}).out + "\ncomplete -C 'hostpci sugg'\n";
  std::string bin = std::string(HOSTPCI).substr(0, std::string(HOSTPCI).rfind('/'));
  Ran ran =
      run_program({"fish", "-N", "-c", "set -x PATH " + bin + " $PATH\n" + script}, "", {"HOME=" + directory.path()});
  CHECK_MESSAGE(ran.out.starts_with("suggest\t"), ran.out << ran.err);
}

TEST_CASE("a shell that is not there") {
  Ran ran = run_hostpci({"completion", "bsh"});
  CHECK(ran.status == 2);
  CHECK(ran.err.find("did you mean `bash`?") != std::string::npos);
  CHECK(run_hostpci({"completion"}).status == 2);
}
