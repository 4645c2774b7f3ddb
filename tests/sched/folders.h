// SPDX-License-Identifier: Apache-2.0
// Directories inside the one directory of the model: their names, and the names in each.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace shmcomm::sched {

class Folders {
 public:
  void Reset();
  /// False where there is one of that name.
  bool Make(const std::string& name);
  bool Has(const std::string& name) { return Find(name) != nullptr; }
  /// `file` is a new descriptor of it. False where there is none.
  bool Open(const std::string& name, int file);
  /// Only an empty one goes. It lives on for who has it open, but nothing can be linked in it any more.
  bool Remove(const std::string& name);
  std::vector<std::string> names() const;

  /// Of a descriptor: the directory's name, and what is in it. Empty and null where it is none.
  std::string NameOf(int file) const;
  const std::vector<std::string>* NamesIn(int file) const;
  bool Link(int file, const std::string& name);
  bool Unlink(int file, const std::string& name);

 private:
  struct Folder {
    std::string name;
    bool is_linked = true;
    std::vector<std::string> names;
  };

  Folder* Find(const std::string& name);
  Folder* Opened(int file) const;

  std::deque<Folder> folders_;       // in place
  std::map<int, Folder*> opened_;
};

}  // namespace shmcomm::sched
