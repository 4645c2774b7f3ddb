// SPDX-License-Identifier: Apache-2.0
// Messages of random schemas, damaged or made of noise, under FlatBuffers' verifier and the accessors of Python: what the
// verifier finds good can be read, and nothing that is read lies outside its message. The input is
//   bytes of the schema's part, 1 byte · the schema's part · choices and damage, 24 bytes · the message's part
#include <sanitizer/asan_interface.h>   // its macros do nothing without the sanitizer
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "fuzz/accessors/interpreter.h"
#include "fuzz/accessors/random_message.h"
#include "fuzz/accessors/random_schema.h"
#include "fuzz/accessors/walk.h"
#include "fuzz/input.h"

namespace shmcomm::fuzz {
namespace {

using Bytes = absl::Span<const std::uint8_t>;

/// Memory that ends where a message ends: the page behind it faults, and the bytes before it are the sanitizer's.
class Fence {
 public:
  Fence() {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* mapped = mmap(nullptr, kMost + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) Fail("no memory");
    data_ = static_cast<std::uint8_t*>(mapped);
    if (mprotect(data_ + kMost, page, PROT_NONE) != 0) Fail("no page that faults");
  }
  python::Region Put(const std::vector<std::uint8_t>& message) {
    const std::size_t bytes = std::min(message.size(), kMost);
    std::uint8_t* at = data_ + kMost - bytes;
    ASAN_UNPOISON_MEMORY_REGION(data_, kMost);
    if (bytes > 0) std::memcpy(at, message.data(), bytes);
    ASAN_POISON_MEMORY_REGION(data_, kMost - bytes);
    return {at, bytes};
  }

 private:
  static constexpr std::size_t kMost = std::size_t{1} << 20;
  std::uint8_t* data_;
};

/// Schemas by their part of the input: making their classes takes longer than reading a message.
class Schemas {
 public:
  python::Schema& Get(Bytes part) {
    if (known_.size() >= kMost) known_.clear();
    auto& schema = known_[std::string(part.begin(), part.end())];
    if (schema == nullptr) {
      Input input(part.data(), part.size());
      schema = LoadSchema(RandomSchema(input));
    }
    return *schema;
  }

 private:
  static constexpr std::size_t kMost = 500;
  std::map<std::string, std::unique_ptr<python::Schema>> known_;
};

/// Said at the end: a target whose messages are all refused would test little.
struct Tally {
  unsigned long long good = 0;
  ~Tally() { std::printf("accessors verified %llu\n", good); }
};

Bytes TakeFrom(Bytes& input, std::size_t bytes) {
  const Bytes part = input.first(std::min(bytes, input.size()));
  input.remove_prefix(part.size());
  return part;
}

/// Half of the messages are as they were made; of the others a few words are changed, and some are cut.
std::vector<std::uint8_t> MakeMessage(const reflection::Schema& schema, const reflection::Object& root, Input& choices, Bytes part) {
  const std::uint8_t kind = choices.Byte();
  if (kind >= 224) return {part.begin(), part.end()};
  Input input(part.data(), part.size());
  std::vector<std::uint8_t> message = RandomMessage(schema, root, input);
  if (kind < 112 || message.size() < 8) return message;
  choices.Damage(reinterpret_cast<std::byte*>(message.data()), message.size(), 4);
  if (kind % 8 == 0) message.resize(choices.Byte() % message.size());
  return message;
}

void TryMessage(Bytes input) {
  static Fence fence;
  static Schemas schemas;
  static Tally tally;
  const Bytes length = TakeFrom(input, 1);
  python::Schema& schema = schemas.Get(TakeFrom(input, length.empty() ? 0 : length[0] % 96));
  const Bytes chosen = TakeFrom(input, 24);
  Input choices(chosen.data(), chosen.size());
  const reflection::Schema& described = *reflection::GetSchema(schema.bytes().data());
  const std::uint32_t root = choices.Byte() % described.objects()->size();
  const reflection::Object& object = *described.objects()->Get(described.objects()->size() - 1 - root);
  const std::vector<std::uint8_t> message = MakeMessage(described, object, choices, input);
  const bool is_good = IsVerified(described, object, message);
  if (is_good) ++tally.good;
  Walk(*schema.FindType(object.name()->str()), fence.Put(message), is_good);
}

}  // namespace
}  // namespace shmcomm::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_started = (shmcomm::fuzz::StartPython(), true);
  static_cast<void>(is_started);
  shmcomm::fuzz::TryMessage({data, size});
  return 0;
}
