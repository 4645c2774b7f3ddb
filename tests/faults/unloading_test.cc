// SPDX-License-Identifier: Apache-2.0
// A plugin that holds the library is loaded and unloaded.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "faults/plugin/plugin.h"
#include "support/forked_child.h"
#include "support/resources.h"
#include "support/test_channels.h"

namespace shmcomm::faults {
namespace {

class Unloading : public test::EndpointTest {
 protected:
  /// Loads the plugin, has it do its work and unloads it. True when all of that went well.
  bool WithPlugin(bool (*Plugin::*work)(const ChannelSpec& spec, const char* root)) const {
    void* const loaded = dlopen(SHMCOMM_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(loaded, nullptr) << dlerror();
    if (loaded == nullptr) return false;
    const auto* const plugin = static_cast<const Plugin*>(dlsym(loaded, "kPlugin"));
    const bool went_well = plugin != nullptr && (plugin->*work)(test::NumbersSpec(), root_.path().c_str());
    return dlclose(loaded) == 0 && went_well;
  }
};

TEST_F(Unloading, OfAPluginThatClosedItsEndpointsLeavesNothing) {
  // In a child, at whose end no leak checker looks: what lives as long as the library is out of its sight without that.
  const int status = test::ExitStatusOf([this] {
    if (!WithPlugin(&Plugin::exchange)) return 1;
    const test::Resources before = test::CountResources(root_.path());
    for (int i = 0; i < 100; ++i) {
      if (!WithPlugin(&Plugin::exchange)) return 2;
    }
    return test::CountResources(root_.path()) == before ? 0 : 3;
  });

  EXPECT_EQ(status, 0);
  EXPECT_TRUE(root_.IsEmpty());
}

TEST_F(Unloading, OfAPluginThatLeftAnEndpointOpenHarmsNobody) {
  Subscriber subscriber = OpenSubscriber(test::NumbersSpec());

  const int status = test::ExitStatusOf([this] {
    if (!WithPlugin(&Plugin::leave_open)) return 1;
    auto publisher = Publisher::Open(test::NumbersSpec(), PublisherHere());
    if (!publisher.ok() || !test::Send(*publisher, 9).ok()) return 2;
    if (test::ExitStatusOf([] { return 0; }) != 0) return 3;   // what runs at a fork may have gone with the plugin
    return WithPlugin(&Plugin::exchange) ? 0 : 4;
  });

  EXPECT_EQ(status, 0);
  EXPECT_EQ(test::TakeValues(subscriber), (std::vector<std::uint64_t>{8, 9, 7}));
  OpenPublisher(test::NumbersSpec()).Close();   // clears up after the process that has ended
  subscriber.Close();
  EXPECT_TRUE(root_.IsEmpty());
}

}  // namespace
}  // namespace shmcomm::faults
