// schemas/snapshot.schema.yaml names exactly the fields that reader and writer know.
#include <doctest/doctest.h>

#include <set>

#include "../support/temporary.hpp"
#include "host/snapshot_fields.hpp"

using namespace hostpci;

namespace {

const Yaml* member(const Yaml& map, std::string_view key) {
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2)
    if (map.items[i].text == key) return &map.items[i + 1];
  return nullptr;
}

std::set<std::string> keys(const Yaml& map) {
  std::set<std::string> result;
  for (std::size_t i = 0; i < map.items.size(); i += 2) result.insert(map.items[i].text);
  return result;
}

std::set<std::string> texts(const Yaml* list) {
  std::set<std::string> result;
  if (list)
    for (const Yaml& item : list->items) result.insert(item.text);
  return result;
}

/// The field list of T against `properties` and `required` of one part of the schema.
template <class T>
void check_part(const Yaml& part, std::set<std::string> more = {}) {
  std::set<std::string> fields = more, required = more;
  for (const SnapshotField<T>& field : FieldsOf<T>::list) {
    fields.emplace(field.key);
    if (field.required) required.emplace(field.key);
  }
  const Yaml* properties = member(part, "properties");
  REQUIRE(properties);
  CHECK(keys(*properties) == fields);
  CHECK(texts(member(part, "required")) == required);
}

}  // namespace

TEST_CASE("the schema and the list of fields agree") {
  Sink sink;
  auto schema = parse_yaml(make_source("schema", test::read_file(SOURCE_DIR "/schemas/snapshot.schema.yaml")), sink);
  REQUIRE(schema);
  const Yaml* parts = member(*schema, "$defs");
  REQUIRE(parts);
  check_part<Host>(*schema, {"version"});
  check_part<Kernel>(*member(*parts, "kernel"));
  check_part<Device>(*member(*parts, "device"));
  check_part<Use>(*member(*parts, "use"));
  check_part<MdevType>(*member(*parts, "mdev-type"));
  check_part<RunningVm>(*member(*parts, "running-vm"));
  check_part<UsbDevice>(*member(*parts, "usb-device"));
  check_part<MdevInstance>(*member(*parts, "mdev-instance"));
  check_part<Host::RomFile>(*member(*parts, "rom"));
  check_part<Host::RomFile::Image>(*member(*parts, "rom-image"));
}

TEST_CASE("the schema's kinds of use are the program's") {
  Sink sink;
  auto schema = parse_yaml(make_source("schema", test::read_file(SOURCE_DIR "/schemas/snapshot.schema.yaml")), sink);
  REQUIRE(schema);
  const Yaml* kind = member(*member(*member(*member(*schema, "$defs"), "use"), "properties"), "kind");
  std::set<std::string> kinds;
  for (int k = 0; k <= int(UseKind::drm); ++k) kinds.emplace(name(UseKind(k)));
  CHECK(texts(member(*kind, "enum")) == kinds);
}

TEST_CASE("the manual page describes every field of a device") {
  std::string page = test::read_file(SOURCE_DIR "/man/hostpci-snapshot.5");
  REQUIRE(!page.empty());
  std::string plain;
  for (std::size_t i = 0; i < page.size(); ++i)
    if (!(page[i] == '\\' && i + 1 < page.size() && page[i + 1] == '-')) plain += page[i];
  for (const SnapshotField<Device>& field : FieldsOf<Device>::list) {
    CAPTURE(std::string(field.key));
    CHECK(plain.find(field.key) != std::string::npos);
  }
}
