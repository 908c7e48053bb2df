/* A board on simulated flash with a host beside it, in one process and in virtual time. */
#ifndef RIG_H
#define RIG_H

#include <stdio.h>
#include <string.h>

#include "internal.h"

#define RIG_STORAGE 65536u
#define RIG_LEDS 16u
#define RIG_PIXELS (RIG_LEDS * 4u)

/* ---- checks ---- */
extern unsigned passed, failed;
extern const char *test_name;
void begin_test(const char *name); /* the sentence is the promise */
int check_at(int condition, const char *text, const char *file, int line);
#define CHECK(condition) check_at((condition) != 0, #condition, __FILE__, __LINE__)
#define EQUAL(a, b) check_equal((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)
int check_equal(long long a, long long b, const char *text, const char *file, int line);
uint32_t random32(uint32_t *seed);

/* ---- flash: NOR rules; power may fail after a number of bytes programmed or erased ---- */
enum { TEAR_FRONT, TEAR_BACK, TEAR_BITS };
typedef struct flash {
  uint8_t bytes[RIG_STORAGE];
  uint32_t unit;
  int32_t power; /* bytes until the cut, −1 = none */
  int tear;
  int dead;
  uint32_t seed;
  uint32_t worked;     /* bytes programmed and erased */
  uint32_t violations; /* attempts to set bits without an erase, or to erase part of a unit */
  uint32_t largest;    /* bytes touched by one call */
  uint32_t stuck;      /* address of a cell that takes no write, 0 = none */
} flash;
void flash_blank(flash *f, uint32_t unit);
pg_storage flash_storage(flash *f, uint32_t bytes);

/* ---- rig ---- */
typedef struct reply {
  uint8_t type, session;
  uint16_t seq, n;
  uint8_t body[PG_MAX_BODY];
} reply;
typedef struct shown {
  uint32_t at, frame, delay;
  uint8_t id0;
  uint8_t pixels[RIG_PIXELS];
} shown;
typedef struct rig {
  flash flash;
  pg_config config;
  pg_board board;
  uint32_t now;
  uint8_t session;
  uint16_t seq;
  uint8_t rx[PG_RX_BYTES(PG_MAX_BODY)];
  uint8_t decode[4096];
  uint8_t live[64];
  uint8_t out[65536];
  size_t out_n;
  reply replies[64];
  unsigned replies_n;
  uint8_t pixels[RIG_PIXELS];
  shown shows[256];
  unsigned shows_n;
  uint32_t baud;
  unsigned bauds, reboots;
  int blocked; /* what can_show answers, inverted */
} rig;
void rig_init(rig *r, uint8_t slots, uint32_t bytes, uint32_t unit); /* config and blank flash; starts nothing */
int rig_start(rig *r);                                              /* power on */
void rig_settle(rig *r);                                            /* polls until nothing is due */
void rig_wait(rig *r, uint32_t ms);                                 /* ms by ms */
void rig_bytes(rig *r, const uint8_t *bytes, size_t n);             /* into the board, settles between frames */
size_t encode_frame(uint8_t *wire, uint8_t version, uint8_t type, uint8_t session, uint16_t seq, const void *body,
                    size_t n);
/* Sends a request and settles. Returns the last reply of that seq which is not BUSY, or NULL. */
reply *rig_ask(rig *r, uint8_t type, const void *body, size_t n);
reply *rig_ask_seq(rig *r, uint8_t type, uint16_t seq, const void *body, size_t n);
reply *rig_last(rig *r, uint8_t type); /* of the frames since the last request */
int rig_err(const reply *p);           /* code of an ERR, 0 of another reply, −1 of none */
reply *rig_hello(rig *r);

/* ---- patterns and the host's part of a transfer ---- */
typedef struct pattern {
  uint8_t manifest[1024];
  uint8_t image[16384];
  uint8_t id[16];
  uint32_t manifest_bytes, image_bytes;
  uint16_t blocks;
  uint32_t offset[64];
  uint16_t length[64];
} pattern;
/* Raw blocks of `per_block` frames, each frame `delay` ms. The same seed gives the same frames. */
void pattern_make(pattern *p, uint32_t seed, uint16_t frames, uint8_t per_block, uint32_t delay, uint16_t loops);
void pattern_seal(pattern *p); /* after changes: sums, CRCs, SHA-256, id */
reply *host_begin(rig *r, const pattern *p, uint8_t slot, uint8_t flags);
reply *host_start(rig *r, uint16_t body); /* HAVEQ with START */
/* Sends what is missing from START on, in bodies of `body` bytes. Returns 0 when all is durable. `sent` counts DATA. */
int host_send(rig *r, const pattern *p, uint16_t body, unsigned *sent);
int host_send_some(rig *r, const pattern *p, uint16_t body, unsigned most, unsigned *sent);
reply *host_verify(rig *r, uint8_t alg, const pattern *p);
reply *host_slot(rig *r, uint8_t type, uint8_t slot, const pattern *p); /* CONFIRM, SELECT, DELETE */
reply *host_activate(rig *r, uint8_t slot, const pattern *p, uint16_t seconds);
int host_upload(rig *r, const pattern *p, uint8_t *slot); /* HELLO … VERIFY; 0 when verified */
int slot_holds(rig *r, uint8_t slot, const pattern *p);   /* verified, and every byte right */

void test_primitives(void);
void test_codecs(void);
void test_vectors(void);
void test_records(void);
void test_session(void);
void test_transfer(void);
void test_copies(void);
void test_stream(void);
void test_power(void);
void test_cards(void);
void test_pairing(void);
void test_pairing_manifests(void);
void test_pairing_cuts(void);
void test_player(void);
void test_fuzz(void);

#endif
