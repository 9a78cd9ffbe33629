// Files generated from the catalogue are checked in: they say what the executable says. HOSTPCI_BLESS=1 rewrites them (target `generate`).
#include <doctest/doctest.h>

#include <cstdlib>

#include "../support/temporary.hpp"
#include "cli/rule_texts.hpp"

using namespace hostpci;

namespace {

void check_generated(const std::string& path, const std::string& text) {
  std::string file = std::string(SOURCE_DIR) + "/" + path;
  if (std::getenv("HOSTPCI_BLESS")) std::ofstream(file, std::ios::binary) << text;
  CHECK_MESSAGE(test::read_file(file) == text, path << " is not what the catalogue says: build the target `generate`");
}

}  // namespace

TEST_CASE("generated files are those of the catalogue") {
  check_generated("schemas/rules.yaml", rules_yaml());
  check_generated("man/hostpci-rules.7", rules_manual());
}
