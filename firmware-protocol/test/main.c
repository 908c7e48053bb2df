#include "rig.h"

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  test_primitives();
  test_codecs();
  test_records();
  test_session();
  test_transfer();
  test_copies();
  test_stream();
  test_power();
  test_cards();
  test_pairing();
  test_pairing_manifests();
  test_pairing_cuts();
  test_player();
  test_fuzz();
  test_vectors();
  begin_test(NULL);
  printf("%u passed, %u failed\n", passed, failed);
  return failed != 0;
}
