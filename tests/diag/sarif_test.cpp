// SARIF: one result as a whole text, the OASIS schema, places and fixes.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "diag/baseline.hpp"
#include "diag/render.hpp"
#include "tests/support/schema.hpp"

using namespace hostpci;
namespace json = boost::json;

namespace {

const std::string schema_path = FIXTURES "/schemas/sarif-2.1.0-rtm.5.json";

const SourcePtr vm =
    make_source("/etc/pve/qemu-server/100.conf", "name: a\nhostpci0: 02:00,pcie=1\n#\xc3\xa4\xf0\x9f\x98\x80x\n");

constexpr RuleText rules[] = {{"vm-a", "a rule", "because", "do it", Severity::warning},
                              {"vm-pcie-needs-q35", "`pcie=1` without q35", "a {why}", "add it", Severity::error},
                              {"vm-z", "another rule", "for [this](reason)", "see \x1b", Severity::info}};

Diagnostic finding(Place place = Place(vm, {24, 30})) {
  Diagnostic d;
  d.rule = "vm-pcie-needs-q35";
  d.message = "`pcie=1` needs q35";
  d.place = std::move(place);
  d.vm = 100;
  d.key = "hostpci0";
  return d;
}

Diagnostic full_finding() {
  Diagnostic d = finding();
  d.labels = {{Place(vm, {0, 4}), "first"}, {Place("/sys/x"), "group"}, {Place("/sys/x"), "group"}};
  d.notes = {"n"};
  d.help = {"h"};
  d.fix = Fix{"drop it",
              Safety::unsafe,
              {{vm->path, {23, 30}, ""}, {vm->path, {0, 0}, "machine: q35\n"}, {"/etc/b", {1, 3}, "x"}}};
  return d;
}

std::string sarif(std::vector<Diagnostic> findings, std::string_view root = {}) {
  return render_sarif(make_report(std::move(findings), 1, 3), {"1.2.3", rules, root});
}

json::value run_of(std::vector<Diagnostic> findings, std::string_view root = {}) {
  return json::parse(sarif(std::move(findings), root)).at("runs").at(0);
}

json::value result_of(Diagnostic d) { return run_of({std::move(d)}).at("results").at(0); }

std::string text(const json::value& value) { return json::serialize(value); }

std::string uri_of(std::string file) {
  return text(
      result_of(finding(Place(std::move(file)))).at("locations").at(0).at("physicalLocation").at("artifactLocation"));
}

}  // namespace

TEST_CASE("sarif: the tool and its rules") {
  json::value run = run_of({});
  CHECK(
      text(run) ==
      R"({"tool":{"driver":{"name":"hostpci","version":"1.2.3","rules":[)"
      R"({"id":"vm-a","shortDescription":{"text":"a rule"},"fullDescription":{"text":"because"},"help":{"text":"do it"},"defaultConfiguration":{"level":"warning"}},)"
      R"({"id":"vm-pcie-needs-q35","shortDescription":{"text":"`pcie=1` without q35"},"fullDescription":{"text":"a {{why}}"},"help":{"text":"add it"},"defaultConfiguration":{"level":"error"}},)"
      R"~({"id":"vm-z","shortDescription":{"text":"another rule"},"fullDescription":{"text":"for [this] (reason)"},"help":{"text":"see \u001b"},"defaultConfiguration":{"level":"note"}}]}},)~"
      R"("originalUriBaseIds":{"%SRCROOT%":{"description":{"text":"the directory that stands for the host's root"}}},)"
      R"("columnKind":"utf16CodeUnits","results":[]})");
}

