// fixtures/hosts: snapshots of real kernels, taken in the lab. Each is read without a finding and written as it stands.
#include <doctest/doctest.h>

#include <filesystem>

#include "../support/temporary.hpp"
#include "host/groups.hpp"
#include "host/snapshot.hpp"

using namespace hostpci;
namespace fs = std::filesystem;

namespace {

const std::string folder = FIXTURES "/hosts/", command = "# tests/lab/snapshot.sh ";

Host read_good(const std::string& name) {
  Sink sink;
  auto host = read_snapshot(make_source(name, test::read_file(folder + name)), sink);
  CHECK_MESSAGE(sink.diagnostics.empty(), name, ": ", sink.diagnostics.empty() ? "" : sink.diagnostics.front().message);
  REQUIRE(host);
  return *host;
}

bool is_viable(const Host& host, int group) { return group_verdict(host, group).viable() == true; }

}  // namespace

TEST_CASE("each snapshot of the lab is read without a finding and written byte for byte") {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string(), text = test::read_file(entry.path().string());
    if (entry.path().extension() != ".yaml" || name == "example.yaml") continue;
    CAPTURE(name);
    REQUIRE(text.compare(0, command.size(), command) == 0);
    std::size_t end = text.find('\n');
    std::string words = text.substr(0, end), stem = entry.path().stem().string();
    CHECK(words.substr(words.rfind(' ') + 1) == stem.substr(stem.rfind('-') + 1));
    CHECK(write_snapshot(read_good(name)) == text.substr(end + 1));
    ++count;
  }
  CHECK(count >= 13);
}

TEST_CASE("groups are viable as the kernel said when the snapshot was taken") {
  Host boot = read_good("shared-boot.yaml"), vfio = read_good("shared-vfio.yaml");
  for (int group : {1, 5, 7, 8, 9}) {
    CHECK_FALSE(is_viable(boot, group));
    CHECK(is_viable(vfio, group));
  }
  CHECK_FALSE(is_viable(vfio, 4));  // the devices that the lab itself runs on
  CHECK(read_good("noiommu-boot.yaml").group_ids().empty());
  CHECK(read_good("iommuoff-boot.yaml").group_ids().empty());
}
