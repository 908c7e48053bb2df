#include "pty.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static bool point_link(const char *link, const char *device) {
  struct stat info;
  if (lstat(link, &info) == 0 && !S_ISLNK(info.st_mode)) return false;
  unlink(link);
  return symlink(device, link) == 0;
}

bool pty_open(pty_t *pty, const char *link) {
  struct termios settings;
  pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  pty->slave = -1;
  if (pty->master < 0 || grantpt(pty->master) != 0 || unlockpt(pty->master) != 0) return false;
  if (ptsname_r(pty->master, pty->device, sizeof pty->device) != 0) return false;
  pty->slave = open(pty->device, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (pty->slave < 0 || tcgetattr(pty->slave, &settings) != 0) return false;
  cfmakeraw(&settings);
  return tcsetattr(pty->slave, TCSANOW, &settings) == 0 && point_link(link, pty->device);
}

void pty_close(pty_t *pty, const char *link) {
  char target[sizeof pty->device];
  const ssize_t length = readlink(link, target, sizeof target - 1);
  if (length > 0) {
    target[length] = '\0';
    if (strcmp(target, pty->device) == 0) unlink(link);
  }
  if (pty->slave >= 0) close(pty->slave);
  if (pty->master >= 0) close(pty->master);
  pty->slave = -1;
  pty->master = -1;
}

int pty_unread(const pty_t *pty) {
  int count = 0;
  return ioctl(pty->slave, FIONREAD, &count) == 0 ? count : 0;
}
