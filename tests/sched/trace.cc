// SPDX-License-Identifier: Apache-2.0
#include "sched/trace.h"

#include <cinttypes>
#include <cstdio>
#include <utility>

namespace shmcomm::sched {

void Names::AddArray(std::string name, const void* address, std::size_t stride, std::size_t count, Format format) {
  ranges_.push_back({std::move(name), reinterpret_cast<std::uintptr_t>(address), stride, count, format});
}

const Names::Range* Names::Find(const void* address, std::size_t* index) const {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  for (const Range& range : ranges_) {
    const std::uintptr_t offset = at - range.address;
    const std::size_t stride = range.stride == 0 ? 1 : range.stride;
    if (at < range.address || offset % stride != 0 || offset / stride >= range.count) continue;
    *index = offset / stride;
    return &range;
  }
  return nullptr;
}

std::string Names::NameOf(const void* address) const {
  std::size_t index = 0;
  const Range* range = Find(address, &index);
  if (range == nullptr) {
    char text[32];
    std::snprintf(text, sizeof text, "%p", address);
    return text;
  }
  return range->stride == 0 ? range->name : range->name + '[' + std::to_string(index) + ']';
}

std::string Names::ValueAt(const void* address, std::uint64_t value) const {
  std::size_t index = 0;
  const Range* range = Find(address, &index);
  return range != nullptr && range->format != nullptr ? range->format(value) : std::to_string(value);
}

void Trace::Begin(Names names) {
  is_on_ = true;
  names_ = std::move(names);
  text_.clear();
}

std::string Trace::End() {
  is_on_ = false;
  return std::move(text_);
}

void Trace::Note(const std::string& thread, unsigned step, const std::string& text) {
  char head[64];
  std::snprintf(head, sizeof head, "  %-12s %4u  ", thread.c_str(), step);
  text_ += head + text + '\n';
}

const char* OrderName(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: return "seq_cst";
  }
  return "?";
}

}  // namespace shmcomm::sched
