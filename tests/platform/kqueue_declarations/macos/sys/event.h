// What weir uses of macOS' <sys/event.h>, for a compile check on other systems. Written from the
// manual page kqueue(2) of macOS, which gives the structure, the functions and the names. It gives no values,
// and nothing is run with these: they only differ from each other. Never installed.
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct timespec;

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};

#define EVFILT_READ (-1)
#define EVFILT_EXCEPT (-2)
#define EVFILT_WRITE (-3)
#define EVFILT_USER (-4)
#define EVFILT_VNODE (-5)
#define EVFILT_PROC (-6)
#define EVFILT_SIGNAL (-7)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0004
#define EV_RECEIPT 0x0008
#define EV_EOF 0x0010
#define EV_ERROR 0x0020

#define NOTE_TRIGGER 0x0001
#define NOTE_OOB 0x0002

#define NOTE_DELETE 0x0001
#define NOTE_WRITE 0x0002
#define NOTE_EXTEND 0x0004
#define NOTE_ATTRIB 0x0008
#define NOTE_LINK 0x0010
#define NOTE_RENAME 0x0020
#define NOTE_REVOKE 0x0040

#define NOTE_EXIT 0x80000000

extern "C" {
int kqueue(void);
int kevent(int kq, const struct kevent* changelist, int nchanges, struct kevent* eventlist, int nevents,
           const struct timespec* timeout);
}
