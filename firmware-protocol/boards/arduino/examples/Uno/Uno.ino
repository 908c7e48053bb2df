// An Arduino Uno or Nano with WS2812 on D6. One pattern is kept in the EEPROM: 735 bytes after compression.
// Gateway: pixelgate upload FILE --port /dev/ttyACM0 --color-order GRB
#include <Pixelgate.h>
#include <PixelgateEeprom.h>
#include <PixelgateWs2812.h>

const uint8_t LED_PIN = 6;
const uint16_t LED_COUNT = 60;

uint8_t pixels[LED_COUNT * 3];
PixelgateWs2812 strip;
PixelgateEeprom storage;
Pixelgate gate(pixels, LED_COUNT, storage);

void show() { strip.show(pixels, sizeof pixels); }

void setup() {
  Serial.begin(115200);
  strip.begin(LED_PIN);
  gate.setName("Arduino Uno");
  gate.onShow(show);
  gate.begin(Serial);
}

void loop() { gate.loop(); }
