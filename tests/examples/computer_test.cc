// SPDX-License-Identifier: Apache-2.0
// The reader of /proc and /sys against folders laid out by hand.
#include "computer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace computer {
namespace {

namespace fs = std::filesystem;

class FakeSystem : public ::testing::Test {
 protected:
  FakeSystem() {
    std::string name = (fs::temp_directory_path() / "shmcomm_computer_XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~FakeSystem() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void WriteProcess(int pid, const std::string& name, int ticks) {
    Write("proc/" + std::to_string(pid) + "/stat", std::to_string(pid) + " (" + name + ") R 1 1 1 0 -1 0 0 0 0 0 " +
                                                       std::to_string(ticks) + " 0 0 0 20 0 1 0 5 4096 2 0");
  }
  Computer MakeComputer() const { return Computer(root_ / "proc", root_ / "sys"); }

  fs::path root_;
};

TEST_F(FakeSystem, ThatIsEmptyGivesAnEmptyReading) {
  const Reading reading = MakeComputer().Read(5);

  EXPECT_TRUE(reading.cores.empty());
  EXPECT_TRUE(reading.busiest.empty());
  EXPECT_TRUE(reading.temperatures.empty());
  EXPECT_EQ(reading.memory.total, 0u);
}

TEST_F(FakeSystem, SharesACoresTimeSinceTheLastReading) {
  Computer computer = MakeComputer();
  Write("proc/stat", "cpu0 100 0 100 100 0 0 0 0\n");
  computer.Read(0);
  Write("proc/stat", "cpu0 150 0 125 120 5 0 0 0\n");

  const Reading reading = computer.Read(0);

  ASSERT_EQ(reading.cores.size(), 1u);
  EXPECT_FLOAT_EQ(reading.cores[0].user, 0.5f);
  EXPECT_FLOAT_EQ(reading.cores[0].system, 0.25f);
  EXPECT_FLOAT_EQ(reading.cores[0].iowait, 0.05f);
  EXPECT_FLOAT_EQ(reading.cores[0].idle, 0.2f);
}

TEST_F(FakeSystem, CallsACoreIdleWhenNoTimePassedOrACounterSteppedBack) {
  Computer computer = MakeComputer();
  Write("proc/stat", "cpu0 100 0 100 100 0 0 0 0\n");
  computer.Read(0);
  Write("proc/stat", "cpu0 100 0 100 99 0 0 0 0\n");

  const Reading reading = computer.Read(0);

  ASSERT_EQ(reading.cores.size(), 1u);
  EXPECT_FLOAT_EQ(reading.cores[0].idle, 1.0f);
  EXPECT_FLOAT_EQ(reading.cores[0].user, 0.0f);
}

TEST_F(FakeSystem, ListsTheBusiestProcessesFirstAndNoMoreThanAsked) {
  Computer computer = MakeComputer();
  WriteProcess(10, "idle", 1000);
  WriteProcess(11, "busy", 10);
  WriteProcess(12, "calm", 10);
  computer.Read(3);
  WriteProcess(11, "busy", 90);
  WriteProcess(12, "calm", 20);

  const Reading reading = computer.Read(2);

  ASSERT_EQ(reading.busiest.size(), 2u);
  EXPECT_EQ(reading.busiest[0].stat.name, "busy");
  EXPECT_EQ(reading.busiest[1].stat.name, "calm");
  EXPECT_GT(reading.busiest[0].cores, reading.busiest[1].cores);
}

TEST_F(FakeSystem, SkipsFoldersOfProcThatAreNoProcesses) {
  WriteProcess(10, "one", 1);
  Write("proc/sys/stat", "not a process");
  Write("proc/99/stat", "cut sho");

  const Reading reading = MakeComputer().Read(9);

  ASSERT_EQ(reading.busiest.size(), 1u);
  EXPECT_EQ(reading.busiest[0].stat.pid, 10u);
}

TEST_F(FakeSystem, NamesTemperaturesByZoneAndByChip) {
  Write("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
  Write("sys/class/thermal/thermal_zone0/temp", "48500\n");
  Write("sys/class/thermal/cooling_device0/type", "Fan\n");
  Write("sys/class/hwmon/hwmon0/name", "nvme\n");
  Write("sys/class/hwmon/hwmon0/temp1_input", "31850\n");
  Write("sys/class/hwmon/hwmon0/temp1_label", "Composite\n");
  Write("sys/class/hwmon/hwmon0/temp2_input", "-2000\n");
  Write("sys/class/hwmon/hwmon0/temp3_input", "");

  const Reading reading = MakeComputer().Read(0);

  ASSERT_EQ(reading.temperatures.size(), 3u);
  EXPECT_EQ(reading.temperatures[0].sensor, "x86_pkg_temp");
  EXPECT_FLOAT_EQ(reading.temperatures[0].celsius, 48.5f);
  EXPECT_EQ(reading.temperatures[1].sensor, "nvme Composite");
  EXPECT_FLOAT_EQ(reading.temperatures[1].celsius, 31.85f);
  EXPECT_EQ(reading.temperatures[2].sensor, "nvme temp2");
  EXPECT_FLOAT_EQ(reading.temperatures[2].celsius, -2.0f);
}

TEST(ThisComputer, HasAName) {
  EXPECT_FALSE(Computer().Read(1).host.empty());
}

}  // namespace
}  // namespace computer
