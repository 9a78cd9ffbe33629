// JUnit's XML, as continuous integration shows it: files are suites, findings are tests that failed.
#include <map>
#include <pugixml.hpp>
#include <set>

#include "diag/render.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

std::string xml_line(std::string_view text) { return xml_text(printable(text)); }

struct Counts {
  std::size_t tests = 0, failures = 0, skipped = 0;

  void count(const Diagnostic& d) { ++tests, ++(d.severity == Severity::info ? skipped : failures); }
  void write(pugi::xml_node node) const {
    node.append_attribute("tests").set_value(static_cast<unsigned long long>(tests));
    node.append_attribute("failures").set_value(static_cast<unsigned long long>(failures));
    node.append_attribute("errors").set_value(0);
    node.append_attribute("skipped").set_value(static_cast<unsigned long long>(skipped));
  }
};

/// One file: its findings in their order.
struct Suite {
  std::vector<const Diagnostic*> findings;
  std::set<std::string> names;

  Counts counts() const {
    Counts all;
    for (const Diagnostic* d : findings) all.count(*d);
    if (findings.empty()) all.tests = 1;
    return all;
  }

  /// "RULE KEY", numbered from the second on: a test is known by its name from run to run, and no two may share one.
  std::string name_of(const Diagnostic& d) {
    std::string name = d.rule + (d.key.empty() ? "" : " " + d.key), unique = name;
    for (int n = 2; !names.insert(unique).second; ++n) unique = name + " (" + std::to_string(n) + ")";
    return unique;
  }
};

pugi::xml_node add_case(pugi::xml_node suite, const std::string& file, const std::string& name) {
  pugi::xml_node node = suite.append_child("testcase");
  node.append_attribute("classname").set_value(xml_line(file).c_str());
  node.append_attribute("name").set_value(xml_line(name).c_str());
  return node;
}

void add_finding(pugi::xml_node suite, const std::string& file, const std::string& name, const Diagnostic& d) {
  pugi::xml_node node = add_case(suite, file, name);
  if (!d.place.file().empty()) node.append_attribute("file").set_value(xml_line(d.place.file()).c_str());
  if (d.place.source) node.append_attribute("line").set_value(d.place.source->position(d.place.span.begin).line);
  pugi::xml_node result = node.append_child(d.severity == Severity::info ? "skipped" : "failure");
  result.append_attribute("message").set_value(xml_line(d.message).c_str());
  if (d.severity != Severity::info)
    result.append_attribute("type").set_value(std::string(hostpci::name(d.severity)).c_str());
  result.append_child(pugi::node_pcdata).set_value(xml_text(render_text(d, false)).c_str());
}

void add_suite(pugi::xml_node root, const std::string& file, Suite& suite) {
  pugi::xml_node node = root.append_child("testsuite");
  node.append_attribute("name").set_value(xml_line(file).c_str());
  suite.counts().write(node);
  if (suite.findings.empty()) add_case(node, file, "lint");
  for (const Diagnostic* d : suite.findings) add_finding(node, file, suite.name_of(*d), *d);
}

std::map<std::string, Suite> suites_of(const Report& report, std::span<const std::string> checked) {
  std::map<std::string, Suite> suites;
  for (const std::string& file : checked) suites[file];
  for (const Diagnostic& d : report.diagnostics)
    suites[d.place.file().empty() ? "-" : d.place.file()].findings.push_back(&d);
  return suites;
}

struct StringWriter : pugi::xml_writer {
  std::string text;
  void write(const void* data, std::size_t size) override { text.append(static_cast<const char*>(data), size); }
};

}  // namespace

std::string render_junit(const Report& report, std::span<const std::string> checked) {
  std::map<std::string, Suite> suites = suites_of(report, checked);
  Counts all;
  for (const auto& [file, suite] : suites) {
    Counts one = suite.counts();
    all = {all.tests + one.tests, all.failures + one.failures, all.skipped + one.skipped};
  }
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version").set_value("1.0");
  declaration.append_attribute("encoding").set_value("UTF-8");
  pugi::xml_node root = document.append_child("testsuites");
  root.append_attribute("name").set_value("hostpci lint");
  all.write(root);
  for (auto& [file, suite] : suites) add_suite(root, file, suite);
  StringWriter writer;
  document.save(writer, "  ", pugi::format_default, pugi::encoding_utf8);
  return std::move(writer.text);
}

}  // namespace hostpci
