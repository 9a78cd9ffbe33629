// What a baseline remembers, forgets and refuses.
#include "diag/baseline.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

namespace {

Diagnostic finding(std::string text, std::string_view at, std::string message = "m") {
  Diagnostic d;
  d.rule = "vm-x";
  d.message = std::move(message);
  std::uint32_t begin = std::uint32_t(text.find(at));
  d.place = Place(make_source("/etc/100.conf", std::move(text)), {begin, begin + 1});
  d.key = "hostpci0";
  d.vm = 100;
  return d;
}

Report report(std::vector<Diagnostic> findings) { return make_report(std::move(findings), 2, 9); }

Baseline reread(const Baseline& baseline) {
  Result<Baseline> again = read_baseline("b.json", write_baseline(baseline));
  REQUIRE(again.has_value());
  return *again;
}

std::string refusal(std::string_view text) {
  Result<Baseline> result = read_baseline("b.json", text);
  return result ? "accepted" : result.error().message;
}

}  // namespace

TEST_CASE("a baseline as it is written") {
  Diagnostic host;
  host.rule = "host-y";
  host.message = "bad \x1b \xff";
  host.place = Place("/a");
  CHECK(write_baseline(make_baseline(report({finding("a\nb\n", "a"), finding("a\nb\n", "b"), host}))) ==
        "{\"version\":1,\"findings\":[\n"
        R"({"rule":"host-y","file":"/a","key":"","message":"bad \u001b �","count":1},)"
        "\n"
        R"({"rule":"vm-x","file":"/etc/100.conf","key":"hostpci0","message":"m","count":2})"
        "\n]}\n");
  CHECK(write_baseline({}) == "{\"version\":1,\"findings\":[\n]}\n");
}

TEST_CASE("what is in the baseline is not reported, wherever its line moved") {
  Baseline baseline = reread(make_baseline(report({finding("a\n", "a")})));
  Rebased same = apply_baseline(baseline, report({finding("new\nlines\nhostpci0: a\n", "hostpci0")}));
  CHECK(same.known == 1);
  CHECK(same.gone.empty());
  CHECK(same.report.diagnostics.empty());
  CHECK(same.report.summary.errors == 0);
  CHECK(same.report.summary.vms == 2);
  CHECK(same.report.summary.rules == 9);
}

TEST_CASE("as often as it was counted, the first of equal ones") {
  Baseline baseline = reread(make_baseline(report({finding("a\n", "a")})));
  Rebased twice = apply_baseline(baseline, report({finding("a\nb\n", "b"), finding("a\nb\n", "a")}));
  CHECK(twice.known == 1);
  REQUIRE(twice.report.diagnostics.size() == 1);
  CHECK(twice.report.diagnostics[0].place.span.begin == 2);
  CHECK(twice.report.summary.errors == 1);
}

TEST_CASE("another rule, file, key or message is new") {
  Diagnostic known = finding("a\n", "a");
  Baseline baseline = make_baseline(report({known}));
  Diagnostic rule = known, file = known, key = known, message = known;
  rule.rule = "vm-y";
  file.place = Place(make_source("/etc/101.conf", "a\n"), {0, 1});
  key.key = "hostpci1";
  message.message = "n";
  for (const Diagnostic& d : {rule, file, key, message}) {
    Rebased rest = apply_baseline(baseline, report({d}));
    CHECK(rest.known == 0);
    CHECK(rest.report.diagnostics.size() == 1);
    CHECK(rest.gone.size() == 1);
    CHECK(fingerprint(d) != fingerprint(known));
  }
  Diagnostic severity = known;
  severity.severity = Severity::warning;
  CHECK(apply_baseline(baseline, report({severity})).known == 1);
}

TEST_CASE("entries that no longer occur are told, with how often") {
  Baseline baseline = reread(make_baseline(report({finding("a\nb\nc\n", "a"), finding("a\nb\nc\n", "b"),
                                                   finding("a\nb\nc\n", "c"), finding("a\n", "a", "other")})));
  Rebased less = apply_baseline(baseline, report({finding("a\n", "a")}));
  CHECK(less.known == 1);
  REQUIRE(less.gone.size() == 2);
  CHECK(less.gone[0].message == "m");
  CHECK(less.gone[0].count == 2);
  CHECK(less.gone[1].message == "other");
  CHECK(less.gone[1].count == 1);
}

TEST_CASE("bytes that are no UTF-8 survive the file") {
  Diagnostic d = finding("a\n", "a", "bad \xff\x1b");
  d.key = "k\xfe";
  CHECK(apply_baseline(reread(make_baseline(report({d}))), report({d})).known == 1);
}

TEST_CASE("a finding's fingerprint is that of all runs") {
  Diagnostic moved = finding("x\na\n", "a");
  CHECK(fingerprint(finding("a\n", "a")) == fingerprint(moved));
  CHECK(fingerprint(moved) == "253218112132b3d32948b1ee93b15fb1e751c29e");
}

TEST_CASE("entries in any order, repeated, with more fields than we know") {
  Result<Baseline> read = read_baseline("b.json", R"({"findings":[
    {"rule":"r","file":"b","key":"","message":"m","count":1,"why":"later"},
    {"rule":"r","file":"a","key":"","message":"m","count":1},
    {"rule":"r","file":"b","key":"","message":"m","count":2}],"version":1,"made":"by hand"})");
  REQUIRE(read.has_value());
  REQUIRE(read->entries.size() == 2);
  CHECK(read->entries[0].file == "a");
  CHECK(read->entries[1].count == 3);
}

TEST_CASE("a broken file is refused with its place") {
  CHECK(refusal("{\"version\":1,\n \"findings\":[,]}") == "b.json:2:14: no JSON: syntax error");
  CHECK(refusal("") == "b.json:1:1: no JSON: incomplete JSON");
  CHECK(refusal("{}\n{}").starts_with("b.json:2:1: no JSON: extra data"));
  CHECK(refusal("[]") == "b.json: no baseline: it has no `version` or no list `findings`");
  CHECK(refusal("{\"version\":1}") == "b.json: no baseline: it has no `version` or no list `findings`");
  CHECK(refusal("{\"version\":1,\"findings\":{}}") == "b.json: no baseline: it has no `version` or no list `findings`");
  CHECK(refusal("{\"version\":\"2\\u001b\",\"findings\":[]}") ==
        "b.json: `version` is \"2\\u001b\", this hostpci reads 1");
  auto with = [](std::string entry) {
    return refusal(
        "{\"version\":1,\"findings\":[{\"rule\":\"r\",\"file\":\"f\",\"key\":\"\",\"message\":\"\",\"count\":1}," +
        entry + "]}");
  };
  CHECK(with("1") == "b.json: findings[1] is no object");
  CHECK(with("{}") == "b.json: findings[1] has no `rule`");
  CHECK(with(R"({"rule":1})") == "b.json: findings[1].rule is no string");
  CHECK(with(R"({"rule":"r","file":"f","key":"k","message":"m"})") == "b.json: findings[1] has no `count`");
  for (const char* count : {"0", "-1", "1.5", "\"1\"", "99999999999", "18446744073709551615"})
    CHECK(with(R"({"rule":"r","file":"f","key":"k","message":"m","count":)" + std::string(count) + "}") ==
          "b.json: findings[1].count is no count from 1 on");
}
