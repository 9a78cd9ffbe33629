// Workflow commands: what the runner must be able to take apart again.
#include <doctest/doctest.h>

#include "diag/render.hpp"

using namespace hostpci;

namespace {

const SourcePtr vm =
    make_source("/etc/pve/qemu-server/100.conf", "name: a\nhostpci0: 02:00,pcie=1\n#\xc3\xa4\xf0\x9f\x98\x80x\xffy\n");

Report report_of(Place place, Severity severity = Severity::error) {
  Diagnostic d;
  d.rule = "vm-x";
  d.severity = severity;
  d.message = "m";
  d.place = std::move(place);
  return make_report({d}, 1, 1);
}

std::string rendered(Place place, std::string_view root = "/") {
  return render_github(report_of(std::move(place)), root);
}

}  // namespace

TEST_CASE("github: places") {
  CHECK(rendered(Place(vm, {24, 30})) ==
        "::error file=/etc/pve/qemu-server/100.conf,line=2,endLine=2,col=17,endColumn=23,title=vm-x::m\n");
  CHECK(rendered(Place(vm, {6, 10})) == "::error file=/etc/pve/qemu-server/100.conf,line=1,endLine=2,title=vm-x::m\n");
  CHECK(rendered(Place("/sys/x")) == "::error file=/sys/x,title=vm-x::m\n");
  CHECK(rendered(Place()) == "::error title=vm-x::m\n");
}

TEST_CASE("github: columns count UTF-16 code units") {
  std::uint32_t line = std::uint32_t(vm->text.find('#')), x = std::uint32_t(vm->text.find('x', line));
  CHECK(rendered(Place(vm, {x, x + 1})).find("col=5,endColumn=6") != std::string::npos);
  CHECK(rendered(Place(vm, {x + 2, x + 3})).find("col=7,endColumn=8") != std::string::npos);
}

TEST_CASE("github: severities are the runner's words") {
  CHECK(render_github(report_of(Place("/a"), Severity::warning), "") == "::warning file=/a,title=vm-x::m\n");
  CHECK(render_github(report_of(Place("/a"), Severity::info), "") == "::notice file=/a,title=vm-x::m\n");
  CHECK(render_github(make_report({}, 1, 1), "") == "");
}

TEST_CASE("github: paths begin at the workspace") {
  for (const char* root : {"ci/node1", "./ci/node1", "ci/node1/", "././ci/node1//"})
    CHECK(rendered(Place("/etc/a"), root) == "::error file=ci/node1/etc/a,title=vm-x::m\n");
  for (const char* root : {".", "./", ".//"})
    CHECK(rendered(Place("/etc/a"), root) == "::error file=etc/a,title=vm-x::m\n");
  for (const char* root : {"", "/"}) CHECK(rendered(Place("/etc/a"), root) == "::error file=/etc/a,title=vm-x::m\n");
  CHECK(rendered(Place("100.conf"), "ci") == "::error file=100.conf,title=vm-x::m\n");
}

TEST_CASE("github: nothing from a file ends a property, a message or a line") {
  Diagnostic d;
  d.rule = "vm-x";
  d.message = "50% of a:b,c\r\n::error::forged";
  d.place = Place("/a,b:c%\n::d");
  d.notes = {"one\ntwo\x1b"};
  d.help = {"h"};
  d.fix = Fix{"t", Safety::safe, {}};
  CHECK(render_github(make_report({d}, 1, 1), "/") ==
        "::error file=/a%2Cb%3Ac%25\\x0a%3A%3Ad,title=vm-x::50%25 of a:b,c\\x0d\\x0a::error::forged"
        "%0Anote: one%0Atwo\\x1b%0Ahelp: h%0Ahelp: t\n");
}
