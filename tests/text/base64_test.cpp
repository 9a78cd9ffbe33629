// Base64 against the vectors of RFC 4648, and every text that is none.
#include "text/base64.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

TEST_CASE("base64 as RFC 4648 has it, and back") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64(bytes) == text);
    CHECK(from_base64(text) == std::string(bytes));
  }
}

TEST_CASE("base64 keeps every byte") {
  std::string all;
  for (int i = 0; i < 256; ++i) all += char(i);
  CHECK(from_base64(base64(all)) == all);
}

TEST_CASE("only one spelling of bytes is base64") {
  for (const char* wrong : {"Zg", "Zg=", "Zh==", "Zg===", "Z", "=", "Zm9v=", "Zm 9v", "Zm9v\n", "Zm-v"})
    CHECK_MESSAGE(!from_base64(wrong), wrong);
}
