// atomic_replace: puts new content in the place of a file, so that whoever opens it, also after a crash in
// between, finds all of the old or all of the new.
//
// The order that makes it so: (1) a temporary file in the same directory is written, (2) and synced: its
// bytes are on the disk before its name is; (3) it is renamed over the old one, which is one step for all who
// look; (4) the directory is synced, so that the new name survives a crash. When it returns without an error
// the new content is durable. After an error or a cancellation before (3) the old content is there and
// nothing is left of the attempt; in (4) the new content is visible and perhaps not durable.
//
// A link is replaced, not what it points to; owner and extended attributes are those of a new file. Of a
// process that is killed the temporary file (".weir-…") may stay. Source: rename(2), fsync(2).
#pragma once

#include <weir/async/task.hpp>
#include <weir/base/result.hpp>

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>

namespace weir::fs {

/// `content` stays valid until the end. The permissions are lessened by the umask of the process.
task<result<>> atomic_replace(std::string path, std::span<const std::byte> content,
                              mode_t permissions = 0644);

} // namespace weir::fs
