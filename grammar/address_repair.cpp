// A loose grammar of addresses: hex numbers between any of the usual separators; then a decision what each number is.
#include "grammar/address_repair.hpp"

#include "grammar/kit.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {
using namespace grammar;

/// Up to four numbers and the separators before the second, third and fourth; absent ones are empty.
struct LooseAddress {
  std::string_view prefix, first, second, third, fourth;
  std::string_view separator;  ///< between the first two
};

constexpr ByteSet digit{"0-9a-fA-F"}, separator_byte{":._-"}, letter{"a-zA-Z"};

const auto separator = &some(separator_byte) >> x3::omit[x3::char_];
const auto number = some(digit);
const auto prefix = x3::lit("pci_") | "pci:" | "pci@" | "PCI:" | "host:";
// Behind the address nothing may stand but a description in words, as lspci prints it.
const auto tail = x3::eoi | (some(blank) >> &some(letter));

const x3::rule<struct loose_address_tag, LooseAddress> loose_address = "PCI address";
const auto loose_address_def =
    node[spot<&LooseAddress::prefix>[-prefix] >> spot<&LooseAddress::first>[number] >>
         spot<&LooseAddress::separator>[separator] >> spot<&LooseAddress::second>[number] >>
         -(separator >> spot<&LooseAddress::third>[number] >> -(separator >> spot<&LooseAddress::fourth>[number])) >>
         tail];
BOOST_SPIRIT_DEFINE(loose_address)

std::string padded(std::string_view digits, std::size_t width) {
  return std::string(width > digits.size() ? width - digits.size() : 0, '0') + lower(digits);
}

std::optional<std::string> assemble(std::string_view domain, std::string_view bus, std::string_view device,
                                    std::string_view function) {
  if (bus.size() > 2 || device.size() > 2 || function.size() > 1) return std::nullopt;
  std::string out = domain.empty() ? std::string() : padded(domain, 4) + ':';
  out += padded(bus, 2) + ':' + padded(device, 2);
  return function.empty() ? out : out + '.' + lower(function);
}

std::optional<std::string> decide(const LooseAddress& a) {
  if (!a.fourth.empty()) return assemble(a.first, a.second, a.third, a.fourth);
  if (a.third.empty()) {
    const bool clear = a.separator == ":" || !a.prefix.empty();
    return clear ? assemble({}, a.first, a.second, {}) : std::nullopt;
  }
  if (a.first.size() > 2) return assemble(a.first, a.second, a.third, {});
  if (a.third.size() == 1) return assemble({}, a.first, a.second, a.third);
  return std::nullopt;
}

std::string_view unwrapped(std::string_view text) {
  text = trim(text);
  const bool quoted = text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  if (quoted) text = trim(text.substr(1, text.size() - 2));
  const bool path = text.starts_with("/sys/");
  return path ? text.substr(text.rfind('/') + 1) : text;
}

}  // namespace

std::optional<std::string> repair_address(std::string_view text) {
  text = unwrapped(text);
  LooseAddress loose;
  Text source{text.data()};
  Iterator first = text.data();
  if (!parse(loose_address, source, first, text.data() + text.size(), loose)) return std::nullopt;
  return decide(loose);
}

}  // namespace hostpci
