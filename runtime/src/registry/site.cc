// SPDX-License-Identifier: Apache-2.0
#include "registry/site.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "registry/membership.h"
#include "segment/layout.h"

namespace shmcomm::registry {

std::string DataFileName(std::uint32_t publisher, std::uint32_t generation) {
  return absl::StrCat("pub.", publisher, ".", generation);
}

std::optional<DataFileNumbers> ParseDataFileName(const std::string& name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '.');
  DataFileNumbers file;
  if (parts.size() != 3 || parts[0] != "pub") return std::nullopt;
  if (!absl::SimpleAtoi(parts[1], &file.publisher) || !absl::SimpleAtoi(parts[2], &file.generation)) return std::nullopt;
  if (file.publisher == 0 || file.publisher > layout::kMaxPublishers) return std::nullopt;
  return file;
}

bool IsSharedFile(const std::string& name) {
  return name == kRingFile || name == kReadersFile || name == kLockFile || ParseDataFileName(name).has_value() ||
         wake::IsWakeFileName(name);
}

}  // namespace shmcomm::registry
