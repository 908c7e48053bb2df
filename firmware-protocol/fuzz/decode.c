/*
 * What the board library makes of bytes: one request a line on stdin, one JSON object a line on stdout.
 *
 *   stream HEX                                  wire bytes → the frames in them, bytes dropped, each frame encoded again
 *   content HEX                                 a frame's content → accepted or not
 *   message TYPE HEX                            a host's body → the board's verdict, and all that it answers
 *   manifest LEDS CODECS DECODE BLOCKBYTES HEX  → the code of the refusal, 0 = accepted; BEGIN's fields are its own
 *   block CODEC LEDS CHANNELS FRAMES HEX        → code, delays, pixels
 */
#include "world.c"

#define LINE (2u * 131072u)

static char line[LINE];
static uint8_t input[LINE / 2];
static size_t input_n;

static void put_hex(const uint8_t *bytes, size_t n) {
  putchar('"');
  for (size_t i = 0; i < n; i++) printf("%02x", bytes[i]);
  putchar('"');
}

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static void take_hex(const char *text) {
  input_n = 0;
  while (digit(text[0]) >= 0 && digit(text[1]) >= 0 && input_n < sizeof input) {
    input[input_n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
    text += 2;
  }
}

static uint8_t again[WIRE_MAX + 2];
static size_t again_n;

static void collect(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  MUST(again_n + n <= sizeof again, "a frame that grows when it is encoded");
  memcpy(again + again_n, bytes, n);
  again_n += n;
}

static void put_frame(const uint8_t *frame, size_t n) {
  again_n = 0;
  pg_cobs_write(frame, n, collect, NULL);
  printf("{\"version\":%u,\"type\":%u,\"session\":%u,\"seq\":%u,\"body\":", frame[0] >> 6, frame[0] & 63, frame[1],
         pg_get16(frame + 2));
  put_hex(frame + 4, n - 8);
  printf(",\"wire\":");
  put_hex(again, again_n);
  putchar('}');
}

static void do_stream(void) {
  static uint8_t buf[PG_RX_BYTES(PG_MAX_BODY)];
  pg_rx rx;
  uint32_t dropped = 0;
  unsigned frames = 0;
  memset(&rx, 0, sizeof rx);
  rx.cap = PG_MAX_BODY + PG_FRAME_EXTRA;
  printf("{\"frames\":[");
  for (size_t i = 0; i < input_n; i++) {
    const int r = pg_rx_push(&rx, buf, input[i]);
    if (r > 0) {
      if (frames++) putchar(',');
      put_frame(buf, rx.n);
    }
    if (input[i]) continue;
    if (r < 0) dropped += rx.wire;
    rx.n = 0;
    rx.wire = 0;
  }
  printf("],\"dropped\":%u}\n", (unsigned)dropped);
}

/* A receiver sees content only behind COBS, so it is wrapped here. */
static void do_content(void) {
  static uint8_t buf[PG_RX_BYTES(PG_MAX_BODY)], wire[LINE];
  const size_t n = cobs_wire(input, input_n, wire);
  pg_rx rx;
  int r = 0;
  memset(&rx, 0, sizeof rx);
  rx.cap = PG_MAX_BODY + PG_FRAME_EXTRA;
  for (size_t i = 0; i < n; i++) r = pg_rx_push(&rx, buf, wire[i]);
  printf("{\"accepted\":%s}\n", r > 0 ? "true" : "false");
}

static unsigned told;

static void tell(const world_reply *r) {
  printf("%s{\"type\":%u,\"seq\":%u,\"body\":", told++ ? "," : "", r->type, r->seq);
  put_hex(r->body, r->n);
  putchar('}');
}

/* Each message meets a board that has just opened its session. */
static void do_message(unsigned type) {
  static world w;
  static const world_shape shape = {.bytes = 4096, .unit = 256, .decode_bytes = 256, .max_baud = 0xFFFFFFFFu, .leds = 64,
                                    .max_body = 4096, .block_bytes = 4096, .live_bytes = 256, .slots = 1};
  const uint8_t hello[5] = {1, 1, 0, 16, 0};
  world_open(&w, &shape);
  world_frame(&w, 1, PG_T_HELLO, 9, 1, hello, sizeof hello);
  w.replies = 0;
  w.heard = tell;
  told = 0;
  printf("{\"answers\":[");
  world_frame(&w, 1, (uint8_t)type, 9, 2, input, input_n);
  for (unsigned i = 0; i < 40 && w.board.job.type; i++) pg_board_poll(&w.board, w.now);
  printf("]}\n");
  w.heard = NULL;
  world_close(&w);
}

static int read_input(void *ctx, uint32_t addr, void *bytes, uint32_t n) {
  (void)ctx;
  MUST(addr <= input_n && n <= input_n - addr, "read of %u at %u of %zu", (unsigned)n, (unsigned)addr, input_n);
  memcpy(bytes, input + addr, n);
  return 0;
}

static const pg_storage stored = {read_input, NULL, NULL, NULL, 0, 1};

/* BEGIN said what the manifest says, except that the number of blocks must be possible and fit what was sent. */
static void do_manifest(unsigned leds, unsigned codecs, unsigned decode, unsigned block) {
  uint16_t detail = 0;
  int r = PG_BAD_MANIFEST;
  if (input_n >= PG_MANIFEST_FIXED) {
    const uint16_t blocks = pg_get16(input + PG_M_BLOCKS);
    const pg_manifest_limits l = {(uint32_t)input_n, pg_get32(input + PG_M_IMAGE_BYTES), blocks, (uint16_t)leds,
                                  (uint16_t)block,   (uint16_t)codecs,                   decode};
    r = pg_manifest_check(&stored, 0, &l, &detail);
  }
  printf("{\"code\":%d,\"detail\":%u}\n", -r, detail);
}

static uint8_t *pixels;
static size_t pixels_n;

static void keep(void *ctx, uint8_t *bytes, uint16_t n) {
  (void)ctx;
  memcpy(pixels + pixels_n, bytes, n);
  pixels_n += n;
}

static void do_block(unsigned codec, unsigned leds, unsigned channels, unsigned frames) {
  const size_t size = (size_t)leds * channels * frames;
  const pg_entry e = {0, (uint16_t)input_n, (uint8_t)codec, (uint8_t)frames};
  uint8_t *window = malloc(size + 1);
  uint32_t delays[256] = {0};
  pg_decoder d;
  pixels = malloc(size + 1);
  pixels_n = 0;
  int r = pg_decoder_open(&d, &stored, 0, &e, (uint16_t)leds, (uint8_t)channels, window, (uint32_t)size);
  for (unsigned i = 0; i < frames && r == 0; i++) r = pg_decoder_frame(&d, keep, NULL, &delays[i]);
  printf("{\"code\":%d", -r);
  if (r == 0) {
    printf(",\"delays\":[");
    for (unsigned i = 0; i < frames; i++) printf("%s%u", i ? "," : "", (unsigned)delays[i]);
    printf("],\"pixels\":");
    put_hex(pixels, pixels_n);
  }
  printf("}\n");
  free(window);
  free(pixels);
}

int main(void) {
  while (fgets(line, sizeof line, stdin)) {
    char what[16];
    unsigned a[4] = {0};
    int at = 0;
    if (sscanf(line, "%15s%n", what, &at) != 1) continue;
    const unsigned numbers = !strcmp(what, "message") ? 1 : !strcmp(what, "manifest") || !strcmp(what, "block") ? 4 : 0;
    for (unsigned i = 0; i < numbers; i++) {
      int more = 0;
      MUST(sscanf(line + at, "%u%n", &a[i], &more) == 1, "%s wants %u numbers", what, numbers);
      at += more;
    }
    while (line[at] == ' ') at++;
    take_hex(line + at);
    if (!strcmp(what, "stream")) do_stream();
    else if (!strcmp(what, "content")) do_content();
    else if (!strcmp(what, "message")) do_message(a[0]);
    else if (!strcmp(what, "manifest")) do_manifest(a[0], a[1], a[2], a[3]);
    else if (!strcmp(what, "block")) do_block(a[0], a[1], a[2], a[3]);
    else DIE("%s is no request", what);
  }
  return 0;
}
