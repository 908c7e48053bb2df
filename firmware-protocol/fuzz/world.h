/*
 * One board on simulated NOR flash, with a judge: whatever arrives, the board keeps to its storage, to the wire's form
 * and to what it has on record. Buffers have exactly the size the API asks for, so that the sanitizers see one byte more.
 */
#ifndef WORLD_H
#define WORLD_H

#include "framing.h"
#include "internal.h"

#define WORLD_STORAGE 65536u

typedef struct world_shape {
  uint32_t bytes, unit, decode_bytes, max_baud;
  uint16_t leds, max_body, block_bytes, live_bytes, slice_bytes;
  uint8_t slots, guard_ms, clocked;
} world_shape;

typedef struct world_reply {
  uint8_t type, session;
  uint16_t seq, n;
  uint8_t body[PG_MAX_BODY];
} world_reply;

typedef struct world {
  uint8_t flash[WORLD_STORAGE];
  world_shape shape;
  pg_config config;
  pg_board board;
  uint32_t now;
  uint32_t seed;
  int32_t power;    /* bytes programmed until the cut, -1 = none */
  uint32_t touched; /* bytes programmed and erased */
  uint8_t dead;
  uint8_t rebooted;
  uint8_t out[WIRE_MAX + 2];
  size_t out_n;
  world_reply last;  /* the frame the board sent last */
  uint32_t replies;
  void (*heard)(const world_reply *reply);
} world;

void world_open(world *w, const world_shape *shape);
void world_close(world *w);
void world_restart(world *w);                          /* power off and on */
void world_bytes(world *w, const uint8_t *bytes, size_t n); /* into the board; one poll after each frame */
void world_poll(world *w, unsigned most);              /* until nothing is due */
void world_settle(world *w);
/* A frame of the host with its CRC right. */
void world_frame(world *w, uint8_t version, uint8_t type, uint8_t session, uint16_t seq, const uint8_t *body, size_t n);
void world_judge(world *w); /* storage, record, and that the board still answers, before and after a restart */

#endif