TEST_CASE("sarif: a result") {
  std::string print = fingerprint(finding());
  CHECK(
      text(result_of(full_finding())) ==
      R"({"ruleId":"vm-pcie-needs-q35","ruleIndex":1,"level":"error",)"
      R"("message":{"text":"`pcie=1` needs q35\nnote: n\nhelp: h\nhelp: drop it"},)"
      R"("locations":[{"physicalLocation":{"artifactLocation":{"uri":"etc/pve/qemu-server/100.conf","uriBaseId":"%SRCROOT%"},)"
      R"("region":{"startLine":2,"startColumn":17,"endLine":2,"endColumn":23}}}],)"
      R"("relatedLocations":[{"id":0,"physicalLocation":{"artifactLocation":{"uri":"etc/pve/qemu-server/100.conf","uriBaseId":"%SRCROOT%"},)"
      R"("region":{"startLine":1,"startColumn":1,"endLine":1,"endColumn":5}},"message":{"text":"first"}},)"
      R"({"id":1,"physicalLocation":{"artifactLocation":{"uri":"sys/x","uriBaseId":"%SRCROOT%"}},"message":{"text":"group"}},)"
      R"({"id":2,"physicalLocation":{"artifactLocation":{"uri":"sys/x","uriBaseId":"%SRCROOT%"}},"message":{"text":"group"}}],)"
      R"("partialFingerprints":{"hostpciFinding/v1":")" +
          print +
          R"(:1"},)"
          R"("fixes":[{"description":{"text":"drop it"},"artifactChanges":[)"
          R"({"artifactLocation":{"uri":"etc/b","uriBaseId":"%SRCROOT%"},"replacements":[)"
          R"({"deletedRegion":{"byteOffset":1,"byteLength":2},"insertedContent":{"binary":"eA=="}}]},)"
          R"({"artifactLocation":{"uri":"etc/pve/qemu-server/100.conf","uriBaseId":"%SRCROOT%"},"replacements":[)"
          R"({"deletedRegion":{"startLine":2,"startColumn":16,"endLine":2,"endColumn":23}},)"
          R"({"deletedRegion":{"startLine":1,"startColumn":1,"endLine":1,"endColumn":1},"insertedContent":{"text":"machine: q35\n"}}]}],)"
          R"("properties":{"safety":"unsafe"}}]})");
}

TEST_CASE("sarif keeps the OASIS schema") {
  Diagnostic odd = finding(Place(make_source("/a b\xff%", "x\xff\n"), {0, 3}));
  odd.message = "bad \x1b \xff {0} [a](b)";
  odd.fix = Fix{"\xff", Safety::safe, {{"/a b\xff%", {1, 2}, "\xfe"}}};
  Diagnostic nowhere = finding(Place());
  nowhere.rule = "not-in-the-list";
  nowhere.severity = Severity::info;
  for (const std::string& log : {sarif({full_finding(), odd, nowhere}, "/srv/node 1"), sarif({})}) {
    CHECK(log.find('\n') == log.size() - 1);
    CHECK(test::schema_faults(schema_path, log) == "");
  }
}

TEST_CASE("the schema refuses what is no SARIF") {
  json::value log = json::parse(sarif({full_finding()}));
  log.at("runs").at(0).at("results").at(0).at("level") = "info";
  CHECK(test::schema_faults(schema_path, text(log)).find("/runs/0/results/0/level") != std::string::npos);
  log = json::parse(sarif({full_finding()}));
  log.at("runs").at(0).at("results").at(0).at("fixes").at(0).as_object().erase("artifactChanges");
  CHECK(test::schema_faults(schema_path, text(log)).find("'artifactChanges' is a required property") !=
        std::string::npos);
}

TEST_CASE("sarif: paths as URIs below the base") {
  CHECK(uri_of("/etc/a") == R"({"uri":"etc/a","uriBaseId":"%SRCROOT%"})");
  CHECK(uri_of("/sys/bus/pci/devices/0000:01:00.0/rom") ==
        R"({"uri":"sys/bus/pci/devices/0000:01:00.0/rom","uriBaseId":"%SRCROOT%"})");
  CHECK(uri_of("//a:b/c:d") == R"({"uri":"a%3Ab/c:d","uriBaseId":"%SRCROOT%"})");
  CHECK(uri_of("/\xc3\xa4 #?%\xff") == R"({"uri":"%C3%A4%20%23%3F%25%FF","uriBaseId":"%SRCROOT%"})");
  CHECK(uri_of("/") == R"({"uri":"./","uriBaseId":"%SRCROOT%"})");
  CHECK(uri_of("") == R"({"uri":"./","uriBaseId":"%SRCROOT%"})");
  CHECK(uri_of("vms/100.conf") == R"({"uri":"vms/100.conf"})");
}

