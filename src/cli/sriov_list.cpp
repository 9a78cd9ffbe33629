// Which cards make virtual functions, how many they have, what makes them at every boot, and who has each.
#include "cli/sriov_list.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/device_view.hpp"
#include "cli/log.hpp"
#include "cli/survey.hpp"
#include "config/boot_draft_files.hpp"
#include "config/functions_rule.hpp"
#include "live/virtual_functions.hpp"
#include "rules/device.hpp"
#include "rules/device_vf.hpp"
#include "rules/holders.hpp"
#include "rules/suggestion.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

bool makes_functions(const Device& device) { return device.sriov_totalvfs.value_or(0) > 0; }

template <class T>
json::value or_null(const Fact<T>& fact) {
  return fact ? json::value(*fact) : json::value(nullptr);
}

/// What makes a card's functions at every boot.
struct AtBoot {
  std::optional<FunctionsRule> own;
  std::vector<FunctionMaker> others;
};

/// Nothing where no configuration file is known.
std::optional<AtBoot> at_boot(const Facts& facts, const Device& card) {
  if (facts.host->files.empty()) return {};
  AtBoot found{{}, function_makers(facts, card)};
  std::erase_if(found.others, [](const FunctionMaker& maker) { return maker.path == own::udev; });
  if (const std::string* rules = facts.host->file(own::udev)) found.own = functions_rule(*rules, card.address.str());
  return found;
}

std::string at_boot_text(const Facts& facts, const Device& card) {
  auto found = at_boot(facts, card);
  if (!found) return "?";
  std::vector<std::string> parts;
  if (found->own)
    parts.push_back(std::to_string(found->own->count) + (found->own->probe ? "" : " for vfio-pci") + " (hostpci)");
  for (const FunctionMaker& maker : found->others) parts.push_back((maker.certain ? "" : "perhaps ") + maker.path);
  return parts.empty() ? "-" : join(parts, ", ");
}

json::value at_boot_json(const Facts& facts, const Device& card) {
  auto found = at_boot(facts, card);
  if (!found) return nullptr;
  json::value own = nullptr;
  if (found->own) own = json::object{{"count", found->own->count}, {"probe", found->own->probe}};
  json::array others;
  for (const FunctionMaker& maker : found->others)
    others.push_back({{"path", utf8(maker.path)}, {"certain", maker.certain}});
  return json::object{{"own", std::move(own)}, {"others", std::move(others)}};
}

/// Who has a function, or will have it: "VM 100 (running)", "VM 101, net enp1s0v0 (192.0.2.1/24)".
class Users {
 public:
  explicit Users(const Facts& facts) : facts_(facts), held_(device_holders(*facts.host)) {}

  std::string text(const Device& function) const {
    std::vector<std::string> parts;
    for (std::uint32_t vmid : vms(function))
      parts.push_back("VM " + std::to_string(vmid) + (holder(function) == vmid ? " (running)" : ""));
    if (!function.uses && on_host_driver(function)) parts.push_back("uses unknown");
    if (function.uses)
      for (const Use& use : *function.uses) parts.push_back(use_text(use));
    return parts.empty() ? "-" : join(parts, ", ");
  }

  /// The running VM that has it.
  std::optional<std::uint32_t> holder(const Device& function) const {
    auto found = held_.find(function.address);
    return found == held_.end() ? std::nullopt : std::optional(found->second.vmid);
  }

  /// Ascending: that has it, and those whose lines name it.
  std::vector<std::uint32_t> vms(const Device& function) const {
    std::vector<std::uint32_t> found;
    if (auto vmid = holder(function)) found.push_back(*vmid);
    auto users = facts_.users.find(function.address);
    if (users != facts_.users.end())
      for (const User& user : users->second) found.push_back(user.vm->vm->vmid);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

 private:
  const Facts& facts_;
  Holders held_;
};

class Listing {
 public:
  Listing(const Survey& survey, bool from_snapshot)
      : facts_(survey.facts),
        system_(survey.world->system()),
        from_snapshot_(from_snapshot),
        names_(system_),
        users_(facts_) {}

  void print(const std::vector<const Device*>& cards, bool functions, Output& out) const {
    Table table({"CARD", "NAME", "DRIVER", "VFS", "AUTOPROBE", "AT BOOT"});
    for (const Device* card : cards)
      table.row({card->address.str(), names_.device(*card), DeviceView::driver(*card), numbers(*card),
                 autoprobe_text(*card), at_boot_text(facts_, *card)});
    out << (cards.empty() ? std::string("no device here makes virtual functions (SR-IOV)\n") : table.str());
    if (functions)
      for (const Device* card : cards) print_functions(*card, out);
  }

