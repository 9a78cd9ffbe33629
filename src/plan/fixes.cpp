// Fixes of findings carried out on texts, round by round.
#include "plan/fixes.hpp"

#include <algorithm>

#include "text/edit.hpp"

namespace hostpci {
namespace {

/// A fix may uncover another finding; fixes that undo each other must not go on for ever.
constexpr int most_rounds = 8;

bool wanted(const Diagnostic& finding, const FixChoice& choice) {
  if (!finding.fix || finding.fix->edits.empty() || finding.fix->safety == Safety::shown) return false;
  if (choice.takes ? !choice.takes(finding) : finding.fix->safety == Safety::unsafe && !choice.unsafe) return false;
  const auto& edits = finding.fix->edits;
  return std::all_of(edits.begin(), edits.end(), [&](const FileEdit& edit) { return choice.may_change(edit.file); });
}

/// Two edits collide if they share bytes, or insert at one place.
bool collide(Span a, Span b) { return a == b || (a.begin < b.end && b.begin < a.end); }

/// What is put in may be what another fix of the same file makes of a word that stands there already.
bool inserts(const Diagnostic& finding) {
  const auto& edits = finding.fix->edits;
  return std::any_of(edits.begin(), edits.end(), [](const FileEdit& edit) { return edit.span.begin == edit.span.end; });
}

/// The edits of one round, by file.
class Round {
 public:
  /// False if the fix touches what another one of this round changes, other than by the very same edit.
  bool take(const Diagnostic& finding) {
    const Fix& fix = *finding.fix;
    for (const FileEdit& edit : fix.edits)
      for (const Edit& other : edits_[edit.file])
        if (collide(edit.span, other.span) && !(edit.span == other.span && edit.text == other.text)) return false;
    for (const FileEdit& edit : fix.edits) {
      std::vector<Edit>& known = edits_[edit.file];
      Edit made{edit.span, edit.text};
      if (std::find(known.begin(), known.end(), made) == known.end()) known.push_back(std::move(made));
    }
    mended.push_back(finding);
    return true;
  }

  bool touches_files_of(const Diagnostic& finding) const {
    const auto& edits = finding.fix->edits;
    return std::any_of(edits.begin(), edits.end(), [&](const FileEdit& edit) { return edits_.count(edit.file) != 0; });
  }

  const std::map<std::string, std::vector<Edit>>& edits() const { return edits_; }
  std::vector<Diagnostic> mended;

 private:
  std::map<std::string, std::vector<Edit>> edits_;
};

/// Words are put in once nothing else of their files is to be mended: by then the finding may be gone.
Round choose_fixes(const std::vector<Diagnostic>& findings, const FixChoice& choice) {
  Round round;
  std::vector<const Diagnostic*> later;
  for (const Diagnostic& finding : findings) {
    if (!wanted(finding, choice)) continue;
    if (inserts(finding))
      later.push_back(&finding);
    else
      round.take(finding);
  }
  std::erase_if(later, [&](const Diagnostic* finding) { return round.touches_files_of(*finding); });
  for (const Diagnostic* finding : later) round.take(*finding);
  return round;
}

}  // namespace

Fixed carry_out_fixes(const std::function<std::vector<Diagnostic>(const Texts&)>& relint,
                      const std::function<const std::string*(const std::string&)>& original, const FixChoice& choice) {
  Fixed result;
  for (int number = 0; number <= most_rounds; ++number) {
    result.findings = relint(result.texts);
    if (number == most_rounds) break;
    Round round = choose_fixes(result.findings, choice);
    bool changed = false;
    for (const auto& [file, edits] : round.edits()) {
      auto known = result.texts.find(file);
      const std::string* text = known != result.texts.end() ? &known->second : original(file);
      if (!text || edits.empty()) continue;
      Result<std::string> made = hostpci::apply(*text, edits);
      if (!made || *made == *text) continue;
      result.texts[file] = std::move(*made);
      changed = true;
    }
    if (!changed) break;
    result.fixes += round.mended.size();
    result.mended.insert(result.mended.end(), round.mended.begin(), round.mended.end());
  }
  std::erase_if(result.texts, [&](const auto& entry) {
    const std::string* before = original(entry.first);
    return before && *before == entry.second;
  });
  return result;
}

}  // namespace hostpci
