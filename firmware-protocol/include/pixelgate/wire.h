/* Message types and sizes of the wire (SPEC §1, §2). */
#ifndef PIXELGATE_WIRE_H
#define PIXELGATE_WIRE_H

enum pg_type {
  PG_T_HELLO = 0x01,
  PG_T_CAPS = 0x02,
  PG_T_ERR = 0x03,
  PG_T_BUSY = 0x04,
  PG_T_PROBE = 0x05,
  PG_T_ECHO = 0x06,
  PG_T_SETBAUD = 0x07,
  PG_T_LINKTEST = 0x08,
  PG_T_BEGIN = 0x10,
  PG_T_HAVEQ = 0x11,
  PG_T_HAVE = 0x12,
  PG_T_DATA = 0x13,
  PG_T_ACK = 0x14,
  PG_T_COPY = 0x15,
  PG_T_VERIFY = 0x16,
  PG_T_ACTIVATE = 0x17,
  PG_T_CONFIRM = 0x18,
  PG_T_ROLLBACK = 0x19,
  PG_T_ABORT = 0x1A,
  PG_T_BLOCKS = 0x1B,
  PG_T_LIST = 0x20,
  PG_T_DELETE = 0x21,
  PG_T_SELECT = 0x22,
  PG_T_BRIGHTNESS = 0x23,
  PG_T_PLAY = 0x24,
  PG_T_STOP = 0x25,
  PG_T_NEXT = 0x26,
  PG_T_PREVIOUS = 0x27,
  PG_T_STATUS = 0x28,
  PG_T_IDENTIFY = 0x29,
  PG_T_REBOOT = 0x2A,
  PG_T_SETID = 0x2B,
  PG_T_PAIR = 0x2C,
  PG_T_TIME = 0x2D,
  PG_T_TEST = 0x2E,
  PG_T_LOG = 0x2F,
  PG_T_FRAME = 0x30,
  PG_T_FILL = 0x31
};

#define PG_HEADER_BYTES 4u
#define PG_FRAME_EXTRA 8u /* header and CRC-32 */
#define PG_MIN_BODY 64u   /* both sides take this before CAPS (SPEC §1.8) */
#define PG_MAX_BODY 4096u
#define PG_NO_SLOT_INDEX 255u

#endif
