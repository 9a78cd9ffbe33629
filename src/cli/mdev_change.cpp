// `mdev create|remove`: what was asked for, under which UUID, the writes, and what became of them.
#include "cli/mdev_change.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <ctime>
#include <set>

#include "cli/failed.hpp"
#include "cli/live.hpp"
#include "config/vm.hpp"
#include "live/mediated.hpp"
#include "live/reservations.hpp"
#include "rules/mdev_uuid.hpp"
#include "rules/resolve.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// Types and instances, who runs, and no more.
constexpr HostParts mdev_parts{.uses = false, .kernel = false, .files = false, .capabilities = false, .state = false};

int wrong(const std::string& message) {
  log_error(message);
  return usage;
}

json::array writes_json(const std::vector<KernelWrite>& writes) {
  json::array list;
  for (const KernelWrite& write : writes) list.push_back({{"path", utf8(write.path)}, {"value", utf8(write.value)}});
  return list;
}

void print(json::object object, Output& out) { out << terminal_safe_json(json::serialize(object)) << "\n"; }

/// What the kernel means by an error that says little.
std::string meaning(const Failure& failure, bool create) {
  if (create && (failure.code == ENOSPC || failure.code == EUSERS)) return "; no instance of this type is free any more";
  if (create && failure.code == EEXIST) return "; a mediated device of this UUID exists";
  if (!create && failure.code == EINPROGRESS) return "; somebody has its VFIO device open";
  return "";
}

/// Carries the writes out or, with --dry-run and no --format json, prints them.
int perform(const Invocation& invocation, LiveSession& session, const std::vector<KernelWrite>& writes, bool create) {
  if (session.dry() && invocation.json()) return done;
  Status status = session.carry_out(writes, *invocation.out);
  return status ? done : failed(Failure{status.error().message + meaning(status.error(), create), 0});
}

Outlook outlook_of(const MediatedAct& act) {
  Outlook all{act.objections, act.given_up};
  for (const KernelWrite& write : act.writes) all.state.push_back(as_text(write));
  return all;
}

/// A VM that takes one of these functions whole is being started, or runs.
void object_to_reservations(LiveSession& session, const std::set<PciAddress>& functions, MediatedAct& act) {
  if (session.from_snapshot()) return;
  Sink found;
  for (const PciAddress& address : functions)
    if (const Device* device = session.host().find(address))
      object_to_reservation(session.system(), *device, std::time(nullptr), found);
  join(act, {std::move(found.diagnostics), {}, {}});
}

class CreateCommand {
 public:
  explicit CreateCommand(Invocation& invocation) : invocation_(invocation), options_(invocation.options), out_(*invocation.out) {}

  int run() {
    if (int status = check_call()) return status;
    int status = done;
    session_ = LiveSession::open(invocation_, status, mdev_parts);
    if (!session_) return status;
    auto look = [this](int& wrong) -> std::optional<Outlook> {
      wrong = find_act();
      if (wrong == done) object_to_reservations(*session_, {device_->address}, act_);
      return wrong == done ? std::optional(outlook_of(act_)) : std::nullopt;
    };
    if (auto answer = settle(invocation_, *session_, look, "make it?")) return *answer;
    return make(act_);
  }

 private:
  int check_call() {
    const auto& words = invocation_.arguments;
    if (words.size() != 3) return wrong("`mdev create` takes a device and a type: hostpci mdev create ADDR TYPE");
    type_ = words[2];
    if (type_.empty() || type_.find('/') != type_.npos) return wrong("`" + type_ + "` cannot be the name of a type");
    if (options_.has("vm") && options_.has("uuid")) return wrong("`--vm` and `--uuid` do not go together: either says the UUID");
    if (options_.has("index") && !options_.has("vm")) return wrong("`--index` is of a line of a VM: give `--vm` too");
    return check_values();
  }

