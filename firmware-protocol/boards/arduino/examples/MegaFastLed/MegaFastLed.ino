// An Arduino Mega 2560 with any LEDs that FastLED knows. FastLED shuts interrupts out while it shows, so the board asks for silence before
// each picture: setShowGuard. FastLED puts the colours in the order of the LEDs; the gateway sends RGB.
#include <FastLED.h>

#include <Pixelgate.h>
#include <PixelgateEeprom.h>

const uint8_t LED_PIN = 2;
const uint16_t LED_COUNT = 60;

CRGB leds[LED_COUNT];
PixelgateEeprom storage;
Pixelgate gate((uint8_t *)leds, LED_COUNT, storage);

void show() { FastLED.show(); }

void setup() {
  Serial.begin(115200);
  FastLED.addLeds<WS2812B, LED_PIN, GRB>(leds, LED_COUNT);
  gate.setName("Mega with FastLED");
  gate.setShowGuard(14); // a frame of 128 bytes at 115,200 baud
  gate.onShow(show);
  gate.begin(Serial);
}

void loop() { gate.loop(); }
