/*
 * The library's storage on an SD card. A card may lose the whole sector that a power cut finds it writing, also what had been durable in it.
 * So a page of 504 bytes has two sectors, and a change goes to the older of them: until it is whole the other one counts.
 *
 *   sector   0 number of the change u32, 4 the page's bytes, 508 low half of the number again, 510 check: CRC-16 xor a mark of the page's own
 *
 * Changes reach the card in the order of the writes: at most one page is changed in RAM and not on the card, and it goes there before
 * another one is changed. What is short (records, headers, marks, journal) is written at once. Frames of a block may wait for the
 * rest of their page, since they count only with the journal byte that is written after them.
 *
 * A card may hold somebody's files. So nothing but a partition of PARTITION_TYPE in a DOS partition table is touched.
 */
#include <string.h>

#include "sd.h"
#include "store.h"

#ifdef STORAGE_SD

#define PAGE_AT 4u
#define PAGE_BYTES 504u
#define NUMBER_AT 508u
#define MOST_PAGES ((uint16_t)(((uint32_t)16 << 20) / PAGE_BYTES)) /* a page's mark is never 0, as that of a sector of zeros is */
#define MARK 0xA55Au
#define NO_PAGE 0xFFFFu
#define BUFFERS 4
#define KNOWN 64u
#define WAITS_BYTES 64u /* a write of so many may wait */

#define PARTITION_TYPE 0x7F /* for local use */
#define TABLE_AT 446u
#define ENTRY_BYTES 16u
#define ENTRY_TYPE 4u
#define ENTRY_FIRST 8u
#define ENTRY_SECTORS 12u

typedef struct buffer {
  uint16_t page;
  uint16_t used;
  uint8_t copy; /* which of the two sectors this is */
  uint8_t bytes[SD_SECTOR_BYTES];
} buffer;

static buffer buffers[BUFFERS];
static buffer *changed; /* is newer than the card */
static uint32_t first;
static uint16_t uses;
/* Pages seen since the start, at their number modulo KNOWN, and which of their sectors counts: one need not be read to know it. */
static uint16_t known[KNOWN];
static uint8_t known_copy[KNOWN];

