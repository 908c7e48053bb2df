/*
 * SD cards in SPI mode, version 1 and 2, standard and high capacity (SD Specifications, Part 1, Physical Layer Simplified Specification,
 * chapter 7). With CRC on, so that the card refuses what the wires have spoilt.
 */
#include "sd.h"

#include <avr/io.h>
#include <string.h>
#include <util/crc16.h>

#include "clock.h"
#include "target.h"

#ifdef STORAGE_SD

#define CMD_GO_IDLE 0
#define CMD_SEND_IF_COND 8
#define CMD_SEND_STATUS 13
#define CMD_SET_BLOCKLEN 16
#define CMD_READ 17
#define CMD_WRITE 24
#define ACMD_SEND_OP_COND 41
#define CMD_APP 55
#define CMD_READ_OCR 58
#define CMD_CRC_ON_OFF 59
#define VOLTAGE_AND_PATTERN 0x1AAu /* 2.7 … 3.6 V; any eight bits, which the card repeats */
#define HIGH_CAPACITY 0x40000000u
#define IDLE 1
#define NO_ANSWER 0xFF
#define TOKEN 0xFE
#define ACCEPTED 5
#define WAKE_MS 1000u /* 4.2.3: ACMD41 */
#define READ_MS 300u  /* 4.6.2.1 has 100 */
#define BUSY_MS 700u  /* 4.6.2.2 has 250, and 500 for SDXC */
#define TRIES 3

static uint8_t by_bytes; /* standard capacity */
static uint8_t lost;     /* nobody answered: no more waiting until the next start */

static uint8_t swap(uint8_t byte) {
  SPDR = byte;
  while (!(SPSR & _BV(SPIF))) continue;
  return SPDR;
}

/* The byte that has arrived; the next is on its way while the caller works on it. */
static inline __attribute__((always_inline)) uint8_t exchange(uint8_t byte) {
  while (!(SPSR & _BV(SPIF))) continue;
  const uint8_t in = SPDR;
  SPDR = byte;
  return in;
}

/* The card lets go of MISO with the next clocks. */
static void deselect(void) {
  PORTB = (uint8_t)(PORTB | _BV(SPI_CS));
  swap(0xFF);
}

static uint8_t is_ready(void) {
  const uint32_t began = clock_ms();
  uint8_t in;
  do in = swap(0xFF);
  while (in != 0xFF && clock_ms() - began < BUSY_MS);
  return in == 0xFF;
}

/* Leaves the card selected. Returns R1. */
static uint8_t command(uint8_t index, uint32_t argument) {
  const uint8_t bytes[5] = {(uint8_t)(0x40 | index), (uint8_t)(argument >> 24), (uint8_t)(argument >> 16), (uint8_t)(argument >> 8), (uint8_t)argument};
  uint8_t crc = 0, answer = NO_ANSWER;
  PORTB = (uint8_t)(PORTB & ~_BV(SPI_CS));
  if (!is_ready()) return NO_ANSWER;
  for (uint8_t i = 0; i < sizeof bytes; i++) {
    swap(bytes[i]);
    crc ^= bytes[i]; /* CRC-7, in the upper seven bits (4.5) */
    for (uint8_t bit = 0; bit < 8; bit++) crc = (uint8_t)(crc & 0x80 ? (crc << 1) ^ (0x09 << 1) : crc << 1);
  }
  swap(crc | 1);
  for (uint8_t i = 0; i < 10 && answer & 0x80; i++) answer = swap(0xFF);
  return answer;
}

static uint8_t simple(uint8_t index, uint32_t argument) {
  const uint8_t answer = command(index, argument);
  deselect();
  return answer;
}

/* R3 and R7: R1 and 32 bits. */
static uint8_t long_answer(uint8_t index, uint32_t argument, uint32_t *value) {
  const uint8_t answer = command(index, argument);
  *value = 0;
  for (uint8_t i = 0; i < 4; i++) *value = *value << 8 | swap(0xFF);
  deselect();
  return answer;
}

static int begin(void) {
  uint32_t value;
  PORTB = (uint8_t)(PORTB | _BV(SPI_CS));
  for (uint8_t i = 0; i < 10; i++) swap(0xFF); /* 74 clocks (6.4.1) */
  PORTB = (uint8_t)(PORTB & ~_BV(SPI_CS));
  for (uint16_t i = 0; i < SD_SECTOR_BYTES + 20; i++) swap(0xFF); /* the chip may have been reset in the middle of a block, and the card not */
  deselect();
  if (simple(CMD_GO_IDLE, 0) != IDLE) return SD_FAILS;
  uint32_t capacity = 0; /* told to cards of version 2 alone, the others do not know CMD8 */
  if (long_answer(CMD_SEND_IF_COND, VOLTAGE_AND_PATTERN, &value) == IDLE) {
    if ((value & 0xFFF) != VOLTAGE_AND_PATTERN) return SD_FAILS;
    capacity = HIGH_CAPACITY;
  }
  if (simple(CMD_CRC_ON_OFF, 1) != IDLE) return SD_FAILS;
  const uint32_t began = clock_ms();
  do {
    if (clock_ms() - began > WAKE_MS || simple(CMD_APP, 0) > IDLE) return SD_FAILS;
  } while (simple(ACMD_SEND_OP_COND, capacity));
  if (long_answer(CMD_READ_OCR, 0, &value)) return SD_FAILS;
  by_bytes = !(capacity && value & HIGH_CAPACITY);
  return by_bytes && simple(CMD_SET_BLOCKLEN, SD_SECTOR_BYTES) ? SD_FAILS : 0;
}

