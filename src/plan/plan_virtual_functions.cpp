// Virtual functions that VMs take, created again at every boot by a rule on the card's own driver.
#include <algorithm>
#include <map>

#include "plan/parts.hpp"
#include "rules/device.hpp"
#include "rules/device_vf.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// How many functions a card has to have, and for which line.
struct Need {
  std::uint32_t count = 0;
  bool missing = false;  ///< some of them are not there now
};
using Needs = std::map<PciAddress, Need>;

/// The vendor's own unit makes them (plan_modules.cpp).
bool is_nvidia(const Device& card) { return card.id && card.id->vendor == 0x10de; }

/// As many as that line needs, and never fewer than there are.
void raise(Need& need, const Device& card, std::uint32_t count) {
  std::uint32_t now = std::max(card.sriov_numvfs.value_or(0), std::uint32_t(card.virtfns.size()));
  need.count = std::max({need.count, count, now});
}

/// Cards whose functions the wanted VMs take, with the number that exists.
void count_existing(Workspace& work, Needs& needs) {
  for (const VmFacts* vm : work.vms())
    for (const Assignment& a : vm->assignments)
      for (const Device* d : a.devices) {
        const Device* card = d->physfn ? work.host().find(*d->physfn) : nullptr;
        if (card && !is_nvidia(*card)) raise(needs[card->address], *card, 0);
      }
}

/// Without a row that shows it, only functions in the card's own slot can be counted.
std::uint32_t ordinal(const MissingFunction& missing) {
  if (missing.ordinal) return missing.ordinal;
  const PciAddress& card = missing.physfn->address;
  return missing.address.same_slot(card) ? std::uint32_t(missing.address.function - card.function) : 0;
}

/// Functions that lines of the VM name and that their card could make.
std::vector<MissingFunction> missing_of(Workspace& work, const VmFacts& vm) {
  std::vector<MissingFunction> list;
  for (const Refusal& refusal : vm.refusals) {
    if (refusal.rule != "device-device-missing") continue;
    auto missing = missing_function(work.host(), slice(vm.vm->source->text, refusal.span));
    if (missing && !is_nvidia(*missing->physfn) && ordinal(*missing)) list.push_back(*missing);
  }
  return list;
}

void count_missing(Workspace& work, Needs& needs) {
  for (const VmFacts* vm : work.vms())
    for (const MissingFunction& missing : missing_of(work, *vm)) {
      Need& need = needs[missing.physfn->address];
      raise(need, *missing.physfn, ordinal(missing));
      need.missing = true;
      work.mended("device-vf-not-created", missing.address.str());
      work.mended("device-device-missing", missing.address.str());
    }
}

/// What a rule of hostpci's own gives the card at boot; none counts as 0.
FunctionsRule own_rule(Workspace& work, const Device& card) {
  const std::string* rules = work.text(own::udev);
  FunctionsRule rule = rules ? functions_rule(*rules, card.address.str()).value_or(FunctionsRule{}) : FunctionsRule{};
  rule.count = std::min(rule.count, card.sriov_totalvfs.value_or(0xffff));
  return rule;
}

/// VMs that this plan is not for keep their functions: a card's number is one for all.
void count_others(Workspace& work, Needs& needs) {
  for (const VmFacts& vm : work.facts().vms)
    for (const MissingFunction& missing : missing_of(work, vm))
      if (auto need = needs.find(missing.physfn->address); need != needs.end() && !vm.foreign)
        raise(need->second, *missing.physfn, ordinal(missing));
  for (auto& [address, need] : needs) {
    const Device& card = *work.host().find(address);
    raise(need, card, own_rule(work, card).count);
  }
}

/// Does a line of sysfsutils' files, which nothing reads here, set the number?
std::vector<std::string> unread_lines(Workspace& work, const Device& card) {
  std::vector<std::string> paths;
  for (const Diagnostic& finding : findings_of_rule(work, "setup-sysfs-conf-unused"))
    for (const auto& [source, lines] : work.facts().boot->sysfs)
      for (const SysfsLine& line : lines)
        if (source->path == finding.place.file() && line.path.find(card.address.str()) != line.path.npos)
          paths.emplace_back(line.path);
  return paths;
}

