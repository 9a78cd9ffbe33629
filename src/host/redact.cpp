// Taking MAC addresses and serial numbers out of texts.
#include "host/redact.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) { return is_hex(c) || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '_'; }
char at(std::string_view text, std::size_t i) { return i < text.size() ? text[i] : '\0'; }

/// The length of a MAC address at the start of `rest`, or 0.
std::size_t mac_length(std::string_view rest) {
  char separator = at(rest, 2);
  if (separator != ':' && separator != '-') return 0;
  std::size_t pairs = 0, end = 0;
  while (is_hex(at(rest, end)) && is_hex(at(rest, end + 1))) {
    ++pairs;
    end += 2;
    if (at(rest, end) != separator || !is_hex(at(rest, end + 1)) || !is_hex(at(rest, end + 2))) break;
    ++end;
  }
  bool whole = !is_word(at(rest, end)) && !(at(rest, end) == separator && is_hex(at(rest, end + 1)));
  return pairs >= 6 && pairs <= 8 && whole ? end : 0;
}

/// "enx" and the twelve digits of a MAC address: the predictable name of a USB network card.
std::size_t named_mac_length(std::string_view rest) {
  if (rest.substr(0, 3) != "enx" || rest.size() < 15) return 0;
  for (std::size_t i = 3; i < 15; ++i)
    if (!is_hex(rest[i])) return 0;
  return is_hex(at(rest, 15)) ? 0 : 15;
}

/// The end of a value: white space, a comma, a quote, a bracket.
std::size_t value_end(std::string_view text, std::size_t from) {
  return std::min(text.find_first_of(std::string_view(" \t\r\n,;\"'()[]{}\0", 15), from), text.size());
}

/// Behind "by-id/": "ata-MODEL_SERIAL-part1".
std::string redact_id(std::string_view id) {
  std::size_t dash = id.find('-');
  std::string result(id.substr(0, dash == std::string_view::npos ? 0 : dash + 1));
  result += "redacted";
  std::size_t part = id.rfind("-part");
  if (part != std::string_view::npos && part >= dash + 1 && number(id.substr(part + 5))) result += id.substr(part);
  return result;
}

/// Where the value of "serial=", "serial: ", "ID_SERIAL_SHORT}=="… begins behind the word's end, or npos.
std::size_t serial_value(std::string_view text, std::size_t word_end) {
  std::size_t i = word_end;
  while (at(text, i) == '}' || at(text, i) == '"' || at(text, i) == '\'') ++i;
  while (at(text, i) == ' ') ++i;
  char sign = at(text, i);
  if (sign != '=' && sign != ':') return std::string_view::npos;
  while (at(text, i) == '=' || at(text, i) == ':') ++i;
  while (at(text, i) == ' ' || at(text, i) == '"' || at(text, i) == '\'') ++i;
  return i;
}

/// In quotes a value may hold blanks.
std::size_t serial_end(std::string_view text, std::size_t from) {
  char quote = text[from - 1];
  if (quote != '"' && quote != '\'') return value_end(text, from);
  std::size_t end = text.find_first_of(std::string_view("\"'\n"), from);
  return end == std::string_view::npos ? value_end(text, from) : end;
}

bool is_serial_word(std::string_view word) {
  std::string small = lower(word);
  for (std::string_view own : {"serial", "serial_short", "serialnumber", "serial_number", "id_serial",
                               "id_serial_short", "id_scsi_serial", "id_wwn"})
    if (small == own) return true;
  return false;
}

class Redactor {
 public:
  explicit Redactor(std::string_view text) : text_(text) {}

  std::string run() {
    out_.reserve(text_.size());
    while (at_ < text_.size()) {
      bool starts = at_ == 0 || !is_word(text_[at_ - 1]);
      if (starts && (mac() || word())) continue;
      out_ += text_[at_++];
    }
    return std::move(out_);
  }

 private:
  bool mac() {
    // a pair with a separator before it belongs to something longer, such as an IPv6 address
    if (at_ >= 2 && (text_[at_ - 1] == ':' || text_[at_ - 1] == '-') && is_hex(text_[at_ - 2]) &&
        text_[at_ - 1] == at(text_, at_ + 2) && text_[at_ - 1] == ':')
      return false;
    std::size_t length = mac_length(text_.substr(at_));
    if (length == 0) return false;
    for (std::size_t i = 0; i < length; ++i) out_ += is_hex(text_[at_ + i]) ? 'x' : text_[at_ + i];
    at_ += length;
    return true;
  }

  bool word() {
    if (std::size_t length = named_mac_length(text_.substr(at_))) return replace(length, "enxxxxxxxxxxxxx");
    if (text_.substr(at_, 6) == "by-id/") {
      std::size_t end = value_end(text_, at_ + 6);
      return end > at_ + 6 && replace(end - at_, "by-id/" + redact_id(text_.substr(at_ + 6, end - at_ - 6)));
    }
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    if (end == at_) return false;
    std::size_t value =
        is_serial_word(text_.substr(at_, end - at_)) ? serial_value(text_, end) : std::string_view::npos;
    if (value == std::string_view::npos || value_end(text_, value) == value) return false;
    std::size_t stop = serial_end(text_, value);
    out_ += text_.substr(at_, value - at_);
    at_ = value;
    return replace(stop - value, "redacted");
  }

  bool replace(std::size_t length, const std::string& by) {
    out_ += by;
    at_ += length;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

void redact_in_place(std::string& text) { text = redact(text); }

/// GRUB 1's menu without its passwords.
std::string without_passwords(std::string_view menu) {
  std::string text;
  for (std::size_t at = 0; at < menu.size();) {
    std::size_t end = std::min(menu.find('\n', at), menu.size());
    std::string_view line = menu.substr(at, end - at);
    text += trim(line).substr(0, 8) == "password" ? std::string_view("password redacted") : line;
    if (end < menu.size()) text += '\n';
    at = end + 1;
  }
  return text;
}

}  // namespace

std::string redact(std::string_view text) { return Redactor(text).run(); }

Host redacted(Host host) {
  for (auto& [path, text] : host.files) redact_in_place(text);
  for (const char* path : {"/boot/grub/grub.conf", "/boot/grub/menu.lst"})
    if (auto menu = host.files.find(path); menu != host.files.end()) menu->second = without_passwords(menu->second);
  std::map<std::string, std::string> links;
  for (const auto& [path, target] : host.links) links.emplace(redact(path), target);
  host.links = std::move(links);
  if (host.kernel.log)
    for (std::string& line : *host.kernel.log) redact_in_place(line);
  if (host.kernel.command_line) redact_in_place(*host.kernel.command_line);
  if (host.running)
    for (RunningVm& vm : *host.running)
      for (std::string& argument : vm.arguments) redact_in_place(argument);
  for (auto& [address, device] : host.devices) {
    if (!device.uses) continue;
    for (Use& use : *device.uses) {
      redact_in_place(use.name);
      redact_in_place(use.detail);
    }
  }
  return host;
}

}  // namespace hostpci
