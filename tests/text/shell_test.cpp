// Words that a shell reads back as they were.
#include "text/shell.hpp"

#include <doctest/doctest.h>

#include "../support/process.hpp"

using namespace hostpci;

TEST_CASE("a plain word needs no quotes") {
  CHECK(shell_line({"update-initramfs", "-u", "-k", "all"}) == "update-initramfs -u -k all");
  CHECK(shell_line({"qm", "set", "100", "--efidisk0", "local-lvm:1,efitype=4m"}) == "qm set 100 --efidisk0 local-lvm:1,efitype=4m");
}

TEST_CASE("a shell reads every other word back") {
  for (std::string word : {"it's", "", "a b", "$HOME", "`id`", "a\nb", "*", "~", "\\", "\"", "#x", "!"})
    CHECK(test::run_program({"sh", "-c", "printf %s " + shell_word(word)}).out == word);
}
