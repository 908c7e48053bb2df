/*
 * A board behind an MQTT client (SPEC §11): frames as messages on one side, the bytes of a line on the other. No
 * allocation and no I/O of its own; the client and the board are reached through two functions.
 */
#ifndef PG_MQTT_H
#define PG_MQTT_H

#include <stddef.h>
#include <stdint.h>

#include "pixelgate/cobs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PG_MQTT_TOPIC_BYTES 128u

typedef struct pg_mqtt_config {
  const char *gateway; /* its id, 8 hexadecimal digits */
  const char *board;   /* UUID as the gateway writes it, 36 characters */
  uint8_t *frame;      /* frame_bytes: the largest body and 8 */
  size_t frame_bytes;
  void *ctx; /* for the two below */
  /* A frame for the gateway, not retained. QoS 1 where the client can, else 0: what is lost is sent again. */
  void (*publish)(void *ctx, const char *topic, const uint8_t *bytes, size_t n);
  /* Bytes for the board, as from a line: pg_board_sink until all are taken. */
  void (*to_board)(void *ctx, const uint8_t *bytes, size_t n);
} pg_mqtt_config;

typedef struct pg_mqtt {
  const pg_mqtt_config *config;
  pg_cobs_decoder cobs;
  size_t frame_n;
  uint8_t bad;
  char answer[PG_MQTT_TOPIC_BYTES]; /* where the last frame came from is where the answers go */
} pg_mqtt;

void pg_mqtt_init(pg_mqtt *m, const pg_mqtt_config *config);

/* Writes `rest` below the board's topic: "availability", or one of the two filters to subscribe to with QoS 1. */
#define PG_MQTT_DATA_FILTER "upload/+/data"
#define PG_MQTT_DOWN_FILTER "frames/down" /* the last one: who subscribes to it is greeted */
void pg_mqtt_topic(const pg_mqtt *m, const char *rest, char topic[PG_MQTT_TOPIC_BYTES]);

/* A message of the client. Others than frames are passed over. */
void pg_mqtt_message(pg_mqtt *m, const char *topic, const uint8_t *bytes, size_t n);

/* What the board writes to its line (pg_config.send). */
void pg_mqtt_from_board(pg_mqtt *m, const uint8_t *bytes, size_t n);

#ifdef __cplusplus
}
#endif

#endif
