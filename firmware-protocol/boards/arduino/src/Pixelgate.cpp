#include "Pixelgate.h"

#include <string.h>

#ifdef __AVR__
#include <avr/wdt.h>

/* After a watchdog reset it goes on running, and at its shortest; bootloaders do not all stop it. */
__attribute__((naked, used, section(".init3"))) static void quietWatchdog(void) {
  MCUSR = 0;
  wdt_disable();
}
#endif

/* A write that takes nothing for so long has nobody at the other end. */
static const uint32_t deafMs = 2000;

#ifdef __AVR__
static const uint8_t pieceBytes = 32;
/* One frame: the 63 bytes of the core's buffer are emptied while it arrives. */
static const uint16_t creditBytes = 255;
static const uint16_t sliceBytes = 64;
#else
static const uint16_t pieceBytes = 256;
static const uint16_t creditBytes = 4096;
static const uint16_t sliceBytes = 1024;
#endif

Pixelgate::Pixelgate(uint8_t *pixels, uint16_t leds, PixelgateStorage &storage)
    : storage_(storage), pixels_(pixels), pixelBytes_((uint16_t)(leds * 3)) {
  memset(&config_, 0, sizeof config_);
  config_.leds = leds;
  config_.max_body = PIXELGATE_MAX_BODY;
  config_.rx_bytes = config_.window = creditBytes;
  config_.block_bytes = 0xFFFF;
  config_.codecs = 15;
  config_.digests = 3;
  config_.macs = 3;
  config_.slice_bytes = sliceBytes;
  config_.firmware_name = "pixelgate-arduino";
  config_.firmware_version = PG_LIBRARY_VERSION;
  config_.rx = rx_;
#if PIXELGATE_DECODE_BYTES > 0
  config_.decode = decode_;
  config_.decode_bytes = sizeof decode_;
#endif
  config_.ctx = this;
  config_.send = send;
  config_.pixels = take;
  config_.show = put;
  config_.reboot = restart;
  config_.now_ms = now;
}

void Pixelgate::setMatrix(uint16_t width, uint16_t height) {
  config_.width = width;
  config_.height = height;
}

void Pixelgate::setName(const char *name) { config_.board_name = name; }

void Pixelgate::setMaxPower(uint16_t milliampere) { config_.max_power_ma = milliampere; }

void Pixelgate::onShow(void (*show)()) { show_ = show; }

void Pixelgate::setShowGuard(uint8_t milliseconds) { config_.show_guard_ms = milliseconds; }

void Pixelgate::setReceiveBuffer(uint16_t bytes, uint32_t lineRate) {
  config_.rx_bytes = bytes;
  config_.line_rate_baud = lineRate;
}

void Pixelgate::onReboot(void (*reboot)()) { reboot_ = reboot; }

#if PG_WITH_SETBAUD
void Pixelgate::onBaud(uint32_t highest, void (*setBaud)(uint32_t baud)) {
  config_.max_baud = highest;
  config_.set_baud = changeBaud;
  setBaud_ = setBaud;
}

void Pixelgate::changeBaud(void *self, uint32_t baud) { static_cast<Pixelgate *>(self)->setBaud_(baud); }
#endif

int Pixelgate::begin(Stream &line) {
  attach(line);
  return begin();
}

int Pixelgate::begin() {
  if (!storage_.begin(config_.storage)) return PG_STORAGE;
  config_.slots = storage_.slots();
  config_.flags = storage_.flags();
  return pg_board_init(&board_, &config_, millis());
}

void Pixelgate::loop() {
  uint8_t piece[pieceBytes];
  const int waiting = line_ ? line_->available() : 0;
  if (waiting > 0) {
    const size_t n = line_->readBytes(piece, (size_t)waiting < sizeof piece ? (size_t)waiting : sizeof piece);
    for (size_t at = 0; at < n;) at += pg_board_sink(&board_, piece + at, n - at);
  }
  pg_board_poll(&board_, millis());
}

void Pixelgate::send(void *self, const uint8_t *bytes, size_t n) {
  Stream *line = static_cast<Pixelgate *>(self)->line_;
  if (!line) return;
  const uint32_t began = millis();
  while (n && millis() - began < deafMs) {
    const size_t taken = line->write(bytes, n);
    bytes += taken;
    n -= taken;
    if (n) yield();
  }
}

void Pixelgate::take(void *self, uint32_t offset, const uint8_t *bytes, uint16_t n) {
  Pixelgate *gate = static_cast<Pixelgate *>(self);
  if (offset >= gate->pixelBytes_) return; /* a fourth channel would not fit */
  const uint16_t at = (uint16_t)offset, room = (uint16_t)(gate->pixelBytes_ - at);
  memcpy(gate->pixels_ + at, bytes, n < room ? n : room);
}

void Pixelgate::put(void *self, uint32_t frame, uint32_t delayMs, const uint8_t id[16]) {
  (void)frame;
  (void)delayMs;
  (void)id;
  Pixelgate *gate = static_cast<Pixelgate *>(self);
  if (gate->show_) gate->show_();
}

uint32_t Pixelgate::now(void *self) {
  (void)self;
  return millis();
}

void Pixelgate::restart(void *self) {
  Pixelgate *gate = static_cast<Pixelgate *>(self);
  if (gate->reboot_) gate->reboot_();
#if defined(__AVR__)
  wdt_enable(WDTO_15MS);
  for (;;) continue;
#elif defined(ESP8266) || defined(ESP32)
  ESP.restart();
#endif
}
