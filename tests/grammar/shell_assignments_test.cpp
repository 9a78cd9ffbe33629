// /etc/default/grub and its kind: what each assignment stores, and what dash would stumble over.
#include "grammar/shell_assignments.hpp"

#include <doctest/doctest.h>

namespace hostpci {
namespace {

ShellAssignment only(std::string_view text) {
  const ShellFile file = parse_shell_assignments(text);
  CHECK(file.problems.empty());
  REQUIRE(file.assignments.size() == 1);
  return file.assignments[0];
}

TEST_CASE("plain assignments and their places") {
  const std::string_view text = "# c\nGRUB_TIMEOUT=5\n  X=\"quiet splash\" # y\nY='a b';Z=\n";
  const ShellFile file = parse_shell_assignments(text);
  CHECK(file.problems.empty());
  REQUIRE(file.assignments.size() == 4);
  CHECK(file.assignments[0].name == "GRUB_TIMEOUT");
  CHECK(file.assignments[0].value == "5");
  CHECK(slice(text, file.assignments[0].value_span) == "5");
  CHECK(file.assignments[1].value == "quiet splash");
  CHECK(slice(text, file.assignments[1].value_span) == "quiet splash");
  CHECK(slice(text, file.assignments[1].span) == "X=\"quiet splash\"");
  CHECK(slice(text, file.assignments[1].name_span) == "X");
  CHECK(file.assignments[2].value == "a b");
  CHECK(file.assignments[3].value.empty());
  CHECK(file.assignments[3].value_span.size() == 0);
  for (const ShellAssignment& a : file.assignments) CHECK((a.plain && a.simple && !a.appends && !a.conditional));
}

TEST_CASE("quotes, escapes and continuations") {
  CHECK(only("X=a\" b\"'c'").value == "a bc");
  CHECK_FALSE(only("X=a\" b\"").simple);
  CHECK(only("X=a\\ b").value == "a b");
  CHECK(only("X=\"a\\\"b\\n\\$c\"").value == "a\"b\\n$c");
  CHECK(only("X=\"a \\\nb\"").value == "a b");
  CHECK_FALSE(only("X=\"a \\\nb\"").simple);
  CHECK(only("X=\"a\nb\"").value == "a\nb");
  CHECK(only("X=a#b").value == "a#b");
  CHECK(only("X=\"a\"\r\n").value == "a\r");
  CHECK(only("X='$Y'").plain);
  CHECK(only("X=a$").value == "a$");
  CHECK(only("X=a\\").value == "a\\");
}

TEST_CASE("expansions: the variable's own value at the start is known, others are not") {
  CHECK(only("X=\"$X b\"").appends);
  CHECK(only("X=\"$X b\"").value == " b");
  CHECK(only("X=\"$X b\"").plain);
  CHECK(only("X=\"$X b\"").simple);
  CHECK(only("X=\"${X} b\"").appends);
  CHECK(only("X=$X").appends);
  CHECK(only("X=$X\" b\"").value == " b");
  for (const char* unknown : {"X=\"$Y b\"", "X=\"a $X\"", "X=\"$XY b\"", "X=\"${X:-a}\"", "X=`id`",
                              "X=$(id -u; echo ')')", "X=\"$(a \"b c\")\"", "X=$1", "X=~/x", "X=\"$X $Y\""}) {
    CAPTURE(unknown);
    CHECK_FALSE(only(unknown).plain);
  }
}

TEST_CASE("what stands on a condition is marked") {
  const ShellFile file = parse_shell_assignments(
      "A=1\nif [ -f x ]; then B=2\nfi\nC=3\nf() { D=4; }\nfor i in a b; do E=5; done\ncase $x in a|b) F=6;; *) G=7 ;; "
      "esac\ntrue && H=8\ntrue || \\\n I=9\n(J=1)\nK=2; export L=3\n");
  CHECK(file.problems.empty());
  std::string plain, conditional;
  for (const ShellAssignment& a : file.assignments) (a.conditional ? conditional : plain) += a.name;
  CHECK(plain == "ACKL");
  CHECK(conditional == "BDEFGHIJ");
}

TEST_CASE("what dash would stumble over") {
  const auto problem = [](std::string_view text) {
    CAPTURE(text);
    const ShellFile file = parse_shell_assignments(text);
    REQUIRE(file.problems.size() == 1);
    return std::string(slice(text, file.problems[0].span));
  };
  CHECK(problem("A=1\nX=a b\n") == "X=a b");
  CHECK(problem("X = y\n") == "X =");
  CHECK(problem("X =y\n") == "X =y");
  CHECK(problem("X+=y\nA=1\n") == "X+=y");
  CHECK(problem("A=1\nX=\"a\nB=2\n") == "\"a\nB=2\n");
  CHECK(problem("A=1\r\n\r\n") == "\r");
  CHECK(problem("if true; then A=1\n").empty());
  CHECK(parse_shell_assignments("X=a b\n").assignments.empty());
  CHECK(parse_shell_assignments("X+=y\nA=1\n").assignments.size() == 1);
}

TEST_CASE("what dash takes") {
  CHECK(parse_shell_assignments("X=quiet a=b\n").assignments.size() == 2);
  CHECK(parse_shell_assignments("X=\"q\" a=b\n").problems.empty());
  CHECK(parse_shell_assignments("LC_ALL=C sort x\n").problems.empty());
  CHECK(parse_shell_assignments("cat <<EOF >/dev/null\nX=1\nY=\"\nEOF\nZ=2\n").assignments.size() == 1);
  CHECK(parse_shell_assignments("cat <<-'E'\n\tX=\"\n\tE\nZ=2\n").assignments.size() == 1);
  CHECK(parse_shell_assignments("echo X=1 \"a b\" 2>&1 | tee y\n").assignments.empty());
  CHECK(parse_shell_assignments("export X\nreadonly Y=1\n").assignments.size() == 1);
  CHECK(parse_shell_assignments("X=1 export Y=2\n").assignments.size() == 2);
  CHECK(only("X=1 & sleep 1\n").conditional);
  CHECK(only("X=1 | cat\n").conditional);
  CHECK_FALSE(only("X=1 && true\n").conditional);
  CHECK(parse_shell_assignments("").assignments.empty());
}

TEST_CASE("nesting without end does no harm") {
  std::string deep(100000, '(');
  CHECK(parse_shell_assignments(deep).assignments.empty());
  CHECK(parse_shell_assignments("X=$(" + deep).problems.size() == 1);
  CHECK(parse_shell_assignments("X=\"${" + deep).problems.size() == 1);
}

}  // namespace
}  // namespace hostpci
