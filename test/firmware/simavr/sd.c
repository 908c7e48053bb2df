/*
 * An SD card in SPI mode (SD Specifications, Part 1, Physical Layer Simplified Specification, chapter 7): version 2, high capacity or
 * standard. It is busy for a millisecond after each block and now and then for 100, as cards are that tidy up. A sector that a power cut
 * finds being written is lost as a whole: it holds what it did, or what it should, or anything, or cannot be read any more.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECTOR_BYTES 512
#define WAKE_US 30000.0
#define ACCESS_US 150.0
#define WRITE_US 1000.0
#define PAUSE_US 100000.0
#define SLOW_HZ 400000u
#define FAST_HZ 25000000u
#define NATIVE_CLOCKS 74u
enum { ILLEGAL = 4, CRC_ERROR = 8, ADDRESS_ERROR = 32, PARAMETER_ERROR = 64, IDLE = 1 };
enum { TOKEN = 0xFE, ACCEPTED = 0xE5, REFUSED = 0xEB, UNREADABLE = 0x04 };

static rig_t *rig;
static uint8_t *memory;
static uint32_t sectors;
static bool standard;
static uint32_t pause_every;

static enum { NATIVE, SLEEPS, READY } state; /* NATIVE: not in SPI mode yet */
static uint32_t clocks;                      /* since the supply came, not selected */
static bool checks, app, block_length_set;
static avr_cycle_count_t awake_at;
static bool waking;
static uint8_t frame[6], frame_n;
static uint8_t out[600];
static uint32_t out_at, out_n, slack; /* slack: bytes of the response until which a read has to wait */
static avr_cycle_count_t data_at;
static enum { NOTHING, TO_COME, COMES } block;
static uint32_t sector, block_n;
static uint8_t data[SECTOR_BYTES + 2];
static bool works;
static avr_cycle_count_t done_at;
static uint32_t seed = 7;
static uint32_t tear_in;
static int64_t unreadable = -1;

