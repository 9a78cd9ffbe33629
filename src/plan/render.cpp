// The sections of a plan, one after the other; those that are empty are left out.
#include "plan/render.hpp"

#include <algorithm>

#include "text/diff.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

class Page {
 public:
  explicit Page(bool colour) : colour_(colour) {}

  void heading(std::string_view title) {
    if (!text_.empty()) text_ += '\n';
    text_ += style("1", title) + "\n";
  }

  void line(std::string_view text, std::size_t indent = 2) {
    text_ += std::string(indent, ' ') + printable(text) + "\n";
  }

  void warning(std::string_view text) { text_ += "  " + style("1;31", printable(text)) + "\n"; }

  void file(const FileChange& change) {
    if (!text_.empty()) text_ += '\n';
    bool made = !change.before, removed = !change.after;
    text_ += style("1", std::string(made ? "+ " : removed ? "- " : "~ ") + printable(change.path)) + "\n";
    for (const std::string& reason : change.reasons) line(reason, 4);
    std::string all = printable_lines(unified_diff(change.path, change.before.value_or(""), change.after.value_or("")));
    for (std::string_view rest = all; !rest.empty();) {
      std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
      diff_line(rest.substr(0, end - 1), made, removed);
      rest.remove_prefix(end);
    }
  }

  std::string take() { return std::move(text_); }

 private:
  std::string style(std::string_view code, std::string_view text) const {
    return colour_ ? "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m" : std::string(text);
  }

  /// The side that does not exist is /dev/null, as `diff -N` writes it.
  void diff_line(std::string_view line, bool made, bool removed) {
    if (made && line.starts_with("--- a/")) line = "--- /dev/null";
    if (removed && line.starts_with("+++ b/")) line = "+++ /dev/null";
    bool head = line.starts_with("--- ") || line.starts_with("+++ ") || line.starts_with("@@");
    std::string_view code = head ? "36" : line.starts_with("-") ? "31" : line.starts_with("+") ? "32" : "";
    text_ += (code.empty() ? std::string(line) : style(code, line)) + "\n";
  }

  bool colour_;
  std::string text_;
};

void commands(Page& page, std::string_view title, const std::vector<PlannedCommand>& list) {
  if (list.empty()) return;
  page.heading(title);
  for (const PlannedCommand& command : list) {
    page.line(shell_line(command.words));
    page.line(command.reason, 4);
  }
}

void lines(Page& page, std::string_view title, const std::vector<std::string>& list) {
  if (list.empty()) return;
  page.heading(title);
  for (const std::string& line : list) page.line(line);
}

void losses(Page& page, const std::vector<Loss>& list) {
  if (list.empty()) return;
  page.heading("The host loses:");
  for (const Loss& loss : list) {
    std::string text = loss.device.empty() ? loss.what : loss.device + "  " + loss.what;
    if (loss.critical)
      page.warning(text);
    else
      page.line(text);
  }
}

void obstacles(Page& page, const std::vector<Obstacle>& list) {
  if (list.empty()) return;
  page.heading("Not mended by this plan:");
  for (const Obstacle& o : list) {
    std::string place = o.file + (o.line ? ":" + std::to_string(o.line) : "");
    page.line(place.empty() ? o.message : place + ": " + o.message);
  }
}

}  // namespace

std::string plan_summary(const Plan& plan) {
  if (plan.empty()) return "No changes.";
  std::size_t changed = 0, made = 0, removed = 0;
  for (const FileChange& file : plan.files) ++(!file.before ? made : !file.after ? removed : changed);
  std::vector<std::string> parts;
  for (const auto& [number, what] : {std::pair{changed, "change"}, {made, "make"}, {removed, "remove"}})
    if (number) parts.push_back((parts.empty() ? count(number, "file") : std::to_string(number)) + " to " + what);
  if (std::size_t n = plan.by_hand.size() + plan.refresh.size()) parts.push_back(count(n, "command"));
  if (!plan.reboot.empty()) parts.push_back("1 reboot");
  return "Plan: " + join(parts, ", ") + ".";
}

std::string render_plan(const Plan& plan, bool colour, bool all_read) {
  Page page(colour);
  for (const FileChange& file : plan.files) page.file(file);
  commands(page, "To be done by hand, afterwards:", plan.by_hand);
  commands(page, "Then run:", plan.refresh);
  lines(page, "Only after a reboot:", plan.reboot);
  losses(page, plan.losses);
  obstacles(page, plan.obstacles);
  lines(page, "Note:", plan.notes);
  std::string text = page.take();
  std::string summary = plan.empty() && !all_read ? "No changes for what could be read." : plan_summary(plan);
  return text + (text.empty() ? "" : "\n") + summary + "\n";
}

}  // namespace hostpci
