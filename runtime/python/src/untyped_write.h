// SPDX-License-Identifier: Apache-2.0
// An encoded object on its way out, whatever sends it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors.h"
#include "shmcomm/loan.h"
#include "untyped_encode.h"
#include "untyped_options.h"

namespace shmcomm::python {

/// Sends `message` through `to`, which has
///   GiveCopy(data, bytes, codec), Lend(), GiveRaw(loan, codec)
/// A message that has to be written is written into a loan, unless it is small: the program may hold all loans.
template <class To>
absl::Status WriteMessage(To&& to, const Encoded& message) {
  constexpr std::size_t kSmallBytes = 1024;
  if (const void* plain = message.plain()) return to.GiveCopy(plain, message.bytes(), message.codec());
  if (message.bytes() <= kSmallBytes) {
    std::array<std::uint8_t, kSmallBytes> small;
    message.WriteTo(small.data());
    return to.GiveCopy(small.data(), message.bytes(), message.codec());
  }
  absl::StatusOr<shmcomm::Loan> loan = to.Lend();
  if (!loan.ok()) return loan.status();
  absl::StatusOr<std::uint8_t*> place = loan->Raw(message.bytes());
  if (!place.ok()) return place.status();
  message.WriteTo(*place);
  return to.GiveRaw(*std::move(loan), message.codec());
}

/// 9437312 as 9,437,312.
inline std::string WithCommas(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4) digits.insert(digits.size() - from_end, ",");
  return digits;
}

/// False with SHMMessageTooLargeError, which says how the end `kind` may send it, or that nobody may.
inline bool CheckFits(const std::string& channel, std::size_t bytes, std::uint64_t max_size, const char* kind) {
  if (bytes <= max_size) return true;
  const std::string remedy = bytes <= kUntypedLargest
                                 ? std::string("open the ") + kind + " with max_size=" + std::to_string(bytes)
                                 : "no message can have more than " + WithCommas(kUntypedLargest) + " B: send parts";
  SetError(ErrorKind::kMessageTooLarge, "%s: message is %s B, max_size is %s B; %s", channel.c_str(),
           WithCommas(bytes).c_str(), WithCommas(max_size).c_str(), remedy.c_str());
  return false;
}

}  // namespace shmcomm::python
