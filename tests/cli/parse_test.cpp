// `parse` and the ways into the executable: output, messages and exit status.
#include <doctest/doctest.h>

#include <algorithm>

#include "../support/process.hpp"

using namespace hostpci::test;

TEST_CASE("parse prints PVE's verdict as one JSON object a line") {
  Ran ran = run_hostpci({"parse", "02:00,pcie=on"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "{\"input\":\"02:00,pcie=on\",\"ok\":true,\"value\":{\"host\":\"02:00\",\"pcie\":\"1\"},\"canonical\":\"02:00,pcie=1\"}\n");
}

TEST_CASE("a string that PVE refuses gives exit 1 and the errors with their bytes") {
  Ran ran = run_hostpci({"parse", "01:00,pcie=maybe"});
  CHECK(ran.status == 1);
  CHECK(ran.out.find("\"ok\":false") != std::string::npos);
  CHECK(ran.out.find("\"rule\":\"syntax-boolean\"") != std::string::npos);
  CHECK(ran.out.find("\"begin\":11,\"end\":16") != std::string::npos);
}

TEST_CASE("parse - reads one string a line, the last one without its line feed") {
  Ran ran = run_hostpci({"parse", "-"}, "01:00\n\n02:00.0");
  CHECK(ran.status == 0);
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 3);
}

TEST_CASE("bytes that are no UTF-8 and escape bytes do not leave as themselves") {
  Ran ran = run_hostpci({"parse", "\x1b[31m\xff"});
  CHECK(ran.status == 1);
  CHECK(ran.out.find('\x1b') == std::string::npos);
  CHECK(ran.out.find("\xef\xbf\xbd") != std::string::npos);
}

TEST_CASE("a full disk is an error") {
  Ran ran = run_program({"sh", "-c", std::string("exec ") + HOSTPCI + " parse 01:00 >/dev/full"});
  CHECK(ran.status == 3);
  CHECK(ran.err.find("cannot write standard output") != std::string::npos);
}

TEST_CASE("help, version and wrong usage") {
  CHECK(run_hostpci({"--version"}).out.starts_with("hostpci "));
  CHECK(run_hostpci({"--help"}).out.find("showcmd") != std::string::npos);
  CHECK(run_hostpci({"help", "set"}).out == run_hostpci({"set", "--help"}).out);
  Ran mistyped = run_hostpci({"pasre", "01:00"});
  CHECK(mistyped.status == 2);
  CHECK(mistyped.out.empty());
  CHECK(mistyped.err.find("did you mean `parse`?") != std::string::npos);
  CHECK(run_hostpci({}).status == 2);
  CHECK(run_hostpci({"--root"}).status == 2);
  CHECK(run_hostpci({"rules", "extra"}).status == 2);
  CHECK(run_hostpci({"rules", "--format", "sarif-ish"}).status == 2);
}

TEST_CASE("a root that is no directory is refused") {
  Ran ran = run_hostpci({"--root", "/nonexistent", "devices"});
  CHECK(ran.status == 3);
  CHECK(ran.err.find("/nonexistent") != std::string::npos);
}
