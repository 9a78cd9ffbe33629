// The long text form after rustc's manner: headline, place, source line with carets, labels, notes, help, the ready
// edit.
#include <algorithm>

#include "diag/excerpt.hpp"
#include "diag/fix_preview.hpp"
#include "diag/render.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

enum class Style { error, warning, info, frame, strong, added, removed };

std::string_view escape_code(Style style) {
  switch (style) {
    case Style::error:
      return "\x1b[1;31m";
    case Style::warning:
      return "\x1b[1;33m";
    case Style::info:
      return "\x1b[1;36m";
    case Style::frame:
      return "\x1b[1;34m";
    case Style::strong:
      return "\x1b[1m";
    case Style::added:
      return "\x1b[32m";
    case Style::removed:
      return "\x1b[31m";
  }
  return "";
}

Style style_of(Severity severity) {
  if (severity == Severity::error) return Style::error;
  return severity == Severity::warning ? Style::warning : Style::info;
}

/// The part of a span that lies on the line where it begins, as offsets in that line.
Span on_first_line(const Source& source, Span span) {
  Span line = source.line_at(span.begin);
  std::uint32_t begin = std::clamp(span.begin, line.begin, line.end), end = std::clamp(span.end, begin, line.end);
  return {begin - line.begin, end - line.begin};
}

bool same_line(const Place& a, const Place& b) {
  return a.source && b.source && a.file() == b.file() &&
         a.source->line_at(a.span.begin) == b.source->line_at(b.span.begin);
}

/// One finding, written piece by piece. Everything that came from a file goes through printable().
class Writer {
 public:
  Writer(const Diagnostic& diagnostic, bool colour)
      : d_(diagnostic), colour_(colour), preview_(fix_preview(diagnostic)), width_(number_width()) {}

  std::string write() {
    headline();
    primary();
    for (const Label& label : d_.labels)
      if (!drawn(label)) other_place(label);
    for (const std::string& note : d_.notes) attached("note", note);
    for (const std::string& help : d_.help) attached("help", help);
    if (d_.fix) fix();
    return std::move(out_);
  }

 private:
  std::size_t number_width() const {
    std::uint32_t last = preview_ ? preview_->line + std::uint32_t(preview_->lines.size()) - 1 : 0;
    auto see = [&](const Place& place) {
      if (place.source) last = std::max(last, place.source->position(place.span.begin).line);
    };
    see(d_.place);
    for (const Label& label : d_.labels) see(label.place);
    return std::to_string(last).size();
  }

  std::string painted(Style style, std::string text) const {
    return colour_ ? std::string(escape_code(style)) + text + "\x1b[0m" : text;
  }

  /// " 12 | text"; without a text no blank at the end.
  void framed(std::string number, std::string_view bar, const std::string& text) {
    std::string left = " " + std::string(width_ - std::min(width_, number.size()), ' ') + number + " ";
    out_ += painted(Style::frame, left.append(bar)) + (text.empty() ? "" : " " + text) + "\n";
  }

  void headline() {
    out_ += painted(style_of(d_.severity), std::string(name(d_.severity)) + "[" + printable(d_.rule) + "]");
    out_ += painted(Style::strong, ": " + printable(d_.message)) + "\n";
  }

  void arrow(std::string_view sign, const std::string& place) {
    out_ += std::string(width_ + 1, ' ') + painted(Style::frame, std::string(sign)) + " " + place + "\n";
  }

  static std::string described(const Place& place) {
    std::string text = printable(place.file());
    if (!place.source) return text;
    Position p = place.source->position(place.span.begin);
    return text + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
  }

  static Excerpt excerpt_of(const Place& place) {
    const Source& source = *place.source;
    return Excerpt(slice(source.text, source.line_at(place.span.begin)), on_first_line(source, place.span));
  }

  void source_line(const Place& place, const Excerpt& excerpt) {
    framed("", "|", "");
    framed(std::to_string(place.source->position(place.span.begin).line), "|", excerpt.text());
  }

