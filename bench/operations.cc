// SPDX-License-Identifier: Apache-2.0
// Single operations in one process, with Google Benchmark: the format alone beside the same message built in a slot and
// published, taken and read; struct publish and take; opening. Run with --benchmark_enable_random_interleaving=true and
// repetitions, and compare lines of one run.
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "flatbuffers/flatbuffers.h"
#include "support/channels.h"

namespace shmcomm::bench {
namespace {

// The table of comparison: ten scalars, a string, sixteen floats. Written with the builder's own calls, as generated code
// does it.
constexpr flatbuffers::voffset_t Slot(int field) { return static_cast<flatbuffers::voffset_t>(4 + 2 * field); }

flatbuffers::Offset<flatbuffers::Table> BuildTable(flatbuffers::FlatBufferBuilder& fbb, std::uint64_t seed) {
  float* floats = nullptr;
  const auto vector = fbb.CreateUninitializedVector(16, sizeof(float), reinterpret_cast<std::uint8_t**>(&floats));
  for (int i = 0; i < 16; ++i) floats[i] = static_cast<float>(seed + static_cast<std::uint64_t>(i));
  const auto text = fbb.CreateString("a name of twenty-two B", 22);
  const auto start = fbb.StartTable();
  for (int field = 0; field < 10; ++field) fbb.AddElement<std::uint64_t>(Slot(field), seed + 1, 0);
  fbb.AddOffset(Slot(10), text);
  fbb.AddOffset(Slot(11), flatbuffers::Offset<void>(vector));
  return flatbuffers::Offset<flatbuffers::Table>(fbb.EndTable(start));
}

std::uint64_t ReadTable(const std::uint8_t* data) {
  const auto* table = flatbuffers::GetRoot<flatbuffers::Table>(data);
  std::uint64_t sum = 0;
  for (int field = 0; field < 10; ++field) sum += table->GetField<std::uint64_t>(Slot(field), 0);
  sum += table->GetPointer<const flatbuffers::String*>(Slot(10))->size();
  for (const float value : *table->GetPointer<const flatbuffers::Vector<float>*>(Slot(11))) sum += static_cast<std::uint64_t>(value);
  return sum;
}

void BuildFormatAlone(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder fbb(1024);
  std::uint64_t seed = 0;
  for (auto _ : state) {
    fbb.Clear();
    fbb.Finish(BuildTable(fbb, ++seed));
    benchmark::DoNotOptimize(fbb.GetBufferPointer());
  }
}
BENCHMARK(BuildFormatAlone);

void BuildInSlotAndPublish(benchmark::State& state) {
  ChannelSpec spec = BytesChannel("bench/table", 4096);
  Publisher publisher = Require(Publisher::Open(spec));
  std::uint64_t seed = 0;
  for (auto _ : state) {
    Loan loan = Require(publisher.Loan());
    loan.builder().Finish(BuildTable(loan.builder(), ++seed));
    Require(publisher.Publish(std::move(loan)));
  }
}
BENCHMARK(BuildInSlotAndPublish);

void PublishTakeAndReadTable(benchmark::State& state) {
  ChannelSpec spec = BytesChannel("bench/table/read", 4096);
  Publisher publisher = Require(Publisher::Open(spec));
  Subscriber subscriber = Require(Subscriber::Open(spec));
  std::uint64_t seed = 0;
  for (auto _ : state) {
    Loan loan = Require(publisher.Loan());
    loan.builder().Finish(BuildTable(loan.builder(), ++seed));
    Require(publisher.Publish(std::move(loan)));
    const auto sample = Require(subscriber.TryTake());
    benchmark::DoNotOptimize(ReadTable(sample->data()));
  }
}
BENCHMARK(PublishTakeAndReadTable);

void ReadFormatAlone(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder fbb(1024);
  fbb.Finish(BuildTable(fbb, 7));
  for (auto _ : state) benchmark::DoNotOptimize(ReadTable(fbb.GetBufferPointer()));
}
BENCHMARK(ReadFormatAlone);

void PublishStruct(benchmark::State& state) {
  const ChannelSpec spec = LineChannel("bench/struct", static_cast<std::uint32_t>(state.range(0)));
  Publisher publisher = Require(Publisher::Open(spec));
  const Line line{};
  for (auto _ : state) Require(publisher.PublishCopy(&line, sizeof(line), Codec::kStruct));
}
BENCHMARK(PublishStruct)->Arg(1)->Arg(8)->ArgName("publishers");

void PublishAndTakeStruct(benchmark::State& state) {
  const ChannelSpec spec = LineChannel("bench/struct/take", static_cast<std::uint32_t>(state.range(0)));
  Publisher publisher = Require(Publisher::Open(spec));
  Subscriber subscriber = Require(Subscriber::Open(spec));
  const Line line{};
  for (auto _ : state) {
    Require(publisher.PublishCopy(&line, sizeof(line), Codec::kStruct));
    const auto sample = Require(subscriber.TryTake());
    benchmark::DoNotOptimize(sample->data());
  }
}
BENCHMARK(PublishAndTakeStruct)->Arg(1)->Arg(8)->ArgName("publishers");

void OpenPairOnNewChannel(benchmark::State& state) {
  const ChannelSpec spec = LineChannel("bench/open/new", 1);
  for (auto _ : state) {
    const Publisher publisher = Require(Publisher::Open(spec));
    const Subscriber subscriber = Require(Subscriber::Open(spec));
  }
}
BENCHMARK(OpenPairOnNewChannel)->Unit(benchmark::kMicrosecond);

void AttachToExistingChannel(benchmark::State& state) {
  const ChannelSpec spec = LineChannel("bench/open/existing", 1);
  const Publisher publisher = Require(Publisher::Open(spec));
  for (auto _ : state) {
    const Subscriber subscriber = Require(Subscriber::Open(spec));
  }
}
BENCHMARK(AttachToExistingChannel)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace shmcomm::bench

BENCHMARK_MAIN();
