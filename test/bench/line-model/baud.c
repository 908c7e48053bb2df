/* Apart from all else, since <asm/termbits.h> and <termios.h> exclude each other. */
#include "baud.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

double baud_of(int fd) {
  struct termios2 settings;
  return ioctl(fd, TCGETS2, &settings) == 0 ? (double)settings.c_ospeed : 0;
}
