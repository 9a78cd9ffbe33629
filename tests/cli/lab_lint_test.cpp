// What `lint` says of the lab's VMs (tests/lab/hosts) on the lab's hosts (fixtures/hosts): the lab itself holds it
// against the same words inside. HOSTPCI_BLESS=1 rewrites the texts.
#include <doctest/doctest.h>

#include <cstdlib>

#include "../support/linted.hpp"
#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace fs = std::filesystem;

namespace {

const fs::path folder = FIXTURES "/hosts", lab = SOURCE_DIR "/tests/lab/hosts";

std::string lint(const fs::path& snapshot) {
  std::string stem = snapshot.stem().string();
  TemporaryDirectory root;
  for (const fs::path& part : {lab / "all", lab / stem.substr(0, stem.rfind('-'))})
    fs::copy(part, root.path(),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks | fs::copy_options::overwrite_existing);
  Ran ran = run_hostpci({"lint", "--root", root.path(), "--host", snapshot.string()});
  CHECK(ran.err.empty());
  return ran.out + "exit status " + std::to_string(ran.status) + "\n";
}

}  // namespace

TEST_CASE("lint says of the lab's VMs what was written down") {
  std::size_t count = 0;
  for (const fs::path& snapshot : sorted_entries(folder)) {
    if (snapshot.extension() != ".yaml" || snapshot.stem() == "example") continue;
    CAPTURE(snapshot);
    std::string text = lint(snapshot), golden = fs::path(snapshot).replace_extension(".lint").string();
    if (std::getenv("HOSTPCI_BLESS")) std::ofstream(golden, std::ios::binary) << text;
    CHECK(text == read_file(golden));
    ++count;
  }
  CHECK(count >= 13);
}
