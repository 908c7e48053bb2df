/*
 * A board on this computer, for trying pg_mqtt: the library over a file as flash, as a client of the gateway's broker.
 *   host-board HOST PORT GATEWAY UUID USER PASSWORD-FILE FLASH-FILE
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "mqtt_client.h"
#include "pg_mqtt.h"
#include "pixelgate/board.h"

#define FLASH_BYTES (1024u * 1024u)
#define ERASE_BYTES 4096u
#define MAX_BODY 2048u
#define KEEPALIVE_SECONDS 20
#define RETRY_SECONDS 1

typedef struct world {
  uint8_t flash[FLASH_BYTES];
  FILE *file;
  mqtt_client client;
  pg_mqtt mqtt;
  pg_board board;
  int broken;    /* the connection */
  int restarts;  /* REBOOT was asked for */
} world;

static uint32_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

static int flash_read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  memcpy(bytes, ((world *)ctx)->flash + addr, n);
  return 0;
}

static int flash_store(world *w, uint32_t addr, uint32_t n) {
  const int failed = fseek(w->file, (long)addr, SEEK_SET) != 0 || fwrite(w->flash + addr, 1, n, w->file) != n;
  return failed || fflush(w->file) != 0 ? PG_STORAGE : 0;
}

static int flash_write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  world *w = ctx;
  memcpy(w->flash + addr, bytes, n);
  return flash_store(w, addr, n);
}

static int flash_erase(void *ctx, uint32_t addr, uint32_t n) {
  world *w = ctx;
  memset(w->flash + addr, 0xFF, n);
  return flash_store(w, addr, n);
}

static int flash_open(world *w, const char *path) {
  memset(w->flash, 0xFF, sizeof w->flash);
  w->file = fopen(path, "r+b");
  if (w->file) return fread(w->flash, 1, sizeof w->flash, w->file) == sizeof w->flash ? 0 : -1;
  w->file = fopen(path, "w+b");
  return w->file ? flash_store(w, 0, FLASH_BYTES) : -1;
}

static void board_send(void *ctx, const uint8_t *bytes, size_t n) { pg_mqtt_from_board(&((world *)ctx)->mqtt, bytes, n); }

static void no_pixels(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  (void)ctx, (void)offset, (void)bytes, (void)n;
}

static void no_show(void *ctx, uint32_t frame, uint32_t delay_ms, const uint8_t id[16]) {
  (void)ctx, (void)frame, (void)delay_ms, (void)id;
}

static void board_reboot(void *ctx) { ((world *)ctx)->restarts = 1; }

static void publish(void *ctx, const char *topic, const uint8_t *bytes, size_t n) {
  world *w = ctx;
  if (mqtt_publish(&w->client, topic, bytes, n, 0) != 0) w->broken = 1;
}

static void to_board(void *ctx, const uint8_t *bytes, size_t n) {
  world *w = ctx;
  while (n) {
    const size_t taken = pg_board_sink(&w->board, bytes, n);
    bytes += taken;
    n -= taken;
  }
}

static void on_message(void *ctx, const char *topic, const uint8_t *bytes, size_t n) {
  pg_mqtt_message(&((world *)ctx)->mqtt, topic, bytes, n);
}

static int hex(const char *text, uint8_t uuid[16]) {
  size_t n = 0;
  for (; *text; text++) {
    if (*text == '-') continue;
    char digits[3] = {text[0], text[1], 0}, *end;
    if (n == 16 || !text[1]) return -1;
    uuid[n++] = (uint8_t)strtoul(digits, &end, 16);
    if (*end) return -1;
    text++;
  }
  return n == 16 ? 0 : -1;
}

