// SPDX-License-Identifier: Apache-2.0
#include "endpoint/status_message.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "shmcomm/requester.h"

namespace shmcomm {
namespace {

constexpr char kFromReplier[] = "shmcomm/from_replier";
constexpr char kMaybeExecuted[] = "shmcomm/maybe_executed";

}  // namespace

bool MaybeExecuted(const absl::Status& status) {
  return status.GetPayload(kMaybeExecuted).has_value() || IsFromReplier(status);
}

bool IsFromReplier(const absl::Status& status) { return status.GetPayload(kFromReplier).has_value(); }

namespace endpoint {

std::string EncodeStatus(const absl::Status& status, std::size_t max_bytes) {
  const auto code = static_cast<std::uint32_t>(status.raw_code());
  std::string message(sizeof(code), '\0');
  std::memcpy(message.data(), &code, sizeof(code));
  absl::StrAppend(&message, status.message().substr(0, max_bytes - sizeof(code)));
  return message;
}

absl::Status DecodeStatus(absl::string_view message) {
  std::uint32_t code = 0;
  std::memcpy(&code, message.data(), std::min(message.size(), sizeof(code)));
  message.remove_prefix(std::min(message.size(), sizeof(code)));
  constexpr auto kLast = static_cast<std::uint32_t>(absl::StatusCode::kUnauthenticated);
  const bool is_known = code != 0 && code <= kLast;
  absl::Status status(is_known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown, message);
  status.SetPayload(kFromReplier, absl::Cord());
  return status;
}

absl::Status MarkMaybeExecuted(absl::Status status) {
  status.SetPayload(kMaybeExecuted, absl::Cord());
  return status;
}

}  // namespace endpoint
}  // namespace shmcomm
