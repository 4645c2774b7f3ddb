// SPDX-License-Identifier: Apache-2.0
#include "sched/folders.h"

#include <algorithm>

namespace shmcomm::sched {

void Folders::Reset() {
  folders_.clear();
  opened_.clear();
}

Folders::Folder* Folders::Find(const std::string& name) {
  const auto is_it = [&name](const Folder& each) { return each.is_linked && each.name == name; };
  const auto found = std::find_if(folders_.begin(), folders_.end(), is_it);
  return found != folders_.end() ? &*found : nullptr;
}

Folders::Folder* Folders::Opened(int file) const {
  const auto found = opened_.find(file);
  return found != opened_.end() ? found->second : nullptr;
}

bool Folders::Make(const std::string& name) {
  if (Has(name)) return false;
  folders_.push_back(Folder{name, true, {}});
  return true;
}

bool Folders::Open(const std::string& name, int file) {
  Folder* folder = Find(name);
  if (folder != nullptr) opened_[file] = folder;
  return folder != nullptr;
}

bool Folders::Remove(const std::string& name) {
  Folder* folder = Find(name);
  if (folder == nullptr || !folder->names.empty()) return false;
  folder->is_linked = false;
  return true;
}

std::vector<std::string> Folders::names() const {
  std::vector<std::string> names;
  for (const Folder& folder : folders_) {
    if (folder.is_linked) names.push_back(folder.name);
  }
  return names;
}

std::string Folders::NameOf(int file) const {
  const Folder* folder = Opened(file);
  return folder != nullptr ? folder->name : "";
}

const std::vector<std::string>* Folders::NamesIn(int file) const {
  const Folder* folder = Opened(file);
  return folder != nullptr ? &folder->names : nullptr;
}

bool Folders::Link(int file, const std::string& name) {
  Folder* folder = Opened(file);
  if (folder == nullptr || !folder->is_linked) return false;
  folder->names.push_back(name);
  return true;
}

bool Folders::Unlink(int file, const std::string& name) {
  Folder* folder = Opened(file);
  if (folder == nullptr) return false;
  const auto gone = std::remove(folder->names.begin(), folder->names.end(), name);
  const bool was_there = gone != folder->names.end();
  folder->names.erase(gone, folder->names.end());
  return was_there;
}

}  // namespace shmcomm::sched