void drop_unread(Workspace& work, const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    work.arrange([&](BootDraft& draft) { return draft.drop_sysfs_value(path); },
                 "nothing reads this line, a udev rule takes its place (setup-sysfs-conf-unused)");
}

void create(Workspace& work, const Device& card, const Need& need) {
  std::string address = card.address.str(), some = count(need.count, "virtual function");
  std::vector<std::string> unread = unread_lines(work, card);
  bool ours = work.boot().config().source(own::udev) != nullptr;
  if (functions_at_boot(work.facts(), card) && unread.empty() && !need.missing) return;
  if (functions_at_boot(work.facts(), card) && unread.empty() && !ours)
    return work.obstacle("", 0,
                         "something else creates virtual functions of " + quoted(card) + ", and fewer than " +
                             std::to_string(need.count) + ": write the number there");
  bool probe = own_rule(work, card).probe;
  work.arrange([&](BootDraft& draft) { return draft.add_virtual_functions(address, need.count, probe); },
               some + " of " + quoted(card) + " at every boot (device-vf-not-persistent)");
  drop_unread(work, unread);
  if (need.missing) work.reboot(some + " of " + quoted(card) + (need.count == 1 ? " exists" : " exist"));
}

/// What makes functions of the card at boot and is not hostpci's own; where a line is read by nothing, its file is not told.
std::vector<FunctionMaker> other_makers(Workspace& work, const Device& card) {
  std::vector<FunctionMaker> makers = function_makers(work.facts(), card);
  bool unread = !unread_lines(work, card).empty();
  std::erase_if(makers, [&](const FunctionMaker& maker) {
    return maker.path == own::udev || (unread && (maker.path == "/etc/sysfs.conf" || maker.path.starts_with("/etc/sysfs.d/")));
  });
  return makers;
}

/// Who else makes them would be first or last, and the number either way not the one that was asked for.
bool refuse_other_makers(Workspace& work, const Device& card, const FunctionsRule& wanted) {
  std::string instead = wanted.count ? "write the number there, or take it out" : "take that out";
  for (const FunctionMaker& maker : other_makers(work, card)) {
    if (maker.certain)
      work.obstacle(maker.path, 0, "creates virtual functions of " + quoted(card) + " at every boot: " + instead);
    else
      work.note(maker.path + " may create virtual functions of " + quoted(card) + ", too: the rule counts where there are none yet");
  }
  if (wanted.count && is_nvidia(card))
    work.obstacle("", 0, "NVIDIA's own unit creates virtual functions of " + quoted(card) + ": `systemctl enable pve-nvidia-sriov@ALL.service`");
  return !work.plan.obstacles.empty();
}

}  // namespace

void plan_functions_at_boot(Workspace& work, const Device& card, const FunctionsRule& wanted) {
  if (refuse_other_makers(work, card, wanted)) return;
  std::string address = card.address.str(), some = wanted.count ? count(wanted.count, "virtual function") : "no virtual functions";
  std::vector<std::string> unread = unread_lines(work, card);
  bool arranged = work.arrange(
      [&](BootDraft& draft) {
        return wanted.count ? draft.add_virtual_functions(address, wanted.count, wanted.probe) : draft.remove_virtual_functions(address);
      },
      some + " of " + quoted(card) + " at every boot" + (wanted.count && !wanted.probe ? ", for vfio-pci only" : ""));
  if (arranged) drop_unread(work, unread);
}

void plan_virtual_functions(Workspace& work) {
  Needs needs;
  count_existing(work, needs);
  count_missing(work, needs);
  count_others(work, needs);
  for (const auto& [address, need] : needs)
    if (need.count > 0) create(work, *work.host().find(address), need);
}

}  // namespace hostpci
