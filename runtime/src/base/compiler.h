// SPDX-License-Identifier: Apache-2.0
// What the optimiser is told about the hot path. No meaning, only speed.
#pragma once

#if defined(__GNUC__)
/// Inline everything this function calls, so that the small values passed between its steps stay in registers: read back
/// from the stack, each costs a failed store forwarding of a dozen cycles.
#define SHMCOMM_FLATTEN __attribute__((flatten))
/// Rarely called, and never part of a flattened caller.
#define SHMCOMM_COLD __attribute__((cold, noinline))
#else
#define SHMCOMM_FLATTEN
#define SHMCOMM_COLD
#endif
