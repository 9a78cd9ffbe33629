// fixtures/plans/NAME: a host, its VMs and the plan for them as people read it. Carried out on the texts, every plan
// leaves nothing to plan. HOSTPCI_BLESS=1 rewrites every expected.txt, HOSTPCI_BLESS=twins those of plans that begin
// so.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "../support/linted.hpp"
#include "../support/temporary.hpp"
#include "plan/evidence.hpp"
#include "plan/planner.hpp"
#include "plan/render.hpp"
#include "plan/saved.hpp"
#include "text/words.hpp"

using namespace hostpci;
namespace fs = std::filesystem;

namespace {

const fs::path folder = FIXTURES "/plans";

bool blessing(const std::string& name) {
  const char* which = std::getenv("HOSTPCI_BLESS");
  return which && (std::string(which) == "1" || name.starts_with(which));
}

/// Host, VMs and goal of one folder; options.txt has what would stand on the command line.
struct Example {
  Host host;
  std::vector<Vm> vms;
  Goal goal;

  explicit Example(const fs::path& directory) : Example(directory, directory / "host.yaml") {}

  Example(const fs::path& directory, const fs::path& of_host) : host(test::load_host(of_host)) {
    for (const fs::path& path : test::sorted_entries(directory))
      if (std::uint32_t vmid = vmid_of_path(path.string()))
        vms.push_back(test::make_vm(vmid, test::read_file(path.string())));
    std::string options = test::read_file((directory / "options.txt").string());
    for (std::string_view word : words(options))
      if (word == "--unsafe-interrupts")
        goal.unsafe_interrupts = true;
      else
        goal.vms.push_back(std::uint32_t(*number(word)));
  }

  Plan plan() const { return make_plan({host, vms}, goal); }

  /// The texts as they are once the plan is carried out; devices and the running kernel stay.
  void carry_out(const Plan& made) {
    for (const FileChange& change : made.files) {
      auto vm = std::find_if(vms.begin(), vms.end(), [&](const Vm& v) { return v.source->path == change.path; });
      if (vm != vms.end())
        *vm = read_vm(make_source(change.path, *change.after));
      else if (change.after)
        host.files[change.path] = *change.after;
      else
        host.files.erase(change.path);
    }
    for (const PlannedCommand& command : made.refresh) call_grubby(command);
  }

  /// `grubby --update-kernel=ALL --args=…` as it changes boot entries.
  void call_grubby(const PlannedCommand& command) {
    const std::string option = "--args=";
    for (const std::string& word : command.words) {
      if (command.words.front() != "grubby" || !word.starts_with(option)) continue;
      for (auto& [path, text] : host.files)
        if (path.starts_with("/boot/loader/entries/")) text.insert(text.rfind('\n'), " " + word.substr(option.size()));
    }
  }
};

}  // namespace

TEST_CASE("plans are as expected") {
  for (const fs::path& directory : test::sorted_entries(folder)) {
    std::string name = directory.filename().string();
    CAPTURE(name);
    std::string text = render_plan(Example(directory).plan(), false);
    fs::path expected = directory / "expected.txt";
    if (blessing(name)) std::ofstream(expected, std::ios::binary) << text;
    CHECK(text == test::read_file(expected.string()));
  }
}

TEST_CASE("a plan that was carried out leaves nothing to change") {
  for (const fs::path& directory : test::sorted_entries(folder)) {
    CAPTURE(directory.filename().string());
    Example example(directory);
    Plan first = example.plan();
    example.carry_out(first);
    Plan second = example.plan();
    CHECK_MESSAGE(second.files.empty(), render_plan(second, false));
    CHECK(second.by_hand == first.by_hand);
    CHECK(second.losses.size() <= first.losses.size());
    for (const Obstacle& obstacle : second.obstacles) CAPTURE(obstacle.message);
    CHECK(second.obstacles.size() == first.obstacles.size());
  }
}

namespace {

/// Planned and carried out until nothing changes any more: at once.
void check_settles(Example example) {
  Plan first = example.plan();
  example.carry_out(first);
  Plan second = example.plan();
  CHECK_MESSAGE(second.files.empty(), render_plan(first, false) << "\nand then\n" << render_plan(second, false));
}

}  // namespace

TEST_CASE("plans for the hosts of every rule's case settle at once") {
  for (const fs::path& directory : test::sorted_entries(FIXTURES "/cases")) {
    CAPTURE(directory.filename().string());
    check_settles(Example(directory));
    fs::path own = directory / "clean/host.yaml";
    check_settles(Example(directory / "clean", fs::exists(own) ? own : directory / "host.yaml"));
  }
}

TEST_CASE("healthy hosts need no change") {
  for (const char* name : {"intel", "amd", "server"}) {
    fs::path healthy = FIXTURES "/healthy";
    Plan plan = Example(healthy / name, healthy / (std::string(name) + ".yaml")).plan();
    CHECK_MESSAGE(plan.empty(), render_plan(plan, false));
    CHECK_MESSAGE(plan.obstacles.empty(), render_plan(plan, false));
  }
}

TEST_CASE("what the host may do with a network card is asked about as if it were vital where it is not known") {
  std::vector<Loss> losses = Example(folder / "uses-unknown").plan().losses;
  REQUIRE(losses.size() == 2);
  CHECK(losses[0].device == "0000:03:00.0");
  CHECK(losses[0].critical);
  CHECK(losses[1].device == "0000:00:14.0");
  CHECK_FALSE(losses[1].critical);
}

TEST_CASE("no plan for one VM makes fewer virtual functions than a plan for all") {
  Example one(folder / "virtual-functions-of-others"), all(folder / "virtual-functions-of-others");
  all.goal.vms.clear();
  CHECK(render_plan(one.plan(), false) == render_plan(all.plan(), false));
  all.carry_out(all.plan());
  one.host = all.host;
  CHECK(one.plan().files.empty());
}

TEST_CASE("the same inputs give the same plan, in any order of the VMs, and it survives being saved") {
  for (const fs::path& directory : test::sorted_entries(folder)) {
    CAPTURE(directory.filename().string());
    Example example(directory), turned(directory);
    std::reverse(turned.vms.begin(), turned.vms.end());
    SavedPlan saved{{example.host.node, std::nullopt, "test"}, example.plan()};
    CHECK(write_plan(saved) == write_plan({{example.host.node, std::nullopt, "test"}, example.plan()}));
    CHECK(render_plan(turned.plan(), false) == render_plan(saved.plan, false));
    auto back = read_plan(write_plan(saved));
    REQUIRE(back);
    CHECK(*back == saved);
  }
}

TEST_CASE("what a plan says that it read is what it changes, and more") {
  for (const fs::path& directory : test::sorted_entries(folder)) {
    CAPTURE(directory.filename().string());
    Example example(directory);
    Plan plan = example.plan();
    for (const FileChange& change : plan.files) {
      REQUIRE_MESSAGE(plan.read.count(change.path), change.path);
      CHECK((plan.read.at(change.path) == "") == !change.before);
      CHECK(change.before != change.after);
      CHECK(!change.reasons.empty());
    }
    auto now = evidence({example.host, example.vms}, plan.vms);
    CHECK(changed_evidence(plan.read, now).empty());
    example.host.devices.begin()->second.driver = "other";
    example.host.files["/etc/modprobe.d/new.conf"] = "options a b=1\n";
    now = evidence({example.host, example.vms}, plan.vms);
    CHECK(changed_evidence(plan.read, now) == std::vector<std::string>{"/etc/modprobe.d/new.conf", "devices"});
  }
}
