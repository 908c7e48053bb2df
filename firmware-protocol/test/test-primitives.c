#include "rig.h"

static void hex(const uint8_t *bytes, size_t n, char *text) {
  for (size_t i = 0; i < n; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void sha(const char *text, size_t repeat, char *out) {
  pg_sha256 hash;
  uint8_t digest[32];
  pg_sha256_init(&hash);
  for (size_t i = 0; i < repeat; i++) pg_sha256_update(&hash, text, strlen(text));
  pg_sha256_final(&hash, digest);
  hex(digest, 32, out);
}

static void sip(const uint8_t *bytes, size_t n, size_t piece, char *out) {
  uint8_t key[16], digest[16];
  pg_siphash hash;
  for (uint8_t i = 0; i < 16; i++) key[i] = i;
  pg_siphash_init(&hash, key);
  for (size_t i = 0; i < n; i += piece) pg_siphash_update(&hash, bytes + i, n - i < piece ? n - i : piece);
  pg_siphash_final(&hash, digest);
  hex(digest, 16, out);
}

static void test_cobs(void) {
  static uint8_t content[1300], wire[1400], back[1320];
  uint32_t seed = 77;
  begin_test("COBS gives back every content, random and at the edges of its groups");
  for (unsigned round = 0; round < 3000; round++) {
    const size_t n = round < 1300 ? round : random32(&seed) % 1292;
    const uint32_t zeros = round < 1300 ? 0 : random32(&seed) % 40;
    for (size_t i = 0; i < n; i++) content[i] = zeros && random32(&seed) % zeros == 0 ? 0 : (uint8_t)(1 + i % 255);
    const size_t length = encode_frame(wire, 1, 8, 3, (uint16_t)round, content, n);
    CHECK(length <= n + 8 + (n + 8) / 254 + 2);
    pg_rx rx;
    memset(&rx, 0, sizeof rx);
    rx.cap = sizeof back;
    int got = 0;
    for (size_t i = 0; i < length; i++) {
      CHECK((wire[i] == 0) == (i == length - 1));
      got = pg_rx_push(&rx, back, wire[i]);
    }
    if (!CHECK(got == 1) || !EQUAL(rx.n, n + 8) || !CHECK(memcmp(back + 4, content, n) == 0)) return;
  }
}

static void test_damage(void) {
  static uint8_t wire[400], copy[400], back[300], body[200];
  uint32_t seed = 5;
  begin_test("a frame with any one bit changed, or any one byte lost, is not taken");
  for (size_t i = 0; i < sizeof body; i++) body[i] = (uint8_t)(random32(&seed) % 7);
  const size_t n = encode_frame(wire, 1, 19, 3, 500, body, sizeof body);
  for (size_t k = 0; k < 9 * (n - 1); k++) {
    pg_rx rx;
    memset(&rx, 0, sizeof rx);
    rx.cap = sizeof back;
    memcpy(copy, wire, n);
    size_t length = n;
    if (k < 8 * (n - 1)) {
      copy[k / 8] ^= (uint8_t)(1u << k % 8);
    } else {
      memmove(copy + (k - 8 * (n - 1)), copy + (k - 8 * (n - 1)) + 1, n - 1 - (k - 8 * (n - 1)));
      length--;
    }
    for (size_t i = 0; i < length; i++) {
      if (!CHECK(pg_rx_push(&rx, back, copy[i]) <= 0)) return;
      if (copy[i] == 0) rx.n = 0, rx.wire = 0;
    }
  }
}

void test_primitives(void) {
  char text[65];
  uint8_t bytes[64];
  for (uint8_t i = 0; i < 64; i++) bytes[i] = i;
  begin_test("CRC-32 has the check value of the catalogue, in one piece or in many");
  EQUAL(pg_crc32(0, "123456789", 9), 0xCBF43926u);
  EQUAL(pg_crc32(pg_crc32(0, "1234", 4), "56789", 5), 0xCBF43926u);
  EQUAL(pg_crc32(0, "", 0), 0);

  begin_test("SHA-256 reproduces the examples of FIPS 180-4");
  sha("abc", 1, text);
  CHECK(strcmp(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
  sha("", 1, text);
  CHECK(strcmp(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
  sha("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, text);
  CHECK(strcmp(text, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1") == 0);
  sha("a", 1000000, text);
  CHECK(strcmp(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0") == 0);

  begin_test("SipHash-2-4-128 reproduces the vectors of its reference implementation");
  sip(bytes, 0, 1, text);
  CHECK(strcmp(text, "a3817f04ba25a8e66df67214c7550293") == 0);
  sip(bytes, 1, 1, text);
  CHECK(strcmp(text, "da87c1d86b99af44347659119b22fc45") == 0);
  sip(bytes, 63, 5, text);
  CHECK(strcmp(text, "5150d1772f50834a503e069a973fbd7c") == 0);
  test_cobs();
  test_damage();
}
