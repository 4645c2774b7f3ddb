// SPDX-License-Identifier: Apache-2.0
// An error as a message: what a replier answers in place of a reply (Codec::kStatus), and the marks that errors of calls
// carry for programs.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace shmcomm::endpoint {

/// The code in four bytes, then the text, cut where it would pass `max_bytes` (at least 4).
std::string EncodeStatus(const absl::Status& status, std::size_t max_bytes);

/// The inverse, marked as the replier's own. An unknown code, or what no EncodeStatus made, becomes kUnknown.
absl::Status DecodeStatus(absl::string_view message);

/// `status`, marked: the request may have been executed.
absl::Status MarkMaybeExecuted(absl::Status status);

}  // namespace shmcomm::endpoint
