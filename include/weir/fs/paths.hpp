// What is done to files by their names: make, look up, rename, remove. None of it holds up the loop.
//
// Relative paths start at the working directory of the process. Errors carry the path. Cancel-safety: one
// that was cancelled has done nothing; one that had begun says what it did. None of these is on the disk
// before the directory is synced: `sync_directory`.
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>
#include <weir/fs/file_status.hpp>

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace weir::fs {

enum class follow_links : bool { no, yes };
enum class when_there : std::uint8_t { replace, refuse };

/// mkdir(2): the parent has to be there.
task<result<>> make_directory(std::string path, mode_t permissions = 0777);
/// rmdir(2): only an empty one.
task<result<>> remove_directory(std::string path);
/// unlink(2): the name goes; the file goes with its last name, once nobody has it open.
task<result<>> remove_file(std::string path);
/// rename(2), within a file system, at once: whoever looks finds the old file or the new one.
task<result<>> rename(std::string from, std::string to, when_there policy = when_there::replace);

/// statx(2).
task<result<file_status>> status_of(std::string path, follow_links policy = follow_links::yes);
/// Whether there is something of that name; links are followed. An error when that cannot be told.
task<result<bool>> exists(std::string path);

/// Until the names in the directory are on the disk.
task<result<>> sync_directory(std::string path);

/// The directory part of a path: "." when it has none.
std::string directory_of(const std::string& path);

} // namespace weir::fs
