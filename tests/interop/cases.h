// SPDX-License-Identifier: Apache-2.0
// The cases of the messages as endpoints of every pattern take them.
#pragma once

#include <cstdint>
#include <type_traits>

#include "fill.h"

namespace interop {

/// Case `number` of a message: a struct, or what builds a table.
template <class Message>
auto CaseOf(std::uint64_t number) {
  if constexpr (std::is_same_v<Message, Plain>) {
    return MakePlain(number);
  } else if constexpr (std::is_same_v<Message, Tiny>) {
    return Tiny(static_cast<std::uint8_t>(number));
  } else {
    return [number](flatbuffers::FlatBufferBuilder& builder) {
      if constexpr (std::is_same_v<Message, Everything>) {
        return BuildEverything(builder, number);
      } else if constexpr (std::is_same_v<Message, Choice>) {
        return BuildChoice(builder, number);
      } else {
        return BuildBlob(builder, number);
      }
    };
  }
}

}  // namespace interop
