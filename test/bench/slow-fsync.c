/*
 * Preloaded into a process (LD_PRELOAD), makes each fsync and fdatasync take SLOW_FSYNC_MS longer, as a worn SD card
 * does. The thread that calls sleeps; the others go on.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int sync_function(int fd);

static int slowly(const char *name, int fd) {
  const char *text = getenv("SLOW_FSYNC_MS");
  const long ms = text == NULL ? 0 : atol(text);
  const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  /* POSIX lets dlsym return functions, ISO C has no cast for it. */
  union {
    void *object;
    sync_function *function;
  } real = {.object = dlsym(RTLD_NEXT, name)};
  nanosleep(&pause, NULL);
  return real.function(fd);
}

int fsync(int fd) { return slowly("fsync", fd); }

int fdatasync(int fd) { return slowly("fdatasync", fd); }
