// Whether a line gets its mediated device, and what stands in the way.
#include "rules/device_mdev.hpp"

#include "rules/mdev_uuid.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_nvidia_type(std::string_view type) {
  return type.substr(0, 7) == "nvidia-" && number(type.substr(7)).has_value();
}

/// Ice Lake and later: the kernel's GVT-g ends with Comet Lake. Source: kernel i915/intel_gvt.c (is_supported_device).
bool after_gvtg(const Device& d) {
  if (!d.id || d.id->vendor != 0x8086 || !d.is_gpu()) return false;
  for (unsigned family : {0x8a, 0x9a, 0x4c, 0x4e, 0x45, 0x46, 0xa7, 0x7d, 0x64, 0xb0, 0x56, 0xe2})
    if (unsigned(d.id->device >> 8) == family) return true;
  return d.sriov_totalvfs.value_or(0) > 0;
}

Verdict why_unsupported(const Facts& facts, const Device& d, std::string_view type) {
  bool nvidia = d.id && d.id->vendor == 0x10de && is_nvidia_type(type);
  if (nvidia && (d.driver == "vfio-pci" || d.driver == "nouveau")) return Verdict::wrong_driver;
  if (nvidia && !d.is_vf() && d.sriov_totalvfs.value_or(0) > 0 && kernel_at_least(*facts.host, 6, 8).value_or(true))
    return Verdict::card_for_vf;
  if (type.substr(0, 9) == "i915-GVTg" && after_gvtg(d)) return Verdict::gvtg_gone;
  return Verdict::unsupported;
}

Verdict nvidia_verdict(const Assignment& a, const Device& d) {
  if (!d.nvidia_current_type || !d.mdev_types) return Verdict::unknown;
  if (!d.is_vf() && d.nvidia_current_type->empty() && d.sriov_totalvfs.value_or(0) > 0) return Verdict::card_for_vf;
  bool taken = !d.nvidia_current_type->empty() && *d.nvidia_current_type != "0";
  if (taken || a.owner->running) return Verdict::unknown;
  return find_type(d, mdev_type(a)) ? Verdict::offered : Verdict::not_creatable;
}

Verdict verdict(const Facts& facts, const Assignment& a, const Device& d) {
  std::string_view type = mdev_type(a);
  if (d.nvidia_vgpu && is_nvidia_type(type)) return nvidia_verdict(a, d);
  if (!d.mdev_types) return Verdict::unknown;
  if (d.mdev_types->empty()) return why_unsupported(facts, d, type);
  const MdevType* found = find_type(d, type);
  if (!found) return Verdict::no_such_type;
  if (a.owner->running || own_instance(facts, a) || !found->available) return Verdict::offered;
  return *found->available > needed_before(facts, a, d) ? Verdict::offered : Verdict::no_instance;
}

}  // namespace

std::string_view mdev_type(const Assignment& a) { return a.parsed().text(HostpciKey::mdev); }

std::string quoted_type(const Assignment& a) { return "`" + std::string(mdev_type(a)) + "`"; }

const MdevInstance* own_instance(const Facts& facts, const Assignment& a) {
  if (!facts.host->mdevs) return nullptr;
  const std::string uuid = mdev_uuid(a.owner->vm->vmid, a.line().index);
  for (const MdevInstance& instance : *facts.host->mdevs)
    if (instance.uuid == uuid) return &instance;
  return nullptr;
}

const MdevType* find_type(const Device& d, std::string_view type) {
  for (const MdevType& t : *d.mdev_types)
    if (t.type == type) return &t;
  return nullptr;
}

std::uint32_t needed_before(const Facts& facts, const Assignment& a, const Device& d) {
  std::uint32_t n = 0;
  for (const Assignment& other : a.owner->assignments) {
    if (&other == &a) break;
    n += other.first == &d && mdev_type(other) == mdev_type(a) && !own_instance(facts, other);
  }
  return n;
}

std::optional<Candidate> failed(const Facts& facts, const Assignment& a) {
  if (!a.is_mdev() || is_template(a.owner->next)) return {};
  std::optional<Candidate> first;
  for (const std::vector<PciAddress>& choice : a.resolved.choices) {
    const Device* d = choice.size() == 1 ? facts.device(choice.front()) : nullptr;
    if (!d) return {};
    Verdict v = verdict(facts, a, *d);
    if (v == Verdict::offered || v == Verdict::unknown) return {};
    if (!first) first = Candidate{d, v};
  }
  return first;
}

}  // namespace hostpci
