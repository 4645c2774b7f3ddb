// SPDX-License-Identifier: Apache-2.0
#include "endpoint/polled.h"

#include <utility>

#include "endpoint/messages.h"
#include "wake/several.h"

namespace shmcomm::endpoint {

absl::StatusOr<int> Polled::Open(Waitable& endpoint) {
  if (!endpoint.IsThisProcess()) return Forked(endpoint.name());
  if (is_open()) return poll_.get();
  if (absl::Status made = MakeFor(endpoint); !made.ok()) return Named(endpoint.name(), made);
  ArmOrTell(endpoint);  // what is there already makes it readable at once
  return poll_.get();
}

absl::Status Polled::MakeFor(Waitable& endpoint) {
  const absl::StatusOr<const platform::KeptDescriptor*> wake_file = endpoint.WakeFile();
  if (!wake_file.ok()) return wake_file.status();
  absl::StatusOr<platform::Descriptor> timer = platform::MakeTimer();
  if (!timer.ok()) return timer.status();
  absl::StatusOr<platform::Descriptor> poll = platform::MakePoll();
  if (!poll.ok()) return poll.status();
  for (const int file : {(*wake_file)->get(), timer->get()}) {
    if (absl::Status added = platform::PollAdd(poll->get(), file, 0); !added.ok()) return added;
  }
  wake_file_ = *wake_file;
  timer_ = platform::KeptDescriptor(*std::move(timer));
  poll_ = platform::KeptDescriptor(*std::move(poll));
  return absl::OkStatus();
}

void Polled::ArmOrTell(Waitable& endpoint) {
  if (ArmAgain(endpoint)) platform::WriteByte(*wake_file_);
}

bool Polled::ArmAgain(Waitable& endpoint) {
  // The order of every wait, the wake file in the place of the word: empty it, arm, fence, look (I8, H19).
  platform::Drain(*wake_file_);
  Waitable* const one[] = {&endpoint};
  wake::ArmAll(one, one + 1, wake::Ear::kDescriptor);
  const bool is_ready = endpoint.IsReady();
  platform::SetTimer(timer_, endpoint.longest_sleep_ns());  // after the look, which may have told
  return is_ready;
}

}  // namespace shmcomm::endpoint