  void print_json(const std::vector<const Device*>& cards, Output& out) const {
    json::array list;
    for (const Device* card : cards)
      list.push_back({{"address", card->address.str()},
                      {"name", utf8(names_.device(*card))},
                      {"driver", text_or_null(card->driver)},
                      {"total", or_null(card->sriov_totalvfs)},
                      {"enabled", or_null(card->sriov_numvfs)},
                      {"autoprobe", or_null(autoprobe(*card))},
                      {"atBoot", at_boot_json(facts_, *card)},
                      {"functions", functions_json(*card)}});
    json::object all{{"version", 1}, {"node", utf8(facts_.host->node)}, {"cards", std::move(list)}};
    out << terminal_safe_json(json::serialize(all)) << "\n";
  }

 private:
  static std::string numbers(const Device& card) {
    return (card.sriov_numvfs ? std::to_string(*card.sriov_numvfs) : "?") + "/" +
           std::to_string(card.sriov_totalvfs.value_or(0));
  }

  Fact<bool> autoprobe(const Device& card) const {
    return from_snapshot_ ? Fact<bool>() : drivers_autoprobe(system_, card);
  }
  std::string autoprobe_text(const Device& card) const {
    Fact<bool> probe = autoprobe(card);
    return !probe ? "?" : *probe ? "yes" : "no";
  }
  static json::value text_or_null(const Fact<std::string>& text) {
    return text ? json::value(utf8(*text)) : json::value(nullptr);
  }

  void print_functions(const Device& card, Output& out) const {
    Table table({"FUNCTION", "DRIVER", "GROUP", "USED BY"});
    for (const PciAddress& address : card.virtfns)
      if (const Device* function = facts_.device(address))
        table.row({address.str(), DeviceView::driver(*function), DeviceView::group(*function), users_.text(*function)});
    if (!card.virtfns.empty()) out << "\n" << table.str();
  }

  json::array functions_json(const Device& card) const {
    json::array list;
    for (const PciAddress& address : card.virtfns) {
      const Device* function = facts_.device(address);
      if (!function) continue;
      json::array vms, uses;
      for (std::uint32_t vmid : users_.vms(*function)) vms.emplace_back(vmid);
      for (const Use& use : function->uses.value_or(std::vector<Use>())) uses.emplace_back(utf8(use_text(use)));
      auto holder = users_.holder(*function);
      list.push_back({{"address", address.str()},
                      {"driver", text_or_null(function->driver)},
                      {"group", or_null(function->group)},
                      {"vms", std::move(vms)},
                      {"heldBy", holder ? json::value(*holder) : json::value(nullptr)},
                      {"uses", function->uses ? json::value(std::move(uses)) : json::value(nullptr)}});
    }
    return list;
  }

  const Facts& facts_;
  const FileSystem& system_;
  bool from_snapshot_;
  PciNames names_;
  Users users_;
};

int fail(const std::string& message, int status) {
  log_error(message);
  return status;
}

}  // namespace

const Device* sriov_card(const Host& host, const std::string& word, int& status) {
  auto pattern = parse_address_pattern(word);
  auto meant = pattern ? meant_devices(host, *pattern) : std::vector<const Device*>();
  if (meant.empty()) {
    status = fail(pattern ? no_such_device(host, word) : no_address(word), pattern ? refused : usage);
    return nullptr;
  }
  std::vector<const Device*> cards;
  std::copy_if(meant.begin(), meant.end(), std::back_inserter(cards),
               [](const Device* d) { return makes_functions(*d); });
  if (cards.empty()) return meant.front();
  if (cards.size() == 1) return cards.front();
  status = fail("`" + word + "` means several cards that make virtual functions: " + list(cards) + "; name one", usage);
  return nullptr;
}

int list_sriov(Invocation& invocation) {
  auto survey = Survey::open(invocation.globals);
  if (!survey) return fail(survey.error().message, refused);
  for (const Failure& failure : (*survey)->failures) log_warning(failure.message);
  const Host& host = *(*survey)->host;
  std::vector<const Device*> cards;
  if (invocation.arguments.empty()) {
    for (const auto& [address, device] : host.devices)
      if (makes_functions(device)) cards.push_back(&device);
  } else {
    int status = done;
    const Device* card = sriov_card(host, invocation.arguments[0], status);
    if (!card) return status;
    if (Status possible = functions_possible(*card, 0); !possible) return fail(possible.error().message, refused);
    cards.push_back(card);
  }
  Listing listing(**survey, !invocation.globals.host.empty());
  if (invocation.json())
    listing.print_json(cards, *invocation.out);
  else
    listing.print(cards, !invocation.arguments.empty(), *invocation.out);
  return done;
}

}  // namespace hostpci
