// SPDX-License-Identifier: Apache-2.0
// Channels for tests that work on endpoints: a struct, a table and plain bytes, as generated code would describe them,
// and a fixture with a root of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flatbuffers/flatbuffers.h"
#include "shmcomm/publisher.h"
#include "shmcomm/subscriber.h"
#include "shmcomm/typed.h"
#include "support/temporary_root.h"
#include "support/watchdog.h"

namespace shmcomm::test {

/// A struct of eight words.
struct Numbers {
  std::uint64_t value = 0;
  std::uint64_t rest[7] = {};
};

/// `table Image { width: uint32; data: [uint8]; }`
struct Image : private flatbuffers::Table {
  enum Field : flatbuffers::voffset_t { kWidth = 4, kData = 6 };
  std::uint32_t width() const { return GetField<std::uint32_t>(kWidth, 0); }
  const flatbuffers::Vector<std::uint8_t>* data() const {
    return GetPointer<const flatbuffers::Vector<std::uint8_t>*>(kData);
  }
  bool Verify(flatbuffers::Verifier& verifier) const {
    return VerifyTableStart(verifier) && VerifyField<std::uint32_t>(verifier, kWidth, sizeof(std::uint32_t)) && VerifyOffset(verifier, kData) &&
           verifier.VerifyVector(data()) && verifier.EndTable();
  }
};

inline flatbuffers::Offset<Image> CreateImage(flatbuffers::FlatBufferBuilder& builder, std::uint32_t width,
                                              flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> data) {
  const flatbuffers::uoffset_t start = builder.StartTable();
  builder.AddOffset(Image::kData, data);
  builder.AddElement<std::uint32_t>(Image::kWidth, width, 0);
  return flatbuffers::Offset<Image>(builder.EndTable(start));
}

/// An image of `bytes` bytes of data, all `fill`.
inline flatbuffers::Offset<Image> CreateImageOf(flatbuffers::FlatBufferBuilder& builder, std::size_t bytes,
                                                std::uint8_t fill = 7) {
  std::uint8_t* data = nullptr;
  const auto vector = builder.CreateUninitializedVector(bytes, &data);
  std::memset(data, fill, bytes);
  return CreateImage(builder, fill, vector);
}

struct CameraChannel {
  using Message = Image;
  static constexpr std::uint64_t kMaxSize = 8u << 20;
  static const ChannelSpec& Spec() {
    static const ChannelSpec spec = [] {
      ChannelSpec s;
      s.name = "front/camera";
      s.declared_at = "robot.channel:21";
      s.qos.max_size = kMaxSize;
      s.qos.max_publishers = 1;
      s.message.name = "robot.Image";
      s.message.fingerprint = 0x9f3c;
      return s;
    }();
    return spec;
  }
};
using CameraPublisher = TypedPublisher<CameraChannel>;
using CameraSubscriber = TypedSubscriber<CameraChannel>;

/// The channel of Numbers; 1 publisher selects the sole-writer commit.
inline ChannelSpec NumbersSpec(std::uint32_t max_publishers = 8) {
  ChannelSpec spec;
  spec.name = "test/numbers";
  spec.declared_at = "test.channel:1";
  spec.qos.max_size = sizeof(Numbers);
  spec.qos.max_publishers = max_publishers;
  spec.message.name = "test.Numbers";
  spec.message.fingerprint = 0x1234;
  spec.message.is_struct = true;
  spec.message.struct_bytes = sizeof(Numbers);
  return spec;
}

inline ChannelSpec BytesSpec(std::uint64_t max_size) {
  ChannelSpec spec;
  spec.name = "test/bytes";
  spec.declared_at = "test.channel:2";
  spec.qos.max_size = max_size;
  return spec;
}

inline absl::Status Send(Publisher& publisher, std::uint64_t value) {
  const Numbers numbers{value, {value, value, value, value, value, value, value}};
  return publisher.PublishCopy(&numbers, sizeof(numbers), Codec::kStruct);
}

inline std::uint64_t ValueOf(const Sample& sample) {
  std::uint64_t value = 0;
  std::memcpy(&value, sample.data(), sizeof(value));
  return value;
}

/// Every message there is, by value; an error ends it.
inline std::vector<std::uint64_t> TakeValues(Subscriber& subscriber) {
  std::vector<std::uint64_t> values;
  for (;;) {
    auto sample = subscriber.TryTake();
    EXPECT_TRUE(sample.ok()) << sample.status();
    if (!sample.ok() || !sample->has_value()) return values;
    values.push_back(ValueOf(**sample));
  }
}

inline std::vector<std::uint64_t> Range(std::uint64_t from, std::uint64_t to) {
  std::vector<std::uint64_t> values;
  for (; from < to; ++from) values.push_back(from);
  return values;
}

class EndpointTest : public ::testing::Test {
 protected:
  PublisherOptions PublisherHere() const {
    PublisherOptions options;
    options.root = root_.path();
    return options;
  }
  SubscriberOptions SubscriberHere(absl::Duration spin = absl::ZeroDuration()) const {
    SubscriberOptions options;
    options.root = root_.path();
    options.spin = spin;
    return options;
  }
  Publisher OpenPublisher(const ChannelSpec& spec) const {
    auto publisher = Publisher::Open(spec, PublisherHere());
    EXPECT_TRUE(publisher.ok()) << publisher.status();
    return *std::move(publisher);
  }
  Subscriber OpenSubscriber(const ChannelSpec& spec) const {
    auto subscriber = Subscriber::Open(spec, SubscriberHere());
    EXPECT_TRUE(subscriber.ok()) << subscriber.status();
    return *std::move(subscriber);
  }
  std::string Directory(const std::string& component = "test%2Fnumbers") const {
    return root_ / ("default/" + component);
  }
  /// Names of the channel's files; empty when it does not exist.
  std::set<std::string> Files(const std::string& component = "test%2Fnumbers") const {
    std::set<std::string> names;
    std::error_code absent;
    for (const auto& entry : std::filesystem::directory_iterator(Directory(component), absent)) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  TemporaryRoot root_;
  Watchdog watchdog_{::testing::UnitTest::GetInstance()->current_test_info()->name()};
};

}  // namespace shmcomm::test
