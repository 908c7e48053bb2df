#ifndef LINE_MODEL_PTY_H
#define LINE_MODEL_PTY_H

#include <stdbool.h>

/* A raw pseudo-terminal under a symbolic link. The slave stays open here, so a client's leaving is no hang-up. */
typedef struct {
  int master, slave;
  char device[64];
} pty_t;

#define PTY_CLOSED \
  { -1, -1, "" }

bool pty_open(pty_t *pty, const char *link);
/* The client sees a hang-up, as when an adapter is unplugged. */
void pty_close(pty_t *pty, const char *link);
/* Bytes written to the client that it has not read yet. */
int pty_unread(const pty_t *pty);

#endif
