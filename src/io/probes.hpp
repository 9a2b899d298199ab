// Static probe points (USDT) for tracers such as bpftrace: `usdt:./program:weir:complete { ... }`. A nop each
// until somebody attaches. Present where the headers of SystemTap are at build time (systemtap-sdt-dev).
#pragma once

#include <weir/io/operation.hpp>

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif

namespace weir::probes {

/// arg0: address of the operation, which names it until it completes; arg1: operation_kind; arg2: descriptor.
inline void submit([[maybe_unused]] const operation& op) noexcept {
#ifdef DTRACE_PROBE3
  DTRACE_PROBE3(weir, submit, &op, static_cast<int>(op.kind()), op.descriptor());
#endif
}

/// arg0, arg1, arg2: as of submit; arg3: the result; arg4: 1 when more completions follow.
inline void complete([[maybe_unused]] const operation& op, [[maybe_unused]] const completion& what) noexcept {
#ifdef DTRACE_PROBE5
  DTRACE_PROBE5(weir, complete, &op, static_cast<int>(op.kind()), op.descriptor(), what.result,
                what.more ? 1 : 0);
#endif
}

} // namespace weir::probes
