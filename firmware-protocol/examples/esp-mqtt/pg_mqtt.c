#include "pg_mqtt.h"

#include <string.h>

#define FRAME_LEAST 8u /* header and CRC (SPEC §1.2) */

static size_t put(char *to, size_t at, const char *text) {
  while (*text && at + 1 < PG_MQTT_TOPIC_BYTES) to[at++] = *text++;
  to[at] = 0;
  return at;
}

void pg_mqtt_topic(const pg_mqtt *m, const char *rest, char topic[PG_MQTT_TOPIC_BYTES]) {
  size_t at = put(topic, 0, "pixelgate/");
  at = put(topic, at, m->config->gateway);
  at = put(topic, at, "/");
  at = put(topic, at, m->config->board);
  at = put(topic, at, "/");
  put(topic, at, rest);
}

void pg_mqtt_init(pg_mqtt *m, const pg_mqtt_config *config) {
  memset(m, 0, sizeof *m);
  m->config = config;
  pg_mqtt_topic(m, "frames/up", m->answer);
}

/* `frames/down` is answered on `frames/up`, `upload/JOB/data` on `upload/JOB/get`. Returns 0 for other topics. */
static int take_answer_topic(pg_mqtt *m, const char *topic) {
  char own[PG_MQTT_TOPIC_BYTES];
  pg_mqtt_topic(m, "", own);
  const size_t prefix = strlen(own), n = strlen(topic);
  if (n >= PG_MQTT_TOPIC_BYTES || strncmp(topic, own, prefix) != 0) return 0;
  const char *rest = topic + prefix;
  if (strcmp(rest, PG_MQTT_DOWN_FILTER) == 0) {
    pg_mqtt_topic(m, "frames/up", m->answer);
    return 1;
  }
  if (strncmp(rest, "upload/", 7) != 0 || n < 5 || strcmp(topic + n - 5, "/data") != 0) return 0;
  memcpy(m->answer, topic, n - 4);
  put(m->answer, n - 4, "get");
  return 1;
}

static void feed(void *ctx, const uint8_t *bytes, size_t n) {
  const pg_mqtt *m = ctx;
  m->config->to_board(m->config->ctx, bytes, n);
}

void pg_mqtt_message(pg_mqtt *m, const char *topic, const uint8_t *bytes, size_t n) {
  if (n >= FRAME_LEAST && take_answer_topic(m, topic)) pg_cobs_write(bytes, n, feed, m);
}

void pg_mqtt_from_board(pg_mqtt *m, const uint8_t *bytes, size_t n) {
  const pg_mqtt_config *c = m->config;
  for (; n; n--, bytes++) {
    uint8_t byte;
    if (*bytes == 0) {
      const size_t size = m->frame_n;
      const int whole = pg_cobs_end(&m->cobs) && !m->bad;
      m->frame_n = 0;
      m->bad = 0;
      if (whole && size >= FRAME_LEAST) c->publish(c->ctx, m->answer, c->frame, size);
    } else if (pg_cobs_push(&m->cobs, *bytes, &byte)) {
      if (m->frame_n < c->frame_bytes) c->frame[m->frame_n++] = byte;
      else m->bad = 1;
    }
  }
}
