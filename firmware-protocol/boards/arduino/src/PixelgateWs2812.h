/*
 * WS2812 at 800 kHz on any pin of an AVR at 16 MHz, for sketches that have no room for FastLED. Interrupts are off while a picture goes out
 * (35 µs a LED); between two bytes the UART is emptied and the clock's ticks are counted, so that Serial loses no byte up to 500,000 baud
 * and millis() stays right.
 */
#ifndef PIXELGATE_WS2812_H
#define PIXELGATE_WS2812_H

#if !defined(__AVR__) || F_CPU != 16000000L
#error "This is for an AVR at 16 MHz"
#endif

#include <Arduino.h>
#include <HardwareSerial_private.h>
#include <util/atomic.h>

extern volatile unsigned long timer0_millis, timer0_overflow_count;

class PixelgateWs2812 {
 public:
  void begin(uint8_t pin) {
    pinMode(pin, OUTPUT);
    digitalWrite(pin, LOW);
    port_ = portOutputRegister(digitalPinToPort(pin));
    mask_ = digitalPinToBitMask(pin);
  }

  void show(const uint8_t *bytes, uint16_t n) {
    uint8_t ticks = 0;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
      const uint8_t low = (uint8_t)(*port_ & ~mask_), high = (uint8_t)(low | mask_);
      while (n--) {
#ifdef HAVE_HWSERIAL0
        if (UCSR0A & _BV(RXC0)) Serial._rx_complete_irq();
#endif
        if (TIFR0 & _BV(TOV0)) {
          TIFR0 = _BV(TOV0);
          ticks++;
        }
        put(*bytes++, high, low);
      }
      count(ticks);
    }
  }

 private:
  /* High for 6 cycles (375 ns) or 13 (812 ns) of 20 or 21. */
  void put(uint8_t byte, uint8_t high, uint8_t low) {
    uint8_t bits = 8;
    __asm__ volatile(
        "1: st %a[port], %[high] \n"
        "   lsl %[byte]          \n"
        "   rjmp .+0             \n"
        "   brcs 2f              \n"
        "   st %a[port], %[low]  \n"
        "2: rjmp .+0             \n"
        "   rjmp .+0             \n"
        "   rjmp .+0             \n"
        "   st %a[port], %[low]  \n"
        "   rjmp .+0             \n"
        "   dec %[bits]          \n"
        "   brne 1b              \n"
        : [byte] "+r"(byte), [bits] "+d"(bits)
        : [port] "e"(port_), [high] "r"(high), [low] "r"(low)
        : "memory");
  }

  /* What the core's interrupt does at an overflow of timer 0, every 1,024 µs. */
  void count(uint8_t ticks) {
    timer0_overflow_count += ticks;
    for (; ticks; ticks--) {
      timer0_millis++;
      if ((restUs_ += 24) < 1000) continue;
      restUs_ -= 1000;
      timer0_millis++;
    }
  }

  volatile uint8_t *port_;
  uint8_t mask_;
  uint16_t restUs_ = 0;
};

#endif