static uint32_t get32(const uint8_t *p) {
  return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void put_number(uint8_t *p, uint32_t number) {
  for (uint8_t i = 0; i < 4; i++) p[i] = (uint8_t)(number >> 8 * i);
  p[NUMBER_AT] = p[0];
  p[NUMBER_AT + 1] = p[1];
}

static uint32_t sector_of(const buffer *b, uint8_t copy) { return first + 2 * (uint32_t)b->page + copy; }

static uint16_t mark_of(const buffer *b) { return b->page ^ MARK; }

/* 1: the buffer holds this copy, 0: it is no good, else as sd_read. */
static int take(buffer *b, uint8_t copy, const uint32_t *newer_than) {
  uint16_t mark;
  const int r = sd_read(sector_of(b, copy), b->bytes, newer_than, &mark);
  if (r) return r == SD_NOT_NEWER ? 2 : r;
  b->copy = copy;
  return mark == mark_of(b) && get32(b->bytes) != 0 && memcmp(b->bytes, b->bytes + NUMBER_AT, 2) == 0;
}

static void know(const buffer *b) {
  known[b->page % KNOWN] = b->page;
  known_copy[b->page % KNOWN] = b->copy;
}

/* The newest copy that is whole. A page of which there is none was never written. */
static int load(buffer *b) {
  if (known[b->page % KNOWN] == b->page && take(b, known_copy[b->page % KNOWN], NULL) == 1) return 0;
  const int older = take(b, 0, NULL);
  if (older == SD_FAILS) return -1;
  const uint32_t number = get32(b->bytes);
  const int newer = take(b, 1, older == 1 ? &number : NULL);
  if (newer == SD_FAILS || (newer == SD_UNREADABLE && older == SD_UNREADABLE)) return -1;
  if (newer == 1 || (older == 1 && newer == 2)) return 0;
  if (older == 1) return take(b, 0, NULL) == 1 ? 0 : -1; /* the other one has overwritten it */
  memset(b->bytes, 0xFF, sizeof b->bytes);
  put_number(b->bytes, 0);
  b->copy = 1;
  return 0;
}

static buffer *find(uint16_t page) {
  buffer *oldest = NULL;
  uses++;
  for (buffer *b = buffers; b < buffers + BUFFERS; b++) {
    if (b->page == page) {
      b->used = uses;
      return b;
    }
    if (b != changed && (!oldest || (uint16_t)(uses - b->used) > (uint16_t)(uses - oldest->used))) oldest = b;
  }
  oldest->page = page;
  oldest->used = uses;
  if (load(oldest)) {
    oldest->page = NO_PAGE;
    return NULL;
  }
  know(oldest);
  return oldest;
}

/* What could not be written stays to be written: nothing that is later may get to the card before it. */
static int flush(void) {
  buffer *b = changed;
  if (!b) return 0;
  const uint32_t number = get32(b->bytes);
  put_number(b->bytes, number == 0xFFFFFFFFu ? 1 : number + 1);
  if (sd_write(sector_of(b, !b->copy), b->bytes, mark_of(b))) {
    put_number(b->bytes, number);
    return -1;
  }
  b->copy = !b->copy;
  know(b);
  changed = NULL;
  return 0;
}

static int change(buffer *b) {
  if (changed != b && flush()) return -1;
  changed = b;
  return 0;
}

static uint16_t part_of(uint16_t at, uint32_t n) {
  const uint16_t room = (uint16_t)(PAGE_BYTES - at);
  return n < room ? (uint16_t)n : room;
}

static int read(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  uint8_t *to = bytes;
  (void)ctx;
  while (n) {
    const uint16_t at = (uint16_t)(addr % PAGE_BYTES), part = part_of(at, n);
    const buffer *b = find((uint16_t)(addr / PAGE_BYTES));
    if (!b) return -1;
    memcpy(to, b->bytes + PAGE_AT + at, part);
    to += part;
    addr += part;
    n -= part;
  }
  return 0;
}

static int write(void *ctx, uint32_t addr, const void *bytes, uint32_t n) {
  const uint8_t *from = bytes;
  const uint8_t waits = n >= WAITS_BYTES;
  (void)ctx;
  while (n) {
    const uint16_t at = (uint16_t)(addr % PAGE_BYTES), part = part_of(at, n);
    buffer *b = find((uint16_t)(addr / PAGE_BYTES));
    if (!b) return -1;
    uint8_t *to = b->bytes + PAGE_AT + at;
    if (memcmp(to, from, part) != 0) {
      if (change(b)) return -1;
      memcpy(to, from, part);
    }
    from += part;
    addr += part;
    n -= part;
  }
  return waits ? 0 : flush();
}

static uint8_t is_blank(const buffer *b) {
  for (uint16_t i = 0; i < PAGE_BYTES; i++)
    if (b->bytes[PAGE_AT + i] != 0xFF) return 0;
  return 1;
}

static int erase(void *ctx, uint32_t addr, uint32_t n) {
  (void)ctx;
  for (const uint32_t end = addr + n; addr < end; addr += PAGE_BYTES) {
    buffer *b = find((uint16_t)(addr / PAGE_BYTES));
    if (!b) return -1;
    if (b != changed && is_blank(b)) continue;
    if (change(b)) return -1;
    memset(b->bytes + PAGE_AT, 0xFF, PAGE_BYTES);
  }
  return flush();
}

/* Finds the partition. Returns its pages, 0 where there is none. */
static uint16_t find_pages(void) {
  uint8_t *table = buffers[0].bytes;
  uint16_t mark;
  if (sd_read(0, table, NULL, &mark) || table[SD_OWN_BYTES] != 0x55 || table[SD_OWN_BYTES + 1] != 0xAA) return 0;
  for (uint8_t i = 0; i < 4; i++) {
    const uint8_t *entry = table + TABLE_AT + i * ENTRY_BYTES;
    if (entry[ENTRY_TYPE] != PARTITION_TYPE || get32(entry + ENTRY_FIRST) == 0) continue;
    const uint32_t pages = get32(entry + ENTRY_SECTORS) / 2;
    first = get32(entry + ENTRY_FIRST);
    return pages < MOST_PAGES ? (uint16_t)pages : MOST_PAGES;
  }
  return 0;
}

int store_start(pg_storage *storage) {
  changed = NULL;
  if (sd_start()) return -1;
  const uint16_t pages = find_pages();
  if (!pages) return -1;
  for (uint8_t i = 0; i < BUFFERS; i++) buffers[i].page = NO_PAGE;
  for (uint8_t i = 0; i < KNOWN; i++) known[i] = NO_PAGE;
  storage->read = read;
  storage->write = write;
  storage->erase = erase;
  storage->bytes = (uint32_t)pages * PAGE_BYTES;
  storage->erase_unit = PAGE_BYTES;
  return 0;
}

#endif
