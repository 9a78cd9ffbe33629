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

  const std::map<std::string, std::vector<Edit>>& edits() const { return edits_; }
  std::vector<Diagnostic> mended;

 private:
  std::map<std::string, std::vector<Edit>> edits_;
};

}  // namespace

Fixed carry_out_fixes(const std::function<std::vector<Diagnostic>(const Texts&)>& relint,
                      const std::function<const std::string*(const std::string&)>& original, const FixChoice& choice) {
  Fixed result;
  for (int number = 0; number <= most_rounds; ++number) {
    result.findings = relint(result.texts);
    if (number == most_rounds) break;
    Round round;
    for (const Diagnostic& finding : result.findings)
      if (wanted(finding, choice)) round.take(finding);
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
