// temporary_file: a new file under a name that nobody else has, readable and writable by its owner only,
// that goes unless it is given a name that stays.
//
//   result<temporary_file> draft = co_await temporary_file::create("/var/spool/letters");
//   …  co_await draft->contents().write_all_at(0, bytes);  …  co_await
//   draft->persist("/var/spool/letters/1");
//
// Lifetime: movable. Destroying it removes the name in place, which may wait for the disk: `remove` does
// not. Thread rule: the loop's thread. Cancel-safety: `create` leaves no file behind; `persist` has renamed
// it or has not. Of a process that is killed the file stays.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/fs/file.hpp>

#include <string>
#include <utility>

namespace weir::fs {

class temporary_file {
 public:
  temporary_file(temporary_file&& other) noexcept
      : contents_(std::move(other.contents_)), path_(std::exchange(other.path_, std::string())) {}
  temporary_file& operator=(temporary_file&& other) noexcept;
  ~temporary_file();

  /// In a directory: the one where it is to stay, since a rename does not leave its file system. Permissions
  /// as for open_options::permissions.
  static task<result<temporary_file>> create(std::string directory, mode_t permissions = 0600);

  file& contents() noexcept { return contents_; }
  /// Empty once it was removed or given another name.
  const std::string& path() const noexcept { return path_; }

  /// Gives it the name `as`, in the place of what has it. From then on it stays.
  task<result<>> persist(std::string as);
  /// Removes the name, and closes the file.
  task<result<>> remove();

 private:
  temporary_file(file contents, std::string path) noexcept
      : contents_(std::move(contents)), path_(std::move(path)) {}

  file contents_;
  std::string path_;
};

} // namespace weir::fs
