// SPDX-License-Identifier: Apache-2.0
#include "proc_text.h"

#include <gtest/gtest.h>

#include <string>

namespace computer {
namespace {

TEST(ProcStat, GivesOneElementACoreAndLeavesTheSumOut) {
  const auto cores = ParseStat(
      "cpu  30 3 9 600 6 3 3 3 0 0\n"
      "cpu0 10 1 3 200 2 1 1 1 0 0\n"
      "cpu1 20 2 6 400 4 2 2 2 5 6\n"
      "intr 99 1 2 3\n"
      "cpufreq 7\n");

  ASSERT_EQ(cores.size(), 2u);
  EXPECT_EQ(cores[1].user, 22u);    // with nice
  EXPECT_EQ(cores[1].system, 10u);  // with both kinds of interrupts
  EXPECT_EQ(cores[1].iowait, 4u);
  EXPECT_EQ(cores[1].steal, 2u);
  EXPECT_EQ(cores[1].idle, 400u);
  EXPECT_EQ(cores[0].total(), 219u);
}

TEST(ProcStat, TakesMissingColumnsAsZero) {
  const auto cores = ParseStat("cpu0 1 2 3 4");

  ASSERT_EQ(cores.size(), 1u);
  EXPECT_EQ(cores[0].idle, 4u);
  EXPECT_EQ(cores[0].steal, 0u);
}

TEST(ProcStat, GivesNothingForOtherText) {
  EXPECT_TRUE(ParseStat("").empty());
  EXPECT_TRUE(ParseStat("\n\nbtime 1700000000\n").empty());
}

TEST(ProcMeminfo, GivesBytes) {
  const MemoryInfo info = ParseMeminfo(
      "MemTotal:       24684096 kB\n"
      "MemFree:        23875104 kB\n"
      "MemAvailable:   24220316 kB\n"
      "Cached:           480132 kB\n"
      "SwapCached:          512 kB\n"
      "SwapTotal:       2097148 kB\n"
      "SwapFree:        2097000 kB\n");

  EXPECT_EQ(info.total, 24684096ull * 1024);
  EXPECT_EQ(info.available, 24220316ull * 1024);
  EXPECT_EQ(info.cached, 480132ull * 1024);
  EXPECT_EQ(info.swap_total, 2097148ull * 1024);
  EXPECT_EQ(info.swap_free, 2097000ull * 1024);
}

TEST(ProcLoadavg, GivesTheAveragesAndTheTasks) {
  const auto load = ParseLoadavg("0.47 0.33 0.13 3/88 7575\n");

  ASSERT_TRUE(load.has_value());
  EXPECT_FLOAT_EQ(load->one, 0.47f);
  EXPECT_FLOAT_EQ(load->five, 0.33f);
  EXPECT_FLOAT_EQ(load->fifteen, 0.13f);
  EXPECT_EQ(load->runnable, 3u);
  EXPECT_EQ(load->tasks, 88u);
}

TEST(ProcLoadavg, RefusesOtherText) {
  EXPECT_FALSE(ParseLoadavg("").has_value());
  EXPECT_FALSE(ParseLoadavg("0.1 0.2 0.3").has_value());
}

TEST(ProcUptime, GivesSeconds) {
  EXPECT_DOUBLE_EQ(ParseUptime("1862.31 3490.77\n"), 1862.31);
  EXPECT_DOUBLE_EQ(ParseUptime(""), 0);
}

constexpr char kAfterName[] = " S 1 7569 2791 0 -1 4194304 100 0 0 0 41 59 0 0 20 0 7 0 186231 2998272 394 18446744073709551615";

TEST(ProcessStatText, GivesNameStateTimeThreadsAndMemory) {
  const auto stat = ParseProcessStat(std::string("7576 (camera_node)") + kAfterName);

  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->pid, 7576u);
  EXPECT_EQ(stat->name, "camera_node");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ticks, 100u);
  EXPECT_EQ(stat->threads, 7u);
  EXPECT_EQ(stat->resident_pages, 394u);
}

TEST(ProcessStatText, AllowsAnyNameTheProcessGaveItself) {
  const auto stat = ParseProcessStat(std::string("12 (a) R (b c)") + kAfterName);

  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->name, "a) R (b c");
  EXPECT_EQ(stat->threads, 7u);
}

TEST(ProcessStatText, RefusesTextThatEndsEarly) {
  const std::string whole = std::string("12 (a)") + kAfterName;

  EXPECT_FALSE(ParseProcessStat("").has_value());
  EXPECT_FALSE(ParseProcessStat(")12(").has_value());
  EXPECT_FALSE(ParseProcessStat(whole.substr(0, 40)).has_value());
}

}  // namespace
}  // namespace computer
