// SPDX-License-Identifier: Apache-2.0
// A received interop message as one line of text that loses nothing: numbers in decimal, floats as the hexadecimal of
// their bits, strings as the hexadecimal of their bytes. interop_values.py writes the same text.
#pragma once

#include <string>

#include "interop.shm.h"

namespace interop {

std::string Text(const Everything& message);
std::string Text(const Plain& message);
std::string Text(const Choice& message);
std::string Text(const Tiny& message);
std::string Text(const Blob& message);

}  // namespace interop
