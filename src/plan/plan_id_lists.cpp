// `ids=` of vfio-pci and blacklists against the host: what they would take from it goes, what no VM needs is told.
#include <algorithm>

#include "plan/boot_order.hpp"
#include "plan/parts.hpp"
#include "rules/device.hpp"
#include "rules/setup_ids.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The id is all that its word has: the word goes, and the line if it has no other.
std::vector<FileEdit> remove_word(const Facts& facts, const VfioId& id) {
  for (const PlacedDirective& directive : facts.boot->directives(DirectiveKind::options, "vfio-pci")) {
    if (directive.source != id.place.source || !directive.directive->span.contains(id.place.span.begin)) continue;
    std::vector<PlacedText> list = joined_words(directive);
    if (list.size() == 1) return {remove_lines(directive.source, directive.directive->span)};
    for (const PlacedText& word : list)
      if (word.exact && word.span.contains(id.place.span.begin))
        return {{directive.source->path, {word.span.begin - 1, word.span.end}, ""}};
  }
  return {};
}

/// A blacklist that would keep the host from its disks or its network goes.
void drop_blacklists(Workspace& work) {
  for (int round = 0; round < 32; ++round) {
    std::vector<Diagnostic> found = findings_of_rule(work, "setup-blacklist-host-critical");
    if (found.empty() || !found.front().place.source) return;
    const Diagnostic& d = found.front();
    if (!work.edit({remove_lines(d.place.source, d.place.span)}, d.message + " (" + d.rule + ")")) return;
  }
}

bool take_out(Workspace& work, const VfioId& id, const std::string& reason) {
  std::vector<FileEdit> edits = remove_id(id);
  if (edits.empty() && id.exact) edits = remove_word(work.facts(), id);
  return work.edit(edits, reason);
}

bool is_about(const Diagnostic& finding, const VfioId& id) {
  return id.place.span == finding.place.span && id.place.file() == finding.place.file();
}

/// The errors among them are told by plan_remaining().
bool is_error(Workspace& work, const VfioId& id) {
  for (std::string_view rule : {"setup-ids-catches-host", "setup-ids-with-mdev"})
    for (const Diagnostic& finding : findings_of_rule(work, rule))
      if (is_about(finding, id)) return true;
  return false;
}

}  // namespace

void plan_id_lists(Workspace& work) {
  drop_blacklists(work);
  for (int round = 0; round < 32; ++round) {
    bool changed = false;
    for (std::string_view rule : {"setup-ids-catches-host", "setup-ids-with-mdev"})
      for (const Diagnostic& finding : findings_of_rule(work, rule))
        for (const VfioId& id : effective_ids(work.facts()))
          if (!changed && is_about(finding, id))
            changed = take_out(work, id, finding.message + " (" + finding.rule + ")");
    if (!changed) return;
  }
}

void tell_idle_ids(Workspace& work) {
  for (const VfioId& id : effective_ids(work.facts()))
    for (const Device* d : devices_of(id, work.facts())) {
      bool used = is_passed(work.facts(), d->address) || is_taken(work.facts(), d->address);
      bool open = on_host_driver(*d) && !is_builtin(work.facts(), module_of_driver(*d->driver));
      if (used || !open || is_error(work, id)) continue;
      bool certain = taken_at_boot(work.facts()).count(d->address);
      std::string driver = "`" + printable(*d->driver) + "`";
      work.obstacle(id.place.file(), 0,
                    "`" + printable(id.text) + "` means " + quoted(*d) + ", which no VM of this node takes: " +
                        (certain ? "vfio-pci gets it at the next boot, not " + driver
                                 : "whether " + driver + " or vfio-pci gets it at boot is an accident of load order") +
                        "; take the id out if no VM needs it");
    }
}

}  // namespace hostpci
