// Reads the document of a plan strictly: every field has to be there, and no other.
#include <algorithm>
#include <boost/json.hpp>

#include "plan/saved_json.hpp"
#include "text/base64.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// More would be no plan of ours.
constexpr std::size_t largest = std::size_t(64) << 20;

/// Takes the fields of one object; whatever does not fit is remembered, the first time.
class Fields {
 public:
  Fields(const json::value& value, std::string& fault) : object_(value.if_object()), fault_(fault) {
    if (!object_) wrong("an object is missing");
  }

  /// All fields were taken.
  void close() {
    if (object_ && object_->size() != taken_) wrong("there are fields that this version does not know");
  }

  const json::value* take(std::string_view name) {
    ++taken_;
    const json::value* value = object_ ? object_->if_contains(name) : nullptr;
    if (!value) wrong("`" + std::string(name) + "` is missing");
    return value;
  }

  std::string bytes(std::string_view name) { return bytes_of(take(name), name); }

  std::optional<std::string> content(std::string_view name) {
    const json::value* value = take(name);
    if (!value || value->is_null()) return {};
    return bytes_of(value, name);
  }

  std::uint32_t number(std::string_view name) {
    const json::value* value = take(name);
    return value ? number_of(*value, name) : 0;
  }

  bool flag(std::string_view name) {
    const json::value* value = take(name);
    if (value && value->is_bool()) return value->get_bool();
    wrong("`" + std::string(name) + "` is no boolean");
    return false;
  }

  template <class T, class F>
  std::vector<T> list(std::string_view name, F read) {
    std::vector<T> made;
    const json::value* value = take(name);
    const json::array* array = value ? value->if_array() : nullptr;
    if (!array) wrong("`" + std::string(name) + "` is no list");
    for (std::size_t i = 0; array && i < array->size() && fault_.empty(); ++i) made.push_back(read((*array)[i]));
    return made;
  }

  std::vector<std::string> strings(std::string_view name) {
    return list<std::string>(name, [&](const json::value& item) { return bytes_of(&item, name); });
  }

  std::uint32_t number_of(const json::value& value, std::string_view name) {
    if (value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= 0xffffffff)
      return std::uint32_t(value.get_int64());
    wrong("`" + std::string(name) + "` is no number");
    return 0;
  }

  void wrong(std::string message) {
    if (fault_.empty()) fault_ = std::move(message);
  }

 private:
  std::string bytes_of(const json::value* value, std::string_view name) {
    if (value && value->is_string()) return std::string(value->get_string());
    const json::object* object = value ? value->if_object() : nullptr;
    const json::value* coded = object && object->size() == 1 ? object->if_contains("base64") : nullptr;
    if (coded && coded->is_string())
      if (auto bytes = from_base64(std::string_view(coded->get_string()))) return std::move(*bytes);
    wrong("`" + std::string(name) + "` is no text");
    return {};
  }

  const json::object* object_;
  std::size_t taken_ = 0;
  std::string& fault_;
};

PlannedCommand read_command(const json::value& value, std::string& fault) {
  Fields fields(value, fault);
  PlannedCommand command{fields.strings("words"), fields.bytes("reason")};
  if (command.words.empty()) fields.wrong("a command has no words");
  fields.close();
  return command;
}

FileChange read_file(const json::value& value, std::string& fault) {
  Fields fields(value, fault);
  FileChange file;
  file.path = fields.bytes("path");
  file.before = fields.content("before");
  file.after = fields.content("after");
  file.mode = fields.number("mode");
  file.reasons = fields.strings("reasons");
  if (file.before == file.after) fields.wrong("a file is the same before and after");
  fields.close();
  return file;
}

Loss read_loss(const json::value& value, std::string& fault) {
  Fields fields(value, fault);
  Loss loss{fields.bytes("device"), fields.bytes("what"), fields.flag("critical")};
  fields.close();
  return loss;
}

Obstacle read_obstacle(const json::value& value, std::string& fault) {
  Fields fields(value, fault);
  Obstacle obstacle{fields.bytes("file"), fields.number("line"), fields.bytes("message")};
  fields.close();
  return obstacle;
}

std::pair<std::string, std::string> read_evidence(const json::value& value, std::string& fault) {
  Fields fields(value, fault);
  std::pair<std::string, std::string> item{fields.bytes("what"), fields.bytes("sha256")};
  fields.close();
  return item;
}

void read_origin(Fields& fields, PlanOrigin& origin) {
  origin.program = fields.bytes("program");
  origin.node = fields.bytes("node");
  origin.machine = fields.content("machine");
}

void read_content(Fields& fields, Plan& plan, std::string& fault) {
  auto with = [&](auto read) { return [read, &fault](const json::value& value) { return read(value, fault); }; };
  plan.vms = fields.list<std::uint32_t>("vms", [&](const json::value& item) { return fields.number_of(item, "vms"); });
  plan.files = fields.list<FileChange>("files", with(read_file));
  plan.by_hand = fields.list<PlannedCommand>("byHand", with(read_command));
  plan.refresh = fields.list<PlannedCommand>("refresh", with(read_command));
  plan.undo = fields.list<PlannedCommand>("undo", with(read_command));
  plan.reboot = fields.strings("reboot");
  plan.losses = fields.list<Loss>("losses", with(read_loss));
  plan.obstacles = fields.list<Obstacle>("obstacles", with(read_obstacle));
  plan.notes = fields.strings("notes");
  for (auto& item : fields.list<std::pair<std::string, std::string>>("read", with(read_evidence)))
    plan.read.insert(std::move(item));
}

Failure refuse(const std::string& why) { return Failure{"this is no plan that can be used: " + why}; }

}  // namespace

Result<SavedPlan> read_plan(std::string_view text) {
  if (text.size() > largest) return refuse("it is larger than 64 MiB");
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) return refuse("it is no JSON, or was cut off");
  std::string fault;
  Fields fields(value, fault);
  std::uint32_t version = fields.number("version");
  std::string kind = fields.bytes("kind");
  if (fault.empty() && kind != plan_kind) return refuse("it is of the kind `" + printable(kind) + "`");
  if (fault.empty() && version != plan_format)
    return refuse("it has version " + std::to_string(version) + " of the format, this is " +
                  std::to_string(plan_format));
  SavedPlan saved;
  read_origin(fields, saved.origin);
  read_content(fields, saved.plan, fault);
  saved.plan.node = saved.origin.node;
  std::string digest = fields.bytes("digest");
  fields.close();
  if (!fault.empty()) return refuse(fault);
  if (digest != plan_digest(saved)) return refuse("its content does not fit its digest: it was changed");
  return saved;
}

}  // namespace hostpci