  int check_values() {
    if (options_.has("uuid")) {
      auto uuid = kernel_uuid(options_.text("uuid"));
      if (!uuid) return wrong("`" + options_.text("uuid") + "` is no UUID, such as 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
      uuid_ = *uuid;
    }
    vmid_ = vmid_of_path(options_.text("vm") + ".conf");
    if (options_.has("vm") && vmid_ == 0) return wrong("`" + options_.text("vm") + "` is no VMID, a number from 100 to 999999999");
    auto index = number(options_.text("index"));
    if (options_.has("index") && (!index || *index > 15)) return wrong("`--index` takes the N of hostpciN, from 0 to 15, not `" + options_.text("index") + "`");
    index_ = index ? std::optional(int(*index)) : std::nullopt;
    return done;
  }

  int find_act() {
    if (int refusal = find_device()) return refusal;
    auto vendor = vendor_type(*device_, type_);
    if (vendor) return find_vendor_act(*vendor);
    if (int refusal = choose_uuid()) return refusal;
    act_ = create_mediated(session_->host(), *device_, type_, uuid_);
    return done;
  }

  int find_device() {
    int status = done;
    auto found = session_->devices({invocation_.arguments[1]}, status);
    if (!found) return status;
    if (found->size() > 1) return wrong("`" + invocation_.arguments[1] + "` means " + std::to_string(found->size()) + " functions: name one");
    device_ = found->front();
    return done;
  }

  int find_vendor_act(const std::string& type) {
    for (const char* option : {"vm", "uuid"})
      if (options_.has(option))
        return wrong("`--" + std::string(option) + "` has no meaning with NVIDIA's framework: the function itself gets the type");
    type_ = type;
    act_ = create_mediated(session_->host(), *device_, type);
    return done;
  }

  int choose_uuid() {
    if (!uuid_.empty()) return done;
    if (vmid_ == 0) return random_uuid();
    if (!index_)
      if (int status = find_index()) return status;
    uuid_ = mdev_uuid(vmid_, *index_);
    return done;
  }

  /// Of the kernel that runs, below --root too.
  int random_uuid() {
    const std::string path = "/proc/sys/kernel/random/uuid";
    auto system = real_file_system("/");
    auto text = system ? (*system)->read(path) : Result<std::string>(system.error());
    if (!text) return failed(text.error());
    auto uuid = kernel_uuid(trim(*text));
    if (!uuid) return failed(Failure{"`" + path + "` gives no UUID"});
    uuid_ = *uuid;
    return done;
  }

  /// The line that wishes for this; where several do, the first that has none yet. A snapshot knows no VMs.
  int find_index() {
    index_ = 0;
    if (session_->from_snapshot() && !invocation_.globals.has_root()) return done;
    auto vm = session_->world().vm(std::to_string(vmid_));
    if (!vm) return failed(vm.error());
    std::vector<int> wishing = wishing_lines(*vm);
    auto lacks = [&](int index) {
      const auto& all = session_->host().mdevs;
      return !all || std::none_of(all->begin(), all->end(), [&](const MdevInstance& i) { return i.uuid == mdev_uuid(vmid_, index); });
    };
    auto first = std::find_if(wishing.begin(), wishing.end(), lacks);
    if (!wishing.empty()) index_ = first != wishing.end() ? *first : wishing.front();
    return done;
  }

  std::vector<int> wishing_lines(const Vm& vm) {
    std::vector<int> indexes;
    const Host& host = session_->host();
    for (const ResolvedLine& line : resolve(vm, vm.next_hostpci(), host, session_->world().mappings(host)).lines) {
      if (line.line.parsed.text(HostpciKey::mdev) != type_) continue;
      for (const auto& functions : line.choices)
        if (std::find(functions.begin(), functions.end(), device_->address) != functions.end()) {
          indexes.push_back(line.line.index);
          break;
        }
    }
    return indexes;
  }

  int make(const MediatedAct& act) {
    if (int status = perform(invocation_, *session_, act.writes, true)) return status;
    if (invocation_.json()) print(as_json(act), out_);
    else if (!session_->dry()) out_ << printable(made()) << "\n" << "undo: " << undo() << "\n";
    return done;
  }

  std::string name() const { return uuid_.empty() ? device_->address.str() : uuid_; }
  std::string undo() const { return "hostpci mdev remove " + name(); }

  std::string made() const {
    auto left = free_instances();
    return name() + ": `" + type_ + "`" + (uuid_.empty() ? "" : " of " + device_->address.str()) +
           (left ? ", " + count(*left, "more instance") + " free" : "");
  }

  /// Asked again, for the one that was made took from them.
  std::optional<std::uint64_t> free_instances() const {
    if (uuid_.empty()) return {};
    auto text = session_->system().read("/sys/bus/pci/devices/" + device_->address.str() + "/mdev_supported_types/" + type_ + "/available_instances");
    return text ? number(trim(*text)) : std::nullopt;
  }

  json::object as_json(const MediatedAct& act) const {
    auto left = session_->dry() ? std::nullopt : free_instances();
    return {{"version", 1},
            {"dryRun", session_->dry()},
            {"uuid", uuid_.empty() ? json::value(nullptr) : json::value(uuid_)},
            {"type", utf8(type_)},
            {"device", device_->address.str()},
            {"available", left ? json::value(*left) : json::value(nullptr)},
            {"writes", writes_json(act.writes)},
            {"undo", undo()}};
  }

  Invocation& invocation_;
  const Options& options_;
  Output& out_;
  std::unique_ptr<LiveSession> session_;
  const Device* device_ = nullptr;
  MediatedAct act_;
  std::string type_, uuid_;
  std::uint32_t vmid_ = 0;
  std::optional<int> index_;
};

class RemoveCommand {
 public:
  explicit RemoveCommand(Invocation& invocation) : invocation_(invocation) {}

