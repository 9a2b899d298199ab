// postgres_collector: makes a postgres_result out of what libpq gives row by row.
#pragma once

#include <weir/adapters/postgres_result.hpp>

#include <libpq-fe.h>

#include <cstddef>
#include <memory>
#include <utility>

namespace weir {

struct clear_pg_result {
  void operator()(PGresult* unwanted) const noexcept { ::PQclear(unwanted); }
};
using pg_result_handle = std::unique_ptr<PGresult, clear_pg_result>;

class postgres_collector {
 public:
  /// The rows of one answer of libpq: one row of a stream of rows, or the end of it with none.
  void add_rows(const PGresult& from);
  void add_tag(PGresult& from);

  std::size_t rows() const noexcept { return result_.rows_; }
  std::size_t size_bytes() const noexcept { return result_.bytes_.size(); }
  /// What was collected since the last time; the names of the columns stay.
  postgres_result take();

 private:
  postgres_result result_;
};

} // namespace weir
