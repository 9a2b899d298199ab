#include "stream_sending.hpp"

#include <weir/base/sim_point.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace weir {

stream_sending::stream_sending(loop& home, int socket, sent_function on_sent, void* context) noexcept
    : send_gathered_operation(socket,
                              [](operation& op, completion&& what) noexcept {
                                auto& self = static_cast<stream_sending&>(op);
                                if (what.result > 0)
                                  self.unsent.consume(static_cast<std::size_t>(what.result));
                                self.on_sent_(self.context_, what.result);
                              }),
      work([](work& self) noexcept { static_cast<stream_sending&>(self).start(); }),
      unsent(home.send_buffers()), home_(home), on_sent_(on_sent), context_(context) {}

void stream_sending::schedule() noexcept {
  if (is_under_way() || unsent.empty()) return;
  is_scheduled_ = true;
  home_.at_end_of_turn(*this);
}

void stream_sending::start() noexcept {
  is_scheduled_ = false;
  if (is_cancelled_) return on_sent_(context_, -ECANCELED);
  const std::size_t pieces = unsent.gather(vectors_);
  set_pieces(vectors_.data(),
             sim_point("stream.sends_one_piece") ? std::min<std::size_t>(pieces, 1) : pieces);
  home_.start(*this);
}

void stream_sending::cancel() noexcept {
  is_cancelled_ = true;
  if (!send_gathered_operation::is_idle()) home_.cancel(*this);
}

} // namespace weir
