// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: first its corpus, then random mutations of it, always the same number and, with
// the same seed, the same ones. The input of a crash is printed. A slow target makes only one of so many executions.
#include <sys/time.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/input.h"

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMostBytes = 4096;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::vector<Bytes> ReadCorpus(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Bytes Next(const std::vector<Bytes>& corpus) {
    Bytes bytes = corpus.empty() || random_() % 4 == 0 ? Random() : corpus[random_() % corpus.size()];
    for (std::uint64_t changes = random_() % 8; changes > 0; --changes) Change(bytes);
    return bytes;
  }

 private:
  Bytes Random() {
    Bytes bytes(random_() % 256);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return bytes;
  }
  void Change(Bytes& bytes) {
    const std::size_t at = bytes.empty() ? 0 : random_() % bytes.size();
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (bytes.empty() ? 3 : random_() % 6) {
      case 0: bytes[at] = static_cast<std::uint8_t>(random_()); break;
      case 1: bytes[at] ^= static_cast<std::uint8_t>(1 << random_() % 8); break;
      case 2: bytes[at] = random_() % 2 == 0 ? 0x00 : 0xFF; break;
      case 3: if (bytes.size() < kMostBytes) bytes.insert(place, 1 + random_() % 8, static_cast<std::uint8_t>(random_())); break;
      case 4: bytes.erase(place); break;
      default: bytes.resize(at); break;
    }
  }

  std::mt19937_64 random_;
};

Bytes at_hand;

/// Says which input did it, as `xxd -r -p` reads it.
void Confess() {
  for (const std::uint8_t byte : at_hand) std::fprintf(stderr, "%02x", byte);
  std::fprintf(stderr, "\n^ the input\n");
}

void Die(int signal) {
  Confess();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// A sanitizer tells by itself, and then calls us; otherwise it is a signal.
void ConfessBeforeDeath() {
  for (const int signal : {SIGABRT, SIGFPE, SIGILL, SIGPROF}) std::signal(signal, &Die);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(&Confess);
  } else {
    for (const int signal : {SIGSEGV, SIGBUS}) std::signal(signal, &Die);
  }
}

/// Of processor time, for an input that takes for ever: on a busy machine a minute may pass beside any input.
void GiveAMinute() {
  itimerval minute{};
  minute.it_value.tv_sec = 60;
  setitimer(ITIMER_PROF, &minute, nullptr);
}

void Try(Bytes bytes) {
  at_hand = std::move(bytes);
  const Bytes exact = at_hand;   // a block of just this size: a read past it is seen
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t one_of = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 1;
  if (argc < 2 || argc > 3 || one_of == 0) {
    std::fprintf(stderr, "usage: %s CORPUS [ONE_OF]\n", argv[0]);
    return 2;
  }
  ConfessBeforeDeath();
  const std::uint64_t seed = FromEnvironment("SHMCOMM_SEED", std::random_device()());
  const std::uint64_t runs = FromEnvironment("SHMCOMM_FUZZ_RUNS", 50'000) / one_of;
  std::printf("SHMCOMM_SEED=%llu\n", static_cast<unsigned long long>(seed));
  const std::vector<Bytes> corpus = ReadCorpus(argv[1]);
  for (const Bytes& bytes : corpus) Try(bytes);
  Mutator mutator(seed);
  for (std::uint64_t run = 0; run < runs; ++run) {
    GiveAMinute();
    Try(mutator.Next(corpus));
  }
  std::printf("fuzz %s executions %llu\n", std::filesystem::path(argv[0]).filename().c_str(),
              static_cast<unsigned long long>(runs + corpus.size()));
  return 0;
}
