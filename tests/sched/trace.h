// SPDX-License-Identifier: Apache-2.0
// What happened, one line a step, for people. Nothing is recorded unless it was asked for: the explorer finds a violation
// first and tells it in a second run.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace shmcomm::sched {

/// What a model calls its memory: arrays of words with a name and a way to print their values.
class Names {
 public:
  using Format = std::string (*)(std::uint64_t value);

  void Add(std::string name, const void* address, Format format = nullptr) { AddArray(std::move(name), address, 0, 1, format); }
  /// name[0] lies at `address`, each next one `stride` bytes on.
  void AddArray(std::string name, const void* address, std::size_t stride, std::size_t count, Format format = nullptr);

  std::string NameOf(const void* address) const;
  std::string ValueAt(const void* address, std::uint64_t value) const;

 private:
  struct Range {
    std::string name;
    std::uintptr_t address;
    std::size_t stride;
    std::size_t count;
    Format format;
  };

  const Range* Find(const void* address, std::size_t* index) const;

  std::vector<Range> ranges_;
};

class Trace {
 public:
  void Begin(Names names);
  bool is_on() const { return is_on_; }
  std::string End();

  const Names& names() const { return names_; }
  void Note(const std::string& thread, unsigned step, const std::string& text);

 private:
  bool is_on_ = false;
  Names names_;
  std::string text_;
};

const char* OrderName(std::memory_order order);

}  // namespace shmcomm::sched
