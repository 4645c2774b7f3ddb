// SPDX-License-Identifier: Apache-2.0
// Where a channel lies on disk: <root>/<domain>/<percent-encoded channel>.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "platform/os.h"
#include "shmcomm/options.h"

namespace shmcomm::channel {

struct Place {
  std::string root;
  std::string domain;      // one path component
  std::string channel;     // the name as the user knows it
  std::string component;   // the name as one path component
  bool is_default_root = false;
};

/// Options over environment over defaults. Errors: kInvalidArgument an empty, overlong or NUL-containing name.
absl::StatusOr<Place> FindPlace(const std::string& channel, const EndpointOptions& options);

/// Letters, digits, '-', '_' and inner '.' stay; everything else becomes %XX.
std::string EncodeComponent(const std::string& name);
/// The inverse; text that EncodeComponent cannot have made is returned as it is.
std::string DecodeComponent(const std::string& component);

/// Opens the domain's directory, making root and domain where they are absent.
absl::StatusOr<platform::Descriptor> OpenDomain(const Place& place);

/// Removes domain and, if it is the default, root, where they are empty.
void RemoveEmptyParents(const Place& place);

}  // namespace shmcomm::channel
