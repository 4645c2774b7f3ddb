// SPDX-License-Identifier: Apache-2.0
// A publisher's binary schema, which comes from shared memory, is parsed and compared with another: any bytes are a
// schema or an error. The second half of the input is the other schema, or its own.
#include "absl/types/span.h"
#include "channel/compatibility.h"
#include "channel/schema_model.h"
#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::Span<const std::uint8_t> bytes(data, size);
  static_cast<void>(shmcomm::channel::SchemaModel::Parse(bytes));
  static_cast<void>(shmcomm::channel::CompareSchemas(bytes, "t.T", bytes, "t.T"));
  const auto half = bytes.subspan(size / 2);
  static_cast<void>(shmcomm::channel::CompareSchemas(bytes, "t.T", half, "t.T"));
  return 0;
}
