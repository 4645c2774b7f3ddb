// SPDX-License-Identifier: Apache-2.0
#include "channel/place.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace shmcomm::channel {
namespace {

constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxComponentBytes = 255;  // of every file system in question

bool StaysAsItIs(char c, bool is_first) {
  const bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return is_alnum || c == '-' || c == '_' || (c == '.' && !is_first);
}

absl::Status CheckName(const char* what, const std::string& name, const std::string& component) {
  if (name.empty()) return absl::InvalidArgumentError(absl::StrCat("the ", what, " name is empty; give it 1 to 200 bytes"));
  if (name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("the ", what, " name contains a NUL byte; leave that out"));
  }
  if (name.size() <= kMaxNameBytes && component.size() <= kMaxComponentBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the ", what, " name has ", name.size(), " B (", component.size(),
                                                 " encoded), allowed are ", kMaxNameBytes, " (", kMaxComponentBytes,
                                                 " encoded); choose a shorter one"));
}

std::string FirstNonEmpty(std::string option, const char* variable, const char* otherwise) {
  if (!option.empty()) return option;
  std::string value = platform::Environment(variable);
  return value.empty() ? std::string(otherwise) : value;
}

}  // namespace

std::string EncodeComponent(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (StaysAsItIs(c, out.empty())) {
      out.push_back(c);
    } else {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string DecodeComponent(const std::string& component) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  std::string out;
  for (std::size_t i = 0; i < component.size(); ++i) {
    const bool is_escape = component[i] == '%' && i + 2 < component.size() && digit(component[i + 1]) >= 0 &&
                           digit(component[i + 2]) >= 0;
    if (!is_escape) {
      out.push_back(component[i]);
      continue;
    }
    out.push_back(static_cast<char>(digit(component[i + 1]) * 16 + digit(component[i + 2])));
    i += 2;
  }
  return out;
}

absl::StatusOr<Place> FindPlace(const std::string& channel, const EndpointOptions& options) {
  Place place;
  place.channel = options.channel.empty() ? channel : options.channel;
  place.component = EncodeComponent(place.channel);
  if (absl::Status name = CheckName("channel", place.channel, place.component); !name.ok()) return name;
  const std::string domain = FirstNonEmpty(options.domain, "SHMCOMM_DOMAIN", "default");
  place.domain = EncodeComponent(domain);
  if (absl::Status name = CheckName("domain", domain, place.domain); !name.ok()) return name;
  place.root = FirstNonEmpty(options.root, "SHMCOMM_ROOT", "");
  place.is_default_root = place.root.empty();
  if (place.is_default_root) place.root = absl::StrCat("/dev/shm/shmcomm-", platform::UserId());
  return place;
}

absl::StatusOr<platform::Descriptor> OpenDomain(const Place& place) {
  absl::StatusOr<platform::Descriptor> root = platform::OpenOrMakeDirectory(place.root);
  if (!root.ok()) {
    // Only the default root is ever removed by us, so only there "not found" means that it went in between.
    const bool is_final = absl::IsNotFound(root.status()) && !place.is_default_root;
    if (!is_final) return root.status();
    return absl::FailedPreconditionError(
        absl::StrCat("the root directory cannot be made: ", root.status().message(), "; choose another (SHMCOMM_ROOT)"));
  }
  return platform::OpenOrMakeDirectoryAt(root->get(), place.domain);
}

void RemoveEmptyParents(const Place& place) {
  platform::RemoveDirectory(absl::StrCat(place.root, "/", place.domain)).IgnoreError();
  if (place.is_default_root) platform::RemoveDirectory(place.root).IgnoreError();
}

}  // namespace shmcomm::channel
