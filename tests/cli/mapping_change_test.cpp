// `mapping add|set|delete` as it is run: what it writes, what it holds back, and that a rollback takes it back.
#include <doctest/doctest.h>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;

namespace {

const std::string gpu = "gpu\n\tmap id=10de:1b80,iommugroup=2,node=pve1,path=0000:01:00,subsystem-id=10de:119e\n\tdescription big\n\n";
const std::string own = "node=pve1,path=0000:01:00,id=10de:1b80,iommugroup=2,subsystem-id=10de:119e";
const std::string igpu = "node=pve1,path=0000:00:02.0,id=8086:3e98,iommugroup=3,subsystem-id=1043:8694";

/// A node pve1 of a cluster below a root, with the devices of the example host.
struct Cluster {
  TemporaryDirectory root;
  explicit Cluster(const std::string& config = gpu) {
    if (!config.empty()) root.write("etc/pve/mapping/pci.cfg", config);
    root.write("etc/hostname", "pve1\n");
    root.write("etc/pve/nodes/pve1/qemu-server/100.conf", "cores: 1\n");
    root.write("etc/pve/nodes/pve2/qemu-server/200.conf", "cores: 1\n");
    std::filesystem::create_symlink("nodes/pve1", root.path() + "/etc/pve/local");
    std::filesystem::create_symlink("nodes/pve1/qemu-server", root.path() + "/etc/pve/qemu-server");
  }
  Ran run(std::vector<std::string> words) const {
    std::vector<std::string> all{"--root", root.path(), "--host", std::string(FIXTURES) + "/hosts/example.yaml"};
    all.insert(all.end(), words.begin(), words.end());
    return run_hostpci(all);
  }
  Ran mapping(std::vector<std::string> words) const {
    words.insert(words.begin(), "mapping");
    return run(words);
  }
  std::string config() const { return read_file(root.path() + "/etc/pve/mapping/pci.cfg"); }
  void vm(const std::string& node, const std::string& text) const {
    root.write("etc/pve/nodes/" + node + "/qemu-server/" + (node == "pve1" ? "100" : "200") + ".conf", text);
  }
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("mapping add writes a section as Proxmox VE does, from a device or from a map") {
  Cluster cluster;
  Ran added = cluster.mapping({"add", "igpu", "--device", "00:02.0", "--description", "the small one"});
  CHECK(added.status == 0);
  CHECK(cluster.config() == gpu + "igpu\n\tmap " + igpu + "\n\tdescription the small one\n\tmdev 1\n\n");
  CHECK(holds(added.out, "+\\tmdev 1\n"));
  CHECK(holds(added.out, "undo: hostpci"));
  const std::string far = "node=pve2,path=0000:41:00,id=10de:1b80,iommugroup=9";
  CHECK(cluster.mapping({"add", "far", "--map", far, "--live-migration-capable", "0"}).status == 0);
  CHECK(holds(cluster.config(), "\n\nfar\n\tmap " + far + "\n\tlive-migration-capable 0\n\n"));
  Ran check = cluster.mapping({"check"});
  CHECK_MESSAGE(check.status == 0, check.out);
}

TEST_CASE("mapping add makes the file where there is none") {
  Cluster cluster("");
  Ran added = cluster.mapping({"add", "gpu", "--device", "0000:01:00"});
  CHECK_MESSAGE(added.status == 0, added.err);
  CHECK(cluster.config() == "gpu\n\tmap " + own + "\n\n");
  CHECK(cluster.run({"rollback", "--yes"}).status == 0);
  CHECK_FALSE(std::filesystem::exists(cluster.root.path() + "/etc/pve/mapping/pci.cfg"));
}

TEST_CASE("mapping set changes what is asked and nothing else") {
  Cluster cluster("# mine\n\n" + gpu);
  CHECK(cluster.mapping({"set", "gpu", "--live-migration-capable", "--delete", "description"}).status == 0);
  std::string wanted = "# mine\n\n" + gpu;
  wanted.replace(wanted.find("description big"), 15, "live-migration-capable 1");
  CHECK(cluster.config() == wanted);
  CHECK(cluster.mapping({"set", "gpu", "--device", "01:00"}).status == 0);
  CHECK(holds(cluster.config(), "gpu\n\tmap " + own + "\n\tlive"));
  Ran same = cluster.mapping({"set", "gpu", "--device", "01:00"});
  CHECK(same.status == 0);
  CHECK(same.out == "");
}

TEST_CASE("mapping: --dry-run prints the difference and writes nothing") {
  Cluster cluster;
  Ran shown = cluster.mapping({"delete", "gpu", "--dry-run"});
  CHECK(shown.status == 0);
  CHECK(holds(shown.out, "--- a/etc/pve/mapping/pci.cfg\n"));
  CHECK(holds(shown.out, "-gpu\n"));
  CHECK(cluster.config() == gpu);
  CHECK_FALSE(std::filesystem::exists(cluster.root.path() + "/var/lib/hostpci"));
}

TEST_CASE("mapping delete names the VMs that would lose their device, on every node and in snapshots, and wants --force") {
  Cluster cluster;
  cluster.vm("pve1", "cores: 1\n\n[before]\nhostpci3: mapping=gpu\n");
  cluster.vm("pve2", "hostpci0: mapping=gpu,pcie=1\n");
  Ran held = cluster.mapping({"delete", "gpu"});
  CHECK(held.status == 3);
  CHECK(holds(held.err, "VM 100 (hostpci3 on node pve1) uses mapping `gpu`"));
  CHECK(holds(held.err, "VM 200 (hostpci0 on node pve2) uses mapping `gpu`"));
  CHECK(cluster.config() == gpu);
  Ran forced = cluster.mapping({"delete", "gpu", "--force"});
  CHECK(forced.status == 0);
  CHECK(holds(forced.err, "VM 200"));
  CHECK(cluster.config() == "");
}

TEST_CASE("mapping delete --node takes one node's entries, and asks only for that node's VMs") {
  std::string two = gpu;
  two.insert(two.find("\tdescription"), "\tmap id=10de:1b80,node=pve2,path=0000:41:00\n");
  Cluster cluster(two);
  cluster.vm("pve1", "hostpci0: mapping=gpu\n");
  CHECK(cluster.mapping({"delete", "gpu", "--node", "pve1"}).status == 3);
  CHECK(cluster.mapping({"delete", "gpu", "--node", "pve2"}).status == 0);
  CHECK(cluster.config() == gpu);
  Ran none = cluster.mapping({"delete", "gpu", "--node", "pve9"});
  CHECK(none.status == 3);
  CHECK(holds(none.err, "has no entry for node `pve9`"));
}

TEST_CASE("mapping: an entry of this node that Proxmox VE would refuse is held back") {
  Cluster cluster;
  const std::string stale = "node=pve1,path=0000:01:00,id=10de:ffff,iommugroup=2,subsystem-id=10de:119e";
  Ran held = cluster.mapping({"set", "gpu", "--map", stale});
  CHECK(held.status == 3);
  CHECK(holds(held.err, "[cluster-mapping-id]"));
  CHECK(cluster.config() == gpu);
  CHECK(cluster.mapping({"set", "gpu", "--map", stale, "--force"}).status == 0);
  CHECK(holds(cluster.config(), "id=10de:ffff"));
}

TEST_CASE("mapping: wrong calls") {
  Cluster cluster;
  struct Case {
    std::vector<std::string> words;
    int status;
    const char* told;
  };
  const std::vector<Case> cases{
      {{"add", "gpu"}, 2, "needs `--map` or `--device`"},
      {{"add", "gpu", "--device", "01:00"}, 3, "mapping `gpu` is already defined"},
      {{"add", "x", "--device", "01:00"}, 2, "`x` is no name of a mapping"},
      {{"add", "new", "--device", "0a:00"}, 3, "there is no device at `0000:0a:00`"},
      {{"add", "new", "--device", "nonsense"}, 2, "is no PCI address"},
      {{"add", "new", "--map", "node=pve1,path=01:00.0,id=10de:1b80"}, 2, "`map` `node=pve1,path=01:00.0"},
      {{"add", "new", "--device", "01:00", "--node", "pve1"}, 2, "`--node` does not go with `mapping add`"},
      {{"set", "gpu"}, 2, "nothing to set"},
      {{"set", "gpu", "--force"}, 2, "nothing to set"},
      {{"set", "gpy", "--mdev"}, 3, "did you mean `gpu`?"},
      {{"set", "gpu", "--delete", "map"}, 2, "takes no `map`"},
      {{"set", "gpu", "--mdev", "--digest", "0"}, 3, "another digest"},
      {{"delete", "gpu", "--map", "x"}, 2, "`--map` does not go with `mapping delete`"},
      {{"delete"}, 2, "takes one ID"},
      {{"check", "--force"}, 2, "`--force` does not go with `mapping check`"},
      {{"remove", "gpu"}, 2, "list, check, add, set or delete"},
  };
  for (const Case& c : cases) {
    Ran ran = cluster.mapping(c.words);
    CHECK_MESSAGE(ran.status == c.status, c.told);
    CHECK_MESSAGE(holds(ran.err, c.told), ran.err);
    CHECK(cluster.config() == gpu);
  }
}

TEST_CASE("mapping: a snapshot's facts do not change the running cluster") {
  Ran ran = run_hostpci({"--host", std::string(FIXTURES) + "/hosts/example.yaml", "mapping", "delete", "gpu"});
  CHECK(ran.status == 2);
  Ran shown = run_hostpci({"--host", std::string(FIXTURES) + "/hosts/example.yaml", "mapping", "set", "gpu", "--mdev", "0", "--dry-run"});
  CHECK(shown.status == 0);
  CHECK(holds(shown.out, "+\\tmdev 0\n"));
}
