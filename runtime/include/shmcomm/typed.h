// SPDX-License-Identifier: Apache-2.0
// Typed endpoints: all behaviour of generated code, a header for each pattern.
#pragma once

#include "shmcomm/typed_message.h"
#include "shmcomm/typed_pubsub.h"
#include "shmcomm/typed_pushpull.h"
#include "shmcomm/typed_reqrep.h"
