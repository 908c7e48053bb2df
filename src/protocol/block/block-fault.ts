/**
 * Why stored bytes are no block (SPEC §10.5 – §10.12): a codec nobody knows, delays that do not cover the frames, an end
 * too early or a malformed varint, a token past the decoded size, a palette index or a distance that points nowhere, bytes left over.
 */
export type BlockFault =
  | 'unknown-codec'
  | 'bad-delays'
  | 'truncated'
  | 'overrun'
  | 'bad-index'
  | 'bad-distance'
  | 'leftover'
