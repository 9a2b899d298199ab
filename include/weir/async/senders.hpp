// senders: the face of weir for programs that compose senders and receivers ([exec] of C++26, P2300). Nothing
// else in weir includes it, and it depends on no library.
//
//   as_sender(f)            what `co_await f()` would give, as a sender; `as_sender(a_task())` likewise
//   loop_scheduler(loop)    the way onto a loop, from any thread
//   co_await await_sender(s)  the outcome of any sender, in a task
//
// Completions of `as_sender`: a value T by set_value(T); of a result<T> its value by set_value(T), or
// set_value() for result<>, its error by set_error(error), a cancellation by set_stopped(). What is thrown:
// set_error(std::exception_ptr). `await_sender` turns them back: result<T>, a std::tuple where there are
// several values; set_stopped is std::errc::operation_canceled; an error that is neither error nor
// std::error_code is thrown.
//
// Thread rule: a sender of `as_sender` is started, completes, and has its operation destroyed on the thread
// of the loop that it was started on, in a turn of it: put `loop_scheduler::schedule` in front elsewhere.
// A task is made on that thread too, so elsewhere give the function that makes it.
// `await_sender` takes completions from any thread and goes on on its loop. Lifetime: an operation stays
// where it is from start to completion, and what the awaitable refers to stays with it; the receiver may
// destroy the operation when it is told. Stop requests may be made on any thread; those of other threads
// arrive by the inbox, past its bound. A token without callbacks costs nothing. Cancel-safety: that of the
// awaitable: a success that races with the request is a success; `await_sender` starts nothing in a scope
// that was asked to end, else it passes the request on and waits. Bound, memory: the operation state holds
// all but a coroutine frame from the pool (frame_pool.hpp): in steady state nothing is allocated. Errors
// besides: where there is no memory for that frame, set_error(std::bad_alloc). Name lambdas with captures
// before a co_await statement (docs/compilers.md). docs/senders.md has examples.
#pragma once

#include <weir/async/await_sender.hpp>
#include <weir/async/awaitable_sender.hpp>
#include <weir/async/loop_scheduler.hpp>