  void underline(const Place& place, const Excerpt& excerpt, char mark, Style style, const std::string& message) {
    Span columns = excerpt.columns(on_first_line(*place.source, place.span)).value_or(Span{0, 1});
    std::string marks(columns.size(), mark);
    std::string text = message.empty() ? marks : marks + " " + printable(message);
    framed("", "|", std::string(columns.begin, ' ') + painted(style, text));
  }

  /// Whether the label stands under the line of the finding itself.
  bool drawn(const Label& label) const {
    return same_line(d_.place, label.place) &&
           excerpt_of(d_.place).columns(on_first_line(*label.place.source, label.place.span));
  }

  void primary() {
    if (d_.place.file().empty()) return;
    arrow("-->", described(d_.place));
    if (!d_.place.source) return;
    Excerpt excerpt = excerpt_of(d_.place);
    source_line(d_.place, excerpt);
    auto of_same_span = [&](const Label& l) { return drawn(l) && l.place.span == d_.place.span; };
    auto first = std::find_if(d_.labels.begin(), d_.labels.end(), of_same_span);
    underline(d_.place, excerpt, '^', style_of(d_.severity), first == d_.labels.end() ? "" : first->message);
    for (auto label = d_.labels.begin(); label != d_.labels.end(); ++label)
      if (label != first && drawn(*label)) underline(label->place, excerpt, '-', Style::frame, label->message);
  }

  void other_place(const Label& label) {
    if (!label.place.source) {
      std::string message = printable(label.message);
      return arrow(":::", described(label.place) + (message.empty() ? "" : ": " + message));
    }
    arrow(":::", described(label.place));
    Excerpt excerpt = excerpt_of(label.place);
    source_line(label.place, excerpt);
    underline(label.place, excerpt, '-', Style::frame, label.message);
  }

  /// "= note: text"; further lines stand below the first one's text.
  void attached(const std::string& kind, std::string_view text) {
    out_ += std::string(width_ + 2, ' ') + painted(Style::frame, "=") + " " + painted(Style::strong, kind + ":") + " ";
    std::string indent = "\n" + std::string(width_ + 6 + kind.size(), ' ');
    std::vector<std::string> lines;
    for (std::string_view line : split(text, '\n')) lines.push_back(printable(line));
    out_ += join(lines, indent) + "\n";
  }

  void fix() {
    attached("help", d_.fix->title);
    if (!preview_) return;
    std::uint32_t line = preview_->line;
    if (preview_->file != d_.place.file()) arrow(":::", printable(preview_->file) + ":" + std::to_string(line));
    framed("", "|", "");
    Style style = preview_->sign == '+' ? Style::added : Style::removed;
    Span focus{preview_->focus, preview_->focus};
    for (const std::string& text : preview_->lines) {
      framed(std::to_string(line++), std::string_view(&preview_->sign, 1), painted(style, Excerpt(text, focus).text()));
      focus = {};
    }
  }

  const Diagnostic& d_;
  bool colour_;
  std::optional<FixPreview> preview_;
  std::size_t width_;  ///< of the largest line number shown
  std::string out_;
};

std::string summary_line(const Summary& summary) {
  std::vector<std::string> parts;
  if (summary.errors) parts.push_back(count(summary.errors, "error"));
  if (summary.warnings) parts.push_back(count(summary.warnings, "warning"));
  if (summary.infos) parts.push_back(count(summary.infos, "info"));
  return (parts.empty() ? "no findings" : join(parts, ", ")) + " in " + count(summary.vms, "VM") + "\n";
}

}  // namespace

std::string render_text(const Diagnostic& diagnostic, bool colour) { return Writer(diagnostic, colour).write(); }

std::string render_text(const Report& report, bool colour) {
  std::string out;
  for (const Diagnostic& diagnostic : report.diagnostics) out += render_text(diagnostic, colour) + "\n";
  return out + summary_line(report.summary);
}

}  // namespace hostpci