int sd_start(void) {
  DDRB = (uint8_t)(DDRB | _BV(SPI_CS) | _BV(SPI_MOSI) | _BV(SPI_SCK));
  PORTB = (uint8_t)(PORTB | _BV(SPI_MISO)); /* pulled up, so that an empty socket is silent */
  SPCR = _BV(SPE) | _BV(MSTR) | _BV(SPR1);
  SPSR = 0; /* 250 kHz */
  lost = 1;
  for (uint8_t tries = TRIES; lost && tries; tries--) lost = begin() != 0;
  deselect();
  SPCR = _BV(SPE) | _BV(MSTR);
  SPSR = _BV(SPI2X); /* 8 MHz */
  return lost ? SD_FAILS : 0;
}

static uint32_t place(uint32_t sector) { return by_bytes ? sector * SD_SECTOR_BYTES : sector; }

/* A byte takes 16 cycles on the wires and 40 here, half of them for the CRC. */
static __attribute__((noinline, optimize("O2"))) uint16_t get(uint8_t *to, uint16_t n, uint16_t crc) {
  do {
    const uint8_t in = exchange(0xFF);
    *to++ = in;
    crc = _crc_xmodem_update(crc, in);
  } while (--n);
  return crc;
}

static __attribute__((noinline, optimize("O2"))) uint16_t skip(uint16_t n, uint16_t crc) {
  do crc = _crc_xmodem_update(crc, exchange(0xFF));
  while (--n);
  return crc;
}

static __attribute__((noinline, optimize("O2"))) uint16_t put(const uint8_t *from, uint16_t n, uint16_t crc) {
  do {
    const uint8_t out = *from++;
    exchange(out);
    crc = _crc_xmodem_update(crc, out);
  } while (--n);
  return crc;
}

static int read_once(uint32_t sector, uint8_t *bytes, const uint32_t *newer_than, uint16_t *mark) {
  if (command(CMD_READ, place(sector))) return SD_FAILS;
  const uint32_t began = clock_ms();
  uint8_t token;
  do token = swap(0xFF);
  while (token == 0xFF && clock_ms() - began < READ_MS);
  if (token != TOKEN) return token < 0x20 ? SD_UNREADABLE : SD_FAILS;
  uint8_t head[4], last[2];
  SPDR = 0xFF;
  uint16_t crc = get(head, sizeof head, 0);
  const uint32_t number = (uint32_t)head[3] << 24 | (uint32_t)head[2] << 16 | (uint16_t)(head[1] << 8) | head[0];
  const uint8_t wanted = !newer_than || (int32_t)(number - *newer_than) > 0;
  if (wanted) {
    memcpy(bytes, head, sizeof head);
    crc = get(bytes + sizeof head, SD_OWN_BYTES - sizeof head, crc);
  } else {
    crc = skip(SD_OWN_BYTES - sizeof head, crc);
  }
  const uint16_t own = crc;
  crc = get(last, sizeof last, crc);
  if (wanted) memcpy(bytes + SD_OWN_BYTES, last, sizeof last);
  *mark = own ^ (uint16_t)(last[0] << 8 | last[1]);
  crc = skip(2, crc);
  exchange(0xFF);
  while (!(SPSR & _BV(SPIF))) continue;
  return crc ? SD_FAILS : wanted ? 0 : SD_NOT_NEWER;
}

int sd_read(uint32_t sector, uint8_t bytes[SD_SECTOR_BYTES], const uint32_t *newer_than, uint16_t *mark) {
  int r = SD_FAILS;
  for (uint8_t tries = TRIES; !lost && r < 0 && tries; tries--) {
    r = read_once(sector, bytes, newer_than, mark);
    deselect();
  }
  if (r == SD_FAILS) lost = 1;
  return r;
}

static int write_once(uint32_t sector, const uint8_t *bytes, uint16_t mark) {
  if (command(CMD_WRITE, place(sector))) return SD_FAILS;
  swap(0xFF);
  SPDR = TOKEN;
  uint16_t crc = put(bytes, SD_OWN_BYTES, 0);
  const uint8_t check[2] = {(uint8_t)((crc ^ mark) >> 8), (uint8_t)(crc ^ mark)};
  crc = put(check, sizeof check, crc);
  exchange((uint8_t)(crc >> 8));
  exchange((uint8_t)crc);
  exchange(0xFF);
  const uint8_t answer = exchange(0xFF);
  while (!(SPSR & _BV(SPIF))) continue;
  if ((answer & 0x1F) != ACCEPTED || !is_ready()) return SD_FAILS;
  deselect();
  return command(CMD_SEND_STATUS, 0) || swap(0xFF) ? SD_FAILS : 0;
}

int sd_write(uint32_t sector, const uint8_t *bytes, uint16_t mark) {
  int r = SD_FAILS;
  for (uint8_t tries = TRIES; !lost && r && tries; tries--) {
    r = write_once(sector, bytes, mark);
    deselect();
  }
  return r; /* a card that takes no more may be read for long */
}

#endif
