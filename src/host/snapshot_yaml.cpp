// Reading YAML through yaml-cpp's events: no aliases, bounded depth and size, every fault with its place.
#include "host/snapshot_yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>

#include "host/snapshot_text.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

constexpr std::size_t largest_document = std::size_t(16) << 20, largest_scalar = std::size_t(8) << 20;
constexpr std::size_t deepest = 64, most_nodes = 1000000;

struct Refused {
  int line, column;
  std::string message;
};

/// The bytes of a string as a stream, without copying them. Behind a last line feed stands a comment: without it
/// yaml-cpp does not notice a quote that the document never closes.
class View : public std::streambuf {
 public:
  explicit View(std::string_view text) : comment_(!text.empty() && text.back() == '\n') {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }

 protected:
  int_type underflow() override {
    if (!comment_) return traits_type::eof();
    comment_ = false;
    setg(&hash_, &hash_, &hash_ + 1);
    return traits_type::to_int_type(hash_);
  }

 private:
  bool comment_;
  char hash_ = '#';
};

class Builder : public YAML::EventHandler {
 public:
  Yaml take() { return std::move(root_); }
  bool empty() const { return documents_ == 0; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refused{mark.line, mark.column, "a snapshot is one document, here begins another"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(node(mark, Yaml::Kind::null)); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark.line, mark.column, "aliases (`*name`) are not allowed in a snapshot"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    if (value.size() > largest_scalar) throw Refused{mark.line, mark.column, "a text of more than 8 MiB"};
    Yaml scalar = node(mark, Yaml::Kind::scalar);
    scalar.text = value;
    scalar.plain = tag == "?";
    if (tag == "!bytes")
      undo_bytes(scalar);
    else if (tag != "?" && tag != "!")
      scalar.tag = checked_tag(mark, tag);
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Yaml::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, tag, Yaml::Kind::map);
  }
  void OnMapEnd() override {
    check_keys(stack_.back());
    close();
  }

 private:
  Yaml node(const YAML::Mark& mark, Yaml::Kind kind) {
    if (++nodes_ > most_nodes) throw Refused{mark.line, mark.column, "more than a million values"};
    Yaml result;
    result.kind = kind;
    result.line = mark.line;
    result.column = mark.column;
    return result;
  }

  /// Tags of unknown fields are kept, so they must be such that they can be written again.
  static std::string checked_tag(const YAML::Mark& mark, const std::string& tag) {
    for (char c : tag)
      if (c <= ' ' || c > '~' || c == '<' || c == '>' || c == '%' || c == '"' || c == '\\')
        throw Refused{mark.line, mark.column, "this tag is not understood"};
    return tag;
  }

  /// In `!bytes "…"` every character stands for the byte of its number.
  static void undo_bytes(Yaml& scalar) {
    auto bytes = narrow_to_bytes(scalar.text);
    if (!bytes) throw Refused{scalar.line, scalar.column, "`!bytes` holds a character above \\xFF"};
    scalar.text = std::move(*bytes);
    scalar.plain = false;
  }

  void open(const YAML::Mark& mark, const std::string& tag, Yaml::Kind kind) {
    if (stack_.size() >= deepest) throw Refused{mark.line, mark.column, "nested more than 64 deep"};
    stack_.push_back(node(mark, kind));
    if (tag != "?" && tag != "!") stack_.back().tag = checked_tag(mark, tag);
  }

  void close() {
    Yaml done = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(done));
  }

  void add(Yaml node) {
    if (stack_.empty())
      root_ = std::move(node);
    else
      stack_.back().items.push_back(std::move(node));
  }

  static void check_keys(const Yaml& map) {
    std::vector<const Yaml*> keys;
    for (std::size_t i = 0; i < map.items.size(); i += 2) {
      const Yaml& key = map.items[i];
      if (!key.is(Yaml::Kind::scalar)) throw Refused{key.line, key.column, "a key that is no text"};
      keys.push_back(&key);
    }
    std::stable_sort(keys.begin(), keys.end(), [](const Yaml* a, const Yaml* b) { return a->text < b->text; });
    auto twice =
        std::adjacent_find(keys.begin(), keys.end(), [](const Yaml* a, const Yaml* b) { return a->text == b->text; });
    if (twice == keys.end()) return;
    const Yaml& second = **(twice + 1);
    throw Refused{second.line, second.column, "`" + excerpt(second.text) + "` stands twice in one map"};
  }

  Yaml root_;
  std::vector<Yaml> stack_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

/// YAML's own limits, tested first: yaml-cpp reads such bytes as something else.
std::optional<Refused> unprintable(std::string_view text) {
  std::size_t at = find_unreadable(text);
  if (at == text.size()) return {};
  int line = int(std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n'));
  std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  bool control = std::uint8_t(text[at]) < 0x80;
  return Refused{line, int(at - begin),
                 control ? "a control character, which YAML does not allow" : "bytes that are no UTF-8"};
}

Yaml build(std::string_view text) {
  View view(text);
  std::istream stream(&view);
  YAML::Parser parser(stream);
  Builder builder;
  while (parser.HandleNextDocument(builder)) {
  }
  if (builder.empty()) throw Refused{0, 0, "an empty snapshot"};
  return builder.take();
}

}  // namespace

Diagnostic yaml_problem(const SourcePtr& source, int line, int column, std::string message) {
  std::size_t begin = 0;
  for (int i = 0; i < line; ++i) {
    std::size_t end = source->text.find('\n', begin);
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  std::size_t at = std::min(begin + std::size_t(std::max(column, 0)), source->text.size());
  std::size_t end = at;
  while (end < source->text.size() && std::string_view(" \n\r,]}").find(source->text[end]) == std::string_view::npos)
    ++end;
  Diagnostic problem;
  problem.rule = "snapshot";
  problem.severity = Severity::error;
  problem.message = std::move(message);
  problem.place = Place(source, Span{std::uint32_t(at), std::uint32_t(end)});
  return problem;
}

std::optional<Yaml> parse_yaml(const SourcePtr& source, Sink& sink) {
  try {
    if (source->text.size() > largest_document) throw Refused{0, 0, "a snapshot of more than 16 MiB"};
    if (auto bad = unprintable(source->text)) throw *bad;
    return build(source->text);
  } catch (const Refused& refused) {
    sink.add(yaml_problem(source, refused.line, refused.column, refused.message));
  } catch (const YAML::Exception& error) {
    sink.add(yaml_problem(source, error.mark.line, error.mark.column, "not valid YAML: " + printable(error.msg)));
  }
  return {};
}

}  // namespace hostpci
