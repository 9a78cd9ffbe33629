// JUnit's XML as whole texts, and what XML forbids.
#include <doctest/doctest.h>

#include <pugixml.hpp>

#include "diag/render.hpp"

using namespace hostpci;

namespace {

const SourcePtr vm = make_source("/etc/pve/qemu-server/100.conf", "name: a\nhostpci0: 02:00,pcie=1\n");

Diagnostic finding(Place place, Severity severity = Severity::error) {
  Diagnostic d;
  d.rule = "vm-x";
  d.severity = severity;
  d.message = "`a<b` & \"c\"";
  d.place = std::move(place);
  return d;
}

pugi::xml_document parsed(const std::string& text) {
  pugi::xml_document document;
  pugi::xml_parse_result result = document.load_string(text.c_str());
  REQUIRE_MESSAGE(result, result.description());
  return document;
}

}  // namespace

TEST_CASE("junit: suites, failures, notes, files that are clean") {
  Diagnostic error = finding(Place(vm, {24, 30})), info = finding(Place("/sys/x"), Severity::info);
  error.key = "hostpci0";
  error.notes = {"n"};
  std::vector<std::string> checked = {"/etc/pve/qemu-server/101.conf", vm->path};
  CHECK(render_junit(make_report({info, error}, 2, 9), checked) == R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="hostpci lint" tests="3" failures="1" errors="0" skipped="1">
  <testsuite name="/etc/pve/qemu-server/100.conf" tests="1" failures="1" errors="0" skipped="0">
    <testcase classname="/etc/pve/qemu-server/100.conf" name="vm-x hostpci0" file="/etc/pve/qemu-server/100.conf" line="2">
      <failure message="`a&lt;b` &amp; &quot;c&quot;" type="error">error[vm-x]: `a&lt;b` &amp; "c"
  --&gt; /etc/pve/qemu-server/100.conf:2:17
   |
 2 | hostpci0: 02:00,pcie=1
   |                 ^^^^^^
   = note: n
</failure>
    </testcase>
  </testsuite>
  <testsuite name="/etc/pve/qemu-server/101.conf" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="/etc/pve/qemu-server/101.conf" name="lint" />
  </testsuite>
  <testsuite name="/sys/x" tests="1" failures="0" errors="0" skipped="1">
    <testcase classname="/sys/x" name="vm-x" file="/sys/x">
      <skipped message="`a&lt;b` &amp; &quot;c&quot;">info[vm-x]: `a&lt;b` &amp; "c"
  --&gt; /sys/x
</skipped>
    </testcase>
  </testsuite>
</testsuites>
)");
}

TEST_CASE("junit: nothing checked, nothing found") {
  CHECK(render_junit(make_report({}, 0, 0), {}) == R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="hostpci lint" tests="0" failures="0" errors="0" skipped="0" />
)");
}

TEST_CASE("junit: no two tests of a file share a name") {
  Diagnostic one = finding(Place(vm, {0, 1})), two = finding(Place(vm, {8, 9})), other = two;
  other.key = "hostpci0";
  pugi::xml_document document = parsed(render_junit(make_report({one, two, other}, 1, 1), {}));
  std::string names;
  for (pugi::xml_node node : document.child("testsuites").child("testsuite").children("testcase"))
    names += std::string(node.attribute("name").value()) + ";";
  CHECK(names == "vm-x;vm-x (2);vm-x hostpci0;");
}

TEST_CASE("junit: a finding without a file has a suite of its own") {
  pugi::xml_document document = parsed(render_junit(make_report({finding(Place(), Severity::warning)}, 1, 1), {}));
  pugi::xml_node suite = document.child("testsuites").child("testsuite");
  CHECK(std::string(suite.attribute("name").value()) == "-");
  CHECK(std::string(suite.child("testcase").child("failure").attribute("type").value()) == "warning");
  CHECK(suite.child("testcase").attribute("file").empty());
}

TEST_CASE("junit: what XML forbids is escaped or replaced") {
  Diagnostic d = finding(Place(make_source("/a\x01\xef\xbf\xbf", "k: \x02\xff\xef\xbf\xbe\x7f\n"), {0, 1}));
  d.message = "]]> \x1b[31m\n\xef\xbf\xbe";
  std::string text = render_junit(make_report({d}, 1, 1), {});
  for (unsigned char c : text) CHECK((c >= 0x20 || c == '\n'));
  CHECK(text.find("\xef\xbf\xbe") == text.npos);
  CHECK(text.find("\xef\xbf\xbf") == text.npos);
  CHECK(text.find("&#") == text.npos);
  pugi::xml_document document = parsed(text);
  pugi::xml_node node = document.child("testsuites").child("testsuite");
  CHECK(std::string(node.attribute("name").value()) == "/a\\x01\uFFFD");
  CHECK(std::string(node.child("testcase").child("failure").attribute("message").value()) ==
        "]]> \\x1b[31m\\x0a\uFFFD");
  CHECK(std::string(node.child("testcase").child("failure").text().get()).find("k: \\x02\\xff\uFFFD\\x7f") !=
        std::string::npos);
}
