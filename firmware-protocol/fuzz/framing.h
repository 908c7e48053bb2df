/* COBS and CRC-32 a second time, written apart from the library's, so that a fault in one does not excuse the other. */
#ifndef FRAMING_H
#define FRAMING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_MAX 4104u              /* header, the longest body, CRC */
#define WIRE_MAX (CONTENT_MAX + 20u)   /* a code for each 254 bytes, delimiter */
#define NO_FRAME ((size_t)-1)

#define DIE(...) (fprintf(stderr, "FAULT: " __VA_ARGS__), fputc('\n', stderr), abort())
#define MUST(condition, ...) \
  do {                       \
    if (!(condition)) DIE(__VA_ARGS__); \
  } while (0)

static inline uint32_t crc_bits(const uint8_t *bytes, size_t n) {
  uint32_t crc = 0xFFFFFFFFu;
  static uint32_t table[256];
  if (!table[1])
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t v = i;
      for (int k = 0; k < 8; k++) v = v & 1u ? 0xEDB88320u ^ v >> 1 : v >> 1;
      table[i] = v;
    }
  while (n--) crc = table[(crc ^ *bytes++) & 255u] ^ crc >> 8;
  return ~crc;
}

/* Content of `n` wire bytes without their delimiter, or NO_FRAME: malformed, or more than `cap` bytes. */
static inline size_t cobs_content(const uint8_t *wire, size_t n, uint8_t *content, size_t cap) {
  size_t at = 0, out = 0;
  while (at < n) {
    const uint8_t code = wire[at++];
    if (code == 0 || (size_t)(code - 1) > n - at || out + code > cap + 1) return NO_FRAME;
    memcpy(content + out, wire + at, (size_t)(code - 1));
    out += (size_t)(code - 1);
    at += (size_t)(code - 1);
    if (code < 255 && at < n) {
      if (out >= cap) return NO_FRAME;
      content[out++] = 0;
    }
  }
  return out;
}

static inline size_t cobs_wire(const uint8_t *content, size_t n, uint8_t *wire) {
  size_t code_at = 0, out = 1;
  uint8_t code = 1;
  for (size_t i = 0; i < n; i++) {
    if (content[i]) {
      wire[out++] = content[i];
      if (++code < 255 || i + 1 == n) continue;
    }
    wire[code_at] = code;
    code_at = out++;
    code = 1;
  }
  wire[code_at] = code;
  wire[out++] = 0;
  return out;
}

/* Puts the CRC behind `n` bytes of content. Returns the length with it. */
static inline size_t seal(uint8_t *content, size_t n) {
  const uint32_t crc = crc_bits(content, n);
  for (unsigned i = 0; i < 4; i++) content[n + i] = (uint8_t)(crc >> (8 * i));
  return n + 4;
}

static inline int sealed(const uint8_t *content, size_t n) {
  if (n < 8) return 0;
  const uint32_t crc = crc_bits(content, n - 4);
  for (unsigned i = 0; i < 4; i++)
    if (content[n - 4 + i] != (uint8_t)(crc >> (8 * i))) return 0;
  return 1;
}

#endif