  int run() {
    if (int status = check_call()) return status;
    int status = done;
    session_ = LiveSession::open(invocation_, status, mdev_parts);
    if (!session_) return status;
    auto look = [this](int& wrong) -> std::optional<Outlook> {
      if ((wrong = gather()) != done) return {};
      if (!session_->from_snapshot()) object_to_open_files(session_->system(), act_);
      object_to_reservations(*session_, parents_, act_);
      return outlook_of(act_);
    };
    if (auto answer = settle(invocation_, *session_, look, "remove them?")) return *answer;
    return remove();
  }

 private:
  int check_call() const {
    if (invocation_.arguments.size() < 2) return wrong("`mdev remove` takes UUIDs, or devices: hostpci mdev remove UUID|ADDR…");
    for (const char* option : {"vm", "index", "uuid"})
      if (invocation_.options.has(option)) return wrong("`--" + std::string(option) + "` does not go with `mdev remove`");
    return done;
  }

  int gather() {
    act_ = {};
    paths_.clear();
    for (std::size_t i = 1; i < invocation_.arguments.size(); ++i) {
      const std::string& word = invocation_.arguments[i];
      auto uuid = kernel_uuid(word);
      if (!uuid && !parse_address_pattern(word)) return wrong("`" + word + "` is neither a UUID nor a PCI address");
      if (int status = uuid ? add_instance(*uuid) : add_devices(word)) return status;
    }
    return done;
  }

  int add_instance(const std::string& uuid) {
    for (const MdevInstance& instance : session_->host().mdevs.value_or(std::vector<MdevInstance>()))
      if (instance.uuid == uuid) parents_.insert(instance.parent);
    return add(remove_mediated(session_->host(), uuid));
  }

  int add_devices(const std::string& word) {
    int status = done;
    auto devices = session_->devices({word}, status);
    if (!devices) return status;
    for (const Device* device : *devices) {
      parents_.insert(device->address);
      add(remove_mediated(session_->host(), *device));
    }
    return done;
  }

  /// What two words mean goes once.
  int add(MediatedAct more) {
    std::erase_if(more.writes, [&](const KernelWrite& write) { return !paths_.insert(write.path).second; });
    join(act_, std::move(more));
    return done;
  }

  int remove() {
    int status = done;
    json::array removed;
    for (const KernelWrite& write : act_.writes) {
      status = perform(invocation_, *session_, {write}, false);
      if (status != done) break;
      std::string name = named(write);
      if (!session_->dry()) removed.emplace_back(name);
      if (!session_->dry() && !invocation_.json()) *invocation_.out << printable("removed " + name) << "\n";
    }
    if (!invocation_.json()) return status;
    print({{"version", 1}, {"dryRun", session_->dry()}, {"removed", std::move(removed)}, {"writes", writes_json(act_.writes)}}, *invocation_.out);
    return status;
  }

  /// The directory whose attribute is written: a UUID; of NVIDIA's framework the function's address.
  static std::string named(const KernelWrite& write) {
    std::string_view path(write.path);
    bool vendor = path.ends_with("/nvidia/current_vgpu_type");
    path = path.substr(0, vendor ? path.rfind("/nvidia/") : path.rfind('/'));
    return std::string(path.substr(path.rfind('/') + 1));
  }

  Invocation& invocation_;
  std::unique_ptr<LiveSession> session_;
  MediatedAct act_;
  std::set<PciAddress> parents_;
  std::set<std::string> paths_;
};

}  // namespace

bool changes_mdev(const std::string& verb) { return verb == "create" || verb == "remove"; }

int run_mdev_change(Invocation& invocation) {
  return invocation.arguments.front() == "create" ? CreateCommand(invocation).run() : RemoveCommand(invocation).run();
}

}  // namespace hostpci
