/*
 * The board side of SPEC.md. The caller owns all memory, feeds received bytes to pg_board_sink and calls
 * pg_board_poll from its loop; nothing blocks longer than one storage call of a slice. Not reentrant: call everything
 * from one context, never from a callback.
 */
#ifndef PIXELGATE_BOARD_H
#define PIXELGATE_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "pixelgate/cobs.h"
#include "pixelgate/decoder.h"
#include "pixelgate/errors.h"
#include "pixelgate/features.h"
#include "pixelgate/sha256.h"
#include "pixelgate/siphash.h"
#include "pixelgate/storage.h"
#include "pixelgate/version.h"
#include "pixelgate/wire.h"

/* Size of the receive buffer for a body limit: a frame, and room beside the runs of a COPY for a short one. */
#define PG_RX_BYTES(max_body) ((max_body) + 16u)

#define PG_FLAG_NO_ERASE 1u /* storage needs no erase: told to the host in CAPS, nothing else */

typedef struct pg_config {
  pg_storage storage;
  uint32_t line_rate_baud; /* highest baud of a continuous stream it keeps up with, 0 = none */
  uint32_t max_baud;       /* 0 = no SETBAUD */
  uint32_t decode_bytes;   /* size of `decode` */
  uint16_t leds, width, height;
  uint16_t max_body; /* 64 … 4096 */
  uint16_t rx_bytes; /* what the port's driver holds before pg_board_sink must be called */
  uint16_t window;   /* credit, bytes on the wire */
  uint16_t block_bytes;
  uint16_t max_power_ma;
  uint16_t codecs;        /* masks what is compiled in */
  uint16_t live_bytes;    /* size of `live`, 0 = no FRAME */
  uint16_t slice_bytes;   /* storage bytes a slice of COPY, VERIFY or decoding touches, 0 = 256 */
  uint8_t show_guard_ms;  /* > 0: output excludes receiving; no credit for so long before a show */
  uint8_t slots;          /* 1 … 254 */
  uint8_t digests;        /* masks what is compiled in */
  uint8_t macs;           /* SPEC §3.2, masks what is compiled in; 0 = no pairing */
  uint8_t flags;          /* PG_FLAG_… */
  uint8_t uuid[16];       /* of the factory; zero: the host gives one */
  const char *firmware_name, *firmware_version, *board_name; /* ≤ 32 bytes; NULL or empty: not told */
  uint8_t *rx;            /* PG_RX_BYTES(max_body) */
  uint8_t *decode;
  uint8_t *live;
  void *ctx; /* for the callbacks below */
  /* Bytes for the host, already framed. Must take all. */
  void (*send)(void *ctx, const uint8_t *bytes, size_t n);
  /* Bytes of the next picture, any number of pieces, in the stored channel order; then show. */
  void (*pixels)(void *ctx, uint32_t offset, const uint8_t *bytes, uint16_t n);
  void (*show)(void *ctx, uint32_t frame, uint32_t delay_ms, const uint8_t id[16]);
  /* Let all output leave at the old rate, then switch; 0 = the rate of the start. Optional unless max_baud > 0. */
  void (*set_baud)(void *ctx, uint32_t baud);
  void (*reboot)(void *ctx);
  int (*can_show)(void *ctx);   /* optional: 0 = not now, ask again in 1 ms */
  uint32_t (*now_ms)(void *ctx); /* optional: a clock that sink may read; else the time of the last poll counts */
  /*
   * Optional, for storage that can be read while it erases: storage.erase may then return before the end, so that playing goes on. A read
   * or write that comes later must find the erase done (it waits where it has to). Answers 1 as long as one goes on; it is asked at
   * every poll of a long request, which waits for 0.
   */
  int (*erases)(void *ctx);
} pg_config;

/* The durable record (README, storage layout). */
typedef struct pg_record {
  uint32_t generation;
  uint32_t boot_id;
  uint8_t uuid[16];
  uint8_t active; /* slot, 255 = none; also what a trial goes back to */
  uint8_t trial;
  uint8_t brightness;
  uint8_t playing;
#if PG_WITH_PAIRING
  uint8_t key[16];     /* zero: not paired */
  uint32_t newest;     /* highest generation that was active under this key */
#endif
} pg_record;

#if PG_WITH_PAIRING
/* What a session knows of its host (SPEC §9.4). */
typedef struct pg_pairing {
  uint32_t challenges; /* since the boot; with the boot id it names a challenge once and for all */
  uint8_t state;
  uint8_t mac;
  uint8_t proof[16]; /* that the host has to give, or has given */
} pg_pairing;
#endif

typedef struct pg_rx {
  pg_cobs_decoder cobs;
  uint8_t bad;
  uint16_t n;
  uint16_t cap;
  uint32_t crc;
  uint32_t wire; /* bytes since the last delimiter */
} pg_rx;

typedef struct pg_transfer {
  uint8_t slot; /* 255 = none */
  uint8_t open;
  uint8_t manifest_done;
  int8_t refusal; /* code of the manifest's refusal */
  uint16_t refusal_detail;
  uint16_t blocks;
  uint16_t durable;
  uint32_t manifest_bytes;
  uint32_t manifest_crc;
  uint32_t image_bytes;
} pg_transfer;