static uint32_t any(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

static uint16_t crc16(const uint8_t *bytes, uint32_t n) {
  uint16_t crc = 0;
  for (uint32_t i = 0; i < n; i++) {
    crc ^= (uint16_t)(bytes[i] << 8);
    for (int bit = 0; bit < 8; bit++) crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
  }
  return crc;
}

static uint8_t crc7(const uint8_t *bytes, uint32_t n) {
  uint8_t crc = 0;
  for (uint32_t i = 0; i < n * 8; i++) {
    const uint8_t bit = bytes[i / 8] >> (7 - i % 8) & 1;
    crc = (uint8_t)((crc << 1 ^ ((crc >> 6 ^ bit) & 1 ? 0x09 : 0)) & 0x7F);
  }
  return crc;
}

static void settle(void) {
  if (!works || rig->avr->cycle < done_at) return;
  works = false;
  memcpy(memory + (size_t)sector * SECTOR_BYTES, data, SECTOR_BYTES);
  if (unreadable == sector) unreadable = -1;
}

static void say(uint8_t byte) { out[out_n++] = byte; }

static void say_word(uint32_t word) {
  for (int shift = 24; shift >= 0; shift -= 8) say((uint8_t)(word >> shift));
}

static bool address(uint32_t argument, uint8_t idle) {
  sector = standard ? argument / SECTOR_BYTES : argument;
  if (standard && argument % SECTOR_BYTES)
    say(idle | ADDRESS_ERROR);
  else if (sector >= sectors)
    say(idle | PARAMETER_ERROR);
  else
    return true;
  rig->sd_clashes++;
  return false;
}

static void read_block(uint32_t argument, uint8_t idle) {
  if (!address(argument, idle)) return;
  const uint8_t *from = memory + (size_t)sector * SECTOR_BYTES;
  rig->sd_reads++;
  say(0);
  slack = out_n;
  data_at = rig->avr->cycle + rig_us(rig, ACCESS_US);
  if (unreadable == sector) {
    say(UNREADABLE);
    return;
  }
  say(TOKEN);
  memcpy(out + out_n, from, SECTOR_BYTES);
  out_n += SECTOR_BYTES;
  const uint16_t crc = crc16(from, SECTOR_BYTES);
  say((uint8_t)(crc >> 8));
  say((uint8_t)crc);
}

static void obey(void) {
  const uint8_t index = frame[0] & 63;
  const uint32_t argument = (uint32_t)frame[1] << 24 | (uint32_t)frame[2] << 16 | (uint32_t)frame[3] << 8 | frame[4];
  const bool for_app = app;
  uint8_t idle = state == READY ? 0 : IDLE;
  app = false;
  out_at = out_n = 0;
  slack = 0;
  block = NOTHING;
  if (state == NATIVE && (index != 0 || clocks < NATIVE_CLOCKS)) return;
  say(0xFF); /* N_CR */
  if ((checks || index == 0 || index == 8) && frame[5] != (uint8_t)(crc7(frame, 5) << 1 | 1)) {
    say(idle | CRC_ERROR);
    return;
  }
  if (index == 0) {
    state = SLEEPS;
    checks = waking = block_length_set = false;
    say(IDLE);
  } else if (index == 8) {
    say(idle);
    say_word(argument & 0xFFF);
  } else if (index == 55) {
    app = true;
    say(idle);
  } else if (index == 41 && for_app) {
    if (!waking) awake_at = rig->avr->cycle + rig_us(rig, WAKE_US);
    waking = true;
    if (rig->avr->cycle >= awake_at && (standard || argument & 0x40000000u)) state = READY;
    say(state == READY ? 0 : IDLE);
  } else if (index == 58) {
    say(idle);
    say_word(0x00FF8000u | (state == READY ? 0x80000000u : 0) | (state == READY && !standard ? 0x40000000u : 0));
  } else if (index == 59) {
    checks = argument & 1;
    say(idle);
  } else if (state != READY) {
    say(idle | ILLEGAL);
  } else if (index == 13) {
    say(0);
    say(0);
  } else if (index == 16) {
    block_length_set = argument == SECTOR_BYTES;
    say(block_length_set ? 0 : PARAMETER_ERROR);
  } else if (index == 17) {
    read_block(argument, idle);
  } else if (index == 24) {
    if (!address(argument, idle)) return;
    say(0);
    block = TO_COME;
    block_n = 0;
  } else {
    say(idle | ILLEGAL);
  }
}

static void write_block(void) {
  out_at = out_n = 0;
  slack = 0;
  block = NOTHING;
  if (checks && crc16(data, SECTOR_BYTES) != (uint16_t)(data[SECTOR_BYTES] << 8 | data[SECTOR_BYTES + 1])) {
    say(REFUSED);
    return;
  }
  say(ACCEPTED);
  works = true;
  rig->sd_writes++;
  const bool pauses = pause_every && rig->sd_writes % pause_every == 0;
  if (pauses) rig->sd_pauses++;
  done_at = rig->avr->cycle + rig_us(rig, pauses ? PAUSE_US : WRITE_US);
  if (tear_in && --tear_in == 0) rig->cut_wanted = true;
}

static uint8_t exchange(bool selected, uint8_t in, uint32_t cycles) {
  const uint32_t hertz = rig->avr->frequency / (cycles / 8);
  if (!memory) return 0xFF;
  settle();
  if (hertz > (state == READY ? FAST_HZ : SLOW_HZ)) rig->sd_clashes++;
  if (!selected) {
    clocks += 8;
    frame_n = 0;
    out_at = out_n = 0;
    return 0xFF;
  }
  if (state == NATIVE && clocks < NATIVE_CLOCKS) rig->sd_clashes++;
  if (out_at < out_n && (out_at != slack || slack == 0 || rig->avr->cycle >= data_at)) return out[out_at++];
  if (out_at < out_n) return 0xFF;
  if (works) {
    if (in != 0xFF) rig->sd_clashes++;
    return 0;
  }
  if (block == TO_COME) {
    if (in == TOKEN) block = COMES;
    return 0xFF;
  }
  if (block == COMES) {
    data[block_n++] = in;
    if (block_n == sizeof data) write_block();
    return 0xFF;
  }
  if (frame_n == 0 && (in & 0xC0) != 0x40) return 0xFF;
  frame[frame_n++] = in;
  if (frame_n == sizeof frame) {
    frame_n = 0;
    if (standard && state == READY && !block_length_set && ((frame[0] & 63) == 17 || (frame[0] & 63) == 24)) rig->sd_clashes++;
    obey();
  }
  return 0xFF;
}

/* What is being read goes no further; a block that is being written still comes. */
static void select(bool now) {
  if (!now) out_at = out_n = 0;
}

void sd_start(rig_t *with, const char *file, bool standard_capacity, uint32_t every, char cs_port, int cs_bit) {
  static const spi_device device = {.select = select, .exchange = exchange};
  struct stat now;
  rig = with;
  standard = standard_capacity;
  pause_every = every;
  if (*file) {
    if (stat(file, &now) || now.st_size < SECTOR_BYTES) desk_fail(file);
    sectors = (uint32_t)(now.st_size / SECTOR_BYTES);
    memory = rig_map(file, (size_t)sectors * SECTOR_BYTES);
  }
  spi_start(rig, &device, cs_port, cs_bit);
}

void sd_tear(uint32_t in) { tear_in = in; }

void sd_cut(void) {
  if (!memory) return;
  settle();
  if (works) {
    uint8_t *cells = memory + (size_t)sector * SECTOR_BYTES;
    const uint32_t kind = rig->sd_torn++ % 5, half = any() % SECTOR_BYTES;
    if (kind == 0) unreadable = sector;
    if (kind == 1) memcpy(cells, data, half);
    if (kind == 2)
      for (uint32_t i = 0; i < SECTOR_BYTES; i++) cells[i] = (uint8_t)(any() >> 11);
    if (kind == 3) memcpy(cells, data, SECTOR_BYTES);
  }
  works = false;
  state = NATIVE;
  checks = app = waking = block_length_set = false;
  clocks = frame_n = 0;
  out_at = out_n = 0;
  block = NOTHING;
}
