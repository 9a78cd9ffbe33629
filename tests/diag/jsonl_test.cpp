// One object a line, and both JSON forms against the schema with an independent validator.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "diag/render.hpp"
#include "tests/support/schema.hpp"
#include "tests/support/temporary.hpp"
#include "text/words.hpp"

using namespace hostpci;
namespace json = boost::json;

namespace {

const std::string schema_path = SOURCE_DIR "/schemas/lint.schema.json";

Report report() {
  SourcePtr vm = make_source("/etc/pve/qemu-server/100.conf", "name: \xff\nhostpci0: 02:00,pcie=1\n");
  Diagnostic d;
  d.rule = "vm-pcie-needs-q35";
  d.message = "bad \x1b[31m \xff \u202e";
  d.place = Place(vm, {24, 30});
  d.labels = {{Place("/sys/x"), "group"}};
  d.notes = {"n\nm"};
  d.help = {"h"};
  d.fix = Fix{"drop it", Safety::unsafe, {{vm->path, {23, 30}, ""}}};
  d.vm = 100;
  d.key = "hostpci0";
  Diagnostic host;
  host.rule = "host-iommu-absent";
  host.severity = Severity::info;
  host.message = "no IOMMU";
  host.place = Place("/sys/class/iommu");
  return make_report({d, host}, 1, 42);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  REQUIRE(text.ends_with('\n'));
  return split(text.substr(0, text.size() - 1), '\n');
}

}  // namespace

TEST_CASE("jsonl: a line a finding, the summary last") {
  CHECK(
      render_jsonl(report()) ==
      R"({"version":1,"rule":"vm-pcie-needs-q35","severity":"error","message":"bad \u001b[31m � \u202e",)"
      R"("file":"/etc/pve/qemu-server/100.conf","line":2,"column":17,"endLine":2,"endColumn":23,)"
      R"("labels":[{"file":"/sys/x","line":0,"column":0,"endLine":0,"endColumn":0,"message":"group"}],)"
      R"("notes":["n\nm"],"help":["h"],)"
      R"("fix":{"title":"drop it","safety":"unsafe","edits":[{"file":"/etc/pve/qemu-server/100.conf","begin":23,"end":30,"text":""}]},)"
      R"("vm":100,"key":"hostpci0"})"
      "\n"
      R"({"version":1,"rule":"host-iommu-absent","severity":"info","message":"no IOMMU",)"
      R"("file":"/sys/class/iommu","line":0,"column":0,"endLine":0,"endColumn":0,"labels":[],"notes":[],"help":[],"fix":null})"
      "\n"
      R"({"version":1,"summary":{"errors":1,"warnings":0,"infos":1,"vms":1,"rules":42}})"
      "\n");
}

TEST_CASE("jsonl: without findings the summary alone") {
  CHECK(render_jsonl(make_report({}, 3, 9)) ==
        R"({"version":1,"summary":{"errors":0,"warnings":0,"infos":0,"vms":3,"rules":9}})"
        "\n");
}

TEST_CASE("jsonl says what json says") {
  json::value whole = json::parse(render_json(report()));
  std::string text = render_jsonl(report());
  std::vector<std::string_view> lines = lines_of(text);
  REQUIRE(lines.size() == 3);
  json::array findings;
  for (std::size_t i = 0; i < 2; ++i) {
    json::object one = json::parse(lines[i]).as_object();
    CHECK(one.at("version") == 1);
    one.erase("version");
    findings.push_back(one);
  }
  CHECK(whole.at("diagnostics") == json::value(findings));
  CHECK(whole.at("summary") == json::parse(lines[2]).at("summary"));
}

TEST_CASE("json keeps the published schema") {
  CHECK(test::schema_faults(schema_path, render_json(report())) == "");
  CHECK(test::schema_faults(schema_path, render_json(make_report({}, 0, 0))) == "");
}

TEST_CASE("jsonl's findings keep the schema of a finding") {
  json::value schema = json::parse(test::read_file(schema_path));
  json::object finding{{"$ref", "#/$defs/diagnostic"}, {"$defs", schema.at("$defs")}};
  test::TemporaryDirectory directory;
  directory.write("finding.json", json::serialize(finding));
  std::string text = render_jsonl(report());
  std::string findings = text.substr(0, text.rfind('\n', text.size() - 2) + 1);
  CHECK(test::schema_faults(directory.path() + "/finding.json", findings) == "");
}

TEST_CASE("the validator refuses what is no report") {
  CHECK(test::schema_faults(schema_path, "{\"version\":2,\"diagnostics\":[]}\n").find("document 1, /version") !=
        std::string::npos);
  CHECK(test::schema_faults(schema_path, "{\"version\":1}\n").find("'diagnostics' is a required property") !=
        std::string::npos);
  CHECK(test::schema_faults(schema_path, "") == "no document\n");
  CHECK(test::schema_faults(schema_path, "{") != "");
}
