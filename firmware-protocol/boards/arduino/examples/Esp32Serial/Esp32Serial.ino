// An ESP32 with LEDs that FastLED knows, on its serial port.
// Patterns are kept in the partition "pixelgate", else in that of the file system.
#include <FastLED.h>

#include <Pixelgate.h>
#include <PixelgateEsp32Partition.h>

const uint8_t LED_PIN = 5;
const uint16_t WIDTH = 16, HEIGHT = 16;
const uint16_t RECEIVE_BYTES = 2048;
const uint32_t START_BAUD = 115200;

CRGB leds[WIDTH * HEIGHT];
PixelgateEsp32Partition storage;
Pixelgate gate((uint8_t *)leds, WIDTH * HEIGHT, storage);

void show() { FastLED.show(); }

void setBaud(uint32_t baud) {
  Serial.flush();
  Serial.updateBaudRate(baud ? baud : START_BAUD);
}

void setup() {
  Serial.setRxBufferSize(RECEIVE_BYTES);
  Serial.begin(START_BAUD);
  FastLED.addLeds<WS2812B, LED_PIN, GRB>(leds, WIDTH * HEIGHT);
  gate.setName("ESP32");
  gate.setMatrix(WIDTH, HEIGHT);
  gate.setReceiveBuffer(RECEIVE_BYTES, START_BAUD);
  gate.onBaud(460800, setBaud);
  gate.onShow(show);
  gate.begin(Serial);
}

void loop() { gate.loop(); }
