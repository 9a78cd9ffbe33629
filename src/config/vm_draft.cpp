// The model of a change to a VM: [PENDING] filled, cleaned and applied as PVE does it.
#include "config/vm_draft.hpp"

#include <algorithm>

#include "config/vm_writer.hpp"
#include "grammar/property_string.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

KeyValues values_of(const VmSection& section) {
  KeyValues values;
  for (const auto& [key, value] : section.values)
    if (key != "delete" && key != "snapstate") values.emplace(key, value.value);
  bool described = section.has_description && (!section.description.empty() || section.kind == SectionKind::pending);
  if (described) values["description"] = section.description;
  return values;
}

bool is_fast(std::string_view key) {
  constexpr std::string_view fast[] = {"description",   "hookscript", "lock",   "migrate_downtime",
                                       "migrate_speed", "name",       "onboot", "protection",
                                       "shares",        "startup",    "tags",   "vmstatestorage"};
  return std::find(std::begin(fast), std::end(fast), key) != std::end(fast);
}

bool same(std::string_view key, const std::string& a, const std::string& b) {
  return a == b || loaded_value(key, a) == loaded_value(key, b);
}

/// `boot:` without the device; the other parts of the string stay. Nothing if the device is not in its order.
std::optional<std::string> without_device(std::string_view boot, std::string_view device) {
  PropertyString parsed = parse_property_string(boot);
  const Property* order = parsed.find("order");
  if (!order) return std::nullopt;
  std::vector<std::string> left;
  auto devices = list_items(order->value);
  for (std::string_view name : devices)
    if (name != device) left.emplace_back(name);
  if (left.size() == devices.size()) return std::nullopt;
  std::string out(boot);
  if (!left.empty()) return out.replace(order->value_span.begin, order->value_span.size(), join(left, ";"));
  std::size_t begin = order->span.begin, end = order->span.end;
  if (end < out.size())
    ++end;  // its comma
  else if (begin > 0)
    --begin;
  out.erase(begin, end - begin);
  return out.find_first_not_of(", ") == out.npos ? "" : out;
}

}  // namespace

VmDraft::VmDraft(const Vm& vm) : vm_(vm), main_(values_of(vm.main())) {
  if (const VmSection* pending = vm.pending()) {
    pending_ = values_of(*pending);
    deletes_ = parse_pending_delete(pending->text("delete"));
  }
}

void VmDraft::drop_delete(std::string_view key) {
  std::erase_if(deletes_, [&](const PendingDelete& item) { return item.key == key; });
}

void VmDraft::set(const std::string& key, const std::string& value) {
  pending_[key] = value;
  drop_delete(key);
}

/// A `boot` that is to be deleted itself has no order any more.
void VmDraft::take_from_boot_order(const std::string& key) {
  bool deleted =
      std::any_of(deletes_.begin(), deletes_.end(), [](const PendingDelete& item) { return item.key == "boot"; });
  const KeyValues& holder = pending_has("boot") ? pending_ : main_;
  auto boot = holder.find("boot");
  if (boot == holder.end() || deleted) return;
  if (auto changed = without_device(boot->second, key)) set("boot", *changed);
}

void VmDraft::remove(const std::string& key, bool force) {
  pending_.erase(key);
  take_from_boot_order(key);
  drop_delete(key);
  deletes_.push_back({key, force});
}

void VmDraft::revert(const std::string& key) {
  pending_.erase(key);
  drop_delete(key);
}

void VmDraft::clean() {
  std::erase_if(pending_, [&](const auto& item) {
    auto current = main_.find(item.first);
    return current != main_.end() && same(item.first, current->second, item.second);
  });
  std::erase_if(deletes_, [&](const PendingDelete& item) { return !has(item.key); });
}

void VmDraft::apply_fast() {
  std::erase_if(pending_, [&](const auto& item) {
    if (is_fast(item.first)) main_[item.first] = item.second;
    return is_fast(item.first);
  });
  std::erase_if(deletes_, [&](const PendingDelete& item) {
    if (is_fast(item.key)) main_.erase(item.key);
    return is_fast(item.key);
  });
}

/// The old volume of a drive that goes or is replaced. False: only PVE can do it.
bool VmDraft::retire(const std::string& key, std::vector<std::string>& notes) {
  auto old = main_.find(key);
  if (old == main_.end()) return true;
  if (is_cloudinit(old->second)) return false;
  if (!is_kept(old->second, vm_.vmid)) return true;
  std::string volume = drive_volume(old->second);
  std::string unused = add_unused(main_, volume);
  if (!unused.empty()) notes.push_back("the volume of `" + key + "` stays as `" + unused + ": " + volume + "`");
  return true;
}

void VmDraft::apply_all(std::vector<std::string>& notes) {
  auto left = [&](const std::string& key) {
    notes.push_back("the change of `" + key + "` stays in [PENDING]: its volume is for `qm set` to free");
    return false;
  };
  std::erase_if(deletes_, [&](const PendingDelete& item) {
    bool drive = is_drive(item.key);
    if (item.key.starts_with("unused") || (drive && (item.force || !retire(item.key, notes)))) return left(item.key);
    main_.erase(item.key);
    return true;
  });
  std::erase_if(pending_, [&](const auto& item) {
    auto old = main_.find(item.first);
    bool replaced =
        is_drive(item.first) && old != main_.end() && drive_volume(old->second) != drive_volume(item.second);
    if (replaced && !retire(item.first, notes)) return left(item.first);
    main_[item.first] = item.second;
    return true;
  });
}

Result<std::string> VmDraft::text() const {
  VmWriter writer(vm_);
  KeyValues old_pending;
  std::string old_deletes;
  if (const VmSection* pending = vm_.pending()) {
    old_pending = values_of(*pending);
    old_deletes = pending->text("delete");
  }
  for (const std::string& key : purged_)
    if (!has(key)) writer.remove(SectionKind::main, key);
  writer.change(SectionKind::main, values_of(vm_.main()), main_);
  if (parse_pending_delete(old_deletes) != deletes_)
    writer.change(SectionKind::pending, {{"delete", old_deletes}},
                  deletes_.empty() ? KeyValues() : KeyValues{{"delete", format_pending_delete(deletes_)}});
  writer.change(SectionKind::pending, old_pending, pending_);
  if (pending_.empty() && deletes_.empty()) writer.close_pending();
  return writer.text();
}

}  // namespace hostpci