/* A point in the stream: block 0xFFFF is the manifest; len 0 = nothing more comes. */
typedef struct pg_cursor {
  uint32_t addr; /* of the block */
  uint32_t len;
  uint32_t off;
  uint32_t crc; /* of the block's first off bytes, as read back */
  uint16_t block;
} pg_cursor;

typedef struct pg_segment {
  uint8_t open;
  uint8_t touched; /* a frame of it was taken */
  uint8_t unacked;
  uint8_t starved; /* the last ACK gave no credit */
  uint16_t first;
  uint16_t body;
  uint16_t next;
  uint16_t acks;
  uint32_t mask; /* bit i: next + 1 + i was received */
  uint32_t since;
} pg_segment;

/* A long request, done in slices by poll. */
typedef struct pg_job {
  uint8_t type; /* of its request, 0 = none */
  uint16_t seq;
  uint32_t told; /* when BUSY went last */
  uint32_t at;
  uint32_t end;
  union {
    struct {
      uint8_t header[44];
      uint8_t slot;
    } begin;
#if PG_WITH_COPY
    struct {
      uint8_t slot, phase;
      uint16_t runs;
      uint16_t copied, failed, count;
      uint16_t from_blocks;
      uint32_t from, to; /* blocks wanted */
      pg_cursor source, target;
      uint32_t image, table; /* of the source */
    } copy;
#endif
    struct {
      uint8_t alg;
      uint8_t expected[16];
      uint32_t crc;
      union {
        uint8_t none;
#if PG_WITH_SHA256
        pg_sha256 sha256;
#endif
#if PG_WITH_SIPHASH
        pg_siphash siphash;
#endif
      } hash;
    } verify;
  } u;
} pg_job;

typedef struct pg_player {
  uint8_t slot; /* 255 = none */
  uint8_t running;
  uint8_t channels;
  uint8_t left; /* frames left of the open block */
  uint8_t begun; /* its first picture was shown, from which the times count */
  uint8_t clear; /* the LEDs beyond the pattern are to be blacked */
  uint16_t leds;
  uint16_t blocks;
  uint16_t block; /* next to open */
  uint16_t loops; /* 0 = for ever */
  uint32_t table;
  uint32_t image;
  uint32_t stored;  /* address of the next block */
  uint32_t next;    /* frame */
  uint32_t frame;   /* shown last */
  uint32_t due;
  uint32_t offset; /* in the picture being put out */
  pg_decoder decoder;
} pg_player;

/* IDENTIFY, FILL and FRAME lie over the stored pattern for a while. */
typedef struct pg_overlay {
  uint8_t kind; /* request type, 0 = none */
  uint8_t dirty;
  uint8_t lit;
  uint8_t channels;
  uint8_t fill[4];
  uint16_t live_used;
  uint16_t hold;
  uint32_t until;
  uint32_t blink;
} pg_overlay;

/* All state. Its fields are the library's own. */
typedef struct pg_board {
  const pg_config *config;
  uint32_t now;
  uint32_t second; /* when the running second of uptime began */
  uint32_t uptime;
  uint32_t frames_received;
  uint32_t bytes_dropped;
  uint32_t frames_shown;
  uint32_t sent; /* when output was written last */
  uint32_t refused; /* when ERR NO_SESSION went last */
  uint32_t trial_end;
  uint32_t baud;      /* 0 = the rate of the start */
  uint32_t baud_new;
  uint32_t baud_since; /* when a frame was heard last, or the rate changed */
  uint32_t slot_bytes; /* whole slot, header included */
  uint32_t area_bytes; /* one record area */
  uint32_t decode_bytes; /* 0 without the codecs that need them */
  uint16_t codecs;       /* offered: configured and compiled in */
  uint8_t digests;
  uint16_t record_next;
  uint16_t host_body;
  uint16_t seq; /* of the request in hand */
  uint16_t done_seq;
  uint16_t detail; /* of the ERR to come */
  uint8_t record_area;
  uint8_t version; /* version bits of the request in hand */
  uint8_t type;
  uint8_t from; /* session of the request in hand */
  uint8_t session;
  uint8_t done_type; /* last request that must not act twice */
  uint8_t spoke;
  uint8_t refused_once;
  uint8_t baud_trial;
  pg_record record;
  pg_rx rx;
  pg_transfer transfer;
  pg_cursor cursor;
  pg_segment segment;
  pg_job job;
#if PG_WITH_PAIRING
  pg_pairing pairing;
#endif
  pg_player player;
  pg_overlay overlay;
} pg_board;

/*
 * Starts: reads the record, counts the boot (durably), ends a trial that was cut, finds an open transfer, plays.
 * Returns 0, PG_BAD_ARGUMENT (config impossible), PG_TOO_LARGE (storage too small for the slots) or PG_STORAGE.
 */
int pg_board_init(pg_board *board, const pg_config *config, uint32_t now_ms);

/* Takes bytes up to the end of one frame and handles it. Returns how many were taken, at least 1 if n > 0. */
size_t pg_board_sink(pg_board *board, const uint8_t *bytes, size_t n);

/* Does what is due, at most one slice of a long request. Returns ms until it wants to be called again, 0 = at once. */
uint32_t pg_board_poll(pg_board *board, uint32_t now_ms);

/*
 * Removes the pairing key durably, whoever has it: for a jumper or a button that only somebody at the board can reach.
 * The patterns stay. Returns 0 or PG_STORAGE.
 */
int pg_board_forget_key(pg_board *board);

#endif
