// Saved plans: what is written is read back, and nothing else is accepted.
#include "plan/saved.hpp"

#include <doctest/doctest.h>

#include "../support/schema.hpp"
#include "system/memory.hpp"
#include "text/digest.hpp"

using namespace hostpci;

namespace {

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += char(i);
  return bytes;
}

SavedPlan sample() {
  SavedPlan saved;
  saved.origin = {"pve1", std::string(64, 'a'), "1.0"};
  Plan& plan = saved.plan;
  plan.node = "pve1";
  plan.vms = {100, 4294967295u};
  plan.files = {{"/etc/modules", "a\n", "a\nb\n", 0644, {"why", "and why"}},
                {"/etc/modprobe.d/bytes.conf", all_bytes(), std::nullopt, 0644, {}},
                {"/etc/udev/rules.d/70-hostpci.rules", std::nullopt, "\xff\xfe", 0600, {"\x1b[31m"}}};
  plan.by_hand = {{{"qm", "set", "100", "--efidisk0", "local-lvm:1"}, "a disk"}};
  plan.refresh = {{{"update-initramfs", "-u", "-k", "all"}, "copies"}};
  plan.undo = {{{"grubby", "--update-kernel=ALL", "--remove-args=x"}, "back"}};
  plan.reboot = {"this and that"};
  plan.losses = {{"0000:02:00.0", "bridge port eno1", true}};
  plan.obstacles = {{"/etc/default/grub", 3, "an unterminated quote"}};
  plan.notes = {"note"};
  plan.read = {{"/etc/modules", sha256_hex("a\n")}, {"/etc/\xff", ""}};
  return saved;
}

void replace(std::string& text, const std::string& what, const std::string& with) {
  std::size_t at = text.find(what);
  REQUIRE_MESSAGE(at != text.npos, what);
  text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("a plan is read back as it was") {
  SavedPlan saved = sample();
  auto back = read_plan(write_plan(saved));
  REQUIRE_MESSAGE(back, back.error().message);
  CHECK(*back == saved);
  CHECK(write_plan(*back) == write_plan(saved));
  SavedPlan none;
  CHECK(*read_plan(write_plan(none)) == none);
}

TEST_CASE("no control byte of a plan reaches a terminal") {
  for (char c : write_plan(sample())) CHECK((c == '\n' || (c >= ' ' && c != '\x7f')));
}

TEST_CASE("a plan that was cut off is refused, wherever") {
  std::string text = write_plan(sample());
  for (std::size_t size = 0; size + 1 < text.size(); ++size) CHECK_MESSAGE(!read_plan(text.substr(0, size)), size);
}

TEST_CASE("a plan in which any one byte was changed is refused, or means the same") {
  SavedPlan saved = sample();
  std::string text = write_plan(saved);
  std::size_t refused = 0;
  for (std::size_t at = 0; at < text.size(); ++at)
    for (char c : {'0', 'x', '"', ' '}) {
      std::string changed = text;
      if (changed[at] == c) continue;
      changed[at] = c;
      auto read = read_plan(changed);
      if (!read)
        ++refused;
      else
        CHECK_MESSAGE(*read == saved, at);
    }
  CHECK(refused > text.size() * 3);
}

TEST_CASE("other documents are refused with the reason") {
  struct Case {
    const char *what, *with, *why;
  };
  const Case cases[] = {{"\"version\":1", "\"version\":2", "version 2 of the format"},
                        {"\"kind\":\"hostpci-plan\"", "\"kind\":\"other\"", "kind `other`"},
                        {"\"version\":1,", "", "`version` is missing"},
                        {"\"version\":1", "\"version\":-1", "`version` is no number"},
                        {"\"mode\":420", "\"mode\":420,\"more\":1", "does not know"},
                        {"\"vms\":[100", "\"vms\":[101", "does not fit its digest"},
                        {"\"critical\":true", "\"critical\":1", "no boolean"},
                        {"\"after\":null", "\"after\":{\"base64\":\"Zg\"}", "`after` is no text"},
                        {"\"words\":[\"update-initramfs\",\"-u\",\"-k\",\"all\"]", "\"words\":[]", "no words"}};
  for (const Case& c : cases) {
    std::string text = write_plan(sample());
    replace(text, c.what, c.with);
    auto read = read_plan(text);
    REQUIRE(!read);
    CHECK_MESSAGE(read.error().message.find(c.why) != std::string::npos, read.error().message);
  }
  for (const char* text : {"", "null", "[]", "{}", "1", "\"hostpci-plan\"", "{\"version\":1}"})
    CHECK_MESSAGE(!read_plan(text), text);
}

TEST_CASE("a plan is carried out where it was made, by the version that made it") {
  PlanOrigin here{"pve1", std::string(64, 'a'), "1.0"};
  SavedPlan saved = sample();
  CHECK(foreign_plan(saved, here) == "");
  PlanOrigin node = here, machine = here, program = here;
  node.node = "pve2";
  machine.machine = std::string(64, 'b');
  program.program = "1.1";
  CHECK(foreign_plan(saved, node).find("node `pve1`") != std::string::npos);
  CHECK(foreign_plan(saved, machine).find("another machine") != std::string::npos);
  CHECK(foreign_plan(saved, program).find("hostpci 1.0") != std::string::npos);
  saved.origin.machine.reset();
  CHECK(foreign_plan(saved, here).find("snapshot") != std::string::npos);
}

TEST_CASE("the machine's id is not told") {
  MemoryFileSystem system;
  system.put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  PlanOrigin origin = plan_origin(system, "pve1", "1.0");
  CHECK(origin.machine->size() == 64);
  CHECK(origin.machine->find("0123456789abcdef") == std::string::npos);
  CHECK(origin == plan_origin(system, "pve1", "1.0"));
}

TEST_CASE("saved plans fit their schema") {
  SavedPlan of_snapshot = sample();
  of_snapshot.origin.machine.reset();
  CHECK(test::schema_faults(SOURCE_DIR "/schemas/plan.schema.json", write_plan(sample()) + write_plan(of_snapshot)) ==
        "");
}
