// SPDX-License-Identifier: Apache-2.0
// What the plugin of the unloading tests offers, under the name `kPlugin`.
#pragma once

#include "shmcomm/channel_spec.h"

namespace shmcomm::faults {

struct Plugin {
  /// Opens two endpoints of a channel of structs, passes a message from one to the other, and closes them.
  bool (*exchange)(const ChannelSpec& spec, const char* root);
  /// Opens an endpoint and publishes; nobody closes it.
  bool (*leave_open)(const ChannelSpec& spec, const char* root);
};

}  // namespace shmcomm::faults