/* One connection, until it breaks. */
static void serve(world *w, const char *host, const char *port, const mqtt_login *login) {
  char topic[PG_MQTT_TOPIC_BYTES];
  w->broken = mqtt_open(&w->client, host, port) != 0 || mqtt_login_as(&w->client, login) != 0;
  pg_mqtt_topic(&w->mqtt, PG_MQTT_DATA_FILTER, topic);
  if (!w->broken) w->broken = mqtt_subscribe(&w->client, topic) != 0;
  pg_mqtt_topic(&w->mqtt, PG_MQTT_DOWN_FILTER, topic);
  if (!w->broken) w->broken = mqtt_subscribe(&w->client, topic) != 0;
  if (!w->broken) w->broken = mqtt_publish(&w->client, login->will_topic, (const uint8_t *)"online", 6, 1) != 0;
  if (!w->broken) puts("connected"), fflush(stdout);
  for (uint32_t pinged = now_ms(); !w->broken && !w->restarts;) {
    uint32_t wait = pg_board_poll(&w->board, now_ms());
    if (wait > 1000) wait = 1000;
    struct timeval timeout = {(time_t)(wait / 1000), (suseconds_t)(wait % 1000 * 1000)};
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(w->client.socket, &readable);
    if (select(w->client.socket + 1, &readable, NULL, NULL, &timeout) > 0) w->broken = mqtt_receive(&w->client) != 0;
    if (now_ms() - pinged < KEEPALIVE_SECONDS * 500u) continue;
    pinged = now_ms();
    if (!w->broken) w->broken = mqtt_ping(&w->client) != 0;
  }
  /* The answer to REBOOT is to be handled before the broker sees the connection end. */
  const struct timespec last_words = {0, 100000000};
  if (w->restarts) nanosleep(&last_words, NULL);
  mqtt_close(&w->client);
}

int main(int argc, char **argv) {
  static world w;
  static uint8_t rx[PG_RX_BYTES(MAX_BODY)], decode[16384], frame[MAX_BODY + 8];
  static char password[256];
  if (argc != 8) return fputs("usage: host-board HOST PORT GATEWAY UUID USER PASSWORD-FILE FLASH-FILE\n", stderr), 2;
  FILE *secret = fopen(argv[6], "r");
  if (!secret || !fgets(password, sizeof password, secret)) return perror(argv[6]), 2;
  fclose(secret);
  password[strcspn(password, "\r\n")] = 0;
  if (flash_open(&w, argv[7]) != 0) return perror(argv[7]), 2;
  pg_config config = {0};
  config.storage = (pg_storage){flash_read, flash_write, flash_erase, &w, FLASH_BYTES, ERASE_BYTES};
  config.leds = 256, config.width = 16, config.height = 16;
  config.max_body = MAX_BODY, config.rx_bytes = 8192, config.window = 8192, config.block_bytes = 65535;
  config.codecs = 0xFFFF, config.digests = 3, config.macs = 3, config.slots = 2;
  config.decode_bytes = sizeof decode, config.decode = decode, config.rx = rx;
  config.firmware_name = "pixelgate host", config.firmware_version = "0.1.0", config.board_name = "host board";
  config.ctx = &w, config.send = board_send, config.pixels = no_pixels, config.show = no_show, config.reboot = board_reboot;
  if (hex(argv[4], config.uuid) != 0) return fputs("the UUID is none\n", stderr), 2;
  const pg_mqtt_config glue = {argv[3], argv[4], frame, sizeof frame, &w, publish, to_board};
  char availability[PG_MQTT_TOPIC_BYTES];
  w.client.ctx = &w, w.client.on_message = on_message;
  pg_mqtt_init(&w.mqtt, &glue);
  pg_mqtt_topic(&w.mqtt, "availability", availability);
  const mqtt_login login = {argv[4], argv[5], password, availability, "offline", KEEPALIVE_SECONDS};
  for (;;) {
    w.restarts = 0;
    pg_mqtt_init(&w.mqtt, &glue);
    if (pg_board_init(&w.board, &config, now_ms()) != 0) return fputs("the board does not start\n", stderr), 1;
    while (!w.restarts) {
      serve(&w, argv[1], argv[2], &login);
      if (!w.restarts) sleep(RETRY_SECONDS);
    }
  }
}
