/* Rows of the tables that vectors-to-c.mjs writes. */
#ifndef VECTOR_TYPES_H
#define VECTOR_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef struct vector_bytes {
  const uint8_t *bytes;
  size_t n;
} vector_bytes;
typedef struct vector_named {
  const char *name;
  vector_bytes wire;
} vector_named;
typedef struct vector_frame {
  const char *name;
  uint8_t version, type, session;
  uint16_t seq;
  vector_bytes body, wire;
} vector_frame;
typedef struct vector_stream {
  const char *name;
  vector_bytes wire;
  const vector_frame *frames;
  size_t count;
} vector_stream;
typedef struct vector_block {
  const char *name;
  uint8_t codec, channels;
  uint16_t leds;
  uint8_t frames;
  const uint32_t *delays;
  vector_bytes stored, decoded;
} vector_block;
typedef struct vector_manifest {
  const char *name;
  vector_bytes bytes;
  uint16_t blocks;
  uint32_t image_bytes, leds, codecs, decode_bytes, block_bytes;
  int error, detail; /* detail -1: not stated */
} vector_manifest;
typedef struct vector_message {
  const char *name;
  uint8_t type;
  vector_bytes body;
  int code, detail;
} vector_message;
typedef struct vector_crc {
  vector_bytes bytes;
  uint32_t crc32;
} vector_crc;
typedef struct vector_digest {
  vector_bytes key, bytes, digest;
} vector_digest;
enum { VECTOR_HOST, VECTOR_BOARD, VECTOR_ADVANCE };
typedef struct vector_step {
  int kind;
  uint32_t ms;
  vector_bytes wire;
} vector_step;
typedef struct vector_dialogue {
  const char *name;
  const uint32_t *settings; /* in the order of the WebAssembly settings */
  vector_bytes uuid;
  const char *firmware_name, *firmware_version, *board_name;
  const vector_step *steps;
  size_t count;
} vector_dialogue;

#endif
