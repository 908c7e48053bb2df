// An Arduino Mega 2560 with an 8x8 matrix of WS2812 on D2. One pattern is kept in the EEPROM: 3,800 bytes after compression.
// Gateway: pixelgate upload FILE --port /dev/ttyACM0 --color-order GRB --wiring row-serpentine-tl
#include <Pixelgate.h>
#include <PixelgateEeprom.h>
#include <PixelgateWs2812.h>

const uint8_t LED_PIN = 2;
const uint16_t WIDTH = 8, HEIGHT = 8;

uint8_t pixels[WIDTH * HEIGHT * 3];
PixelgateWs2812 strip;
PixelgateEeprom storage;
Pixelgate gate(pixels, WIDTH * HEIGHT, storage);

void show() { strip.show(pixels, sizeof pixels); }

void setup() {
  Serial.begin(115200);
  strip.begin(LED_PIN);
  gate.setName("Arduino Mega 2560");
  gate.setMatrix(WIDTH, HEIGHT);
  gate.onShow(show);
  gate.begin(Serial);
}

void loop() { gate.loop(); }
