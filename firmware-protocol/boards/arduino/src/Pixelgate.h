/*
 * An Arduino as a board of pixelgate. The sketch gives the pixels' memory, a storage and a Stream, and calls loop():
 *
 *   uint8_t pixels[60 * 3];
 *   PixelgateEeprom storage;
 *   Pixelgate gate(pixels, 60, storage);
 *
 *   void setup() { Serial.begin(115200); gate.onShow(show); gate.begin(Serial); }
 *   void loop() { gate.loop(); }
 *
 * `pixels` may be FastLED's: (uint8_t *)leds. It holds three bytes a LED in the order in which the gateway was told that the board wants them
 * (`pixelgate board set ID --color-order`). Nothing may block in loop() for longer than the port's receive buffer holds: 5 ms for the 63
 * bytes of an AVR at 115,200 baud.
 */
#ifndef PIXELGATE_H
#define PIXELGATE_H

#include <Arduino.h>

#include "PixelgateStorage.h"

/* Body of the largest frame. */
#ifndef PIXELGATE_MAX_BODY
#ifdef __AVR__
#define PIXELGATE_MAX_BODY 128
#else
#define PIXELGATE_MAX_BODY 1024
#endif
#endif

/* The largest block of the codecs with LZ that can be played; 0 where they are left out. */
#ifndef PIXELGATE_DECODE_BYTES
#if !PG_WITH_LZ
#define PIXELGATE_DECODE_BYTES 0
#elif defined(__AVR__)
#define PIXELGATE_DECODE_BYTES 2048
#else
#define PIXELGATE_DECODE_BYTES 8192
#endif
#endif

class Pixelgate {
 public:
  /* `pixels`: 3 bytes for each of `leds`. */
  Pixelgate(uint8_t *pixels, uint16_t leds, PixelgateStorage &storage);

  /* Before begin(). Texts are not copied. */
  void setMatrix(uint16_t width, uint16_t height);
  void setName(const char *name);
  void setMaxPower(uint16_t milliampere);
  /* Called when `pixels` holds the next picture. */
  void onShow(void (*show)());
  /* Where show() shuts out receiving: milliseconds of a whole frame on the line. The board then asks for silence before each picture. */
  void setShowGuard(uint8_t milliseconds);
  /* What the port's driver holds, if it is more than the core's own. Above `lineRate` baud the gateway sends no more than that. */
  void setReceiveBuffer(uint16_t bytes, uint32_t lineRate);
#if PG_WITH_SETBAUD
  /* Called with the rate to go to after all output has left, 0 for that of the start. */
  void onBaud(uint32_t highest, void (*setBaud)(uint32_t baud));
#endif
  /* Called to restart the chip; without it the chip is restarted as it is usual. */
  void onReboot(void (*reboot)());

  /* Returns 0, or a negative number of pixelgate/errors.h: PG_STORAGE when the memory is missing or does not answer. */
  int begin(Stream &line);
  int begin(); /* Without a line for now. */
  void loop();

  /* Another line: a connection that was just accepted. */
  void attach(Stream &line) { line_ = &line; }
  void detach() { line_ = nullptr; }

  const pg_board &board() const { return board_; }

 private:
  static void send(void *self, const uint8_t *bytes, size_t n);
  static void take(void *self, uint32_t offset, const uint8_t *bytes, uint16_t n);
  static void put(void *self, uint32_t frame, uint32_t delayMs, const uint8_t id[16]);
  static void restart(void *self);
  static uint32_t now(void *self);
#if PG_WITH_SETBAUD
  static void changeBaud(void *self, uint32_t baud);
  void (*setBaud_)(uint32_t) = nullptr;
#endif

  PixelgateStorage &storage_;
  Stream *line_ = nullptr;
  uint8_t *pixels_;
  uint16_t pixelBytes_;
  void (*show_)() = nullptr;
  void (*reboot_)() = nullptr;
  pg_config config_;
  pg_board board_;
  uint8_t rx_[PG_RX_BYTES(PIXELGATE_MAX_BODY)];
#if PIXELGATE_DECODE_BYTES > 0
  uint8_t decode_[PIXELGATE_DECODE_BYTES];
#endif
};

#endif
