// SPDX-License-Identifier: Apache-2.0
// A readers file of any content as publishers and cleaners scan it: nothing outside the file is touched, and no line is
// named that the file does not have.
#include <cstring>
#include <memory>

#include "fuzz/input.h"
#include "ring/gate.h"
#include "ring/hazard.h"
#include "ring/repair.h"

namespace shmcomm::fuzz {
namespace {

void Scan(Input& input) {
  const std::uint32_t lines = 1 + input.Byte() % 130;   // bitmaps of one, two and three words
  const std::size_t bytes = layout::LinesOffset(lines) + lines * sizeof(layout::ReaderLine);
  auto* file = new (std::align_val_t{64}) std::byte[bytes]();
  while (!input.empty()) input.Damage(file, bytes, 40);
  const ring::ReadersView readers = ring::ViewReaders(file, lines, 0);

  std::uint32_t seen = 0;
  ring::ScanHazards(readers, [&](ring::Entry) { ++seen; });
  if (seen > lines * layout::kMaxHazards) __builtin_trap();
  ring::SlowestReader slowest;
  const ring::Sequence head = seen * 1000;
  if (ring::Distance(ring::LeastCursor(readers, head, &slowest), head) < 0) __builtin_trap();
  if (slowest.line >= lines) __builtin_trap();
  ring::Demote(readers, slowest.line, slowest.seen);
  for (std::uint32_t line = 0; line < lines; ++line) ring::ClearReaderLine(readers, line);
  ring::ScanHazards(readers, [](ring::Entry) {});
  ::operator delete[](file, std::align_val_t{64});
}

}  // namespace
}  // namespace shmcomm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  shmcomm::fuzz::Input input(data, size);
  shmcomm::fuzz::Scan(input);
  return 0;
}
