// The JSON contract, against a whole text and against its schema.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "diag/render.hpp"
#include "tests/support/temporary.hpp"

using namespace hostpci;
namespace json = boost::json;

namespace {

const SourcePtr vm = make_source("/etc/pve/qemu-server/100.conf", "name: \xff\nhostpci0: 02:00,pcie=1\n");

Report full_report() {
  Diagnostic d;
  d.rule = "vm-pcie-needs-q35";
  d.message = "bad \x1b[31m \xff";
  d.place = Place(vm, {24, 30});
  d.labels = {{Place(vm, {8, 32}), "line"}, {Place("/sys/x"), "group"}};
  d.notes = {"n1", "n2"};
  d.help = {"h"};
  d.fix = Fix{"drop it", Safety::unsafe, {{vm->path, {23, 30}, ""}}};
  d.vm = 100;
  d.key = "hostpci0";
  Diagnostic host;
  host.rule = "host-iommu-absent";
  host.severity = Severity::warning;
  host.message = "no IOMMU";
  host.place = Place("/sys/class/iommu");
  return make_report({d, host}, 1, 42);
}

class Validator {
 public:
  explicit Validator(json::value schema) : schema_(std::move(schema)) {}

  /// The first thing that does not fit, or an empty text. Stricter than the schema: unnamed fields are refused too.
  std::string check(const json::value& value) const { return check(value, schema_.as_object(), "$"); }

 private:
  std::string check(const json::value& value, const json::object& rule, const std::string& at) const {
    if (auto ref = rule.if_contains("$ref")) {
      std::string name(ref->as_string().subview(std::string_view("#/$defs/").size()));
      return check(value, schema_.at("$defs").at(name).as_object(), at);
    }
    if (auto any = rule.if_contains("anyOf")) {
      for (const json::value& choice : any->as_array())
        if (check(value, choice.as_object(), at).empty()) return "";
      return at + " fits none of anyOf";
    }
    if (auto only = rule.if_contains("const")) return value == *only ? "" : at + " is not the constant";
    if (auto all = rule.if_contains("enum")) {
      for (const json::value& one : all->as_array())
        if (value == one) return "";
      return at + " is none of the enum";
    }
    return check_type(value, rule, at);
  }

  std::string check_type(const json::value& value, const json::object& rule, const std::string& at) const {
    std::string_view type = rule.at("type").as_string();
    if (type == "null") return value.is_null() ? "" : at + " is not null";
    if (type == "string") return value.is_string() ? "" : at + " is no string";
    if (type == "integer") {
      bool fits = (value.is_int64() && value.as_int64() >= 0) || value.is_uint64();
      return fits ? "" : at + " is no count";
    }
    if (type == "array") return check_items(value, rule, at);
    REQUIRE(type == "object");
    return check_fields(value, rule, at);
  }

  std::string check_items(const json::value& value, const json::object& rule, const std::string& at) const {
    if (!value.is_array()) return at + " is no array";
    for (const json::value& item : value.as_array())
      if (auto wrong = check(item, rule.at("items").as_object(), at + "[]"); !wrong.empty()) return wrong;
    return "";
  }

  std::string check_fields(const json::value& value, const json::object& rule, const std::string& at) const {
    if (!value.is_object()) return at + " is no object";
    for (const json::value& name : rule.at("required").as_array())
      if (!value.as_object().contains(name.as_string())) return at + " lacks " + std::string(name.as_string());
    for (const auto& field : value.as_object()) {
      std::string path = at + "." + std::string(field.key());
      auto known = rule.at("properties").as_object().if_contains(field.key());
      if (!known) return path + " is not in the schema";
      if (auto wrong = check(field.value(), known->as_object(), path); !wrong.empty()) return wrong;
    }
    return "";
  }

  json::value schema_;
};

Validator lint_schema() { return Validator(json::parse(test::read_file(SOURCE_DIR "/schemas/lint.schema.json"))); }

}  // namespace

TEST_CASE("the whole report") {
  CHECK(
      render_json(full_report()) ==
      R"({"version":1,"diagnostics":[)"
      R"({"rule":"vm-pcie-needs-q35","severity":"error","message":"bad \u001b[31m �",)"
      R"("file":"/etc/pve/qemu-server/100.conf","line":2,"column":17,"endLine":2,"endColumn":23,)"
      R"("labels":[{"file":"/etc/pve/qemu-server/100.conf","line":2,"column":1,"endLine":3,"endColumn":1,"message":"line"},)"
      R"({"file":"/sys/x","line":0,"column":0,"endLine":0,"endColumn":0,"message":"group"}],)"
      R"("notes":["n1","n2"],"help":["h"],)"
      R"("fix":{"title":"drop it","safety":"unsafe","edits":[{"file":"/etc/pve/qemu-server/100.conf","begin":23,"end":30,"text":""}]},)"
      R"("vm":100,"key":"hostpci0"},)"
      R"({"rule":"host-iommu-absent","severity":"warning","message":"no IOMMU",)"
      R"("file":"/sys/class/iommu","line":0,"column":0,"endLine":0,"endColumn":0,"labels":[],"notes":[],"help":[],"fix":null}],)"
      R"("summary":{"errors":1,"warnings":1,"infos":0,"vms":1,"rules":42}})"
      "\n");
}

TEST_CASE("an empty report") {
  CHECK(render_json(make_report({}, 0, 0)) ==
        R"({"version":1,"diagnostics":[],"summary":{"errors":0,"warnings":0,"infos":0,"vms":0,"rules":0}})"
        "\n");
}

TEST_CASE("reports keep the schema") {
  CHECK(lint_schema().check(json::parse(render_json(full_report()))) == "");
  CHECK(lint_schema().check(json::parse(render_json(make_report({}, 0, 0)))) == "");
}

TEST_CASE("the schema refuses what is no report") {
  auto with = [](auto change) {
    json::value report = json::parse(render_json(full_report()));
    change(report);
    return lint_schema().check(report);
  };
  CHECK(with([](json::value& r) { r.at("version") = 2; }) == "$.version is not the constant");
  CHECK(with([](json::value& r) { r.as_object().erase("summary"); }) == "$ lacks summary");
  CHECK(with([](json::value& r) { r.at("diagnostics").at(0).at("severity") = "bad"; }) ==
        "$.diagnostics[].severity is none of the enum");
  CHECK(with([](json::value& r) { r.at("diagnostics").at(0).at("line") = -1; }) == "$.diagnostics[].line is no count");
  CHECK(with([](json::value& r) { r.at("diagnostics").at(0).at("fix") = 1; }) ==
        "$.diagnostics[].fix fits none of anyOf");
}
