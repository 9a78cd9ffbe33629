// Kernel command lines, modprobe.d, lists of modules and sysfs.conf, each cut as its reader cuts it.
#include <doctest/doctest.h>

#include "grammar/cmdline.hpp"
#include "grammar/modprobe.hpp"
#include "grammar/modules.hpp"
#include "grammar/sysfs_conf.hpp"

namespace hostpci {
namespace {

TEST_CASE("kernel arguments with their places") {
  const std::string_view text = "  quiet intel_iommu=on,igfx_off root=/dev/x=y\n";
  const auto a = parse_kernel_command_line(text, 5);
  REQUIRE(a.size() == 3);
  CHECK(a[0].name == "quiet");
  CHECK_FALSE(a[0].has_value);
  CHECK(a[0].span == Span{7, 12});
  CHECK(a[1].name == "intel_iommu");
  CHECK(a[1].value == "on,igfx_off");
  CHECK(a[1].name_span == Span{13, 24});
  CHECK(a[1].value_span == Span{25, 36});
  CHECK(a[2].value == "/dev/x=y");
}

TEST_CASE("quotes group blanks; an outer pair is taken off") {
  const auto one = [](std::string_view text) {
    const auto all = parse_kernel_command_line(text);
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(one("a=\"b c\"").value == "b c");
  CHECK(one("\"a.b=c d\"").name == "a.b");
  CHECK(one("\"a.b=c d\"").value == "c d");
  CHECK(one("a=b\" \"c").value == "b\" \"c");
  CHECK(one("a=\"b c").value == "b c");
  CHECK(one("\"a b\"").name == "a b");
  CHECK(one("a=\"").value.empty());
  CHECK(one("a='b'").value == "'b'");
  CHECK(one("=a=b").name == "=a");
  CHECK(one("=a").has_value == false);
  CHECK(one("a=").has_value);
  CHECK(one("\"").name.empty());
  CHECK(one("\"a=\"b").name == "a");
  CHECK(one("a\"b c\"=d").value == "d");
}

TEST_CASE("all behind a lone -- is init's") {
  const auto a = parse_kernel_command_line("a -- b c=d");
  REQUIRE(a.size() == 4);
  CHECK_FALSE(a[1].for_init);
  CHECK(a[2].for_init);
  CHECK(a[3].for_init);
  CHECK_FALSE(parse_kernel_command_line("--x b")[1].for_init);
}

TEST_CASE("the kernel's white space, and its end of text") {
  CHECK(parse_kernel_command_line("a\t\v\f\r\nb").size() == 2);
  CHECK(parse_kernel_command_line("a\xc2\xa0"
                                  "b")
            .size() == 2);
  CHECK(parse_kernel_command_line(std::string_view("a\0b", 3)).size() == 1);
  CHECK(parse_kernel_command_line("").empty());
  CHECK(same_parameter("vfio-pci.ids", "vfio_pci.ids"));
  CHECK_FALSE(same_parameter("vfio-pci.ids", "vfio_pci.id"));
  CHECK_FALSE(same_parameter("IOMMU", "iommu"));
}

TEST_CASE("modprobe directives") {
  const std::string_view text =
      "# c\n\noptions vfio-pci ids=10de:1b80 disable_vga=1 # x\n  blacklist\tnouveau \nsoftdep a pre: b\nOptions a b\n "
      "#x\nblacklist";
  const auto d = parse_modprobe(text).directives;
  REQUIRE(d.size() == 6);
  CHECK(d[0].kind == DirectiveKind::options);
  CHECK(d[0].module.text == "vfio-pci");
  REQUIRE(d[0].words.size() == 4);
  CHECK(d[0].words[0].text == "ids=10de:1b80");
  CHECK(slice(text, d[0].words[1].span) == "disable_vga=1");
  CHECK(d[0].words[2].text == "#");
  CHECK(d[1].kind == DirectiveKind::blacklist);
  CHECK(d[1].module.text == "nouveau");
  CHECK(slice(text, d[1].span) == "  blacklist\tnouveau ");
  CHECK(d[2].kind == DirectiveKind::softdep);
  CHECK(d[2].words.size() == 2);
  CHECK(d[3].kind == DirectiveKind::unknown);
  CHECK(d[4].keyword.text == "#x");
  CHECK(d[5].module.text.empty());
  CHECK(d[5].module.span.begin == text.size());
}

TEST_CASE("lines are joined before comments are looked for") {
  CHECK(parse_modprobe("# c \\\noptions a b=1\nblacklist x\n").directives.size() == 1);
  const std::string_view text = "options vfio-pci ids=1:2,\\\n3:4 \\\n  x=1\n";
  const auto d = parse_modprobe(text).directives;
  REQUIRE(d.size() == 1);
  REQUIRE(d[0].words.size() == 3);
  CHECK(d[0].words[0].text == "ids=1:2,");
  CHECK(d[0].words[1].text == "3:4");
  CHECK(slice(text, {d[0].words[0].span.end, d[0].words[1].span.begin}) == "\\\n");
  CHECK(d[0].words[2].text == "x=1");
  CHECK(slice(text, d[0].span) == text.substr(0, text.size() - 1));
  CHECK(parse_modprobe("opt\\\nions a b").directives.at(0).kind == DirectiveKind::options);
}

TEST_CASE("modprobe: carriage returns stay in names, a NUL ends the line") {
  CHECK(parse_modprobe("blacklist x\r\n").directives.at(0).module.text == "x\r");
  CHECK(parse_modprobe(std::string_view("blacklist x\0 y\nblacklist z", 26)).directives.size() == 2);
  CHECK(parse_modprobe("a\\").directives.at(0).keyword.text == "a");
  CHECK(parse_modprobe("options a b\\ c").directives.at(0).words.size() == 2);
  CHECK(parse_modprobe("\\").directives.empty());
  CHECK(parse_modprobe(std::string_view("options a b\\\0c d", 16)).directives.at(0).words.size() == 1);
}

TEST_CASE("modules-load.d: one name a line") {
  const std::string_view text = "# c\n;d\n  vfio \r\n\nvfio_pci x y\n #e\nlast";
  const auto m = parse_modules(text);
  REQUIRE(m.size() == 3);
  CHECK(m[0].name == "vfio");
  CHECK(m[0].arguments.empty());
  CHECK(slice(text, m[0].span) == "vfio");
  CHECK(m[1].name == "vfio_pci");
  CHECK(m[1].arguments == "x y");
  CHECK(slice(text, m[1].arguments_span) == "x y");
  CHECK(slice(text, m[2].name_span) == "last");
}

TEST_CASE("initramfs-tools: a comment begins in the first column, a carriage return is part of the name") {
  const auto m = parse_modules("#c\n;d\n #e\nvfio ids=1 \nx\r\n \n", true);
  REQUIRE(m.size() == 4);
  CHECK(m[0].name == ";d");
  CHECK(m[1].name == "#e");
  CHECK(m[2].arguments == "ids=1");
  CHECK(m[3].name == "x\r");
}

TEST_CASE("sysfs.conf") {
  using Kind = SysfsLine::Kind;
  const std::string_view text =
      "# c\nbus/pci/devices/0000:01:00.0/sriov_numvfs = 4 # four\n\nmode a/b = 0644\nowner x = root:kvm\na=b c\na\n "
      "=\nb 7\n x=y\r\n";
  const auto s = parse_sysfs_conf(text);
  REQUIRE(s.size() == 8);
  CHECK(s[0].kind == Kind::value);
  CHECK(s[0].path == "bus/pci/devices/0000:01:00.0/sriov_numvfs");
  CHECK(s[0].value == "4");
  CHECK(slice(text, s[0].value_span) == "4");
  CHECK(slice(text, s[0].path_span) == s[0].path);
  CHECK(s[1].kind == Kind::mode);
  CHECK(s[1].path == "a/b");
  CHECK(s[1].value == "0644");
  CHECK(s[2].kind == Kind::owner);
  CHECK(s[3].kind == Kind::bad);
  CHECK(s[3].value == "b c");
  CHECK(s[4].kind == Kind::bad);
  CHECK(s[5].kind == Kind::bad);
  CHECK(s[6].kind == Kind::value);
  CHECK(s[6].value == "7");
  CHECK(s[7].value == "y\r");
}

}  // namespace
}  // namespace hostpci