TEST_CASE("sarif: the base is told where it is known") {
  auto base = [](std::string_view root) {
    json::value bases = run_of({}, root).at("originalUriBaseIds").at("%SRCROOT%");
    return std::string(bases.at("uri").as_string());
  };
  CHECK(base("/") == "file:///");
  CHECK(base("/srv/node 1") == "file:///srv/node%201/");
  CHECK(base("/srv/a:b/") == "file:///srv/a:b/");
}

TEST_CASE("sarif: columns count UTF-16 code units") {
  std::uint32_t x = std::uint32_t(vm->text.find('x', vm->text.find('#')));
  CHECK(text(result_of(finding(Place(vm, {x, x + 1}))).at("locations").at(0).at("physicalLocation").at("region")) ==
        R"({"startLine":3,"startColumn":5,"endLine":3,"endColumn":6})");
}

TEST_CASE("sarif: edits of bytes that are no text") {
  Diagnostic d = finding(Place(make_source("/a", "x\xff\n"), {0, 1}));
  d.fix = Fix{"t", Safety::safe, {{"/a", {0, 1}, "yz"}}};
  CHECK(text(result_of(d).at("fixes").at(0).at("artifactChanges").at(0).at("replacements")) ==
        R"([{"deletedRegion":{"byteOffset":0,"byteLength":1},"insertedContent":{"binary":"eXo="}}])");
  Diagnostic bytes = finding(Place(vm, {0, 1}));
  bytes.fix = Fix{"t", Safety::safe, {{vm->path, {0, 1}, "\xff\xfe\xfd\xfb"}}};
  CHECK(text(result_of(bytes).at("fixes").at(0).at("artifactChanges").at(0).at("replacements")) ==
        R"([{"deletedRegion":{"byteOffset":0,"byteLength":1},"insertedContent":{"binary":"//79+w=="}}])");
}

TEST_CASE("sarif: what hostpci would not write is no fix") {
  Diagnostic shown = finding(), empty = finding();
  shown.fix = Fix{"t", Safety::shown, {{vm->path, {0, 1}, "x"}}};
  empty.fix = Fix{"t", Safety::safe, {}};
  for (const Diagnostic& d : {shown, empty}) {
    json::value result = result_of(d);
    CHECK_FALSE(result.as_object().contains("fixes"));
    CHECK(result.at("message").at("text") == "`pcie=1` needs q35\nhelp: t");
  }
}

TEST_CASE("sarif: equal findings have fingerprints of their own") {
  json::value results = run_of({finding(Place(vm, {0, 1})), finding(Place(vm, {8, 9}))}).at("results");
  std::string print = fingerprint(finding());
  CHECK(text(results.at(0).at("partialFingerprints")) == R"({"hostpciFinding/v1":")" + print + R"(:1"})");
  CHECK(text(results.at(1).at("partialFingerprints")) == R"({"hostpciFinding/v1":")" + print + R"(:2"})");
}

TEST_CASE("sarif: a rule that is not listed has no index") {
  Diagnostic d = finding();
  d.rule = "not-in-the-list";
  CHECK_FALSE(result_of(d).as_object().contains("ruleIndex"));
}

TEST_CASE("sarif: what a file says makes no link, no placeholder, no escape") {
  Diagnostic d = finding();
  d.message = "[x](http://evil) {0} \x1b";
  CHECK(result_of(d).at("message").at("text") == "[x] (http://evil) {{0}} \\x1b");
}
